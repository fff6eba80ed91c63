//! Names coming and going, for an event loop.
//!
//! Whatever happens only makes names worth a look: an event of inotify, a directory that appears or
//! goes, an overflow. What is told is the difference between what the look finds and what was told
//! before, so nothing is told twice or too early, and nothing that lasts is missed.
//!
//! inotify tells when a name is made, but not when a namespace is bound on it. So while a name waits
//! for that, and only then, mountinfo is in the same epoll: it is ready when anything was mounted. A
//! poll consumes that, which is why [`Monitor::next`] always looks for itself.

use std::collections::VecDeque;
use std::ffi::{CStr, CString};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Mutex, PoisonError};

use bitflags::bitflags;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use nix::sys::eventfd::{EfdFlags, EventFd};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader};

use crate::entry::{self, Entry};
use crate::error::{At, Error, Result, Step};
use crate::identity::Identity;
use crate::list::for_each_name;
use crate::names::{self, Names};
use crate::procfs;
use crate::retry::open;
use crate::rundir::RunDir;
use crate::watch::Watches;

bitflags! {
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct MonitorFlags: u32 {
        const SNAPSHOT = 1;
    }
}

#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    Add(CString),
    Remove(CString),
}

pub struct Monitor {
    epoll: Epoll,
    state: Mutex<State>,
}

struct State {
    rundir: CString,
    inotify: OwnedFd,
    watches: Watches,
    /// What was told, as it is now.
    told: Names<Identity>,
    /// Names that are worth a look, in the order in which that became known.
    to_look_at: Queue,
    /// Names on which a namespace may still be bound.
    waiting: Names<()>,
    /// Open, and in the epoll, while some name is waiting.
    mounts: Option<OwnedFd>,
    /// What is to be done before events say anything again; it stays so until it has worked.
    due: Due,
    /// In the epoll, and ready while names are left to look at: an event loop that takes one event
    /// each time the monitor is ready, or a snapshot, is not kept waiting for the next change.
    more: EventFd,
    is_more: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Due {
    /// The directory, or one above it, is another one by now.
    new_watches: bool,
    /// Events may have been missed.
    full_look: bool,
}

const EVERYTHING: Due = Due { new_watches: true, full_look: true };

/// Room for some 15 of the longest names.
const EVENT_BUFFER: usize = 4096;

/// How often more is read before there is said to be nothing: for all that may lie unread, 16,384
/// events as the kernel ships it. What others go on making meanwhile leaves the monitor ready.
const MOST_READS: u32 = 2_048;

impl AsFd for Monitor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.epoll.0.as_fd()
    }
}

impl Monitor {
    pub fn open(rundir: &CStr, flags: MonitorFlags) -> Result<Monitor> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).at(Step::Monitor)?;
        let inotify =
            inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).at(Step::Monitor)?;
        let more = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)
            .at(Step::Monitor)?;
        epoll.add(&inotify, EpollEvent::new(EpollFlags::EPOLLIN, 0)).at(Step::Monitor)?;
        epoll.add(&more, EpollEvent::new(EpollFlags::EPOLLIN, 2)).at(Step::Monitor)?;
        let mut state = State {
            rundir: names::copy(rundir)?,
            inotify,
            watches: Watches::default(),
            told: Names::default(),
            to_look_at: Queue::default(),
            waiting: Names::default(),
            mounts: None,
            due: EVERYTHING,
            more,
            is_more: false,
        };
        // Watched first and read then: what comes in between is seen twice, and told once.
        state.do_what_is_due()?;
        if !flags.contains(MonitorFlags::SNAPSHOT) {
            while state.next_difference(&epoll)?.is_some() {}
        }
        let is_more = !state.to_look_at.is_empty();
        state.show(is_more);
        Ok(Monitor { epoll, state: Mutex::new(state) })
    }

    /// The next event, None if there is none by now.
    pub fn next(&self) -> Result<Option<Event>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let event = state.next(&self.epoll);
        // A poll before this may have used up what mountinfo had to say of those that wait. After a
        // failure a loop would do nothing but fail until the cause is gone.
        let is_more = matches!(event, Ok(Some(_)))
            && !(state.to_look_at.is_empty() && state.waiting.is_empty());
        state.show(is_more);
        event
    }
}

