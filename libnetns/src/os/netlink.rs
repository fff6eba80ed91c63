//! Code that all netlink protocols share.

use rustix::net::SocketAddrAny;
use rustix::net::netlink::SocketAddrNetlink;

/// Returns whether the kernel sent a message. A process with CAP_NET_ADMIN over the socket's namespace can
/// send messages as well.
pub fn is_kernel(sender: Option<SocketAddrAny>) -> bool {
    sender
        .and_then(|sender| SocketAddrNetlink::try_from(sender).ok())
        .is_some_and(|sender| sender.pid() == 0)
}
