//! The handle of a network namespace, and every way to open one.
//!
//! A handle is one descriptor of nsfs and what was learnt of it when it was opened. It never changes,
//! so any number of threads may use it at once, and it keeps the namespace alive without its name.

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl, open};
use nix::sys::stat::{Mode, fstat, stat};
use nix::sys::statfs::{FsType, fstatfs};

use crate::entry::{self, Name};
use crate::error::{At, Error, Result, Step};
use crate::identity::{self, Identity, OPEN_FLAGS};
use crate::process;
use crate::procfs::{self, ProcPath};
use crate::rundir::join;
use crate::switch::{self, Destination};
use crate::sys;

/// SOCKFS_MAGIC, which <linux/magic.h> lacks.
const SOCKFS: FsType = FsType(0x534f_434b);
const PROC: FsType = FsType(libc::PROC_SUPER_MAGIC as _);
/// Where pidfds live from Linux 6.9 on, and where they lived before.
const PIDFS: FsType = FsType(0x5049_4446);
const ANON_INODES: FsType = FsType(0x0904_1934);

#[derive(Debug)]
pub struct Namespace {
    fd: OwnedFd,
    identity: Identity,
    path: Option<CString>,
    /// Where in `path` the name begins, if it has one.
    name: Option<usize>,
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
        Ok(Namespace { fd, identity, path: None, name: None })
    }

    pub fn open_named(rundir: &CStr, name: Name) -> Result<Namespace> {
        let path = join(rundir, name)?;
        let fd = open(&*path, OPEN_FLAGS | OFlag::O_NOFOLLOW, Mode::empty())
            .map_err(|errno| why_not(&path, errno))?;
        let ns = Namespace::from_fd(fd).map_err(|error| entry::describe(&path, error))?;
        Ok(ns.with_name(path, name))
    }

    /// Symlinks are followed here: /proc/PID/ns/net is one.
    pub fn open_path(path: &CStr) -> Result<Namespace> {
        let kept = copy(path)?;
        let fd = open(path, OPEN_FLAGS, Mode::empty()).at(Step::Open)?;
        let ns = Namespace::from_fd(fd)?;
        Ok(Namespace { path: Some(kept), ..ns })
    }

    /// The namespace of a process, or of a thread that leads none.
    pub fn open_pid(pid: i32) -> Result<Namespace> {
        if pid <= 0 {
            return Err(Error::invalid("a process id is greater than 0"));
        }
        let path = ProcPath::format(format_args!("/proc/{pid}/ns/net"));
        match open(path.as_cstr(), OPEN_FLAGS, Mode::empty()) {
            Ok(fd) => Namespace::from_fd(fd),
            Err(Errno::ENOENT) if !has_proc() => open_pid_without_proc(pid),
            // ENOENT: no such directory. ESRCH: it went while the path was walked.
            Err(Errno::ENOENT | Errno::ESRCH) => Err(Error::new(Step::FindNamespace, Errno::ESRCH)),
            Err(errno) => Err(Error::new(Step::FindNamespace, errno)),
        }
    }

    /// The namespace that a descriptor of nsfs, a socket or a pidfd refers to.
    pub fn open_fd(fd: BorrowedFd) -> Result<Namespace> {
        let found = match fstatfs(fd).at(Step::Prove)?.filesystem_type() {
            identity::NSFS => duplicate(fd)?,
            SOCKFS => sys::namespace_of_socket(fd).at(Step::FindNamespace)?,
            PIDFS => of_pidfd(fd)?,
            ANON_INODES => of_old_pidfd(fd)?,
            _ => return Err(Error::not_a_namespace("nor a socket, nor a pidfd")),
        };
        Namespace::from_fd(found)
    }

    pub fn open_current() -> Result<Namespace> {
        Namespace::from_fd(switch::open_current()?)
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

    /// The device that stat(2) gives for every namespace, the same until the next boot.
    pub fn device(&self) -> u64 {
        fstat(&self.fd).map_or(0, |stat| stat.st_dev)
    }

    /// The number that no other namespace has, before or after.
    pub fn cookie(&self) -> Result<u64> {
        if let Some(cookie) = self.identity.cookie {
            return Ok(cookie);
        }
        if let Ok(id) = sys::namespace_id(self.as_fd()) {
            return Ok(id);
        }
        let socket = switch::socket(self, libc::AF_UNIX, libc::SOCK_DGRAM, 0)?;
        sys::socket_cookie(socket.as_fd()).map_err(|errno| match errno {
            Errno::ENOPROTOOPT => Error::new(Step::Cookie, Errno::EOPNOTSUPP),
            errno => Error::new(Step::Cookie, errno),
        })
    }

    /// Whether the calling thread is in it.
    pub fn is_current(&self) -> Result<bool> {
        if let Ok(current) = stat(procfs::THREAD_NET) {
            return Ok(current.st_ino == self.inode() && current.st_dev == self.device());
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

fn copy(text: &CStr) -> Result<CString> {
    let bytes = text.to_bytes();
    let mut copy = Vec::new();
    copy.try_reserve_exact(bytes.len() + 1).map_err(|_| Error::no_memory())?;
    copy.extend_from_slice(bytes);
    CString::new(copy).map_err(|_| Error::invalid("a path has no NUL in it"))
}

/// A name that cannot be opened may be there and be something else: without privilege a placeholder
/// is EACCES, a symlink is ELOOP and a socket ENXIO.
fn why_not(path: &CStr, errno: Errno) -> Error {
    let failed = Error::new(Step::Open, errno);
    match errno {
        Errno::EACCES | Errno::ELOOP | Errno::ENXIO => entry::describe(path, failed),
        _ => failed,
    }
}

fn has_proc() -> bool {
    nix::sys::statfs::statfs(c"/proc").is_ok_and(|proc| proc.filesystem_type() == PROC)
}

fn open_pid_without_proc(pid: i32) -> Result<Namespace> {
    let pidfd = sys::pidfd_open(pid).map_err(|errno| match errno {
        // ENOENT: a thread's id, before Linux 6.9.
        Errno::ENOENT => Error::new(Step::FindNamespace, Errno::ESRCH),
        errno => Error::new(Step::FindNamespace, errno),
    })?;
    Namespace::from_fd(sys::namespace_of_pidfd(pidfd.as_fd()).at(Step::FindNamespace)?)
}

/// A second descriptor of the same namespace, good for setns(2), which an O_PATH one is not.
fn duplicate(fd: BorrowedFd) -> Result<OwnedFd> {
    let flags = fcntl(fd, FcntlArg::F_GETFL).at(Step::Duplicate)?;
    if !OFlag::from_bits_retain(flags).contains(OFlag::O_PATH) {
        return fd.try_clone_to_owned().at(Step::Duplicate);
    }
    open(ProcPath::of_fd(fd).as_cstr(), OPEN_FLAGS, Mode::empty()).at(Step::Duplicate)
}

fn of_pidfd(pidfd: BorrowedFd) -> Result<OwnedFd> {
    match sys::namespace_of_pidfd(pidfd) {
        Err(Errno::ENOTTY) => of_old_pidfd(pidfd),
        found => found.at(Step::FindNamespace),
    }
}

/// Before Linux 6.11 a pidfd tells its process's number only, through /proc.
fn of_old_pidfd(pidfd: BorrowedFd) -> Result<OwnedFd> {
    let pid = process::pid_of_pidfd(pidfd)?;
    let path = ProcPath::format(format_args!("/proc/{pid}/ns/net"));
    let fd = open(path.as_cstr(), OPEN_FLAGS, Mode::empty());
    // While the pidfd's process lives, its number is nobody else's.
    if !sys::pidfd_is_alive(pidfd) {
        return Err(Error::new(Step::FindNamespace, Errno::ESRCH));
    }
    fd.at(Step::FindNamespace)
}
