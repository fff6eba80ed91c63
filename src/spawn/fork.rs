//! A child that shares the caller's memory, while the caller's thread waits.

use std::ffi::{c_int, c_void};
use std::os::fd::{FromRawFd, OwnedFd};

use nix::errno::Errno;

pub struct Forked {
    pub pid: i32,
    /// None: it was not asked for, or this is Linux before 5.2.
    pub pidfd: Option<OwnedFd>,
    /// Whether the child has ended or become another program. False where a fork has passed for
    /// vfork(2), as under valgrind and in other emulators: then it may still be on its way.
    pub has_finished: bool,
}

struct Job<W> {
    work: Option<W>,
    pidfd: c_int,
    /// The child's mark that the memory is the same.
    is_shared: bool,
}

type Entry = extern "C" fn(*mut c_void) -> c_int;

/// Of this many pieces of 16 bytes, to which a stack is aligned, the child's has enough.
const STACK: usize = 4096;

/// What the child ends with if it does not become a program.
const EXIT_STATUS: c_int = 127;

/// Does `work`, which is told whether there is a pidfd, in a child whose thread has the caller's mask.
/// The child has descriptors, handlers and namespaces of its own; what it does to memory, this process
/// has done. It sends no signal when it ends.
pub fn fork<W: FnOnce(bool)>(with_pidfd: bool, work: W) -> nix::Result<Forked> {
    let mut stack = Vec::<u128>::new();
    stack.try_reserve_exact(STACK).map_err(|_| Errno::ENOMEM)?;
    let mut job = Job { work: Some(work), pidfd: -1, is_shared: false };
    let flags = libc::CLONE_VM | libc::CLONE_VFORK;
    let flags = if with_pidfd { flags | libc::CLONE_PIDFD } else { flags };
    let entry: Entry = child::<W>;
    // SAFETY: the child runs `entry` with such a job, on a stack that nobody else uses, and until it
    // has let go of both this thread waits in the call; no other thread knows of them. The kernel
    // writes the pidfd before the child runs.
    let pid = unsafe {
        let job = &raw mut job;
        let top = stack.as_mut_ptr().add(STACK);
        libc::clone(entry, top.cast(), flags, job.cast(), &raw mut (*job).pidfd)
    };
    let pid = Errno::result(pid)?;
    // SAFETY: the kernel has just made this descriptor, and nobody else knows it.
    let pidfd = (job.pidfd >= 0).then(|| unsafe { OwnedFd::from_raw_fd(job.pidfd) });
    Ok(Forked { pid, pidfd, has_finished: job.is_shared })
}

extern "C" fn child<W: FnOnce(bool)>(job: *mut c_void) -> c_int {
    // SAFETY: fork() passes a job of this type, and leaves it alone until we have ended.
    let job = unsafe { &mut *job.cast::<Job<W>>() };
    job.is_shared = true;
    if let Some(work) = job.work.take() {
        work(job.pidfd >= 0);
    }
    EXIT_STATUS
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
    use nix::unistd::{Pid, getpid};

    #[test]
    fn the_child_is_another_process_in_the_same_memory() {
        let parent = getpid();
        let mut seen = None;
        let forked = fork(true, |has_pidfd| seen = Some((getpid(), has_pidfd))).unwrap();
        assert!(forked.has_finished);
        let pid = Pid::from_raw(forked.pid);
        assert_ne!(pid, parent);
        assert_eq!(seen, Some((pid, forked.pidfd.is_some())));
        // Not by an ordinary wait.
        assert_eq!(waitpid(pid, Some(WaitPidFlag::WNOHANG)), Err(Errno::ECHILD));
        let ended = waitpid(pid, Some(WaitPidFlag::__WALL));
        assert_eq!(ended, Ok(WaitStatus::Exited(pid, EXIT_STATUS)));
    }
}
