//! The descriptors that a monitor keeps, each of them proved before it is used or closed.
//!
//! They are kept by number, and under a number another file may be open by now: a thread may have a
//! descriptor table of its own, and a daemon closes what it does not know. What proves them:
//! - the mark is a timer with an interval that no other timer has;
//! - the epoll is the one that has the mark in it, which nobody else can have put there;
//! - the others are in the epoll, which knows what is in it by file and number.
//!
//! It takes neither /proc nor a read of what may be another's data.

use std::os::fd::{AsFd, BorrowedFd, IntoRawFd, OwnedFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use nix::time::{ClockId, clock_gettime};
use nix::unistd::gettid;
use rustix::fs::inotify;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_gettime, timerfd_settime,
};

use crate::error::{At, Failure, Result, Step, errno};
use crate::os::open::{READ, open};
use crate::os::procfs;
use crate::os::retry::{on_signal, when_short};

/// None once they have been closed.
pub struct Descriptors(Option<Kept>);

struct Kept {
    epoll: Epoll,
    /// Ready for ever, and heard by the epoll while there is something left to do: an event loop that
    /// takes one event each time the monitor is ready, or a snapshot, is not kept waiting for the next
    /// change.
    mark: OwnedFd,
    /// The mark's.
    interval: Timespec,
    inotify: OwnedFd,
}

/// What tells that something was mounted. Each poll of mountinfo uses up what that has to say (EPOLLPRI),
/// and the epoll is polled by the monitor's user, who may ask several times before he acts: an epoll in
/// which the epoll is asks when it is added or armed anew, for one. So there are two.
pub struct Mounts {
    /// Makes the epoll ready, and keeps it so until the monitor itself waits for the epoll: mountinfo can
    /// always be read (EPOLLIN), and what is edge-triggered leaves the list of what is ready only then.
    wake: OwnedFd,
    /// Polled by nobody else. It is in the epoll as well, which proves it, but disabled there.
    check: OwnedFd,
}

/// Neither error nor hangup is all that is waited for: nothing.
const NOTHING: EpollFlags = EpollFlags::empty();

impl Descriptors {
    pub fn open() -> Result<Descriptors> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).at(Step::Monitor)?;
        let flags = inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK;
        let inotify = inotify::init(flags).at(Step::Monitor)?;
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        let mark = timerfd_create(TimerfdClockId::Monotonic, flags).at(Step::Monitor)?;
        let interval = unique_interval().at(Step::Monitor)?;
        let once = Timespec { tv_sec: 0, tv_nsec: 1 };
        let timer = Itimerspec { it_interval: interval, it_value: once };
        timerfd_settime(&mark, TimerfdTimerFlags::empty(), &timer).at(Step::Monitor)?;
        epoll.add(&inotify, EpollEvent::new(EpollFlags::EPOLLIN, 0)).at(Step::Monitor)?;
        epoll.add(&mark, EpollEvent::new(NOTHING, 0)).at(Step::Monitor)?;
        Ok(Descriptors(Some(Kept { epoll, mark, interval, inotify })))
    }

    /// The epoll's, which is for others to poll.
    pub fn epoll(&self) -> Result<BorrowedFd<'_>> {
        self.proved_epoll().map(|kept| kept.epoll.0.as_fd())
    }

    /// All of them but those for mounts.
    pub fn prove(&self) -> Result<Proved<'_>> {
        let kept = self.proved_epoll()?;
        expect(is_in(&kept.epoll, &kept.inotify)?)?;
        Ok(Proved(kept))
    }

    fn proved_epoll(&self) -> Result<&Kept> {
        let kept = self.0.as_ref().ok_or(foreign())?;
        expect(kept.has_epoll()?)?;
        Ok(kept)
    }

    /// Closes what still is the monitor's.
    pub fn close(&mut self, mounts: Option<Mounts>) {
        let Some(kept) = self.0.take() else { return };
        let has_epoll = when_short(|| kept.has_epoll()).unwrap_or(false);
        let Kept { epoll, mark, inotify, .. } = kept;
        let others = mounts.map(|mounts| [mounts.wake, mounts.check]);
        for fd in others.into_iter().flatten().chain([inotify]) {
            close_if(has_epoll && is_surely_in(&epoll, &fd), fd);
        }
        close_if(has_epoll, epoll.0);
        close_if(has_epoll, mark);
    }
}

