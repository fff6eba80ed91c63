//! Creating and removing mounts, with the descriptor-based calls of Linux 5.2 if they are available, and
//! otherwise by path.
//!
//! Some seccomp filters only know mount(2) and return EPERM, not ENOSYS, for the new calls. EPERM therefore
//! also leads to the fallback: mount(2) returns EPERM again if that is the real cause.

use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::statvfs::statvfs;
use rustix::fs::CWD;
use rustix::io::retry_on_intr;
use rustix::mount::{MoveMountFlags, OpenTreeFlags, move_mount, open_tree};

use crate::error::errno;
use crate::os::open::{DIRECTORY, LOOK, LOOK_AT_ITSELF, open, openat};
use crate::os::procfs::ProcPath;
use crate::os::retry::on_signal;
use crate::os::stat::{fstat, is_same_file};
use crate::os::syscalls;

type Result<T> = std::result::Result<T, Errno>;

const CLONE: OpenTreeFlags = OpenTreeFlags::OPEN_TREE_CLONE
    .union(OpenTreeFlags::OPEN_TREE_CLOEXEC)
    .union(OpenTreeFlags::AT_EMPTY_PATH);

const HERE: MoveMountFlags =
    MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH.union(MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH);

/// Binds a namespace on the file that `target` refers to, whatever has happened to its name since. Returns
/// the mount from Linux 5.2 on.
pub fn bind_namespace(ns: BorrowedFd, target: BorrowedFd) -> Result<Option<OwnedFd>> {
    let moved = open_tree(ns, c"", CLONE)
        .and_then(|tree| move_mount(&tree, c"", target, c"", HERE).map(|()| tree));
    match moved {
        Err(rustix::io::Errno::NOSYS | rustix::io::Errno::PERM) => {
            let (source, target) = (ProcPath::of_fd(ns), ProcPath::of_fd(target));
            bind_by_path(source.as_cstr(), target.as_cstr(), MsFlags::empty()).map(|()| None)
        }
        tree => tree.map(Some).map_err(errno),
    }
}

/// Mounts a copy of a directory with all its mounts on top of it, in a separate peer group: in its parent's
/// group, every name in the directory would become two mounts. Returns the directory in the copy. Before
/// Linux 5.12 a failure may leave behind a copy that is in use.
pub fn mount_on_itself(dir: BorrowedFd, path: &CStr) -> Result<OwnedFd> {
    match attach_shared_copy(dir) {
        Err(Errno::ENOSYS | Errno::EPERM) => mount_on_itself_by_path(dir, path),
        copy => copy,
    }
}

/// The copy is made private and then shared (Linux 5.12) before it becomes visible.
fn attach_shared_copy(dir: BorrowedFd) -> Result<OwnedFd> {
    let copy = open_tree(dir, c"", CLONE | OpenTreeFlags::AT_RECURSIVE).map_err(errno)?;
    syscalls::set_propagation(copy.as_fd(), MsFlags::MS_PRIVATE, libc::AT_RECURSIVE)?;
    syscalls::set_propagation(copy.as_fd(), MsFlags::MS_SHARED, libc::AT_RECURSIVE)?;
    // Open this before there is anything to undo.
    let upper = openat(copy.as_fd(), c".", DIRECTORY)?;
    move_mount(&copy, c"", dir, c"", HERE).map_err(errno)?;
    Ok(upper)
}

/// If this fails, a copy that another process already uses remains. It contains everything that was in the
/// directory, and everything that others have added since.
fn mount_on_itself_by_path(dir: BorrowedFd, path: &CStr) -> Result<OwnedFd> {
    let lower = ProcPath::of_fd(dir);
    // Get everything that opening the new mount requires before there is anything to undo.
    let own = fstat(dir)?;
    let spare = openat(dir, c".", DIRECTORY)?;
    bind_by_path(lower.as_cstr(), lower.as_cstr(), MsFlags::MS_REC)?;
    drop(spare);
    // The new mount has the same path; `dir` refers to the directory below it.
    let upper = open(path, DIRECTORY).and_then(|upper| match fstat(&upper) {
        // The path leads elsewhere now, and there is no other path to the new mount.
        Ok(there) if !is_same_file(&own, &there) => Err(Errno::EAGAIN),
        there => there.and_then(|_| leave_peer_group(upper.as_fd())).map(|()| upper),
    });
    if upper.is_err() {
        let _ = take_off_unused(dir, path);
    }
    upper
}

