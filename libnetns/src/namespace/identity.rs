//! The proof that something is a network namespace, and which one it is.
//!
//! From Linux 6.18 on, nsfs gives file handles: one unprivileged call tells that a name is a
//! namespace, of which kind, its inode and its cookie, without opening anything. Before that, or
//! where a seccomp filter forbids the call, nsfs's magic number and NS_GET_NSTYPE tell the same of a
//! descriptor; the magic comes first, because an ioctl number means something else elsewhere.

use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag};
use nix::sys::statfs::{FsType, fstatfs};

use crate::error::{At, Failure, Result, Step};
use crate::os::open::{LOOK, LOOK_AT_ITSELF, READ_UNTRUSTED, open, openat};
use crate::os::procfs::ProcPath;
use crate::os::retry::{is_shortage, on_signal};
use crate::os::stat;
use crate::os::stat::fstat;
use crate::os::syscalls::{self, FileHandle, NSFS_HANDLE};

pub const NSFS: FsType = FsType(libc::NSFS_MAGIC as _);

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
    /// The proof has been given, by [`identify_fd`] or another function of this module.
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
        let identity = identify_fd(fd.as_fd())?.network()?;
        Ok(Proved { fd, identity })
    }

    pub fn identity(&self) -> Identity {
        self.identity
    }

    pub fn into_fd(self) -> OwnedFd {
        self.fd
    }
}

/// What a descriptor or a name turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    Network(Identity),
    /// Of another type, with this inode number.
    OtherNamespace(u64),
    NoNamespace,
}

impl FileKind {
    /// The identity, or the error that says what there is instead.
    pub fn network(self) -> Result<Identity> {
        match self {
            FileKind::Network(identity) => Ok(identity),
            FileKind::OtherNamespace(_) => {
                Err(Failure::not_a_namespace("a namespace of another type"))
            }
            FileKind::NoNamespace => Err(Failure::not_a_namespace("not a namespace file")),
        }
    }
}

/// What an open descriptor refers to.
pub fn identify_fd(fd: BorrowedFd) -> Result<FileKind> {
    match identify_fd_by_handle(fd) {
        Some(FileKind::NoNamespace) | None => identify_fd_by_ioctl(fd),
        Some(kind) => Ok(kind),
    }
}

fn identify_fd_by_handle(fd: BorrowedFd) -> Option<FileKind> {
    read_handle(fd, c"").map(|(_, kind)| kind)
}

/// What `name` in the directory `dir` is; a symlink is not followed. ENOENT is an answer too.
pub fn identify_name(dir: BorrowedFd, name: &CStr) -> std::result::Result<FileKind, Errno> {
    match syscalls::name_to_handle(dir, name) {
        Err(Errno::ENOENT) => Err(Errno::ENOENT),
        // The other way tells no cookie, and who has seen one would take it for another namespace.
        Err(errno) if is_shortage(errno) => Err(errno),
        handle => match handle.ok().as_ref().and_then(decode_handle) {
            Some(kind) => Ok(kind),
            None => identify_name_by_ioctl(dir, name),
        },
    }
}

/// Whether an errno from [`identify_name`] means that there is no namespace to be seen; others mean that
/// it could not be looked at, and say nothing of what there is.
pub fn means_no_namespace(errno: Errno) -> bool {
    use Errno::{EACCES, ELOOP, ENOENT, ENOTDIR, ENXIO, ESTALE};
    matches!(errno, EACCES | ELOOP | ENOENT | ENOTDIR | ENXIO | ESTALE)
}

/// The handle of `path` from `dir`, and what it tells; a symlink is not followed. None: it tells
/// nothing.
fn read_handle(dir: BorrowedFd, path: &CStr) -> Option<(FileHandle, FileKind)> {
    let handle = syscalls::name_to_handle(dir, path).ok()?;
    let kind = decode_handle(&handle)?;
    Some((handle, kind))
}

