//! The handle of a network namespace, and every way to open one.
//!
//! A handle is one descriptor of nsfs and what was learnt of it when it was opened, and from its first
//! rtnetlink request on a connection. It tells the same for ever, any number of threads may use it at
//! once, and it keeps the namespace alive without its name.

mod descriptor;

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, FcntlArg, OFlag, fcntl};
use nix::sys::stat::stat;
use nix::sys::statfs::{FsType, fstatfs};

use crate::entry::{self, Name};
use crate::error::{At, Error, Result, Step};
use crate::file_status;
use crate::identity::{self, Identity, OPEN_FLAGS};
use crate::names;
use crate::netlink::Kept;
use crate::process;
use crate::procfs::{self, ProcPath};
use crate::retry::{fstat, on_signal, open};
use crate::rundir::{default_name, join};
use crate::switch::{self, Destination};
use crate::sys;

use descriptor::Descriptor;

/// SOCKFS_MAGIC, which <linux/magic.h> lacks.
const SOCKFS: FsType = FsType(0x534f_434b);
/// Where pidfds live from Linux 6.9 on, and where they lived before.
const PIDFS: FsType = FsType(0x5049_4446);
const ANON_INODES: FsType = FsType(0x0904_1934);

#[derive(Debug)]
pub struct Namespace {
    fd: Descriptor,
    identity: Identity,
    path: Option<CString>,
    /// Where in `path` the name begins, if it has one.
    name: Option<usize>,
    connection: Kept,
}

impl AsFd for Namespace {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl PartialEq for Namespace {
    fn eq(&self, other: &Namespace) -> bool {
        // Both are held open, so neither inode can have been given to another namespace.
        self.identity.inode == other.identity.inode
    }
}

impl Namespace {
    /// A handle of what `fd` is proved to be.
    pub fn from_fd(fd: OwnedFd) -> Result<Namespace> {
        let identity = identity::of_fd(fd.as_fd())?.network()?;
        Ok(Namespace::new(fd, identity))
    }

    fn new(fd: OwnedFd, identity: Identity) -> Namespace {
        let fd = Descriptor::new(fd, identity.inode);
        Namespace { fd, identity, path: None, name: None, connection: Kept::default() }
    }

    pub fn open_named(rundir: &CStr, name: Name) -> Result<Namespace> {
        let path = join(rundir, name)?;
        if let Some((fd, identity)) = identity::open_by_handle(&path) {
            return Ok(Namespace::new(fd, identity).with_name(path, name));
        }
        let found = identity::open_on_nsfs(AT_FDCWD, &path, OFlag::O_NOFOLLOW);
        let fd = found.map_err(|errno| why_not(&path, errno))?;
        let ns = from_nsfs(fd).map_err(|error| entry::describe(&path, error))?;
        Ok(ns.with_name(path, name))
    }

    /// Symlinks are followed here: /proc/PID/ns/net is one.
    pub fn open_path(path: &CStr) -> Result<Namespace> {
        let kept = names::copy(path)?;
        let found = identity::open_on_nsfs(AT_FDCWD, path, OFlag::empty());
        let fd = found.map_err(|errno| why_not_path(path, errno))?;
        let ns = from_nsfs(fd)?;
        Ok(match default_name(path) {
            Some(name) => ns.with_name(kept, name),
            None => Namespace { path: Some(kept), ..ns },
        })
    }

    /// The namespace of a process, or of a thread that leads none.
    pub fn open_pid(pid: i32) -> Result<Namespace> {
        if pid <= 0 {
            return Err(Error::invalid_at(Step::ProcessId, "it has to be greater than 0"));
        }
        Namespace::from_fd(of_pid(pid)?)
    }

