//! Routes: adding, deleting and listing them.

use std::ffi::{CStr, c_char, c_int};
use std::mem::MaybeUninit;
use std::ptr;

use libnetns::error::Result;
use libnetns::explain::{Object, Subject};
use libnetns::rtnl::ip;
use libnetns::rtnl::route::list::{self, RouteListFlags};
use libnetns::rtnl::route::{self, RouteSpec};

use crate::boundary;
use crate::convert::{self, Slot, text};
use crate::types::{Netns, NetnsRouteSnapshot};

/// For netns_route_list(): list the routes of all tables, not only those of the main table.
pub const NETNS_ROUTE_LIST_ALL_TABLES: u32 = 1;

const _: () = assert!(NETNS_ROUTE_LIST_ALL_TABLES == RouteListFlags::ALL_TABLES.bits());

/// Adds a route to the main table.
///
/// ns      the network namespace to act in; NULL means the calling thread's.
/// dst     the destination: a network ("192.0.2.0/24"), a host ("192.0.2.1", "2001:db8::1") or
///         "default", which is IPv6 if via is, and IPv4 otherwise.
/// via     the gateway's address; NULL: the destination is on the interface's own link. An IPv4
///         route may have an IPv6 gateway since Linux 5.2; older kernels add it without the gateway
///         and report success.
/// ifname  the interface's name; NULL: the interface through which the gateway is reached. Either
///         via or ifname is required.
///
/// Capabilities: CAP_NET_ADMIN in the user namespace that owns the network namespace. Opening the
/// handle's rtnetlink socket in a network namespace that the calling thread is not in also requires
/// CAP_SYS_ADMIN (see netns_link_add()).
///
/// Returns 0, or
///   -EINVAL     dst is NULL; via and ifname are both NULL; dst or via is not an address; ifname is
///               an invalid name; dst has bits beyond its prefix length; or via cannot be the
///               gateway of such a route, as "0.0.0.0" and "::" never can
///   -ENAMETOOLONG  ifname is longer than 15 bytes
///   -ENODEV     ns has no interface of that name, or its MTU is too small: below 68, or for IPv6
///               below 1280
///   -EEXIST     there is a route to dst already
///   -EACCES     IPv6 is disabled on the interface
///   -ENETUNREACH  the gateway cannot be reached directly: the interface needs an address in the
///               gateway's network, and has to be up
///   -EHOSTUNREACH  the same for an IPv6 gateway
///   -ENETDOWN   the interface is down
///   -EOPNOTSUPP, -EAFNOSUPPORT  the kernel does not support IPv6
///   -EPERM      a capability is missing (see Capabilities)
///   -EMFILE, -ENFILE, -ENOMEM, -ENOBUFS  out of file descriptors or memory
///   -EBADMSG, -EMSGSIZE, -ETIMEDOUT  malformed, oversized or missing netlink reply
///   -EAGAIN     cannot start a helper thread (see netns_create())
///   -ENOTRECOVERABLE  cannot switch the calling thread back: it is left in ns
///
/// Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_route_add(
    ns: Option<&Netns>,
    dst: *const c_char,
    via: *const c_char,
    ifname: *const c_char,
) -> c_int {
    // SAFETY: the caller passes NULL or strings.
    let (dst, via, ifname) = unsafe { (text(dst), text(via), text(ifname)) };
    boundary::call(about("add route", ns, dst, via, ifname), || {
        route::add(convert::namespace(ns), arguments(dst, via, ifname)?)
    })
}

