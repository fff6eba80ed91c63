//! Pidfds.

use std::ffi::{c_int, c_void};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::error::{At, Failure, Result, Step};

use super::procfs;
use super::retry::on_signal;
use super::syscalls::owned;

/// Opens a pidfd of a process or, from Linux 6.9 on, of a thread.
pub fn open(pid: libc::pid_t) -> nix::Result<OwnedFd> {
    // SAFETY: the call takes two integers and returns a new close-on-exec descriptor.
    let open_with = |flags: libc::c_uint| {
        owned(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, flags) } as c_int)
    };
    match open_with(libc::PIDFD_THREAD) {
        Err(Errno::EINVAL) => open_with(0),
        result => result,
    }
}

/// Sends SIGKILL to the process that a pidfd refers to, never to another process that has reused its id
/// (Linux 5.1).
pub fn kill(pidfd: BorrowedFd) -> nix::Result<()> {
    send_signal(pidfd, libc::SIGKILL)
}

fn send_signal(pidfd: BorrowedFd, signal: c_int) -> nix::Result<()> {
    let nothing: *const c_void = std::ptr::null();
    // SAFETY: without siginfo the kernel reads no memory.
    let status = unsafe {
        libc::syscall(libc::SYS_pidfd_send_signal, pidfd.as_raw_fd(), signal, nothing, 0)
    };
    Errno::result(status).map(drop)
}

/// Returns whether the process that a pidfd refers to still exists, so that its id cannot have been reused.
pub fn is_alive(pidfd: BorrowedFd) -> bool {
    // Signal 0 is not sent. EPERM means that the caller may not signal the process, or, like ENOSYS, comes
    // from a seccomp filter and means nothing. poll(2) is always permitted, but does not report a living
    // process before Linux 5.3.
    send_signal(pidfd, 0).is_ok() || !is_readable(pidfd)
}

fn is_readable(fd: BorrowedFd) -> bool {
    let mut polled = [PollFd::new(fd, PollFlags::POLLIN)];
    on_signal(|| poll(&mut polled, PollTimeout::ZERO)) != Ok(0)
}

/// Opens the network namespace of the process that a pidfd refers to (Linux 6.11).
///
/// # Safety
///
/// `pidfd` must be a pidfd: a device may return any number, which would be taken for a new descriptor.
pub unsafe fn network_namespace(pidfd: BorrowedFd) -> nix::Result<OwnedFd> {
    // SAFETY: the argument of this ioctl must be 0; it returns a new close-on-exec descriptor.
    owned(unsafe { libc::ioctl(pidfd.as_raw_fd(), libc::PIDFD_GET_NET_NAMESPACE, 0) })
}

/// Returns a close-on-exec duplicate of a process's descriptor (Linux 5.6). Until it is closed, the process's
/// own close(2) does not release the file.
pub fn duplicate_from(pidfd: BorrowedFd, number: c_int) -> nix::Result<OwnedFd> {
    // SAFETY: the call takes integers and returns a new descriptor.
    owned(unsafe { libc::syscall(libc::SYS_pidfd_getfd, pidfd.as_raw_fd(), number, 0) } as c_int)
}

/// Returns the id of a pidfd's process in the caller's PID namespace, from its fdinfo. ENOTTY means that it
/// is another kind of descriptor.
pub fn pid_of(pidfd: BorrowedFd) -> Result<i32> {
    match procfs::fdinfo_number::<i32>(pidfd, "Pid:").at(Step::FindNamespace)? {
        None => Err(Failure::not_a_namespace("not a namespace file, socket or pidfd")),
        // 0: it is in another PID namespace; -1: it has ended and has been waited for.
        Some(pid) if pid <= 0 => Err(Failure::new(Step::FindNamespace, Errno::ESRCH)),
        Some(pid) => Ok(pid),
    }
}
