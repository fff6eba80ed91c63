//! The handle of a network namespace.

use std::ffi::OsStr;
use std::fmt::{self, Debug, Display, Formatter};
use std::hash::{Hash, Hasher};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::Path;

use crate::error::{Failure, Step};
use crate::explain::{Object, Subject};
use crate::namespace::by_id::{self, Inode};
use crate::namespace::{handle, visit};
use crate::rundir::name::{DEFAULT_RUN_DIR, Name};
use crate::rundir::open::{open_named, open_path};

use super::error::{About, Result};
use super::subject::{about, about_handle};
use super::text::{CText, os_str};
use super::visit::{Visit, VisitFrom};

/// An open network namespace.
///
/// The handle keeps the namespace alive, whatever happens to its name. It may be used from any thread, and
/// from several threads at the same time. Two handles are equal if they refer to the same namespace.
///
/// It holds a descriptor of the namespace and, after the first call that uses rtnetlink, a second descriptor
/// of a socket in the namespace. Both are close-on-exec.
///
/// # Examples
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
/// # fn main() { in_world(example) }
/// # fn example() -> libnetns::Result<()> {
/// use libnetns::{Namespace, RunDir, link};
///
/// let blue = RunDir::default().create("blue")?; // as `ip netns add blue`
/// link::set_up(&blue, "lo")?;
///
/// // A socket in the namespace. The calling thread stays in its own.
/// let listener = blue.tcp_listener(([127, 0, 0, 1], 8080))?;
///
/// // The calling thread switches to the namespace and back.
/// let links = blue.run(|| std::fs::read_to_string("/proc/thread-self/net/dev"))?;
/// # assert!(links.unwrap().contains("lo:"));
/// # drop(listener);
/// assert_eq!(Namespace::open("blue")?, blue);
/// # Ok(()) }
/// ```
pub struct Namespace {
    pub(super) handle: handle::Namespace,
}

impl Namespace {
    /// Opens a network namespace by its name in `/run/netns` or, if the name contains a `/`, by its path.
    ///
    /// # Errors
    ///
    /// `ENOENT` if it does not exist, `ENOTTY` if the file is not a network namespace, `EACCES` without
    /// permission, `EINVAL` and `ENAMETOOLONG` for an invalid name.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
    /// # fn main() { in_world(example) }
    /// # fn example() -> libnetns::Result<()> {
    /// use libnetns::{Namespace, RunDir};
    ///
    /// RunDir::default().create("blue")?;
    /// assert_eq!(Namespace::open("blue")?, Namespace::open("/run/netns/blue")?);
    /// assert!(Namespace::open("/proc/self/ns/net")?.is_current()?);
    /// # Ok(()) }
    /// ```
    #[doc(alias = "netns_open")]
    pub fn open(name: impl AsRef<OsStr>) -> Result<Namespace> {
        let name = name.as_ref();
        if name.as_encoded_bytes().contains(&b'/') {
            return Namespace::open_path(Path::new(name));
        }
        let text = CText::new(name);
        let subject = about("open", Object::Name(text.shown()));
        Namespace::from_result(&subject, || {
            open_named(DEFAULT_RUN_DIR, Name::new(text.whole(Step::Name)?)?)
        })
    }

    /// Opens a network namespace by its path, such as `/proc/1/ns/net`. Symbolic links are followed.
    ///
    /// # Errors
    ///
    /// Those of [`Namespace::open`].
    ///
    /// # Examples
    ///
    /// ```
    /// let own = libnetns::Namespace::open_path("/proc/self/ns/net")?;
    /// # Ok::<(), libnetns::Error>(())
    /// ```
    #[doc(alias = "netns_open")]
    pub fn open_path(path: impl AsRef<Path>) -> Result<Namespace> {
        let text = CText::new(path.as_ref());
        let subject = about("open", Object::Path(text.shown()));
        Namespace::from_result(&subject, || open_path(text.whole(Step::OpenPath)?))
    }

    /// Opens the network namespace of a process or thread.
    ///
    /// # Errors
    ///
    /// `ESRCH` if the process does not exist, `EACCES` without permission to inspect it.
    ///
    /// # Examples
    ///
    /// ```
    /// use libnetns::Namespace;
    ///
    /// let own = Namespace::of_pid(std::process::id())?;
    /// assert_eq!(own, Namespace::current()?);
    /// # Ok::<(), libnetns::Error>(())
    /// ```
    #[doc(alias = "netns_open_pid")]
    pub fn of_pid(pid: u32) -> Result<Namespace> {
        Namespace::from_result(&about("open", Object::Pid(pid.into())), || {
            let too_high = Failure::invalid_at(Step::ProcessId, "the process ID is too large");
            handle::Namespace::open_pid(i32::try_from(pid).map_err(|_| too_high)?)
        })
    }

