//! open(2), and the flags that the library uses.

use std::ffi::CStr;
use std::os::fd::{BorrowedFd, OwnedFd};

use nix::fcntl::OFlag;
use nix::sys::stat::Mode;

use super::retry::on_signal;

pub const READ: OFlag = OFlag::O_RDONLY.union(OFlag::O_CLOEXEC);

pub const DIRECTORY: OFlag = READ.union(OFlag::O_DIRECTORY);

/// For a look at what a path leads to, without opening that.
pub const LOOK: OFlag = OFlag::O_PATH.union(OFlag::O_CLOEXEC);

/// The same, if it is a directory.
pub const LOOK_AT_DIRECTORY: OFlag = LOOK.union(OFlag::O_DIRECTORY);

/// The same; a symlink is not followed.
pub const LOOK_AT_ITSELF: OFlag = LOOK.union(OFlag::O_NOFOLLOW);

/// For what may be another file by now: a fifo put in its place does not block, a terminal does not
/// become the process's own.
pub const READ_UNTRUSTED: OFlag = READ.union(OFlag::O_NONBLOCK).union(OFlag::O_NOCTTY);

/// open(2) of a file that exists. A signal may come first where a server has to be asked for it.
pub fn open(path: &CStr, flags: OFlag) -> nix::Result<OwnedFd> {
    on_signal(|| nix::fcntl::open(path, flags, Mode::empty()))
}

/// The same, in a directory.
pub fn openat(dir: BorrowedFd, path: &CStr, flags: OFlag) -> nix::Result<OwnedFd> {
    on_signal(|| nix::fcntl::openat(dir, path, flags, Mode::empty()))
}
