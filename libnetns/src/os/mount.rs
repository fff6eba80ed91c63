//! Mounts made and taken off: by the descriptors of Linux 5.2 where there are any, by path before.
//!
//! Seccomp filters that know mount(2) only answer EPERM to the new calls rather than ENOSYS, so that
//! is no last word either: mount(2) says EPERM again where it is meant.

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

/// Binds a namespace on the very file that `target` refers to, whatever its name has become since.
/// Gives the mount, from Linux 5.2 on.
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

/// Puts a copy of a directory, with all its mounts, on top of it, and in a peer group of its own: in
/// its parent's group every name in it would become two mounts. Gives the directory in the copy. Before Linux
/// 5.12 a failure may leave a copy that is in use.
pub fn mount_on_itself(dir: BorrowedFd, path: &CStr) -> Result<OwnedFd> {
    match attach_shared_copy(dir) {
        Err(Errno::ENOSYS | Errno::EPERM) => mount_on_itself_by_path(dir, path),
        copy => copy,
    }
}

/// The copy is private, then shared (Linux 5.12), before anybody sees it.
fn attach_shared_copy(dir: BorrowedFd) -> Result<OwnedFd> {
    let copy = open_tree(dir, c"", CLONE | OpenTreeFlags::AT_RECURSIVE).map_err(errno)?;
    syscalls::set_propagation(copy.as_fd(), MsFlags::MS_PRIVATE, libc::AT_RECURSIVE)?;
    syscalls::set_propagation(copy.as_fd(), MsFlags::MS_SHARED, libc::AT_RECURSIVE)?;
    // Before there is anything to take back.
    let upper = openat(copy.as_fd(), c".", DIRECTORY)?;
    move_mount(&copy, c"", dir, c"", HERE).map_err(errno)?;
    Ok(upper)
}

/// If that fails, a copy that somebody uses by now is still there: what was in the directory, and is in both
/// now, as well as what others have put there since.
fn mount_on_itself_by_path(dir: BorrowedFd, path: &CStr) -> Result<OwnedFd> {
    let lower = ProcPath::of_fd(dir);
    // Before there is anything to take back: what the new mount needs to be opened.
    let own = fstat(dir)?;
    let spare = openat(dir, c".", DIRECTORY)?;
    bind_by_path(lower.as_cstr(), lower.as_cstr(), MsFlags::MS_REC)?;
    drop(spare);
    // The path of the new mount is the same; `dir` refers to what lies below it.
    let upper = open(path, DIRECTORY).and_then(|upper| match fstat(&upper) {
        // It leads elsewhere by now, and no other path leads to the new mount.
        Ok(there) if !is_same_file(&own, &there) => Err(Errno::EAGAIN),
        there => there.and_then(|_| leave_peer_group(upper.as_fd())).map(|()| upper),
    });
    if upper.is_err() {
        let _ = take_off_unused(dir, path);
    }
    upper
}

/// For a peer group of its own.
fn leave_peer_group(mount: BorrowedFd) -> Result<()> {
    let mount = ProcPath::of_fd(mount);
    set_propagation(mount.as_cstr(), MsFlags::MS_PRIVATE | MsFlags::MS_REC)?;
    set_propagation(mount.as_cstr(), MsFlags::MS_SHARED | MsFlags::MS_REC)
}

fn bind_by_path(source: &CStr, target: &CStr, flags: MsFlags) -> Result<()> {
    on_signal(|| mount(Some(source), target, NO_TYPE, MsFlags::MS_BIND | flags, None::<&CStr>))
}

/// What could not be used: what covers, what it is to cover, or the way from one to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Source,
    Target,
    /// There is no /proc.
    Way,
}

type Covered = std::result::Result<(), (Side, Errno)>;

const ALONE: OpenTreeFlags = OpenTreeFlags::OPEN_TREE_CLONE.union(OpenTreeFlags::OPEN_TREE_CLOEXEC);

