//! A child that works for the calling thread, which waits for it.

use std::ffi::{c_int, c_long, c_void};
use std::mem::{self, MaybeUninit};
use std::os::fd::{FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::Pid;

use crate::error::{At, Failure, Result, Step};
use crate::os::retry::on_signal;
use crate::program::mount_namespace::LeftOut;
use crate::program::stack::Stack;

/// The memory of the child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// Shared with this process, as after vfork(2), because copying a large process takes long.
    Shared,
    /// A copy. A child that drops its privileges must not share memory with a process that keeps them:
    /// setresuid(2) makes that memory non-dumpable (commit_creds() in the kernel), for the parent as well,
    /// and undoing that would allow the child's new user to inspect the parent's memory with ptrace(2) as
    /// long as another child shares it.
    Copied,
}

pub struct Child {
    pub pid: i32,
    /// `None` if it was not requested, or before Linux 5.2.
    pub pidfd: Option<OwnedFd>,
    pub left_out: Option<LeftOut>,
}

/// The outcome of a child.
pub enum Outcome {
    Program(Child),
    Failed(Failure),
    /// It has ended without reporting a failure.
    Killed,
}

/// The data that both processes see.
struct Job<W> {
    work: Option<W>,
    /// Written by the kernel before the child runs.
    pidfd: c_int,
    left_out: Option<LeftOut>,
    failure: MaybeUninit<Failure>,
    /// Set after `failure`, because the child may be killed at any time.
    has_failed: AtomicBool,
    /// Set by the child to show that the memory is shared; it points to memory that is otherwise not shared.
    is_shared: *mut bool,
}

type Entry = extern "C" fn(*mut c_void) -> c_int;

/// The exit status of a child that does not execute a program.
const EXIT_STATUS: c_int = 127;

/// Runs `work` in a child whose thread has the caller's mask, and waits until it executes a program or ends.
/// `work` is told whether there is a pidfd, records the files that the program goes without, and returns only
/// if it fails. The child has its own descriptors, handlers and namespaces. If it fails, it sends no signal,
/// and no wait(2) in another thread can reap it.
///
/// # Safety
///
/// The child may belong to a process with threads, whose memory it shares: `work` must not allocate, lock or
/// panic, every signal must be blocked, and what `work` leaves behind in memory must be valid for this
/// process.
pub unsafe fn fork<W>(with_pidfd: bool, memory: Memory, work: W) -> Result<Outcome>
where
    W: FnOnce(bool, &mut Option<LeftOut>) -> Failure,
{
    let mut is_shared = false;
    let job = Job {
        work: Some(work),
        pidfd: -1,
        left_out: None,
        failure: MaybeUninit::uninit(),
        has_failed: AtomicBool::new(false),
        is_shared: &raw mut is_shared,
    };
    let stack = Stack::new(job)?;
    let (pid, has_finished) = match memory {
        // SAFETY: the requirements of clone_job() are those of this function.
        Memory::Shared => unsafe {
            let flags = libc::CLONE_VM | libc::CLONE_VFORK;
            let pid = clone_job(flags, with_pidfd, &stack).at(Step::Clone)?;
            (pid, (&raw const is_shared).read_volatile())
        },
        // SAFETY: see above.
        Memory::Copied => unsafe { copy_process(with_pidfd, &stack) }.at(Step::Clone)?,
    };
    let has_ended = !has_finished && has_ended_before_exec(pid);
    // SAFETY: the child has ended or left this memory, so nothing writes to the job any more.
    let job = unsafe { &*stack.value() };
    // SAFETY: the kernel has just created this descriptor, and nothing else uses it.
    let pidfd = (job.pidfd >= 0).then(|| unsafe { OwnedFd::from_raw_fd(job.pidfd) });
    if job.has_failed.load(Ordering::Acquire) {
        if !has_ended {
            reap(pid);
        }
        // SAFETY: the child has written it before setting the flag.
        return Ok(Outcome::Failed(unsafe { job.failure.assume_init() }));
    }
    if has_ended || was_killed(pid) {
        return Ok(Outcome::Killed);
    }
    Ok(Outcome::Program(Child { pid, pidfd, left_out: job.left_out }))
}

/// Calls clone(2) with these flags. Without CLONE_VM the child has a copy of this process's memory.
///
/// # Safety
///
/// Those of [`fork`]; and nothing may use the stack or the job until the child has left them.
unsafe fn clone_job<W>(flags: c_int, with_pidfd: bool, stack: &Stack<Job<W>>) -> nix::Result<i32>
where
    W: FnOnce(bool, &mut Option<LeftOut>) -> Failure,
{
    let entry: Entry = child::<W>;
    let flags = if with_pidfd { flags | libc::CLONE_PIDFD } else { flags };
    let job = stack.value();
    // SAFETY: the child runs `entry` with a job of this type, on a stack that nothing else uses. The kernel
    // writes the pidfd, if any, to the job.
    Errno::result(unsafe {
        libc::clone(entry, stack.top(), flags, job.cast(), &raw mut (*job).pidfd)
    })
}

/// The beginning of struct clone_args, as of Linux 5.3.
#[repr(C, align(8))]
#[derive(Default)]
struct CloneArgs {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
}

