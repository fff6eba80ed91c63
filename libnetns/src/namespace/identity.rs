//! Verifying that a file is a network namespace, and identifying it.
//!
//! From Linux 6.18 on, nsfs supports file handles: one unprivileged call reports whether a name is a
//! namespace, its type, its inode and its cookie, without opening anything. On older kernels, or if a seccomp
//! filter forbids the call, the magic number of nsfs and NS_GET_NSTYPE provide the same for a descriptor. The
//! magic number is checked first, because the ioctl number may mean something else for other files.

use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag};
use nix::sys::statfs::{FsType, fstatfs};

use crate::error::{At, Failure, Result, Step};
use crate::os::open::{LOOK, LOOK_AT_ITSELF, READ_UNTRUSTED, open, openat};
use crate::os::procfs::{ProcPath, unless_released};
use crate::os::retry::{is_shortage, on_signal};
use crate::os::stat;
use crate::os::stat::fstat;
use crate::os::syscalls::{self, FileHandle, NSFS_HANDLE};

pub const NSFS: FsType = FsType(libc::NSFS_MAGIC as _);

/// The identity of a network namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The inode from stat(2), which may be reused when the namespace no longer exists.
    pub inode: u64,
    /// Never reused; known immediately only if the kernel supports file handles.
    pub cookie: Option<u64>,
}

/// A descriptor that was verified to be a network namespace.
#[derive(Clone, Copy)]
pub struct NamespaceFd<'a>(BorrowedFd<'a>);

impl<'a> NamespaceFd<'a> {
    /// # Safety
    ///
    /// The descriptor must have been verified by [`identify_fd`] or another function of this module.
    pub unsafe fn new(fd: BorrowedFd<'a>) -> NamespaceFd<'a> {
        NamespaceFd(fd)
    }
}

impl AsFd for NamespaceFd<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0
    }
}

/// An owned descriptor that was verified to be a network namespace, with its identity.
pub struct Proved {
    pub(super) fd: OwnedFd,
    pub(super) identity: Identity,
}

impl Proved {
    /// Returns ENOTTY if it is something else.
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

/// The kind of file that a descriptor or name refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    Network(Identity),
    /// A namespace of another type, with this inode number.
    OtherNamespace(u64),
    NoNamespace,
}

impl FileKind {
    /// Returns the identity, or an error that says what the file is instead.
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

/// Identifies an open descriptor.
pub fn identify_fd(fd: BorrowedFd) -> Result<FileKind> {
    match identify_fd_by_handle(fd) {
        Some(FileKind::NoNamespace) | None => identify_fd_by_ioctl(fd),
        Some(kind) => Ok(kind),
    }
}

fn identify_fd_by_handle(fd: BorrowedFd) -> Option<FileKind> {
    read_handle(fd, c"").map(|(_, kind)| kind)
}

/// Identifies `name` in the directory `dir`; a symlink is not followed. ENOENT is a valid answer.
pub fn identify_name(dir: BorrowedFd, name: &CStr) -> std::result::Result<FileKind, Errno> {
    match syscalls::name_to_handle(dir, name) {
        Err(Errno::ENOENT) => Err(Errno::ENOENT),
        // The fallback reports no cookie, so a caller that has seen the cookie would take it for another
        // namespace.
        Err(errno) if is_shortage(errno) => Err(errno),
        handle => match handle.ok().as_ref().and_then(decode_handle) {
            Some(kind) => Ok(kind),
            None => identify_name_by_ioctl(dir, name),
        },
    }
}

/// Returns whether an errno from [`identify_name`] means that there is no visible namespace. Other errnos
/// mean that the file could not be examined.
pub fn means_no_namespace(errno: Errno) -> bool {
    use Errno::{EACCES, ELOOP, ENOENT, ENOTDIR, ENXIO, ESTALE};
    matches!(errno, EACCES | ELOOP | ENOENT | ENOTDIR | ENXIO | ESTALE)
}

/// Returns the file handle of `path` from `dir` and the kind that it reports, or `None` if it reports
/// nothing. A symlink is not followed.
fn read_handle(dir: BorrowedFd, path: &CStr) -> Option<(FileHandle, FileKind)> {
    let handle = syscalls::name_to_handle(dir, path).ok()?;
    let kind = decode_handle(&handle)?;
    Some((handle, kind))
}

/// Returns `None` if this kernel or file system does not report the kind by file handle.
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

/// Identifies `path` with one system call and without a descriptor; a symlink is not followed. Returns `None`
/// if it is not a network namespace, or if the file handle does not report it.
pub fn identify_path_by_handle(path: &CStr) -> Option<Identity> {
    read_handle(AT_FDCWD, path)?.1.network().ok()
}

/// Opens `path` if it is a network namespace; a symlink is not followed. The file handle identifies it, even
/// if `path` is replaced meanwhile. Returns `None` if it is not a network namespace, or if the file handle
/// does not report it.
pub fn open_path_by_handle(path: &CStr) -> Option<Proved> {
    let (handle, FileKind::Network(identity)) = read_handle(AT_FDCWD, path)? else { return None };
    let fd = syscalls::open_namespace(&handle, READ_UNTRUSTED).ok()?;
    Some(Proved { fd, identity })
}

/// Opens `name` in the directory `dir` if it may be a network namespace; a symlink is not followed. If its
/// file handle already shows that it is none, its file system is not queried, because that may have to wait
/// for a file server.
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
    // SAFETY: the descriptor is on nsfs.
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

/// Opens the file that `path` leads to from `dir` if it is on nsfs, and nothing else, even if `path` is
/// replaced meanwhile: opening another user's fifo or device has side effects. `follow` is O_NOFOLLOW or
/// empty. The descriptor refers to the mount that was found.
pub fn open_if_on_nsfs(
    dir: BorrowedFd,
    path: &CStr,
    follow: OFlag,
) -> std::result::Result<Option<OwnedFd>, Errno> {
    let seen = unless_released(|| openat(dir, path, LOOK | follow))?;
    reopen(seen.as_fd(), dir, path, follow)
}

/// The same for a file that is already open with O_PATH.
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
        // There is no /proc: what is opened here is not certain, but it neither blocks nor becomes a
        // controlling terminal.
        Err(Errno::ENOENT) => openat(dir, path, READ_UNTRUSTED | follow).map(Some),
        fd => fd.map(Some),
    }
}

