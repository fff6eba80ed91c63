//! The descriptor of a handle.
//!
//! It is used by its number, which setns(2) and NETNSA_FD take and which netns_fd() returns to its owner. It
//! is not closed by its number alone: in a thread with its own descriptor table, the number may refer to
//! another file.

use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use rustix::io::fcntl_dupfd_cloexec;

use crate::error::{At, Step, errno};
use crate::os::retry::when_short;
use crate::os::stat;
use crate::os::stat::fstat;

#[derive(Debug)]
pub struct Descriptor {
    fd: ManuallyDrop<OwnedFd>,
    inode: u64,
}

impl Descriptor {
    /// `inode` must be that of the namespace that `fd` refers to.
    pub fn new(fd: OwnedFd, inode: u64) -> Descriptor {
        Descriptor { fd: ManuallyDrop::new(fd), inode }
    }

    /// Duplicates the descriptor. EBADF means that the calling thread no longer has it.
    pub fn try_clone(&self) -> nix::Result<OwnedFd> {
        if self.inode_of_number()? != self.inode {
            return Err(Errno::EBADF);
        }
        fcntl_dupfd_cloexec(self, 0).map_err(errno)
    }

    pub fn into_fd(self) -> OwnedFd {
        let mut descriptor = ManuallyDrop::new(self);
        // SAFETY: the value that it is taken from is neither used nor dropped afterwards.
        unsafe { ManuallyDrop::take(&mut descriptor.fd) }
    }

    /// Returns the inode of the file that has this number in the calling thread.
    fn inode_of_number(&self) -> nix::Result<u64> {
        fstat(self.as_fd()).map(|file| stat::inode(&file))
    }
}

impl AsFd for Descriptor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        let inode = when_short(|| self.inode_of_number().at(Step::Prove));
        if inode == Ok(self.inode) {
            // SAFETY: it is dropped only here, and not used afterwards.
            unsafe { ManuallyDrop::drop(&mut self.fd) };
        }
    }
}
