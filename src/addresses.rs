//! Addresses of interfaces.

use std::ffi::{CStr, c_char, c_int};
use std::mem::MaybeUninit;
use std::ptr;

use libnetns::error::Result;
use libnetns::explain::Subject;
use libnetns::rtnl::address::list::{self, Address};
use libnetns::rtnl::address::{self, AddressFlags};
use libnetns::rtnl::ip::Prefix;
use libnetns::rtnl::link::LinkName;

use crate::boundary;
use crate::convert::{self, Slot, text};
use crate::types::{Netns, NetnsAddrSnapshot};

/// For netns_addr_add_flags(): an IPv6 address can be used at once. Without it, the kernel first
/// spends a second or two on finding out whether another host has it (duplicate address detection).
pub const NETNS_ADDR_NODAD: u32 = 1;

const _: () = assert!(NETNS_ADDR_NODAD == AddressFlags::NODAD.bits());

/// Gives an interface an address; netns_addr_add_flags() without a flag.
///
/// ns      whose interface; NULL is the calling thread's namespace.
/// cidr    the address and the length of its network's prefix, such as "192.0.2.1/24" or
///         "2001:db8::1/64"; without a length, the address alone (/32, /128).
///
/// Returns 0, or
///   -EINVAL     a pointer is NULL, ifname is unfit, see netns_link_move(), cidr is no address, or it is of
///               IPv6, and the interface's MTU is below the 1280 that this takes
///   -ENAMETOOLONG  ifname is longer than 15 bytes
///   -ENODEV     there is no such interface
///   -EEXIST     it has the address already; one of IPv6, with whatever prefix
///   -EACCES     IPv6 is switched off on the interface
///   -EADDRNOTAVAIL  an address that this interface cannot have: "0.0.0.0", "::", an IPv6 one of
///               multicast, or "::1", which is for lo alone
///   -EOPNOTSUPP the kernel has no IPv6
///   -EPERM      CAP_NET_ADMIN over the namespace is missing
///   -ENOMEM, -ENFILE, -EMFILE, -ENOBUFS  no memory or descriptor to be had
///   -ENOBUFS    also: the address is of IPv4, and the MTU below the 68 that this takes
///   -EBADMSG, -EMSGSIZE, -ETIMEDOUT  the kernel gave no answer that makes sense
///   -EAGAIN, -ENOTRECOVERABLE  as netns_socket() says
///
/// Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_addr_add(
    ns: Option<&Netns>,
    ifname: *const c_char,
    cidr: *const c_char,
) -> c_int {
    // SAFETY: the caller passes NULL or strings.
    let (ifname, cidr) = unsafe { (text(ifname), text(cidr)) };
    boundary::call(about("add address", ns, ifname, cidr), || {
        let (interface, prefix) = arguments(ifname, cidr)?;
        address::add(convert::namespace(ns), interface, prefix, AddressFlags::empty())
    })
}

/// The same with flags.
///
/// flags   NETNS_ADDR_NODAD, which means nothing for IPv4.
///
/// Returns 0, or
///   -EINVAL     a flag is unknown
/// and what netns_addr_add() returns. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_addr_add_flags(
    ns: Option<&Netns>,
    ifname: *const c_char,
    cidr: *const c_char,
    flags: u32,
) -> c_int {
    // SAFETY: the caller passes NULL or strings.
    let (ifname, cidr) = unsafe { (text(ifname), text(cidr)) };
    boundary::call(about("add address", ns, ifname, cidr), || {
        let flags = convert::flags(flags)?;
        let (interface, prefix) = arguments(ifname, cidr)?;
        address::add(convert::namespace(ns), interface, prefix, flags)
    })
}

/// Takes an address off an interface. With the first one of an IPv4 network go the others of the same
/// network, unless net.ipv4.conf.IFNAME.promote_secondaries is on.
///
/// cidr    as it was given: the length of the prefix counts. One that was given with its peer's, by
///         another program, is not found.
///
/// Returns 0, or
///   -EINVAL     a pointer is NULL, ifname is unfit, see netns_link_move(), or cidr is no address
///   -ENAMETOOLONG  ifname is longer than 15 bytes
///   -ENODEV     there is no such interface
///   -EADDRNOTAVAIL  it has no such address
///   -EOPNOTSUPP the kernel has no IPv6
///   -EPERM      CAP_NET_ADMIN over the namespace is missing
///   -ENOMEM, -ENFILE, -EMFILE, -ENOBUFS  no memory or descriptor to be had
///   -EBADMSG, -EMSGSIZE, -ETIMEDOUT  the kernel gave no answer that makes sense
///   -EAGAIN, -ENOTRECOVERABLE  as netns_socket() says
///
/// Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_addr_del(
    ns: Option<&Netns>,
    ifname: *const c_char,
    cidr: *const c_char,
) -> c_int {
    // SAFETY: the caller passes NULL or strings.
    let (ifname, cidr) = unsafe { (text(ifname), text(cidr)) };
    boundary::call(about("delete address", ns, ifname, cidr), || {
        let (interface, prefix) = arguments(ifname, cidr)?;
        address::delete(convert::namespace(ns), interface, prefix)
    })
}

fn about<'a>(
    verb: &'static str,
    ns: Option<&'a Netns>,
    ifname: Option<&'a CStr>,
    cidr: Option<&'a CStr>,
) -> Subject<'a> {
    convert::about_setting(verb, ns, cidr, ("on", ifname))
}

