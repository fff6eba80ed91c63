//! IP and link-layer addresses in text form.

use std::ffi::CStr;
use std::fmt::{self, Display, Formatter, Write};
use std::net::IpAddr;

use netlink_packet_route::AddressFamily;

use crate::error::{Failure, Result, Step};

/// An address and its prefix length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix {
    pub address: IpAddr,
    pub len: u8,
}

impl Prefix {
    /// Parses "10.0.0.1/8"; without a length, it is a single address.
    pub fn parse(text: &CStr) -> Result<Prefix> {
        let text = text.to_bytes();
        let Some(slash) = text.iter().position(|&byte| byte == b'/') else {
            return Ok(Prefix::host(parse_bytes(text)?));
        };
        let address = parse_bytes(&text[..slash])?;
        let len = decimal(&text[slash + 1..]).filter(|&len| len <= bits(address)).ok_or(
            Failure::invalid_at(
                Step::Address,
                "the prefix length must be 0 to 32 for IPv4, 0 to 128 for IPv6",
            ),
        )?;
        Ok(Prefix { address, len })
    }

    /// Returns whether no bit after the prefix is set.
    pub fn is_network(self) -> bool {
        let len = self.len.into();
        match self.address {
            IpAddr::V4(address) => address.to_bits().checked_shl(len).unwrap_or(0) == 0,
            IpAddr::V6(address) => address.to_bits().checked_shl(len).unwrap_or(0) == 0,
        }
    }

    pub fn host(address: IpAddr) -> Prefix {
        Prefix { address, len: bits(address) }
    }
}

impl Display for Prefix {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.len)
    }
}

/// Parses an address without a prefix length.
pub fn parse(text: &CStr) -> Result<IpAddr> {
    parse_bytes(text.to_bytes())
}

fn parse_bytes(text: &[u8]) -> Result<IpAddr> {
    std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).ok_or(Failure::invalid_at(
        Step::Address,
        "expected an IPv4 or IPv6 address such as 192.0.2.1 or 2001:db8::1",
    ))
}

fn bits(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// Parses digits only: no sign, no space.
fn decimal(text: &[u8]) -> Option<u8> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

pub fn family(address: IpAddr) -> AddressFamily {
    match address {
        IpAddr::V4(_) => AddressFamily::Inet,
        IpAddr::V6(_) => AddressFamily::Inet6,
    }
}

/// An address in network byte order.
#[derive(Clone, Copy)]
pub struct Octets {
    bytes: [u8; 16],
    len: usize,
}

impl Octets {
    pub fn of(address: IpAddr) -> Octets {
        let mut bytes = [0; 16];
        let len = match address {
            IpAddr::V4(address) => {
                bytes[..4].copy_from_slice(&address.octets());
                4
            }
            IpAddr::V6(address) => {
                bytes = address.octets();
                16
            }
        };
        Octets { bytes, len }
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// Converts bytes to an address.
pub fn from_octets(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from),
        16 => <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from),
        _ => None,
    }
}

/// A link-layer address: "02:00:5e:10:00:01".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LinkAddress {
    bytes: [u8; LinkAddress::LONGEST],
    len: usize,
}

impl LinkAddress {
    /// MAX_ADDR_LEN
    pub const LONGEST: usize = 32;

    pub fn from_bytes(text: &[u8]) -> LinkAddress {
        let mut bytes = [0; LinkAddress::LONGEST];
        let len = text.len().min(LinkAddress::LONGEST);
        bytes[..len].copy_from_slice(&text[..len]);
        LinkAddress { bytes, len }
    }

