//! Reporting names that are added and removed, for an event loop.
//!
//! An inotify event, a directory that appears or disappears, and an overflow only mark names to be examined.
//! The reported events are the differences between what is found and what was reported before, so nothing is
//! reported twice or too early, and no lasting change is missed.
//!
//! inotify reports the creation of a file, but not that a namespace is bound on it. This library touches the
//! file after binding. For files of other programs, and only while such a file is young enough for its
//! creator to be at work, mountinfo is in the same epoll set: it becomes ready when anything is mounted.
//!
//! inotify reports that a symbolic link is created and unlinked. Nothing reports that the target of a link
//! appears or disappears.

mod descriptors;

use std::collections::VecDeque;
use std::ffi::{CStr, CString};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::sync::{Mutex, PoisonError};

use bitflags::bitflags;
use nix::errno::Errno;
use rustix::fs::inotify::{ReadFlags, Reader};

use crate::error::{At, Failure, Result, Step};
use crate::namespace::identity::{self, Identity};
use crate::rundir::dir::{RunDir, for_each_name};
use crate::rundir::entry::{self, Entry, Placeholder};
use crate::rundir::link::{self, Link};
use crate::rundir::watch::Watches;
use crate::util::name_map::{NameMap, Paths};
use crate::util::try_vec::copy_c_str;

use descriptors::{Descriptors, Mounts, Proved};

