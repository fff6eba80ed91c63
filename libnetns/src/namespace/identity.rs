//! The proof that something is a network namespace, and which one it is.
//!
//! From Linux 6.18 on, nsfs gives file handles: one unprivileged call tells that a name is a
//! namespace, of which kind, its inode and its cookie, without opening anything. Before that, or
//! where a seccomp filter forbids the call, nsfs's magic number and NS_GET_NSTYPE tell the same of a
//! descriptor; the magic comes first, because an ioctl number means something else elsewhere.

use std::ffi::{CStr, c_int};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag};
use nix::sys::statfs::{FsType, fstatfs};

use crate::error::{At, Failure, Result, Step};
use crate::os::procfs::ProcPath;
use crate::os::retry::{fstat, is_shortage, on_signal, open, openat};
use crate::os::stat;
use crate::os::syscalls::{self, FileHandle};

pub const NSFS: FsType = FsType(libc::NSFS_MAGIC as _);

/// The type of the file handles that nsfs gives (FILEID_NSFS, Linux 6.18).
const NSFS_HANDLE: c_int = 0xf1;

/// Which network namespace it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// As stat(2) has it; another namespace may have it when this one is gone.
    pub inode: u64,
    /// Never another's; known at once only where there are file handles.
    pub cookie: Option<u64>,
}

/// A descriptor that has been proved to be a network namespace's.
#[derive(Clone, Copy)]
pub struct NamespaceFd<'a>(BorrowedFd<'a>);

impl<'a> NamespaceFd<'a> {
    /// # Safety
    ///
    /// The proof has been given, by [`of_fd`] or another function of this module.
    pub unsafe fn new(fd: BorrowedFd<'a>) -> NamespaceFd<'a> {
        NamespaceFd(fd)
    }
}

impl AsFd for NamespaceFd<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0
    }
}

/// An open descriptor that has been proved to be a network namespace's, and of which one.
pub struct Proved {
    pub(super) fd: OwnedFd,
    pub(super) identity: Identity,
}

impl Proved {
    /// ENOTTY: it is something else.
    pub fn new(fd: OwnedFd) -> Result<Proved> {
        let identity = of_fd(fd.as_fd())?.network()?;
        Ok(Proved { fd, identity })
    }
}

/// What a descriptor or a name turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Network(Identity),
    OtherNamespace,
    NoNamespace,
}

impl Kind {
    /// The identity, or the error that says what there is instead.
    pub fn network(self) -> Result<Identity> {
        match self {
            Kind::Network(identity) => Ok(identity),
            Kind::OtherNamespace => Err(Failure::not_a_namespace("a namespace of another type")),
            Kind::NoNamespace => Err(Failure::not_a_namespace("not a namespace file")),
        }
    }
}

/// What an open descriptor refers to.
pub fn of_fd(fd: BorrowedFd) -> Result<Kind> {
    match of_open_by_handle(fd) {
        Some(Kind::NoNamespace) | None => of_fd_by_ioctl(fd),
        Some(kind) => Ok(kind),
    }
}

fn of_open_by_handle(fd: BorrowedFd) -> Option<Kind> {
    handle_of(fd, c"").map(|(_, kind)| kind)
}

/// What `name` in the directory `dir` is; a symlink is not followed. ENOENT is an answer too.
pub fn of_name(dir: BorrowedFd, name: &CStr) -> std::result::Result<Kind, Errno> {
    match syscalls::name_to_handle(dir, name) {
        Err(Errno::ENOENT) => Err(Errno::ENOENT),
        // The other way tells no cookie, and who has seen one would take it for another namespace.
        Err(errno) if is_shortage(errno) => Err(errno),
        handle => match handle.ok().as_ref().and_then(from_handle) {
            Some(kind) => Ok(kind),
            None => of_name_by_ioctl(dir, name),
        },
    }
}

/// Whether an errno from [`of_name`] means that there is no namespace to be seen; others mean that
/// it could not be looked at, and say nothing of what there is.
pub fn is_answer(errno: Errno) -> bool {
    use Errno::{EACCES, ELOOP, ENOENT, ENOTDIR, ENXIO, ESTALE};
    matches!(errno, EACCES | ELOOP | ENOENT | ENOTDIR | ENXIO | ESTALE)
}

/// The handle of `path` from `dir`, and what it tells; a symlink is not followed. None: it tells
/// nothing.
fn handle_of(dir: BorrowedFd, path: &CStr) -> Option<(FileHandle, Kind)> {
    let handle = syscalls::name_to_handle(dir, path).ok()?;
    let kind = from_handle(&handle)?;
    Some((handle, kind))
}