    /// Opens the network namespace that a descriptor refers to: that of a namespace file, a socket or a
    /// pidfd.
    ///
    /// # Errors
    ///
    /// `ENOTTY` if the descriptor is none of these, `EPERM` or `EACCES` without permission, `ESRCH` if the
    /// pidfd's process has ended.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
    /// # fn main() { in_world(example) }
    /// # fn example() -> libnetns::Result<()> {
    /// use libnetns::Namespace;
    ///
    /// let sandbox = Namespace::anonymous()?;
    /// let socket = sandbox.udp_socket(([0, 0, 0, 0], 0))?;
    /// assert_eq!(Namespace::of_fd(&socket)?, sandbox);
    /// # Ok(()) }
    /// ```
    #[doc(alias = "netns_open_fd")]
    pub fn of_fd(fd: impl AsFd) -> Result<Namespace> {
        let fd = fd.as_fd();
        let subject = about("open", Object::Descriptor(fd.as_raw_fd()));
        Namespace::from_result(&subject, || handle::Namespace::open_fd(fd))
    }

    /// Opens a network namespace by its inode number and its cookie, whether it has a name or not.
    ///
    /// From Linux 6.18 on, the kernel finds it by its cookie. Otherwise the call searches `/proc`.
    ///
    /// # Errors
    ///
    /// `ENOENT` if the caller can see no namespace with this inode number; `ESTALE` if the namespace with
    /// this cookie no longer exists or may not be inspected by the caller.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
    /// # fn main() { in_world(example) }
    /// # fn example() -> libnetns::Result<()> {
    /// use libnetns::Namespace;
    ///
    /// let sandbox = Namespace::anonymous()?;
    /// assert_eq!(Namespace::open_id(sandbox.inode(), sandbox.cookie().ok())?, sandbox);
    /// # Ok(()) }
    /// ```
    #[doc(alias = "netns_open_id")]
    pub fn open_id(inode: u64, cookie: Option<u64>) -> Result<Namespace> {
        let shown = Inode(inode);
        let subject = about("open", Object::Handle(&shown));
        Namespace::from_result(&subject, || by_id::open_id(inode, cookie))
    }

    /// Opens the calling thread's network namespace.
    ///
    /// # Errors
    ///
    /// `EMFILE` and other resource shortages; before Linux 6.11, `ENOENT` if `/proc` is not mounted.
    ///
    /// # Examples
    ///
    /// ```
    /// assert!(libnetns::Namespace::current()?.is_current()?);
    /// # Ok::<(), libnetns::Error>(())
    /// ```
    #[doc(alias = "netns_open_current")]
    pub fn current() -> Result<Namespace> {
        let subject = about("open the calling thread's namespace", Object::Nothing);
        Namespace::from_result(&subject, handle::Namespace::open_current)
    }

    pub(super) fn from_result(
        subject: &Subject,
        opened: impl FnOnce() -> std::result::Result<handle::Namespace, Failure>,
    ) -> Result<Namespace> {
        Ok(Namespace { handle: opened().about(subject)? })
    }

    /// Returns a second handle of the same namespace, with the same name and path.
    ///
    /// # Errors
    ///
    /// `EMFILE`, `ENFILE` and `ENOMEM`.
    ///
    /// # Examples
    ///
    /// ```
    /// let own = libnetns::Namespace::current()?;
    /// assert_eq!(own.try_clone()?, own);
    /// # Ok::<(), libnetns::Error>(())
    /// ```
    #[doc(alias = "netns_dup")]
    pub fn try_clone(&self) -> Result<Namespace> {
        let subject = about_handle("duplicate", &self.handle);
        Namespace::from_result(&subject, || self.handle.try_clone())
    }

