//! System calls that are made again where a signal came first, so that no function of the library fails
//! with EINTR.

use std::ffi::CStr;
use std::os::fd::{BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::Mode;

/// Until no signal comes first.
pub fn on_signal<T>(mut call: impl FnMut() -> nix::Result<T>) -> nix::Result<T> {
    loop {
        match call() {
            Err(Errno::EINTR) => {}
            result => return result,
        }
    }
}

/// open(2) of a file that exists. A signal may come first where a server has to be asked for it.
pub fn open(path: &CStr, flags: OFlag) -> nix::Result<OwnedFd> {
    on_signal(|| nix::fcntl::open(path, flags, Mode::empty()))
}

/// The same, in a directory.
pub fn openat(dir: BorrowedFd, path: &CStr, flags: OFlag) -> nix::Result<OwnedFd> {
    on_signal(|| nix::fcntl::openat(dir, path, flags, Mode::empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_only_delays() {
        let mut left = 100;
        let result = on_signal(|| {
            left -= 1;
            if left > 0 { Err(Errno::EINTR) } else { Err(Errno::EIO) }
        });
        assert_eq!((result, left), (Err::<(), _>(Errno::EIO), 0));
    }
}
