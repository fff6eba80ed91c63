//! Binding a namespace on a name, all or nothing: a call that fails undoes its changes.

use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;

use crate::error::{At, Failure, Result, Step};
use crate::namespace::handle::Namespace;
use crate::namespace::identity::{self, FileKind};
use crate::os::mount;
use crate::os::procfs::{self, ProcPath};
use crate::os::retry::a_few_times;
use crate::rundir::dir::{ELSEWHERE, LockedRunDir, RunDir, Wait};
use crate::rundir::name::Name;
use crate::rundir::placeholder::Placeholder;
use crate::util::try_vec;

/// The maximum number of attempts for a name whose placeholder others remove, or whose directory they mount
/// on itself, at the same time.
const MOST_ATTEMPTS: u32 = 64;

const PATH_MAX: usize = libc::PATH_MAX as usize;

/// Binds the namespace `ns` as `name`. `dir` is the run directory if it is already open.
pub fn publish(
    rundir: &CStr,
    mut dir: Option<RunDir>,
    name: Name,
    ns: &Namespace,
    wait: Wait,
) -> Result<()> {
    unless_mounted_twice(|| publish_once(rundir, dir.take(), name, ns, wait))
}

/// Creates the run directory and makes it a shared mount point, as the first name in it does.
pub fn prepare(rundir: &CStr) -> Result<()> {
    unless_mounted_twice(|| prepare_once(rundir))
}

/// Tries again if another process has mounted the directory on itself at the same time: the next attempt
/// works in that process's mount.
fn unless_mounted_twice(mut attempt: impl FnMut() -> Result<()>) -> Result<()> {
    for _ in 1..MOST_ATTEMPTS {
        match attempt() {
            Err(Failure { step: Step::MountedTwice, .. }) => {}
            result => return result,
        }
    }
    attempt()
}

fn prepare_once(rundir: &CStr) -> Result<()> {
    let mut dir = RunDir::prepare(rundir, None, Wait::AWhile)?;
    let result = if dir.is_mount_point() { Ok(()) } else { dir.mount_on_itself(rundir) };
    match result {
        Ok(()) => dir.keep_mount(),
        Err(_) => dir.take_mount_back(rundir),
    }
    result
}

fn publish_once(
    rundir: &CStr,
    dir: Option<RunDir>,
    name: Name,
    ns: &Namespace,
    wait: Wait,
) -> Result<()> {
    let mut dir = RunDir::prepare(rundir, dir, wait)?;
    let result = publish_in(&mut dir, rundir, name, ns.as_fd(), ns.inode());
    match result {
        Ok(()) => dir.keep_mount(),
        Err(_) => dir.take_mount_back(rundir),
    }
    result
}

pub(super) fn publish_in(
    dir: &mut LockedRunDir,
    rundir: &CStr,
    name: Name,
    ns: BorrowedFd,
    inode: u64,
) -> Result<()> {
    for _ in 0..MOST_ATTEMPTS {
        // The file comes first: if the file system is full or read-only, there is nothing to undo.
        let mut placeholder = Placeholder::new(dir, name)?;
        match bind(dir, rundir, name, (ns, inode), &mut placeholder) {
            Ok(Attempt::Bound) => {
                placeholder.announce();
                return Ok(());
            }
            Ok(Attempt::PlaceholderLost) => {}
            Err(failure) => {
                placeholder.withdraw(dir, name);
                return Err(failure);
            }
        }
    }
    Err(Failure::new(Step::Bind, Errno::EAGAIN).hint("other processes keep removing it; try again"))
}

/// The result of an attempt to bind on a placeholder.
enum Attempt {
    Bound,
    /// Another process has removed or moved the file; the next attempt uses a new one.
    PlaceholderLost,
}

fn bind(
    dir: &mut LockedRunDir,
    rundir: &CStr,
    name: Name,
    (ns, inode): (BorrowedFd, u64),
    placeholder: &mut Placeholder,
) -> Result<Attempt> {
    if !enter_mount(dir, rundir, name, placeholder)? {
        return Ok(Attempt::PlaceholderLost);
    }
    let mount = match bind_on(ns, placeholder.as_fd()) {
        // A process that does not wait for the lock may have removed it.
        Err(Errno::ENOENT) if placeholder.is_unlinked() => return Ok(Attempt::PlaceholderLost),
        // Before Linux 5.12, preparing the directory does not fail.
        Err(Errno::EINVAL) if mount::is_elsewhere(dir.as_fd()) => {
            return Err(Failure::new(Step::Bind, Errno::EPERM).hint(ELSEWHERE));
        }
        mount => mount.at(Step::Bind)?,
    };
    if was_moved(dir, name, inode, placeholder) {
        // The file was moved, and the namespace with it.
        mount.and_then(|mount| mount::detach_open(mount.as_fd()).ok());
        return Ok(Attempt::PlaceholderLost);
    }
    Ok(Attempt::Bound)
}

/// Tries again after EINVAL: the kernel returns it if another process unmounts what it has mounted on the placeholder
/// while lock_mount() waits for the lock (fs/namespace.c, Linux 5.10).
fn bind_on(ns: BorrowedFd, placeholder: BorrowedFd) -> nix::Result<Option<OwnedFd>> {
    a_few_times(|errno| *errno == Errno::EINVAL, || mount::bind_namespace(ns, placeholder))
}

/// Makes the directory a mount point if it is not one. Returns whether the placeholder is still in it.
fn enter_mount(
    dir: &mut LockedRunDir,
    rundir: &CStr,
    name: Name,
    placeholder: &mut Placeholder,
) -> Result<bool> {
    if dir.is_mount_point() {
        return Ok(true);
    }
    dir.mount_on_itself(rundir)?;
    placeholder.find_again(dir, name)
}

/// Returns whether another process moved the placeholder before the namespace was bound on it. If the file no
/// longer exists, the name was created and has been removed since.
fn was_moved(dir: &LockedRunDir, name: Name, inode: u64, placeholder: &Placeholder) -> bool {
    shows_something_else(dir, name, inode)
        && !placeholder.is_unlinked()
        && !is_at(dir, name, placeholder.as_fd())
}

/// Returns whether the name is anything other than the namespace. A failed check is ignored.
fn shows_something_else(dir: &LockedRunDir, name: Name, inode: u64) -> bool {
    match identity::identify_name(dir.as_fd(), name.as_cstr()) {
        Ok(FileKind::Network(found)) => found.inode != inode,
        Ok(_) => true,
        Err(errno) => identity::means_no_namespace(errno),
    }
}

/// Returns whether the file still has the name, and something else was mounted on it since.
fn is_at(dir: &LockedRunDir, name: Name, file: BorrowedFd) -> bool {
    // Without /proc, or if the path is too long, this cannot be determined; unmounting is then safer.
    let Ok(mut paths) = try_vec::zeros(2 * PATH_MAX) else { return false };
    let (of_dir, of_file) = paths.split_at_mut(PATH_MAX);
    let dir = procfs::read_link(ProcPath::of_fd(dir.as_fd()).as_cstr(), of_dir);
    let file = procfs::read_link(ProcPath::of_fd(file).as_cstr(), of_file);
    let (Ok(dir), Ok(file)) = (dir, file) else { return false };
    let below = file.strip_prefix(dir.strip_suffix(b"/").unwrap_or(dir));
    below.and_then(|below| below.strip_prefix(b"/")) == Some(name.as_cstr().to_bytes())
}