/// None: this kernel, or this file system, does not tell by handle.
fn from_handle(handle: &FileHandle) -> Option<Kind> {
    if handle.kind != NSFS_HANDLE {
        return Some(Kind::NoNamespace);
    }
    // struct nsfs_file_handle: u64 id, u32 type, u32 inode.
    let (id, rest) = handle.bytes().split_first_chunk::<8>()?;
    let (nstype, rest) = rest.split_first_chunk::<4>()?;
    let (inode, _) = rest.split_first_chunk::<4>()?;
    if u32::from_ne_bytes(*nstype) != libc::CLONE_NEWNET as u32 {
        return Some(Kind::OtherNamespace);
    }
    Some(Kind::Network(Identity {
        inode: u32::from_ne_bytes(*inode).into(),
        cookie: Some(u64::from_ne_bytes(*id)),
    }))
}

/// What `path` is, in one system call and without a descriptor; a symlink is not followed. None: it is
/// no network namespace, or does not tell by handle.
pub fn by_handle(path: &CStr) -> Option<Identity> {
    handle_of(AT_FDCWD, path)?.1.network().ok()
}

/// Opens what `path` is if that is a network namespace; a symlink is not followed. The handle is the
/// proof, whatever the path becomes meanwhile. None: it is none, or does not tell by handle.
pub fn open_by_handle(path: &CStr) -> Option<Proved> {
    let (handle, Kind::Network(identity)) = handle_of(AT_FDCWD, path)? else { return None };
    let fd = syscalls::open_namespace(&handle, OPEN_FLAGS).ok()?;
    Some(Proved { fd, identity })
}

/// Opens what `name` in the directory `dir` is, if it may be a network namespace; a symlink is not
/// followed. What tells by its handle that it is none is not even asked which file system it is on,
/// for which that may have to ask a server.
pub fn open_name(dir: BorrowedFd, name: &CStr) -> std::result::Result<Option<OwnedFd>, Errno> {
    match handle_of(dir, name) {
        Some((handle, Kind::Network(_))) => {
            if let Ok(fd) = syscalls::open_namespace(&handle, OPEN_FLAGS) {
                return Ok(Some(fd));
            }
        }
        Some(_) => return Ok(None),
        None => {}
    }
    open_on_nsfs(dir, name, OFlag::O_NOFOLLOW)
}

fn of_fd_by_ioctl(fd: BorrowedFd) -> Result<Kind> {
    if on_signal(|| fstatfs(fd)).at(Step::Prove)?.filesystem_type() != NSFS {
        return Ok(Kind::NoNamespace);
    }
    // SAFETY: it is on nsfs.
    if unsafe { syscalls::namespace_type(fd) }.at(Step::Prove)? != libc::CLONE_NEWNET {
        return Ok(Kind::OtherNamespace);
    }
    let inode = stat::inode(&fstat(fd).at(Step::Prove)?);
    Ok(Kind::Network(Identity { inode, cookie: None }))
}

fn of_name_by_ioctl(dir: BorrowedFd, name: &CStr) -> std::result::Result<Kind, Errno> {
    match open_on_nsfs(dir, name, OFlag::O_NOFOLLOW)? {
        Some(fd) => of_fd_by_ioctl(fd.as_fd()).map_err(|error| error.errno),
        None => Ok(Kind::NoNamespace),
    }
}

/// Opens what `path` leads to from `dir` if that lies on nsfs, and nothing else, whatever `path`
/// becomes meanwhile: opening a stranger's fifo or device has effects. `follow` is O_NOFOLLOW or
/// nothing. The descriptor is of the very mount that was found.
pub fn open_on_nsfs(
    dir: BorrowedFd,
    path: &CStr,
    follow: OFlag,
) -> std::result::Result<Option<OwnedFd>, Errno> {
    let seen = openat(dir, path, LOOK | follow)?;
    open_seen(seen.as_fd(), dir, path, follow)
}

/// The same, where it has been seen already.
fn open_seen(
    seen: BorrowedFd,
    dir: BorrowedFd,
    path: &CStr,
    follow: OFlag,
) -> std::result::Result<Option<OwnedFd>, Errno> {
    if on_signal(|| fstatfs(seen))?.filesystem_type() != NSFS {
        return Ok(None);
    }
    match open(ProcPath::of_fd(seen).as_cstr(), OPEN_FLAGS) {
        // No /proc: then what is opened is not certain, but neither blocks nor gives a terminal.
        Err(Errno::ENOENT) => openat(dir, path, OPEN_FLAGS | follow).map(Some),
        fd => fd.map(Some),
    }
}

/// A descriptor of the mount that `name` in the directory `dir` is, if that is a network namespace's;
/// it may be one of O_PATH.
pub fn find_name(dir: BorrowedFd, name: &CStr) -> std::result::Result<Option<OwnedFd>, Errno> {
    let seen = openat(dir, name, LOOK | OFlag::O_NOFOLLOW)?;
    if let Some(Kind::Network(_)) = of_open_by_handle(seen.as_fd()) {
        return Ok(Some(seen));
    }
    let Some(fd) = open_seen(seen.as_fd(), dir, name, OFlag::O_NOFOLLOW)? else {
        return Ok(None);
    };
    match of_fd_by_ioctl(fd.as_fd()) {
        Ok(Kind::Network(_)) => Ok(Some(fd)),
        Ok(_) => Ok(None),
        Err(error) => Err(error.errno),
    }
}

