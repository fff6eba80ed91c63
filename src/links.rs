//! Interfaces: moving, creating, changing and deleting them.

use std::ffi::{CStr, c_char, c_int};

use libnetns::error::Result;
use libnetns::rtnl::ip::LinkAddress;
use libnetns::rtnl::link::setup::{self, LinkKind, LinkLocation, MacvlanMode};
use libnetns::rtnl::link::{self, LinkName};

use crate::boundary;
use crate::convert::{self, text};
use crate::types::Netns;

/// Moves an interface to another network namespace and, if newname is given, renames it there.
///
/// from     the network namespace that the interface is in; NULL means the calling thread's.
/// ifname   the interface's name, or one of its alternative names.
/// to       the network namespace to move it to; netns_open_current() opens the calling thread's.
///          If the interface is in it already, it is only renamed.
/// newname  the new name; NULL keeps the name.
///
/// After a move the interface is down, has lost its addresses and routes, and may have another
/// index. When a network namespace ends, its physical interfaces return to the initial network
/// namespace and its virtual interfaces are deleted.
///
/// The first call with a handle opens an rtnetlink socket in its network namespace; for to, only if
/// newname is not NULL. The handle keeps the socket until netns_close().
///
/// Capabilities: CAP_NET_ADMIN in the user namespaces that own the two network namespaces. Opening
/// the rtnetlink socket of from, and of to if newname is not NULL, in a network namespace that the
/// calling thread is not in also requires CAP_SYS_ADMIN (see netns_link_add()).
///
/// Returns 0, or
///   -EINVAL     ifname or to is NULL; a name is empty, ".", "..", "all" or "default", or contains
///               '/', ':', '%', white space or the byte 0xa0; or the interface cannot leave its
///               network namespace (lo, a bridge ...): netns_errmsg() has the kernel's extended ack
///               message
///   -ENAMETOOLONG  a name is longer than 15 bytes
///   -ENODEV     from has no interface of that name
///   -EEXIST     to has another interface of the name that this one keeps or is to get, or newname
///               is an alternative name of this interface
///   -EPERM      a capability is missing (see Capabilities)
///   -EBUSY      the interface is in use, or, before Linux 6.2, is in to already and up
///   -EOPNOTSUPP the driver does not support the move
///   -EAGAIN     cannot start a helper thread (see netns_create())
///   -EMFILE, -ENFILE, -ENOMEM, -ENOBUFS  out of file descriptors or memory
///   -EBADMSG, -EMSGSIZE, -ETIMEDOUT  malformed, oversized or missing netlink reply
///   -ENOTRECOVERABLE  cannot switch the calling thread back: it is left in from or to
/// On failure the interface is in from under its old name. It is otherwise unchanged, except if
/// another program created an interface named newname in to during the call: then it was moved
/// there and back, and has lost its addresses.
///
/// Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_link_move(
    from: Option<&Netns>,
    ifname: *const c_char,
    to: Option<&Netns>,
    newname: *const c_char,
) -> c_int {
    // SAFETY: the caller passes NULL or a string, twice.
    let (ifname, newname) = unsafe { (text(ifname), text(newname)) };
    let subject = convert::about_setting("move interface", from, ifname, ("as", newname));
    boundary::call(subject, || {
        let name = convert::link_name(ifname)?;
        let to = convert::required(to, "no target namespace given")?;
        let new_name = newname.map(|name| convert::link_name(Some(name))).transpose()?;
        link::move_to(convert::namespace(from), name, &to.0, new_name)
    })
}