/// Moves a mount to a separate peer group.
fn leave_peer_group(mount: BorrowedFd) -> Result<()> {
    let mount = ProcPath::of_fd(mount);
    set_propagation(mount.as_cstr(), MsFlags::MS_PRIVATE | MsFlags::MS_REC)?;
    set_propagation(mount.as_cstr(), MsFlags::MS_SHARED | MsFlags::MS_REC)
}

fn bind_by_path(source: &CStr, target: &CStr, flags: MsFlags) -> Result<()> {
    on_signal(|| mount(Some(source), target, NO_TYPE, MsFlags::MS_BIND | flags, None::<&CStr>))
}

/// The object that failed: the covering file, the covered file, or the access path between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Source,
    Target,
    /// /proc is not mounted.
    Way,
}

type Covered = std::result::Result<(), (Side, Errno)>;

const ALONE: OpenTreeFlags = OpenTreeFlags::OPEN_TREE_CLONE.union(OpenTreeFlags::OPEN_TREE_CLOEXEC);

/// Binds a file, or a directory without the mounts in it, on another one. If `target` is a symlink, it is
/// covered itself, so that replacing its target does not uncover anything; only a directory cannot be mounted
/// on a symlink, and is mounted on the symlink's target. If `source` is a symlink, it is followed.
///
/// The kernel can mount on a symlink, and path lookup crosses the mount before it would follow the symlink
/// (do_move_mount() in fs/namespace.c, step_into() in fs/namei.c).
pub fn cover(source: &CStr, target: &CStr) -> Covered {
    let covered = match retry_on_intr(|| open_tree(CWD, source, ALONE)) {
        Ok(tree) => move_to(tree.as_fd(), target).map_err(|errno| (Side::Target, errno)),
        Err(errno) => Err((Side::Source, errno)),
    };
    match covered {
        // INVAL: source and target are not both directories, or another reason that mount(2) reports
        // separately.
        Err((_, rustix::io::Errno::NOSYS | rustix::io::Errno::PERM | rustix::io::Errno::INVAL)) => {
            cover_by_path(source, target)
        }
        covered => covered.map_err(|(side, failure)| (side, errno(failure))),
    }
}

fn cover_by_path(source: &CStr, target: &CStr) -> Covered {
    let of_target = |errno| (Side::Target, errno);
    let itself = open(target, LOOK_AT_ITSELF).map_err(of_target)?;
    let follow = || bind_by_path(source, target, MsFlags::empty());
    let is_link = fstat(&itself).map_err(of_target)?.st_mode & libc::S_IFMT == libc::S_IFLNK;
    let bound = match is_link {
        false => follow(),
        true => {
            match bind_by_path(source, ProcPath::of_fd(itself.as_fd()).as_cstr(), MsFlags::empty())
            {
                // NOTDIR: the source is a directory. NOENT: the source does not exist, or there is no /proc.
                Err(Errno::ENOTDIR | Errno::ENOENT) => follow(),
                result => result,
            }
        }
    };
    bound.map_err(|errno| match open(source, LOOK) {
        Err(why) if why == errno => (Side::Source, errno),
        _ => (Side::Target, errno),
    })
}

/// Mounts a file system that needs no device; `source` is the name shown in the list of mounts.
pub fn mount_new(kind: &CStr, source: &CStr, target: &CStr, flags: MsFlags) -> Result<()> {
    mount_with(kind, source, target, flags, None)
}

