//! The calling thread's signal mask in the kernel, accessed with rt_sigprocmask(2) directly.
//!
//! The C library's sigprocmask(3) leaves out the signals that the C library reserves: 32 and 33 in glibc, 32
//! to 34 in musl. setuid(2), setgroups(2) and similar calls use one of them to change the credentials of
//! every other thread, after which a thread that is in another namespace might be unable to switch back.
//!
//! A thread that blocks these signals must not wait for a lock that such a call holds while it waits for all
//! threads. pthread_create(3), pthread_join(3), dlopen(3) and the end of a thread take such locks: both sides
//! would wait forever.

use std::mem::MaybeUninit;
use std::ptr;

use nix::errno::Errno;
use nix::sys::signal::SigSet;

use crate::error::{At, Result, Step};
use crate::os::syscalls::SIGNAL_SET_SIZE;

/// The maximum number of attempts to restore a mask.
const MOST_RESTORES: u32 = 8;

#[cfg(test)]
pub fn get() -> nix::Result<SigSet> {
    replace(None)
}

pub fn set(mask: &SigSet) -> nix::Result<()> {
    change(Some(mask), None)
}

/// Returns the mask that there was; None leaves it as it is.
fn replace(mask: Option<&SigSet>) -> nix::Result<SigSet> {
    let mut before = MaybeUninit::<libc::sigset_t>::zeroed();
    change(mask, Some(&mut before))?;
    // SAFETY: a set is an array of integers, for which zero bytes and everything that the kernel writes are
    // valid.
    Ok(unsafe { SigSet::from_sigset_t_unchecked(before.assume_init()) })
}

/// `before` receives the mask that there was.
fn change(
    mask: Option<&SigSet>,
    before: Option<&mut MaybeUninit<libc::sigset_t>>,
) -> nix::Result<()> {
    let new: *const libc::sigset_t = mask.map_or(ptr::null(), |mask| mask.as_ref());
    let before = before.map_or(ptr::null_mut(), MaybeUninit::as_mut_ptr);
    // SAFETY: the kernel reads one set and writes one, or none for NULL, both no longer than libc's.
    let status = unsafe {
        libc::syscall(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK, new, before, SIGNAL_SET_SIZE)
    };
    Errno::result(status).map(drop)
}

/// Returns all signals, including the C library's own.
pub fn every_signal() -> SigSet {
    let mut set = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: a set is an array of integers, for which all bits set is a valid value.
    unsafe {
        set.as_mut_ptr().write_bytes(0xff, 1);
        SigSet::from_sigset_t_unchecked(set.assume_init())
    }
}

/// Blocks signals in the calling thread until it is dropped.
pub struct BlockedSignals {
    before: SigSet,
}

impl BlockedSignals {
    /// Blocks every signal: no handler runs, and no other thread changes the credentials.
    pub fn every() -> Result<BlockedSignals> {
        BlockedSignals::only(&every_signal())
    }

    /// Blocks the signals that a program can handle. The C library's own are unblocked, even if they were
    /// blocked before.
    pub fn of_program() -> Result<BlockedSignals> {
        // libc leaves its own signals out of this set.
        BlockedSignals::only(&SigSet::all())
    }

    /// Returns the previous mask.
    pub fn before(&self) -> &SigSet {
        &self.before
    }

    fn only(signals: &SigSet) -> Result<BlockedSignals> {
        let before = replace(Some(signals)).at(Step::Mask)?;
        Ok(BlockedSignals { before })
    }
}

impl Drop for BlockedSignals {
    fn drop(&mut self) {
        // Only a seccomp filter can reject this, and it may do so temporarily.
        for _ in 0..MOST_RESTORES {
            if set(&self.before).is_ok() {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The C library's own signal, which has no name; musl has one more.
    const SIGSETXID: libc::c_int = 33;

    fn blocks(signal: libc::c_int) -> bool {
        let mask = get().unwrap();
        // SAFETY: this reads a set.
        unsafe { libc::sigismember(mask.as_ref(), signal) == 1 }
    }

    #[test]
    fn every_signal_is_blocked_and_let_in_again() {
        let before = get().unwrap();
        let blocked = BlockedSignals::every().unwrap();
        assert!(blocks(libc::SIGTERM) && blocks(libc::SIGRTMAX()) && blocks(SIGSETXID));
        drop(blocked);
        assert!(!blocks(libc::SIGTERM) && !blocks(SIGSETXID));
        assert_eq!(get().unwrap(), before);
    }

    #[test]
    fn the_c_librarys_own_signals_are_let_in_for_a_while() {
        let every = BlockedSignals::every().unwrap();
        let others = BlockedSignals::of_program().unwrap();
        assert!(blocks(libc::SIGTERM) && !blocks(SIGSETXID));
        drop(others);
        assert!(blocks(libc::SIGTERM) && blocks(SIGSETXID));
        drop(every);
        assert!(!blocks(libc::SIGTERM) && !blocks(SIGSETXID));
    }
}
