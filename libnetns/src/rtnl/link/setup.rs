//! Creating, changing and deleting interfaces.

use std::ffi::CStr;
use std::os::fd::BorrowedFd;

use netlink_packet_core::{Emitable, NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::link::{LinkFlags, LinkHeader};
use nix::errno::Errno;

use crate::error::{Failure, Result, Step};
use crate::namespace::handle::Namespace;
use crate::rtnl::attributes::{Attribute, Attributes};
use crate::rtnl::connection;
use crate::rtnl::ip::LinkAddress;
use crate::rtnl::link::{LinkName, find, in_namespace, index_of, with_descriptor};
use crate::rtnl::message::Request;
use crate::rtnl::protocol::RtnlSocket;

/// VETH_INFO_PEER
const VETH_PEER: u16 = 1;
/// IFLA_MACVLAN_MODE
const MACVLAN_MODE: u16 = 1;
/// IFLA_VLAN_ID
const VLAN_ID: u16 = 1;
const LARGEST_VLAN_ID: u16 = 4094;

/// LOOPBACK_IFINDEX, the same in every namespace.
const LO: u32 = 1;

/// The place of an existing or new interface; without a namespace, it is the calling thread's.
#[derive(Clone, Copy)]
pub struct LinkLocation<'a> {
    pub ns: Option<&'a Namespace>,
    pub name: LinkName<'a>,
}

/// A kind of interface, as the kernel module calls it: "bridge", "ifb" ...
#[derive(Clone, Copy)]
pub struct LinkKind<'a>(&'a CStr);

impl<'a> LinkKind<'a> {
    /// MODULE_NAME_LEN - 1: the kernel would truncate a longer name.
    const LONGEST: usize = 55;

