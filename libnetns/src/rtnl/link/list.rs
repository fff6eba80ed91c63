//! Listing the interfaces of a namespace.

use std::ffi::CStr;

use netlink_packet_core::Emitable;
use netlink_packet_route::link::LinkHeader;

use crate::error::{Result, Step};
use crate::namespace::handle::Namespace;
use crate::rtnl::attributes::Attributes;
use crate::rtnl::connection;
use crate::rtnl::ip::LinkAddress;
use crate::rtnl::link::without_counters;
use crate::rtnl::message::Request;
use crate::rtnl::protocol::RtnlSocket;
use crate::util::text::Text;

/// An interface.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    pub index: u32,
    pub name: Text<16>,
    pub kind: Text<56>,
    pub mtu: u32,
    pub flags: u32,
    pub state: &'static CStr,
    pub address: Text<96>,
    pub master: u32,
    pub peer: u32,
    /// `None` if the peer is in the same namespace.
    pub peer_nsid: Option<i32>,
}

impl Link {
    /// Returns `None` if the message is too short.
    pub fn parse(message: &[u8]) -> Option<Link> {
        let header = LinkHeader::parse(message).ok()?;
        let attributes = Attributes::behind(header.buffer_len(), message);
        let number = |kind| attributes.number(kind).unwrap_or(0);
        let info = attributes.nest(libc::IFLA_LINKINFO);
        let kind = info.and_then(|info| info.text(libc::IFLA_INFO_KIND));
        let address = attributes.bytes(libc::IFLA_ADDRESS).map(LinkAddress::from_bytes);
        Some(Link {
            index: header.index,
            name: attributes.text(libc::IFLA_IFNAME).map(Text::new).unwrap_or_default(),
            kind: kind.map(Text::new).unwrap_or_default(),
            mtu: number(libc::IFLA_MTU),
            flags: header.flags.bits(),
            state: state(attributes.bytes(libc::IFLA_OPERSTATE)),
            address: address.map(Text::of).unwrap_or_default(),
            master: number(libc::IFLA_MASTER),
            peer: number(libc::IFLA_LINK),
            peer_nsid: attributes.number(libc::IFLA_LINK_NETNSID).map(|id| id as i32),
        })
    }
}

/// Returns the state as in /sys/class/net/NAME/operstate (RFC 2863).
fn state(value: Option<&[u8]>) -> &'static CStr {
    const STATES: [&CStr; 7] =
        [c"unknown", c"notpresent", c"down", c"lowerlayerdown", c"testing", c"dormant", c"up"];
    let number = value.and_then(|bytes| bytes.first()).copied().unwrap_or(0);
    STATES.get(usize::from(number)).unwrap_or(&STATES[0])
}

/// Returns all interfaces of `ns`, sorted by index.
pub fn list(ns: Option<&Namespace>) -> Result<Vec<Link>> {
    connection::with(ns, all)
}

fn all(rtnl: &mut RtnlSocket) -> Result<Vec<Link>> {
    let mut request = Request::new(Step::ListLinks, libc::RTM_GETLINK, &LinkHeader::default());
    request.put(&without_counters());
    let mut links = rtnl.dump(&mut request, |message| Ok(Link::parse(message.payload)))?;
    links.sort_unstable_by_key(|link| link.index);
    Ok(links)
}

/// The names of interfaces, by index.
pub struct LinkNames(Vec<Link>);

impl LinkNames {
    pub fn read(rtnl: &mut RtnlSocket) -> Result<LinkNames> {
        all(rtnl).map(LinkNames)
    }

    /// Returns an empty name if the interface was deleted meanwhile.
    pub fn of(&self, index: u32) -> Text<16> {
        match self.0.binary_search_by_key(&index, |link| link.index) {
            Ok(i) => self.0[i].name,
            Err(_) => Text::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtnl::attributes::Attribute;
    use netlink_packet_route::link::LinkFlags;

    fn message(attributes: &[Attribute]) -> Vec<u8> {
        let header = LinkHeader { index: 7, flags: LinkFlags::Up, ..LinkHeader::default() };
        let mut bytes = vec![0; header.buffer_len() + attributes.buffer_len()];
        header.emit(&mut bytes);
        attributes.emit(&mut bytes[header.buffer_len()..]);
        bytes
    }

    #[test]
    fn link_parse_reads_attributes() {
        let link = Link::parse(&message(&[
            Attribute::text(libc::IFLA_IFNAME, c"v0p1"),
            Attribute::number(libc::IFLA_MTU, 1500),
            Attribute::number(libc::IFLA_LINK, 3),
            Attribute::number(libc::IFLA_LINK_NETNSID, 0),
            Attribute::bytes(libc::IFLA_OPERSTATE, &[6]),
            Attribute::bytes(libc::IFLA_ADDRESS, &[2, 0, 0x5e, 0x10, 0, 1]),
            Attribute::nest(libc::IFLA_LINKINFO, &[Attribute::text(libc::IFLA_INFO_KIND, c"veth")]),
        ]))
        .unwrap();
        assert_eq!((link.index, link.mtu, link.flags), (7, 1500, libc::IFF_UP as u32));
        assert_eq!((link.name.as_c_str(), link.kind.as_c_str()), (c"v0p1", c"veth"));
        assert_eq!((link.state, link.address.as_c_str()), (c"up", c"02:00:5e:10:00:01"));
        assert_eq!((link.peer, link.peer_nsid, link.master), (3, Some(0), 0));
    }

    #[test]
    fn link_parse_uses_defaults_for_missing_attributes() {
        let link = Link::parse(&message(&[Attribute::bytes(libc::IFLA_OPERSTATE, &[99])])).unwrap();
        assert_eq!((link.state, link.peer_nsid, link.master), (c"unknown", None, 0));
        assert!(link.name.is_empty() && link.address.is_empty());
        assert!(Link::parse(&[0; 15]).is_none());
        let long = Attribute::bytes(libc::IFLA_ADDRESS, &[0xff; 64]);
        let link = Link::parse(&message(&[long])).unwrap();
        assert_eq!(link.address.as_c_str().to_bytes().len(), 32 * 3 - 1);
    }
}
