//! Mounts made and taken off: by the descriptors of Linux 5.2 where there are any, by path before.
//!
//! Seccomp filters that know mount(2) only answer EPERM to the new calls rather than ENOSYS, so that
//! is no last word either: mount(2) says EPERM again where it is meant.

use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use rustix::fs::CWD;
use rustix::mount::{MoveMountFlags, OpenTreeFlags, move_mount, open_tree};

use crate::error::errno;
use crate::procfs::ProcPath;
use crate::retry::open;
use crate::sys;

type Result<T> = std::result::Result<T, Errno>;

const CLONE: OpenTreeFlags = OpenTreeFlags::OPEN_TREE_CLONE
    .union(OpenTreeFlags::OPEN_TREE_CLOEXEC)
    .union(OpenTreeFlags::AT_EMPTY_PATH);

const HERE: MoveMountFlags =
    MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH.union(MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH);

/// Binds a namespace on the very file that `target` refers to, whatever its name has become since.
pub fn bind_namespace(ns: BorrowedFd, target: BorrowedFd) -> Result<()> {
    let moved =
        open_tree(ns, c"", CLONE).and_then(|tree| move_mount(&tree, c"", target, c"", HERE));
    match moved {
        Err(rustix::io::Errno::NOSYS | rustix::io::Errno::PERM) => bind_by_path(
            ProcPath::of_fd(ns).as_cstr(),
            ProcPath::of_fd(target).as_cstr(),
            MsFlags::empty(),
        ),
        result => result.map_err(errno),
    }
}

/// Puts a copy of a directory, with all its mounts, on top of it, and in a peer group of its own: in
/// its parent's group every name in it would become two mounts.
pub fn mount_on_itself(dir: BorrowedFd, path: &CStr) -> Result<()> {
    match attach_shared_copy(dir) {
        Err(Errno::ENOSYS | Errno::EPERM) => mount_on_itself_by_path(dir, path),
        result => result,
    }
}

/// The copy is private, then shared (Linux 5.12), before anybody sees it.
fn attach_shared_copy(dir: BorrowedFd) -> Result<()> {
    let copy = open_tree(dir, c"", CLONE | OpenTreeFlags::AT_RECURSIVE).map_err(errno)?;
    sys::set_propagation(copy.as_fd(), MsFlags::MS_PRIVATE, libc::AT_RECURSIVE)?;
    sys::set_propagation(copy.as_fd(), MsFlags::MS_SHARED, libc::AT_RECURSIVE)?;
    move_mount(&copy, c"", dir, c"", HERE).map_err(errno)
}

fn mount_on_itself_by_path(dir: BorrowedFd, path: &CStr) -> Result<()> {
    let lower = ProcPath::of_fd(dir);
    bind_by_path(lower.as_cstr(), lower.as_cstr(), MsFlags::MS_REC)?;
    let result = leave_peer_group(path);
    if result.is_err() {
        // All or nothing: the next call is to find a directory that is no mount point.
        let _ = detach(path);
    }
    result
}

/// For a peer group of its own. The path of a new mount is the same; what was open before refers to
/// what lies below it.
fn leave_peer_group(path: &CStr) -> Result<()> {
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let upper = open(path, flags)?;
    let upper = ProcPath::of_fd(upper.as_fd());
    set_propagation(upper.as_cstr(), MsFlags::MS_PRIVATE | MsFlags::MS_REC)?;
    set_propagation(upper.as_cstr(), MsFlags::MS_SHARED | MsFlags::MS_REC)
}

fn bind_by_path(source: &CStr, target: &CStr, flags: MsFlags) -> Result<()> {
    mount(Some(source), target, NO_TYPE, MsFlags::MS_BIND | flags, None::<&CStr>)
}

/// Binds a file, or a directory without what is mounted in it, on another; symlinks are followed.
pub fn bind(source: &CStr, target: &CStr) -> Result<()> {
    bind_by_path(source, target, MsFlags::empty())
}

/// Mounts a file system that needs no device; `source` is what it is listed as.
pub fn mount_new(kind: &CStr, source: &CStr, target: &CStr, flags: MsFlags) -> Result<()> {
    mount(Some(source), target, Some(kind), flags, None::<&CStr>)
}

/// A copy of what is mounted at `path`, with all that is mounted below it, which is mounted nowhere
/// yet.
pub fn copy(path: &CStr) -> Result<OwnedFd> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_NO_AUTOMOUNT
        | OpenTreeFlags::AT_RECURSIVE;
    open_tree(CWD, path, flags).map_err(errno)
}

/// What is mounted somewhere, for [`put_down`] to mount somewhere else.
pub struct PickedUp {
    pub tree: OwnedFd,
    /// Before Linux 5.2 it is none, and has to be put down while it is still mounted where it was.
    pub is_copy: bool,
}

pub fn pick_up(path: &CStr) -> Result<PickedUp> {
    match copy(path) {
        Err(Errno::ENOSYS | Errno::EPERM) => {
            let tree = open(path, OFlag::O_PATH | OFlag::O_CLOEXEC)?;
            Ok(PickedUp { tree, is_copy: false })
        }
        tree => Ok(PickedUp { tree: tree?, is_copy: true }),
    }
}

pub fn put_down(tree: BorrowedFd, path: &CStr) -> Result<()> {
    match move_mount(tree, c"", CWD, path, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH) {
        // INVAL: it was picked up where a filter knows no open_tree(2), and may not leave its place.
        Err(rustix::io::Errno::NOSYS | rustix::io::Errno::PERM | rustix::io::Errno::INVAL) => {
            bind_by_path(ProcPath::of_fd(tree).as_cstr(), path, MsFlags::MS_REC)
        }
        result => result.map_err(errno),
    }
}

/// Makes a mount point shared, but not the mounts in it: there may be 10,000. EINVAL: it is none.
pub fn share(dir: BorrowedFd) -> Result<()> {
    match sys::set_propagation(dir, MsFlags::MS_SHARED, 0) {
        Err(Errno::ENOSYS | Errno::EPERM) => {
            set_propagation(ProcPath::of_fd(dir).as_cstr(), MsFlags::MS_SHARED)
        }
        result => result,
    }
}

pub fn set_propagation(path: &CStr, propagation: MsFlags) -> Result<()> {
    mount(NO_TYPE, path, NO_TYPE, propagation, None::<&CStr>)
}

/// Takes the topmost mount off `path`, whoever is still in it; a symlink is not followed.
pub fn detach(path: &CStr) -> Result<()> {
    umount2(path, MntFlags::MNT_DETACH | MntFlags::UMOUNT_NOFOLLOW)
}

/// Whether [`detach`] would be allowed, without doing it: to expire a mount takes two calls, of which
/// this is one. (Of two removers without the lock, one may be the other's second: then it is gone.)
pub fn may_detach(path: &CStr) -> Result<()> {
    match umount2(path, MntFlags::MNT_EXPIRE | MntFlags::UMOUNT_NOFOLLOW) {
        Err(Errno::EAGAIN | Errno::EBUSY) => Ok(()),
        result => result,
    }
}

/// What mount(8) passes where there is nothing to say.
const NO_TYPE: Option<&CStr> = Some(c"none");
