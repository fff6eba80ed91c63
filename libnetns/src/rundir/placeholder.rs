//! The file that a namespace is bound on: made for it, or taken over from a creator that was killed.
//!
//! What looks stale here may be a live name in another mount namespace, a container's with the host's
//! run directory for one. unlink(2) of such a file, or rename(2) on it, takes the mounts off there
//! (vfs_unlink() calls detach_mounts(), Linux 3.18). So a file that this call did not make is not
//! unlinked; the namespace is bound on it as it is, which no other mount namespace sees.
//!
//! The file is locked by flock(2) from before it is found free until the namespace is bound on it.
//! The directory's lock alone does not keep two creators off one file: any reader may hold that, and
//! creators then go on without it.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag};
use nix::sys::stat::{FchmodatFlags, FileStat, Mode, fchmod, fchmodat, fstatat, futimens};
use nix::sys::time::TimeSpec;
use nix::unistd::{UnlinkatFlags, geteuid, unlinkat};
use rustix::fs::{FlockOperation, flock};

use crate::error::{At, Failure, Result, Step};
use crate::os::open::{LOOK_AT_ITSELF, READ, READ_UNTRUSTED, open, openat};
use crate::os::procfs::ProcPath;
use crate::os::retry::on_signal;
use crate::os::stat::{self, FileStatus, fstat};
use crate::rundir::dir::LockedRunDir;
use crate::rundir::entry::{self, Entry, OUR_MODE};
use crate::rundir::name::Name;

/// How often a name that others make and remove at the same time is tried again.
const MOST_FILES: u32 = 64;

/// A name's file, which no other creator binds on before this is dropped.
pub struct Placeholder {
    file: OwnedFd,
    /// The file as the mount has it that covers `file`'s.
    upper: Option<OwnedFd>,
    is_new: bool,
    is_locked: bool,
}

impl AsFd for Placeholder {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.upper.as_ref().unwrap_or(&self.file).as_fd()
    }
}

impl Drop for Placeholder {
    fn drop(&mut self) {
        if self.is_locked {
            // Closing is not enough: a child that was forked meanwhile has the descriptor too.
            let _ = flock(&self.file, FlockOperation::Unlock);
        }
    }
}

impl Placeholder {
    /// Makes the file, or takes over the one that was left under the name.
    pub fn new(dir: &LockedRunDir, name: Name) -> Result<Placeholder> {
        for _ in 0..MOST_FILES {
            let found = match make(dir, name) {
                Err(Errno::EEXIST) => take_over(dir, name)?,
                file => Placeholder::of_new(dir, name, file.at(Step::Placeholder)?)?,
            };
            if let Some(placeholder) = found {
                return Ok(placeholder);
            }
        }
        Err(Failure::new(Step::Placeholder, Errno::EAGAIN)
            .hint("other processes keep creating and removing it; try again"))
    }

    /// None: others have taken it over, and bound on it or unlinked it since.
    fn of_new(dir: &LockedRunDir, name: Name, file: OwnedFd) -> Result<Option<Placeholder>> {
        let placeholder = Placeholder::lock(file, true)?;
        match FileStatus::of(dir.as_fd(), name.as_cstr()) {
            Ok(status) => Ok((!status.is_mount_root).then_some(placeholder)),
            Err(Errno::ENOENT) => Ok(None),
            Err(errno) => {
                placeholder.withdraw(dir, name);
                Err(Failure::new(Step::Look, errno))
            }
        }
    }

    fn lock(file: OwnedFd, is_new: bool) -> Result<Placeholder> {
        let lock = || flock(&file, FlockOperation::NonBlockingLockExclusive);
        let is_locked = match rustix::io::retry_on_intr(lock) {
            Ok(()) => true,
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(being_created()),
            // A file system without locks.
            Err(_) => false,
        };
        Ok(Placeholder { file, upper: None, is_new, is_locked })
    }

    /// Finds the file again when `dir` has become another mount. Whether it is there; if not, a
    /// stranger has moved it.
    pub fn find_again(&mut self, dir: &LockedRunDir, name: Name) -> Result<bool> {
        let Some((upper, status)) = see(dir, name)? else { return Ok(false) };
        let own = fstat(&self.file).at(Step::Look)?;
        self.upper = Some(upper);
        Ok(stat::is_same_file(&status, &own))
    }

    /// Changes the file's times, which inotify tells of (IN_ATTRIB), where it tells nothing of a mount:
    /// so monitors learn of a name that was bound on a file that they have taken for stale.
    pub fn announce(&self) {
        let now = TimeSpec::UTIME_NOW;
        if on_signal(|| futimens(&self.file, &now, &now)).is_ok() {
            return;
        }
        // The same by other means. Where neither works, monitors see it with the name's next change.
        if let Ok(status) = fstat(&self.file) {
            let mode = Mode::from_bits_retain(status.st_mode & !libc::S_IFMT);
            let _ = on_signal(|| fchmod(&self.file, mode));
        }
    }

    pub fn is_unlinked(&self) -> bool {
        fstat(&self.file).is_ok_and(|file| file.st_nlink == 0)
    }

    /// Unlinks the file if this call made it and the name is still its; without a descriptor, of which
    /// there may be none left.
    pub fn withdraw(self, dir: &LockedRunDir, name: Name) {
        if !self.is_new {
            return;
        }
        let look = || fstatat(dir.as_fd(), name.as_cstr(), AtFlags::AT_SYMLINK_NOFOLLOW);
        let (Ok(there), Ok(ours)) = (on_signal(look), fstat(&self.file)) else { return };
        if stat::is_same_file(&there, &ours) {
            // The file is stale now at the worst, which the next create or remove clears.
            let unlink = || unlinkat(dir.as_fd(), name.as_cstr(), UnlinkatFlags::NoRemoveDir);
            let _ = on_signal(unlink);
        }
    }
}

