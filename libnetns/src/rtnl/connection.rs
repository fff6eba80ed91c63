//! The connection to a namespace: an rtnetlink socket that is opened in it for the first request of a handle
//! and that the handle caches.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;

use crate::error::Result;
use crate::namespace::handle::Namespace;
use crate::namespace::{Turn, visit};

use super::protocol::{RtnlSocket, be_strict, open_here, request_extended_acks};

/// Calls `talk` with a connection to `ns`, or to the calling thread's namespace. A request that the kernel
/// rejects leaves the connection in a consistent state; a connection in the middle of a reply is closed.
pub fn with<T>(
    ns: Option<&Namespace>,
    talk: impl FnOnce(&mut RtnlSocket) -> Result<T>,
) -> Result<T> {
    let Some(ns) = ns else {
        return talk(&mut RtnlSocket::new(open_here()?.as_fd()));
    };
    let turn = ns.cached_socket().turn();
    if let Some(socket) = turn.as_ref().and_then(Turn::socket) {
        let (result, in_order) = on_kept(socket, talk);
        if let (true, Some(turn)) = (in_order, turn) {
            turn.end();
        }
        return result;
    }
    let socket = open_in(ns)?;
    let (result, in_order) = on_kept(socket.as_fd(), talk);
    if let (true, Some(turn)) = (in_order, turn) {
        turn.keep(socket, ns.has_known_cookie());
    }
    result
}

/// The same on a connection that is, or may be, cached. Also returns whether its state is consistent.
fn on_kept<T>(
    socket: BorrowedFd,
    talk: impl FnOnce(&mut RtnlSocket) -> Result<T>,
) -> (Result<T>, bool) {
    let mut rtnl = RtnlSocket::new_strict(socket);
    let result = talk(&mut rtnl);
    (result, rtnl.in_order)
}

/// Opens a connection to be cached.
pub(super) fn open_in(ns: &Namespace) -> Result<OwnedFd> {
    let socket =
        match visit::socket(ns.proved(), libc::AF_NETLINK, libc::SOCK_RAW, libc::NETLINK_ROUTE) {
            // Without CAP_SYS_ADMIN, the thread's own namespace can still be queried.
            Err(failure) if failure.errno == Errno::EPERM && ns.is_current() == Ok(true) => {
                open_here()
            }
            socket => socket.inspect(|socket| request_extended_acks(socket.as_fd())),
        }?;
    be_strict(socket.as_fd());
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn with_caches_socket_unless_out_of_order() {
        let Some(_) = testing::world() else { return };
        let ns = testing::anonymous();
        let number = |rtnl: &mut RtnlSocket| Ok(std::os::fd::AsRawFd::as_raw_fd(&rtnl.socket));
        let first = with(Some(&ns), number).unwrap();
        assert_eq!(with(Some(&ns), number), Ok(first));
        // While it is in use, a nested call opens another one.
        let (outer, inner) =
            with(Some(&ns), |rtnl| Ok((number(rtnl)?, with(Some(&ns), number)?))).unwrap();
        assert_eq!(outer, first);
        assert_ne!(inner, first);
        assert_eq!(with(Some(&ns), number), Ok(first));
        with(Some(&ns), |rtnl| {
            rtnl.in_order = false;
            Ok(())
        })
        .unwrap();
        let is_kept = || ns.cached_socket().turn().is_some_and(|turn| turn.socket().is_some());
        assert!(!is_kept());
        with(Some(&ns), number).unwrap();
        assert!(is_kept());
    }
}