    /// The namespace that a descriptor of nsfs, a socket or a pidfd refers to.
    pub fn open_fd(fd: BorrowedFd) -> Result<Namespace> {
        let found = match on_signal(|| fstatfs(fd)).at(Step::Prove)?.filesystem_type() {
            identity::NSFS => duplicate(fd)?,
            // SAFETY: nothing but sockets is on sockfs.
            SOCKFS => unsafe { sys::namespace_of_socket(fd) }.at(Step::FindNamespace)?,
            // SAFETY: nothing but pidfds is on pidfs.
            PIDFS => unsafe { of_pidfd(fd) }?,
            ANON_INODES => of_old_pidfd(fd)?,
            _ => {
                return Err(Error::not_a_namespace(
                    "neither a namespace file, nor a socket, nor a pidfd",
                ));
            }
        };
        Namespace::from_fd(found)
    }

    pub fn open_current() -> Result<Namespace> {
        Namespace::from_fd(switch::open_current()?)
    }

    /// A second handle, with a descriptor and a connection of its own.
    pub fn try_clone(&self) -> Result<Namespace> {
        let path = self.path().map(names::copy).transpose()?;
        let fd = self.fd.try_clone().at(Step::Duplicate)?;
        Ok(Namespace { path, name: self.name, ..Namespace::new(fd, self.identity) })
    }

    /// The same handle under the name that it has at `path`.
    pub fn with_name(self, path: CString, name: Name) -> Namespace {
        let start = path.as_bytes().len() - name.as_cstr().to_bytes().len();
        Namespace { path: Some(path), name: Some(start), ..self }
    }

    pub fn name(&self) -> Option<&CStr> {
        let bytes = self.path.as_ref()?.as_bytes_with_nul();
        CStr::from_bytes_with_nul(bytes.get(self.name?..)?).ok()
    }

    pub fn path(&self) -> Option<&CStr> {
        self.path.as_deref()
    }

    pub fn inode(&self) -> u64 {
        self.identity.inode
    }

    /// For [`netlink::with`](crate::netlink::with), and nobody else.
    pub fn connection(&self) -> &Kept {
        &self.connection
    }

    /// The device that stat(2) gives for every namespace, the same until the next boot.
    pub fn device(&self) -> u64 {
        fstat(&self.fd).map_or(0, |file| file_status::device(&file))
    }

    /// The number that no other namespace has, before or after.
    pub fn cookie(&self) -> Result<u64> {
        if let Some(cookie) = self.identity.cookie {
            return Ok(cookie);
        }
        // SAFETY: it has been proved to be a namespace's descriptor.
        if let Ok(id) = unsafe { sys::namespace_id(self.as_fd()) } {
            return Ok(id);
        }
        let socket = switch::socket(self, libc::AF_UNIX, libc::SOCK_DGRAM, 0)?;
        sys::socket_cookie(socket.as_fd()).map_err(|errno| match errno {
            Errno::ENOPROTOOPT => Error::new(Step::Cookie, Errno::EOPNOTSUPP),
            errno => Error::new(Step::Cookie, errno),
        })
    }

    /// Whether the kernel told its cookie when it was opened (Linux 6.18).
    pub fn has_known_cookie(&self) -> bool {
        self.identity.cookie.is_some()
    }

    /// Whether the calling thread is in it.
    pub fn is_current(&self) -> Result<bool> {
        if let (Ok(current), Ok(own)) = (stat(procfs::THREAD_NET), fstat(&self.fd)) {
            return Ok(file_status::is_same_file(&current, &own));
        }
        Ok(*self == Namespace::open_current()?)
    }