/// How something is looked at without opening it.
const LOOK: OFlag = OFlag::O_PATH.union(OFlag::O_CLOEXEC);

/// How a namespace is opened: a fifo put in its place does not block, a terminal does not become the
/// process's own.
pub const OPEN_FLAGS: OFlag =
    OFlag::O_RDONLY.union(OFlag::O_CLOEXEC).union(OFlag::O_NONBLOCK).union(OFlag::O_NOCTTY);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;
    use std::fs::File;

    fn both_ways(path: &str) -> (Kind, Kind) {
        let file = File::open(path).unwrap();
        (of_fd(file.as_fd()).unwrap(), of_fd_by_ioctl(file.as_fd()).unwrap())
    }

    #[test]
    fn handle_and_ioctl_agree_on_a_network_namespace() {
        let (Kind::Network(a), Kind::Network(b)) = both_ways("/proc/thread-self/ns/net") else {
            panic!("the thread's own namespace is one");
        };
        assert_eq!(a.inode, b.inode);
        assert_eq!(b.cookie, None);
    }

    #[test]
    fn handle_and_ioctl_agree_on_what_is_none() {
        for path in ["/proc/uptime", "/", "/etc/passwd", "/dev/null"] {
            assert_eq!(both_ways(path), (Kind::NoNamespace, Kind::NoNamespace), "{path}");
        }
        for path in ["/proc/self/ns/mnt", "/proc/self/ns/user", "/proc/self/ns/pid"] {
            assert_eq!(both_ways(path), (Kind::OtherNamespace, Kind::OtherNamespace), "{path}");
        }
    }

    #[test]
    fn a_cookie_from_a_handle_is_the_one_sockets_tell() {
        let file = File::open("/proc/thread-self/ns/net").unwrap();
        let Kind::Network(Identity { cookie: Some(cookie), .. }) = of_fd(file.as_fd()).unwrap()
        else {
            return; // before Linux 6.18
        };
        let socket = syscalls::socket(libc::AF_UNIX, libc::SOCK_DGRAM, 0).unwrap();
        assert_eq!(cookie, syscalls::socket_cookie(socket.as_fd()).unwrap());
    }

    #[test]
    fn a_handle_opens_the_namespace_that_has_the_name_and_nothing_else() {
        if testing::world().is_none() {
            return;
        }
        let ns = testing::anonymous();
        testing::write("blue", "", 0);
        assert!(open_by_handle(c"/run/netns/blue").is_none());
        testing::bind(&ns, "blue");
        std::os::unix::fs::symlink("blue", testing::path("link")).unwrap();
        assert!(open_by_handle(c"/run/netns/link").is_none());
        assert!(open_by_handle(c"/run/netns/none").is_none());
        let Ok(Kind::Network(Identity { cookie: Some(cookie), .. })) = of_fd(ns.as_fd()) else {
            return; // before Linux 6.18
        };
        let Proved { fd, identity } = open_by_handle(c"/run/netns/blue").unwrap();
        assert_eq!((identity.inode, identity.cookie), (ns.inode(), Some(cookie)));
        assert_eq!(of_fd_by_ioctl(fd.as_fd()).unwrap().network().unwrap().inode, ns.inode());
    }

    #[test]
    fn only_a_network_namespace_s_mount_is_found() {
        if testing::world().is_none() {
            return;
        }
        let ns = testing::anonymous();
        testing::write("blue", "", 0);
        testing::bind(&ns, "blue");
        testing::write("plain", "", 0);
        testing::write("uts", "", 0);
        crate::os::mount::bind(c"/proc/thread-self/ns/uts", c"/run/netns/uts").unwrap();
        std::os::unix::fs::symlink("blue", testing::path("link")).unwrap();
        let dir = File::open("/run/netns").unwrap();
        let find = |name| find_name(dir.as_fd(), name).map(|found| found.is_some());
        assert_eq!(find(c"blue"), Ok(true));
        for name in [c"plain", c"uts", c"link"] {
            assert_eq!(find(name), Ok(false), "{name:?}");
        }
        assert_eq!(find(c"none"), Err(Errno::ENOENT));
        let found = find_name(dir.as_fd(), c"blue").unwrap().unwrap();
        crate::os::mount::detach_open(found.as_fd()).unwrap();
        assert_eq!(find(c"blue"), Ok(false));
    }

    #[test]
    fn names_are_told_without_following_links() {
        let dir = File::open("/proc/thread-self/ns").unwrap();
        // A magic link is a link.
        assert_eq!(of_name(dir.as_fd(), c"net"), Ok(Kind::NoNamespace));
        assert_eq!(of_name_by_ioctl(dir.as_fd(), c"net"), Ok(Kind::NoNamespace));
        assert_eq!(of_name(dir.as_fd(), c"none"), Err(Errno::ENOENT));
        assert_eq!(of_name_by_ioctl(dir.as_fd(), c"none"), Err(Errno::ENOENT));
    }
}