    pub fn new(kind: &'a CStr) -> Result<LinkKind<'a>> {
        match kind.to_bytes() {
            b"" => Err(Failure::invalid_at(Step::LinkKind, "the kind is empty")),
            b"veth" => Err(Failure::invalid_at(
                Step::LinkKind,
                "a veth interface must be created as a pair, with its peer",
            )),
            b"macvlan" => Err(Failure::invalid_at(
                Step::LinkKind,
                "a macvlan must be created on a parent interface",
            )),
            b"vlan" => Err(Failure::invalid_at(
                Step::LinkKind,
                "a VLAN must be created on a parent interface",
            )),
            kind if kind.len() > LinkKind::LONGEST => {
                Err(Failure::invalid_at(Step::LinkKind, "a kind can have at most 55 bytes"))
            }
            _ => Ok(LinkKind(kind)),
        }
    }
}

pub fn add(place: LinkLocation, kind: LinkKind) -> Result<()> {
    connection::with(place.ns, |rtnl| {
        let info = [Attribute::text(libc::IFLA_INFO_KIND, kind.0)];
        make(rtnl, Step::MakeLink, place.name, &info, None)
    })
}

/// Creates a pair. Each end is created in its place.
pub fn add_veth(here: LinkLocation, there: LinkLocation) -> Result<()> {
    with_target(there.ns, here.ns, |target| {
        connection::with(here.ns, |rtnl| {
            if let Some(target) = target {
                check_right_over(target, rtnl)?;
            }
            let name = there.name.attribute();
            let (elsewhere, alike) = (target.map(|target| [name, in_namespace(target)]), [name]);
            let peer = elsewhere.as_ref().map_or(&alike[..], |elsewhere| elsewhere);
            let header = LinkHeader::default();
            let data = [Attribute::link(VETH_PEER, &header, peer)];
            make(rtnl, Step::MakeVeth, here.name, &info(c"veth", &data), None)
        })
    })
}

/// Fails with EPERM unless the caller has CAP_NET_ADMIN over `target`. Older kernels (6.1) do not check this
/// for the peer of a veth. All of them check it when lo is moved there, before they reject that.
fn check_right_over(target: BorrowedFd, rtnl: &mut RtnlSocket) -> Result<()> {
    let header = LinkHeader { index: LO, ..LinkHeader::default() };
    let mut request = Request::new(Step::MakeVeth, libc::RTM_SETLINK, &header);
    request.put(&in_namespace(target));
    match rtnl.change(&mut request, 0) {
        Err(Failure { errno: Errno::EINVAL, .. }) => Ok(()),
        result => result,
    }
}

/// How the macvlans of one parent can reach each other.
#[derive(Clone, Copy)]
pub struct MacvlanMode(u32);

impl MacvlanMode {
    pub fn new(text: &CStr) -> Result<MacvlanMode> {
        // MACVLAN_MODE_PRIVATE ...
        let bit = match text.to_bytes() {
            b"private" => 1,
            b"vepa" => 2,
            b"bridge" => 4,
            b"passthru" => 8,
            _ => {
                return Err(Failure::invalid_at(
                    Step::MacvlanMode,
                    "the mode must be private, vepa, bridge or passthru",
                ));
            }
        };
        Ok(MacvlanMode(bit))
    }
}

/// Without a mode, the kernel uses vepa.
pub fn add_macvlan(
    place: LinkLocation,
    parent: LinkLocation,
    mode: Option<MacvlanMode>,
) -> Result<()> {
    let mode = mode.map(|mode| [Attribute::number(MACVLAN_MODE, mode.0)]);
    let info = info(c"macvlan", mode.as_ref().map_or(&[], |mode| mode));
    add_on(place, parent, Step::MakeMacvlan, &info)
}

pub fn add_vlan(place: LinkLocation, parent: LinkLocation, id: u16) -> Result<()> {
    if id > LARGEST_VLAN_ID {
        return Err(Failure::invalid_at(Step::VlanId, "a VLAN ID must be 0 to 4094"));
    }
    let id = id.to_ne_bytes();
    add_on(place, parent, Step::MakeVlan, &info(c"vlan", &[Attribute::bytes(VLAN_ID, &id)]))
}

/// The request is made in the parent's namespace, because only that one knows the parent.
fn add_on(place: LinkLocation, parent: LinkLocation, step: Step, info: &[Attribute]) -> Result<()> {
    with_target(place.ns, parent.ns, |target| {
        connection::with(parent.ns, |rtnl| {
            let parent = index_of_other(
                rtnl,
                parent.name,
                "the parent's namespace has no interface with the parent's name",
            )?;
            make(rtnl, step, place.name, info, Some((parent, target)))
        })
    })
}

/// Calls `work` with a descriptor of `ns` for a request that is made in `asked`, or with `None` if they are
/// the same and the interface is created where the request is made.
fn with_target<T>(
    ns: Option<&Namespace>,
    asked: Option<&Namespace>,
    work: impl FnOnce(Option<BorrowedFd>) -> Result<T>,
) -> Result<T> {
    if ns == asked {
        return work(None);
    }
    with_descriptor(ns, |target| work(Some(target)))
}

/// `on` is the parent interface, and the namespace in which the new interface is created.
fn make(
    rtnl: &mut RtnlSocket,
    step: Step,
    interface: LinkName,
    info: &[Attribute],
    on: Option<(u32, Option<BorrowedFd>)>,
) -> Result<()> {
    let mut request = Request::new(step, libc::RTM_NEWLINK, &LinkHeader::default());
    request.put(&interface.attribute());
    request.put(&Attribute::nest(libc::IFLA_LINKINFO, info));
    if let Some((parent, target)) = on {
        request.put(&Attribute::number(libc::IFLA_LINK, parent));
        if let Some(target) = target {
            request.put(&in_namespace(target));
        }
    }
    rtnl.change(&mut request, NLM_F_CREATE | NLM_F_EXCL)
}

fn info<'a>(kind: &'a CStr, data: &'a [Attribute<'a>]) -> [Attribute<'a>; 2] {
    [Attribute::text(libc::IFLA_INFO_KIND, kind), Attribute::nest(libc::IFLA_INFO_DATA, data)]
}

