//! The monitor, which reports names that are added and removed.

use std::ffi::OsString;
use std::fmt::{self, Debug, Formatter};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::error::{At, Step};
use crate::os::syscalls;
use crate::rundir::monitor::{self, Change, MonitorFlags};

use super::error::{About, Result};
use super::run_dir::RunDir;
use super::text::os_string;

/// Reports the names that are added to and removed from a [run directory](RunDir::monitor).
///
/// A monitor is an iterator that never waits: `None` means that there is no event now, but there may be one
/// later. Its descriptor becomes readable when there may be events, for `poll(2)` or an asynchronous runtime;
/// occasionally it becomes readable without an event. [`Monitor::wait`] waits for an event.
///
/// A name is reported once it can be opened. A name that is replaced is reported as removed and then added.
/// The directory need not exist, and may be removed and created again.
///
/// # Examples
///
/// ```no_run
/// use libnetns::RunDir;
///
/// let monitor = RunDir::default().monitor_with_snapshot()?;
/// while let Some(event) = monitor.wait(None)? {
///     println!("{:?} {:?}", event.kind, event.name);
/// }
/// # Ok::<(), libnetns::Error>(())
/// ```
pub struct Monitor {
    monitor: monitor::Monitor,
    fd: RawFd,
    dir: RunDir,
}

/// A name that was added or removed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Event {
    /// Whether the name was added or removed.
    pub kind: EventKind,
    /// The name.
    pub name: OsString,
    /// The inode number of the network namespace that the name refers to or, after a removal, referred to.
    pub inode: u64,
    /// The cookie of that namespace, if it is known: from Linux 6.18 on.
    pub cookie: Option<u64>,
}

/// What happened to a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EventKind {
    /// The name can be opened now.
    Added,
    /// The name was removed or now refers to another namespace; in the latter case [`EventKind::Added`]
    /// follows.
    Removed,
}

impl RunDir {
    /// Opens a monitor that reports the names added and removed from now on.
    ///
    /// # Errors
    ///
    /// `EMFILE` and `ENOSPC` at the limit on descriptors, inotify instances or watches, `EACCES` without
    /// permission to read the directory.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
    /// # fn main() { in_world(example) }
    /// # fn example() -> libnetns::Result<()> {
    /// use libnetns::{EventKind, RunDir};
    ///
    /// let dir = RunDir::default();
    /// let mut monitor = dir.monitor()?;
    /// let blue = dir.create("blue")?;
    /// let event = monitor.next().unwrap()?;
    /// assert_eq!((event.kind, event.name), (EventKind::Added, "blue".into()));
    /// assert_eq!(event.inode, blue.inode());
    /// # Ok(()) }
    /// ```
    #[doc(alias = "netns_monitor_open")]
    pub fn monitor(&self) -> Result<Monitor> {
        Monitor::open(self, false)
    }

    /// Opens a monitor that first reports an [`Added`](crate::EventKind::Added) event for each existing name.
    ///
    /// # Errors
    ///
    /// Those of [`RunDir::monitor`].
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
    /// # fn main() { in_world(example) }
    /// # fn example() -> libnetns::Result<()> {
    /// let dir = libnetns::RunDir::default();
    /// dir.create("blue")?;
    /// assert_eq!(dir.monitor_with_snapshot()?.count(), 1);
    /// # Ok(()) }
    /// ```
    #[doc(alias = "netns_monitor_open")]
    pub fn monitor_with_snapshot(&self) -> Result<Monitor> {
        Monitor::open(self, true)
    }
}

impl Monitor {
    fn open(dir: &RunDir, with_snapshot: bool) -> Result<Monitor> {
        let flags = if with_snapshot { MonitorFlags::SNAPSHOT } else { MonitorFlags::empty() };
        let open = || {
            let monitor = monitor::Monitor::open(dir.checked()?, flags)?;
            let fd = monitor.fd()?;
            Ok(Monitor { monitor, fd, dir: dir.clone() })
        };
        open().about(&dir.about_itself("monitor"))
    }

    /// Waits for the next event, at most for `timeout`; `None` waits without a limit.
    ///
    /// # Errors
    ///
    /// Those of [`Monitor::try_next`].
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
    /// # fn main() { in_world(example) }
    /// # fn example() -> libnetns::Result<()> {
    /// use std::time::Duration;
    ///
    /// let dir = libnetns::RunDir::default();
    /// let monitor = dir.monitor()?;
    /// assert_eq!(monitor.wait(Duration::from_millis(1))?, None);
    /// dir.create("blue")?;
    /// assert!(monitor.wait(None)?.is_some());
    /// # Ok(()) }
    /// ```
    #[doc(alias = "netns_monitor_next")]
    pub fn wait(&self, timeout: impl Into<Option<Duration>>) -> Result<Option<Event>> {
        let deadline = timeout.into().and_then(|timeout| Instant::now().checked_add(timeout));
        loop {
            if let Some(event) = self.try_next()? {
                return Ok(Some(event));
            }
            let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Ok(None);
            }
            self.wait_until_readable(left).about(&self.dir.about_itself("monitor"))?;
        }
    }

    /// Waits until the descriptor is readable, which does not mean that there is an event.
    fn wait_until_readable(&self, at_most: Option<Duration>) -> crate::error::Result<()> {
        let timeout = at_most
            .map_or(PollTimeout::NONE, |left| syscalls::poll_timeout(left.min(LONGEST_POLL)));
        match poll(&mut [PollFd::new(self.as_fd(), PollFlags::POLLIN)], timeout) {
            Err(Errno::EINTR) => Ok(()),
            result => result.map(drop).at(Step::Monitor),
        }
    }

    /// Returns the next event without waiting, or `None` if there is none now. Several threads may share the
    /// monitor; each event is returned to one of them.
    ///
    /// # Errors
    ///
    /// Those of [`RunDir::monitor`]. A failure does not lose events.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
    /// # fn main() { in_world(example) }
    /// # fn example() -> libnetns::Result<()> {
    /// let dir = libnetns::RunDir::default();
    /// let monitor = dir.monitor()?;
    /// assert_eq!(monitor.try_next()?, None);
    /// dir.create("blue")?;
    /// assert!(monitor.try_next()?.is_some());
    /// # Ok(()) }
    /// ```
    #[doc(alias = "netns_monitor_next")]
    pub fn try_next(&self) -> Result<Option<Event>> {
        let event = self.monitor.next().about(&self.dir.about_itself("monitor"))?;
        Ok(event.map(for_caller))
    }
}

/// The timeout of poll(2) is limited to about 24 days.
const LONGEST_POLL: Duration = Duration::from_secs(3600);

fn for_caller(event: monitor::Event) -> Event {
    Event {
        kind: match event.change {
            Change::Added => EventKind::Added,
            Change::Removed => EventKind::Removed,
        },
        name: os_string(&event.name),
        inode: event.identity.inode,
        cookie: event.identity.cookie,
    }
}

/// Never waits: there may be events again after `None`.
impl Iterator for Monitor {
    type Item = Result<Event>;

    fn next(&mut self) -> Option<Result<Event>> {
        self.try_next().transpose()
    }
}

/// The descriptor is readable when there may be an event.
impl AsFd for Monitor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: the monitor keeps the descriptor open as long as it lives.
        unsafe { BorrowedFd::borrow_raw(self.fd) }
    }
}

impl AsRawFd for Monitor {
    fn as_raw_fd(&self) -> RawFd {
        self.fd
    }
}

impl Debug for Monitor {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        f.debug_struct("Monitor").field("dir", &self.dir.path()).field("fd", &self.fd).finish()
    }
}
