//! The calling thread's signal mask. By sigprocmask(2), which on Linux is about the thread alone: nix
//! takes what pthread_sigmask(3) returns for a refusal as a success.

use nix::sys::signal::{SigSet, SigmaskHow, sigprocmask};

use crate::error::{At, Result, Step};

/// How often a mask is put back.
const TRIES: u32 = 8;

pub fn get() -> nix::Result<SigSet> {
    let mut mask = SigSet::empty();
    sigprocmask(SigmaskHow::SIG_BLOCK, None, Some(&mut mask))?;
    Ok(mask)
}

pub fn set(mask: &SigSet) -> nix::Result<()> {
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(mask), None)
}

/// Blocks every signal on the calling thread until it is dropped.
pub struct BlockedSignals {
    before: SigSet,
}

impl BlockedSignals {
    pub fn new() -> Result<BlockedSignals> {
        let mut before = SigSet::empty();
        sigprocmask(SigmaskHow::SIG_BLOCK, Some(&SigSet::all()), Some(&mut before))
            .at(Step::Mask)?;
        Ok(BlockedSignals { before })
    }
}

impl Drop for BlockedSignals {
    fn drop(&mut self) {
        // Only a filter of system calls can refuse it, and may do so once.
        for _ in 0..TRIES {
            if set(&self.before).is_ok() {
                break;
            }
        }
    }
}
