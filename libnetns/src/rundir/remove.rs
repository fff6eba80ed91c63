//! Removing a name: every mount on it, then its file. For a symbolic link, only the link.

use std::ffi::CStr;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use bitflags::bitflags;
use nix::errno::Errno;
use nix::fcntl::AT_FDCWD;
use nix::mount::MsFlags;
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{UnlinkatFlags, fchdir, unlinkat};

use crate::error::{At, Failure, Result, Step};
use crate::namespace::identity;
use crate::os::helper_thread::on_helper_thread;
use crate::os::retry::{on_signal, when_short};
use crate::os::{mount, procfs, stat};
use crate::rundir::dir::{ELSEWHERE, LockedRunDir, RunDir};
use crate::rundir::entry::{self, Entry};
use crate::rundir::link;
use crate::rundir::name::{Name, join};

/// The default of fs.mount-max, which limits the height of a stack of mounts.
const TALLEST_STACK: u32 = 100_000;

/// The maximum number of attempts for a name that others unmount and mount at the same time.
const MOST_UNMOUNTS: u32 = 16;

/// How long mounts are removed before checking whether this is a tall stack or others keep mounting on the
/// name. This is also the longest time that others wait for the lock.
const LONGEST: Duration = Duration::from_secs(1);

bitflags! {
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct RemoveFlags: u32 {
        const MISSING_OK = 1;
    }
}

/// Removes the name with everything mounted on it, or a stale file with this name.
pub fn remove(rundir: &CStr, name: Name, flags: RemoveFlags) -> Result<()> {
    match remove_existing(rundir, name) {
        Err(failure)
            if failure.errno == Errno::ENOENT && flags.contains(RemoveFlags::MISSING_OK) =>
        {
            Ok(())
        }
        result => result,
    }
}

fn remove_existing(rundir: &CStr, name: Name) -> Result<()> {
    let dir = RunDir::lock(rundir)?;
    let writable = dir.check_writable();
    // If something is mounted on top of it before `take_off` ends, that is unmounted instead.
    let mount = find(&dir, name)?;
    if mount.is_none() {
        match entry::look(dir.as_fd(), name.as_cstr())? {
            Entry::Absent => return Err(Failure::new(Step::Look, Errno::ENOENT)),
            Entry::Stranger(what) => return Err(Failure::not_a_namespace(what)),
            Entry::Link => link::check(dir.as_fd(), name.as_cstr())?,
            Entry::Namespace(_) | Entry::Placeholder(_) => {}
        }
    }
    writable.map_err(|failure| why_not_off(&dir, mount.as_ref(), failure))?;
    if let Some(mount) = mount {
        // If this does not remove it, the next check finds out.
        when_short(|| take_off(&dir, name, &mount))?;
    }
    remove_rest(rundir, &dir, name)
}

/// Removes the remainder of a name. The work is half done, so this does not give up for lack of memory or a
/// descriptor.
fn remove_rest(rundir: &CStr, dir: &LockedRunDir, name: Name) -> Result<()> {
    let start = Instant::now();
    let mut last = None;
    for round in 0..TALLEST_STACK {
        match when_short(|| entry::look_below(dir.as_fd(), name.as_cstr()))? {
            // It may also have been removed by another process.
            Entry::Absent => return Ok(()),
            Entry::Placeholder(_) if when_short(|| unlink(rundir, dir, name))? => return Ok(()),
            Entry::Link => {
                when_short(|| link::check(dir.as_fd(), name.as_cstr()))?;
                if when_short(|| unlink(rundir, dir, name))? {
                    return Ok(());
                }
            }
            // A namespace may just have been bound on a placeholder.
            Entry::Namespace(_) | Entry::Placeholder(_) => when_short(|| unmount(dir, name))?,
            Entry::Stranger(what) => return Err(Failure::not_a_namespace(what)),
        }
        if round < MOST_UNMOUNTS || start.elapsed() < LONGEST {
            continue;
        }
        if round >= *last.get_or_insert_with(|| round + mounts_there_are()) {
            break;
        }
    }
    Err(Failure::new(Step::Unmount, Errno::EAGAIN)
        .hint("other processes keep mounting on it; try again"))
}

/// Returns the number of mounts, which limits the height of a stack.
fn mounts_there_are() -> u32 {
    match procfs::read_file(procfs::THREAD_MOUNTINFO, Step::ReadMounts) {
        Ok(mounts) => mounts.iter().filter(|&&byte| byte == b'\n').count() as u32,
        Err(_) => TALLEST_STACK,
    }
}

/// Returns why a name is not removed if the directory is not writable: a reason why unmounting would fail
/// takes precedence.
fn why_not_off(dir: &LockedRunDir, mount: Option<&OwnedFd>, failure: Failure) -> Failure {
    let Some(mount) = mount else { return failure };
    match mount::may_detach_open(mount.as_fd()) {
        Err(Errno::EINVAL) => locked(dir),
        // ENOENT: there is no /proc.
        Ok(()) | Err(Errno::ENOENT) => failure,
        Err(errno) => Failure::new(Step::Unmount, errno),
    }
}

/// Opens the mount of the namespace with this name. Returns `None` if it was removed or is something else.
fn find(dir: &LockedRunDir, name: Name) -> Result<Option<OwnedFd>> {
    match identity::find_mount(dir.as_fd(), name.as_cstr()) {
        Err(errno) if identity::means_no_namespace(errno) => Ok(None),
        found => found.at(Step::Look),
    }
}

