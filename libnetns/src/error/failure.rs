//! A failure: the errno, the step that failed, and a hint for the caller.
//!
//! A [`Failure`] is small, `Copy` and created without allocating, because `enter`, `leave`, `socket` and
//! `setns` guarantee not to allocate even when they fail, and because a child of a multithreaded process
//! creates failures as well. Only the top level knows the subject of the call, so the two are combined when
//! the message is written.

use nix::errno::Errno;

use super::step::Step;

pub type Result<T> = std::result::Result<T, Failure>;

/// The reason why a call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The errno that the call returns.
    pub errno: Errno,
    /// The errno of the system call, if the API documents another one.
    cause: Errno,
    pub step: Step,
    /// The meaning of `number`. It is stored beside the step, where there is space: an enum that contains the
    /// number would make every `Result` of the library larger.
    counted: Counted,
    number: u32,
    /// More specific than the step's own advice.
    pub hint: Option<&'static str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Counted {
    Nothing,
    /// The number of the rtnetlink request that the kernel rejected.
    Requests,
    /// The index of the mount, file or descriptor at which the step failed.
    Items,
}

const _: () = assert!(size_of::<Failure>() <= 32);

impl Failure {
    pub fn new(step: Step, errno: impl Into<Cause>) -> Failure {
        let Cause(errno) = errno.into();
        Failure { errno, cause: errno, step, counted: Counted::Nothing, number: 0, hint: None }
    }

    /// An argument of the caller is invalid or missing, and no specific step names it.
    pub fn invalid(what: &'static str) -> Failure {
        Failure::invalid_at(Step::Argument, what)
    }

    /// The same with a step, such as [`Step::Name`], that names the argument.
    pub fn invalid_at(step: Step, what: &'static str) -> Failure {
        Failure::new(step, Errno::EINVAL).hint(what)
    }

    /// The new name already exists.
    pub fn exists() -> Failure {
        Failure::new(Step::Exists, Errno::EEXIST)
    }

    /// The file is not a network namespace; `what` says what it is.
    pub fn not_a_namespace(what: &'static str) -> Failure {
        Failure::new(Step::Prove, Errno::ENOTTY).hint(what)
    }

    /// Out of memory for the library's own data.
    pub fn no_memory() -> Failure {
        Failure::new(Step::Memory, Errno::ENOMEM)
    }

    pub fn hint(self, hint: &'static str) -> Failure {
        Failure { hint: Some(hint), ..self }
    }

    /// Returns the same failure with a step that is more specific.
    pub fn at_step(self, step: Step) -> Failure {
        Failure { step, ..self }
    }

    /// Returns the failure of the rtnetlink request with this number.
    pub fn of_request(self, number: u32) -> Failure {
        Failure { counted: Counted::Requests, number, ..self }
    }

    /// Returns the number of the rtnetlink request that the kernel rejected.
    pub fn request(&self) -> Option<u32> {
        (self.counted == Counted::Requests).then_some(self.number)
    }

    /// Returns the index of the mount, file or descriptor at which the step failed.
    pub fn item(&self) -> Option<usize> {
        (self.counted == Counted::Items).then_some(self.number as usize)
    }

    /// Returns the errno of the system call.
    pub fn cause(&self) -> Errno {
        self.cause
    }

    /// Returns the same failure with the errno that the API documents.
    pub fn as_errno(self, errno: Errno) -> Failure {
        Failure { errno, ..self }
    }
}

/// An errno from any of the crates that make system calls. An unnamed errno would become nix's 0, which means
/// success; the kernel occasionally leaks internal ones, and a seccomp filter may return any number.
pub struct Cause(Errno);

impl From<Errno> for Cause {
    fn from(errno: Errno) -> Cause {
        match errno {
            Errno::UnknownErrno => Cause(Errno::EIO),
            errno => Cause(errno),
        }
    }
}

impl From<rustix::io::Errno> for Cause {
    fn from(errno: rustix::io::Errno) -> Cause {
        self::errno(errno).into()
    }
}

/// Converts an errno of rustix to one of nix.
pub fn errno(errno: rustix::io::Errno) -> Errno {
    Errno::from_raw(errno.raw_os_error())
}

impl From<std::io::Error> for Cause {
    fn from(failure: std::io::Error) -> Cause {
        failure.raw_os_error().map_or(Errno::EAGAIN, Errno::from_raw).into()
    }
}

/// Adds the failed step to a `Result`.
pub trait At<T>: Sized {
    fn at(self, step: Step) -> Result<T>;

    /// The same for a step that processes several items, of which this one failed.
    fn at_item(self, step: Step, item: usize) -> Result<T> {
        self.at(step).map_err(|failure| Failure {
            counted: Counted::Items,
            number: item as u32,
            ..failure
        })
    }
}

impl<T, E: Into<Cause>> At<T> for std::result::Result<T, E> {
    fn at(self, step: Step) -> Result<T> {
        self.map_err(|errno| Failure::new(step, errno))
    }
}
