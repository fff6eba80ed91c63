//! Netlink attributes: written from the caller's values, and read in place.
//!
//! This uses netlink-packet-core, and not the link and route attributes of netlink-packet-route: those for
//! links are 413 KB of code, as much as the rest of this library; they reject a whole message because of one
//! part that they cannot parse; and they end the process if there is no memory. These do not allocate.

use std::ffi::CStr;

use netlink_packet_core::{Emitable, Nla};
use netlink_packet_route::link::LinkHeader;

use super::message;

/// An attribute of a request.
#[derive(Clone, Copy)]
pub struct Attribute<'a> {
    kind: u16,
    value: Value<'a>,
}

#[derive(Clone, Copy)]
enum Value<'a> {
    Bytes(&'a [u8]),
    Number([u8; 4]),
    Nest(&'a [Attribute<'a>]),
    /// An attribute that begins with a header, like a request.
    Message(&'a LinkHeader, &'a [Attribute<'a>]),
}

impl<'a> Attribute<'a> {
    pub fn bytes(kind: u16, value: &'a [u8]) -> Attribute<'a> {
        Attribute { kind, value: Value::Bytes(value) }
    }

    pub fn text(kind: u16, value: &'a CStr) -> Attribute<'a> {
        Attribute::bytes(kind, value.to_bytes_with_nul())
    }

    pub fn number(kind: u16, value: u32) -> Attribute<'a> {
        Attribute { kind, value: Value::Number(value.to_ne_bytes()) }
    }

    pub fn nest(kind: u16, attributes: &'a [Attribute<'a>]) -> Attribute<'a> {
        Attribute { kind, value: Value::Nest(attributes) }
    }

    pub fn link(
        kind: u16,
        header: &'a LinkHeader,
        attributes: &'a [Attribute<'a>],
    ) -> Attribute<'a> {
        Attribute { kind, value: Value::Message(header, attributes) }
    }
}

impl Nla for Attribute<'_> {
    fn kind(&self) -> u16 {
        self.kind
    }

    fn value_len(&self) -> usize {
        match self.value {
            Value::Bytes(bytes) => bytes.len(),
            Value::Number(bytes) => bytes.len(),
            Value::Nest(attributes) => attributes.buffer_len(),
            Value::Message(header, attributes) => header.buffer_len() + attributes.buffer_len(),
        }
    }

    fn emit_value(&self, buffer: &mut [u8]) {
        match self.value {
            Value::Bytes(bytes) => buffer.copy_from_slice(bytes),
            Value::Number(bytes) => buffer.copy_from_slice(&bytes),
            Value::Nest(attributes) => attributes.emit(buffer),
            Value::Message(header, attributes) => {
                header.emit(buffer);
                attributes.emit(&mut buffer[header.buffer_len()..]);
            }
        }
    }

    fn is_nested(&self) -> bool {
        matches!(self.value, Value::Nest(_) | Value::Message(..))
    }
}

/// The attributes of a reply. An attribute that is truncated or does not fit its type is treated as missing.
#[derive(Clone, Copy)]
pub struct Attributes<'a>(&'a [u8]);

impl<'a> Attributes<'a> {
    /// Returns the attributes after a header of this length.
    pub fn behind(header: usize, message: &'a [u8]) -> Attributes<'a> {
        Attributes(message.get(header..).unwrap_or_default())
    }

    pub fn bytes(self, kind: u16) -> Option<&'a [u8]> {
        message::attributes(self.0)
            .map_while(Result::ok)
            .find(|(found, _)| *found == kind)
            .map(|(_, value)| value)
    }

    /// Returns the bytes before the NUL.
    pub fn text(self, kind: u16) -> Option<&'a [u8]> {
        self.bytes(kind)?.split(|&byte| byte == 0).next()
    }

    pub fn number(self, kind: u16) -> Option<u32> {
        self.bytes(kind)?.try_into().ok().map(u32::from_ne_bytes)
    }

    pub fn nest(self, kind: u16) -> Option<Attributes<'a>> {
        self.bytes(kind).map(Attributes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(attributes: &[Attribute]) -> Vec<u8> {
        let mut bytes = vec![0xff; attributes.buffer_len()];
        attributes.emit(&mut bytes);
        bytes
    }

    #[test]
    fn written_attributes_can_be_read_back() {
        let header = LinkHeader { index: 7, ..LinkHeader::default() };
        let bytes = written(&[
            Attribute::text(3, c"eth0"),
            Attribute::nest(
                18,
                &[
                    Attribute::text(1, c"veth"),
                    Attribute::link(2, &header, &[Attribute::number(28, 5)]),
                ],
            ),
            Attribute::bytes(1, &[9; 6]),
        ]);
        let all = Attributes::behind(0, &bytes);
        assert_eq!(all.text(3), Some(&b"eth0"[..]));
        assert_eq!(all.bytes(1), Some(&[9; 6][..]));
        let info = all.nest(18).unwrap();
        assert_eq!(info.text(1), Some(&b"veth"[..]));
        let peer = info.bytes(2).unwrap();
        assert_eq!(LinkHeader::parse(peer).unwrap(), header);
        assert_eq!(Attributes::behind(16, peer).number(28), Some(5));
        assert_eq!(all.number(99), None);
    }

    #[test]
    fn reader_ignores_truncated_or_missized_attributes() {
        let bytes = written(&[Attribute::number(1, 7), Attribute::bytes(2, &[1, 2])]);
        let cut = Attributes::behind(0, &bytes[..bytes.len() - 4]);
        assert_eq!((cut.number(1), cut.bytes(2)), (Some(7), None));
        assert_eq!(Attributes::behind(0, &bytes).number(2), None);
        assert_eq!(Attributes::behind(99, &bytes).number(1), None);
        // A length of zero must not cause an endless loop.
        assert_eq!(Attributes::behind(0, &[0; 64]).bytes(0), None);
        assert_eq!(Attributes::behind(0, &[0xff; 64]).bytes(0x3fff), None);
    }
}
