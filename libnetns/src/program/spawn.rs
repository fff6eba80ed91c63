//! A program in a namespace, beside this process.
//!
//! The child is made as posix_spawn(3) makes it: it shares the memory until it is the program, and
//! meanwhile the calling thread waits. A fork would copy the page tables of a big process first.
//!
//! It has no exit signal before it is the program: a failure raises no SIGCHLD, and no other thread's
//! wait(2) can take it away. It tells of its failure through memory: a pipe's descriptors would be
//! open to whatever other threads close and open meanwhile.

use nix::errno::Errno;
use nix::sys::signal::SigSet;
use nix::unistd::getpid;

use crate::error::{At, Failure, Result, Step};
use crate::explain::Detail;
use crate::os::sigmask::BlockedSignals;
use crate::os::{pidfd, syscalls};
use crate::program::mount_namespace::LeftOut;
use crate::program::plan::Plan;

mod fork;

pub use fork::Child;
use fork::{Memory, Outcome};

/// Starts the program in a child of this process, and waits until it is the program. `detail` is what it
/// was left without, if anything.
pub fn spawn(mut plan: Plan, with_pidfd: bool, detail: &Detail) -> Result<Child> {
    let memory = if plan.changes_user() { Memory::Copied } else { Memory::Shared };
    // No handler of the caller's is to run in the child.
    let blocked = BlockedSignals::every()?;
    let mask = *blocked.before();
    // SAFETY: all of the plan is prepared, so that carrying it out neither allocates, locks nor panics;
    // the descriptors that it leaves behind are forgotten below.
    let outcome = unsafe {
        fork::fork(with_pidfd, memory, |has_pidfd, left_out| {
            be_the_child(&mut plan, &mask, with_pidfd && !has_pidfd, left_out)
        })
    };
    plan.work.forget_descriptors();
    drop(blocked);
    match outcome? {
        Outcome::Program(child) => {
            if let Some(left_out) = &child.left_out {
                plan.explain(left_out.first, detail);
            }
            Ok(child)
        }
        Outcome::Failed(failure) => Err(plan.explain(failure, detail)),
        Outcome::Killed => Err(Failure::new(Step::Killed, Errno::ECANCELED)),
    }
}

/// Nothing in here allocates, locks or panics: the memory is that of a process whose other threads go
/// on.
fn be_the_child(
    plan: &mut Plan,
    mask: &SigSet,
    check_pidfd: bool,
    left_out: &mut Option<LeftOut>,
) -> Failure {
    if let Err(failure) = prepare(check_pidfd) {
        return failure;
    }
    plan.carry_out(mask, left_out)
}

fn prepare(check_pidfd: bool) -> Result<()> {
    if check_pidfd {
        // Before Linux 5.2 nobody has got one. Where a fork passes for vfork(2), the parent has.
        pidfd::open(getpid().as_raw()).at(Step::Pidfd)?;
    }
    syscalls::reset_handlers().at(Step::Handlers)
}