    /// Returns the name that it was created with or opened by.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
    /// # fn main() { in_world(example) }
    /// # fn example() -> libnetns::Result<()> {
    /// use std::ffi::OsStr;
    /// use std::path::Path;
    ///
    /// let blue = libnetns::RunDir::default().create("blue")?;
    /// assert_eq!(blue.name(), Some(OsStr::new("blue")));
    /// assert_eq!(blue.path(), Some(Path::new("/run/netns/blue")));
    /// # Ok(()) }
    /// ```
    #[doc(alias = "netns_name")]
    pub fn name(&self) -> Option<&OsStr> {
        self.handle.name().map(os_str)
    }

    /// Returns the path that it was opened by, or the path of its name.
    #[doc(alias = "netns_path")]
    pub fn path(&self) -> Option<&Path> {
        self.handle.path().map(|path| Path::new(os_str(path)))
    }

    /// Returns its inode number, which `ls -l /proc/*/ns/net` shows. The number is unique as long as the
    /// namespace exists.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::os::unix::fs::MetadataExt;
    ///
    /// let own = libnetns::Namespace::current()?;
    /// let file = std::fs::metadata("/proc/thread-self/ns/net").unwrap();
    /// assert_eq!((own.device(), own.inode()), (file.dev(), file.ino()));
    /// # Ok::<(), libnetns::Error>(())
    /// ```
    #[doc(alias = "netns_inode")]
    pub fn inode(&self) -> u64 {
        self.handle.inode()
    }

    /// Returns the device number that belongs to the inode number: that of nsfs.
    #[doc(alias = "netns_device")]
    pub fn device(&self) -> u64 {
        self.handle.device()
    }

    /// Returns its cookie, a number that is not used for another network namespace until the next boot.
    ///
    /// # Errors
    ///
    /// `EOPNOTSUPP` before Linux 5.14; before Linux 6.18, those of [`Namespace::socket`].
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
    /// # fn main() { in_world(example) }
    /// # fn example() -> libnetns::Result<()> {
    /// use libnetns::Namespace;
    ///
    /// assert_ne!(Namespace::anonymous()?.cookie()?, Namespace::anonymous()?.cookie()?);
    /// # Ok(()) }
    /// ```
    #[doc(alias = "netns_cookie")]
    pub fn cookie(&self) -> Result<u64> {
        self.handle.cookie().about(&about_handle("get the cookie of", &self.handle))
    }

    /// Returns whether the calling thread is in it.
    ///
    /// # Errors
    ///
    /// Those of [`Namespace::current`].
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
    /// # fn main() { in_world(example) }
    /// # fn example() -> libnetns::Result<()> {
    /// let sandbox = libnetns::Namespace::anonymous()?;
    /// assert!(!sandbox.is_current()?);
    /// assert!(sandbox.run(|| sandbox.is_current())??);
    /// # Ok(()) }
    /// ```
    #[doc(alias = "netns_is_current")]
    pub fn is_current(&self) -> Result<bool> {
        let verb = "compare with the calling thread's namespace";
        self.handle.is_current().about(&about_handle(verb, &self.handle))
    }

    /// Switches the calling thread to this namespace until the returned guard is dropped.
    ///
    /// Other threads are not affected. Threads that are started meanwhile start in the namespace and stay
    /// there.
    ///
    /// # Errors
    ///
    /// `EPERM` if the thread may not enter the namespace, or could not switch back.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
    /// # fn main() { in_world(example) }
    /// # fn example() -> libnetns::Result<()> {
    /// let sandbox = libnetns::Namespace::anonymous()?;
    /// let visit = sandbox.enter()?;
    /// assert!(sandbox.is_current()?);
    /// visit.leave()?;
    /// assert!(!sandbox.is_current()?);
    /// # Ok(()) }
    /// ```
    #[doc(alias = "netns_enter")]
    pub fn enter(&self) -> Result<Visit> {
        Visit::begin(self.handle.proved()).about(&about_handle("enter", &self.handle))
    }