/// Deletes a route from the main table: the first one that matches the arguments, whichever program
/// added it.
///
/// ns, dst, via, ifname  as for netns_route_add().
///
/// Capabilities: CAP_NET_ADMIN in the user namespace that owns the network namespace. Opening the
/// handle's rtnetlink socket in a network namespace that the calling thread is not in also requires
/// CAP_SYS_ADMIN (see netns_link_add()).
///
/// Returns 0, or
///   -EINVAL     as for netns_route_add()
///   -ENAMETOOLONG  ifname is longer than 15 bytes
///   -ENODEV     ns has no interface of that name
///   -ESRCH      no route matches
///   -EOPNOTSUPP the kernel does not support IPv6
///   -EPERM      a capability is missing (see Capabilities)
///   -EMFILE, -ENFILE, -ENOMEM, -ENOBUFS  out of file descriptors or memory
///   -EBADMSG, -EMSGSIZE, -ETIMEDOUT  malformed, oversized or missing netlink reply
///   -EAGAIN     cannot start a helper thread (see netns_create())
///   -ENOTRECOVERABLE  cannot switch the calling thread back: it is left in ns
///
/// Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_route_del(
    ns: Option<&Netns>,
    dst: *const c_char,
    via: *const c_char,
    ifname: *const c_char,
) -> c_int {
    // SAFETY: the caller passes NULL or strings.
    let (dst, via, ifname) = unsafe { (text(dst), text(via), text(ifname)) };
    boundary::call(about("delete route", ns, dst, via, ifname), || {
        route::delete(convert::namespace(ns), arguments(dst, via, ifname)?)
    })
}

fn about<'a>(
    verb: &'static str,
    ns: Option<&'a Netns>,
    dst: Option<&'a CStr>,
    via: Option<&'a CStr>,
    ifname: Option<&'a CStr>,
) -> Subject<'a> {
    let of = [("via", via), ("on", ifname)];
    convert::about(verb, Object::Setting { what: dst, of, ns: convert::shown(ns) })
}

fn arguments<'a>(
    dst: Option<&CStr>,
    via: Option<&CStr>,
    ifname: Option<&'a CStr>,
) -> Result<RouteSpec<'a>> {
    let interface = ifname.map(|name| convert::link_name(Some(name))).transpose()?;
    let via = via.map(ip::parse).transpose()?;
    RouteSpec::new(convert::required(dst, "no destination given")?, via, interface)
}

/// Lists the routes of a network namespace: IPv4 before IPv6, in the kernel's order. A multipath
/// route has an entry for each nexthop. The list is consistent: if routes change while the kernel
/// reports them, the library asks again; but if an IPv6 route is deleted meanwhile, Linux may skip
/// another one without reporting it.
///
/// ns     the network namespace to act in; NULL means the calling thread's.
/// flags  0 for the main table, or NETNS_ROUTE_LIST_ALL_TABLES.
/// out    receives the list; free it with netns_route_list_free().
///
/// Capabilities: none to list the calling thread's network namespace. Opening the handle's
/// rtnetlink socket in another one requires CAP_SYS_ADMIN, in the user namespace that owns it and
/// in the caller's own (see netns_link_add()).
///
/// Returns 0, or
///   -EINVAL     a flag is unknown, or out is NULL
///   -EPERM      a capability is missing (see Capabilities)
///   -EAGAIN     the routes change faster than the kernel can list them; or cannot start a helper
///               thread (see netns_create())
///   -EMFILE, -ENFILE, -ENOMEM, -ENOBUFS  out of file descriptors or memory
///   -EBADMSG, -EMSGSIZE, -ETIMEDOUT  malformed, oversized or missing netlink reply
///   -ENOTRECOVERABLE  cannot switch the calling thread back: it is left in ns
/// On failure *out is not changed.
///
/// Since 1.0.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn netns_route_list(
    ns: Option<&Netns>,
    flags: u32,
    out: Option<&mut MaybeUninit<*mut NetnsRouteSnapshot>>,
) -> c_int {
    boundary::call(convert::about_namespace("list the routes in", ns), || {
        let flags = convert::flags(flags)?;
        let out = convert::out(out)?;
        let slot = Slot::new()?;
        out.write(slot.give(NetnsRouteSnapshot(list::list(convert::namespace(ns), flags)?)));
        Ok(())
    })
}

/// Returns the number of routes in a list; 0 if list is NULL. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_route_list_len(list: Option<&NetnsRouteSnapshot>) -> usize {
    boundary::plain(0, || list.map_or(0, |list| list.0.len()))
}

