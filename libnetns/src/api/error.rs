//! The error of the public API: an errno and a one-line message.

use std::fmt::{self, Debug, Display, Formatter};
use std::io;

use crate::error::Failure;
use crate::explain::Subject;

/// The result of every function of this crate that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// The reason why a call failed.
///
/// It displays as one line for an operator, `verb "object": step: reason (cause or remedy)`, which is
/// complete without further context:
///
/// ```text
/// create "blue": bind on /run/netns/blue: Operation not permitted (needs CAP_SYS_ADMIN over the mount namespace)
/// ```
///
/// # Examples
///
/// ```
/// use libnetns::{ErrorKind, Namespace};
///
/// let error = Namespace::open("/dev/null").unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::NotANamespace);
/// assert_eq!(
///     error.to_string(),
///     "open \"/dev/null\": identify /dev/null: not a network namespace (not a namespace file)"
/// );
/// ```
#[derive(Clone)]
pub struct Error {
    errno: i32,
    line: Box<str>,
}

/// The category of an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The name, path, process, interface, address or route does not exist.
    NotFound,
    /// The object to be created exists.
    AlreadyExists,
    /// A capability or a permission is missing.
    PermissionDenied,
    /// The object is not a network namespace.
    NotANamespace,
    /// An argument is invalid.
    InvalidInput,
    /// Another process is in the way temporarily (`EAGAIN`), so the call may succeed if it is repeated; or
    /// another use or mount has to end first (`EBUSY`).
    Busy,
    /// The address and port, or the link-layer address, are in use.
    AddrInUse,
    /// Nothing listens at the address and port.
    ConnectionRefused,
    /// The other end of a connection, or the kernel, did not reply in time.
    TimedOut,
    /// The run directory is on a file system that is mounted read-only.
    ReadOnlyFilesystem,
    /// Out of memory, descriptors or space, or at a limit of the kernel.
    OutOfResources,
    /// This kernel, file system or driver does not support it.
    Unsupported,
    /// The calling thread could not switch back to its own network namespace. The thread must end.
    ThreadLost,
    /// Any other failure: see [`Error::errno`].
    Other,
}

impl Error {
    pub(super) fn new(subject: &Subject, failure: Failure) -> Error {
        let line = subject.explain(failure).to_string().into_boxed_str();
        Error { errno: failure.errno as i32, line }
    }

    /// Returns the errno.
    ///
    /// # Examples
    ///
    /// ```
    /// let error = libnetns::Namespace::open("no such name").unwrap_err();
    /// assert_eq!(error.errno(), 2); // ENOENT
    /// ```
    pub fn errno(&self) -> i32 {
        self.errno
    }

    /// Returns the category of the failure.
    ///
    /// # Examples
    ///
    /// ```
    /// use libnetns::{ErrorKind, Namespace};
    ///
    /// match Namespace::open("no such name") {
    ///     Err(error) if error.kind() == ErrorKind::NotFound => println!("{error}"),
    ///     result => panic!("{result:?}"),
    /// }
    /// ```
    pub fn kind(&self) -> ErrorKind {
        match self.errno {
            libc::ENOENT
            | libc::ESRCH
            | libc::ENODEV
            | libc::ENXIO
            | libc::EADDRNOTAVAIL
            | libc::ENODATA
            | libc::ESTALE => ErrorKind::NotFound,
            libc::EEXIST => ErrorKind::AlreadyExists,
            libc::EPERM | libc::EACCES => ErrorKind::PermissionDenied,
            libc::ENOTTY => ErrorKind::NotANamespace,
            libc::EINVAL | libc::ENAMETOOLONG | libc::E2BIG | libc::ERANGE => {
                ErrorKind::InvalidInput
            }
            libc::EAGAIN | libc::EBUSY | libc::EINTR => ErrorKind::Busy,
            libc::EADDRINUSE => ErrorKind::AddrInUse,
            libc::ECONNREFUSED => ErrorKind::ConnectionRefused,
            libc::ETIMEDOUT => ErrorKind::TimedOut,
            libc::EROFS => ErrorKind::ReadOnlyFilesystem,
            libc::EMFILE | libc::ENFILE | libc::ENOMEM | libc::ENOSPC | libc::ENOBUFS => {
                ErrorKind::OutOfResources
            }
            libc::EOPNOTSUPP | libc::ENOSYS | libc::EAFNOSUPPORT | libc::EPROTONOSUPPORT => {
                ErrorKind::Unsupported
            }
            libc::ENOTRECOVERABLE => ErrorKind::ThreadLost,
            _ => ErrorKind::Other,
        }
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        f.write_str(&self.line)
    }
}

impl Debug for Error {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        f.debug_struct("Error").field("errno", &self.errno).field("message", &self.line).finish()
    }
}

impl std::error::Error for Error {}

/// Converts to an [`io::Error`] of the kind that std assigns to the errno. It displays the same line.
///
/// # Examples
///
/// ```
/// use std::io;
///
/// fn open() -> io::Result<libnetns::Namespace> {
///     Ok(libnetns::Namespace::open("no such name")?)
/// }
/// assert_eq!(open().unwrap_err().kind(), io::ErrorKind::NotFound);
/// ```
impl From<Error> for io::Error {
    fn from(error: Error) -> io::Error {
        io::Error::new(io::Error::from_raw_os_error(error.errno).kind(), error)
    }
}

/// Adds the subject of a call to a failure.
pub trait About<T> {
    fn about(self, subject: &Subject) -> Result<T>;
}

impl<T> About<T> for crate::error::Result<T> {
    fn about(self, subject: &Subject) -> Result<T> {
        self.map_err(|failure| Error::new(subject, failure))
    }
}
