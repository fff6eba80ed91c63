//! Listing the IP addresses of a namespace's interfaces.

use netlink_packet_core::Emitable;
use netlink_packet_route::address::AddressHeader;

use crate::error::{Result, Step};
use crate::namespace::handle::Namespace;
use crate::rtnl::address::{ADDRESS, BROADCAST, FLAGS, LABEL, LOCAL};
use crate::rtnl::attributes::Attributes;
use crate::rtnl::link::list::LinkNames;
use crate::rtnl::message::Request;
use crate::rtnl::{connection, ip};
use crate::util::text::Text;

/// An address of an interface.
#[derive(Clone, Copy, Debug)]
pub struct Address {
    pub index: u32,
    pub interface: Text<16>,
    pub family: u8,
    pub address: Text<46>,
    pub prefix: u8,
    /// The peer's address on a point-to-point interface.
    pub peer: Text<46>,
    pub broadcast: Text<46>,
    pub scope: u8,
    pub label: Text<16>,
    pub flags: u32,
}

impl Address {
    /// Returns `None` if it is not an IP address.
    pub fn parse(message: &[u8]) -> Option<Address> {
        let header = AddressHeader::parse(message).ok()?;
        let attributes = Attributes::behind(header.buffer_len(), message);
        let text = |kind| attributes.bytes(kind).and_then(ip::from_octets).map(Text::of);
        let (address, local) = (text(ADDRESS), text(LOCAL));
        let own = local.or(address)?;
        Some(Address {
            index: header.index,
            interface: Text::default(),
            family: header.family.into(),
            address: own,
            prefix: header.prefix_len,
            peer: address.filter(|&peer| peer != own).unwrap_or_default(),
            broadcast: text(BROADCAST).unwrap_or_default(),
            scope: header.scope.into(),
            label: attributes.text(LABEL).map(Text::new).unwrap_or_default(),
            flags: attributes.number(FLAGS).unwrap_or(header.flags.bits().into()),
        })
    }
}

/// Returns all addresses in `ns` in the order of the kernel: IPv4 first, by interface.
pub fn list(ns: Option<&Namespace>) -> Result<Vec<Address>> {
    connection::with(ns, |rtnl| {
        let mut request =
            Request::new(Step::ListAddresses, libc::RTM_GETADDR, &AddressHeader::default());
        let mut addresses =
            rtnl.dump(&mut request, |message| Ok(Address::parse(message.payload)))?;
        let names = LinkNames::read(rtnl)?;
        for address in &mut addresses {
            address.interface = names.of(address.index);
        }
        Ok(addresses)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtnl::attributes::Attribute;
    use netlink_packet_route::AddressFamily;

    fn parse(family: AddressFamily, attributes: &[Attribute]) -> Option<Address> {
        let header = AddressHeader { family, prefix_len: 24, index: 7, ..AddressHeader::default() };
        let mut bytes = vec![0; header.buffer_len() + attributes.buffer_len()];
        header.emit(&mut bytes);
        attributes.emit(&mut bytes[header.buffer_len()..]);
        Address::parse(&bytes)
    }

    #[test]
    fn parse_separates_local_and_peer_addresses() {
        let own = Attribute::bytes(LOCAL, &[192, 0, 2, 1]);
        let address = parse(
            AddressFamily::Inet,
            &[
                own,
                Attribute::bytes(ADDRESS, &[192, 0, 2, 2]),
                Attribute::text(LABEL, c"eth0:1"),
                Attribute::number(FLAGS, 0x80),
            ],
        )
        .unwrap();
        assert_eq!((address.index, address.prefix, address.flags), (7, 24, 0x80));
        assert_eq!(address.address.as_c_str(), c"192.0.2.1");
        assert_eq!(address.peer.as_c_str(), c"192.0.2.2");
        assert_eq!(address.label.as_c_str(), c"eth0:1");
        let alone = parse(AddressFamily::Inet, &[own, Attribute::bytes(ADDRESS, &[192, 0, 2, 1])]);
        assert!(alone.unwrap().peer.is_empty());
    }

    #[test]
    fn parse_accepts_ipv6_without_local_attribute() {
        let mut bytes = [0; 16];
        bytes[15] = 1;
        let address = parse(AddressFamily::Inet6, &[Attribute::bytes(ADDRESS, &bytes)]).unwrap();
        assert_eq!(address.address.as_c_str(), c"::1");
        assert!(address.peer.is_empty() && address.label.is_empty());
        assert!(parse(AddressFamily::Inet6, &[]).is_none());
        assert!(parse(AddressFamily::Inet6, &[Attribute::bytes(ADDRESS, &bytes[..7])]).is_none());
    }
}
