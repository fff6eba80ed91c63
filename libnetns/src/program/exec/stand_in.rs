//! A thread that works in place of the calling one, while that waits.
//!
//! It is none of pthread_create(3)'s. Such a one has a stack of 8 MB and a place in the C library's
//! lists of threads, and where the process is a child of vfork(2), both stay behind in the parent when
//! execve(2) succeeds. This one has all that the calling thread has, the thread-local variables too,
//! and a stack of the caller's choice.

use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};

use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::Pid;
use rustix::thread::futex;

use crate::os::syscalls::{self, SignalStack};
use crate::program::stack::Stack;

/// What is above the thread's stack.
pub struct Job<K> {
    /// The kernel makes it 0, and wakes who waits for that, when the thread has ended.
    is_alive: AtomicU32,
    signal_stack: Option<SignalStack>,
    /// A W.
    work: *mut c_void,
    /// What the thread needs and leaves behind.
    pub kept: K,
}

type Entry = extern "C" fn(*mut c_void) -> c_int;

const FLAGS: c_int = libc::CLONE_VM
    | libc::CLONE_FS
    | libc::CLONE_FILES
    | libc::CLONE_SIGHAND
    | libc::CLONE_THREAD
    | libc::CLONE_SYSVSEM
    | libc::CLONE_CHILD_CLEARTID;

impl<K> Job<K> {
    pub fn new(kept: K) -> Job<K> {
        let signal_stack = syscalls::signal_stack();
        Job { is_alive: AtomicU32::new(1), signal_stack, work: ptr::null_mut(), kept }
    }
}

/// Does `work` on such a thread, which has ended when this returns. `work` is given what is kept with
/// the stack. An error: there was no thread.
///
/// # Safety
///
/// Every signal is blocked. `work` does not panic, and does nothing in which the C library looks at its
/// thread's id.
pub unsafe fn run<K, W>(stack: &Stack<Job<K>>, mut work: W) -> nix::Result<()>
where
    W: FnMut(&mut K, &End),
{
    let entry: Entry = enter::<K, W>;
    let job = stack.value();
    let nothing = ptr::null_mut::<c_void>();
    // SAFETY: the thread runs `entry` with such a job and a W, on a stack that nobody else uses, and
    // this one waits until it has ended. Meanwhile only one of them uses thread-local variables.
    let started = unsafe {
        (*job).work = (&raw mut work).cast();
        let is_alive = &raw mut (*job).is_alive;
        libc::clone(entry, stack.top(), FLAGS, job.cast(), nothing, nothing, is_alive)
    };
    let thread = Pid::from_raw(Errno::result(started)?);
    // SAFETY: the job is there as long as the stack.
    let is_alive = unsafe { &(*job).is_alive };
    while is_alive.load(Ordering::Acquire) != 0 {
        // Not a private one: the kernel's wake is none.
        let waited = futex::wait(is_alive, futex::Flags::empty(), 1, Some(&LOOK_AFTER));
        // A filter of system calls may end a thread that makes one, while its end is unannounced.
        if waited == Err(rustix::io::Errno::TIMEDOUT) && kill(thread, None) == Err(Errno::ESRCH) {
            break;
        }
    }
    Ok(())
}

/// How long it is waited before it is looked whether the thread is still there.
const LOOK_AFTER: futex::Timespec = futex::Timespec { tv_sec: 1, tv_nsec: 0 };

extern "C" fn enter<K, W: FnMut(&mut K, &End)>(job: *mut c_void) -> c_int {
    let job = job.cast::<Job<K>>();
    // SAFETY: run() passes a job of this type with a W, and leaves both alone until we have ended. The
    // calling thread blocks every signal, and so does not use its signal stack.
    unsafe {
        if let Some(signal_stack) = &(*job).signal_stack {
            syscalls::set_signal_stack(signal_stack);
        }
        let end = End(&raw mut (*job).is_alive);
        (*(*job).work.cast::<W>())(&mut (*job).kept, &end);
    }
    0
}

const MOST_ANNOUNCEMENTS: u32 = 8;

/// What the kernel does when the thread ends.
pub struct End(*mut AtomicU32);

impl End {
    /// Calls `exec`, which returns only if it fails. Where the process is a child of vfork(2), the
    /// parent goes on as soon as the other threads of this one have ended, and the kernel must not
    /// write to memory of its then (exec_mm_release() comes after de_thread()).
    pub fn unannounced<T>(&self, exec: impl FnOnce() -> T) -> T {
        // SAFETY: nothing is written at the thread's end.
        let is_silent = unsafe { syscalls::clear_at_thread_end(ptr::null_mut()) }.is_ok();
        let result = exec();
        // Only a filter of system calls can refuse it, and may do so once.
        for _ in 0..MOST_ANNOUNCEMENTS {
            // SAFETY: run() waits for it, and keeps it until then.
            if !is_silent || unsafe { syscalls::clear_at_thread_end(self.0) }.is_ok() {
                break;
            }
        }
        result
    }
}
