//! The descriptors of a monitor, each of which is verified before it is used or closed.
//!
//! The monitor stores their numbers, and another file may have the same number by now: a thread may have its
//! own descriptor table, and a daemon may close descriptors that it does not know. They are verified as
//! follows:
//! - the mark is a timer with an interval that no other timer has;
//! - the epoll is the one that contains the mark, which nothing else can have added;
//! - the others are in the epoll, which identifies its members by file and number.
//!
//! This requires neither /proc nor reading from a file that may belong to the program.

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

/// `None` after they have been closed.
pub struct Descriptors(Option<Kept>);

struct Kept {
    epoll: Epoll,
    /// The mark is always ready, and is enabled in the epoll while there is more to do. This way an event
    /// loop that reads one event each time the monitor is ready, or that reads a snapshot, does not have to
    /// wait for the next change.
    mark: OwnedFd,
    /// The interval of the mark.
    interval: Timespec,
    inotify: OwnedFd,
}

/// Reports that something was mounted. Each poll of mountinfo clears its state (EPOLLPRI), and the epoll is
/// polled by the user of the monitor, possibly several times before the user acts; an outer epoll, for
/// example, polls it when it is added or re-armed. Two descriptors are therefore needed.
pub struct Mounts {
    /// Makes the epoll ready, and keeps it ready until the monitor itself waits for the epoll: mountinfo is
    /// always readable (EPOLLIN), and an edge-triggered entry leaves the ready list only then.
    wake: OwnedFd,
    /// Polled only by this module. It is in the epoll as well, which verifies it, but is disabled there.
    check: OwnedFd,
}

/// Waits for nothing; errors and hangups are always reported.
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

    /// Returns the descriptor of the epoll, which the user polls.
    pub fn epoll(&self) -> Result<BorrowedFd<'_>> {
        self.proved_epoll().map(|kept| kept.epoll.0.as_fd())
    }

    /// Verifies all descriptors except those for mounts.
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

    /// Closes the descriptors that still belong to the monitor.
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

/// The descriptors of a monitor, verified to be its own at this moment.
#[derive(Clone, Copy)]
pub struct Proved<'a>(&'a Kept);

impl<'a> Proved<'a> {
    pub fn inotify(self) -> BorrowedFd<'a> {
        self.0.inotify.as_fd()
    }

    /// Makes the epoll ready, or leaves it to events to do so.
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
        // Both are readable and therefore reported at once; the second is reported only once.
        let once = EpollFlags::EPOLLIN | EpollFlags::EPOLLONESHOT;
        epoll.add(&mounts.check, EpollEvent::new(once, 0)).at(Step::Monitor)?;
        self.fall_silent()?;
        Ok(mounts)
    }

    /// Clears the state of the wake descriptor. Other descriptors that are ready stay ready.
    fn fall_silent(self) -> Result<()> {
        const MOST: usize = 4; // the mark, inotify, the wake, the check
        let mut events = [EpollEvent::empty(); MOST];
        on_signal(|| self.0.epoll.wait(&mut events, PollTimeout::ZERO)).at(Step::Monitor)?;
        Ok(())
    }

    /// Returns whether anything was mounted or unmounted since the last call.
    pub fn have_changed(self, mounts: &Mounts) -> Result<bool> {
        expect(is_in(&self.0.epoll, &mounts.wake)?)?;
        expect(is_in(&self.0.epoll, &mounts.check)?)?;
        // This comes first: a mount that happens later is then reported once more rather than missed.
        self.fall_silent()?;
        let mut polled = [PollFd::new(mounts.check.as_fd(), PollFlags::POLLPRI)];
        on_signal(|| poll(&mut polled, PollTimeout::ZERO)).map(|ready| ready > 0).at(Step::Monitor)
    }

    pub fn close_mounts(self, mounts: Mounts) {
        for fd in [mounts.wake, mounts.check] {
            let is_proved = is_surely_in(&self.0.epoll, &fd);
            if is_proved {
                // A child may have a copy, which would keep it in the epoll.
                let _ = self.0.epoll.delete(&fd);
            }
            close_if(is_proved, fd);
        }
    }
}

/// Returns whether this file was added to the epoll with this number.
fn is_in(epoll: &Epoll, fd: &OwnedFd) -> Result<bool> {
    match epoll.add(fd, EpollEvent::new(NOTHING, 0)) {
        Err(Errno::EEXIST) => Ok(true),
        Ok(()) => {
            let _ = epoll.delete(fd);
            Ok(false)
        }
        // It is not open, not an epoll, or cannot be in one.
        Err(Errno::EBADF | Errno::EINVAL | Errno::EPERM | Errno::ELOOP) => Ok(false),
        Err(errno) => Err(Failure::new(Step::Monitor, errno)),
    }
}

/// The same, if there is no later chance to close the descriptor.
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
        .hint("the monitor's descriptors were closed, or the calling thread does not share them")
}

/// Returns an interval between 34 and 68 years, which fits a 32-bit `time_t`. No thread creates two timers in
/// the same nanosecond of a period of 256 seconds.
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

    /// Opens `file` with the number of `fd`, and returns the previous file.
    fn replace(fd: &OwnedFd, file: BorrowedFd) -> OwnedFd {
        let before = dup(fd).unwrap();
        // SAFETY: the owner of the number keeps it, and closes it once.
        let _ = unsafe { nix::unistd::dup2_raw(file, fd.as_raw_fd()) }.unwrap().into_raw_fd();
        before
    }

    #[test]
    fn replaced_descriptor_fails_with_ebadf() {
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
    fn unique_interval_returns_distinct_values() {
        let intervals: Vec<_> = (0..1000).map(|_| unique_interval().unwrap()).collect();
        for (i, a) in intervals.iter().enumerate() {
            assert!(i32::try_from(a.tv_sec).is_ok());
            assert!(!intervals[..i].contains(a));
        }
    }

    #[test]
    fn show_sets_and_clears_epoll_readiness() {
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