/// Creates an interface of a kind that takes no parameters, such as "bridge", "ifb" or "dummy". The
/// new interface is down.
///
/// ns      the network namespace to act in; NULL means the calling thread's.
/// ifname  the new interface's name, 1 to 15 bytes.
/// kind    as in `ip link add type KIND`. "veth", "macvlan" and "vlan" are rejected: use
///         netns_veth_add(), netns_macvlan_add() or netns_vlan_add().
///
/// The first call with a handle, of this function or of any below that acts on interfaces,
/// addresses or routes, opens an rtnetlink socket in its network namespace. The handle keeps the
/// socket until netns_close(), and later calls use it without a switch. In a child of fork(2), the
/// first call opens a socket of the child's own.
///
/// Capabilities: CAP_NET_ADMIN in the user namespace that owns the network namespace. A call that
/// has to open the rtnetlink socket in a network namespace that the calling thread is not in also
/// requires CAP_SYS_ADMIN, in that user namespace and in the caller's own. Usually that is only the
/// first call with a handle; a call also opens a socket while another thread uses the handle's.
///
/// Returns 0, or
///   -EINVAL     a pointer other than ns is NULL, ifname is an invalid name (see
///               netns_link_move()), or kind is empty, longer than 55 bytes or takes parameters:
///               "veth", "macvlan" and "vlan" have functions of their own
///   -ENAMETOOLONG  ifname is longer than 15 bytes
///   -EEXIST     ns has an interface of that name
///   -EOPNOTSUPP the kernel does not support this kind of interface, or cannot load its module
///   -EPERM      a capability is missing (see Capabilities)
///   -EMFILE, -ENFILE, -ENOMEM, -ENOBUFS  out of file descriptors or memory
///   -EBADMSG, -EMSGSIZE, -ETIMEDOUT  malformed, oversized or missing netlink reply
///   -EAGAIN     cannot start a helper thread (see netns_create())
///   -ENOTRECOVERABLE  cannot switch the calling thread back: it is left in ns
/// or another errno of the kind's driver.
///
/// Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_link_add(
    ns: Option<&Netns>,
    ifname: *const c_char,
    kind: *const c_char,
) -> c_int {
    // SAFETY: the caller passes NULL or strings.
    let (ifname, kind) = unsafe { (text(ifname), text(kind)) };
    let subject = convert::about_setting("add interface", ns, ifname, ("of kind", kind));
    boundary::call(subject, || {
        let kind = LinkKind::new(convert::required(kind, "no kind given")?)?;
        setup::add(place(ns, ifname)?, kind)
    })
}

fn place<'a>(ns: Option<&'a Netns>, ifname: Option<&'a CStr>) -> Result<LinkLocation<'a>> {
    Ok(LinkLocation { ns: convert::namespace(ns), name: convert::link_name(ifname)? })
}

/// Creates a veth pair. Each end is created in its own network namespace, by a single request to
/// the kernel: on failure neither exists. Both ends are down.
///
/// ns, ifname            the network namespace and the name of one end; NULL for ns means the
///                       calling thread's.
/// peer_ns, peer_ifname  the same for its peer. Both may be in one network namespace.
///
/// Capabilities: CAP_NET_ADMIN in the user namespaces that own the two network namespaces. Opening
/// the rtnetlink socket of ns (never that of peer_ns) in a network namespace that the calling
/// thread is not in also requires CAP_SYS_ADMIN (see netns_link_add()).
///
/// Returns 0, or
///   -EINVAL     a name is NULL or invalid (see netns_link_move())
///   -ENAMETOOLONG  a name is longer than 15 bytes
///   -EEXIST     one of the network namespaces has an interface of the name that its end is to get
///   -EOPNOTSUPP the kernel does not support veth
///   -EPERM      a capability is missing (see Capabilities)
///   -EMFILE, -ENFILE, -ENOMEM, -ENOBUFS  out of file descriptors or memory
///   -EBADMSG, -EMSGSIZE, -ETIMEDOUT  malformed, oversized or missing netlink reply
///   -EAGAIN     cannot start a helper thread (see netns_create())
///   -ENOTRECOVERABLE  cannot switch the calling thread back: it is left in ns
///
/// Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_veth_add(
    ns: Option<&Netns>,
    ifname: *const c_char,
    peer_ns: Option<&Netns>,
    peer_ifname: *const c_char,
) -> c_int {
    // SAFETY: the caller passes NULL or strings.
    let (ifname, peer) = unsafe { (text(ifname), text(peer_ifname)) };
    let subject = convert::about_setting("add veth", ns, ifname, ("with", peer));
    boundary::call(subject, || setup::add_veth(place(ns, ifname)?, place(peer_ns, peer)?))
}

