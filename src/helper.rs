//! A helper thread for what the calling thread must not do to itself.

use std::thread;

use nix::errno::Errno;
use nix::sys::signal::{SigSet, SigmaskHow};

use crate::error::{At, Error, Result, Step};

/// A helper makes a few system calls.
const STACK: usize = 128 * 1024;

/// Does `work` on a thread of its own, which has ended when this returns. It takes none of the
/// process's signals.
pub fn on_helper_thread<T: Send>(work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    // A thread starts with its creator's mask.
    let _blocked = BlockedSignals::new()?;
    let builder = thread::Builder::new().stack_size(STACK);
    // thread::scope would keep memory for the calling thread until that ends.
    // SAFETY: the helper has been waited for when this function returns: nothing in between can unwind.
    let helper = unsafe { builder.spawn_unchecked(work) }.at(Step::HelperThread)?;
    helper.join().unwrap_or_else(|_| Err(Error::new(Step::Panic, Errno::ENOTRECOVERABLE)))
}

/// Blocks every signal on the calling thread until it is dropped.
pub struct BlockedSignals {
    before: SigSet,
}

impl BlockedSignals {
    pub fn new() -> Result<BlockedSignals> {
        let before = SigSet::all().thread_swap_mask(SigmaskHow::SIG_BLOCK).at(Step::Mask)?;
        Ok(BlockedSignals { before })
    }
}

impl Drop for BlockedSignals {
    fn drop(&mut self) {
        // Fails for an unknown `how` only.
        let _ = self.before.thread_set_mask();
    }
}
