//! The handle of a network namespace, and the ways to open one without a name.
//!
//! A handle is a descriptor on nsfs with the attributes that were read when it was opened and, after its
//! first rtnetlink request, a socket. As far as a program can tell, it does not change. Any number of threads
//! may use it at the same time, and it keeps the namespace alive without a name.

use std::ffi::{CStr, CString};
use std::fmt::{self, Display, Formatter};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::stat::stat;
use nix::sys::statfs::{FsType, fstatfs};

use crate::error::{At, Failure, Result, Step};
use crate::explain::Quoted;
use crate::os::open::{READ_UNTRUSTED, open};
use crate::os::procfs::{self, ProcPath};
use crate::os::retry::on_signal;
use crate::os::stat as file;
use crate::os::stat::fstat;
use crate::os::{pidfd, syscalls};
use crate::util::try_vec;

use super::cached_socket::CachedSocket;
use super::descriptor::Descriptor;
use super::identity::{self, Identity, NamespaceFd, Proved};
use super::visit::{self, Destination, KeptHome, ProvenReturn};

/// The file system of pidfds from Linux 6.9 on, and the one before.
const PIDFS: FsType = FsType(0x5049_4446);
const ANON_INODES: FsType = FsType(0x0904_1934);

#[derive(Debug)]
pub struct Namespace {
    fd: Descriptor,
    identity: Identity,
    path: Option<CString>,
    /// The position in `path` at which the name begins, if it has one.
    name: Option<usize>,
    socket: CachedSocket,
    proven_return: ProvenReturn,
}

impl AsFd for Namespace {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl From<Proved> for Namespace {
    fn from(Proved { fd, identity }: Proved) -> Namespace {
        Namespace::new(fd, identity)
    }
}

impl PartialEq for Namespace {
    fn eq(&self, other: &Namespace) -> bool {
        // Both are open, so neither inode can have been reused for another namespace.
        self.identity.inode == other.identity.inode
    }
}

/// Displays the name, the path, or else the inode, as in messages.
impl Display for Namespace {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        match self.name().or(self.path()) {
            Some(text) => write!(f, "\"{}\"", Quoted(text)),
            None => write!(f, "net:[{}]", self.inode()),
        }
    }
}

impl Namespace {
    /// Creates a handle after verifying that `fd` is a network namespace.
    pub fn from_fd(fd: OwnedFd) -> Result<Namespace> {
        Proved::new(fd).map(Namespace::from)
    }

    fn new(fd: OwnedFd, identity: Identity) -> Namespace {
        let fd = Descriptor::new(fd, identity.inode);
        let (socket, proven_return) = Default::default();
        Namespace { fd, identity, path: None, name: None, socket, proven_return }
    }

    /// Opens the namespace of a process or of a thread, including one that is not a thread group leader.
    pub fn open_pid(pid: i32) -> Result<Namespace> {
        if pid <= 0 {
            return Err(Failure::invalid_at(
                Step::ProcessId,
                "a process ID must be greater than 0",
            ));
        }
        Namespace::from_fd(of_pid(pid)?)
    }

    /// Opens the namespace that an nsfs descriptor, a socket or a pidfd refers to.
    pub fn open_fd(fd: BorrowedFd) -> Result<Namespace> {
        let found = match on_signal(|| fstatfs(fd)).at(Step::Prove)?.filesystem_type() {
            identity::NSFS => duplicate(fd)?,
            // SAFETY: only sockets are on sockfs.
            file::SOCKFS => unsafe { syscalls::namespace_of_socket(fd) }.at(Step::FindNamespace)?,
            // SAFETY: only pidfds are on pidfs.
            PIDFS => unsafe { of_pidfd(fd) }?,
            ANON_INODES => of_old_pidfd(fd)?,
            _ => {
                return Err(Failure::not_a_namespace("not a namespace file, socket or pidfd"));
            }
        };
        Namespace::from_fd(found)
    }

    pub fn open_current() -> Result<Namespace> {
        Namespace::from_fd(visit::open_current()?)
    }

    /// Returns a second handle, with its own descriptor and connection.
    pub fn try_clone(&self) -> Result<Namespace> {
        let path = self.path().map(try_vec::copy_c_str).transpose()?;
        let fd = self.fd.try_clone().at(Step::Duplicate)?;
        Ok(Namespace { path, name: self.name, ..Namespace::new(fd, self.identity) })
    }

    /// Sets the path that the handle was opened by.
    pub fn with_path(self, path: CString) -> Namespace {
        Namespace { path: Some(path), name: None, ..self }
    }

    /// Sets the path, whose end is the handle's name.
    pub fn with_name(self, path: CString, name: &CStr) -> Namespace {
        let start = path.as_bytes().len().checked_sub(name.count_bytes());
        Namespace { path: Some(path), name: start, ..self }
    }

    /// Returns only the descriptor.
    pub fn into_fd(self) -> OwnedFd {
        self.fd.into_fd()
    }

