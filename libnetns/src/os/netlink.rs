//! What all protocols of netlink have in common.

use rustix::net::SocketAddrAny;
use rustix::net::netlink::SocketAddrNetlink;

/// Whether the kernel has sent a message. So may whoever has CAP_NET_ADMIN over the socket's namespace.
pub fn is_kernel(sender: Option<SocketAddrAny>) -> bool {
    sender
        .and_then(|sender| SocketAddrNetlink::try_from(sender).ok())
        .is_some_and(|sender| sender.pid() == 0)
}
