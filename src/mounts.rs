//! Mounts made and taken off: by the descriptors of Linux 5.2 where there are any, by path before.

use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd};

use nix::errno::Errno;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use rustix::mount::{MoveMountFlags, OpenTreeFlags, move_mount, open_tree};

use crate::procfs::ProcPath;
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
        Err(rustix::io::Errno::NOSYS) => bind_by_path(
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
        Err(Errno::ENOSYS) => mount_on_itself_by_path(path),
        result => result,
    }
}

/// The copy is private, then shared (Linux 5.12), before anybody sees it.
fn attach_shared_copy(dir: BorrowedFd) -> Result<()> {
    let copy = open_tree(dir, c"", CLONE | OpenTreeFlags::AT_RECURSIVE).map_err(errno)?;
    sys::set_propagation(copy.as_fd(), libc::MS_PRIVATE)?;
    sys::set_propagation(copy.as_fd(), libc::MS_SHARED)?;
    move_mount(&copy, c"", dir, c"", HERE).map_err(errno)
}

fn mount_on_itself_by_path(path: &CStr) -> Result<()> {
    bind_by_path(path, path, MsFlags::MS_REC)?;
    set_propagation(path, MsFlags::MS_PRIVATE | MsFlags::MS_REC)?;
    set_propagation(path, MsFlags::MS_SHARED | MsFlags::MS_REC)
}

fn bind_by_path(source: &CStr, target: &CStr, flags: MsFlags) -> Result<()> {
    mount(Some(source), target, NO_TYPE, MsFlags::MS_BIND | flags, None::<&CStr>)
}

pub fn set_propagation(path: &CStr, propagation: MsFlags) -> Result<()> {
    mount(NO_TYPE, path, NO_TYPE, propagation, None::<&CStr>)
}

/// Takes the topmost mount off `path`, whoever is still in it; a symlink is not followed.
pub fn detach(path: &CStr) -> Result<()> {
    umount2(path, MntFlags::MNT_DETACH | MntFlags::UMOUNT_NOFOLLOW)
}

/// What mount(8) passes where there is nothing to say.
const NO_TYPE: Option<&CStr> = Some(c"none");

fn errno(errno: rustix::io::Errno) -> Errno {
    Errno::from_raw(errno.raw_os_error())
}
