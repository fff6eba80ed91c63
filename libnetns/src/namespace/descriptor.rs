//! The descriptor that a handle is.
//!
//! It is used by its number, which is what setns(2) and NETNSA_FD take, and its owner knows it from
//! netns_fd(). But it is not closed by its number alone: a thread with a descriptor table of its own
//! may have another file under it.

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
    /// `inode` is that of the namespace which `fd` is of.
    pub fn new(fd: OwnedFd, inode: u64) -> Descriptor {
        Descriptor { fd: ManuallyDrop::new(fd), inode }
    }

    /// A second one. EBADF: the calling thread has it no more.
    pub fn try_clone(&self) -> nix::Result<OwnedFd> {
        if self.inode_of_number()? != self.inode {
            return Err(Errno::EBADF);
        }
        fcntl_dupfd_cloexec(self, 0).map_err(errno)
    }

    pub fn into_fd(self) -> OwnedFd {
        let mut descriptor = ManuallyDrop::new(self);
        // SAFETY: what it is taken from is not used any more, nor dropped.
        unsafe { ManuallyDrop::take(&mut descriptor.fd) }
    }

    /// The inode of what the calling thread has under the number.
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
            // SAFETY: it is dropped here only, and not used any more.
            unsafe { ManuallyDrop::drop(&mut self.fd) };
        }
    }
}
