//! Names given and taken: create, attach, remove.
//!
//! The namespace is made first and bound last, so a name appears when it can be opened; whatever
//! fails in between takes back what was done.

use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use bitflags::bitflags;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, poll};

use crate::error::{Failure, Result, Step};
use crate::namespace::handle::Namespace;
use crate::namespace::identity::{self, Kind};
use crate::namespace::visit::{self, Destination};
use crate::os::mount;
use crate::os::procfs::{self, ProcPath};
use crate::os::retry;
use crate::os::syscalls;
use crate::rundir::dir::{LockedRunDir, MOUNTED_TWICE, RunDir, Wait, or_none};
use crate::rundir::entry::{self, Entry, STALE_AGE};
use crate::rundir::name::{Name, join};
use crate::rundir::open::open_named;
use crate::rundir::placeholder::{BEING_MADE, Placeholder, exists};
use crate::rundir::remove;
use crate::util::try_vec;

bitflags! {
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct CreateFlags: u32 {
        const EXIST_OK = 1;
        const LO_UP = 2;
        const NOWAIT = 4;
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct RemoveFlags: u32 {
        const MISSING_OK = 1;
    }
}

/// How often a name that others create and remove at the same time is tried again.
const TRIES: u32 = 64;

const PATH_MAX: usize = libc::PATH_MAX as usize;

/// A creator that fails removes its placeholder, of which mountinfo tells nothing.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// A namespace that lives as long as its handle.
pub fn create_anonymous(flags: CreateFlags) -> Result<Namespace> {
    Namespace::from_fd(make_namespace(flags)?)
}

pub fn create(rundir: &CStr, name: Name, flags: CreateFlags) -> Result<Namespace> {
    let wait = if flags.contains(CreateFlags::NOWAIT) { Wait::ForNobody } else { Wait::AWhile };
    create_or_open(rundir, name, flags, wait).map_err(|error| match error.hint {
        Some(BEING_MADE) if wait == Wait::ForNobody => {
            Failure::new(error.step, Errno::EAGAIN).hint(BEING_MADE)
        }
        _ => error,
    })
}

fn create_or_open(rundir: &CStr, name: Name, flags: CreateFlags, wait: Wait) -> Result<Namespace> {
    let mut made: Option<Namespace> = None;
    // A file's own age is no bound: whoever owns it may renew that.
    let patience = if wait == Wait::AWhile { STALE_AGE } else { Duration::ZERO };
    let deadline = Instant::now() + patience;
    let mut tries = 0;
    while tries < TRIES {
        let found = look(rundir, name)?;
        let existing = match found.in_the_way {
            Some(error) => take_existing(rundir, name, flags, deadline, error)?,
            None => None,
        };
        if let Some(ns) = existing {
            return Ok(ns);
        }
        let ns = match made.take() {
            Some(ns) => ns,
            None => {
                let path = join(rundir, name)?;
                create_anonymous(flags)?.with_name(path, name.as_cstr())
            }
        };
        match publish(rundir, found.dir, name, &ns, wait) {
            Ok(()) => return Ok(ns),
            // Somebody was faster: look again at what is there now.
            Err(error) if error.errno == Errno::EEXIST && flags.contains(CreateFlags::EXIST_OK) => {
                made = Some(ns);
                if error.hint != Some(BEING_MADE) {
                    tries += 1;
                } else if Instant::now() < deadline {
                    nap(None, LOOK_AGAIN);
                } else {
                    return Err(error);
                }
            }
            Err(error) => return Err(error),
        }
    }
    Err(Failure::new(Step::Exists, Errno::EAGAIN)
        .hint("other processes keep creating and removing it; try again"))
}

/// Gives `ns` one more name.
pub fn attach(rundir: &CStr, ns: &Namespace, name: Name) -> Result<()> {
    let found = look(rundir, name)?;
    match found.in_the_way {
        Some(error) => Err(error),
        None => publish(rundir, found.dir, name, ns, Wait::AWhile),
    }
}

pub fn remove(rundir: &CStr, name: Name, flags: RemoveFlags) -> Result<()> {
    match remove::remove(rundir, name) {
        Err(error) if error.errno == Errno::ENOENT && flags.contains(RemoveFlags::MISSING_OK) => {
            Ok(())
        }
        result => result,
    }
}

fn make_namespace(flags: CreateFlags) -> Result<OwnedFd> {
    visit::within(Destination::New, || {
        if flags.contains(CreateFlags::LO_UP) {
            visit::loopback_up_here()?;
        }
        visit::open_current()
    })
}

/// What a look at a new name has found, without a lock; publish() has the last word.
struct Look {
    /// The run directory, if there is one.
    dir: Option<RunDir>,
    in_the_way: Option<Failure>,
}

fn look(rundir: &CStr, name: Name) -> Result<Look> {
    let Some(dir) = or_none(RunDir::open(rundir))? else {
        return Ok(Look { dir: None, in_the_way: None });
    };
    let in_the_way = match entry::look(dir.as_fd(), name.as_cstr())? {
        Entry::Absent => None,
        Entry::Placeholder(file) if file.is_ours() || file.is_stale(false) => None,
        found => Some(exists(found)),
    };
    Ok(Look { dir: Some(dir), in_the_way })
}

/// The namespace that has the name already, if there is one and that is what the caller wants.
fn take_existing(
    rundir: &CStr,
    name: Name,
    flags: CreateFlags,
    deadline: Instant,
    error: Failure,
) -> Result<Option<Namespace>> {
    if !flags.contains(CreateFlags::EXIST_OK) {
        return Err(error);
    }
    match wait_until_settled(rundir, name, deadline)? {
        Entry::Namespace(_) => open_existing(rundir, name, flags),
        Entry::Stranger(what) => Err(Failure::not_a_namespace(what)),
        Entry::Absent | Entry::Placeholder(_) => Ok(None),
    }
}

fn open_existing(rundir: &CStr, name: Name, flags: CreateFlags) -> Result<Option<Namespace>> {
    let ns = match open_named(rundir, name) {
        // Removed since we looked.
        Err(Failure { errno: Errno::ENOENT | Errno::ENOTTY, .. }) => return Ok(None),
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
    let timeout = syscalls::poll_timeout(at_most);
    // EINTR is as good a reason to look again as any.
    let _ = match mounts {
        Some(fd) => poll(&mut [PollFd::new(fd.as_fd(), PollFlags::POLLPRI)], timeout),
        None => poll(&mut [], timeout),
    };
}

/// Binds the namespace `ns` as `name`, all or nothing. `dir` is the run directory if it is open already.
fn publish(
    rundir: &CStr,
    dir: Option<RunDir>,
    name: Name,
    ns: &Namespace,
    wait: Wait,
) -> Result<()> {
    let mut result = publish_once(rundir, dir, name, ns, wait);
    for _ in 1..TRIES {
        match &result {
            Err(error) if error.hint == Some(MOUNTED_TWICE) => {}
            _ => break,
        }
        result = publish_once(rundir, None, name, ns, wait);
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

fn publish_in(
    dir: &mut LockedRunDir,
    rundir: &CStr,
    name: Name,
    ns: BorrowedFd,
    inode: u64,
) -> Result<()> {
    for _ in 0..TRIES {
        let mut placeholder = Placeholder::new(dir, name)?;
        // The file comes first: a full or read-only file system leaves nothing to take back.
        match enter_mount(dir, rundir, name, &mut placeholder) {
            Ok(true) => {}
            Ok(false) => continue,
            Err(error) => {
                placeholder.withdraw(dir, name);
                return Err(error);
            }
        }
        match mount::bind_namespace(ns, placeholder.as_fd()) {
            Ok(mount) if has_moved(dir, name, inode, &placeholder) => {
                // The file is somewhere else, and so would be the namespace.
                mount.and_then(|mount| mount::detach_open(mount.as_fd()).ok());
            }
            Ok(_) => {
                placeholder.announce();
                return Ok(());
            }
            // Who does not wait for the lock may have removed it: then there is nothing to bind on.
            Err(Errno::ENOENT) if placeholder.is_unlinked() => {}
            Err(errno) => {
                placeholder.withdraw(dir, name);
                return Err(Failure::new(Step::Bind, errno));
            }
        }
    }
    Err(Failure::new(Step::Bind, Errno::EAGAIN).hint("other processes keep removing it; try again"))
}

/// Makes the directory a mount point if it is none. Whether the placeholder is still in it.
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

/// Whether a stranger has moved the placeholder, before the namespace was bound on it. If the file is
/// gone altogether, the name was made and has been removed since.
fn has_moved(dir: &LockedRunDir, name: Name, inode: u64, placeholder: &Placeholder) -> bool {
    let is_elsewhere = match identity::of_name(dir.as_fd(), name.as_cstr()) {
        // A look that fails says nothing.
        Ok(Kind::Network(found)) => found.inode != inode,
        Ok(_) => true,
        Err(errno) => identity::is_answer(errno),
    };
    is_elsewhere && !placeholder.is_unlinked() && !still_has(dir, name, placeholder.as_fd())
}

/// Whether the file still has the name, and something else was mounted on it since.
fn still_has(dir: &LockedRunDir, name: Name, file: BorrowedFd) -> bool {
    // Without /proc, or with too long a path, nobody can tell; then it is safer to take the mount off.
    let Ok(mut paths) = try_vec::zeros(2 * PATH_MAX) else { return false };
    let (of_dir, of_file) = paths.split_at_mut(PATH_MAX);
    let dir = procfs::read_link(ProcPath::of_fd(dir.as_fd()).as_cstr(), of_dir);
    let file = procfs::read_link(ProcPath::of_fd(file).as_cstr(), of_file);
    let (Ok(dir), Ok(file)) = (dir, file) else { return false };
    let below = file.strip_prefix(dir.strip_suffix(b"/").unwrap_or(dir));
    below.and_then(|below| below.strip_prefix(b"/")) == Some(name.as_cstr().to_bytes())
}

#[cfg(test)]
mod tests;