/// Returns the index of an interface that is not the subject of the call.
fn index_of_other(rtnl: &mut RtnlSocket, name: LinkName, missing: &'static str) -> Result<u32> {
    index_of(rtnl, name).map_err(|failure| match failure.errno {
        Errno::ENODEV => failure.hint(missing),
        _ => failure,
    })
}

/// This also deletes the peer of a veth.
pub fn delete(place: LinkLocation) -> Result<()> {
    let mut request = Request::new(Step::DeleteLink, libc::RTM_DELLINK, &LinkHeader::default());
    request.put(&place.name.attribute());
    connection::with(place.ns, |rtnl| rtnl.change(&mut request, 0))
}

pub fn set_up(place: LinkLocation, up: bool) -> Result<()> {
    let flags = if up { LinkFlags::Up } else { LinkFlags::empty() };
    let header = LinkHeader { flags, change_mask: LinkFlags::Up, ..LinkHeader::default() };
    let mut request = Request::new(Step::ChangeLink, libc::RTM_SETLINK, &header);
    request.put(&place.name.attribute());
    connection::with(place.ns, |rtnl| rtnl.change(&mut request, 0))
}

pub fn set_mtu(place: LinkLocation, mtu: u32) -> Result<()> {
    let mtu = Attribute::number(libc::IFLA_MTU, mtu);
    connection::with(place.ns, |rtnl| set(rtnl, Step::SetMtu, place.name, mtu))
}

pub fn set_address(place: LinkLocation, address: LinkAddress) -> Result<()> {
    let address = address.as_bytes();
    connection::with(place.ns, |rtnl| {
        // The kernel would truncate a longer address without an error.
        let own = ask(rtnl, place.name, |link| link.bytes(libc::IFLA_ADDRESS).map(<[u8]>::len))?;
        if own.unwrap_or(0) != address.len() {
            return Err(Failure::invalid_at(
                Step::LinkAddress,
                "the interface's link-layer address has another length",
            ));
        }
        let address = Attribute::bytes(libc::IFLA_ADDRESS, address);
        set(rtnl, Step::SetLinkAddress, place.name, address)
    })
}

/// Makes the interface a port of `master`; `None` removes it from the interface that it is a port of.
pub fn set_master(place: LinkLocation, master: Option<LinkName>) -> Result<()> {
    connection::with(place.ns, |rtnl| {
        let index = match master {
            Some(name) => {
                index_of_other(rtnl, name, "the namespace has no interface with the master's name")?
            }
            None => 0,
        };
        let before = ask(rtnl, place.name, |link| link.number(libc::IFLA_MASTER))?;
        let enslave = |rtnl: &mut RtnlSocket, index| {
            let master = Attribute::number(libc::IFLA_MASTER, index);
            set(rtnl, Step::SetMaster, place.name, master)
        };
        let result = enslave(rtnl, index);
        // The kernel removes it from the old master before it asks the new one.
        if let (Err(_), Some(before)) = (&result, before) {
            let _ = enslave(rtnl, before);
        }
        result
    })
}

fn set(rtnl: &mut RtnlSocket, step: Step, interface: LinkName, attribute: Attribute) -> Result<()> {
    let mut request = Request::new(step, libc::RTM_SETLINK, &LinkHeader::default());
    request.put(&interface.attribute());
    request.put(&attribute);
    rtnl.change(&mut request, 0)
}

/// Returns what `read` extracts from the kernel's description of an interface.
fn ask<T>(
    rtnl: &mut RtnlSocket,
    interface: LinkName,
    read: impl Fn(Attributes) -> Option<T>,
) -> Result<Option<T>> {
    find(rtnl, interface, |message| {
        let header = LinkHeader::default().buffer_len();
        Ok(read(Attributes::behind(header, message.payload)))
    })
}