impl State {
    fn next(&mut self, epoll: &Epoll) -> Result<Option<Event>> {
        for _ in 0..MOST_READS {
            self.do_what_is_due()?;
            if let Some(event) = self.next_difference(epoll)? {
                return Ok(Some(event));
            }
            // First: what has been bound meanwhile was so before the names were made that are read of now.
            self.to_look_at.extend(self.waiting.names())?;
            if self.read_events()? {
                continue;
            }
            let event = self.next_difference(epoll)?;
            if event.is_none() {
                self.forget_mounts(epoll)?;
            }
            return Ok(event);
        }
        // What was read last may say that there is another directory, which nothing else tells of.
        self.do_what_is_due()?;
        self.next_difference(epoll)
    }

    fn show(&mut self, is_more: bool) {
        if is_more != self.is_more {
            // Neither can fail: the counter is 0 or 1.
            let _ = if is_more { self.more.write(1).map(drop) } else { self.more.read().map(drop) };
            self.is_more = is_more;
        }
    }

    /// Looks at names until one is not what was told of it.
    fn next_difference(&mut self, epoll: &Epoll) -> Result<Option<Event>> {
        if self.to_look_at.is_empty() {
            return Ok(None);
        }
        // Opened anew each time: the first create mounts the directory on itself.
        let dir = self.open_directory()?;
        while let Some(name) = self.to_look_at.pop_front() {
            let difference = self
                .look(dir.as_ref(), &name, epoll)
                .and_then(|found| self.difference(&name, found));
            match difference {
                Ok(None) => {}
                Ok(Some(Difference::New)) => return Ok(Some(Event::Add(name))),
                Ok(Some(Difference::Gone)) => return Ok(Some(Event::Remove(name))),
                Err(error) => {
                    // The last to be looked at again: that others have gone may be what there comes
                    // to be descriptors by. What is not read now is looked for later.
                    self.to_look_at.put_last(name);
                    let _ = self.read_events();
                    return Err(error);
                }
            }
        }
        Ok(None)
    }

    /// What there is; a placeholder is waited for from here on.
    fn look(
        &mut self,
        dir: Option<&RunDir>,
        name: &CStr,
        epoll: &Epoll,
    ) -> Result<Option<Identity>> {
        let Some(dir) = dir else {
            self.waiting.remove(name);
            return Ok(None);
        };
        let mut found = entry::look(dir.as_fd(), name)?;
        if !matches!(found, Entry::Namespace(_)) && dir.is_outdated(&self.rundir) {
            // Whoever has just mounted it on itself takes the names off what lies below.
            found = match self.open_directory()? {
                Some(dir) => entry::look(dir.as_fd(), name)?,
                None => Entry::Absent,
            };
        }
        if let Entry::Placeholder(_) = found {
            self.waiting.insert(name, ())?;
            if self.mounts.is_none() {
                self.watch_mounts(epoll)?;
                // What was bound, or mounted over, before the watch began makes it tell nothing.
                let dir = self.open_directory()?;
                return self.look(dir.as_ref(), name, epoll);
            }
        } else {
            self.waiting.remove(name);
        }
        match found {
            Entry::Namespace(identity) => Ok(Some(identity)),
            _ => Ok(None),
        }
    }

    fn difference(&mut self, name: &CStr, found: Option<Identity>) -> Result<Option<Difference>> {
        match (self.told.get_mut(name).copied(), found) {
            (None, None) => Ok(None),
            (Some(told), Some(found)) if told == found => Ok(None),
            (None, Some(found)) => {
                self.told.insert(name, found)?;
                Ok(Some(Difference::New))
            }
            (Some(_), found) => {
                if found.is_some() {
                    // Another namespace by now: that is told next.
                    self.to_look_at.put_back(names::copy(name)?);
                }
                self.told.remove(name);
                Ok(Some(Difference::Gone))
            }
        }
    }

