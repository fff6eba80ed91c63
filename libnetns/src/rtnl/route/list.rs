//! Listing the routes of a namespace.

use bitflags::bitflags;
use netlink_packet_route::AddressFamily;
use netlink_packet_route::route::RouteHeader;

use crate::error::{Result, Step};
use crate::namespace::handle::Namespace;
use crate::rtnl::attributes::Attributes;
use crate::rtnl::connection;
use crate::rtnl::ip::{self, Prefix};
use crate::rtnl::link::list::LinkNames;
use crate::rtnl::message::Request;
use crate::rtnl::route::RTA_VIA;
use crate::util::text::Text;
use crate::util::try_vec::push;

bitflags! {
    #[derive(Clone, Copy)]
    pub struct RouteListFlags: u32 {
        /// The routes of every table, not only those of the main table.
        const ALL_TABLES = 1;
    }
}

/// A route, or one nexthop of a multipath route.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    pub destination: Text<50>,
    pub gateway: Text<46>,
    pub interface: Text<16>,
    pub index: u32,
    pub metric: u32,
    pub table: u32,
    pub family: u8,
    pub protocol: u8,
    pub scope: u8,
    pub route_type: u8,
}

/// struct rtmsg
const HEADER: usize = 12;
/// struct rtnexthop
const NEXTHOP: usize = 8;

/// Returns all IP routes of `ns`: IPv4 first, each family in the order of the kernel.
pub fn list(ns: Option<&Namespace>, flags: RouteListFlags) -> Result<Vec<Route>> {
    connection::with(ns, |socket| {
        // Without strict checks, Linux returns all tables anyway.
        let all = flags.contains(RouteListFlags::ALL_TABLES);
        let table = if all { RouteHeader::RT_TABLE_UNSPEC } else { RouteHeader::RT_TABLE_MAIN };
        let header = RouteHeader { table, ..RouteHeader::default() };
        let mut request = Request::new(Step::ListRoutes, libc::RTM_GETROUTE, &header);
        let mut routes = socket
            .dump_each(&mut request, |message, routes| read(routes, message.payload, flags))?;
        let names = LinkNames::read(socket)?;
        for route in &mut routes {
            route.interface = names.of(route.index);
        }
        Ok(routes)
    })
}

/// Appends the routes in a message.
pub fn read(routes: &mut Vec<Route>, message: &[u8], flags: RouteListFlags) -> Result<()> {
    match Route::parse(message, flags) {
        Some(route) => push_nexthops(routes, route, message),
        None => Ok(()),
    }
}

/// A multipath route has one entry per nexthop.
fn push_nexthops(routes: &mut Vec<Route>, route: Route, message: &[u8]) -> Result<()> {
    let Some(mut nexthops) = Attributes::behind(HEADER, message).bytes(libc::RTA_MULTIPATH) else {
        return push(routes, route);
    };
    while let Some((index, attributes)) = next_nexthop(&mut nexthops) {
        push(routes, Route { index, gateway: gateway(attributes), ..route })?;
    }
    Ok(())
}

impl Route {
    /// Returns `None` if it belongs to another table or is not an IP route; the kernel also has multicast and
    /// MPLS routes.
    fn parse(message: &[u8], flags: RouteListFlags) -> Option<Route> {
        let header = RouteHeader::parse(message).ok()?;
        let attributes = Attributes::behind(HEADER, message);
        let number = |kind| attributes.number(kind);
        let table = number(libc::RTA_TABLE).unwrap_or(header.table.into());
        if table != libc::RT_TABLE_MAIN.into() && !flags.contains(RouteListFlags::ALL_TABLES) {
            return None;
        }
        if !matches!(header.address_family, AddressFamily::Inet | AddressFamily::Inet6) {
            return None;
        }
        let prefix = header.destination_prefix_length;
        Some(Route {
            destination: destination(attributes.bytes(libc::RTA_DST), prefix),
            gateway: gateway(attributes),
            interface: Text::default(),
            index: number(libc::RTA_OIF).unwrap_or(0),
            metric: number(libc::RTA_PRIORITY).unwrap_or(0),
            table,
            family: header.address_family.into(),
            protocol: header.protocol.into(),
            scope: header.scope.into(),
            route_type: header.kind.into(),
        })
    }
}

/// Returns "10.0.0.0/8", or "default".
fn destination(address: Option<&[u8]>, prefix: u8) -> Text<50> {
    match address.and_then(ip::from_octets) {
        Some(address) => Text::of(Prefix { address, len: prefix }),
        None => Text::new(b"default"),
    }
}