/// Creates a child with a copy of this process's memory; returns its id, and whether it has finished.
///
/// # Safety
///
/// Those of [`clone_job`].
unsafe fn copy_process<W>(with_pidfd: bool, stack: &Stack<Job<W>>) -> nix::Result<(i32, bool)>
where
    W: FnOnce(bool, &mut Option<LeftOut>) -> Failure,
{
    let job = stack.value();
    let pidfd_flag = if with_pidfd { libc::CLONE_PIDFD } else { 0 };
    let args = CloneArgs {
        flags: (libc::CLONE_VFORK | pidfd_flag) as u64,
        // SAFETY: the job lives as long as the stack.
        pidfd: unsafe { &raw mut (*job).pidfd } as u64,
        ..CloneArgs::default()
    };
    // SAFETY: the kernel reads the arguments. Child and parent both continue here, each on its own copy of
    // this stack.
    let pid = unsafe {
        libc::syscall(libc::SYS_clone3, &raw const args, mem::size_of::<CloneArgs>() as c_long)
    };
    if pid == 0 {
        let status = child::<W>(job.cast());
        // SAFETY: this runs no atexit(3) handler.
        unsafe { libc::_exit(status) };
    }
    match Errno::result(pid) {
        // Linux before 5.3, a seccomp filter, or valgrind, which does not support CLONE_VFORK without
        // CLONE_VM.
        Err(Errno::ENOSYS | Errno::EPERM) => unsafe {
            clone_job(0, with_pidfd, stack).map(|pid| (pid, false))
        },
        pid => Ok((pid? as i32, true)),
    }
}

extern "C" fn child<W: FnOnce(bool, &mut Option<LeftOut>) -> Failure>(job: *mut c_void) -> c_int {
    let job = job.cast::<Job<W>>();
    // SAFETY: fork() passes a job of this type, and does not access it until this process has ended.
    unsafe {
        (*job).is_shared.write_volatile(true);
        if let Some(work) = (*job).work.take() {
            let failure = work((*job).pidfd >= 0, &mut (*job).left_out);
            (*job).failure.write(failure);
            (*job).has_failed.store(true, Ordering::Release);
        }
    }
    EXIT_STATUS
}

/// The pause between two checks.
const FIRST_NAP: Duration = Duration::from_micros(20);
const LONGEST_NAP: Duration = Duration::from_millis(1);

/// Waits until the child executes the program or has ended; in the latter case it is reaped. This is needed
/// if clone(2) has not waited: valgrind and other emulators replace vfork(2) with a fork.
fn has_ended_before_exec(pid: i32) -> bool {
    let mut nap = FIRST_NAP;
    loop {
        let look = WaitPidFlag::__WCLONE | WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG;
        match on_signal(|| waitid(Id::Pid(Pid::from_raw(pid)), look)) {
            Ok(WaitStatus::StillAlive) => {}
            result => return result != Err(Errno::ECHILD),
        }
        sleep(nap);
        nap = LONGEST_NAP.min(nap * 2);
    }
}

/// Waits for a child that has failed, so that it is no zombie.
fn reap(pid: i32) {
    let _ = wait(pid, WaitPidFlag::__WALL);
}

/// Returns whether the child has ended, or is about to, without executing the program; in that case it is
/// reaped. Only exec turns it into a child that a wait with __WCLONE does not find.
fn was_killed(pid: i32) -> bool {
    wait(pid, WaitPidFlag::__WCLONE) != Err(Errno::ECHILD)
}

fn wait(pid: i32, which: WaitPidFlag) -> nix::Result<WaitStatus> {
    on_signal(|| waitpid(Pid::from_raw(pid), Some(which)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::unistd::getpid;

    fn failed_at(item: usize) -> Failure {
        Err::<(), _>(Errno::EACCES).at_item(Step::Exec, item).unwrap_err()
    }

    fn failure_of(
        memory: Memory,
        work: impl FnOnce(bool, &mut Option<LeftOut>) -> Failure,
    ) -> Failure {
        // SAFETY: the work does not allocate, and the tests install no handlers.
        match unsafe { fork(true, memory, work) } {
            Ok(Outcome::Failed(failure)) => failure,
            _ => panic!("no failure"),
        }
    }

    #[test]
    fn child_shares_or_copies_memory_as_requested() {
        for (memory, is_shared) in [(Memory::Shared, true), (Memory::Copied, false)] {
            let parent = getpid();
            let mut seen = parent;
            assert_eq!(
                failure_of(memory, |has_pidfd, _| {
                    seen = getpid();
                    failed_at(has_pidfd as usize)
                }),
                failed_at(1)
            );
            assert_eq!(seen != parent, is_shared, "{memory:?}");
        }
    }

    #[test]
    fn fork_reaps_failed_child() {
        for memory in [Memory::Shared, Memory::Copied] {
            let failure = failure_of(memory, |_, _| failed_at(getpid().as_raw() as usize));
            let pid = Pid::from_raw(failure.item().unwrap() as i32);
            assert_eq!(waitpid(pid, Some(WaitPidFlag::__WALL)), Err(Errno::ECHILD));
        }
    }

    #[test]
    fn fork_reports_killed_child() {
        for memory in [Memory::Shared, Memory::Copied] {
            // SAFETY: see above.
            let outcome = unsafe {
                fork(false, memory, |_, _| {
                    libc::kill(libc::getpid(), libc::SIGKILL);
                    failed_at(70_000)
                })
            };
            assert!(matches!(outcome, Ok(Outcome::Killed)), "{memory:?}");
        }
    }
}