    fn watch_mounts(&mut self, epoll: &Epoll) -> Result<()> {
        let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC;
        let mounts = open(procfs::THREAD_MOUNTINFO, flags).at(Step::Monitor)?;
        epoll.add(&mounts, EpollEvent::new(EpollFlags::EPOLLPRI, 1)).at(Step::Monitor)?;
        self.mounts = Some(mounts);
        Ok(())
    }

    fn forget_mounts(&mut self, epoll: &Epoll) -> Result<()> {
        if !self.waiting.is_empty() {
            return Ok(());
        }
        match self.mounts.take() {
            Some(mounts) => epoll.delete(&mounts).at(Step::Monitor),
            None => Ok(()),
        }
    }

    /// Reads what inotify has, some of it if there is much; whether there was anything.
    fn read_events(&mut self) -> Result<bool> {
        let result = self.read_some_events();
        if result.is_err() {
            // What was read and not noted is found by looking.
            self.due.full_look = true;
        }
        result
    }

    fn read_some_events(&mut self) -> Result<bool> {
        let mut buffer = [MaybeUninit::uninit(); EVENT_BUFFER];
        let mut reader = Reader::new(&self.inotify, &mut buffer);
        loop {
            let event = match reader.next() {
                Err(rustix::io::Errno::AGAIN) => return Ok(false),
                Err(rustix::io::Errno::INTR) => continue,
                event => event.at(Step::Monitor)?,
            };
            if event.events().contains(ReadFlags::QUEUE_OVERFLOW)
                || self.watches.concerns_directory(&event, &self.rundir)
            {
                // What an overflow swallowed nobody knows: the directory's own going, perhaps.
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

    fn do_what_is_due(&mut self) -> Result<()> {
        if self.due.new_watches {
            self.watches.renew(&self.inotify, &self.rundir)?;
            self.due.new_watches = false;
        }
        if self.due.full_look {
            self.look_at_everything()?;
            self.due.full_look = false;
        }
        Ok(())
    }

    /// None: there is none, and so no name.
    fn open_directory(&self) -> Result<Option<RunDir>> {
        match RunDir::open(&self.rundir) {
            Err(Error { errno: Errno::ENOENT | Errno::ENOTDIR, .. }) => Ok(None),
            dir => dir.map(Some),
        }
    }

    fn look_at_everything(&mut self) -> Result<()> {
        // Of an attempt that failed, too: they must not add up.
        self.to_look_at.clear();
        self.to_look_at.extend(self.told.names())?;
        self.to_look_at.extend(self.waiting.names())?;
        let Some(dir) = self.open_directory()? else {
            return Ok(());
        };
        for_each_name(dir.as_fd(), |name| self.to_look_at.push(name))
    }
}

/// What a look finds that was not told yet.
enum Difference {
    New,
    Gone,
}

/// Names in the order in which they came. Where there is no memory, it fails and stays as it was.
#[derive(Default)]
struct Queue(VecDeque<CString>);

impl Queue {
    fn push(&mut self, name: &CStr) -> Result<()> {
        self.0.try_reserve(1).map_err(|_| Error::no_memory())?;
        self.0.push_back(names::copy(name)?);
        Ok(())
    }

    /// One look will do for what is done to it again and again.
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

    /// To the front, where it has just been taken from: there is room.
    fn put_back(&mut self, name: CString) {
        self.0.push_front(name);
    }

    /// To the end; the same holds.
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

/// Without cookies (before Linux 6.18) a name that went and came back may have got the same inode:
/// then what was told no longer counts.
fn note(name: &CStr, happened: ReadFlags, told: &mut Names<Identity>) {
    if !happened.intersects(ReadFlags::DELETE | ReadFlags::MOVED_FROM) {
        return;
    }
    match told.get_mut(name) {
        Some(identity) if identity.cookie.is_none() => identity.inode = 0,
        _ => {}
    }
}