/// Splits off the first of several nexthops: the index of its interface, and its attributes.
fn next_nexthop<'a>(nexthops: &mut &'a [u8]) -> Option<(u32, Attributes<'a>)> {
    let len = usize::from(u16::from_ne_bytes(*nexthops.first_chunk()?));
    let nexthop = nexthops.get(..len)?;
    *nexthops = nexthops.get(len.next_multiple_of(4)..).unwrap_or_default();
    let [_, _, _, _, index @ ..] = *nexthop.first_chunk::<NEXTHOP>()?;
    Some((u32::from_ne_bytes(index), Attributes::behind(NEXTHOP, nexthop)))
}

fn gateway(attributes: Attributes) -> Text<46> {
    let own = attributes.bytes(libc::RTA_GATEWAY);
    // The address of a gateway of the other family follows the number of its family.
    let other = || attributes.bytes(RTA_VIA).and_then(|via| via.get(2..));
    own.or_else(other).and_then(ip::from_octets).map(Text::of).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtnl::attributes::Attribute;
    use netlink_packet_core::Emitable;

    fn message(table: u8, family: AddressFamily, attributes: &[Attribute]) -> Vec<u8> {
        let header = RouteHeader {
            address_family: family,
            destination_prefix_length: 8,
            table,
            ..RouteHeader::default()
        };
        let mut bytes = vec![0; HEADER + attributes.buffer_len()];
        header.emit(&mut bytes);
        attributes.emit(&mut bytes[HEADER..]);
        bytes
    }

    fn read(message: &[u8], flags: RouteListFlags) -> Vec<Route> {
        let mut routes = Vec::new();
        super::read(&mut routes, message, flags).unwrap();
        routes
    }

    #[test]
    fn multipath_route_gives_one_entry_per_nexthop() {
        // struct rtnexthop: length, flags, hops, index; then RTA_GATEWAY.
        let nexthop = |index: u8, gateway: u8| -> [u8; 16] {
            [16, 0, 0, 0, index, 0, 0, 0, 8, 0, 5, 0, 10, 0, 0, gateway]
        };
        let nexthops = [nexthop(3, 1), nexthop(4, 2)].concat();
        let attributes = [
            Attribute::bytes(libc::RTA_DST, &[10, 0, 0, 0]),
            Attribute::number(libc::RTA_PRIORITY, 7),
            Attribute::bytes(libc::RTA_MULTIPATH, &nexthops),
        ];
        let bytes = message(254, AddressFamily::Inet, &attributes);
        let routes = read(&bytes, RouteListFlags::empty());
        let told: Vec<_> = routes
            .iter()
            .map(|route| (route.index, route.gateway.as_c_str(), route.metric))
            .collect();
        assert_eq!(told, [(3, c"10.0.0.1", 7), (4, c"10.0.0.2", 7)]);
        assert!(routes.iter().all(|route| route.destination.as_c_str() == c"10.0.0.0/8"));
        // Truncated in the second one, or with a length of zero.
        let cut = [Attribute::bytes(libc::RTA_MULTIPATH, &nexthops[..20])];
        assert_eq!(
            read(&message(254, AddressFamily::Inet, &cut), RouteListFlags::empty()).len(),
            1
        );
        let zero = [Attribute::bytes(libc::RTA_MULTIPATH, &[0; 16])];
        assert!(
            read(&message(254, AddressFamily::Inet, &zero), RouteListFlags::empty()).is_empty()
        );
    }

    #[test]
    fn read_skips_other_families_and_tables() {
        let all = RouteListFlags::ALL_TABLES;
        let main = RouteListFlags::empty();
        assert_eq!(read(&message(254, AddressFamily::Inet6, &[]), main).len(), 1);
        assert!(read(&message(255, AddressFamily::Inet, &[]), main).is_empty());
        assert_eq!(read(&message(255, AddressFamily::Inet, &[]), all)[0].table, 255);
        assert!(read(&message(254, AddressFamily::Mpls, &[]), all).is_empty());
        assert!(read(&[0; HEADER - 1], all).is_empty());
        // A table number above 255 is in an attribute.
        let far = [Attribute::number(libc::RTA_TABLE, 1000)];
        assert_eq!(read(&message(252, AddressFamily::Inet, &far), all)[0].table, 1000);
    }

    #[test]
    fn read_accepts_ipv6_gateway_of_ipv4_route() {
        let mut via = vec![libc::AF_INET6 as u8, 0];
        via.extend([0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        let bytes = message(254, AddressFamily::Inet, &[Attribute::bytes(RTA_VIA, &via)]);
        let routes = read(&bytes, RouteListFlags::empty());
        assert_eq!(routes[0].gateway.as_c_str(), c"fe80::1");
        assert_eq!(routes[0].destination.as_c_str(), c"default");
    }
}