/// Creates a macvlan: an interface with a link-layer address of its own on top of a parent
/// interface, which may be in another network namespace. The new interface is down.
///
/// ns, ifname         the network namespace to create it in, and its name; NULL for ns means the
///                    calling thread's.
/// parent_ns, parent  the network namespace and the name of the parent interface; NULL for
///                    parent_ns means the calling thread's.
/// mode               "private", "vepa", "bridge" or "passthru": how macvlans of the same parent
///                    communicate. NULL selects the kernel's default, "vepa", in which they
///                    communicate only if an external switch reflects the frames. "bridge" suits
///                    most uses.
///
/// Capabilities: CAP_NET_ADMIN in the user namespaces that own the two network namespaces. Opening
/// the rtnetlink socket of parent_ns (never that of ns) in a network namespace that the calling
/// thread is not in also requires CAP_SYS_ADMIN (see netns_link_add()).
///
/// Returns 0, or
///   -EINVAL     a name is NULL or invalid (see netns_link_move()); mode is unknown; or the parent
///               supports no macvlan, as lo does not, or no other beside one in "passthru" mode
///   -ENAMETOOLONG  a name is longer than 15 bytes
///   -ENODEV     parent_ns has no interface of the parent's name
///   -EEXIST     ns has an interface of that name, or, before Linux 6.15, parent_ns has
///   -EBUSY      the parent is in use otherwise, for example as a port of a bridge
///   -EOPNOTSUPP the kernel does not support macvlan
///   -EPERM      a capability is missing (see Capabilities)
///   -EMFILE, -ENFILE, -ENOMEM, -ENOBUFS  out of file descriptors or memory
///   -EBADMSG, -EMSGSIZE, -ETIMEDOUT  malformed, oversized or missing netlink reply
///   -EAGAIN     cannot start a helper thread (see netns_create())
///   -ENOTRECOVERABLE  cannot switch the calling thread back: it is left in parent_ns
///
/// Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_macvlan_add(
    ns: Option<&Netns>,
    ifname: *const c_char,
    parent_ns: Option<&Netns>,
    parent: *const c_char,
    mode: *const c_char,
) -> c_int {
    // SAFETY: the caller passes NULL or strings.
    let (ifname, parent, mode) = unsafe { (text(ifname), text(parent), text(mode)) };
    let subject = convert::about_setting("add macvlan", ns, ifname, ("on", parent));
    boundary::call(subject, || {
        let mode = mode.map(MacvlanMode::new).transpose()?;
        setup::add_macvlan(place(ns, ifname)?, place(parent_ns, parent)?, mode)
    })
}

/// Creates a VLAN interface (IEEE 802.1Q), which sends and receives the frames of a parent
/// interface that carry one tag. The parent may be in another network namespace. The new interface
/// is down.
///
/// ns, ifname         the network namespace to create it in, and its name; NULL for ns means the
///                    calling thread's.
/// parent_ns, parent  the network namespace and the name of the parent interface; NULL for
///                    parent_ns means the calling thread's.
/// id                 the VLAN ID, 0 to 4094.
///
/// Capabilities: CAP_NET_ADMIN in the user namespaces that own the two network namespaces. Opening
/// the rtnetlink socket of parent_ns (never that of ns) in a network namespace that the calling
/// thread is not in also requires CAP_SYS_ADMIN (see netns_link_add()).
///
/// Returns 0, or
///   -EINVAL     a name is NULL or invalid (see netns_link_move()), or id is greater than 4094
///   -ENAMETOOLONG  a name is longer than 15 bytes
///   -ENODEV     parent_ns has no interface of the parent's name
///   -EEXIST     ns has an interface of that name, or, before Linux 6.15, parent_ns has; or the
///               parent has a VLAN of that id
///   -EOPNOTSUPP the kernel does not support VLANs, or the parent does not
///   -EPERM      a capability is missing (see Capabilities)
///   -EMFILE, -ENFILE, -ENOMEM, -ENOBUFS  out of file descriptors or memory
///   -EBADMSG, -EMSGSIZE, -ETIMEDOUT  malformed, oversized or missing netlink reply
///   -EAGAIN     cannot start a helper thread (see netns_create())
///   -ENOTRECOVERABLE  cannot switch the calling thread back: it is left in parent_ns
///
/// Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_vlan_add(
    ns: Option<&Netns>,
    ifname: *const c_char,
    parent_ns: Option<&Netns>,
    parent: *const c_char,
    id: u16,
) -> c_int {
    // SAFETY: the caller passes NULL or strings.
    let (ifname, parent) = unsafe { (text(ifname), text(parent)) };
    let subject = convert::about_setting("add vlan", ns, ifname, ("on", parent));
    boundary::call(subject, || setup::add_vlan(place(ns, ifname)?, place(parent_ns, parent)?, id))
}

