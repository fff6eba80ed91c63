//! The opaque types of netns.h.

use std::ffi::CString;

use libnetns::namespace::handle::Namespace;
use libnetns::namespace::holders::HolderList;
use libnetns::rtnl::address::list::Address;
use libnetns::rtnl::link::list::Link;
use libnetns::rtnl::nsid::NsidList;
use libnetns::rtnl::route::list::Route;
use libnetns::rundir::list::NameList;
use libnetns::rundir::monitor::Monitor;

/// A network namespace: an open descriptor, and the name and path that it was opened by. It is
/// immutable, may be used from any thread and from several at once, and keeps the network namespace
/// alive, whatever happens to its name. Release it with netns_close().
///
/// It holds one descriptor, netns_fd(). The first call that needs rtnetlink in the network
/// namespace (nsids, interfaces, addresses, routes) opens a second one, an rtnetlink socket; after
/// fork(2), a child opens a socket of its own. Both are close-on-exec. The program may close the
/// socket between two calls, as daemons do that close every descriptor they do not know: the
/// library uses or closes a descriptor as the socket only if its SO_COOKIE proves that it is.
/// netns_fd() must stay open, also in a thread that has a descriptor table of its own (unshare(2)
/// with CLONE_FILES) and uses the handle. netns_close() closes whichever of the two the calling
/// thread's table has, and no other file. Since 1.0.
pub struct Netns(pub(super) Namespace);

/// A snapshot of the names in a run directory, sorted bytewise. It does not change. Free it with
/// netns_list_free(). Since 1.0.
pub struct NetnsNameSnapshot(pub(super) NameList);

/// A snapshot of what keeps a network namespace alive. It does not change. Free it with
/// netns_holder_list_free(). Since 1.0.
pub struct NetnsHolderSnapshot(pub(super) HolderList);

/// A snapshot of the nsids that a network namespace has assigned to peer network namespaces, in
/// ascending order. It does not change. Free it with netns_nsid_list_free(). Since 1.0.
pub struct NetnsNsidSnapshot(pub(super) NsidList);

/// A snapshot of the interfaces of a network namespace, sorted by index. It does not change. Free
/// it with netns_link_list_free(). Since 1.0.
pub struct NetnsLinkSnapshot(pub(super) Vec<Link>);

/// A snapshot of the addresses of a network namespace's interfaces. It does not change. Free it
/// with netns_addr_list_free(). Since 1.0.
pub struct NetnsAddrSnapshot(pub(super) Vec<Address>);

/// A snapshot of the routes of a network namespace. It does not change. Free it with
/// netns_route_list_free(). Since 1.0.
pub struct NetnsRouteSnapshot(pub(super) Vec<Route>);

/// Watches a run directory for names added and removed. It holds an epoll(7), an inotify(7) and a
/// timerfd_create(2) descriptor, and two of /proc/PID/mountinfo while another program is creating a
/// name. Release it with netns_monitor_close(). Since 1.0.
pub struct NetnsMonitor {
    pub(super) monitor: Monitor,
    pub(super) rundir: CString,
}
