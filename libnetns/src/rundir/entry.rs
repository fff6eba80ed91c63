//! What a name in a run directory is: a namespace, the placeholder file of one that is being created, the
//! stale file of a creator that was killed, or a file that the library leaves alone.
//!
//! A placeholder is the empty file on which a namespace is bound. Ours are marked by their mode and
//! exist under the directory's lock only, so one that is met under the lock has lost its creator.
//! `ip netns add` and others make theirs long before they bind (0.4 ms, 64 ms under load, 2.5 s at
//! nice 19), with no lock held: theirs are stale by age.

use std::ffi::CStr;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use nix::errno::Errno;
use nix::time::{ClockId, clock_gettime};

use crate::error::{At, Failure, Result, Step};
use crate::namespace::identity::{self, FileKind, Identity};
use crate::os::stat::FileStatus;

/// The mode of our own placeholders: the sticky bit means nothing on a file, no umask takes it away
/// and nobody else makes files with it alone.
pub const OUR_MODE: u32 = 0o1000;

/// The age at which another's placeholder is stale.
pub const STALE_AGE: Duration = Duration::from_secs(10);

/// A time of change this far ahead of the clock was written before somebody set the clock back.
const CLOCK_SLACK: Duration = Duration::from_secs(1);

/// What stands under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    Absent,
    Namespace(Identity),
    Placeholder(Placeholder),
    /// A symbolic link, which [`link`](super::link) follows.
    Link,
    /// None of these, and what it is instead.
    Stranger(&'static str),
}

/// An empty regular file on which nothing is mounted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placeholder {
    ours: bool,
    /// Since it was made or changed; None where the clock has been set back since.
    age: Option<Duration>,
}

impl Placeholder {
    /// Whether nobody will bind a namespace on it any more.
    pub fn is_stale(&self, under_lock: bool) -> bool {
        (self.ours && under_lock) || self.age.is_none_or(|age| age >= STALE_AGE)
    }

    pub fn is_ours(&self) -> bool {
        self.ours
    }

    /// How long until it is stale by age.
    pub fn time_left(&self) -> Duration {
        self.age.map_or(Duration::ZERO, |age| STALE_AGE.saturating_sub(age))
    }
}

/// Said of what is a mount point and no namespace, at two moments.
const MOUNTED_ON: Entry = Entry::Stranger("something else is mounted on it");

/// How often what seems to be that is looked at again.
const MOST_LOOKS: u32 = 8;

/// Looks at `name` in `dir`, opening nothing and following no symlink.
pub fn look(dir: BorrowedFd, name: &CStr) -> Result<Entry> {
    // A namespace that was bound after the one look, and perhaps unbound before the next, is no
    // stranger.
    for _ in 1..MOST_LOOKS {
        let found = look_once(dir, name)?;
        if found != MOUNTED_ON {
            return Ok(found);
        }
    }
    look_once(dir, name)
}

fn look_once(dir: BorrowedFd, name: &CStr) -> Result<Entry> {
    match identity::identify_name(dir, name) {
        Ok(FileKind::Network(identity)) => Ok(Entry::Namespace(identity)),
        Ok(FileKind::OtherNamespace(_)) => Ok(Entry::Stranger("a namespace of another type")),
        Ok(FileKind::NoNamespace) => look_at_file(dir, name),
        Err(Errno::ENOENT) => Ok(Entry::Absent),
        // It went, or became something else, while it was looked at.
        Err(errno) if identity::means_no_namespace(errno) => look_at_file(dir, name),
        Err(errno) => Err(Failure::new(Step::Look, errno)),
    }
}

fn look_at_file(dir: BorrowedFd, name: &CStr) -> Result<Entry> {
    let file = match FileStatus::of(dir, name) {
        Err(Errno::ENOENT) => return Ok(Entry::Absent),
        file => file.at(Step::Look)?,
    };
    if file.is_mount_root {
        return Ok(MOUNTED_ON);
    }
    match file.mode & libc::S_IFMT {
        libc::S_IFREG if file.size == 0 => Ok(Entry::Placeholder(Placeholder {
            ours: file.mode & !libc::S_IFMT == OUR_MODE,
            age: age_of(file.changed),
        })),
        libc::S_IFREG => Ok(Entry::Stranger("a regular file")),
        libc::S_IFDIR => Ok(Entry::Stranger("a directory")),
        libc::S_IFLNK => Ok(Entry::Link),
        _ => Ok(Entry::Stranger("a fifo, socket or device")),
    }
}

/// The same where a placeholder is the likely answer, which spares a system call.
pub fn look_below(dir: BorrowedFd, name: &CStr) -> Result<Entry> {
    match look_at_file(dir, name)? {
        Entry::Stranger(_) => look(dir, name),
        found => Ok(found),
    }
}

fn age_of(changed: Duration) -> Option<Duration> {
    let now = clock_gettime(ClockId::CLOCK_REALTIME).map_or(Duration::ZERO, Duration::from);
    age_at(now, changed)
}

fn age_at(now: Duration, changed: Duration) -> Option<Duration> {
    // File times come from a coarser clock than now does, and may be a tick behind it or ahead.
    if changed > now + CLOCK_SLACK { None } else { Some(now.saturating_sub(changed)) }
}

#[cfg(test)]
mod tests;
