//! A helper thread for operations that the calling thread must not perform on itself.
//!
//! This uses pthreads directly, although that requires an `extern "C"` function: std's threads keep memory
//! for the calling thread until it ends, abort the process if there is none, and add 25 KB of code.

use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use nix::errno::Errno;

use crate::error::{At, Failure, Result, Step};
use crate::os::sigmask::BlockedSignals;

/// Runs `work` on a separate thread, which has ended when this returns. The thread receives none of the
/// process's signals, and no other thread changes its credentials before the work is done.
///
/// This must not be called while the calling thread is in another namespace: pthreads take locks, and a
/// thread that blocks the C library's own signals must not wait for locks (see
/// [`sigmask`](crate::os::sigmask)). These signals are therefore unblocked here.
pub fn on_helper_thread<W, T>(work: W) -> Result<T>
where
    W: FnOnce() -> Result<T> + Send,
    T: Send,
{
    // A thread starts with the signal mask of its creator.
    let _blocked = BlockedSignals::of_program()?;
    let mut job = Job { work: Some(work), result: None };
    // Report EAGAIN whatever clone(2) returns, such as EINVAL after unshare(CLONE_NEWPID).
    start_and_wait(&mut job)
        .at(Step::HelperThread)
        .map_err(|failure| failure.as_errno(Errno::EAGAIN))?;
    job.result.unwrap_or(Err(Failure::new(Step::Panic, Errno::ENOTRECOVERABLE)))
}

struct Job<W, T> {
    work: Option<W>,
    /// `None` if it panicked.
    result: Option<Result<T>>,
}

type Entry = extern "C" fn(*mut c_void) -> *mut c_void;

fn start_and_wait<W, T>(job: &mut Job<W, T>) -> nix::Result<()>
where
    W: FnOnce() -> Result<T> + Send,
    T: Send,
{
    let entry: Entry = run::<W, T>;
    let mut thread = MaybeUninit::uninit();
    // SAFETY: `run` takes a pointer to a job of this type. Nothing else uses the job until the thread has
    // been joined, and everything that the job borrows outlives this call.
    let status = unsafe {
        let job = ptr::from_mut(job).cast();
        libc::pthread_create(thread.as_mut_ptr(), ptr::null(), entry, job)
    };
    if status != 0 {
        return Err(Errno::from_raw(status));
    }
    // SAFETY: the thread was started and is joined once, and its result is not used.
    unsafe { libc::pthread_join(thread.assume_init(), ptr::null_mut()) };
    Ok(())
}

extern "C" fn run<W, T>(job: *mut c_void) -> *mut c_void
where
    W: FnOnce() -> Result<T>,
{
    // SAFETY: start_and_wait passes a job of these types and does not access it until this thread has ended.
    let job = unsafe { &mut *job.cast::<Job<W, T>>() };
    let work = job.work.take();
    job.result = work.and_then(|work| catch_unwind(AssertUnwindSafe(|| undisturbed(work))).ok());
    ptr::null_mut()
}

/// A thread must unblock the C library's own signals before it ends: glibc's setuid(2) waits for the thread
/// to handle the signal that it was sent, and the thread would wait for that call.
fn undisturbed<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    let _blocked = BlockedSignals::every()?;
    work()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::sigmask;
    use nix::unistd::gettid;

    #[test]
    fn helper_runs_closure_on_another_thread() {
        let here = gettid();
        let mut seen = None;
        let result = on_helper_thread(|| {
            seen = Some(gettid());
            Ok(7)
        });
        assert_eq!(result, Ok(7));
        assert!(seen.is_some_and(|there| there != here));
    }

    #[test]
    fn helper_returns_error_or_enotrecoverable_on_panic() {
        let failure = Failure::new(Step::Bind, Errno::EROFS);
        assert_eq!(on_helper_thread::<_, ()>(|| Err(failure)), Err(failure));
        let panicked = on_helper_thread::<_, ()>(|| panic!("a bug"));
        assert_eq!(panicked.unwrap_err().errno, Errno::ENOTRECOVERABLE);
    }

    #[test]
    fn helper_blocks_signals() {
        let blocked = on_helper_thread(|| sigmask::get().at(Step::Mask)).unwrap();
        assert!(blocked.contains(libc::SIGTERM));
        assert!(!sigmask::get().unwrap().contains(libc::SIGTERM));
    }
}
