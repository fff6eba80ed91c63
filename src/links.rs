//! Links: interfaces moved, created, changed and deleted.

use std::ffi::{CStr, c_char, c_int};

use libnetns::error::Result;
use libnetns::rtnl::ip::LinkAddress;
use libnetns::rtnl::link::setup::{self, LinkKind, LinkLocation, MacvlanMode};
use libnetns::rtnl::link::{self, LinkName};

use crate::boundary;
use crate::convert::{self, text};
use crate::types::Netns;

/// Moves an interface to another namespace, and gives it a new name there if asked.
///
/// from     the namespace that it is in; NULL is the calling thread's.
/// ifname   its name, or one of its alternative names.
/// to       the namespace that it is to be in; netns_open_current() gives the calling thread's.
///          If it is there already, it gets the new name.
/// newname  NULL: it keeps its name.
///
/// An interface that moves is down afterwards, has no addresses and no routes, and may have another
/// index. A physical one goes to the initial namespace when the one that it is in goes; a virtual
/// one goes with it.
///
/// The first call with a handle opens an rtnetlink socket in its namespace, in that of to only if
/// newname is not NULL. The handle keeps it until netns_close().
///
/// Returns 0, or
///   -EINVAL     ifname or to is NULL; a name is empty, ".", "..", "all" or "default", or has a '/',
///               ':', '%', white space or the byte 0xa0; or the interface belongs to its namespace
///               (lo, a bridge ...): netns_errmsg() has the kernel's word for it
///   -ENAMETOOLONG  a name has more than 15 bytes
///   -ENODEV     from has no interface of this name
///   -EEXIST     to has another interface of the name that this one keeps or is to get, or newname
///               is an alternative name of this one
///   -EPERM      CAP_NET_ADMIN over both namespaces, or CAP_SYS_ADMIN to reach one that the calling
///               thread is not in, is missing
///   -EBUSY      the interface is in use, or is in to already and up (before Linux 6.2)
///   -EOPNOTSUPP the driver does not let it move
///   -EAGAIN     no helper thread could be started, where one is needed (see netns_create())
///   -EMFILE, -ENFILE, -ENOBUFS, -ENOMEM  no descriptor or memory to be had
///   -EBADMSG, -EMSGSIZE, -ETIMEDOUT  the kernel gave no answer that makes sense
///   -ENOTRECOVERABLE  the thread could not go back: it is in one of the two
/// On failure the interface is where it was, under its old name. It is as it was, too, unless somebody
/// made another of the new name in to at that very moment: then it has been there and back.
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
        let to = convert::required(to, "no namespace to move to given")?;
        let new_name = newname.map(|name| convert::link_name(Some(name))).transpose()?;
        link::move_to(convert::namespace(from), name, &to.0, new_name)
    })
}

/// Makes an interface of a kind that needs no parameters, such as "bridge", "ifb" or "dummy".
///
/// ns      where it comes to be; NULL is the calling thread's namespace.
/// ifname  its name, 1 to 15 bytes.
/// kind    as in `ip link add type KIND`. A veth is refused, having two ends: netns_veth_add().
///
/// The first call with a handle, of this one and of all that follow below, opens an rtnetlink socket in
/// its namespace, which the handle keeps until netns_close(); calls that follow cost no switch.
///
/// Returns 0, or
///   -EINVAL     a pointer is NULL, ifname is unfit, see netns_link_move(), or kind is empty, longer
///               than 55 bytes or needs parameters; "veth", "macvlan" and "vlan" have calls of their
///               own
///   -ENAMETOOLONG  ifname is longer than 15 bytes
///   -EEXIST     there is an interface of that name
///   -EOPNOTSUPP the kernel has no such kind of interface
///   -EPERM      CAP_NET_ADMIN over the namespace is missing
///   -ENOMEM, -ENFILE, -EMFILE, -ENOBUFS  no memory or descriptor to be had
///   -EBADMSG, -EMSGSIZE, -ETIMEDOUT  the kernel gave no answer that makes sense
///   -EAGAIN, -ENOTRECOVERABLE  as netns_socket() says
/// and what else the kind's driver says. Since 1.0.
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