    /// Brings `lo` up in it.
    pub fn loopback_up(&self) -> Result<()> {
        switch::within(Destination::Existing(self), loopback_up_here)
    }
}

/// Brings `lo` up where the thread is.
pub fn loopback_up_here() -> Result<()> {
    let socket = sys::socket(libc::AF_UNIX, libc::SOCK_DGRAM, 0).at(Step::Loopback)?;
    sys::loopback_up(socket.as_fd()).at(Step::Loopback)
}

fn why_not_path(path: &CStr, errno: Errno) -> Error {
    let failed = Error::new(Step::OpenPath, errno);
    match errno {
        Errno::ENOENT if path.to_bytes().starts_with(b"/proc/") => {
            failed.hint("the process has ended, or /proc is not mounted")
        }
        _ => failed,
    }
}

/// None: what was found lies elsewhere.
fn from_nsfs(fd: Option<OwnedFd>) -> Result<Namespace> {
    match fd {
        Some(fd) => Namespace::from_fd(fd),
        None => Err(Error::not_a_namespace("not a namespace file")),
    }
}

/// A name that cannot be opened may be there and be something else by now: a symlink is ELOOP and a
/// socket ENXIO.
fn why_not(path: &CStr, errno: Errno) -> Error {
    let failed = Error::new(Step::Open, errno);
    match errno {
        Errno::EACCES | Errno::ELOOP | Errno::ENXIO => entry::describe(path, failed),
        _ => failed,
    }
}

/// From Linux 6.11 on a pidfd knows, and the id is the caller's own whatever /proc is mounted.
fn of_pid(pid: i32) -> Result<OwnedFd> {
    match sys::pidfd_open(pid) {
        // SAFETY: it is one.
        Ok(pidfd) => match unsafe { sys::namespace_of_pidfd(pidfd.as_fd()) } {
            Err(Errno::ENOTTY | Errno::EINVAL | Errno::EOPNOTSUPP) => of_pid_by_proc(pid),
            found => found.map_err(not_ours_to_see),
        },
        Err(Errno::ESRCH) => Err(Error::new(Step::FindNamespace, Errno::ESRCH)),
        Err(_) => of_pid_by_proc(pid),
    }
}

fn of_pid_by_proc(pid: i32) -> Result<OwnedFd> {
    if !procfs::is_callers_own()? {
        return Err(Error::new(Step::FindNamespace, Errno::ENOENT)
            .hint("/proc is not mounted, or shows another pid namespace"));
    }
    open_below_proc(pid).map_err(not_ours_to_see)
}

fn open_below_proc(pid: i32) -> nix::Result<OwnedFd> {
    let path = ProcPath::format(format_args!("/proc/{pid}/ns/net"));
    open(path.as_cstr(), OPEN_FLAGS)
}

/// The kernel says EPERM of a pidfd where it says EACCES of /proc, and ENOENT of a process that has
/// left its namespaces.
fn not_ours_to_see(errno: Errno) -> Error {
    let error = Error::new(Step::FindNamespace, errno);
    match errno {
        Errno::EPERM => error.as_errno(Errno::EACCES),
        Errno::ENOENT => Error::new(Step::FindNamespace, Errno::ESRCH),
        _ => error,
    }
}

/// A second descriptor of the same namespace: not one that shares its flags with a token, and good
/// for setns(2), which an O_PATH one is not.
fn duplicate(fd: BorrowedFd) -> Result<OwnedFd> {
    let flags = fcntl(fd, FcntlArg::F_GETFL).at(Step::Duplicate)?;
    let special = OFlag::O_PATH | OFlag::O_APPEND;
    if !OFlag::from_bits_retain(flags).intersects(special) {
        return fd.try_clone_to_owned().at(Step::Duplicate);
    }
    open(ProcPath::of_fd(fd).as_cstr(), OPEN_FLAGS).at(Step::Duplicate)
}

/// # Safety
///
/// It is one.
unsafe fn of_pidfd(pidfd: BorrowedFd) -> Result<OwnedFd> {
    // SAFETY: the caller says so.
    match unsafe { sys::namespace_of_pidfd(pidfd) } {
        Err(Errno::ENOTTY) => of_old_pidfd(pidfd),
        found => found.map_err(not_ours_to_see),
    }
}

/// Before Linux 6.11 a pidfd tells its process's number only, through /proc.
fn of_old_pidfd(pidfd: BorrowedFd) -> Result<OwnedFd> {
    let pid = process::pid_of_pidfd(pidfd)?;
    let fd = open_below_proc(pid);
    // While the pidfd's process lives, its number is nobody else's.
    if !sys::pidfd_is_alive(pidfd) {
        return Err(Error::new(Step::FindNamespace, Errno::ESRCH));
    }
    fd.map_err(not_ours_to_see)
}
