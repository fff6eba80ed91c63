//! What goes over a connection: requests, written into a buffer on the stack, and replies, read
//! where they lie. Of netlink-packet-route it takes headers and single attributes, and no messages:
//! their vectors abort the process where there is no memory, and that of links alone makes the
//! library 344 KB larger.

use netlink_packet_core::{
    Emitable, NLA_HEADER_SIZE, NLMSG_ALIGNTO, NetlinkBuffer, NlasIterator, parse_i32,
};
use nix::errno::Errno;

use crate::error::{Failure, Result, Step};

/// The length of a message's header.
pub const HEADER: usize = 16;

/// The longest request is that for a pair of veths, some 200 bytes.
const CAPACITY: usize = 512;

/// What is asked of the kernel.
pub struct Request {
    message_type: u16,
    /// What a refusal of it is called.
    pub step: Step,
    bytes: [u8; CAPACITY],
    len: usize,
}

impl Request {
    /// `message_type` is RTM_GETLINK or the like, `header` what such a message begins with.
    pub fn new(step: Step, message_type: u16, header: &impl Emitable) -> Request {
        let mut request = Request { message_type, step, bytes: [0; CAPACITY], len: HEADER };
        request.put(header);
        request
    }

    /// Appends a header or an attribute.
    pub fn put(&mut self, part: &impl Emitable) {
        let end = self.len + part.buffer_len();
        if let Some(room) = self.bytes.get_mut(self.len..end) {
            part.emit(room);
        }
        // Beyond the capacity it is too long, which `finish` says.
        self.len = end;
    }

    /// The bytes to send.
    pub fn finish(&mut self, flags: u16, sequence: u32) -> Result<&[u8]> {
        let Some(bytes) = self.bytes.get_mut(..self.len) else {
            return Err(Failure::new(self.step, Errno::EMSGSIZE));
        };
        let mut head = NetlinkBuffer::new(&mut *bytes);
        head.set_length(self.len as u32);
        head.set_message_type(self.message_type);
        head.set_flags(flags);
        head.set_sequence_number(sequence);
        Ok(bytes)
    }
}

/// The number of the request that a datagram's first message replies to, however much of it there is.
pub fn first_sequence(datagram: &[u8]) -> Option<u32> {
    let head = datagram.get(..HEADER)?;
    Some(NetlinkBuffer::new(head).sequence_number())
}

/// One message of those in a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    pub message_type: u16,
    pub flags: u16,
    pub sequence: u32,
    pub payload: &'a [u8],
}

impl<'a> Message<'a> {
    /// Splits the first message off what is left of a datagram.
    pub fn split(rest: &mut &'a [u8]) -> Result<Message<'a>> {
        if rest.len() < HEADER {
            return Err(malformed());
        }
        let head = NetlinkBuffer::new(*rest);
        let len = head.length() as usize;
        if len < HEADER || len > rest.len() {
            return Err(malformed());
        }
        *rest = rest.get(len.next_multiple_of(NLMSG_ALIGNTO.into())..).unwrap_or_default();
        Ok(Message {
            message_type: head.message_type(),
            flags: head.flags(),
            sequence: head.sequence_number(),
            payload: head.payload(),
        })
    }

    /// The attributes behind a header of so many bytes.
    pub fn attributes(
        &self,
        header: usize,
    ) -> Result<impl Iterator<Item = Result<(u16, &'a [u8])>> + use<'a>> {
        Ok(attributes(self.payload.get(header..).ok_or_else(malformed)?))
    }
}

/// The kind and the value of each attribute, nested ones in one piece: call it again with their value.
pub fn attributes(bytes: &[u8]) -> impl Iterator<Item = Result<(u16, &[u8])>> {
    NlasIterator::new(bytes).map(|attribute| {
        let attribute = attribute.map_err(|_| malformed())?;
        let (kind, len) = (attribute.kind(), attribute.value_length());
        Ok((kind, &attribute.into_inner()[NLA_HEADER_SIZE..][..len]))
    })
}

/// The number that is an attribute's whole value.
pub fn number(value: &[u8]) -> Result<i32> {
    parse_i32(value).map_err(|_| malformed())
}

pub fn malformed() -> Failure {
    Failure::new(Step::Netlink, Errno::EBADMSG).hint("malformed reply from the kernel")
}