fn arguments<'a>(ifname: Option<&'a CStr>, cidr: Option<&CStr>) -> Result<(LinkName<'a>, Prefix)> {
    let interface = convert::link_name(ifname)?;
    Ok((interface, Prefix::parse(convert::required(cidr, "no address given")?)?))
}

/// All IP addresses of a namespace's interfaces at one moment: IPv4 first, by interface.
///
/// ns      NULL is the calling thread's namespace.
/// flags   none is defined yet: 0.
/// out     receives a list, which is yours to netns_addr_list_free().
///
/// Returns 0, or
///   -EINVAL     a flag is given, or out is NULL
///   -EPERM      CAP_SYS_ADMIN to enter the namespace is missing
///   -EAGAIN     the addresses change faster than the kernel can tell them; or as netns_socket() says
///   -ENOMEM, -ENFILE, -EMFILE, -ENOBUFS  no memory or descriptor to be had
///   -EBADMSG, -EMSGSIZE, -ETIMEDOUT  the kernel gave no answer that makes sense
///   -ENOTRECOVERABLE  as netns_socket() says
///
/// Since 1.0.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn netns_addr_list(
    ns: Option<&Netns>,
    flags: u32,
    out: Option<&mut MaybeUninit<*mut NetnsAddrSnapshot>>,
) -> c_int {
    boundary::call(convert::about_namespace("list the addresses in", ns), || {
        convert::no_flags(flags)?;
        let out = convert::out(out)?;
        let slot = Slot::new()?;
        out.write(slot.give(NetnsAddrSnapshot(list::list(convert::namespace(ns))?)));
        Ok(())
    })
}

/// How many addresses a list has; 0 if list is NULL. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_addr_list_len(list: Option<&NetnsAddrSnapshot>) -> usize {
    boundary::plain(0, || list.map_or(0, |list| list.0.len()))
}

/// The i-th address as text, such as "192.0.2.1"; it lives as long as the list, as the other texts
/// do. NULL past the end. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_addr_list_address(
    list: Option<&NetnsAddrSnapshot>,
    i: usize,
) -> *const c_char {
    boundary::plain(ptr::null(), || {
        convert::pointer(entry(list, i).and_then(|entry| entry.address.non_empty()))
    })
}

/// The length of its network's prefix in bits; 0 past the end. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_addr_list_prefix(list: Option<&NetnsAddrSnapshot>, i: usize) -> u32 {
    boundary::plain(0, || entry(list, i).map_or(0, |entry| entry.prefix.into()))
}

/// AF_INET or AF_INET6; 0 past the end. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_addr_list_family(
    list: Option<&NetnsAddrSnapshot>,
    i: usize,
) -> c_int {
    boundary::plain(0, || entry(list, i).map_or(0, |entry| entry.family.into()))
}

/// The index of the interface that has it; 0 past the end. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_addr_list_index(list: Option<&NetnsAddrSnapshot>, i: usize) -> u32 {
    boundary::plain(0, || entry(list, i).map_or(0, |entry| entry.index))
}

/// The name of the interface that has it. NULL past the end, or if the interface went meanwhile. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_addr_list_ifname(
    list: Option<&NetnsAddrSnapshot>,
    i: usize,
) -> *const c_char {
    boundary::plain(ptr::null(), || {
        convert::pointer(entry(list, i).and_then(|entry| entry.interface.non_empty()))
    })
}

/// Where it is valid: one of RT_SCOPE_UNIVERSE (0), RT_SCOPE_LINK, RT_SCOPE_HOST ... of
/// <linux/rtnetlink.h>; 0 past the end. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_addr_list_scope(list: Option<&NetnsAddrSnapshot>, i: usize) -> u32 {
    boundary::plain(0, || entry(list, i).map_or(0, |entry| entry.scope.into()))
}

/// Its label, as IPv4 addresses have one: the interface's name, or that with a colon and more. NULL if
/// there is none, and past the end. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_addr_list_label(
    list: Option<&NetnsAddrSnapshot>,
    i: usize,
) -> *const c_char {
    boundary::plain(ptr::null(), || {
        convert::pointer(entry(list, i).and_then(|entry| entry.label.non_empty()))
    })
}

/// IFA_F_PERMANENT, IFA_F_TENTATIVE ... of <linux/if_addr.h>; 0 past the end. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_addr_list_flags(list: Option<&NetnsAddrSnapshot>, i: usize) -> u32 {
    boundary::plain(0, || entry(list, i).map_or(0, |entry| entry.flags))
}

/// The address of the other end, if this one was given for two ends. NULL if not, and past the end.
/// Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_addr_list_peer(
    list: Option<&NetnsAddrSnapshot>,
    i: usize,
) -> *const c_char {
    boundary::plain(ptr::null(), || {
        convert::pointer(entry(list, i).and_then(|entry| entry.peer.non_empty()))
    })
}

/// Its network's broadcast address. NULL if it has none, and past the end. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_addr_list_broadcast(
    list: Option<&NetnsAddrSnapshot>,
    i: usize,
) -> *const c_char {
    boundary::plain(ptr::null(), || {
        convert::pointer(entry(list, i).and_then(|entry| entry.broadcast.non_empty()))
    })
}

fn entry(list: Option<&NetnsAddrSnapshot>, i: usize) -> Option<&Address> {
    list?.0.get(i)
}

/// Ends a list and frees the memory of its texts. NULL is allowed. errno is left alone. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_addr_list_free(list: *mut NetnsAddrSnapshot) {
    // SAFETY: list is NULL or a list that this library gave and that the caller uses no more.
    boundary::plain((), || unsafe { convert::take_back(list) })
}
