//! Routes: added, deleted and listed.

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

/// For netns_route_list(): the routes of every table, not of the main one alone.
pub const NETNS_ROUTE_LIST_ALL_TABLES: u32 = 1;

const _: () = assert!(NETNS_ROUTE_LIST_ALL_TABLES == RouteListFlags::ALL_TABLES.bits());

/// Adds a route to the main table.
///
/// ns      where; NULL is the calling thread's namespace.
/// dst     where it leads: a network ("192.0.2.0/24"), a host ("192.0.2.1", "2001:db8::1"), or
///         "default", which is of via's family, and IPv4 without via.
/// via     the gateway's address; NULL: what it leads to is on the interface's own link. An IPv4 route may
///         have a gateway of IPv6 since Linux 5.2; an older one makes it without the gateway.
/// ifname  the interface; NULL: the one by which the gateway is reached. One of via and ifname is needed.
///
/// Returns 0, or
///   -EINVAL     dst is NULL, via and ifname are, a text is no address, ifname cannot be an interface's
///               name, dst has bits beyond its prefix, or via does not do for such a route,
///               as "0.0.0.0" and "::" for none
///   -ENAMETOOLONG  ifname is longer than 15 bytes
///   -ENODEV     there is no such interface, or its MTU is too small: below 68, or for IPv6 1280
///   -EEXIST     there is a route to dst already
///   -EACCES     IPv6 is switched off on the interface
///   -ENETUNREACH  the gateway cannot be reached directly; the interface's address has to be there, and
///               the interface to be up
///   -EHOSTUNREACH  the same for an IPv6 gateway
///   -ENETDOWN   the interface is down
///   -EOPNOTSUPP, -EAFNOSUPPORT  the kernel has no IPv6
///   -EPERM      CAP_NET_ADMIN over the namespace is missing
///   -ENOMEM, -ENFILE, -EMFILE, -ENOBUFS  no memory or descriptor to be had
///   -EBADMSG, -EMSGSIZE, -ETIMEDOUT  the kernel gave no answer that makes sense
///   -EAGAIN, -ENOTRECOVERABLE  as netns_socket() says
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

/// Takes a route from the main table: the first that fits what is given, whoever made it.
///
/// dst, via, ifname  as for netns_route_add().
///
/// Returns 0, or
///   -EINVAL     as netns_route_add()
///   -ENAMETOOLONG  ifname is longer than 15 bytes
///   -ENODEV     there is no such interface
///   -ESRCH      there is no such route
///   -EOPNOTSUPP the kernel has no IPv6
///   -EPERM      CAP_NET_ADMIN over the namespace is missing
///   -ENOMEM, -ENFILE, -EMFILE, -ENOBUFS  no memory or descriptor to be had
///   -EBADMSG, -EMSGSIZE, -ETIMEDOUT  the kernel gave no answer that makes sense
///   -EAGAIN, -ENOTRECOVERABLE  as netns_socket() says
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

/// The routes of a namespace at one moment: IPv4 first, in the kernel's order. One that has several
/// ways (multipath) is an entry for each. Where an IPv6 route is taken away meanwhile, Linux may pass
/// over another one, and tells nobody.
///
/// ns      NULL is the calling thread's namespace.
/// flags   NETNS_ROUTE_LIST_ALL_TABLES, or 0 for the main table.
/// out     receives a list, which is yours to netns_route_list_free().
///
/// Returns 0, or
///   -EINVAL     a flag is unknown, or out is NULL
///   -EPERM      CAP_SYS_ADMIN to enter the namespace is missing
///   -EAGAIN     the routes change faster than the kernel can tell them; or as netns_socket() says
///   -ENOMEM, -ENFILE, -EMFILE, -ENOBUFS  no memory or descriptor to be had
///   -EBADMSG, -EMSGSIZE, -ETIMEDOUT  the kernel gave no answer that makes sense
///   -ENOTRECOVERABLE  as netns_socket() says
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

