//! Lists of interfaces.

use std::ffi::{c_char, c_int};
use std::mem::MaybeUninit;
use std::ptr;

use libnetns::rtnl::link::list::{self, Link};

use crate::boundary;
use crate::convert::{self, Slot};
use crate::types::{Netns, NetnsLinkSnapshot};

/// All interfaces of a namespace at one moment, by index.
///
/// ns      NULL is the calling thread's namespace.
/// flags   none is defined yet: 0.
/// out     receives a list, which is yours to netns_link_list_free().
///
/// Returns 0, or
///   -EINVAL     a flag is given, or out is NULL
///   -EPERM      CAP_SYS_ADMIN to enter the namespace is missing
///   -EAGAIN     the interfaces change faster than the kernel can tell them; or as netns_socket() says
///   -ENOMEM, -ENFILE, -EMFILE, -ENOBUFS  no memory or descriptor to be had
///   -EBADMSG, -EMSGSIZE, -ETIMEDOUT  the kernel gave no answer that makes sense
///   -ENOTRECOVERABLE  as netns_socket() says
///
/// Since 1.0.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn netns_link_list(
    ns: Option<&Netns>,
    flags: u32,
    out: Option<&mut MaybeUninit<*mut NetnsLinkSnapshot>>,
) -> c_int {
    boundary::call(convert::about_namespace("list the interfaces in", ns), || {
        convert::no_flags(flags)?;
        let out = convert::out(out)?;
        let slot = Slot::new()?;
        out.write(slot.give(NetnsLinkSnapshot(list::list(convert::namespace(ns))?)));
        Ok(())
    })
}

/// How many interfaces a list has; 0 if list is NULL. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_link_list_len(list: Option<&NetnsLinkSnapshot>) -> usize {
    boundary::plain(0, || list.map_or(0, |list| list.0.len()))
}

/// The i-th interface's name; it lives as long as the list, as the other texts do. NULL past the end.
/// Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_link_list_name(
    list: Option<&NetnsLinkSnapshot>,
    i: usize,
) -> *const c_char {
    boundary::plain(ptr::null(), || {
        convert::pointer(entry(list, i).map(|entry| entry.name.as_c_str()))
    })
}

/// Its index; 0 past the end. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_link_list_index(list: Option<&NetnsLinkSnapshot>, i: usize) -> u32 {
    boundary::plain(0, || entry(list, i).map_or(0, |entry| entry.index))
}

/// What kind it is, such as "veth" or "bridge". NULL for lo and interfaces of hardware, and past the end.
/// Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_link_list_kind(
    list: Option<&NetnsLinkSnapshot>,
    i: usize,
) -> *const c_char {
    boundary::plain(ptr::null(), || {
        convert::pointer(entry(list, i).and_then(|entry| entry.kind.non_empty()))
    })
}

/// How many bytes a packet may have; 0 past the end. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_link_list_mtu(list: Option<&NetnsLinkSnapshot>, i: usize) -> u32 {
    boundary::plain(0, || entry(list, i).map_or(0, |entry| entry.mtu))
}

/// IFF_UP, IFF_RUNNING, IFF_LOOPBACK ... of <net/if.h>; 0 past the end. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_link_list_flags(list: Option<&NetnsLinkSnapshot>, i: usize) -> u32 {
    boundary::plain(0, || entry(list, i).map_or(0, |entry| entry.flags))
}

/// Its operational state: "up", "down", "unknown", "lowerlayerdown", "dormant", "notpresent" or
/// "testing". NULL past the end. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_link_list_state(
    list: Option<&NetnsLinkSnapshot>,
    i: usize,
) -> *const c_char {
    boundary::plain(ptr::null(), || convert::pointer(entry(list, i).map(|entry| entry.state)))
}

/// Its link-layer address, such as "02:00:5e:10:00:01". NULL if it has none, and past the end.
/// Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_link_list_address(
    list: Option<&NetnsLinkSnapshot>,
    i: usize,
) -> *const c_char {
    boundary::plain(ptr::null(), || {
        convert::pointer(entry(list, i).and_then(|entry| entry.address.non_empty()))
    })
}

/// The index of the bridge, bond or the like that it is a port of; 0 if of none, and past the end.
/// Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_link_list_master(list: Option<&NetnsLinkSnapshot>, i: usize) -> u32 {
    boundary::plain(0, || entry(list, i).map_or(0, |entry| entry.master))
}

/// The index of a veth's other end, or of the interface that a macvlan or VLAN is on; 0 if there is none,
/// and past the end. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_link_list_peer(list: Option<&NetnsLinkSnapshot>, i: usize) -> u32 {
    boundary::plain(0, || entry(list, i).map_or(0, |entry| entry.peer))
}

/// The id by which the namespace that was listed knows the one that peer is an index of, as for
/// netns_nsid_get(). -1 if they are one, or there is no peer, and past the end. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_link_list_peer_nsid(
    list: Option<&NetnsLinkSnapshot>,
    i: usize,
) -> i32 {
    boundary::plain(-1, || entry(list, i).map_or(-1, |entry| entry.peer_nsid.unwrap_or(-1)))
}

fn entry(list: Option<&NetnsLinkSnapshot>, i: usize) -> Option<&Link> {
    list?.0.get(i)
}

/// Ends a list and frees the memory of its texts. NULL is allowed. errno is left alone. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_link_list_free(list: *mut NetnsLinkSnapshot) {
    // SAFETY: list is NULL or a list that this library gave and that the caller uses no more.
    boundary::plain((), || unsafe { convert::take_back(list) })
}
