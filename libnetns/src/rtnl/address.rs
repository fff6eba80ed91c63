//! Adding and deleting the IP addresses of interfaces.

pub mod list;

use std::net::IpAddr;

use bitflags::bitflags;
use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::address::{AddressHeader, AddressHeaderFlags, AddressScope};
use nix::errno::Errno;

use crate::error::{Failure, Result, Step};
use crate::namespace::handle::Namespace;
use crate::rtnl::attributes::Attribute;
use crate::rtnl::connection;
use crate::rtnl::ip::{self, Octets, Prefix};
use crate::rtnl::link::{self, LinkName};
use crate::rtnl::message::Request;

/// IFA_ADDRESS ...
pub const ADDRESS: u16 = 1;
pub const LOCAL: u16 = 2;
pub const LABEL: u16 = 3;
pub const BROADCAST: u16 = 4;
pub const FLAGS: u16 = 8;

bitflags! {
    #[derive(Clone, Copy)]
    pub struct AddressFlags: u32 {
        /// Skips duplicate address detection for an IPv6 address.
        const NODAD = 1;
    }
}

pub fn add(
    ns: Option<&Namespace>,
    interface: LinkName,
    prefix: Prefix,
    flags: AddressFlags,
) -> Result<()> {
    // For IPv4, the kernel reports success without adding it.
    if prefix.address.is_unspecified() {
        return Err(Failure::new(Step::Address, Errno::EADDRNOTAVAIL)
            .hint("an interface cannot have the all-zero address"));
    }
    let nodad = flags.contains(AddressFlags::NODAD);
    let flags = if nodad { AddressHeaderFlags::Nodad } else { AddressHeaderFlags::empty() };
    let change = (Step::AddAddress, libc::RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
    make(ns, interface, prefix, flags, change)
}

pub fn delete(ns: Option<&Namespace>, interface: LinkName, prefix: Prefix) -> Result<()> {
    let change = (Step::DeleteAddress, libc::RTM_DELADDR, 0);
    make(ns, interface, prefix, AddressHeaderFlags::empty(), change).map_err(|failure| {
        // An interface that does not support IPv4 or IPv6 does not have the address either.
        match (failure.step, failure.errno) {
            (Step::DeleteAddress, Errno::ENODEV | Errno::ENXIO) => {
                failure.as_errno(Errno::EADDRNOTAVAIL)
            }
            _ => failure,
        }
    })
}

fn make(
    ns: Option<&Namespace>,
    interface: LinkName,
    prefix: Prefix,
    flags: AddressHeaderFlags,
    (step, kind, how): (Step, u16, u16),
) -> Result<()> {
    let address = Octets::of(prefix.address);
    connection::with(ns, |rtnl| {
        let header = AddressHeader {
            family: ip::family(prefix.address),
            prefix_len: prefix.len,
            flags,
            scope: scope_of(prefix.address),
            index: link::index_of(rtnl, interface)?,
        };
        let mut request = Request::new(step, kind, &header);
        request.put(&Attribute::bytes(LOCAL, address.as_bytes()));
        request.put(&Attribute::bytes(ADDRESS, address.as_bytes()));
        rtnl.change(&mut request, how)
    })
}

/// For IPv4 the kernel uses the scope in the request; for IPv6 it determines the scope itself.
fn scope_of(address: IpAddr) -> AddressScope {
    match address {
        IpAddr::V4(address) if address.is_loopback() => AddressScope::Host,
        _ => AddressScope::Universe,
    }
}
