//! Lists interfaces.

use std::ffi::{c_char, c_int};
use std::mem::MaybeUninit;
use std::ptr;

use libnetns::rtnl::link::list::{self, Link};

use crate::boundary;
use crate::convert::{self, Slot};
use crate::types::{Netns, NetnsLinkSnapshot};

/// Lists the interfaces of a network namespace, sorted by index. The list is consistent: if
/// interfaces change while the kernel reports them, the library asks again.
///
/// ns     the network namespace to act in; NULL means the calling thread's.
/// flags  0; no flag is defined.
/// out    receives the list; free it with netns_link_list_free().
///
/// Capabilities: none to list the calling thread's network namespace. Opening the handle's
/// rtnetlink socket in another one requires CAP_SYS_ADMIN, in the user namespace that owns it and
/// in the caller's own (see netns_link_add()).
///
/// Returns 0, or
///   -EINVAL     flags is not 0, or out is NULL
///   -EPERM      a capability is missing (see Capabilities)
///   -EAGAIN     the interfaces change faster than the kernel can list them; or cannot start a
///               helper thread (see netns_create())
///   -EMFILE, -ENFILE, -ENOMEM, -ENOBUFS  out of file descriptors or memory
///   -EBADMSG, -EMSGSIZE, -ETIMEDOUT  malformed, oversized or missing netlink reply
///   -ENOTRECOVERABLE  cannot switch the calling thread back: it is left in ns
/// On failure *out is not changed.
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

/// Returns the number of interfaces in a list; 0 if list is NULL. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_link_list_len(list: Option<&NetnsLinkSnapshot>) -> usize {
    boundary::plain(0, || list.map_or(0, |list| list.0.len()))
}

/// Returns the name of the i-th interface; NULL if i is out of range. Like all strings of a list,
/// it is valid until netns_link_list_free(). Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_link_list_name(
    list: Option<&NetnsLinkSnapshot>,
    i: usize,
) -> *const c_char {
    boundary::plain(ptr::null(), || {
        convert::pointer(entry(list, i).map(|entry| entry.name.as_c_str()))
    })
}

/// Returns the i-th interface's index; 0 if i is out of range. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_link_list_index(list: Option<&NetnsLinkSnapshot>, i: usize) -> u32 {
    boundary::plain(0, || entry(list, i).map_or(0, |entry| entry.index))
}

/// Returns the i-th interface's kind, such as "veth" or "bridge"; NULL for lo and hardware
/// interfaces, or if i is out of range. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_link_list_kind(
    list: Option<&NetnsLinkSnapshot>,
    i: usize,
) -> *const c_char {
    boundary::plain(ptr::null(), || {
        convert::pointer(entry(list, i).and_then(|entry| entry.kind.non_empty()))
    })
}

/// Returns the i-th interface's MTU in bytes; 0 if i is out of range. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_link_list_mtu(list: Option<&NetnsLinkSnapshot>, i: usize) -> u32 {
    boundary::plain(0, || entry(list, i).map_or(0, |entry| entry.mtu))
}

/// Returns the i-th interface's flags, a bitwise OR of IFF_UP, IFF_RUNNING, IFF_LOOPBACK ... of
/// <net/if.h>; 0 if i is out of range. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_link_list_flags(list: Option<&NetnsLinkSnapshot>, i: usize) -> u32 {
    boundary::plain(0, || entry(list, i).map_or(0, |entry| entry.flags))
}

/// Returns the i-th interface's operational state: "up", "down", "unknown", "lowerlayerdown",
/// "dormant", "notpresent" or "testing"; NULL if i is out of range. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_link_list_state(
    list: Option<&NetnsLinkSnapshot>,
    i: usize,
) -> *const c_char {
    boundary::plain(ptr::null(), || convert::pointer(entry(list, i).map(|entry| entry.state)))
}

/// Returns the i-th interface's link-layer address, such as "02:00:5e:10:00:01"; NULL if it has
/// none, or if i is out of range. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_link_list_address(
    list: Option<&NetnsLinkSnapshot>,
    i: usize,
) -> *const c_char {
    boundary::plain(ptr::null(), || {
        convert::pointer(entry(list, i).and_then(|entry| entry.address.non_empty()))
    })
}

/// Returns the index of the bridge, bond or other master that the i-th interface is a port of; 0 if
/// it is not a port, or if i is out of range. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_link_list_master(list: Option<&NetnsLinkSnapshot>, i: usize) -> u32 {
    boundary::plain(0, || entry(list, i).map_or(0, |entry| entry.master))
}

/// Returns the index of the i-th interface's peer, if it is a veth, or of its parent, if it is a
/// macvlan or VLAN; 0 if there is none, or if i is out of range. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_link_list_peer(list: Option<&NetnsLinkSnapshot>, i: usize) -> u32 {
    boundary::plain(0, || entry(list, i).map_or(0, |entry| entry.peer))
}

/// Returns the nsid (see netns_nsid_get()), in the listed network namespace, of the one that
/// contains the interface of netns_link_list_peer(); -1 if they are the same network namespace, if
/// there is no peer, or if i is out of range. Since 1.0.
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

/// Frees a list and its strings. NULL is allowed. errno is not changed. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_link_list_free(list: *mut NetnsLinkSnapshot) {
    // SAFETY: list is NULL or a list of this library that the caller no longer uses.
    boundary::plain((), || unsafe { convert::take_back(list) })
}