fn make(dir: &LockedRunDir, name: Name) -> nix::Result<OwnedFd> {
    let flags = READ | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW;
    let mode = Mode::from_bits_retain(OUR_MODE);
    on_signal(|| nix::fcntl::openat(dir.as_fd(), name.as_cstr(), flags, mode))
}

/// The stale file under the name. None: it is another one by now.
fn take_over(dir: &LockedRunDir, name: Name) -> Result<Option<Placeholder>> {
    match entry::look(dir.as_fd(), name.as_cstr())? {
        Entry::Absent => return Ok(None),
        Entry::Placeholder(file) if file.is_stale(dir.is_locked()) => {}
        found => return Err(exists(found)),
    }
    let Some((seen, status)) = see(dir, name)? else { return Ok(None) };
    if !is_empty_file(&status) {
        return Ok(None);
    }
    check_owner(dir, &status)?;
    let Some(file) = open_seen(dir, name, seen.as_fd(), &status)? else { return Ok(None) };
    let placeholder = Placeholder::lock(file, false)?;
    match FileStatus::of(dir.as_fd(), name.as_cstr()) {
        Err(Errno::ENOENT) => Ok(None),
        there => {
            let there = there.at(Step::Look)?;
            let is_free = !there.is_mount_root && there.is_of(&status) && there.size == 0;
            Ok(is_free.then_some(placeholder))
        }
    }
}

/// What is there instead of a name that can be made.
pub fn exists(found: Entry) -> Failure {
    match found {
        Entry::Stranger(what) => Failure::exists().hint(what),
        Entry::Placeholder(_) => being_created(),
        Entry::Link => Failure::exists()
            .hint("a symbolic link has the name; remove it first, or use another one"),
        _ => Failure::exists(),
    }
}

/// Another creator has a file for the name, and no namespace yet.
fn being_created() -> Failure {
    Failure::new(Step::BeingCreated, Errno::EEXIST)
}

/// A descriptor of what the name is now, which opens nothing, and what it tells. None: nothing.
fn see(dir: &LockedRunDir, name: Name) -> Result<Option<(OwnedFd, FileStat)>> {
    match openat(dir.as_fd(), name.as_cstr(), LOOK_AT_ITSELF) {
        Err(Errno::ENOENT) => Ok(None),
        seen => {
            let seen = seen.at(Step::Look)?;
            let status = fstat(&seen).at(Step::Look)?;
            Ok(Some((seen, status)))
        }
    }
}

fn is_empty_file(status: &FileStat) -> bool {
    status.st_mode & libc::S_IFMT == libc::S_IFREG && status.st_size == 0
}

/// The owner of a file can take it, and with it the name, away in a sticky directory. Of two links to
/// a file one may be elsewhere, where its lock means something.
fn check_owner(dir: &LockedRunDir, file: &FileStat) -> Result<()> {
    if file.st_nlink > 1 {
        return Err(Failure::exists().hint("an empty file with more than one link"));
    }
    let is_trusted = file.st_uid == 0
        || file.st_uid == geteuid().as_raw()
        || fstat(dir.as_fd()).is_ok_and(|dir| dir.st_uid == file.st_uid);
    if is_trusted { Ok(()) } else { Err(Failure::exists().hint("an empty file of another user")) }
}

/// Opens the very file that was seen, because flock(2) takes no descriptor of O_PATH. None: without
/// /proc it is opened by its name, which is another file's by now.
fn open_seen(
    dir: &LockedRunDir,
    name: Name,
    seen: BorrowedFd,
    status: &FileStat,
) -> Result<Option<OwnedFd>> {
    let path = ProcPath::of_fd(seen);
    let file = match open(path.as_cstr(), READ_UNTRUSTED) {
        Err(Errno::ENOENT) => {
            let flags = READ_UNTRUSTED | OFlag::O_NOFOLLOW;
            match openat(dir.as_fd(), name.as_cstr(), flags) {
                Err(Errno::ENOENT | Errno::ELOOP | Errno::ENXIO) => return Ok(None),
                file => file,
            }
        }
        Err(Errno::EACCES) => open_unreadable(&path, status),
        file => file,
    };
    let file = file.at(Step::Placeholder)?;
    let opened = fstat(&file).at(Step::Look)?;
    Ok(stat::is_same_file(&opened, status).then_some(file))
}

/// Ours nobody may read, and that its owner may do so all the same takes CAP_DAC_OVERRIDE.
fn open_unreadable(path: &ProcPath, status: &FileStat) -> nix::Result<OwnedFd> {
    let mode = Mode::from_bits_retain(status.st_mode & !libc::S_IFMT);
    let chmod = |mode| fchmodat(AT_FDCWD, path.as_cstr(), mode, FchmodatFlags::FollowSymlink);
    // EPERM: it is another user's.
    chmod(mode | Mode::S_IRUSR).map_err(|_| Errno::EACCES)?;
    let file = open(path.as_cstr(), READ_UNTRUSTED);
    match &file {
        Ok(file) => fchmod(file, mode)?,
        Err(_) => chmod(mode)?,
    }
    file
}

#[cfg(test)]
mod tests;