    pub fn parse(text: &CStr) -> Result<LinkAddress> {
        let malformed = Failure::invalid_at(
            Step::LinkAddress,
            "expected hexadecimal bytes separated by colons, such as 02:00:5e:10:00:01",
        );
        let mut address = LinkAddress { bytes: [0; LinkAddress::LONGEST], len: 0 };
        for part in text.to_bytes().split(|&byte| byte == b':') {
            let byte = octet(part).ok_or(malformed)?;
            *address.bytes.get_mut(address.len).ok_or(malformed)? = byte;
            address.len += 1;
        }
        Ok(address)
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// Parses one or two hexadecimal digits.
fn octet(text: &[u8]) -> Option<u8> {
    if text.len() > 2 || !text.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u8::from_str_radix(std::str::from_utf8(text).ok()?, 16).ok()
}

impl Display for LinkAddress {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        for (i, byte) in self.as_bytes().iter().enumerate() {
            if i > 0 {
                f.write_char(':')?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::errno::Errno;

    #[test]
    fn prefix_parse_accepts_valid_and_rejects_invalid() {
        for (text, expected) in [
            (c"192.168.1.2/24", Some(("192.168.1.2", 24))),
            (c"192.168.1.2", Some(("192.168.1.2", 32))),
            (c"0.0.0.0/0", Some(("0.0.0.0", 0))),
            (c"2001:db8::1/64", Some(("2001:db8::1", 64))),
            (c"::1", Some(("::1", 128))),
            (c"::ffff:192.0.2.1/96", Some(("::ffff:192.0.2.1", 96))),
            (c"", None),
            (c"/24", None),
            (c"10.0.0.1/", None),
            (c"10.0.0.1/33", None),
            (c"10.0.0.1/256", None),
            (c"10.0.0.1/-1", None),
            (c"10.0.0.1/+1", None),
            (c"10.0.0.1/8/8", None),
            (c"10.0.0.1/255.0.0.0", None),
            (c"10.0.0", None),
            (c"10.0.0.01", None),
            (c"10.0.0.1 ", None),
            (c"fe80::1%eth0/64", None),
            (c"::1/129", None),
            (c"default", None),
            (c"\xff", None),
        ] {
            let expected = expected
                .map(|(address, len)| Prefix { address: address.parse().unwrap(), len })
                .ok_or(Errno::EINVAL);
            assert_eq!(Prefix::parse(text).map_err(|failure| failure.errno), expected, "{text:?}");
        }
    }

    #[test]
    fn is_network_rejects_host_bits() {
        for (text, expected) in [
            (c"10.0.0.0/8", true),
            (c"10.0.0.1/8", false),
            (c"10.0.0.1", true),
            (c"0.0.0.0/0", true),
            (c"128.0.0.0/0", false),
            (c"10.0.0.3/31", false),
            (c"::/0", true),
            (c"8000::/0", false),
            (c"2001:db8::/32", true),
            (c"2001:db8::1/127", false),
            (c"2001:db8::1", true),
        ] {
            assert_eq!(Prefix::parse(text).unwrap().is_network(), expected, "{text:?}");
        }
    }

    #[test]
    fn octets_convert_to_address_and_back() {
        for text in ["192.0.2.1", "2001:db8::7"] {
            let address: IpAddr = text.parse().unwrap();
            assert_eq!(from_octets(Octets::of(address).as_bytes()), Some(address));
        }
        assert_eq!(from_octets(&[0; 5]), None);
    }

    #[test]
    fn link_address_parse_accepts_valid_rejects_invalid() {
        let ethernet = LinkAddress::parse(c"02:00:5E:10:0:1").unwrap();
        assert_eq!(ethernet.to_string(), "02:00:5e:10:00:01");
        assert_eq!(ethernet, LinkAddress::from_bytes(&[2, 0, 0x5e, 0x10, 0, 1]));
        for text in [c"", c":", c"02:", c"02:00:5e:10:00:+1", c"020:00:00:00:00:00", c"02-00"] {
            assert_eq!(LinkAddress::parse(text).unwrap_err().errno, Errno::EINVAL, "{text:?}");
        }
        let long = std::ffi::CString::new(["aa"; 33].join(":")).unwrap();
        assert!(LinkAddress::parse(&long).is_err());
    }
}