/// None: this kernel, or this file system, does not tell by handle.
fn decode_handle(handle: &FileHandle) -> Option<FileKind> {
    if handle.kind != NSFS_HANDLE {
        return Some(FileKind::NoNamespace);
    }
    // struct nsfs_file_handle: u64 id, u32 type, u32 inode.
    let (id, rest) = handle.bytes().split_first_chunk::<8>()?;
    let (nstype, rest) = rest.split_first_chunk::<4>()?;
    let (inode, _) = rest.split_first_chunk::<4>()?;
    let inode = u32::from_ne_bytes(*inode).into();
    if u32::from_ne_bytes(*nstype) != libc::CLONE_NEWNET as u32 {
        return Some(FileKind::OtherNamespace(inode));
    }
    let cookie = Some(u64::from_ne_bytes(*id));
    Some(FileKind::Network(Identity { inode, cookie }))
}

/// What `path` is, in one system call and without a descriptor; a symlink is not followed. None: it is
/// no network namespace, or does not tell by handle.
pub fn identify_path_by_handle(path: &CStr) -> Option<Identity> {
    read_handle(AT_FDCWD, path)?.1.network().ok()
}

/// Opens what `path` is if that is a network namespace; a symlink is not followed. The handle is the
/// proof, whatever the path becomes meanwhile. None: it is none, or does not tell by handle.
pub fn open_path_by_handle(path: &CStr) -> Option<Proved> {
    let (handle, FileKind::Network(identity)) = read_handle(AT_FDCWD, path)? else { return None };
    let fd = syscalls::open_namespace(&handle, READ_UNTRUSTED).ok()?;
    Some(Proved { fd, identity })
}

/// Opens what `name` in the directory `dir` is, if it may be a network namespace; a symlink is not
/// followed. What tells by its handle that it is none is not even asked which file system it is on,
/// for which that may have to ask a server.
pub fn open_name(dir: BorrowedFd, name: &CStr) -> std::result::Result<Option<OwnedFd>, Errno> {
    match read_handle(dir, name) {
        Some((handle, FileKind::Network(_))) => {
            if let Ok(fd) = syscalls::open_namespace(&handle, READ_UNTRUSTED) {
                return Ok(Some(fd));
            }
        }
        Some(_) => return Ok(None),
        None => {}
    }
    open_if_on_nsfs(dir, name, OFlag::O_NOFOLLOW)
}

fn identify_fd_by_ioctl(fd: BorrowedFd) -> Result<FileKind> {
    if on_signal(|| fstatfs(fd)).at(Step::Prove)?.filesystem_type() != NSFS {
        return Ok(FileKind::NoNamespace);
    }
    let inode = stat::inode(&fstat(fd).at(Step::Prove)?);
    // SAFETY: it is on nsfs.
    if unsafe { syscalls::namespace_type(fd) }.at(Step::Prove)? != libc::CLONE_NEWNET {
        return Ok(FileKind::OtherNamespace(inode));
    }
    Ok(FileKind::Network(Identity { inode, cookie: None }))
}

fn identify_name_by_ioctl(dir: BorrowedFd, name: &CStr) -> std::result::Result<FileKind, Errno> {
    match open_if_on_nsfs(dir, name, OFlag::O_NOFOLLOW)? {
        Some(fd) => identify_fd_by_ioctl(fd.as_fd()).map_err(|failure| failure.errno),
        None => Ok(FileKind::NoNamespace),
    }
}

/// Opens what `path` leads to from `dir` if that lies on nsfs, and nothing else, whatever `path`
/// becomes meanwhile: opening a stranger's fifo or device has effects. `follow` is O_NOFOLLOW or
/// nothing. The descriptor is of the very mount that was found.
pub fn open_if_on_nsfs(
    dir: BorrowedFd,
    path: &CStr,
    follow: OFlag,
) -> std::result::Result<Option<OwnedFd>, Errno> {
    let seen = openat(dir, path, LOOK | follow)?;
    reopen(seen.as_fd(), dir, path, follow)
}

/// The same, where it has been seen already.
fn reopen(
    seen: BorrowedFd,
    dir: BorrowedFd,
    path: &CStr,
    follow: OFlag,
) -> std::result::Result<Option<OwnedFd>, Errno> {
    if on_signal(|| fstatfs(seen))?.filesystem_type() != NSFS {
        return Ok(None);
    }
    match open(ProcPath::of_fd(seen).as_cstr(), READ_UNTRUSTED) {
        // No /proc: then what is opened is not certain, but neither blocks nor gives a terminal.
        Err(Errno::ENOENT) => openat(dir, path, READ_UNTRUSTED | follow).map(Some),
        fd => fd.map(Some),
    }
}