/// Binds a file, or a directory without what is mounted in it, on another. A symlink as `target` is
/// covered itself, so that nobody uncovers what it leads to by replacing that; only a directory cannot
/// be mounted on a symlink, and is mounted on what that leads to. A symlink as `source` is followed.
///
/// The kernel mounts on a symlink when told to, and path lookup crosses the mount before it would
/// follow the symlink (do_move_mount() in fs/namespace.c, step_into() in fs/namei.c).
pub fn cover(source: &CStr, target: &CStr) -> Covered {
    let covered = match retry_on_intr(|| open_tree(CWD, source, ALONE)) {
        Ok(tree) => move_to(tree.as_fd(), target).map_err(|errno| (Side::Target, errno)),
        Err(errno) => Err((Side::Source, errno)),
    };
    match covered {
        // INVAL: a directory against something else, among other reasons that mount(2) tells apart.
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
                // NOTDIR: a directory. NOENT: no such source, or no /proc.
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

/// Mounts a file system that needs no device; `source` is what it is listed as.
pub fn mount_new(kind: &CStr, source: &CStr, target: &CStr, flags: MsFlags) -> Result<()> {
    mount_with(kind, source, target, flags, None)
}

/// The same with the file system's own options.
pub fn mount_with(
    kind: &CStr,
    source: &CStr,
    target: &CStr,
    flags: MsFlags,
    options: Option<&CStr>,
) -> Result<()> {
    on_signal(|| mount(Some(source), target, Some(kind), flags, options))
}

/// What a mount over `path` has to have as well. A user namespace may not mount a sysfs with fewer of
/// them than the one that it sees has.
pub fn flags_of(path: &CStr) -> Result<MsFlags> {
    // ST_RDONLY, ST_NOSUID ... are the numbers of MS_RDONLY, MS_NOSUID ...
    let seen = on_signal(|| statvfs(path))?;
    Ok(MsFlags::from_bits_truncate(seen.flags().bits()) & KEPT_FLAGS)
}

const KEPT_FLAGS: MsFlags = MsFlags::MS_RDONLY
    .union(MsFlags::MS_NOSUID)
    .union(MsFlags::MS_NODEV)
    .union(MsFlags::MS_NOEXEC)
    .union(MsFlags::MS_NOATIME)
    .union(MsFlags::MS_NODIRATIME);

/// A copy of what is mounted at `path`, with all that is mounted below it, which is mounted nowhere
/// yet.
pub fn copy(path: &CStr) -> Result<OwnedFd> {
    copy_with(path, ALONE | OpenTreeFlags::AT_NO_AUTOMOUNT | OpenTreeFlags::AT_RECURSIVE)
}

fn copy_with(path: &CStr, flags: OpenTreeFlags) -> Result<OwnedFd> {
    retry_on_intr(|| open_tree(CWD, path, flags)).map_err(errno)
}

/// What is mounted somewhere, for [`put_down`] to mount somewhere else.
pub struct PickedUp {
    pub tree: OwnedFd,
    /// Before Linux 5.2 it is none, and has to be put down while it is still mounted where it was.
    pub is_copy: bool,
}

pub fn pick_up(path: &CStr) -> Result<PickedUp> {
    picked_up(path, copy(path))
}

/// A file, or a directory without what is mounted in it, for [`PickedUp::cover`].
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
    /// As [`cover()`] has it.
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

    /// A directory against something else: a symlink, it may be, that leads to one.
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

/// False: there is no such place. ENOENT: no /proc.
pub fn put_down(tree: BorrowedFd, path: &CStr) -> Result<bool> {
    let put = match move_to(tree, path) {
        Err(rustix::io::Errno::NOENT) => return Ok(false),
        // INVAL: it was picked up where a filter knows no open_tree(2), and may not leave its place.
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

/// A symlink as `path` is not followed.
fn move_to(tree: BorrowedFd, path: &CStr) -> rustix::io::Result<()> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
    retry_on_intr(|| move_mount(tree, c"", CWD, path, flags))
}

/// Makes a mount point shared, but not the mounts in it: there may be 10,000. EINVAL: it is none.
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

/// Takes the topmost mount off `path`, whoever is still in it; a symlink is not followed.
pub fn detach(path: &CStr) -> Result<()> {
    on_signal(|| umount2(path, MntFlags::MNT_DETACH | MntFlags::UMOUNT_NOFOLLOW))
}

/// Takes the mount off whose root is open, whatever its path is by now; or the topmost of what has been
/// mounted on that since. ENOENT: no /proc.
pub fn detach_open(root: BorrowedFd) -> Result<()> {
    umount2(ProcPath::of_fd(root).as_cstr(), MntFlags::MNT_DETACH)
}

/// Whether a directory is in a mount of another mount namespace than the calling thread's: nothing in
/// there can be copied. Where nothing tells (before Linux 5.2), it is taken to be in its own.
pub fn is_elsewhere(dir: BorrowedFd) -> bool {
    let copy = open_tree(dir, c"", CLONE | OpenTreeFlags::AT_RECURSIVE);
    copy.is_err_and(|errno| errno == rustix::io::Errno::INVAL)
}

/// Takes the topmost mount off the directory `dir`, which lies below it, and to which `path` leads.
/// EBUSY: somebody has opened something in it, or mounted something there.
pub fn take_off_unused(dir: BorrowedFd, path: &CStr) -> Result<()> {
    let unmount = |path: &CStr| on_signal(|| umount2(path, MntFlags::empty()));
    match unmount(ProcPath::of_fd(dir).as_cstr()) {
        // No /proc.
        Err(Errno::ENOENT) => unmount(path),
        result => result,
    }
}

/// Whether [`detach_open`] would be allowed, without doing it: a mount that is open does not expire.
pub fn may_detach_open(root: BorrowedFd) -> Result<()> {
    match umount2(ProcPath::of_fd(root).as_cstr(), MntFlags::MNT_EXPIRE) {
        Err(Errno::EAGAIN | Errno::EBUSY) => Ok(()),
        result => result,
    }
}

/// What mount(8) passes where there is nothing to say.
const NO_TYPE: Option<&CStr> = Some(c"none");
