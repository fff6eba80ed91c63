//! The opaque types of the header.

use std::ffi::CString;

use libnetns::namespace::handle::Namespace;
use libnetns::namespace::holders::HolderList;
use libnetns::rtnl::address::list::Address;
use libnetns::rtnl::link::list::Link;
use libnetns::rtnl::nsid::NsidList;
use libnetns::rtnl::route::list::Route;
use libnetns::rundir::list::NameList;
use libnetns::rundir::monitor::Monitor;

/// A network namespace: an open descriptor, and the name and path it was opened by. It does not
/// change, may be used from any thread and from several at once, and keeps the namespace alive
/// whatever becomes of its name. Release it with netns_close().
///
/// It holds one descriptor, netns_fd(), and from the first call on that asks rtnetlink in it (ids,
/// interfaces, addresses, routes) a second one, an rtnetlink socket; after fork(2), a child opens a
/// socket of its own. Both are close-on-exec. The program may close the socket between two calls, as
/// daemons do that close all they do not know: a descriptor is used or closed as the socket only if
/// its SO_COOKIE proves that it is. netns_fd() has to stay open, also in a thread that has a
/// descriptor table of its own (unshare(2) with CLONE_FILES) and uses the handle. netns_close()
/// closes what the calling thread's table has of the two, and no other file. Since 1.0.
pub struct Netns(pub(super) Namespace);

/// The names in a run directory at one moment, sorted bytewise. It does not change. End it with
/// netns_list_free(). Since 1.0.
pub struct NetnsNameSnapshot(pub(super) NameList);

/// What keeps a namespace alive at one moment. It does not change. Free it with netns_holder_list_free().
/// Since 1.0.
pub struct NetnsHolderSnapshot(pub(super) HolderList);

/// The ids that a namespace has for others at one moment, ascending. It does not change. End it with
/// netns_nsid_list_free(). Since 1.0.
pub struct NetnsNsidSnapshot(pub(super) NsidList);

/// The interfaces of a namespace at one moment, by index. It does not change. End it with
/// netns_link_list_free(). Since 1.0.
pub struct NetnsLinkSnapshot(pub(super) Vec<Link>);

/// The addresses of a namespace's interfaces at one moment. It does not change. End it with
/// netns_addr_list_free(). Since 1.0.
pub struct NetnsAddrSnapshot(pub(super) Vec<Address>);

/// The routes of a namespace at one moment. It does not change. End it with netns_route_list_free().
/// Since 1.0.
pub struct NetnsRouteSnapshot(pub(super) Vec<Route>);

/// Watches a run directory for names that come and go. It holds an epoll(7), an inotify(7) and a
/// timerfd_create(2) descriptor, and two of /proc/PID/mountinfo while another program is making a
/// name. End it with netns_monitor_close(). Since 1.0.
pub struct NetnsMonitor {
    pub(super) monitor: Monitor,
    pub(super) rundir: CString,
}
