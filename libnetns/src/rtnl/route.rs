//! Adding and deleting routes.

pub mod list;

use std::ffi::CStr;
use std::net::IpAddr;

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::AddressFamily;
use netlink_packet_route::route::{RouteHeader, RouteProtocol, RouteScope, RouteType};

use crate::error::{Failure, Result, Step};
use crate::namespace::handle::Namespace;
use crate::rtnl::attributes::Attribute;
use crate::rtnl::connection;
use crate::rtnl::ip::{self, Octets, Prefix};
use crate::rtnl::link::{self, LinkName};
use crate::rtnl::message::Request;

/// A gateway of another address family than the route's. The libc crate lacks this constant for musl.
const RTA_VIA: u16 = 18;

/// The identifying attributes of a route: its destination, gateway and interface.
#[derive(Clone, Copy)]
pub struct RouteSpec<'a> {
    pub to: Prefix,
    pub via: Option<IpAddr>,
    pub interface: Option<LinkName<'a>>,
}

impl<'a> RouteSpec<'a> {
    pub fn new(
        to: &CStr,
        via: Option<IpAddr>,
        interface: Option<LinkName<'a>>,
    ) -> Result<RouteSpec<'a>> {
        if via.is_none() && interface.is_none() {
            return Err(Failure::invalid("a route needs a gateway or an interface"));
        }
        // For IPv4, the kernel takes this for no gateway and adds a route that leads elsewhere.
        if via.is_some_and(|via| via.is_unspecified()) {
            return Err(Failure::invalid_at(
                Step::Gateway,
                "a gateway cannot have the all-zero address",
            ));
        }
        let to = if to == c"default" { everything(via) } else { Prefix::parse(to)? };
        // For IPv4 the kernel reports this error; for IPv6 it drops the additional bits.
        if !to.is_network() {
            return Err(Failure::invalid_at(
                Step::Destination,
                "bits are set beyond the prefix length",
            ));
        }
        Ok(RouteSpec { to, via, interface })
    }
}

fn everything(via: Option<IpAddr>) -> Prefix {
    let address = match via {
        Some(IpAddr::V6(_)) => IpAddr::from([0; 16]),
        _ => IpAddr::from([0; 4]),
    };
    Prefix { address, len: 0 }
}

pub fn add(ns: Option<&Namespace>, route: RouteSpec) -> Result<()> {
    let header = RouteHeader {
        protocol: RouteProtocol::Boot,
        scope: scope_of(&route),
        kind: RouteType::Unicast,
        ..header(&route)
    };
    let request = Request::new(Step::AddRoute, libc::RTM_NEWROUTE, &header);
    change(ns, route, request, NLM_F_CREATE | NLM_F_EXCL)
}

/// Without a gateway, the destination is on the link itself. IPv6 has no scopes.
fn scope_of(route: &RouteSpec) -> RouteScope {
    match (route.via, route.to.address) {
        (None, IpAddr::V4(_)) => RouteScope::Link,
        _ => RouteScope::Universe,
    }
}

/// Deletes the route whatever its origin, type and scope are.
pub fn delete(ns: Option<&Namespace>, route: RouteSpec) -> Result<()> {
    let header = RouteHeader { scope: RouteScope::NoWhere, ..header(&route) };
    change(ns, route, Request::new(Step::DeleteRoute, libc::RTM_DELROUTE, &header), 0)
}

fn header(route: &RouteSpec) -> RouteHeader {
    RouteHeader {
        address_family: ip::family(route.to.address),
        destination_prefix_length: route.to.len,
        table: RouteHeader::RT_TABLE_MAIN,
        ..RouteHeader::default()
    }
}

fn change(ns: Option<&Namespace>, route: RouteSpec, mut request: Request, how: u16) -> Result<()> {
    if route.to.len > 0 {
        request.put(&Attribute::bytes(libc::RTA_DST, Octets::of(route.to.address).as_bytes()));
    }
    if let Some(via) = route.via {
        request.put(&Gateway::new(via).attribute(ip::family(route.to.address)));
    }
    connection::with(ns, |socket| {
        if let Some(interface) = route.interface {
            request.put(&Attribute::number(libc::RTA_OIF, link::index_of(socket, interface)?));
        }
        socket.change(&mut request, how)
    })
}

/// The nexthop in the form of struct rtvia: the family, then the address.
struct Gateway {
    family: AddressFamily,
    bytes: [u8; 18],
    len: usize,
}

impl Gateway {
    fn new(address: IpAddr) -> Gateway {
        let (family, octets) = (ip::family(address), Octets::of(address));
        let mut bytes = [0; 18];
        bytes[..2].copy_from_slice(&u16::from(u8::from(family)).to_ne_bytes());
        let len = 2 + octets.as_bytes().len();
        bytes[2..len].copy_from_slice(octets.as_bytes());
        Gateway { family, bytes, len }
    }

    /// An IPv4 route may have a gateway of IPv6 (Linux 5.2).
    fn attribute(&self, family: AddressFamily) -> Attribute<'_> {
        if self.family == family {
            return Attribute::bytes(libc::RTA_GATEWAY, &self.bytes[2..self.len]);
        }
        Attribute::bytes(RTA_VIA, &self.bytes[..self.len])
    }
}
