//! The boundary between C and Rust: every C function runs its body here, so that no panic, no cancellation and no
//! unintended change of errno crosses it.

use std::ffi::{c_int, c_void};
use std::os::fd::{IntoRawFd, OwnedFd};
use std::panic::{self, AssertUnwindSafe};

use nix::errno::Errno;

use libnetns::error::{Failure, Result, Step};
use libnetns::explain::Subject;

use crate::message;

/// Converts the result of a successful call to what the C function returns.
pub trait IntoC {
    type C: FromErrno;
    fn into_c(self) -> Self::C;
}

/// Converts the errno of a failed call to what the C function returns.
pub trait FromErrno {
    fn from_errno(errno: Errno) -> Self;
}

impl FromErrno for c_int {
    fn from_errno(errno: Errno) -> c_int {
        -(errno as c_int)
    }
}

impl FromErrno for libc::ssize_t {
    fn from_errno(errno: Errno) -> libc::ssize_t {
        -(errno as libc::ssize_t)
    }
}

impl IntoC for () {
    type C = c_int;
    fn into_c(self) -> c_int {
        0
    }
}

impl IntoC for bool {
    type C = c_int;
    fn into_c(self) -> c_int {
        self.into()
    }
}

impl IntoC for c_int {
    type C = c_int;
    fn into_c(self) -> c_int {
        self
    }
}

impl IntoC for OwnedFd {
    type C = c_int;
    fn into_c(self) -> c_int {
        self.into_raw_fd()
    }
}

impl IntoC for usize {
    type C = libc::ssize_t;
    fn into_c(self) -> libc::ssize_t {
        // Nothing in memory has more than isize::MAX elements.
        self as libc::ssize_t
    }
}

/// Runs `body`. On failure, returns -errno, sets errno and stores the thread's message.
pub fn call<T: IntoC>(subject: Subject, body: impl FnOnce() -> Result<T>) -> T::C {
    match attempt(subject, body) {
        Ok(value) => value.into_c(),
        Err(errno) => T::C::from_errno(errno),
    }
}

/// As [`call`], for a function that has more to do before it returns.
pub fn attempt<T>(
    subject: Subject,
    body: impl FnOnce() -> Result<T>,
) -> std::result::Result<T, Errno> {
    let errno = Errno::last_raw();
    match shielded(body) {
        Ok(value) => {
            Errno::set_raw(errno);
            Ok(value)
        }
        Err(failure) => {
            message::store(&subject, failure);
            failure.errno.set();
            Err(failure.errno)
        }
    }
}

/// Runs `body`, which cannot fail. Returns `fallback` if it panics. errno is not changed.
pub fn plain<T>(fallback: T, body: impl FnOnce() -> T) -> T {
    let errno = Errno::last_raw();
    let result = shielded(|| Ok(body())).unwrap_or(fallback);
    Errno::set_raw(errno);
    result
}

fn shielded<T>(body: impl FnOnce() -> Result<T>) -> Result<T> {
    let _uncancelled = Uncancelled::new();
    panic::catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| {
        // Dropping the payload could panic again.
        std::mem::forget(payload);
        Err(Failure::new(Step::Panic, Errno::ENOTRECOVERABLE)
            .hint("a bug in libnetns: please report it"))
    })
}

/// A library must not print. The hook sees only the library's own panics, because the library contains its own
/// copy of the Rust runtime. Setting the hook takes a lock, so it is done when the library is loaded: if it were
/// done at a thread's first call, the lock could stay taken in the child of a fork(2) during that call.
#[cfg(not(test))]
extern "C" fn silence_panics() {
    crate::boundary::plain((), || panic::set_hook(Box::new(|_| {})));
}

#[cfg(not(test))]
#[used]
#[unsafe(link_section = ".init_array")]
static AT_LOAD: extern "C" fn() = silence_panics;

/// Disables cancellation, so that pthread_cancel(3) does not end the thread in the middle of a call. The request
/// stays pending and takes effect at the caller's next cancellation point.
struct Uncancelled {
    before: c_int,
}

impl Uncancelled {
    fn new() -> Uncancelled {
        Uncancelled { before: set_cancelability(CANCEL_DISABLE) }
    }
}

impl Drop for Uncancelled {
    fn drop(&mut self) {
        set_cancelability(self.before);
    }
}

/// PTHREAD_CANCEL_DISABLE
pub const CANCEL_DISABLE: c_int = 1;

// The libc crate does not declare it for Linux.
unsafe extern "C" {
    fn pthread_setcancelstate(state: c_int, before: *mut c_int) -> c_int;
}

/// Returns the previous state.
pub fn set_cancelability(state: c_int) -> c_int {
    let mut before = 0;
    // SAFETY: it writes one int. It fails only for an unknown state, and then changes nothing.
    unsafe { pthread_setcancelstate(state, &mut before) };
    before
}

/// The calling thread's cancelability before the library changed it.
pub struct Cancelability(c_int);

impl Cancelability {
    pub fn now() -> Cancelability {
        let state = set_cancelability(CANCEL_DISABLE);
        set_cancelability(state);
        Cancelability(state)
    }

    /// Within a call: restores the cancelability, or disables it again.
    pub fn bring_back(&self, back: bool) {
        set_cancelability(if back { self.0 } else { CANCEL_DISABLE });
    }
}

/// Large enough for glibc's struct _pthread_cleanup_buffer and musl's struct __ptcb.
pub type CleanupBuffer = [usize; 8];

// The functions behind the macro pthread_cleanup_push(3) before compilers supported cleanup handlers. Both C
// libraries still have them, and run such handlers when a thread calls pthread_exit(3).
unsafe extern "C" {
    pub fn _pthread_cleanup_push(
        buffer: *mut CleanupBuffer,
        routine: unsafe extern "C" fn(*mut c_void),
        arg: *mut c_void,
    );
    pub fn _pthread_cleanup_pop(buffer: *mut CleanupBuffer, execute: c_int);
}

#[cfg(test)]
mod tests {
    use super::*;
    use libnetns::explain::Object;

    const SUBJECT: Subject = Subject { verb: "test", rundir: c"", object: Object::Nothing };

    #[test]
    fn successful_call_keeps_errno() {
        Errno::EXDEV.set();
        let result = call(SUBJECT, || {
            Errno::EIO.set();
            Ok(7)
        });
        assert_eq!((result, Errno::last()), (7, Errno::EXDEV));
    }

    #[test]
    fn failed_call_returns_negated_errno_and_sets_message() {
        let result = call::<()>(SUBJECT, || Err(Failure::new(Step::Setns, Errno::EIO)));
        assert_eq!((result, Errno::last()), (-libc::EIO, Errno::EIO));
        assert_eq!(message::text().to_str(), Ok("test: setns: Input/output error"));
    }

    #[test]
    fn panic_fails_with_enotrecoverable() {
        let result = call::<usize>(SUBJECT, || panic!("a bug"));
        assert_eq!(result, -(libc::ENOTRECOVERABLE as isize));
        assert!(message::text().to_str().unwrap().contains("internal error"));
        assert_eq!(plain(3, || panic!("another")), 3);
    }
}