/// Deletes an interface; of a veth pair also its peer, in whatever network namespace that is.
///
/// ns      the network namespace to act in; NULL means the calling thread's.
/// ifname  the interface's name.
///
/// Capabilities: CAP_NET_ADMIN in the user namespace that owns the network namespace. Opening the
/// handle's rtnetlink socket in a network namespace that the calling thread is not in also requires
/// CAP_SYS_ADMIN (see netns_link_add()).
///
/// Returns 0, or
///   -EINVAL     ifname is NULL or an invalid name (see netns_link_move())
///   -ENAMETOOLONG  ifname is longer than 15 bytes
///   -ENODEV     ns has no interface of that name
///   -EOPNOTSUPP the interface cannot be deleted: lo, or a hardware interface
///   -EPERM      a capability is missing (see Capabilities)
///   -EMFILE, -ENFILE, -ENOMEM, -ENOBUFS  out of file descriptors or memory
///   -EBADMSG, -EMSGSIZE, -ETIMEDOUT  malformed, oversized or missing netlink reply
///   -EAGAIN     cannot start a helper thread (see netns_create())
///   -ENOTRECOVERABLE  cannot switch the calling thread back: it is left in ns
///
/// Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_link_del(ns: Option<&Netns>, ifname: *const c_char) -> c_int {
    // SAFETY: the caller passes NULL or a string.
    let ifname = unsafe { text(ifname) };
    boundary::call(convert::about_link("delete interface", ns, ifname), || {
        setup::delete(place(ns, ifname)?)
    })
}

/// Brings an interface up. One that is up already stays up.
///
/// ns      the network namespace to act in; NULL means the calling thread's.
/// ifname  the interface's name.
///
/// Capabilities: CAP_NET_ADMIN in the user namespace that owns the network namespace. Opening the
/// handle's rtnetlink socket in a network namespace that the calling thread is not in also requires
/// CAP_SYS_ADMIN (see netns_link_add()).
///
/// Returns 0, or
///   -EINVAL     ifname is NULL or an invalid name (see netns_link_move())
///   -ENAMETOOLONG  ifname is longer than 15 bytes
///   -ENODEV     ns has no interface of that name
///   -ENETDOWN   the interface is a VLAN, and its parent is down
///   -EPERM      a capability is missing (see Capabilities)
///   -EMFILE, -ENFILE, -ENOMEM, -ENOBUFS  out of file descriptors or memory
///   -EBADMSG, -EMSGSIZE, -ETIMEDOUT  malformed, oversized or missing netlink reply
///   -EAGAIN     cannot start a helper thread (see netns_create())
///   -ENOTRECOVERABLE  cannot switch the calling thread back: it is left in ns
/// or another errno of the interface's driver.
///
/// Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_link_up(ns: Option<&Netns>, ifname: *const c_char) -> c_int {
    // SAFETY: the caller passes NULL or a string.
    let ifname = unsafe { text(ifname) };
    boundary::call(convert::about_link("bring up", ns, ifname), || {
        setup::set_up(place(ns, ifname)?, true)
    })
}

/// Brings an interface down. The kernel removes its IPv6 addresses and the routes through it. One
/// that is down already stays down.
///
/// ns, ifname  as for netns_link_up().
///
/// Capabilities: CAP_NET_ADMIN in the user namespace that owns the network namespace. Opening the
/// handle's rtnetlink socket in a network namespace that the calling thread is not in also requires
/// CAP_SYS_ADMIN (see netns_link_add()).
///
/// Returns 0, or what netns_link_up() returns. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_link_down(ns: Option<&Netns>, ifname: *const c_char) -> c_int {
    // SAFETY: the caller passes NULL or a string.
    let ifname = unsafe { text(ifname) };
    boundary::call(convert::about_link("bring down", ns, ifname), || {
        setup::set_up(place(ns, ifname)?, false)
    })
}

/// Sets an interface's MTU, the size in bytes of the largest packet that it transmits. With an MTU
/// below 1280 the interface loses its IPv6 addresses, below 68 its IPv4 addresses too.
///
/// ns      the network namespace to act in; NULL means the calling thread's.
/// ifname  the interface's name.
/// mtu     the MTU.
///
/// Capabilities: CAP_NET_ADMIN in the user namespace that owns the network namespace. Opening the
/// handle's rtnetlink socket in a network namespace that the calling thread is not in also requires
/// CAP_SYS_ADMIN (see netns_link_add()).
///
/// Returns 0, or
///   -EINVAL     ifname is NULL or an invalid name (see netns_link_move()), or the interface does
///               not support this MTU
///   -ENAMETOOLONG  ifname is longer than 15 bytes
///   -ENODEV     ns has no interface of that name
///   -ERANGE     the interface is a VLAN, and its parent's MTU is smaller
///   -EPERM      a capability is missing (see Capabilities)
///   -EMFILE, -ENFILE, -ENOMEM, -ENOBUFS  out of file descriptors or memory
///   -EBADMSG, -EMSGSIZE, -ETIMEDOUT  malformed, oversized or missing netlink reply
///   -EAGAIN     cannot start a helper thread (see netns_create())
///   -ENOTRECOVERABLE  cannot switch the calling thread back: it is left in ns
/// or another errno of the interface's driver.
///
/// Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_link_set_mtu(
    ns: Option<&Netns>,
    ifname: *const c_char,
    mtu: u32,
) -> c_int {
    // SAFETY: the caller passes NULL or a string.
    let ifname = unsafe { text(ifname) };
    boundary::call(convert::about_link("set the MTU of", ns, ifname), || {
        setup::set_mtu(place(ns, ifname)?, mtu)
    })
}

