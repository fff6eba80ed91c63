//! Pidfds.

use std::ffi::{c_int, c_void};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::error::{At, Failure, Result, Step};

use super::procfs;
use super::retry::on_signal;
use super::syscalls::owned;

/// A pidfd for a process or, from Linux 6.9 on, a thread.
pub fn open(pid: libc::pid_t) -> nix::Result<OwnedFd> {
    // SAFETY: two integers go in, a new descriptor comes out, close-on-exec.
    let open_with = |flags: libc::c_uint| {
        owned(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, flags) } as c_int)
    };
    match open_with(libc::PIDFD_THREAD) {
        Err(Errno::EINVAL) => open_with(0),
        result => result,
    }
}

/// SIGKILL for the process that a pidfd refers to, and for no other that has its number by now (Linux 5.1).
pub fn kill(pidfd: BorrowedFd) -> nix::Result<()> {
    send_signal(pidfd, libc::SIGKILL)
}

fn send_signal(pidfd: BorrowedFd, signal: c_int) -> nix::Result<()> {
    let nothing: *const c_void = std::ptr::null();
    // SAFETY: without siginfo nothing is read.
    let status = unsafe {
        libc::syscall(libc::SYS_pidfd_send_signal, pidfd.as_raw_fd(), signal, nothing, 0)
    };
    Errno::result(status).map(drop)
}

/// Whether the process that a pidfd refers to is still there, and its number nobody else's.
pub fn is_alive(pidfd: BorrowedFd) -> bool {
    // Signal 0 is not sent. EPERM is the kernel's word that it is not ours to signal, or like ENOSYS a
    // seccomp filter's of nothing. poll(2) is never refused, but finds no living process before Linux 5.3.
    send_signal(pidfd, 0).is_ok() || !is_readable(pidfd)
}

fn is_readable(fd: BorrowedFd) -> bool {
    let mut polled = [PollFd::new(fd, PollFlags::POLLIN)];
    on_signal(|| poll(&mut polled, PollTimeout::ZERO)) != Ok(0)
}

/// The network namespace of the process that a pidfd refers to (Linux 6.11).
///
/// # Safety
///
/// `pidfd` is one: a device may give any number for an answer, which is taken for a new descriptor.
pub unsafe fn network_namespace(pidfd: BorrowedFd) -> nix::Result<OwnedFd> {
    // SAFETY: this ioctl's argument has to be 0; it returns a new descriptor, close-on-exec.
    owned(unsafe { libc::ioctl(pidfd.as_raw_fd(), libc::PIDFD_GET_NET_NAMESPACE, 0) })
}

/// A second descriptor, close-on-exec, of what a process has open under a number (Linux 5.6). Until it is closed,
/// the process's own close(2) is not the last one.
pub fn duplicate_from(pidfd: BorrowedFd, number: c_int) -> nix::Result<OwnedFd> {
    // SAFETY: integers go in, a new descriptor comes out.
    owned(unsafe { libc::syscall(libc::SYS_pidfd_getfd, pidfd.as_raw_fd(), number, 0) } as c_int)
}

/// The number of a pidfd's process in the caller's pid namespace, as its fdinfo tells it. ENOTTY: it
/// is another kind of descriptor.
pub fn pid_of(pidfd: BorrowedFd) -> Result<i32> {
    match procfs::fdinfo_number::<i32>(pidfd, "Pid:").at(Step::FindNamespace)? {
        None => {
            Err(Failure::not_a_namespace("neither a namespace file, nor a socket, nor a pidfd"))
        }
        // 0: in another pid namespace; -1: ended and waited for.
        Some(pid) if pid <= 0 => Err(Failure::new(Step::FindNamespace, Errno::ESRCH)),
        Some(pid) => Ok(pid),
    }
}