    /// Calls `f` with the calling thread in this namespace, and returns its result.
    ///
    /// The thread has switched back when this returns. A [`Visit`] that `f` has begun ends as well. If `f`
    /// ends a visit that began before the call, the thread switches back to where it was before that visit,
    /// and stays there.
    ///
    /// If `f` panics, the thread switches back while the stack unwinds. If it cannot switch back, because `f`
    /// dropped its capabilities, this is not reported: the panic continues in the wrong namespace.
    ///
    /// # Errors
    ///
    /// `EPERM` if the thread may not enter the namespace or could not switch back; `f` is not called.
    /// `ENOTRECOVERABLE` if the thread did not switch back, because `f` dropped its capabilities; the value
    /// that `f` returned is dropped in the wrong namespace.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
    /// # fn main() { in_world(example) }
    /// # fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::net::UdpSocket;
    ///
    /// let sandbox = libnetns::CreateOptions::new().lo_up(true).anonymous()?;
    /// let socket = sandbox.run(|| UdpSocket::bind("127.0.0.1:53"))??;
    /// # drop(socket);
    /// # Ok(()) }
    /// ```
    #[doc(alias = "netns_run")]
    pub fn run<T>(&self, f: impl FnOnce() -> T) -> Result<T> {
        let visit =
            Visit::begin(self.handle.proved()).about(&about_handle("run in", &self.handle))?;
        let value = f();
        // A visit that `f` ended together with an earlier one must not switch back again.
        visit.end().about(&about("run", Object::Nothing))?;
        Ok(value)
    }

    /// Does the same as [`Namespace::run`], but switches back to `home`, a handle that the caller keeps. This
    /// only switches namespaces twice; it needs neither `/proc` nor another descriptor.
    ///
    /// `home` is the thread's namespace, opened with [`Namespace::current`]. The thread is in `home`
    /// afterwards. Whether it was in `home` before is not checked.
    ///
    /// The first call with a handle as `home` also verifies that a thread can switch to it. The result is
    /// cached for all threads of the process. A thread that has changed its user namespace since must open
    /// `home` again.
    ///
    /// # Errors
    ///
    /// Those of [`Namespace::run`].
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
    /// # fn main() { in_world(example) }
    /// # fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use libnetns::Namespace;
    /// use std::net::UdpSocket;
    ///
    /// let home = Namespace::current()?; // once
    /// let sandbox = libnetns::CreateOptions::new().lo_up(true).anonymous()?;
    /// for port in 5000..5010 {
    ///     let socket = sandbox.run_from(&home, || UdpSocket::bind(("127.0.0.1", port)))??;
    ///     # drop(socket);
    /// }
    /// assert!(home.is_current()?);
    /// # Ok(()) }
    /// ```
    #[doc(alias = "netns_run_from")]
    pub fn run_from<T>(&self, home: &Namespace, f: impl FnOnce() -> T) -> Result<T> {
        let subject = about_handle("run in", &self.handle);
        let visit =
            VisitFrom::begin(home.handle.as_home(), self.handle.proved()).about(&subject)?;
        let value = f();
        visit.end().about(&about("run", Object::Nothing))?;
        Ok(value)
    }

    /// Switches the calling thread to this namespace permanently.
    ///
    /// Unlike [`Namespace::enter`], this needs no capability over the thread's current namespace.
    ///
    /// # Errors
    ///
    /// `EPERM` if the thread may not enter the namespace.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
    /// # fn main() { in_world(example) }
    /// # fn example() -> libnetns::Result<()> {
    /// let sandbox = libnetns::Namespace::anonymous()?;
    /// std::thread::scope(|scope| {
    ///     scope.spawn(|| {
    ///         sandbox.switch_to()?;
    ///         // This thread works in the namespace until it ends.
    ///         assert!(sandbox.is_current()?);
    ///         libnetns::Result::Ok(())
    ///     });
    /// });
    /// # Ok(()) }
    /// ```
    #[doc(alias = "netns_setns")]
    pub fn switch_to(&self) -> Result<()> {
        visit::set(self.handle.proved()).about(&about_handle("switch to", &self.handle))
    }
}

impl AsFd for Namespace {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.handle.as_fd()
    }
}

impl AsRawFd for Namespace {
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}

/// Converts to the handle's descriptor, that of a namespace file.
impl From<Namespace> for OwnedFd {
    fn from(ns: Namespace) -> OwnedFd {
        ns.handle.into_fd()
    }
}

/// Compares whether they are the same network namespace.
impl PartialEq for Namespace {
    fn eq(&self, other: &Namespace) -> bool {
        self.handle == other.handle
    }
}

impl Eq for Namespace {}

impl Hash for Namespace {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inode().hash(state);
    }
}

/// Displays the name or path in quotes, or `net:[inode]`, as messages do.
impl Display for Namespace {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        Display::fmt(&self.handle, f)
    }
}

impl Debug for Namespace {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        f.debug_struct("Namespace")
            .field("path", &self.path())
            .field("inode", &self.inode())
            .field("fd", &self.as_raw_fd())
            .finish()
    }
}
