//! Create and attach.
//!
//! The namespace is created first and bound last, so that a name can be opened as soon as it appears.

use std::ffi::CStr;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use bitflags::bitflags;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, poll};

use crate::error::{Failure, Result, Step};
use crate::namespace::handle::Namespace;
use crate::namespace::visit::{self, Destination};
use crate::os::open::{READ, open};
use crate::os::procfs::{self};
use crate::os::syscalls;
use crate::rundir::dir::{RunDir, Wait, or_none};
use crate::rundir::entry::{self, Entry, STALE_AGE};
use crate::rundir::name::{Name, join};
use crate::rundir::open::{open_link, open_named};
use crate::rundir::placeholder::exists;
use crate::rundir::publish::publish;

bitflags! {
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct CreateFlags: u32 {
        const EXIST_OK = 1;
        const LO_UP = 2;
        const NOWAIT = 4;
    }
}

/// The maximum number of attempts for a name that others create and remove at the same time.
const MOST_ATTEMPTS: u32 = 64;

/// The interval at which the name is checked again, because mountinfo does not report that a failed creator
/// has removed its placeholder.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Creates a namespace that lives as long as its handle.
pub fn create_anonymous(flags: CreateFlags) -> Result<Namespace> {
    Namespace::from_fd(make_namespace(flags)?)
}

pub fn create(rundir: &CStr, name: Name, flags: CreateFlags) -> Result<Namespace> {
    let wait = if flags.contains(CreateFlags::NOWAIT) { Wait::ForNobody } else { Wait::AWhile };
    create_or_open(rundir, name, flags, wait).map_err(|failure| match failure.step {
        Step::BeingCreated if wait == Wait::ForNobody => Failure::new(failure.step, Errno::EAGAIN),
        _ => failure,
    })
}

fn create_or_open(rundir: &CStr, name: Name, flags: CreateFlags, wait: Wait) -> Result<Namespace> {
    let mut made: Option<Namespace> = None;
    // The age of the file is not a bound, because its owner may renew it.
    let patience = if wait == Wait::AWhile { STALE_AGE } else { Duration::ZERO };
    let deadline = Instant::now() + patience;
    let mut attempts = 0;
    while attempts < MOST_ATTEMPTS {
        let found = look(rundir, name)?;
        if let Some(failure) = found.in_the_way {
            if let Some(ns) = take_existing(rundir, name, flags, deadline, failure)? {
                return Ok(ns);
            }
        }
        let ns = made.take().map_or_else(|| create_unpublished(rundir, name, flags), Ok)?;
        match publish(rundir, found.dir, name, &ns, wait) {
            Ok(()) => return Ok(ns),
            // Another process was faster: examine what is there now.
            Err(failure) if is_taken(failure) && flags.contains(CreateFlags::EXIST_OK) => {
                if failure.step == Step::BeingCreated {
                    nap_until(deadline).ok_or(failure)?;
                } else {
                    attempts += 1;
                }
                made = Some(ns);
            }
            Err(failure) => return Err(failure),
        }
    }
    Err(Failure::new(Step::Exists, Errno::EAGAIN)
        .hint("other processes keep creating and removing it; try again"))
}

/// Creates a namespace that has its name set but is not yet bound on it.
fn create_unpublished(rundir: &CStr, name: Name, flags: CreateFlags) -> Result<Namespace> {
    let path = join(rundir, name)?;
    Ok(create_anonymous(flags)?.with_name(path, name.as_cstr()))
}

/// Returns whether another process has the name or is creating it.
fn is_taken(failure: Failure) -> bool {
    failure.errno == Errno::EEXIST
}

/// Waits a short time for another creator. Returns `None` if the deadline has passed.
fn nap_until(deadline: Instant) -> Option<()> {
    if Instant::now() >= deadline {
        return None;
    }
    nap(None, LOOK_AGAIN);
    Some(())
}

/// Gives `ns` an additional name.
pub fn attach(rundir: &CStr, ns: &Namespace, name: Name) -> Result<()> {
    let found = look(rundir, name)?;
    match found.in_the_way {
        Some(failure) => Err(failure),
        None => publish(rundir, found.dir, name, ns, Wait::AWhile),
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

/// The result of examining a new name without a lock; publish() decides.
struct Look {
    /// The run directory, if it exists.
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

/// Returns the namespace that already has the name, if there is one and the caller accepts it.
fn take_existing(
    rundir: &CStr,
    name: Name,
    flags: CreateFlags,
    deadline: Instant,
    failure: Failure,
) -> Result<Option<Namespace>> {
    if !flags.contains(CreateFlags::EXIST_OK) {
        return Err(failure);
    }
    match wait_until_settled(rundir, name, deadline)? {
        Entry::Namespace(_) => open_existing(rundir, name, flags),
        // A link that leads to no namespace is in the way. It may lead to one in another mount namespace, so
        // it is not taken over, and its target is never created.
        Entry::Link => raise_loopback(open_link(rundir, name)?, flags),
        Entry::Stranger(what) => Err(Failure::not_a_namespace(what)),
        Entry::Absent | Entry::Placeholder(_) => Ok(None),
    }
}

fn open_existing(rundir: &CStr, name: Name, flags: CreateFlags) -> Result<Option<Namespace>> {
    let ns = match open_named(rundir, name) {
        // It was removed meanwhile.
        Err(Failure { errno: Errno::ENOENT | Errno::ENOTTY, .. }) => None,
        ns => Some(ns?),
    };
    raise_loopback(ns, flags)
}

fn raise_loopback(ns: Option<Namespace>, flags: CreateFlags) -> Result<Option<Namespace>> {
    if let Some(ns) = ns.as_ref().filter(|_| flags.contains(CreateFlags::LO_UP)) {
        ns.loopback_up()?;
    }
    Ok(ns)
}

/// Waits while another program has created its placeholder but not yet bound a namespace on it. poll(2) on
/// mountinfo returns when anything is mounted.
fn wait_until_settled(rundir: &CStr, name: Name, deadline: Instant) -> Result<Entry> {
    let mounts = open(procfs::THREAD_MOUNTINFO, READ).ok();
    loop {
        // Opened again each time, because another process may mount the directory on itself and bind the
        // namespace there.
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
    // EINTR also leads to another check.
    let _ = match mounts {
        Some(fd) => poll(&mut [PollFd::new(fd.as_fd(), PollFlags::POLLPRI)], timeout),
        None => poll(&mut [], timeout),
    };
}

#[cfg(test)]
mod tests;
