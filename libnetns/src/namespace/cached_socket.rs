//! The connection that a handle keeps, so that only its first request costs a switch.
//!
//! What is kept is the number of a descriptor, and a number proves nothing: a daemon closes what it
//! does not know and opens something else, and a thread may have a descriptor table of its own, in
//! which the number stands for another file. So the number is taken only where it stands for the very
//! socket that was kept (see [`Proof`]), before a request is made and before it is closed.
//!
//! Between the proof and the use there is no lock that a program would heed: one that closes the
//! descriptor in another thread during a call, or opens another file under its number, is not
//! protected from itself. It may do so between two calls.
//!
//! No lock here either: one that another thread holds during a fork would stay locked in the child. A
//! thread that finds the connection in use opens one for itself. A child has the same socket under the
//! same number, and two processes on one socket would get each other's replies; it finds the mark of
//! another process, and closes what it inherited.

use std::num::NonZeroU32;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};

use nix::unistd::gettid;
use rustix::net::sockopt::socket_cookie;

use crate::os::stat::fstat;
use crate::os::{forked, stat, syscalls};

/// What tells a socket from every other one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Proof {
    /// SO_COOKIE (Linux 4.12), which the kernel gives to no other socket until the next boot.
    cookie: u64,
    /// The number of the socket's inode, where the kernel counts cookies by namespace, as it does
    /// before Linux 5.3 (commit cd48bdda4fb8); else 0.
    inode: u64,
}

impl Proof {
    /// `is_new_kernel`: it is known to be one of those that count them for all.
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

/// What a handle remembers. Only the turn that has it reads or changes the record, the rest of it.
#[derive(Debug)]
pub struct CachedSocket {
    /// The mark of the process whose record it is, and whether somebody has his turn.
    state: AtomicU64,
    socket: AtomicI32,
    /// The thread that opened it.
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
    /// None: another thread has its turn, or this process cannot be told from its children.
    pub fn turn(&self) -> Option<Turn<'_>> {
        let own = free(forked::mark()?);
        let state = self.state.load(Ordering::Relaxed);
        if state == own | IN_USE {
            return None;
        }
        let taken = own | IN_USE;
        self.state.compare_exchange(state, taken, Ordering::Acquire, Ordering::Relaxed).ok()?;
        if state != own {
            // Whatever this process inherited, it is not its own.
            self.close();
        }
        Some(Turn { kept: self, free: own })
    }

    /// The socket, where the calling thread's descriptor table has it.
    fn find(&self) -> Option<BorrowedFd<'_>> {
        let number = self.socket.load(Ordering::Relaxed);
        if number == NONE {
            return None;
        }
        // SAFETY: it is only asked which socket it is; if it is not open, the kernel says EBADF.
        let fd = unsafe { BorrowedFd::borrow_raw(number) };
        let cookie = self.cookie.load(Ordering::Relaxed);
        let proof = Proof { cookie, inode: self.inode.load(Ordering::Relaxed) };
        proof.holds(fd).then_some(fd)
    }

    /// The inode of the one that is kept, where the calling thread's descriptor table has it.
    pub fn inode(&self) -> Option<u64> {
        self.find().and_then(inode)
    }

    fn close(&self) {
        if let Some(socket) = self.find() {
            // SAFETY: it is proved to be the socket that was given to `keep`, which is forgotten here.
            drop(unsafe { OwnedFd::from_raw_fd(socket.as_raw_fd()) });
        }
        self.forget();
    }

    fn forget(&self) {
        self.socket.store(NONE, Ordering::Relaxed);
    }

    /// Whether what the calling thread does not have, nobody has any more: it looks where the socket
    /// was opened. In another table it may be open still, and forgotten it would stay so.
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

/// The use of a handle's connection, which nobody else in the process has meanwhile. One that is
/// dropped half way through a reply closes it.
pub struct Turn<'a> {
    kept: &'a CachedSocket,
    /// What marks its end.
    free: u64,
}

impl Turn<'_> {
    /// The connection that was kept, if the calling thread has it.
    pub fn socket(&self) -> Option<BorrowedFd<'_>> {
        self.kept.find()
    }

    /// The connection that was kept is in order.
    pub fn end(self) {
        self.give_back();
    }

    /// Keeps a new one that is in order, or closes it where another thread may still have the old one.
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
