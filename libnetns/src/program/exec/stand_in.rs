//! A thread that works in place of the calling thread, which waits for it.
//!
//! It is not created with pthread_create(3). Such a thread has a stack of 8 MB and an entry in the C
//! library's lists of threads, and if the process is a child of vfork(2), both stay behind in the parent when
//! execve(2) succeeds. This thread shares everything with the calling thread, including thread-local
//! variables, and uses a stack provided by the caller.

use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};

use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::Pid;
use rustix::thread::futex;

use crate::os::retry::a_few_times;
use crate::os::syscalls::{self, SignalStack};
use crate::program::stack::Stack;

/// The data above the thread's stack.
pub struct Job<K> {
    /// The kernel sets it to 0 and wakes its waiters when the thread has ended.
    is_alive: AtomicU32,
    signal_stack: Option<SignalStack>,
    /// A pointer to a W.
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

/// Runs `work` on such a thread, which has ended when this returns. `work` gets the data that is stored with
/// the stack. An error means that the thread could not be created.
///
/// # Safety
///
/// Every signal must be blocked. `work` must not panic, and must not use C library functions that read the id
/// of their thread.
pub unsafe fn run<K, W>(stack: &Stack<Job<K>>, mut work: W) -> nix::Result<()>
where
    W: FnMut(&mut K, &End),
{
    let entry: Entry = enter::<K, W>;
    let job = stack.value();
    let nothing = ptr::null_mut::<c_void>();
    // SAFETY: the thread runs `entry` with a job of this type and a W, on a stack that nothing else uses, and
    // this thread waits until it has ended. Only one of them uses thread-local variables at a time.
    let started = unsafe {
        (*job).work = (&raw mut work).cast();
        let is_alive = &raw mut (*job).is_alive;
        libc::clone(entry, stack.top(), FLAGS, job.cast(), nothing, nothing, is_alive)
    };
    let thread = Pid::from_raw(Errno::result(started)?);
    // SAFETY: the job lives as long as the stack.
    let is_alive = unsafe { &(*job).is_alive };
    while is_alive.load(Ordering::Acquire) != 0 {
        // Not a private futex, because the kernel's wake is not private.
        let waited = futex::wait(is_alive, futex::Flags::empty(), 1, Some(&LOOK_AFTER));
        // A seccomp filter may end the thread while the kernel does not announce its end.
        if waited == Err(rustix::io::Errno::TIMEDOUT) && kill(thread, None) == Err(Errno::ESRCH) {
            break;
        }
    }
    Ok(())
}

/// The interval at which the existence of the thread is checked.
const LOOK_AFTER: futex::Timespec = futex::Timespec { tv_sec: 1, tv_nsec: 0 };

extern "C" fn enter<K, W: FnMut(&mut K, &End)>(job: *mut c_void) -> c_int {
    let job = job.cast::<Job<K>>();
    // SAFETY: run() passes a job of this type with a W, and does not access either until this thread has
    // ended. The calling thread blocks every signal, and therefore does not use its signal stack.
    unsafe {
        if let Some(signal_stack) = &(*job).signal_stack {
            syscalls::set_signal_stack(signal_stack);
        }
        let end = End(&raw mut (*job).is_alive);
        (*(*job).work.cast::<W>())(&mut (*job).kept, &end);
    }
    0
}

/// Controls what the kernel does when the thread ends.
pub struct End(*mut AtomicU32);

impl End {
    /// Calls `exec`, which returns only if it fails. If the process is a child of vfork(2), the parent
    /// continues as soon as the other threads of this process have ended, and the kernel must not write to
    /// the parent's memory after that (exec_mm_release() is called after de_thread()).
    pub fn unannounced<T>(&self, exec: impl FnOnce() -> T) -> T {
        // SAFETY: nothing is written at the end of the thread.
        let is_silent = unsafe { syscalls::clear_at_thread_end(ptr::null_mut()) }.is_ok();
        let result = exec();
        if is_silent {
            // Only a seccomp filter can reject this, and it may do so temporarily.
            // SAFETY: run() waits for it, and keeps it valid until then.
            let _ = a_few_times(|_| true, || unsafe { syscalls::clear_at_thread_end(self.0) });
        }
        result
    }
}