/// Unmounts the topmost mount if it is a namespace.
fn unmount(dir: &LockedRunDir, name: Name) -> Result<()> {
    // Kept open so that its mount id is not reused.
    let mut refused: Option<OwnedFd> = None;
    for _ in 0..MOST_UNMOUNTS {
        let Some(mount) = find(dir, name)? else { return Ok(()) };
        if take_off(dir, name, &mount)? {
            return Ok(());
        }
        if let Some(before) = refused {
            let is_same = stat::is_same_mount(before.as_fd(), mount.as_fd());
            if is_same.at(Step::Unmount)? {
                return Err(locked(dir));
            }
        }
        refused = Some(mount);
    }
    // Others keep mounting on it; the next check finds out.
    Ok(())
}

/// Unmounts the mount that was examined, or what has been mounted on it since, because the name may be
/// something else by now and the path of the run directory may lead elsewhere. Returns whether it was
/// unmounted; otherwise another process was faster, or the mount came from a more privileged mount namespace.
fn take_off(dir: &LockedRunDir, name: Name, mount: &OwnedFd) -> Result<bool> {
    let result = match mount::detach_open(mount.as_fd()) {
        Err(Errno::ENOENT) => detach_without_proc(dir, name)?,
        result => result,
    };
    match result {
        Err(Errno::EINVAL) => Ok(false),
        Err(Errno::ENOENT) => Ok(true),
        result => result.map(|()| true).at(Step::Unmount),
    }
}

/// There is no umountat(2), but a thread can have its own working directory.
fn detach_without_proc(dir: &LockedRunDir, name: Name) -> Result<nix::Result<()>> {
    on_helper_thread(|| {
        unshare(CloneFlags::CLONE_FS).at(Step::HelperThread)?;
        on_signal(|| fchdir(dir.as_fd())).at(Step::HelperThread)?;
        Ok(mount::detach(name.as_cstr()))
    })
}

fn locked(dir: &LockedRunDir) -> Failure {
    Failure::new(Step::Unmount, Errno::EPERM).hint(if mount::is_elsewhere(dir.as_fd()) {
        ELSEWHERE
    } else {
        "the mount belongs to a more privileged mount namespace"
    })
}

/// Unlinks the file. Returns whether it no longer exists; otherwise something has just been mounted on it.
pub fn unlink(rundir: &CStr, dir: &LockedRunDir, name: Name) -> Result<bool> {
    Ok(unlink_free(dir, name)? || unlink_busy(rundir, dir, name)?)
}

/// Unlinks the file unless something is mounted on it; returns whether it no longer exists.
fn unlink_free(dir: &LockedRunDir, name: Name) -> Result<bool> {
    match on_signal(|| unlinkat(dir.as_fd(), name.as_cstr(), UnlinkatFlags::NoRemoveDir)) {
        Ok(()) | Err(Errno::ENOENT) => Ok(true),
        Err(Errno::EBUSY) => Ok(false),
        Err(Errno::EISDIR) => Err(Failure::not_a_namespace("a directory")),
        Err(errno) => Err(Failure::new(Step::Unlink, errno)),
    }
}

fn unlink_busy(rundir: &CStr, dir: &LockedRunDir, name: Name) -> Result<bool> {
    if let Entry::Namespace(_) = entry::look(dir.as_fd(), name.as_cstr())? {
        return Ok(false);
    }
    on_helper_thread(|| unlink_from_elsewhere(rundir, dir, name))
}

/// A mount that is hidden below another one (of a name created before the directory became a mount point)
/// cannot be reached. It keeps the file busy only in its own mount namespace: unlinking the file in another
/// one removes all its mounts (Linux 3.18). This thread therefore creates a copy of the mounts and uncovers
/// the file there.
fn unlink_from_elsewhere(rundir: &CStr, dir: &LockedRunDir, name: Name) -> Result<bool> {
    unshare(CloneFlags::CLONE_NEWNS).at(Step::Unmount)?;
    match mount::set_propagation(c"/", MsFlags::MS_REC | MsFlags::MS_PRIVATE) {
        Err(Errno::EINVAL) => {
            return Err(Failure::new(Step::Unlink, Errno::EBUSY).hint(
                "a mount on it is hidden by another mount and cannot be uncovered, because the \
                 root directory is not a mount point",
            ));
        }
        result => result.at(Step::Unmount)?,
    }
    let path = join(rundir, name)?;
    for _ in 0..TALLEST_STACK {
        if unlink_free(dir, name)? {
            return Ok(true);
        }
        let uncovered = match entry::look(AT_FDCWD.as_fd(), &path)? {
            Entry::Namespace(_) => mount::detach(&path),
            Entry::Stranger(what) => return Err(Failure::not_a_namespace(what)),
            Entry::Placeholder(_) | Entry::Link | Entry::Absent => mount::detach(rundir),
        };
        match uncovered {
            Ok(()) => {}
            // There is nothing left to unmount.
            Err(Errno::EINVAL | Errno::ENOENT) => break,
            Err(errno) => return Err(Failure::new(Step::Unmount, errno)),
        }
    }
    Err(Failure::new(Step::Unlink, Errno::EBUSY))
}

#[cfg(test)]
mod tests;
