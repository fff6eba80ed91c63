//! A program in a namespace, beside this process.
//!
//! The child is made as posix_spawn(3) makes it: it shares the memory until it is the program, and
//! meanwhile the calling thread waits. A fork would copy the page tables of a big process first.
//!
//! It has no exit signal before it is the program: a failure raises no SIGCHLD, and no other thread's
//! wait(2) can take it away.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::SigSet;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, getpid, pipe2, read, write};

use crate::error::{At, Detail, Error, Result, Step};
use crate::failure::{Done, Failing, Failure, REPORT};
use crate::plan::{self, Plan};
use crate::retry::on_signal;
use crate::signal_mask::{self, BlockedSignals};
use crate::sys;

mod fork;

pub struct Child {
    pub pid: i32,
    pub pidfd: Option<OwnedFd>,
}

/// Starts the program in a child of this process, and waits until it is the program.
pub fn spawn(mut plan: Plan, with_pidfd: bool, detail: &Detail) -> Result<Child> {
    let (reader, writer) = pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK).at(Step::Clone)?;
    let (reader, writer) = (off_stdio(reader)?, off_stdio(writer)?);
    let mask = signal_mask::get().at(Step::Mask)?;
    // No handler of the caller's is to run in the child.
    let blocked = BlockedSignals::every()?;
    let forked = fork::fork(with_pidfd, |has_pidfd| {
        let failure = be_the_child(&mut plan, &mask, with_pidfd && !has_pidfd);
        // A parent that is gone does not need it.
        let _ = on_signal(|| write(&writer, &failure.to_bytes()));
    });
    plan.forget_descriptors();
    let forked = forked.at(Step::Clone)?;
    drop(blocked);
    drop(writer);
    if let Some(failure) = report(&reader, forked.has_finished) {
        reap(forked.pid);
        return Err(plan.explain(failure, detail));
    }
    if was_killed(forked.pid) {
        return Err(Error::new(Step::Killed, Errno::ECANCELED));
    }
    Ok(Child { pid: forked.pid, pidfd: forked.pidfd })
}

/// The child makes 0, 1 and 2 what the caller says; the pipe must not be among them.
fn off_stdio(fd: OwnedFd) -> Result<OwnedFd> {
    if fd.as_raw_fd() > 2 {
        return Ok(fd);
    }
    plan::move_away(fd.as_fd()).at(Step::Clone)
}

/// Nothing in here allocates, locks or panics: the memory is that of a process whose other threads go
/// on.
fn be_the_child(plan: &mut Plan, mask: &SigSet, check_pidfd: bool) -> Failure {
    if let Err(failure) = prepare(check_pidfd) {
        return failure;
    }
    plan.carry_out(mask)
}

fn prepare(check_pidfd: bool) -> Done<()> {
    if check_pidfd {
        // Before Linux 5.2 nobody has got one. Where a fork passes for vfork(2), the parent has.
        sys::pidfd_open(getpid().as_raw()).failing(Step::Pidfd)?;
    }
    sys::reset_handlers().failing(Step::Handlers)
}

/// None: the exec has closed the child's end. Once the child `has_finished`, nothing more will come,
/// even if another thread has forked meanwhile and its child holds that end open.
fn report(reader: &OwnedFd, has_finished: bool) -> Option<Failure> {
    if !has_finished {
        let mut ready = [PollFd::new(reader.as_fd(), PollFlags::POLLIN)];
        while poll(&mut ready, PollTimeout::NONE) == Err(Errno::EINTR) {}
    }
    let mut bytes = [0; REPORT];
    (on_signal(|| read(reader, &mut bytes)) == Ok(REPORT)).then(|| Failure::from_bytes(bytes))
}

/// Waits for a child that has failed, which is no zombie then.
fn reap(pid: i32) {
    let _ = wait(pid, WaitPidFlag::__WALL);
}

/// Whether the child has ended, or is about to, without becoming the program; then it is reaped. Only
/// exec makes it a child that a wait for those of clone(2) does not know.
fn was_killed(pid: i32) -> bool {
    wait(pid, WaitPidFlag::__WCLONE) != Err(Errno::ECHILD)
}

fn wait(pid: i32, which: WaitPidFlag) -> nix::Result<WaitStatus> {
    on_signal(|| waitpid(Pid::from_raw(pid), Some(which)))
}