    /// Returns the descriptor as one that is verified to be a network namespace.
    pub fn proved(&self) -> NamespaceFd<'_> {
        // SAFETY: handles are created only from verified descriptors.
        unsafe { NamespaceFd::new(self.as_fd()) }
    }

    /// Returns the namespace as one that the thread is in and can switch back to.
    pub fn as_home(&self) -> KeptHome<'_> {
        KeptHome::new(self.proved(), &self.proven_return)
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

    /// Returns the cookie if it was read when the handle was opened.
    pub fn known_cookie(&self) -> Option<u64> {
        self.identity.cookie
    }

    /// Returns the attributes that were read when the handle was opened.
    pub fn identity(&self) -> Identity {
        self.identity
    }

    /// Returns the rtnetlink socket that the handle caches, for use by [`rtnl`](crate::rtnl) only.
    pub fn cached_socket(&self) -> &CachedSocket {
        &self.socket
    }

    /// Returns the device that stat(2) reports for every namespace; it is the same until the next boot.
    pub fn device(&self) -> u64 {
        fstat(&self.fd).map_or(0, |status| file::device(&status))
    }

    /// Returns the cookie, which is never reused for another namespace.
    pub fn cookie(&self) -> Result<u64> {
        if let Some(cookie) = self.identity.cookie {
            return Ok(cookie);
        }
        // SAFETY: the descriptor was verified to be a namespace.
        if let Ok(id) = unsafe { syscalls::namespace_id(self.as_fd()) } {
            return Ok(id);
        }
        let socket = visit::socket(self.proved(), libc::AF_UNIX, libc::SOCK_DGRAM, 0)?;
        syscalls::socket_cookie(socket.as_fd()).map_err(|errno| match errno {
            Errno::ENOPROTOOPT => Failure::new(Step::Cookie, Errno::EOPNOTSUPP),
            errno => Failure::new(Step::Cookie, errno),
        })
    }

    /// Returns whether the kernel reported the cookie when the handle was opened (Linux 6.18).
    pub fn has_known_cookie(&self) -> bool {
        self.identity.cookie.is_some()
    }

    /// Returns whether the calling thread is in the namespace.
    pub fn is_current(&self) -> Result<bool> {
        if let (Ok(current), Ok(own)) = (stat(procfs::THREAD_NET), fstat(&self.fd)) {
            return Ok(file::is_same_file(&current, &own));
        }
        Ok(*self == Namespace::open_current()?)
    }

    /// Sets `lo` up in the namespace.
    pub fn loopback_up(&self) -> Result<()> {
        visit::within(Destination::Existing(self.proved()), visit::loopback_up_here)
    }
}

/// From Linux 6.11 on this uses a pidfd, and the id is always the caller's, whichever /proc is mounted.
fn of_pid(pid: i32) -> Result<OwnedFd> {
    match pidfd::open(pid) {
        // SAFETY: this is a pidfd.
        Ok(pidfd) => match unsafe { pidfd::network_namespace(pidfd.as_fd()) } {
            Err(Errno::ENOTTY | Errno::EINVAL | Errno::EOPNOTSUPP) => of_pid_by_proc(pid),
            found => found.map_err(not_ours_to_see),
        },
        Err(Errno::ESRCH) => Err(Failure::new(Step::FindNamespace, Errno::ESRCH)),
        Err(_) => of_pid_by_proc(pid),
    }
}

fn of_pid_by_proc(pid: i32) -> Result<OwnedFd> {
    if !procfs::is_callers_own()? {
        return Err(Failure::new(Step::FindNamespace, Errno::ENOENT)
            .hint("/proc is not mounted, or shows another PID namespace"));
    }
    open_below_proc(pid).map_err(not_ours_to_see)
}

fn open_below_proc(pid: i32) -> nix::Result<OwnedFd> {
    let path = ProcPath::format(format_args!("/proc/{pid}/ns/net"));
    procfs::unless_released(|| open(path.as_cstr(), READ_UNTRUSTED))
}

/// For a pidfd the kernel returns EPERM where it returns EACCES for /proc, and ENOENT for a process that has
/// left its namespaces.
fn not_ours_to_see(errno: Errno) -> Failure {
    let failure = Failure::new(Step::FindNamespace, errno);
    match errno {
        Errno::EPERM => failure.as_errno(Errno::EACCES),
        Errno::ENOENT => Failure::new(Step::FindNamespace, Errno::ESRCH),
        _ => failure,
    }
}

/// Returns a new descriptor of the same namespace. It must not share its flags with a token, and must be
/// usable for setns(2), unlike an O_PATH descriptor.
fn duplicate(fd: BorrowedFd) -> Result<OwnedFd> {
    let flags = fcntl(fd, FcntlArg::F_GETFL).at(Step::Duplicate)?;
    let special = OFlag::O_PATH | OFlag::O_APPEND;
    if !OFlag::from_bits_retain(flags).intersects(special) {
        return fd.try_clone_to_owned().at(Step::Duplicate);
    }
    open(ProcPath::of_fd(fd).as_cstr(), READ_UNTRUSTED).at(Step::Duplicate)
}

/// # Safety
///
/// `pidfd` must be a pidfd.
unsafe fn of_pidfd(pidfd: BorrowedFd) -> Result<OwnedFd> {
    // SAFETY: guaranteed by the caller.
    match unsafe { pidfd::network_namespace(pidfd) } {
        Err(Errno::ENOTTY) => of_old_pidfd(pidfd),
        found => found.map_err(not_ours_to_see),
    }
}

/// Before Linux 6.11 a pidfd only provides the id of its process, through /proc.
fn of_old_pidfd(pidfd: BorrowedFd) -> Result<OwnedFd> {
    let pid = pidfd::pid_of(pidfd)?;
    let fd = open_below_proc(pid);
    // The id cannot be reused while the pidfd's process exists.
    if !pidfd::is_alive(pidfd) {
        return Err(Failure::new(Step::FindNamespace, Errno::ESRCH));
    }
    fd.map_err(not_ours_to_see)
}
