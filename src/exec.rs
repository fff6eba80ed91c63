//! A program in a namespace, instead of this process.

use nix::sys::signal::SigSet;

use crate::error::{At, Detail, Result, Step};
use crate::helper::on_helper_thread;
use crate::plan::Plan;
use crate::signal_mask;
use crate::sys;

/// Becomes the program, and returns only if that fails. A helper thread tries: execve(2) of any thread
/// takes the whole process along, and where it fails the calling thread has not been anywhere.
pub fn exec(mut plan: Plan, detail: &Detail) -> Result<()> {
    let caller = Caller::now()?;
    let failure = on_helper_thread(|| {
        caller.take_over()?;
        let failure = plan.carry_out(&caller.mask);
        // Until it has ended, the process's signals are not for this thread.
        signal_mask::set(&SigSet::all()).at(Step::Mask)?;
        Ok(failure)
    })?;
    Err(plan.explain(failure, detail))
}

/// What execve(2) keeps of the thread that calls it, and a new thread does not inherit.
struct Caller {
    mask: SigSet,
    death_signal: i32,
}

impl Caller {
    fn now() -> Result<Caller> {
        let mask = signal_mask::get().at(Step::Mask)?;
        Ok(Caller { mask, death_signal: sys::parent_death_signal().at(Step::DeathSignal)? })
    }

    fn take_over(&self) -> Result<()> {
        sys::set_parent_death_signal(self.death_signal).at(Step::DeathSignal)
    }
}