/// Returns the i-th route's destination, such as "192.0.2.0/24" or "default"; NULL if i is out of
/// range. Like all strings of a list, it is valid until netns_route_list_free(). Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_route_list_dst(
    list: Option<&NetnsRouteSnapshot>,
    i: usize,
) -> *const c_char {
    boundary::plain(ptr::null(), || {
        convert::pointer(entry(list, i).and_then(|entry| entry.destination.non_empty()))
    })
}

/// Returns the i-th route's family, AF_INET or AF_INET6; 0 if i is out of range. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_route_list_family(
    list: Option<&NetnsRouteSnapshot>,
    i: usize,
) -> c_int {
    boundary::plain(0, || entry(list, i).map_or(0, |entry| entry.family.into()))
}

/// Returns the address of the i-th route's gateway; NULL if there is none, or if i is out of range.
/// Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_route_list_via(
    list: Option<&NetnsRouteSnapshot>,
    i: usize,
) -> *const c_char {
    boundary::plain(ptr::null(), || {
        convert::pointer(entry(list, i).and_then(|entry| entry.gateway.non_empty()))
    })
}

/// Returns the index of the i-th route's interface; 0 if there is none, or if i is out of range.
/// Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_route_list_index(
    list: Option<&NetnsRouteSnapshot>,
    i: usize,
) -> u32 {
    boundary::plain(0, || entry(list, i).map_or(0, |entry| entry.index))
}

/// Returns the name of the i-th route's interface; NULL if there is none, if it was deleted while
/// the list was made, or if i is out of range. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_route_list_ifname(
    list: Option<&NetnsRouteSnapshot>,
    i: usize,
) -> *const c_char {
    boundary::plain(ptr::null(), || {
        convert::pointer(entry(list, i).and_then(|entry| entry.interface.non_empty()))
    })
}

/// Returns the i-th route's metric; of several routes to one destination, the lowest metric wins. 0
/// if i is out of range. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_route_list_metric(
    list: Option<&NetnsRouteSnapshot>,
    i: usize,
) -> u32 {
    boundary::plain(0, || entry(list, i).map_or(0, |entry| entry.metric))
}

/// Returns the i-th route's table: RT_TABLE_MAIN (254), RT_TABLE_LOCAL (255) ... of
/// <linux/rtnetlink.h>; 0 if i is out of range. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_route_list_table(
    list: Option<&NetnsRouteSnapshot>,
    i: usize,
) -> u32 {
    boundary::plain(0, || entry(list, i).map_or(0, |entry| entry.table))
}

/// Returns the i-th route's origin: RTPROT_KERNEL (2), RTPROT_BOOT (3) ... of <linux/rtnetlink.h>;
/// 0 if i is out of range. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_route_list_protocol(
    list: Option<&NetnsRouteSnapshot>,
    i: usize,
) -> u32 {
    boundary::plain(0, || entry(list, i).map_or(0, |entry| entry.protocol.into()))
}

/// Returns the scope of the i-th route's destination: RT_SCOPE_UNIVERSE (0), RT_SCOPE_LINK ... of
/// <linux/rtnetlink.h>; 0 if i is out of range. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_route_list_scope(
    list: Option<&NetnsRouteSnapshot>,
    i: usize,
) -> u32 {
    boundary::plain(0, || entry(list, i).map_or(0, |entry| entry.scope.into()))
}

/// Returns the i-th route's type: RTN_UNICAST (1), RTN_BLACKHOLE ... of <linux/rtnetlink.h>; 0 if i
/// is out of range. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_route_list_type(list: Option<&NetnsRouteSnapshot>, i: usize) -> u32 {
    boundary::plain(0, || entry(list, i).map_or(0, |entry| entry.route_type.into()))
}

fn entry(list: Option<&NetnsRouteSnapshot>, i: usize) -> Option<&list::Route> {
    list?.0.get(i)
}

/// Frees a list and its strings. NULL is allowed. errno is not changed. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_route_list_free(list: *mut NetnsRouteSnapshot) {
    // SAFETY: list is NULL or a list that this library gave and that the caller uses no more.
    boundary::plain((), || unsafe { convert::take_back(list) })
}