/// Sets an interface's link-layer address.
///
/// ns      the network namespace to act in; NULL means the calling thread's.
/// ifname  the interface's name.
/// lladdr  hexadecimal bytes separated by colons, such as "02:00:5e:10:00:01".
///
/// Capabilities: CAP_NET_ADMIN in the user namespace that owns the network namespace. Opening the
/// handle's rtnetlink socket in a network namespace that the calling thread is not in also requires
/// CAP_SYS_ADMIN (see netns_link_add()).
///
/// Returns 0, or
///   -EINVAL     ifname is NULL or an invalid name (see netns_link_move()), or lladdr is NULL, not
///               a link-layer address, or not as long as the interface's
///   -ENAMETOOLONG  ifname is longer than 15 bytes
///   -ENODEV     ns has no interface of that name
///   -EADDRNOTAVAIL  no interface may have this address: it is multicast or all zeros
///   -EADDRINUSE the interface is a macvlan, and another macvlan of its parent has the address
///   -EBUSY      the interface has to be down for this
///   -EOPNOTSUPP the address of an interface of this kind cannot be set
///   -EPERM      a capability is missing (see Capabilities)
///   -EMFILE, -ENFILE, -ENOMEM, -ENOBUFS  out of file descriptors or memory
///   -EBADMSG, -EMSGSIZE, -ETIMEDOUT  malformed, oversized or missing netlink reply
///   -EAGAIN     cannot start a helper thread (see netns_create())
///   -ENOTRECOVERABLE  cannot switch the calling thread back: it is left in ns
///
/// Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_link_set_address(
    ns: Option<&Netns>,
    ifname: *const c_char,
    lladdr: *const c_char,
) -> c_int {
    // SAFETY: the caller passes NULL or strings.
    let (ifname, address) = unsafe { (text(ifname), text(lladdr)) };
    let subject = convert::about_setting("set the address of", ns, ifname, ("to", address));
    boundary::call(subject, || {
        let address = convert::required(address, "no address given")?;
        setup::set_address(place(ns, ifname)?, LinkAddress::parse(address)?)
    })
}

/// Makes an interface a port of a bridge, a bond or another master in the same network namespace. A
/// port of another master leaves that one first; if the new master rejects it, the library puts it
/// back.
///
/// ns      the network namespace to act in; NULL means the calling thread's.
/// ifname  the interface's name.
/// master  the master's name; NULL makes the interface leave its master, if it has one.
///
/// Capabilities: CAP_NET_ADMIN in the user namespace that owns the network namespace. Opening the
/// handle's rtnetlink socket in a network namespace that the calling thread is not in also requires
/// CAP_SYS_ADMIN (see netns_link_add()).
///
/// Returns 0, or
///   -EINVAL     ifname is NULL, a name is invalid (see netns_link_move()), or the interface cannot
///               be a port, as lo cannot
///   -ENAMETOOLONG  a name is longer than 15 bytes
///   -ENODEV     ns has no interface of one of the names
///   -EBUSY      the interface is in use otherwise, for example as the parent of a macvlan
///   -ELOOP      the interface is a bridge, which cannot be a port of another bridge
///   -EOPNOTSUPP master cannot have ports
///   -EPERM      a capability is missing (see Capabilities)
///   -EMFILE, -ENFILE, -ENOMEM, -ENOBUFS  out of file descriptors or memory
///   -EBADMSG, -EMSGSIZE, -ETIMEDOUT  malformed, oversized or missing netlink reply
///   -EAGAIN     cannot start a helper thread (see netns_create())
///   -ENOTRECOVERABLE  cannot switch the calling thread back: it is left in ns
///
/// Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_link_set_master(
    ns: Option<&Netns>,
    ifname: *const c_char,
    master: *const c_char,
) -> c_int {
    // SAFETY: the caller passes NULL or strings.
    let (ifname, master) = unsafe { (text(ifname), text(master)) };
    let subject = convert::about_setting("set the master of", ns, ifname, ("to", master));
    boundary::call(subject, || {
        let master = master.map(LinkName::new).transpose()?;
        setup::set_master(place(ns, ifname)?, master)
    })
}
