//! A program in a namespace, instead of this process.

use std::cell::Cell;
use std::ptr;

use nix::errno::Errno;
use nix::sys::signal::SigSet;

use crate::error::{At, Detail, Error, Result, Step};
use crate::failure::Failure;
use crate::plan::{Plan, Target, Work};
use crate::signal_mask::{self, BlockedSignals};
use crate::stack::Stack;
use crate::sys;

mod stand_in;

use stand_in::{End, Job};

/// Becomes the program, and returns only if that fails. Another thread tries: execve(2) of any thread
/// takes the whole process along, and where it fails the calling thread has not been anywhere.
///
/// `as_called` is told, around execve(2), whether the thread's state is to be what it was when the
/// caller called: where the process is a child of vfork(2), its parent goes on with that.
pub fn exec(plan: Plan, as_called: impl Fn(bool), detail: &Detail) -> Result<()> {
    free_leftover();
    let blocked = BlockedSignals::every()?;
    let caller = Caller::with(*blocked.before())?;
    let Plan { target, work } = plan;
    let job = Stack::new(Job::new(work))?.into_raw();
    LEFTOVER.set(job);
    // SAFETY: into_raw() gave it, and what is left over is used only if this does not return.
    let stack = unsafe { Stack::from_raw(job) };
    // SAFETY: every signal is blocked.
    let failure = unsafe { try_to_exec(&stack, &target, &caller, as_called) };
    LEFTOVER.set(ptr::null_mut());
    // SAFETY: the thread that used it has ended.
    let work = unsafe { &(*stack.value()).kept };
    Err(work.explain(failure?, &target, detail))
}

thread_local! {
    /// What the calling thread's last call has allocated, if it did not return: the process was a child
    /// of vfork(2), which became the program, and its parent's thread is this one.
    static LEFTOVER: Cell<*mut Job<Work>> = const { Cell::new(ptr::null_mut()) };
}

fn free_leftover() {
    let job = LEFTOVER.replace(ptr::null_mut());
    if job.is_null() {
        return;
    }
    // SAFETY: into_raw() gave it, and those who used it were the vfork(2) child's threads.
    let stack = unsafe { Stack::from_raw(job) };
    // SAFETY: the same. Its descriptors were the child's.
    unsafe { (*stack.value()).kept.forget_descriptors() };
}

/// # Safety
///
/// Every signal is blocked.
unsafe fn try_to_exec(
    stack: &Stack<Job<Work>>,
    target: &Target,
    caller: &Caller,
    as_called: impl Fn(bool),
) -> Result<Failure> {
    let mut result = Err(Error::new(Step::Panic, Errno::ENOTRECOVERABLE));
    let work = |work: &mut Work, end: &End| {
        result = caller.become_program(work, target, end, &as_called);
    };
    // SAFETY: the caller has blocked every signal; the work is prepared, so that it does not panic, and
    // it makes system calls only.
    unsafe { stand_in::run(stack, work) }
        .at(Step::HelperThread)
        // Whatever clone(2) says: EINVAL after unshare(CLONE_NEWPID), for one.
        .map_err(|error| error.as_errno(Errno::EAGAIN))?;
    result
}

/// What execve(2) keeps of the thread that calls it, and a new thread does not inherit.
struct Caller {
    mask: SigSet,
    death_signal: i32,
}

impl Caller {
    fn with(mask: SigSet) -> Result<Caller> {
        Ok(Caller { mask, death_signal: sys::parent_death_signal().at(Step::DeathSignal)? })
    }

    fn become_program(
        &self,
        work: &mut Work,
        target: &Target,
        end: &End,
        as_called: impl Fn(bool),
    ) -> Result<Failure> {
        if self.death_signal != 0 {
            sys::set_parent_death_signal(self.death_signal).at(Step::DeathSignal)?;
        }
        let failure = match target.prepare(work, &self.mask) {
            Err(failure) => failure,
            Ok(()) => {
                as_called(true);
                let failure = end.unannounced(|| target.exec(work));
                as_called(false);
                failure
            }
        };
        // Until it has ended, the process's signals are not for this thread.
        signal_mask::set(&signal_mask::every_signal()).at(Step::Mask)?;
        Ok(failure)
    }
}