/// The same, with options of the file system.
pub fn mount_with(
    kind: &CStr,
    source: &CStr,
    target: &CStr,
    flags: MsFlags,
    options: Option<&CStr>,
) -> Result<()> {
    on_signal(|| mount(Some(source), target, Some(kind), flags, options))
}

/// Returns the flags that a mount over `path` must have as well. A user namespace may not mount a sysfs with
/// fewer of these flags than the sysfs that it sees.
pub fn flags_of(path: &CStr) -> Result<MsFlags> {
    // ST_RDONLY, ST_NOSUID ... have the values of MS_RDONLY, MS_NOSUID ...
    let seen = on_signal(|| statvfs(path))?;
    Ok(MsFlags::from_bits_truncate(seen.flags().bits()) & KEPT_FLAGS)
}

const KEPT_FLAGS: MsFlags = MsFlags::MS_RDONLY
    .union(MsFlags::MS_NOSUID)
    .union(MsFlags::MS_NODEV)
    .union(MsFlags::MS_NOEXEC)
    .union(MsFlags::MS_NOATIME)
    .union(MsFlags::MS_NODIRATIME);

/// Returns a detached copy of the mount at `path`, with all mounts below it.
pub fn copy(path: &CStr) -> Result<OwnedFd> {
    copy_with(path, ALONE | OpenTreeFlags::AT_NO_AUTOMOUNT | OpenTreeFlags::AT_RECURSIVE)
}

fn copy_with(path: &CStr, flags: OpenTreeFlags) -> Result<OwnedFd> {
    retry_on_intr(|| open_tree(CWD, path, flags)).map_err(errno)
}

/// A mount that [`put_down`] can mount in another place.
pub struct PickedUp {
    pub tree: OwnedFd,
    /// False before Linux 5.2: it must then be put down while the original is still mounted.
    pub is_copy: bool,
}

pub fn pick_up(path: &CStr) -> Result<PickedUp> {
    picked_up(path, copy(path))
}

/// Picks up a file, or a directory without the mounts in it, for [`PickedUp::cover`].
pub fn pick_up_alone(path: &CStr) -> Result<PickedUp> {
    picked_up(path, copy_with(path, ALONE))
}

fn picked_up(path: &CStr, copy: Result<OwnedFd>) -> Result<PickedUp> {
    match copy {
        Err(Errno::ENOSYS | Errno::EPERM) => {
            Ok(PickedUp { tree: open(path, LOOK)?, is_copy: false })
        }
        tree => Ok(PickedUp { tree: tree?, is_copy: true }),
    }
}

impl PickedUp {
    /// Does the same as [`cover()`].
    pub fn cover(&self, target: &CStr) -> Covered {
        let source = ProcPath::of_fd(self.tree.as_fd());
        let by_path = || match cover_by_path(source.as_cstr(), target) {
            Err((Side::Source, Errno::ENOENT)) => Err((Side::Way, Errno::ENOENT)),
            covered => covered,
        };
        if !self.is_copy {
            return by_path();
        }
        match move_to(self.tree.as_fd(), target) {
            Err(rustix::io::Errno::NOSYS | rustix::io::Errno::PERM) => by_path(),
            Err(rustix::io::Errno::INVAL) => self.cover_followed(target),
            result => result.map_err(|failure| (Side::Target, errno(failure))),
        }
    }

    /// One of the two is not a directory; the target may be a symlink to a directory.
    fn cover_followed(&self, target: &CStr) -> Covered {
        let of_target = |errno| (Side::Target, errno);
        let is_directory = |fd: &OwnedFd| {
            fstat(fd).map(|stat| stat.st_mode & libc::S_IFMT == libc::S_IFDIR).map_err(of_target)
        };
        let place = open(target, LOOK).map_err(of_target)?;
        if is_directory(&place)? != is_directory(&self.tree)? {
            return Err((Side::Target, Errno::ENOTDIR));
        }
        move_mount(&self.tree, c"", &place, c"", HERE).map_err(errno).map_err(of_target)
    }
}

