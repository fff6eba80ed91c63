//! Replacing the calling process with a program in a namespace.

use std::cell::Cell;
use std::ptr;

use nix::errno::Errno;

use crate::error::{At, Failure, Result, Step};
use crate::explain::Detail;
use crate::os::helper_thread::on_helper_thread;
use crate::os::sigmask::{self, BlockedSignals, Mask};
use crate::os::syscalls;
use crate::program::plan::{Plan, Target, Work};
use crate::program::stack::Stack;

mod stand_in;

use stand_in::{End, Job};

/// Replaces the process with the program, and returns only if that fails. Another thread makes the attempt:
/// execve(2) in any thread replaces the whole process, and if it fails, the calling thread has not switched
/// namespaces.
///
/// Around execve(2), `as_called` is told whether the thread's state must be what it was when the caller
/// called: if the process is a child of vfork(2), its parent continues with that state.
pub fn exec(plan: Plan, as_called: impl Fn(bool), detail: &Detail) -> Result<()> {
    free_leftover();
    let blocked = BlockedSignals::every()?;
    let caller = Caller::with(*blocked.before())?;
    let Plan { target, work } = plan;
    let job = Stack::new(Job::new(work))?.into_raw();
    LEFTOVER.set(job);
    // SAFETY: the pointer comes from into_raw(), and the leftover is used only if this function does not
    // return.
    let stack = unsafe { Stack::from_raw(job) };
    // SAFETY: every signal is blocked.
    let tried = unsafe { on_stand_in(&stack, &target, &caller, as_called) };
    drop(blocked);
    // SAFETY: the thread that used it has ended, or was never created.
    let work = unsafe { &mut (*stack.value()).kept };
    let failure = match tried {
        // From 1.2.5 on, the clone(2) wrapper of musl cannot create threads.
        Err(Errno::EINVAL) => {
            on_helper_thread(|| caller.become_program(work, &target, |work| target.exec(work)))
        }
        // Report EAGAIN whatever clone(2) returns.
        Err(errno) => Err(Failure::new(Step::HelperThread, errno).as_errno(Errno::EAGAIN)),
        Ok(failure) => failure,
    };
    LEFTOVER.set(ptr::null_mut());
    // SAFETY: see above.
    let work = unsafe { &(*stack.value()).kept };
    Err(work.explain(failure?, &target, detail))
}

thread_local! {
    /// The allocation of the calling thread's last call, if that call did not return: the process was a child
    /// of vfork(2) that was replaced by the program, and this thread is the one of its parent.
    static LEFTOVER: Cell<*mut Job<Work>> = const { Cell::new(ptr::null_mut()) };
}

fn free_leftover() {
    let job = LEFTOVER.replace(ptr::null_mut());
    if job.is_null() {
        return;
    }
    // SAFETY: the pointer comes from into_raw(), and its users were threads of the vfork(2) child.
    let stack = unsafe { Stack::from_raw(job) };
    // SAFETY: see above. Its descriptors belonged to the child.
    unsafe { (*stack.value()).kept.forget_descriptors() };
}

/// The outer error means that the thread could not be created.
///
/// # Safety
///
/// Every signal must be blocked.
unsafe fn on_stand_in(
    stack: &Stack<Job<Work>>,
    target: &Target,
    caller: &Caller,
    as_called: impl Fn(bool),
) -> nix::Result<Result<Failure>> {
    let mut result = Err(Failure::new(Step::Panic, Errno::ENOTRECOVERABLE));
    let work = |work: &mut Work, end: &End| {
        result = caller.become_program(work, target, |work| {
            as_called(true);
            let failure = end.unannounced(|| target.exec(work));
            as_called(false);
            failure
        });
    };
    // SAFETY: the caller has blocked every signal. The work is prepared, so it does not panic and only makes
    // system calls.
    unsafe { stand_in::run(stack, work) }?;
    Ok(result)
}

/// The attributes that execve(2) keeps from the calling thread and that a new thread does not inherit.
struct Caller {
    mask: Mask,
    death_signal: i32,
}

impl Caller {
    fn with(mask: Mask) -> Result<Caller> {
        Ok(Caller { mask, death_signal: syscalls::parent_death_signal().at(Step::DeathSignal)? })
    }

    /// `exec` returns only if it fails.
    fn become_program(
        &self,
        work: &mut Work,
        target: &Target,
        exec: impl FnOnce(&mut Work) -> Failure,
    ) -> Result<Failure> {
        if self.death_signal != 0 {
            syscalls::set_parent_death_signal(self.death_signal).at(Step::DeathSignal)?;
        }
        let failure = match target.prepare(work, &self.mask) {
            Err(failure) => failure,
            Ok(()) => exec(work),
        };
        // Until it has ended, this thread must not receive the process's signals.
        sigmask::set(&Mask::EVERY).at(Step::Mask)?;
        Ok(failure)
    }
}