/// Opens what `path` leads to from `dir`, symbolic links followed, if that is a network namespace, and
/// nothing else.
pub fn open_followed(dir: BorrowedFd, path: &CStr) -> std::result::Result<Option<Proved>, Errno> {
    let seen = openat(dir, path, LOOK)?;
    open_seen(seen.as_fd(), dir, path)
}

/// The same, where it has been seen already.
pub fn open_seen(
    seen: BorrowedFd,
    dir: BorrowedFd,
    path: &CStr,
) -> std::result::Result<Option<Proved>, Errno> {
    match read_handle(seen, c"") {
        Some((handle, FileKind::Network(identity))) => {
            if let Ok(fd) = syscalls::open_namespace(&handle, READ_UNTRUSTED) {
                return Ok(Some(Proved { fd, identity }));
            }
        }
        Some(_) => return Ok(None),
        None => {}
    }
    let Some(fd) = reopen(seen, dir, path, OFlag::empty())? else { return Ok(None) };
    match Proved::new(fd) {
        Ok(proved) => Ok(Some(proved)),
        Err(failure) if failure.errno == Errno::ENOTTY => Ok(None),
        Err(failure) => Err(failure.errno),
    }
}

/// What `path` leads to from `dir`, symbolic links followed. Nothing is opened where that tells by handle.
pub fn identify_followed(dir: BorrowedFd, path: &CStr) -> std::result::Result<FileKind, Errno> {
    match syscalls::path_to_handle(dir, path) {
        Err(errno) if is_shortage(errno) => Err(errno),
        handle => match handle.ok().as_ref().and_then(decode_handle) {
            Some(kind) => Ok(kind),
            None => match open_followed(dir, path)? {
                Some(proved) => Ok(FileKind::Network(proved.identity)),
                None => Ok(FileKind::NoNamespace),
            },
        },
    }
}

/// Opens the network namespace that the kernel has under a cookie and, unless that is 0, an inode (Linux
/// 6.18; without an inode, 6.19). ESTALE: there is none, or CAP_SYS_ADMIN over it is missing, which the kernel
/// does not tell apart (exportfs_decode_fh_raw).
pub fn open_by_cookie(cookie: u64, inode: u64) -> std::result::Result<Proved, Errno> {
    let number = u32::try_from(inode).map_err(|_| Errno::ESTALE)?;
    let nstype = if number == 0 { 0 } else { libc::CLONE_NEWNET };
    let handle = FileHandle::of_namespace(cookie, nstype, number);
    let fd = syscalls::open_namespace(&handle, READ_UNTRUSTED)?;
    let proved = Proved::new(fd).map_err(|failure| failure.errno)?;
    // What the kernel opens by its cookie has it, whether another call tells it or not.
    let identity = Identity { cookie: proved.identity.cookie.or(Some(cookie)), ..proved.identity };
    let is_meant = identity.cookie == Some(cookie) && (inode == 0 || identity.inode == inode);
    if is_meant { Ok(Proved { identity, ..proved }) } else { Err(Errno::ESTALE) }
}

/// The device that every namespace is on.
pub fn device_of(ns: impl AsFd) -> std::result::Result<u64, Errno> {
    fstat(ns).map(|file| stat::device(&file))
}