bitflags! {
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct MonitorFlags: u32 {
        const SNAPSHOT = 1;
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Added,
    Removed,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Event {
    pub change: Change,
    pub name: CString,
    /// The namespace that the name refers to or, after a removal, referred to.
    pub identity: Identity,
}

pub struct Monitor {
    descriptors: Descriptors,
    state: Mutex<State>,
}

struct State {
    rundir: CString,
    paths: Paths,
    watches: Watches,
    /// The names that have been reported as added.
    told: NameMap<Told>,
    /// Names to be examined, in the order in which they were marked.
    to_look_at: Queue,
    /// Names on which a namespace may be bound without an inotify event.
    waiting: NameMap<()>,
    /// Open while any name is waiting.
    mounts: Option<Mounts>,
    /// What must be done before events are meaningful again; kept until it succeeds.
    due: Due,
    is_more: bool,
}

#[derive(Clone, Copy)]
struct Told {
    identity: Identity,
    /// The name was removed since. It may now belong to another namespace with the same inode.
    was_removed: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Due {
    /// The directory, or one of its ancestors, was replaced.
    new_watches: bool,
    /// Events may have been missed.
    full_look: bool,
    /// Something was mounted.
    look_at_waiting: bool,
}

const EVERYTHING: Due = Due { new_watches: true, full_look: true, look_at_waiting: false };

/// Space for about 15 of the longest names.
const EVENT_BUFFER: usize = 4096;

/// How many buffers are read before the call returns no event. This is enough for everything that may be
/// queued, which is 16,384 events by default. If others keep generating events, the monitor stays ready.
const MOST_READS: u32 = 2_048;

impl Monitor {
    pub fn open(rundir: &CStr, flags: MonitorFlags) -> Result<Monitor> {
        let state = State {
            rundir: copy_c_str(rundir)?,
            paths: Paths::new(rundir)?,
            watches: Watches::default(),
            told: NameMap::default(),
            to_look_at: Queue::default(),
            waiting: NameMap::default(),
            mounts: None,
            due: EVERYTHING,
            is_more: false,
        };
        let mut monitor = Monitor { descriptors: Descriptors::open()?, state: Mutex::new(state) };
        monitor.start(flags)?;
        Ok(monitor)
    }

    fn start(&mut self, flags: MonitorFlags) -> Result<()> {
        let own = self.descriptors.prove()?;
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        // The watches are added before the directory is read: a change in between is seen twice, and reported
        // once.
        state.catch_up(own)?;
        if !flags.contains(MonitorFlags::SNAPSHOT) {
            while state.next_difference(own)?.is_some() {}
        }
        let is_more = !state.to_look_at.is_empty();
        state.show(own, is_more)
    }

    /// Returns the descriptor to poll.
    pub fn fd(&self) -> Result<RawFd> {
        Ok(self.descriptors.epoll()?.as_raw_fd())
    }

    /// Returns the next event, or `None` if there is none now.
    pub fn next(&self) -> Result<Option<Event>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let own = self.descriptors.prove()?;
        let event = state.next(own);
        // After a failure, an event loop would only fail again until the cause is gone.
        let is_more = matches!(event, Ok(Some(_))) && !state.to_look_at.is_empty();
        // This cannot fail: the descriptors were verified just before.
        let _ = state.show(own, is_more);
        event
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        self.descriptors.close(state.mounts.take());
    }
}

impl State {
    fn next(&mut self, own: Proved) -> Result<Option<Event>> {
        for _ in 0..MOST_READS {
            self.catch_up(own)?;
            if let Some(event) = self.next_difference(own)? {
                return Ok(Some(event));
            }
            // This comes first: a namespace that is bound by now was bound before the names were created
            // whose events are read next.
            self.queue_waiting_if_mounted(own)?;
            if !self.read_events(own)? {
                return self.last_difference(own);
            }
        }
        // The last events may have reported that the directory was replaced, which nothing else reports.
        self.catch_up(own)?;
        self.next_difference(own)
    }

    /// Called when no event is left to read. If the mounts show no difference, they are no longer watched,
    /// unless a name still waits for one.
    fn last_difference(&mut self, own: Proved) -> Result<Option<Event>> {
        let event = self.next_difference(own)?;
        if event.is_none() {
            self.forget_mounts(own);
        }
        Ok(event)
    }

    fn show(&mut self, own: Proved, is_more: bool) -> Result<()> {
        if is_more != self.is_more {
            own.show(is_more)?;
            self.is_more = is_more;
        }
        Ok(())
    }

    /// Queues the names that wait for a mount if anything was mounted.
    fn queue_waiting_if_mounted(&mut self, own: Proved) -> Result<()> {
        let Some(mounts) = &self.mounts else { return Ok(()) };
        self.due.look_at_waiting |= own.have_changed(mounts)?;
        if self.due.look_at_waiting {
            self.to_look_at.extend(self.waiting.names())?;
            self.due.look_at_waiting = false;
        }
        Ok(())
    }

    /// Examines names until one differs from what was reported.
    fn next_difference(&mut self, own: Proved) -> Result<Option<Event>> {
        if self.to_look_at.is_empty() {
            return Ok(None);
        }
        let mut dir = Directory::Unopened;
        while let Some(name) = self.to_look_at.pop_front() {
            let difference =
                self.look(&mut dir, &name, own).and_then(|found| self.difference(&name, found));
            match difference {
                Ok(None) => {}
                Ok(Some((change, identity))) => return Ok(Some(Event { change, name, identity })),
                Err(failure) => {
                    // Examine it again last: removals of other names may be what frees a descriptor. Events
                    // that are not read now are found later.
                    self.to_look_at.put_last(name);
                    let _ = self.read_events(own);
                    return Err(failure);
                }
            }
        }
        Ok(None)
    }

    /// Examines a name, and waits for it from now on if it is being created.
    fn look(&mut self, dir: &mut Directory, name: &CStr, own: Proved) -> Result<Option<Identity>> {
        let mut found = self.entry(dir, name)?;
        if let Entry::Placeholder(file) = found {
            if is_bound_silently(file) && self.mounts.is_none() {
                self.mounts = Some(own.open_mounts()?);
                // A mount that happened before the watch began is not reported.
                *dir = Directory::Unopened;
                found = self.entry(dir, name)?;
            }
        }
        match found {
            Entry::Placeholder(file) if is_bound_silently(file) => self.waiting.insert(name, ())?,
            _ => self.waiting.remove(name),
        }
        match found {
            Entry::Namespace(identity) => Ok(Some(identity)),
            _ => Ok(None),
        }
    }

    fn entry(&mut self, dir: &mut Directory, name: &CStr) -> Result<Entry> {
        // The most likely case needs one system call; all others need the directory.
        if let Some(identity) = identity::identify_path_by_handle(self.paths.of(name)?) {
            return Ok(Entry::Namespace(identity));
        }
        let Some(open) = dir.open(&self.rundir)? else { return Ok(Entry::Absent) };
        let found = look(open, name)?;
        if matches!(found, Entry::Namespace(_)) || !open.is_outdated(&self.rundir) {
            return Ok(found);
        }
        // A process that has just mounted the directory on itself unmounts the names below.
        *dir = Directory::Unopened;
        match dir.open(&self.rundir)? {
            Some(open) => look(open, name),
            None => Ok(Entry::Absent),
        }
    }

    fn difference(
        &mut self,
        name: &CStr,
        found: Option<Identity>,
    ) -> Result<Option<(Change, Identity)>> {
        match (self.told.get(name).copied(), found) {
            (None, None) => Ok(None),
            (Some(told), Some(found)) if told.identity == found && !told.was_removed => Ok(None),
            (None, Some(identity)) => {
                self.told.insert(name, Told { identity, was_removed: false })?;
                Ok(Some((Change::Added, identity)))
            }
            (Some(told), found) => {
                if found.is_some() {
                    // It is another namespace now, which is reported next.
                    self.to_look_at.put_back(copy_c_str(name)?);
                }
                self.told.remove(name);
                Ok(Some((Change::Removed, told.identity)))
            }
        }
    }

    fn forget_mounts(&mut self, own: Proved) {
        if !self.waiting.is_empty() {
            return;
        }
        if let Some(mounts) = self.mounts.take() {
            own.close_mounts(mounts);
        }
    }

    /// Reads pending inotify events, or some of them if there are many; returns whether there were any.
    fn read_events(&mut self, own: Proved) -> Result<bool> {
        let result = self.read_some_events(own);
        if result.is_err() {
            // Events that were read but not recorded are found by examining everything.
            self.due.full_look = true;
        }
        result
    }

    fn read_some_events(&mut self, own: Proved) -> Result<bool> {
        let mut buffer = [MaybeUninit::uninit(); EVENT_BUFFER];
        let mut reader = Reader::new(own.inotify(), &mut buffer);
        loop {
            let event = match reader.next() {
                Err(rustix::io::Errno::AGAIN) => return Ok(false),
                Err(rustix::io::Errno::INTR) => continue,
                event => event.at(Step::Monitor)?,
            };
            if event.events().contains(ReadFlags::QUEUE_OVERFLOW)
                || self.watches.concerns_directory(&event, &self.rundir)
            {
                // An overflow may have dropped any event, including the removal of the directory.
                self.due = EVERYTHING;
            } else if self.watches.is_directory(event.wd()) {
                if let Some(name) = event.file_name() {
                    note(name, event.events(), &mut self.told);
                    self.to_look_at.push_unless_last(name)?;
                }
            }
            if reader.is_buffer_empty() {
                return Ok(true);
            }
        }
    }

    /// Renews the watches if the directory was replaced, and queues every name if events were lost.
    fn catch_up(&mut self, own: Proved) -> Result<()> {
        if self.due.new_watches {
            self.watches.renew(own.inotify(), &self.rundir)?;
            self.due.new_watches = false;
        }
        if self.due.full_look {
            self.look_at_everything()?;
            self.due.full_look = false;
        }
        Ok(())
    }

    fn look_at_everything(&mut self) -> Result<()> {
        // This includes the names of a failed attempt, which must not accumulate.
        self.to_look_at.clear();
        self.to_look_at.extend(self.told.names())?;
        self.to_look_at.extend(self.waiting.names())?;
        let mut dir = Directory::Unopened;
        let Some(dir) = dir.open(&self.rundir)? else { return Ok(()) };
        for_each_name(dir.as_fd(), |name, _| self.to_look_at.push(name))
    }
}

/// The run directory, opened when needed and again for each event, because the first create mounts it on
/// itself.
enum Directory {
    Unopened,
    /// It does not exist, and therefore contains no names.
    Missing,
    Open(RunDir),
}

impl Directory {
    fn open(&mut self, rundir: &CStr) -> Result<Option<&RunDir>> {
        if let Directory::Unopened = self {
            *self = match RunDir::open(rundir) {
                Err(Failure { errno: Errno::ENOENT | Errno::ENOTDIR, .. }) => Directory::Missing,
                dir => Directory::Open(dir?),
            };
        }
        match self {
            Directory::Open(dir) => Ok(Some(dir)),
            _ => Ok(None),
        }
    }
}

/// Examines a name; a link that leads to a namespace counts as one.
fn look(dir: &RunDir, name: &CStr) -> Result<Entry> {
    let found = entry::look(dir.as_fd(), name)?;
    if found != Entry::Link {
        return Ok(found);
    }
    match link::follow(dir.as_fd(), name)? {
        Link::Namespace(proved) => Ok(Entry::Namespace(proved.identity())),
        _ => Ok(found),
    }
}

/// Returns whether a process may bind a namespace on the file without touching it afterwards. This library
/// touches its own file, or one that it takes over, after binding.
fn is_bound_silently(file: Placeholder) -> bool {
    !file.is_ours() && !file.is_stale(false)
}

/// Names in order of arrival. If there is no memory, an operation fails and changes nothing.
#[derive(Default)]
struct Queue(VecDeque<CString>);

impl Queue {
    fn push(&mut self, name: &CStr) -> Result<()> {
        self.0.try_reserve(1).map_err(|_| Failure::no_memory())?;
        self.0.push_back(copy_c_str(name)?);
        Ok(())
    }

    /// Repeated changes to the same name need only one examination.
    fn push_unless_last(&mut self, name: &CStr) -> Result<()> {
        match self.0.back() {
            Some(last) if last.as_c_str() == name => Ok(()),
            _ => self.push(name),
        }
    }

    fn extend<'a>(&mut self, mut names: impl Iterator<Item = &'a CStr>) -> Result<()> {
        names.try_for_each(|name| self.push(name))
    }

    fn pop_front(&mut self) -> Option<CString> {
        self.0.pop_front()
    }

    /// Puts a name back at the front, from which it was just removed, so there is space.
    fn put_back(&mut self, name: CString) {
        self.0.push_front(name);
    }

    /// Puts a name at the end; the same applies.
    fn put_last(&mut self, name: CString) {
        self.0.push_back(name);
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn clear(&mut self) {
        self.0.clear();
    }
}

/// Without cookies (before Linux 6.18), a name that was removed and created again may have the same inode, so
/// what was reported no longer counts.
fn note(name: &CStr, happened: ReadFlags, told: &mut NameMap<Told>) {
    if !happened.intersects(ReadFlags::DELETE | ReadFlags::MOVED_FROM) {
        return;
    }
    match told.get_mut(name) {
        Some(told) if told.identity.cookie.is_none() => told.was_removed = true,
        _ => {}
    }
}
