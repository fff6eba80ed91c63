//! The connection that a handle keeps, so that only its first request costs a switch.
//!
//! No lock: one that another thread holds during a fork would stay locked in the child. A thread that
//! finds the connection in use opens one for itself; a child finds another process's mark on it, and
//! closes what it inherited, because two processes on one socket would get each other's answers.

use std::os::fd::{AsFd, AsRawFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::net::{AddressFamily, sockopt};

use crate::sys;

/// 0: none. Else the process that opened it, its descriptor, and whether it is in use.
#[derive(Debug, Default)]
pub struct Kept(AtomicU64);

const NONE: u64 = 0;
const IN_USE: u64 = 1;

fn pack(socket: RawFd) -> u64 {
    u64::from(process::id()) << 32 | (socket as u64) << 1
}

fn is_ours(state: u64) -> bool {
    (state >> 32) as u32 == process::id()
}

/// The descriptor that a state stands for.
fn unpack(state: u64) -> Option<Socket> {
    if state == NONE {
        return None;
    }
    let fd = (state as u32 >> 1) as RawFd;
    // SAFETY: a state is unpacked only by who has just taken it out, so nobody else uses the
    // descriptor by it; and should it have been closed and opened anew as another file, it is not
    // closed (see Socket).
    Some(Socket(Some(unsafe { OwnedFd::from_raw_fd(fd) })))
}

/// A descriptor that was a netlink socket when it was kept. A program that closes every descriptor it
/// does not know, as daemons do, may have opened another file under its number since.
struct Socket(Option<OwnedFd>);

impl Socket {
    /// It, if it is still ours and not inherited.
    fn if_own(mut self) -> Option<OwnedFd> {
        if self.0.as_ref().is_some_and(|socket| sys::is_own(socket.as_fd())) {
            return self.0.take();
        }
        None
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let Some(socket) = self.0.take() else { return };
        if sockopt::socket_domain(&socket) != Ok(AddressFamily::NETLINK) {
            let _ = socket.into_raw_fd();
        }
    }
}

impl Kept {
    /// None: there is none, or it is in use.
    pub fn take(&self) -> Option<(Lease<'_>, OwnedFd)> {
        let state = self.0.load(Ordering::Acquire);
        if !is_ours(state) {
            drop(self.replace(state, NONE));
            return None;
        }
        if state & IN_USE != 0 {
            return None;
        }
        let socket = self.replace(state, state | IN_USE)?;
        let lease = Lease(self);
        Some((lease, socket.if_own()?))
    }

    /// Keeps a connection that is in order, or closes it if there is one already.
    pub fn keep(&self, socket: OwnedFd) {
        if sys::make_own(socket.as_fd()).is_err() {
            return;
        }
        let state = pack(socket.as_raw_fd());
        if self.0.compare_exchange(NONE, state, Ordering::Release, Ordering::Relaxed).is_ok() {
            let _ = socket.into_raw_fd();
        }
    }

    /// None: another thread was first.
    fn replace(&self, state: u64, new: u64) -> Option<Socket> {
        self.0.compare_exchange(state, new, Ordering::Acquire, Ordering::Relaxed).ok()?;
        unpack(state)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        drop(unpack(*self.0.get_mut()));
    }
}

/// The use of a kept connection. The mark stays while it is used, so that a child that is forked
/// meanwhile knows what to close.
pub struct Lease<'a>(&'a Kept);

impl Lease<'_> {
    /// Puts back the connection that came with the lease.
    pub fn end(self, socket: OwnedFd) {
        self.0.0.store(pack(socket.into_raw_fd()), Ordering::Release);
        std::mem::forget(self);
    }
}

impl Drop for Lease<'_> {
    /// The connection is not in order, and is closed by who has it.
    fn drop(&mut self) {
        self.0.0.store(NONE, Ordering::Release);
    }
}
