//! Takes a name off: every mount on it, then the file.

use std::ffi::CStr;
use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::fcntl::AT_FDCWD;
use nix::mount::MsFlags;
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{UnlinkatFlags, unlinkat};

use crate::entry::{self, Entry, Name};
use crate::error::{At, Error, Result, Step};
use crate::helper::on_helper_thread;
use crate::mounts;
use crate::procfs::ProcPath;
use crate::retry::when_short;
use crate::rundir::{LockedRunDir, RunDir, join};

/// fs.mount-max, as the kernel ships it: nobody stacks more than that.
const TALLEST_STACK: u32 = 100_000;

/// How often a name that others unbind and bind at the same time is tried again.
const TRIES: u32 = 16;

pub fn remove(rundir: &CStr, name: Name) -> Result<()> {
    let dir = RunDir::lock(rundir)?;
    let mut found = entry::look(dir.as_fd(), name.as_cstr())?;
    match found {
        Entry::Absent => return Err(Error::new(Step::Look, Errno::ENOENT)),
        Entry::Stranger(what) => return Err(Error::not_a_namespace(what)),
        Entry::Namespace(_) | Entry::Placeholder(_) => check_unlinkable(rundir, &dir, name, found)?,
    }
    for _ in 0..TALLEST_STACK {
        match found {
            // Gone while we were at it is as good.
            Entry::Absent => return Ok(()),
            Entry::Namespace(_) => when_short(|| unmount(rundir, &dir, name))?,
            Entry::Placeholder(_) if when_short(|| unlink(rundir, &dir, name))? => return Ok(()),
            // A namespace was bound on it at this moment.
            Entry::Placeholder(_) => when_short(|| unmount(rundir, &dir, name))?,
            Entry::Stranger(what) => return Err(Error::not_a_namespace(what)),
        }
        // Half of the work is done: the rest is not given up for want of memory or a descriptor.
        found = when_short(|| entry::look_below(dir.as_fd(), name.as_cstr()))?;
    }
    Err(Error::new(Step::Unmount, Errno::EBUSY))
}

/// Fails where the file could not be taken away, before its mounts are. What unmounting itself is
/// refused for comes first.
fn check_unlinkable(rundir: &CStr, dir: &LockedRunDir, name: Name, found: Entry) -> Result<()> {
    let result = dir.check_writable();
    if result.is_err() && matches!(found, Entry::Namespace(_)) {
        may_unmount(at_its_path(rundir, dir, name, mounts::may_detach)?)?;
    }
    result
}

fn may_unmount(result: nix::Result<()>) -> Result<()> {
    match result {
        Err(Errno::EINVAL) => Err(locked()),
        result => result.at(Step::Unmount),
    }
}

/// Takes the topmost mount off.
fn unmount(rundir: &CStr, dir: &LockedRunDir, name: Name) -> Result<()> {
    for _ in 0..TRIES {
        match at_its_path(rundir, dir, name, mounts::detach)? {
            // Somebody was faster, or the mount came from a more privileged mount namespace.
            Err(Errno::EINVAL) => {}
            Err(Errno::ENOENT) => return Ok(()),
            result => return result.at(Step::Unmount),
        }
        if !matches!(entry::look(dir.as_fd(), name.as_cstr())?, Entry::Namespace(_)) {
            return Ok(());
        }
    }
    Err(locked())
}

/// Calls `act` with the path of a name in the directory that is open.
fn at_its_path(
    rundir: &CStr,
    dir: &LockedRunDir,
    name: Name,
    act: impl Fn(&CStr) -> nix::Result<()>,
) -> Result<nix::Result<()>> {
    let path = ProcPath::below_fd(dir.as_fd(), name.as_cstr());
    match act(path.as_cstr()) {
        // No /proc, or the name has gone.
        Err(Errno::ENOENT) => Ok(act(&join(rundir, name)?)),
        result => Ok(result),
    }
}

fn locked() -> Error {
    Error::new(Step::Unmount, Errno::EPERM)
        .hint("the mount belongs to a more privileged mount namespace")
}

/// Unlinks the file. Whether it is gone; if not, somebody has just mounted on it.
pub fn unlink(rundir: &CStr, dir: &LockedRunDir, name: Name) -> Result<bool> {
    Ok(unlink_free(dir, name)? || unlink_busy(rundir, dir, name)?)
}

/// Unlinks the file unless something is mounted on it; whether it is gone.
fn unlink_free(dir: &LockedRunDir, name: Name) -> Result<bool> {
    match unlinkat(dir.as_fd(), name.as_cstr(), UnlinkatFlags::NoRemoveDir) {
        Ok(()) | Err(Errno::ENOENT) => Ok(true),
        Err(Errno::EBUSY) => Ok(false),
        Err(errno) => Err(Error::new(Step::Unlink, errno)),
    }
}

fn unlink_busy(rundir: &CStr, dir: &LockedRunDir, name: Name) -> Result<bool> {
    if let Entry::Namespace(_) = entry::look(dir.as_fd(), name.as_cstr())? {
        return Ok(false);
    }
    on_helper_thread(|| unlink_from_elsewhere(rundir, dir, name))
}

/// A mount that lies below another one (of a name made before the directory became a mount point)
/// cannot be reached, and keeps the file busy, in its own mount namespace only: unlinking the file
/// in another one takes all its mounts off (Linux 3.18). So this thread makes itself a copy of the
/// mounts and uncovers the file in there.
fn unlink_from_elsewhere(rundir: &CStr, dir: &LockedRunDir, name: Name) -> Result<bool> {
    unshare(CloneFlags::CLONE_NEWNS).at(Step::Unmount)?;
    match mounts::set_propagation(c"/", MsFlags::MS_REC | MsFlags::MS_PRIVATE) {
        Err(Errno::EINVAL) => {
            return Err(Error::new(Step::Unlink, Errno::EBUSY).hint(
                "another mount hides one on it, which a chroot that is no mount cannot undo",
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
            Entry::Namespace(_) => mounts::detach(&path),
            Entry::Stranger(what) => return Err(Error::not_a_namespace(what)),
            Entry::Placeholder(_) | Entry::Absent => mounts::detach(rundir),
        };
        match uncovered {
            Ok(()) => {}
            // Nothing is left to take off.
            Err(Errno::EINVAL | Errno::ENOENT) => break,
            Err(errno) => return Err(Error::new(Step::Unmount, errno)),
        }
    }
    Err(Error::new(Step::Unlink, Errno::EBUSY))
}

#[cfg(test)]
mod tests;
