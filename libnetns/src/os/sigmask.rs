//! The calling thread's signal mask as the kernel has it, by rt_sigprocmask(2) itself.
//!
//! The C library's own sigprocmask(3) leaves the signals out that it keeps to itself: 32 and 33 with
//! glibc, 32 to 34 with musl. By one of them setuid(2), setgroups(2) and their like change every other
//! thread's credentials, which would take the way back from a thread that is away.
//!
//! A thread that blocks them must not wait for a lock that such a call holds while it waits for all
//! threads, as pthread_create(3), pthread_join(3) and the end of a thread do, and also dlopen(3):
//! neither would ever go on.

use std::mem::MaybeUninit;
use std::ptr;

use nix::errno::Errno;
use nix::sys::signal::SigSet;

use crate::error::{At, Result, Step};
use crate::os::syscalls::SIGNAL_SET_SIZE;

/// How often a mask is put back.
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
    // SAFETY: a set is an array of integers, for which zero bytes are a value, as is what the kernel
    // has written.
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

/// The C library's own signals, too.
pub fn every_signal() -> SigSet {
    let mut set = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: a set is an array of integers, for which all bits set are a value.
    unsafe {
        set.as_mut_ptr().write_bytes(0xff, 1);
        SigSet::from_sigset_t_unchecked(set.assume_init())
    }
}

/// Signals that the calling thread blocks until this is dropped.
pub struct BlockedSignals {
    before: SigSet,
}

impl BlockedSignals {
    /// Every signal: no handler runs, and no other thread changes the credentials.
    pub fn every() -> Result<BlockedSignals> {
        BlockedSignals::only(&every_signal())
    }

    /// Those that a program can have handlers for. The C library's own are let in, even if they were
    /// blocked before.
    pub fn of_program() -> Result<BlockedSignals> {
        // It has these alone: libc takes its own out.
        BlockedSignals::only(&SigSet::all())
    }

    /// The mask that there was.
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
        // Only a filter of system calls can refuse it, and may do so once.
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

    /// The C library's own, which has no name; musl has one more.
    const SIGSETXID: libc::c_int = 33;

    fn blocks(signal: libc::c_int) -> bool {
        let mask = get().unwrap();
        // SAFETY: it reads a set.
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