impl Kept {
    fn has_epoll(&self) -> Result<bool> {
        match timerfd_gettime(&self.mark).map_err(errno) {
            Ok(timer) if timer.it_interval == self.interval => is_in(&self.epoll, &self.mark),
            Ok(_) | Err(Errno::EBADF | Errno::EINVAL) => Ok(false),
            Err(errno) => Err(Failure::new(Step::Monitor, errno)),
        }
    }
}

/// The descriptors of a monitor that are its own at this moment.
#[derive(Clone, Copy)]
pub struct Proved<'a>(&'a Kept);

impl<'a> Proved<'a> {
    pub fn inotify(self) -> BorrowedFd<'a> {
        self.0.inotify.as_fd()
    }

    /// Makes the epoll ready, or leaves that to what happens.
    pub fn show(self, is_more: bool) -> Result<()> {
        let events = if is_more { EpollFlags::EPOLLIN } else { NOTHING };
        let mut event = EpollEvent::new(events, 0);
        self.0.epoll.modify(&self.0.mark, &mut event).at(Step::Monitor)
    }

    pub fn open_mounts(self) -> Result<Mounts> {
        let open = || open(procfs::THREAD_MOUNTINFO, READ);
        let mounts = Mounts { wake: open().at(Step::Monitor)?, check: open().at(Step::Monitor)? };
        let epoll = &self.0.epoll;
        let edge = EpollFlags::EPOLLIN | EpollFlags::EPOLLET;
        epoll.add(&mounts.wake, EpollEvent::new(edge, 0)).at(Step::Monitor)?;
        // Both can be read, so they are reported at once, and for this one once is all.
        let once = EpollFlags::EPOLLIN | EpollFlags::EPOLLONESHOT;
        epoll.add(&mounts.check, EpollEvent::new(once, 0)).at(Step::Monitor)?;
        self.fall_silent()?;
        Ok(mounts)
    }

    /// Ends what the wake has to say. What else is ready stays so.
    fn fall_silent(self) -> Result<()> {
        const MOST: usize = 4; // the mark, inotify, the wake, the check
        let mut events = [EpollEvent::empty(); MOST];
        on_signal(|| self.0.epoll.wait(&mut events, PollTimeout::ZERO)).at(Step::Monitor)?;
        Ok(())
    }

    /// Whether anything was mounted or unmounted since this was last asked.
    pub fn have_changed(self, mounts: &Mounts) -> Result<bool> {
        expect(is_in(&self.0.epoll, &mounts.wake)?)?;
        expect(is_in(&self.0.epoll, &mounts.check)?)?;
        // First: what is mounted after it is told once more, and not too seldom.
        self.fall_silent()?;
        let mut polled = [PollFd::new(mounts.check.as_fd(), PollFlags::POLLPRI)];
        on_signal(|| poll(&mut polled, PollTimeout::ZERO)).map(|ready| ready > 0).at(Step::Monitor)
    }

    pub fn close_mounts(self, mounts: Mounts) {
        for fd in [mounts.wake, mounts.check] {
            let is_proved = is_surely_in(&self.0.epoll, &fd);
            if is_proved {
                // A child may have a copy, which would keep it in there.
                let _ = self.0.epoll.delete(&fd);
            }
            close_if(is_proved, fd);
        }
    }
}

/// Whether the very file that is open under this number was added to the epoll under it.
fn is_in(epoll: &Epoll, fd: &OwnedFd) -> Result<bool> {
    match epoll.add(fd, EpollEvent::new(NOTHING, 0)) {
        Err(Errno::EEXIST) => Ok(true),
        Ok(()) => {
            let _ = epoll.delete(fd);
            Ok(false)
        }
        // Not open, no epoll, or nothing that can be in one.
        Err(Errno::EBADF | Errno::EINVAL | Errno::EPERM | Errno::ELOOP) => Ok(false),
        Err(errno) => Err(Failure::new(Step::Monitor, errno)),
    }
}