/// Makes a veth pair, each end in its final namespace from the beginning, in one request to the
/// kernel: where it fails, there is neither.
///
/// ns, ifname            where the one end comes to be, and its name.
/// peer_ns, peer_ifname  the same for the other; the namespaces may be one.
///
/// Returns 0, or
///   -EINVAL     a name is NULL or unfit, see netns_link_move()
///   -ENAMETOOLONG  a name is longer than 15 bytes
///   -EEXIST     there is an interface of one of the names in its namespace
///   -EOPNOTSUPP the kernel has no veth
///   -EPERM      CAP_NET_ADMIN over one of the namespaces is missing
///   -ENOMEM, -ENFILE, -EMFILE, -ENOBUFS  no memory or descriptor to be had
///   -EBADMSG, -EMSGSIZE, -ETIMEDOUT  the kernel gave no answer that makes sense
///   -EAGAIN, -ENOTRECOVERABLE  as netns_socket() says
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

/// Makes a macvlan: an interface with a link-layer address of its own on top of another one, which may
/// be in another namespace.
///
/// ns, ifname         where it comes to be, and its name.
/// parent_ns, parent  the interface that it is on.
/// mode    "private", "vepa", "bridge" or "passthru": how the macvlans of one parent reach each
///         other. NULL is the kernel's own choice, "vepa", by which they do not unless a switch
///         outside sends back; "bridge" is what most want.
///
/// Returns 0, or
///   -EINVAL     a name is NULL or unfit, see netns_link_move(), mode is unknown, or the parent can
///               have no macvlan, such as lo, or none beside one of "passthru"
///   -ENAMETOOLONG  a name is longer than 15 bytes
///   -ENODEV     there is no such parent
///   -EEXIST     there is an interface of that name, or before Linux 6.15 where the parent is
///   -EBUSY      the parent is in use otherwise, as a port of a bridge for example
///   -EOPNOTSUPP the kernel has no macvlan
///   -EPERM      CAP_NET_ADMIN over one of the namespaces is missing
///   -ENOMEM, -ENFILE, -EMFILE, -ENOBUFS  no memory or descriptor to be had
///   -EBADMSG, -EMSGSIZE, -ETIMEDOUT  the kernel gave no answer that makes sense
///   -EAGAIN, -ENOTRECOVERABLE  as netns_socket() says
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

/// Makes a VLAN interface (IEEE 802.1Q): what another one, which may be in another namespace, sends and
/// receives with one tag.
///
/// ns, ifname         where it comes to be, and its name.
/// parent_ns, parent  the interface that it is on.
/// id                 the tag, 0 to 4094.
///
/// Returns 0, or
///   -EINVAL     a name is NULL or unfit, see netns_link_move(), or id is over 4094
///   -ENAMETOOLONG  a name is longer than 15 bytes
///   -ENODEV     there is no such parent
///   -EEXIST     there is an interface of that name, or before Linux 6.15 where the parent is, or one
///               of that id on the parent
///   -EOPNOTSUPP the kernel has no VLANs, or the parent can have none
///   -EPERM      CAP_NET_ADMIN over one of the namespaces is missing
///   -ENOMEM, -ENFILE, -EMFILE, -ENOBUFS  no memory or descriptor to be had
///   -EBADMSG, -EMSGSIZE, -ETIMEDOUT  the kernel gave no answer that makes sense
///   -EAGAIN, -ENOTRECOVERABLE  as netns_socket() says
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

/// Takes an interface away. A veth takes its other end along, wherever that is.
///
/// Returns 0, or
///   -EINVAL     ifname is NULL or unfit, see netns_link_move()
///   -ENAMETOOLONG  ifname is longer than 15 bytes
///   -ENODEV     there is no such interface
///   -EOPNOTSUPP it cannot be taken away: lo, or an interface of hardware
///   -EPERM      CAP_NET_ADMIN over the namespace is missing
///   -ENOMEM, -ENFILE, -EMFILE, -ENOBUFS  no memory or descriptor to be had
///   -EBADMSG, -EMSGSIZE, -ETIMEDOUT  the kernel gave no answer that makes sense
///   -EAGAIN, -ENOTRECOVERABLE  as netns_socket() says
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

