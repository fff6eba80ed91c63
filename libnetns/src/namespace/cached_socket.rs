//! The rtnetlink connection that a handle caches, so that only its first request requires switching
//! namespaces.
//!
//! The cache contains the number of a descriptor, which proves nothing by itself: a daemon may close
//! descriptors that it does not know and open other files, and a thread may have its own descriptor table, in
//! which the number refers to another file. The number is therefore verified to refer to the cached socket
//! (see [`Proof`]) before each request and before it is closed.
//!
//! Between the verification and the use there is no lock that a program would observe. A program that closes
//! the descriptor in another thread during a call, or opens another file with its number, is not protected
//! from itself. It may do so between two calls.
//!
//! This module takes no lock either: a lock that another thread holds during a fork would stay locked in the
//! child. A thread that finds the connection in use opens its own. A child has the same socket with the same
//! number, and two processes that share a socket would receive each other's replies; the child finds the mark
//! of another process and closes the inherited socket.

use std::num::NonZeroU32;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};

use nix::unistd::gettid;
use rustix::net::sockopt::socket_cookie;

use crate::os::stat::fstat;
use crate::os::{forked, stat, syscalls};

/// Identifies a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Proof {
    /// SO_COOKIE (Linux 4.12), which the kernel does not reuse for another socket until the next boot.
    cookie: u64,
    /// The socket's inode number if the kernel counts cookies per namespace, as it does before Linux 5.3
    /// (commit cd48bdda4fb8); otherwise 0.
    inode: u64,
}

impl Proof {
    /// `is_new_kernel` is true if the kernel is known to count cookies globally.
    fn of(socket: BorrowedFd, is_new_kernel: bool) -> Option<Proof> {
        let cookie = socket_cookie(socket).ok()?;
        // Namespaces have cookies from Linux 5.14 on.
        let is_enough = is_new_kernel || syscalls::socket_cookie(socket).is_ok();
        let inode = if is_enough { 0 } else { inode(socket)? };
        Some(Proof { cookie, inode })
    }

    fn holds(self, fd: BorrowedFd) -> bool {
        socket_cookie(fd) == Ok(self.cookie) && (self.inode == 0 || inode(fd) == Some(self.inode))
    }
}

fn inode(fd: BorrowedFd) -> Option<u64> {
    fstat(fd).ok().map(|file| stat::inode(&file))
}

/// The cached state of a handle. Only the current [`Turn`] may access the fields other than `state`.
#[derive(Debug)]
pub struct CachedSocket {
    /// The mark of the process that owns this state, and whether it is in use.
    state: AtomicU64,
    socket: AtomicI32,
    /// The thread that opened the socket.
    opener: AtomicI32,
    cookie: AtomicU64,
    inode: AtomicU64,
}

const IN_USE: u64 = 1;
const NONE: RawFd = -1;

fn free(mark: NonZeroU32) -> u64 {
    u64::from(mark.get()) << 1
}

impl Default for CachedSocket {
    fn default() -> CachedSocket {
        CachedSocket {
            state: AtomicU64::new(0),
            socket: AtomicI32::new(NONE),
            opener: AtomicI32::new(0),
            cookie: AtomicU64::new(0),
            inode: AtomicU64::new(0),
        }
    }
}

impl CachedSocket {
    /// Returns `None` if another thread is using the connection, or if this process cannot be distinguished
    /// from its children.
    pub fn turn(&self) -> Option<Turn<'_>> {
        let own = free(forked::mark()?);
        let state = self.state.load(Ordering::Relaxed);
        if state == own | IN_USE {
            return None;
        }
        let taken = own | IN_USE;
        self.state.compare_exchange(state, taken, Ordering::Acquire, Ordering::Relaxed).ok()?;
        if state != own {
            // This process inherited the socket, which belongs to its parent.
            self.close();
        }
        Some(Turn { kept: self, free: own })
    }

    /// Returns the socket if it is in the calling thread's descriptor table.
    fn find(&self) -> Option<BorrowedFd<'_>> {
        let number = self.socket.load(Ordering::Relaxed);
        if number == NONE {
            return None;
        }
        // SAFETY: the descriptor is only used to identify the socket; if it is not open, the kernel returns
        // EBADF.
        let fd = unsafe { BorrowedFd::borrow_raw(number) };
        let cookie = self.cookie.load(Ordering::Relaxed);
        let proof = Proof { cookie, inode: self.inode.load(Ordering::Relaxed) };
        proof.holds(fd).then_some(fd)
    }

    /// Returns the inode of the cached socket if it is in the calling thread's descriptor table.
    pub fn inode(&self) -> Option<u64> {
        self.find().and_then(inode)
    }

    fn close(&self) {
        if let Some(socket) = self.find() {
            // SAFETY: it is verified to be the socket that was passed to `keep`, which is forgotten here.
            drop(unsafe { OwnedFd::from_raw_fd(socket.as_raw_fd()) });
        }
        self.forget();
    }

    fn forget(&self) {
        self.socket.store(NONE, Ordering::Relaxed);
    }

    /// Returns whether a socket that is not in the calling thread's table is certainly closed, which is true
    /// if the calling thread shares the table in which it was opened. In another table it may still be open,
    /// and would stay open if it were forgotten.
    fn is_closed_for_certain(&self) -> bool {
        let (opener, own) = (self.opener.load(Ordering::Relaxed), gettid().as_raw());
        opener == own || syscalls::have_one_descriptor_table(opener, own)
    }
}

impl Drop for CachedSocket {
    fn drop(&mut self) {
        self.close();
    }
}

/// Exclusive use of a handle's connection within the process. If it is dropped in the middle of a reply, the
/// connection is closed.
pub struct Turn<'a> {
    kept: &'a CachedSocket,
    /// The value of `state` that ends it.
    free: u64,
}

impl Turn<'_> {
    /// Returns the cached connection if the calling thread has it.
    pub fn socket(&self) -> Option<BorrowedFd<'_>> {
        self.kept.find()
    }

    /// Keeps the cached connection, which is in a consistent state.
    pub fn end(self) {
        self.give_back();
    }

    /// Caches a new connection that is in a consistent state, or closes it if another thread may still have
    /// the old one.
    pub fn keep(self, socket: OwnedFd, is_new_kernel: bool) {
        let kept = self.kept;
        let is_known = kept.socket.load(Ordering::Relaxed) != NONE;
        if !is_known || kept.is_closed_for_certain() {
            if let Some(Proof { cookie, inode }) = Proof::of(socket.as_fd(), is_new_kernel) {
                kept.cookie.store(cookie, Ordering::Relaxed);
                kept.inode.store(inode, Ordering::Relaxed);
                kept.opener.store(gettid().as_raw(), Ordering::Relaxed);
                kept.socket.store(socket.into_raw_fd(), Ordering::Relaxed);
            }
        }
        self.give_back();
    }

    fn give_back(self) {
        self.kept.state.store(self.free, Ordering::Release);
        std::mem::forget(self);
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if self.socket().is_some() {
            self.kept.close();
        }
        self.kept.state.store(self.free, Ordering::Release);
    }
}