/// Returns false if the place does not exist. ENOENT means that there is no /proc.
pub fn put_down(tree: BorrowedFd, path: &CStr) -> Result<bool> {
    let put = match move_to(tree, path) {
        Err(rustix::io::Errno::NOENT) => return Ok(false),
        // INVAL: it was picked up without open_tree(2) because of a seccomp filter, and cannot be moved.
        Err(rustix::io::Errno::NOSYS | rustix::io::Errno::PERM | rustix::io::Errno::INVAL) => {
            bind_by_path(ProcPath::of_fd(tree).as_cstr(), path, MsFlags::MS_REC)
        }
        result => result.map_err(errno),
    };
    match put {
        Err(Errno::ENOENT) if open(path, LOOK).is_err() => Ok(false),
        put => put.map(|()| true),
    }
}

/// A symlink at `path` is not followed.
fn move_to(tree: BorrowedFd, path: &CStr) -> rustix::io::Result<()> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
    retry_on_intr(|| move_mount(tree, c"", CWD, path, flags))
}

/// Makes a mount point shared, but not the mounts in it, of which there may be 10,000. EINVAL means that it
/// is not a mount point.
pub fn share(dir: BorrowedFd) -> Result<()> {
    match syscalls::set_propagation(dir, MsFlags::MS_SHARED, 0) {
        Err(Errno::ENOSYS | Errno::EPERM) => {
            set_propagation(ProcPath::of_fd(dir).as_cstr(), MsFlags::MS_SHARED)
        }
        result => result,
    }
}

pub fn set_propagation(path: &CStr, propagation: MsFlags) -> Result<()> {
    on_signal(|| mount(NO_TYPE, path, NO_TYPE, propagation, None::<&CStr>))
}

/// Unmounts the topmost mount at `path`, even if it is in use; a symlink is not followed.
pub fn detach(path: &CStr) -> Result<()> {
    on_signal(|| umount2(path, MntFlags::MNT_DETACH | MntFlags::UMOUNT_NOFOLLOW))
}

/// Unmounts the mount whose root is open, whatever its path is now, or the topmost mount that has been
/// mounted on it since. ENOENT means that there is no /proc.
pub fn detach_open(root: BorrowedFd) -> Result<()> {
    umount2(ProcPath::of_fd(root).as_cstr(), MntFlags::MNT_DETACH)
}

/// Returns whether a directory is in a mount of another mount namespace than the calling thread's. Nothing in
/// such a mount can be copied. If this cannot be determined (before Linux 5.2), returns false.
pub fn is_elsewhere(dir: BorrowedFd) -> bool {
    let copy = open_tree(dir, c"", CLONE | OpenTreeFlags::AT_RECURSIVE);
    copy.is_err_and(|errno| errno == rustix::io::Errno::INVAL)
}

/// Unmounts the topmost mount on the directory `dir`, to which `path` leads; `dir` itself is below the mount.
/// EBUSY means that a process has opened or mounted something in it.
pub fn take_off_unused(dir: BorrowedFd, path: &CStr) -> Result<()> {
    let unmount = |path: &CStr| on_signal(|| umount2(path, MntFlags::empty()));
    match unmount(ProcPath::of_fd(dir).as_cstr()) {
        // There is no /proc.
        Err(Errno::ENOENT) => unmount(path),
        result => result,
    }
}

/// Checks whether [`detach_open`] is permitted, without unmounting: a mount that is open does not expire.
pub fn may_detach_open(root: BorrowedFd) -> Result<()> {
    match umount2(ProcPath::of_fd(root).as_cstr(), MntFlags::MNT_EXPIRE) {
        Err(Errno::EAGAIN | Errno::EBUSY) => Ok(()),
        result => result,
    }
}

/// mount(8) passes this for an unused argument.
const NO_TYPE: Option<&CStr> = Some(c"none");
