//! Running a program in a namespace as a child of this process.
//!
//! The child is created as by posix_spawn(3): it shares the memory until it executes the program, and the
//! calling thread waits meanwhile. A fork would first copy the page tables of a large process.
//!
//! The child has no exit signal until it executes the program: a failure raises no SIGCHLD, and a wait(2) in
//! another thread cannot reap the child. It reports its failure through memory, because the descriptors of a
//! pipe would be exposed to whatever other threads close and open meanwhile.

use nix::errno::Errno;
use nix::unistd::getpid;

use crate::error::{At, Failure, Result, Step};
use crate::explain::Detail;
use crate::os::sigmask::{BlockedSignals, Mask};
use crate::os::{pidfd, syscalls};
use crate::program::mount_namespace::LeftOut;
use crate::program::plan::Plan;

mod fork;

pub use fork::Child;
use fork::{Memory, Outcome};

/// Starts the program in a child of this process, and waits until it has been executed. `detail` is set to
/// the file that it goes without, if any.
pub fn spawn(mut plan: Plan, with_pidfd: bool, detail: &Detail) -> Result<Child> {
    let memory = if plan.changes_user() { Memory::Copied } else { Memory::Shared };
    // No handler of the caller may run in the child.
    let blocked = BlockedSignals::every()?;
    let mask = *blocked.before();
    // SAFETY: the plan is completely prepared, so executing it does not allocate, lock or panic; the
    // descriptors that it leaves behind are forgotten below.
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

/// Nothing in this function may allocate, lock or panic: the memory belongs to a process whose other threads
/// continue to run.
fn be_the_child(
    plan: &mut Plan,
    mask: &Mask,
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
        // Before Linux 5.2 there is no pidfd at all. If a fork is used instead of vfork(2), the parent has
        // one.
        pidfd::open(getpid().as_raw()).at(Step::Pidfd)?;
    }
    syscalls::reset_handlers().at(Step::Handlers)
}