/// A descriptor of the mount that `name` in the directory `dir` is, if that is a network namespace's;
/// it may be one of O_PATH.
pub fn find_mount(dir: BorrowedFd, name: &CStr) -> std::result::Result<Option<OwnedFd>, Errno> {
    let seen = openat(dir, name, LOOK_AT_ITSELF)?;
    if let Some(FileKind::Network(_)) = identify_fd_by_handle(seen.as_fd()) {
        return Ok(Some(seen));
    }
    let Some(fd) = reopen(seen.as_fd(), dir, name, OFlag::O_NOFOLLOW)? else {
        return Ok(None);
    };
    match identify_fd_by_ioctl(fd.as_fd()) {
        Ok(FileKind::Network(_)) => Ok(Some(fd)),
        Ok(_) => Ok(None),
        Err(failure) => Err(failure.errno),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;
    use std::fs::File;
    use std::os::unix::fs::MetadataExt;

    fn both_ways(path: &str) -> (FileKind, FileKind) {
        let file = File::open(path).unwrap();
        (identify_fd(file.as_fd()).unwrap(), identify_fd_by_ioctl(file.as_fd()).unwrap())
    }

    #[test]
    fn handle_and_ioctl_agree_on_a_network_namespace() {
        let (FileKind::Network(a), FileKind::Network(b)) = both_ways("/proc/thread-self/ns/net")
        else {
            panic!("the thread's own namespace is one");
        };
        assert_eq!(a.inode, b.inode);
        assert_eq!(b.cookie, None);
    }

    #[test]
    fn handle_and_ioctl_agree_on_what_is_none() {
        for path in ["/proc/uptime", "/", "/etc/passwd", "/dev/null"] {
            assert_eq!(both_ways(path), (FileKind::NoNamespace, FileKind::NoNamespace), "{path}");
        }
        for path in ["/proc/self/ns/mnt", "/proc/self/ns/user", "/proc/self/ns/pid"] {
            let other = FileKind::OtherNamespace(std::fs::metadata(path).unwrap().ino());
            assert_eq!(both_ways(path), (other, other), "{path}");
        }
    }

    #[test]
    fn a_cookie_from_a_handle_is_the_one_sockets_tell() {
        let file = File::open("/proc/thread-self/ns/net").unwrap();
        let FileKind::Network(Identity { cookie: Some(cookie), .. }) =
            identify_fd(file.as_fd()).unwrap()
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
        assert!(open_path_by_handle(c"/run/netns/blue").is_none());
        testing::bind(&ns, "blue");
        std::os::unix::fs::symlink("blue", testing::path("link")).unwrap();
        assert!(open_path_by_handle(c"/run/netns/link").is_none());
        assert!(open_path_by_handle(c"/run/netns/none").is_none());
        let Ok(FileKind::Network(Identity { cookie: Some(cookie), .. })) = identify_fd(ns.as_fd())
        else {
            return; // before Linux 6.18
        };
        let Proved { fd, identity } = open_path_by_handle(c"/run/netns/blue").unwrap();
        assert_eq!((identity.inode, identity.cookie), (ns.inode(), Some(cookie)));
        assert_eq!(identify_fd_by_ioctl(fd.as_fd()).unwrap().network().unwrap().inode, ns.inode());
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
        crate::os::mount::cover(c"/proc/thread-self/ns/uts", c"/run/netns/uts").unwrap();
        std::os::unix::fs::symlink("blue", testing::path("link")).unwrap();
        let dir = File::open("/run/netns").unwrap();
        let find = |name| find_mount(dir.as_fd(), name).map(|found| found.is_some());
        assert_eq!(find(c"blue"), Ok(true));
        for name in [c"plain", c"uts", c"link"] {
            assert_eq!(find(name), Ok(false), "{name:?}");
        }
        assert_eq!(find(c"none"), Err(Errno::ENOENT));
        let found = find_mount(dir.as_fd(), c"blue").unwrap().unwrap();
        crate::os::mount::detach_open(found.as_fd()).unwrap();
        assert_eq!(find(c"blue"), Ok(false));
    }

    #[test]
    fn names_are_told_without_following_links() {
        let dir = File::open("/proc/thread-self/ns").unwrap();
        // A magic link is a link.
        assert_eq!(identify_name(dir.as_fd(), c"net"), Ok(FileKind::NoNamespace));
        assert_eq!(identify_name_by_ioctl(dir.as_fd(), c"net"), Ok(FileKind::NoNamespace));
        assert_eq!(identify_name(dir.as_fd(), c"none"), Err(Errno::ENOENT));
        assert_eq!(identify_name_by_ioctl(dir.as_fd(), c"none"), Err(Errno::ENOENT));
    }
}
