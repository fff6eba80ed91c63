//! The file that a namespace is bound on: a new one, or one taken over from a killed creator.
//!
//! A file that looks stale may be a live name in another mount namespace, for example in a container that
//! shares the host's run directory. unlink(2) of such a file, or rename(2) onto it, unmounts it there
//! (vfs_unlink() calls detach_mounts(), Linux 3.18). A file that this call did not create is therefore never
//! unlinked; the namespace is bound on it, which no other mount namespace sees.
//!
//! The file is locked with flock(2) before it is found free and until the namespace is bound on it. The
//! directory's lock alone does not keep two creators from using the same file: any reader may hold that lock,
//! and creators then continue without it.

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

/// The maximum number of attempts for a name that others create and remove at the same time.
const MOST_FILES: u32 = 64;

/// The file of a name; no other creator binds on it before this is dropped.
pub struct Placeholder {
    file: OwnedFd,
    /// The same file in the mount that covers the mount of `file`.
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
            // Closing is not sufficient: a child that was forked meanwhile has the descriptor as well.
            let _ = flock(&self.file, FlockOperation::Unlock);
        }
    }
}

impl Placeholder {
    /// Creates the file, or takes over the one that was left under the name.
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

    /// Returns `None` if others have taken the file over, and bound on it or unlinked it since.
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
            // The file system does not support locks.
            Err(_) => false,
        };
        Ok(Placeholder { file, upper: None, is_new, is_locked })
    }

    /// Finds the file again after `dir` has become another mount. Returns whether it is still there;
    /// otherwise another process has moved it.
    pub fn find_again(&mut self, dir: &LockedRunDir, name: Name) -> Result<bool> {
        let Some((upper, status)) = see(dir, name)? else { return Ok(false) };
        let own = fstat(&self.file).at(Step::Look)?;
        self.upper = Some(upper);
        Ok(stat::is_same_file(&status, &own))
    }

    /// Changes the file's times, which inotify reports (IN_ATTRIB), because it does not report mounts.
    /// Monitors thereby notice that a namespace was bound on a file that they considered stale.
    pub fn announce(&self) {
        let now = TimeSpec::UTIME_NOW;
        if on_signal(|| futimens(&self.file, &now, &now)).is_ok() {
            return;
        }
        // Another way to the same effect. If neither works, monitors notice it with the next change of the
        // name.
        if let Ok(status) = fstat(&self.file) {
            let mode = Mode::from_bits_retain(status.st_mode & !libc::S_IFMT);
            let _ = on_signal(|| fchmod(&self.file, mode));
        }
    }

    pub fn is_unlinked(&self) -> bool {
        fstat(&self.file).is_ok_and(|file| file.st_nlink == 0)
    }

    /// Unlinks the file if this call created it and the name still refers to it. This needs no descriptor,
    /// because there may be none left.
    pub fn withdraw(self, dir: &LockedRunDir, name: Name) {
        if !self.is_new {
            return;
        }
        let look = || fstatat(dir.as_fd(), name.as_cstr(), AtFlags::AT_SYMLINK_NOFOLLOW);
        let (Ok(there), Ok(ours)) = (on_signal(look), fstat(&self.file)) else { return };
        if stat::is_same_file(&there, &ours) {
            // At worst the file is stale now, and the next create or remove clears it.
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

/// Opens the stale file with this name. Returns `None` if it has been replaced.
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

/// Returns the failure for a name that cannot be created.
pub fn exists(found: Entry) -> Failure {
    match found {
        Entry::Stranger(what) => Failure::exists().hint(what),
        Entry::Placeholder(_) => being_created(),
        Entry::Link => Failure::exists()
            .hint("the name is a symbolic link; remove it first or choose another name"),
        _ => Failure::exists(),
    }
}

/// Another creator has a file for the name, but has not bound a namespace yet.
fn being_created() -> Failure {
    Failure::new(Step::BeingCreated, Errno::EEXIST)
}

/// Opens the name with O_PATH and returns its status, or `None` if it does not exist.
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

/// The owner of a file can remove it, and thereby the name, in a sticky directory. A file with two links may
/// also be elsewhere, where its lock has a meaning.
fn check_owner(dir: &LockedRunDir, file: &FileStat) -> Result<()> {
    if file.st_nlink > 1 {
        return Err(Failure::exists().hint("an empty file with more than one link"));
    }
    let is_trusted = file.st_uid == 0
        || file.st_uid == geteuid().as_raw()
        || fstat(dir.as_fd()).is_ok_and(|dir| dir.st_uid == file.st_uid);
    if is_trusted {
        Ok(())
    } else {
        Err(Failure::exists().hint("an empty file that belongs to another user"))
    }
}

/// Opens the file that was seen, because flock(2) does not accept an O_PATH descriptor. Returns `None` if
/// there is no /proc and its name refers to another file by now.
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

/// The library's placeholders have no read permission, and only CAP_DAC_OVERRIDE lets their owner open them.
fn open_unreadable(path: &ProcPath, status: &FileStat) -> nix::Result<OwnedFd> {
    let mode = Mode::from_bits_retain(status.st_mode & !libc::S_IFMT);
    let chmod = |mode| fchmodat(AT_FDCWD, path.as_cstr(), mode, FchmodatFlags::FollowSymlink);
    // EPERM: it belongs to another user.
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
