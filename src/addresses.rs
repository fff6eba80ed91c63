//! Adds, deletes and lists the addresses of interfaces.

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

/// For netns_addr_add_flags(): make an IPv6 address usable at once. Without it, the kernel first
/// spends a second or two on duplicate address detection.
pub const NETNS_ADDR_NODAD: u32 = 1;

const _: () = assert!(NETNS_ADDR_NODAD == AddressFlags::NODAD.bits());

/// Adds an IP address to an interface: netns_addr_add_flags() without flags.
///
/// ns      the network namespace to act in; NULL means the calling thread's.
/// ifname  the interface's name.
/// cidr    the address and its prefix length, such as "192.0.2.1/24" or "2001:db8::1/64". Without a
///         prefix length, the address alone (/32, /128).
///
/// Capabilities: CAP_NET_ADMIN in the user namespace that owns the network namespace. Opening the
/// handle's rtnetlink socket in a network namespace that the calling thread is not in also requires
/// CAP_SYS_ADMIN (see netns_link_add()).
///
/// Returns 0, or
///   -EINVAL     ifname or cidr is NULL, ifname is an invalid name (see netns_link_move()), cidr is
///               not an address, or it is an IPv6 address and the interface's MTU is below 1280,
///               the least that IPv6 requires
///   -ENAMETOOLONG  ifname is longer than 15 bytes
///   -ENODEV     ns has no interface of that name
///   -EEXIST     the interface has this address already; an IPv6 address, with any prefix length
///   -EACCES     IPv6 is disabled on the interface
///   -EADDRNOTAVAIL  the interface cannot have this address: "0.0.0.0", "::", an IPv6 multicast
///               address, or "::1" on an interface other than lo
///   -EOPNOTSUPP the kernel does not support IPv6
///   -EPERM      a capability is missing (see Capabilities)
///   -EMFILE, -ENFILE, -ENOMEM, -ENOBUFS  out of file descriptors or memory
///   -ENOBUFS    also, for an IPv4 address: the interface's MTU is below 68, the least that IPv4
///               requires
///   -EBADMSG, -EMSGSIZE, -ETIMEDOUT  malformed, oversized or missing netlink reply
///   -EAGAIN     cannot start a helper thread (see netns_create())
///   -ENOTRECOVERABLE  cannot switch the calling thread back: it is left in ns
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

/// Adds an IP address to an interface.
///
/// ns, ifname, cidr  as for netns_addr_add().
/// flags             0 or NETNS_ADDR_NODAD, which has no effect for IPv4.
///
/// Capabilities: CAP_NET_ADMIN in the user namespace that owns the network namespace. Opening the
/// handle's rtnetlink socket in a network namespace that the calling thread is not in also requires
/// CAP_SYS_ADMIN (see netns_link_add()).
///
/// Returns 0, or
///   -EINVAL     also: a flag is unknown
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

/// Deletes an address from an interface. Deleting the primary address of an IPv4 network also
/// deletes its secondary addresses, unless net.ipv4.conf.IFNAME.promote_secondaries is set.
///
/// ns      the network namespace to act in; NULL means the calling thread's.
/// ifname  the interface's name.
/// cidr    the address as it was added, with the same prefix length. An address that another
///         program added together with a peer address is not found.
///
/// Capabilities: CAP_NET_ADMIN in the user namespace that owns the network namespace. Opening the
/// handle's rtnetlink socket in a network namespace that the calling thread is not in also requires
/// CAP_SYS_ADMIN (see netns_link_add()).
///
/// Returns 0, or
///   -EINVAL     ifname or cidr is NULL, ifname is an invalid name (see netns_link_move()), or cidr
///               is not an address
///   -ENAMETOOLONG  ifname is longer than 15 bytes
///   -ENODEV     ns has no interface of that name
///   -EADDRNOTAVAIL  the interface does not have this address
///   -EOPNOTSUPP the kernel does not support IPv6
///   -EPERM      a capability is missing (see Capabilities)
///   -EMFILE, -ENFILE, -ENOMEM, -ENOBUFS  out of file descriptors or memory
///   -EBADMSG, -EMSGSIZE, -ETIMEDOUT  malformed, oversized or missing netlink reply
///   -EAGAIN     cannot start a helper thread (see netns_create())
///   -ENOTRECOVERABLE  cannot switch the calling thread back: it is left in ns
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

