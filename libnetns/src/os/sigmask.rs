//! The calling thread's signal mask in the kernel, accessed with rt_sigprocmask(2) directly.
//!
//! The C library's sigprocmask(3) leaves out the signals that the C library reserves: 32 and 33 in glibc, 32
//! to 34 in musl. setuid(2), setgroups(2) and similar calls use one of them to change the credentials of
//! every other thread, after which a thread that is in another namespace might be unable to switch back.
//!
//! A thread that blocks these signals must not wait for a lock that such a call holds while it waits for all
//! threads. pthread_create(3), pthread_join(3), dlopen(3) and the end of a thread take such locks: both sides
//! would wait forever.

use std::ptr;

use nix::errno::Errno;
use nix::sys::signal::SigSet;

use crate::error::{At, Result, Step};
use crate::os::retry::a_few_times;
use crate::os::syscalls::SIGNAL_SET_SIZE;

/// A set of signals as the kernel has it: a sixteenth of the C library's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(align(8))]
pub struct Mask([u8; SIGNAL_SET_SIZE]);

impl Mask {
    const NONE: Mask = Mask([0; SIGNAL_SET_SIZE]);

    /// All signals, including the C library's own.
    pub const EVERY: Mask = Mask([0xff; SIGNAL_SET_SIZE]);

    /// The signals that a program can handle: libc leaves its own signals out of the full set.
    fn of_program() -> Mask {
        let mut mask = Mask::NONE;
        let all = SigSet::all();
        let bytes = ptr::from_ref(all.as_ref()).cast::<u8>();
        // SAFETY: the kernel's set is the beginning of the C library's, which is an array of integers.
        unsafe { bytes.copy_to_nonoverlapping(mask.0.as_mut_ptr(), SIGNAL_SET_SIZE) };
        mask
    }
}

#[cfg(test)]
impl Mask {
    /// Signal 1 is the lowest bit of the first unsigned long.
    pub fn contains(&self, signal: libc::c_int) -> bool {
        const LONG: usize = size_of::<libc::c_ulong>();
        let place = signal as usize - 1;
        let word = self.0[place / (8 * LONG) * LONG..][..LONG].try_into().unwrap();
        libc::c_ulong::from_ne_bytes(word) >> (place % (8 * LONG)) & 1 == 1
    }
}

#[cfg(test)]
pub fn get() -> nix::Result<Mask> {
    let mut before = Mask::NONE;
    change(None, Some(&mut before))?;
    Ok(before)
}

pub fn set(mask: &Mask) -> nix::Result<()> {
    change(Some(mask), None)
}

/// `before` receives the mask that there was.
fn change(mask: Option<&Mask>, before: Option<&mut Mask>) -> nix::Result<()> {
    let new = mask.map_or(ptr::null(), ptr::from_ref);
    let before = before.map_or(ptr::null_mut(), ptr::from_mut);
    // SAFETY: the kernel reads a set and writes one, or none for NULL, both of the size that it is told.
    let status = unsafe {
        libc::syscall(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK, new, before, SIGNAL_SET_SIZE)
    };
    Errno::result(status).map(drop)
}

/// Blocks signals in the calling thread until it is dropped.
pub struct BlockedSignals {
    before: Mask,
}

impl BlockedSignals {
    /// Blocks every signal: no handler runs, and no other thread changes the credentials.
    pub fn every() -> Result<BlockedSignals> {
        BlockedSignals::only(&Mask::EVERY)
    }

    /// Blocks the signals that a program can handle. The C library's own are unblocked, even if they were
    /// blocked before.
    pub fn of_program() -> Result<BlockedSignals> {
        BlockedSignals::only(&Mask::of_program())
    }

    /// Returns the previous mask.
    pub fn before(&self) -> &Mask {
        &self.before
    }

    fn only(signals: &Mask) -> Result<BlockedSignals> {
        let mut before = Mask::NONE;
        change(Some(signals), Some(&mut before)).at(Step::Mask)?;
        Ok(BlockedSignals { before })
    }
}

impl Drop for BlockedSignals {
    fn drop(&mut self) {
        // Only a seccomp filter can reject this, and it may do so temporarily.
        let _ = a_few_times(|_| true, || set(&self.before));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The C library's own signal, which has no name; musl has one more.
    const SIGSETXID: libc::c_int = 33;

    fn blocks(signal: libc::c_int) -> bool {
        get().unwrap().contains(signal)
    }

    #[test]
    fn every_blocks_all_signals_and_drop_restores_mask() {
        let before = get().unwrap();
        let blocked = BlockedSignals::every().unwrap();
        assert!(blocks(libc::SIGTERM) && blocks(libc::SIGRTMAX()) && blocks(SIGSETXID));
        drop(blocked);
        assert!(!blocks(libc::SIGTERM) && !blocks(SIGSETXID));
        assert_eq!(get().unwrap(), before);
    }

    #[test]
    fn of_program_unblocks_internal_libc_signals() {
        let every = BlockedSignals::every().unwrap();
        let others = BlockedSignals::of_program().unwrap();
        assert!(blocks(libc::SIGTERM) && !blocks(SIGSETXID));
        drop(others);
        assert!(blocks(libc::SIGTERM) && blocks(SIGSETXID));
        drop(every);
        assert!(!blocks(libc::SIGTERM) && !blocks(SIGSETXID));
    }
}