/// The same where there is no other chance to close it.
fn is_surely_in(epoll: &Epoll, fd: &OwnedFd) -> bool {
    when_short(|| is_in(epoll, fd)).unwrap_or(false)
}

fn expect(is_proved: bool) -> Result<()> {
    if is_proved { Ok(()) } else { Err(foreign()) }
}

fn close_if(is_proved: bool, fd: OwnedFd) {
    if !is_proved {
        let _ = fd.into_raw_fd();
    }
}

fn foreign() -> Failure {
    Failure::new(Step::Monitor, Errno::EBADF)
        .hint("its descriptors have been closed, or the calling thread does not share them")
}

/// Between 34 and 68 years, which a `time_t` of 32 bits has room for. No thread sets two timers within
/// one nanosecond of the same 256 seconds.
fn unique_interval() -> nix::Result<Timespec> {
    const MOST_THREADS: i64 = 1 << 22;
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC)?;
    let thread = i64::from(gettid().as_raw()) % MOST_THREADS;
    let seconds = 1 << 30 | thread << 8 | i64::from(now.tv_sec() as u8);
    Ok(Timespec { tv_sec: seconds as _, tv_nsec: now.tv_nsec() as _ })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::io::dup;
    use std::os::fd::AsRawFd;

    /// Opens `file` under the number of `fd`, and gives what was there.
    fn replace(fd: &OwnedFd, file: BorrowedFd) -> OwnedFd {
        let before = dup(fd).unwrap();
        // SAFETY: what has the number goes on having it, and closes it once.
        let _ = unsafe { nix::unistd::dup2_raw(file, fd.as_raw_fd()) }.unwrap().into_raw_fd();
        before
    }

    #[test]
    fn each_is_proved_and_nothing_else_is() {
        let mut own = Descriptors::open().unwrap();
        let mounts = own.prove().unwrap().open_mounts().unwrap();
        let mut other = Descriptors::open().unwrap();
        let others = other.prove().unwrap().open_mounts().unwrap();
        let (a, b) = (own.0.as_ref().unwrap(), other.0.as_ref().unwrap());
        let pairs = [
            (&a.epoll.0, &b.epoll.0),
            (&a.mark, &b.mark),
            (&a.inotify, &b.inotify),
            (&mounts.wake, &others.wake),
            (&mounts.check, &others.check),
        ];
        let check = || own.prove().and_then(|proved| proved.have_changed(&mounts));
        assert!(check().is_ok());
        let file = std::fs::File::open("/dev/null").unwrap();
        for (fd, same_kind) in pairs {
            for foreign in [same_kind.as_fd(), file.as_fd()] {
                let before = replace(fd, foreign);
                assert_eq!(check().unwrap_err().errno, Errno::EBADF);
                drop(replace(fd, before.as_fd()));
                assert!(check().is_ok());
            }
        }
        own.close(Some(mounts));
        other.close(Some(others));
    }

    #[test]
    fn no_two_marks_are_the_same() {
        let intervals: Vec<_> = (0..1000).map(|_| unique_interval().unwrap()).collect();
        for (i, a) in intervals.iter().enumerate() {
            assert!(i32::try_from(a.tv_sec).is_ok());
            assert!(!intervals[..i].contains(a));
        }
    }

    #[test]
    fn what_is_disabled_wakes_nobody_and_tells_once() {
        let mut own = Descriptors::open().unwrap();
        let proved = own.prove().unwrap();
        let mounts = proved.open_mounts().unwrap();
        let ready = || {
            let mut polled = [PollFd::new(own.epoll().unwrap(), PollFlags::POLLIN)];
            poll(&mut polled, PollTimeout::ZERO) == Ok(1)
        };
        assert!(!ready());
        proved.show(true).unwrap();
        while !ready() {}
        proved.show(false).unwrap();
        assert!(!ready());
        own.close(Some(mounts));
    }
}
