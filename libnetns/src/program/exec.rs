//! A program that replaces the calling process, in a namespace.

use std::cell::Cell;
use std::ptr;

use nix::errno::Errno;
use nix::sys::signal::SigSet;

use crate::error::{At, Failure, Result, Step};
use crate::explain::Detail;
use crate::os::helper_thread::on_helper_thread;
use crate::os::sigmask::{self, BlockedSignals};
use crate::os::syscalls;
use crate::program::plan::{Plan, Target, Work};
use crate::program::stack::Stack;

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
    let tried = unsafe { on_stand_in(&stack, &target, &caller, as_called) };
    drop(blocked);
    // SAFETY: the thread that used it has ended, or has never been.
    let work = unsafe { &mut (*stack.value()).kept };
    let failure = match tried {
        // musl's clone(2) makes no threads, from 1.2.5 on.
        Err(Errno::EINVAL) => {
            on_helper_thread(|| caller.become_program(work, &target, |work| target.exec(work)))
        }
        // Whatever clone(2) says.
        Err(errno) => Err(Failure::new(Step::HelperThread, errno).as_errno(Errno::EAGAIN)),
        Ok(failure) => failure,
    };
    LEFTOVER.set(ptr::null_mut());
    // SAFETY: as above.
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

/// The outer error: there is no such thread.
///
/// # Safety
///
/// Every signal is blocked.
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
    // SAFETY: the caller has blocked every signal; the work is prepared, so that it does not panic, and
    // it makes system calls only.
    unsafe { stand_in::run(stack, work) }?;
    Ok(result)
}

/// What execve(2) keeps of the thread that calls it, and a new thread does not inherit.
struct Caller {
    mask: SigSet,
    death_signal: i32,
}

impl Caller {
    fn with(mask: SigSet) -> Result<Caller> {
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
        // Until it has ended, the process's signals are not for this thread.
        sigmask::set(&sigmask::every_signal()).at(Step::Mask)?;
        Ok(failure)
    }
}