/// Opens the file that `path` leads to from `dir` if it is a network namespace, and nothing else. Symlinks
/// are followed.
pub fn open_followed(dir: BorrowedFd, path: &CStr) -> std::result::Result<Option<Proved>, Errno> {
    let seen = unless_released(|| openat(dir, path, LOOK))?;
    open_seen(seen.as_fd(), dir, path)
}

/// The same for a file that is already open with O_PATH.
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

/// Identifies the file that `path` leads to from `dir`, following symlinks. Nothing is opened if the file
/// handle reports the kind.
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

/// Opens the network namespace that has this cookie and, unless it is 0, this inode (Linux 6.18; without an
/// inode, 6.19). ESTALE means that it does not exist or that the caller lacks CAP_SYS_ADMIN over it; the
/// kernel does not distinguish these (exportfs_decode_fh_raw).
pub fn open_by_cookie(cookie: u64, inode: u64) -> std::result::Result<Proved, Errno> {
    let number = u32::try_from(inode).map_err(|_| Errno::ESTALE)?;
    let nstype = if number == 0 { 0 } else { libc::CLONE_NEWNET };
    let handle = FileHandle::of_namespace(cookie, nstype, number);
    let fd = syscalls::open_namespace(&handle, READ_UNTRUSTED)?;
    let proved = Proved::new(fd).map_err(|failure| failure.errno)?;
    // The kernel opened it by this cookie, so it has this cookie even if no other call reports it.
    let identity = Identity { cookie: proved.identity.cookie.or(Some(cookie)), ..proved.identity };
    let is_meant = identity.cookie == Some(cookie) && (inode == 0 || identity.inode == inode);
    if is_meant { Ok(Proved { identity, ..proved }) } else { Err(Errno::ESTALE) }
}

/// Returns the device that all namespaces are on.
pub fn device_of(ns: impl AsFd) -> std::result::Result<u64, Errno> {
    fstat(ns).map(|file| stat::device(&file))
}

/// Returns a descriptor of the mount at `name` in the directory `dir` if it is a network namespace. The
/// descriptor may be opened with O_PATH.
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
    fn handle_and_ioctl_agree_on_other_files() {
        for path in ["/proc/uptime", "/", "/etc/passwd", "/dev/null"] {
            assert_eq!(both_ways(path), (FileKind::NoNamespace, FileKind::NoNamespace), "{path}");
        }
        for path in ["/proc/self/ns/mnt", "/proc/self/ns/user", "/proc/self/ns/pid"] {
            let other = FileKind::OtherNamespace(std::fs::metadata(path).unwrap().ino());
            assert_eq!(both_ways(path), (other, other), "{path}");
        }
    }

    #[test]
    fn cookie_from_handle_equals_socket_cookie() {
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
    fn open_path_by_handle_opens_only_network_namespaces() {
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
    fn find_mount_finds_only_network_namespaces() {
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
    fn identify_name_does_not_follow_links() {
        let dir = File::open("/proc/thread-self/ns").unwrap();
        // A magic link is a symlink.
        assert_eq!(identify_name(dir.as_fd(), c"net"), Ok(FileKind::NoNamespace));
        assert_eq!(identify_name_by_ioctl(dir.as_fd(), c"net"), Ok(FileKind::NoNamespace));
        assert_eq!(identify_name(dir.as_fd(), c"none"), Err(Errno::ENOENT));
        assert_eq!(identify_name_by_ioctl(dir.as_fd(), c"none"), Err(Errno::ENOENT));
    }
}