/// How many routes a list has; 0 if list is NULL. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_route_list_len(list: Option<&NetnsRouteSnapshot>) -> usize {
    boundary::plain(0, || list.map_or(0, |list| list.0.len()))
}

/// Where the i-th route leads, such as "192.0.2.0/24", or "default"; it lives as long as the list, as
/// the other texts do. NULL past the end. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_route_list_dst(
    list: Option<&NetnsRouteSnapshot>,
    i: usize,
) -> *const c_char {
    boundary::plain(ptr::null(), || {
        convert::pointer(entry(list, i).and_then(|entry| entry.destination.non_empty()))
    })
}

/// AF_INET or AF_INET6; 0 past the end. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_route_list_family(
    list: Option<&NetnsRouteSnapshot>,
    i: usize,
) -> c_int {
    boundary::plain(0, || entry(list, i).map_or(0, |entry| entry.family.into()))
}

/// Its gateway's address. NULL if there is none, and past the end. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_route_list_via(
    list: Option<&NetnsRouteSnapshot>,
    i: usize,
) -> *const c_char {
    boundary::plain(ptr::null(), || {
        convert::pointer(entry(list, i).and_then(|entry| entry.gateway.non_empty()))
    })
}

/// The index of its interface; 0 if it has none, and past the end. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_route_list_index(
    list: Option<&NetnsRouteSnapshot>,
    i: usize,
) -> u32 {
    boundary::plain(0, || entry(list, i).map_or(0, |entry| entry.index))
}

/// The name of its interface. NULL if it has none, if that went meanwhile, and past the end. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_route_list_ifname(
    list: Option<&NetnsRouteSnapshot>,
    i: usize,
) -> *const c_char {
    boundary::plain(ptr::null(), || {
        convert::pointer(entry(list, i).and_then(|entry| entry.interface.non_empty()))
    })
}

/// Its metric: of several routes, the lowest counts. 0 past the end. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_route_list_metric(
    list: Option<&NetnsRouteSnapshot>,
    i: usize,
) -> u32 {
    boundary::plain(0, || entry(list, i).map_or(0, |entry| entry.metric))
}

/// Its table: RT_TABLE_MAIN (254), RT_TABLE_LOCAL (255) ... of <linux/rtnetlink.h>; 0 past the end.
/// Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_route_list_table(
    list: Option<&NetnsRouteSnapshot>,
    i: usize,
) -> u32 {
    boundary::plain(0, || entry(list, i).map_or(0, |entry| entry.table))
}

/// Who made it: RTPROT_KERNEL (2), RTPROT_BOOT (3) ... of <linux/rtnetlink.h>; 0 past the end.
/// Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_route_list_protocol(
    list: Option<&NetnsRouteSnapshot>,
    i: usize,
) -> u32 {
    boundary::plain(0, || entry(list, i).map_or(0, |entry| entry.protocol.into()))
}

/// How far what it leads to is: RT_SCOPE_UNIVERSE (0), RT_SCOPE_LINK ... of <linux/rtnetlink.h>; 0
/// past the end. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_route_list_scope(
    list: Option<&NetnsRouteSnapshot>,
    i: usize,
) -> u32 {
    boundary::plain(0, || entry(list, i).map_or(0, |entry| entry.scope.into()))
}

/// What it does: RTN_UNICAST (1), RTN_BLACKHOLE ... of <linux/rtnetlink.h>; 0 past the end. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_route_list_type(list: Option<&NetnsRouteSnapshot>, i: usize) -> u32 {
    boundary::plain(0, || entry(list, i).map_or(0, |entry| entry.route_type.into()))
}

fn entry(list: Option<&NetnsRouteSnapshot>, i: usize) -> Option<&list::Route> {
    list?.0.get(i)
}

/// Ends a list and frees the memory of its texts. NULL is allowed. errno is left alone. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_route_list_free(list: *mut NetnsRouteSnapshot) {
    // SAFETY: list is NULL or a list that this library gave and that the caller uses no more.
    boundary::plain((), || unsafe { convert::take_back(list) })
}
