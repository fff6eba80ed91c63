//! Names given and taken: create, attach, remove.
//!
//! The namespace is made first and bound last, so a name appears when it can be opened; whatever
//! fails in between takes back what was done.

use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use bitflags::bitflags;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat};
use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::stat::{Mode, fchmod, fstatat, futimens};
use nix::sys::time::TimeSpec;
use nix::unistd::{UnlinkatFlags, unlinkat};

use crate::entry::{self, Entry, Name, OUR_MODE, STALE_AGE};
use crate::error::{At, Error, Result, Step};
use crate::file_status;
use crate::identity::{self, Kind};
use crate::list::or_none;
use crate::mounts;
use crate::namespace::{self, Namespace};
use crate::procfs::{self, ProcPath};
use crate::retry::{self, fstat};
use crate::rundir::{LockedRunDir, RunDir, join};
use crate::switch::{self, Destination};
use crate::sys;
use crate::unbind;

bitflags! {
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct CreateFlags: u32 {
        const EXIST_OK = 1;
        const LO_UP = 2;
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct RemoveFlags: u32 {
        const MISSING_OK = 1;
    }
}

/// How often a name that others create and remove at the same time is tried again.
const TRIES: u32 = 64;

/// A creator that fails removes its placeholder, of which mountinfo tells nothing.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// A namespace that lives as long as its handle.
pub fn create_anonymous(flags: CreateFlags) -> Result<Namespace> {
    Namespace::from_fd(make_namespace(flags)?)
}

pub fn create(rundir: &CStr, name: Name, flags: CreateFlags) -> Result<Namespace> {
    let mut made: Option<Namespace> = None;
    // A file's own age is no bound: whoever owns it may renew that.
    let deadline = Instant::now() + STALE_AGE;
    for _ in 0..TRIES {
        if let Some(ns) = take_existing(rundir, name, flags, deadline)? {
            return Ok(ns);
        }
        let ns = match made.take() {
            Some(ns) => ns,
            None => {
                let path = join(rundir, name)?;
                create_anonymous(flags)?.with_name(path, name)
            }
        };
        match publish(rundir, name, ns.as_fd()) {
            Ok(()) => return Ok(ns),
            // Somebody was faster: look again at what is there now.
            Err(error) if error.errno == Errno::EEXIST && flags.contains(CreateFlags::EXIST_OK) => {
                made = Some(ns)
            }
            Err(error) => return Err(error),
        }
    }
    Err(Error::new(Step::Exists, Errno::EAGAIN)
        .hint("other processes keep creating and removing it; try again"))
}

const BEING_MADE: &str = "another process is creating it";

/// Gives `ns` one more name.
pub fn attach(rundir: &CStr, ns: &Namespace, name: Name) -> Result<()> {
    if let Some(error) = in_the_way(rundir, name)? {
        return Err(error);
    }
    publish(rundir, name, ns.as_fd())
}

pub fn remove(rundir: &CStr, name: Name, flags: RemoveFlags) -> Result<()> {
    match unbind::remove(rundir, name) {
        Err(error) if error.errno == Errno::ENOENT && flags.contains(RemoveFlags::MISSING_OK) => {
            Ok(())
        }
        result => result,
    }
}

fn make_namespace(flags: CreateFlags) -> Result<OwnedFd> {
    switch::within(Destination::New, || {
        if flags.contains(CreateFlags::LO_UP) {
            namespace::loopback_up_here()?;
        }
        switch::open_current()
    })
}

/// What is in the way of a new name, without a lock; publish() has the last word.
fn in_the_way(rundir: &CStr, name: Name) -> Result<Option<Error>> {
    let dir = match RunDir::open(rundir) {
        Err(error) if error.errno == Errno::ENOENT => return Ok(None),
        dir => dir?,
    };
    Ok(match entry::look(dir.as_fd(), name.as_cstr())? {
        Entry::Absent => None,
        Entry::Placeholder(file) if file.is_ours() || file.is_stale(false) => None,
        found => Some(exists(found)),
    })
}

fn exists(found: Entry) -> Error {
    match found {
        Entry::Stranger(what) => Error::exists().hint(what),
        Entry::Placeholder(_) => Error::exists().hint(BEING_MADE),
        _ => Error::exists(),
    }
}

/// The namespace that has the name already, if there is one and that is what the caller wants.
fn take_existing(
    rundir: &CStr,
    name: Name,
    flags: CreateFlags,
    deadline: Instant,
) -> Result<Option<Namespace>> {
    let Some(error) = in_the_way(rundir, name)? else {
        return Ok(None);
    };
    if !flags.contains(CreateFlags::EXIST_OK) {
        return Err(error);
    }
    match wait_until_settled(rundir, name, deadline)? {
        Entry::Namespace(_) => open_existing(rundir, name, flags),
        Entry::Stranger(what) => Err(Error::not_a_namespace(what)),
        Entry::Absent | Entry::Placeholder(_) => Ok(None),
    }
}

fn open_existing(rundir: &CStr, name: Name, flags: CreateFlags) -> Result<Option<Namespace>> {
    let ns = match Namespace::open_named(rundir, name) {
        // Removed since we looked.
        Err(Error { errno: Errno::ENOENT | Errno::ENOTTY, .. }) => return Ok(None),
        ns => ns?,
    };
    if flags.contains(CreateFlags::LO_UP) {
        ns.loopback_up()?;
    }
    Ok(Some(ns))
}

/// Waits while another program is between making its placeholder and binding a namespace on it.
/// mountinfo wakes up poll(2) when anything is mounted.
fn wait_until_settled(rundir: &CStr, name: Name, deadline: Instant) -> Result<Entry> {
    let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC;
    let mounts = retry::open(procfs::THREAD_MOUNTINFO, flags).ok();
    loop {
        // Opened anew each time: somebody may mount the directory on itself, and bind in there.
        let Some(dir) = or_none(RunDir::open(rundir))? else {
            return Ok(Entry::Absent);
        };
        let found = entry::look(dir.as_fd(), name.as_cstr())?;
        match found {
            Entry::Placeholder(file) if !file.is_ours() && !file.is_stale(false) => {
                if Instant::now() >= deadline {
                    return Err(exists(found));
                }
                nap(mounts.as_ref(), file.time_left().min(LOOK_AGAIN));
            }
            _ => return Ok(found),
        }
    }
}

fn nap(mounts: Option<&OwnedFd>, at_most: Duration) {
    let timeout = sys::poll_timeout(at_most);
    // EINTR is as good a reason to look again as any.
    let _ = match mounts {
        Some(fd) => poll(&mut [PollFd::new(fd.as_fd(), PollFlags::POLLPRI)], timeout),
        None => poll(&mut [], timeout),
    };
}

/// Binds the namespace `ns` as `name`, all or nothing.
fn publish(rundir: &CStr, name: Name, ns: BorrowedFd) -> Result<()> {
    let dir = RunDir::prepare(rundir)?;
    for _ in 0..TRIES {
        let placeholder = make_placeholder(rundir, &dir, name)?;
        match mounts::bind_namespace(ns, placeholder.as_fd()) {
            Ok(mount) if has_moved(&dir, name, ns, placeholder.as_fd()) => {
                // The file is somewhere else, and so would be the namespace.
                mount.and_then(|mount| mounts::detach_open(mount.as_fd()).ok());
            }
            Ok(_) => {
                announce(placeholder.as_fd());
                return Ok(());
            }
            // Who does not wait for the lock may have removed it: then there is nothing to bind on.
            Err(Errno::ENOENT) if is_unlinked(placeholder.as_fd()) => {}
            Err(errno) => {
                withdraw(&dir, name, placeholder.as_fd());
                return Err(Error::new(Step::Bind, errno));
            }
        }
    }
    Err(Error::new(Step::Bind, Errno::EAGAIN).hint("other processes keep removing it; try again"))
}

/// Changes the file's times, which inotify tells of (IN_ATTRIB), where it tells nothing of a mount: so
/// monitors learn of a name that was bound on a file that they have taken for stale. Takes a
/// descriptor that is open for reading or writing.
fn announce(file: BorrowedFd) {
    let now = TimeSpec::UTIME_NOW;
    if retry::on_signal(|| futimens(file, &now, &now)).is_ok() {
        return;
    }
    // The same by other means. Where neither works, monitors see it with the name's next change.
    if let Ok(status) = fstat(file) {
        let mode = Mode::from_bits_retain(status.st_mode & !libc::S_IFMT);
        let _ = retry::on_signal(|| fchmod(file, mode));
    }
}

/// Whether a stranger has moved the placeholder, before the namespace was bound on it. If the file is
/// gone altogether, the name was made and has been removed since.
fn has_moved(dir: &LockedRunDir, name: Name, ns: BorrowedFd, placeholder: BorrowedFd) -> bool {
    let ours = fstat(ns);
    let is_elsewhere = match identity::of_name(dir.as_fd(), name.as_cstr()) {
        // A look that fails says nothing.
        Ok(Kind::Network(found)) => ours.is_ok_and(|ours| found.inode != file_status::inode(&ours)),
        Ok(_) => true,
        Err(errno) => identity::is_answer(errno),
    };
    is_elsewhere && !is_unlinked(placeholder) && !still_has(dir, name, placeholder)
}

/// Whether the file still has the name, and something else was mounted on it since.
fn still_has(dir: &LockedRunDir, name: Name, file: BorrowedFd) -> bool {
    let (mut of_dir, mut of_file) = ([0; libc::PATH_MAX as usize], [0; libc::PATH_MAX as usize]);
    let dir = procfs::read_link(ProcPath::of_fd(dir.as_fd()).as_cstr(), &mut of_dir);
    let file = procfs::read_link(ProcPath::of_fd(file).as_cstr(), &mut of_file);
    // Without /proc, or with too long a path, nobody can tell; then it is safer to take the mount off.
    let (Ok(dir), Ok(file)) = (dir, file) else { return false };
    let below = file.strip_prefix(dir.strip_suffix(b"/").unwrap_or(dir));
    below.and_then(|below| below.strip_prefix(b"/")) == Some(name.as_cstr().to_bytes())
}

fn is_unlinked(file: BorrowedFd) -> bool {
    fstat(file).is_ok_and(|file| file.st_nlink == 0)
}

fn make_placeholder(rundir: &CStr, dir: &LockedRunDir, name: Name) -> Result<OwnedFd> {
    let flags =
        OFlag::O_RDONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    for _ in 0..TRIES {
        let mode = Mode::from_bits_retain(OUR_MODE);
        match retry::on_signal(|| openat(dir.as_fd(), name.as_cstr(), flags, mode)) {
            Err(Errno::EEXIST) => {}
            result => return result.at(Step::Placeholder),
        }
        match entry::look(dir.as_fd(), name.as_cstr())? {
            Entry::Absent => {}
            Entry::Placeholder(file) if file.is_stale(dir.is_locked()) => {
                match unbind::unlink(rundir, dir, name) {
                    // It was bound at this moment, or is something else by now: the next look tells.
                    Ok(_) | Err(Error { errno: Errno::ENOTTY, .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            found => return Err(exists(found)),
        }
    }
    Err(Error::new(Step::Placeholder, Errno::EAGAIN)
        .hint("other processes keep creating and removing it; try again"))
}

/// Takes our placeholder away again, if the name is still it; without a descriptor, of which there
/// may be none left.
fn withdraw(dir: &LockedRunDir, name: Name, placeholder: BorrowedFd) {
    let look = || fstatat(dir.as_fd(), name.as_cstr(), AtFlags::AT_SYMLINK_NOFOLLOW);
    let there = retry::on_signal(look);
    let (Ok(there), Ok(ours)) = (there, fstat(placeholder)) else { return };
    if file_status::is_same_file(&there, &ours) {
        // The file is stale now at the worst, which the next create or remove clears.
        let unlink = || unlinkat(dir.as_fd(), name.as_cstr(), UnlinkatFlags::NoRemoveDir);
        let _ = retry::on_signal(unlink);
    }
}

#[cfg(test)]
mod tests;