/// Brings an interface up.
///
/// Returns 0, or
///   -EINVAL     ifname is NULL or unfit, see netns_link_move()
///   -ENAMETOOLONG  ifname is longer than 15 bytes
///   -ENODEV     there is no such interface
///   -ENETDOWN   it is a VLAN, and its parent is down
///   -EPERM      CAP_NET_ADMIN over the namespace is missing
///   -ENOMEM, -ENFILE, -EMFILE, -ENOBUFS  no memory or descriptor to be had
///   -EBADMSG, -EMSGSIZE, -ETIMEDOUT  the kernel gave no answer that makes sense
///   -EAGAIN, -ENOTRECOVERABLE  as netns_socket() says
/// and what else the interface's driver says. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_link_up(ns: Option<&Netns>, ifname: *const c_char) -> c_int {
    // SAFETY: the caller passes NULL or a string.
    let ifname = unsafe { text(ifname) };
    boundary::call(convert::about_link("bring up", ns, ifname), || {
        setup::set_up(place(ns, ifname)?, true)
    })
}

/// Takes an interface down. Its IPv6 addresses and the routes over it go.
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

/// Sets how many bytes a packet over an interface may have. Below 1280 it loses its IPv6
/// addresses, and below 68 all of them.
///
/// Returns 0, or
///   -EINVAL     ifname is NULL or unfit, see netns_link_move(), or the interface cannot have this MTU
///   -ENAMETOOLONG  ifname is longer than 15 bytes
///   -ENODEV     there is no such interface
///   -ERANGE     it is a VLAN, and its parent's MTU is smaller
///   -EPERM      CAP_NET_ADMIN over the namespace is missing
///   -ENOMEM, -ENFILE, -EMFILE, -ENOBUFS  no memory or descriptor to be had
///   -EBADMSG, -EMSGSIZE, -ETIMEDOUT  the kernel gave no answer that makes sense
///   -EAGAIN, -ENOTRECOVERABLE  as netns_socket() says
/// and what else the interface's driver says. Since 1.0.
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
/// lladdr  hexadecimal bytes with colons, such as "02:00:5e:10:00:01".
///
/// Returns 0, or
///   -EINVAL     ifname is NULL or unfit, see netns_link_move(), or lladdr is NULL, no link-layer
///               address, or of another length than the interface's
///   -ENAMETOOLONG  ifname is longer than 15 bytes
///   -ENODEV     there is no such interface
///   -EADDRNOTAVAIL  no interface may have that address: a multicast one, or zeros
///   -EADDRINUSE  the interface is a macvlan, and another on the same parent has it
///   -EBUSY      the interface must be down for it
///   -EOPNOTSUPP an interface of this kind has none that can be set
///   -EPERM      CAP_NET_ADMIN over the namespace is missing
///   -ENOMEM, -ENFILE, -EMFILE, -ENOBUFS  no memory or descriptor to be had
///   -EBADMSG, -EMSGSIZE, -ETIMEDOUT  the kernel gave no answer that makes sense
///   -EAGAIN, -ENOTRECOVERABLE  as netns_socket() says
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

/// Makes an interface a port of a bridge, bond or the like in the same namespace. A port of another
/// one leaves that; if the new one refuses it, it is put back.
///
/// master  its name; NULL takes the interface out of the one that it is a port of, if there is one.
///
/// Returns 0, or
///   -EINVAL     ifname is NULL, a name is unfit, see netns_link_move(), or the interface, such as lo,
///               can be no port
///   -ENAMETOOLONG  a name is longer than 15 bytes
///   -ENODEV     there is no such interface, or no such master
///   -EBUSY      the interface is in use otherwise, as the parent of a macvlan for example
///   -ELOOP      the interface is a bridge, which cannot be another's port
///   -EOPNOTSUPP the master is none
///   -EPERM      CAP_NET_ADMIN over the namespace is missing
///   -ENOMEM, -ENFILE, -EMFILE, -ENOBUFS  no memory or descriptor to be had
///   -EBADMSG, -EMSGSIZE, -ETIMEDOUT  the kernel gave no answer that makes sense
///   -EAGAIN, -ENOTRECOVERABLE  as netns_socket() says
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
