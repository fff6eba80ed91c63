//! open(2), and the flags that the library uses.

use std::ffi::CStr;
use std::os::fd::{BorrowedFd, OwnedFd};

use nix::fcntl::OFlag;
use nix::sys::stat::Mode;

use super::retry::on_signal;

pub const READ: OFlag = OFlag::O_RDONLY.union(OFlag::O_CLOEXEC);

pub const DIRECTORY: OFlag = READ.union(OFlag::O_DIRECTORY);

/// Opens a file only as a reference to it (O_PATH).
pub const LOOK: OFlag = OFlag::O_PATH.union(OFlag::O_CLOEXEC);

/// The same for a directory.
pub const LOOK_AT_DIRECTORY: OFlag = LOOK.union(OFlag::O_DIRECTORY);

/// The same, without following a symlink.
pub const LOOK_AT_ITSELF: OFlag = LOOK.union(OFlag::O_NOFOLLOW);

/// Opens a file that may have been replaced meanwhile: a fifo does not block, and a terminal does not become
/// the controlling terminal.
pub const READ_UNTRUSTED: OFlag = READ.union(OFlag::O_NONBLOCK).union(OFlag::O_NOCTTY);

/// open(2) of an existing file. It may be interrupted by a signal while it waits for a file server.
pub fn open(path: &CStr, flags: OFlag) -> nix::Result<OwnedFd> {
    on_signal(|| nix::fcntl::open(path, flags, Mode::empty()))
}

/// The same, relative to a directory.
pub fn openat(dir: BorrowedFd, path: &CStr, flags: OFlag) -> nix::Result<OwnedFd> {
    on_signal(|| nix::fcntl::openat(dir, path, flags, Mode::empty()))
}