/// Lists the IP addresses of the interfaces of a network namespace: IPv4 before IPv6, grouped by
/// interface. The list is consistent: if addresses change while the kernel reports them, the
/// library asks again.
///
/// ns     the network namespace to act in; NULL means the calling thread's.
/// flags  0; no flag is defined.
/// out    receives the list; free it with netns_addr_list_free().
///
/// Capabilities: none to list the calling thread's network namespace. Opening the handle's
/// rtnetlink socket in another one requires CAP_SYS_ADMIN, in the user namespace that owns it and
/// in the caller's own (see netns_link_add()).
///
/// Returns 0, or
///   -EINVAL     flags is not 0, or out is NULL
///   -EPERM      a capability is missing (see Capabilities)
///   -EAGAIN     the addresses change faster than the kernel can list them; or cannot start a
///               helper thread (see netns_create())
///   -EMFILE, -ENFILE, -ENOMEM, -ENOBUFS  out of file descriptors or memory
///   -EBADMSG, -EMSGSIZE, -ETIMEDOUT  malformed, oversized or missing netlink reply
///   -ENOTRECOVERABLE  cannot switch the calling thread back: it is left in ns
/// On failure *out is not changed.
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

/// Returns the number of addresses in a list; 0 if list is NULL. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_addr_list_len(list: Option<&NetnsAddrSnapshot>) -> usize {
    boundary::plain(0, || list.map_or(0, |list| list.0.len()))
}

/// Returns the i-th address as a string, such as "192.0.2.1"; NULL if i is out of range. Like all
/// strings of a list, it is valid until netns_addr_list_free(). Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_addr_list_address(
    list: Option<&NetnsAddrSnapshot>,
    i: usize,
) -> *const c_char {
    boundary::plain(ptr::null(), || {
        convert::pointer(entry(list, i).and_then(|entry| entry.address.non_empty()))
    })
}

/// Returns the i-th address's prefix length in bits; 0 if i is out of range. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_addr_list_prefix(list: Option<&NetnsAddrSnapshot>, i: usize) -> u32 {
    boundary::plain(0, || entry(list, i).map_or(0, |entry| entry.prefix.into()))
}

/// Returns the i-th address's family, AF_INET or AF_INET6; 0 if i is out of range. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_addr_list_family(
    list: Option<&NetnsAddrSnapshot>,
    i: usize,
) -> c_int {
    boundary::plain(0, || entry(list, i).map_or(0, |entry| entry.family.into()))
}

/// Returns the index of the interface that has the i-th address; 0 if i is out of range. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_addr_list_index(list: Option<&NetnsAddrSnapshot>, i: usize) -> u32 {
    boundary::plain(0, || entry(list, i).map_or(0, |entry| entry.index))
}

/// Returns the name of the interface that has the i-th address; NULL if the interface was deleted
/// while the list was made, or if i is out of range. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_addr_list_ifname(
    list: Option<&NetnsAddrSnapshot>,
    i: usize,
) -> *const c_char {
    boundary::plain(ptr::null(), || {
        convert::pointer(entry(list, i).and_then(|entry| entry.interface.non_empty()))
    })
}

/// Returns the i-th address's scope: RT_SCOPE_UNIVERSE (0), RT_SCOPE_LINK, RT_SCOPE_HOST ... of
/// <linux/rtnetlink.h>; 0 if i is out of range. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_addr_list_scope(list: Option<&NetnsAddrSnapshot>, i: usize) -> u32 {
    boundary::plain(0, || entry(list, i).map_or(0, |entry| entry.scope.into()))
}

/// Returns the i-th address's label, which IPv4 addresses have: the interface's name, optionally
/// followed by a colon and more; NULL if there is none, or if i is out of range. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_addr_list_label(
    list: Option<&NetnsAddrSnapshot>,
    i: usize,
) -> *const c_char {
    boundary::plain(ptr::null(), || {
        convert::pointer(entry(list, i).and_then(|entry| entry.label.non_empty()))
    })
}

/// Returns the i-th address's flags, a bitwise OR of IFA_F_PERMANENT, IFA_F_TENTATIVE ... of
/// <linux/if_addr.h>; 0 if i is out of range. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_addr_list_flags(list: Option<&NetnsAddrSnapshot>, i: usize) -> u32 {
    boundary::plain(0, || entry(list, i).map_or(0, |entry| entry.flags))
}

/// Returns the peer address of the i-th address, if it is a point-to-point address; NULL if there
/// is none, or if i is out of range. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_addr_list_peer(
    list: Option<&NetnsAddrSnapshot>,
    i: usize,
) -> *const c_char {
    boundary::plain(ptr::null(), || {
        convert::pointer(entry(list, i).and_then(|entry| entry.peer.non_empty()))
    })
}

/// Returns the broadcast address of the i-th address's network; NULL if there is none, or if i is
/// out of range. Since 1.0.
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

/// Frees a list and its strings. NULL is allowed. errno is not changed. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_addr_list_free(list: *mut NetnsAddrSnapshot) {
    // SAFETY: list is NULL or a list of this library that the caller no longer uses.
    boundary::plain((), || unsafe { convert::take_back(list) })
}
