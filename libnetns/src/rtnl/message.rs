//! Messages on a connection: requests, written to a buffer on the stack, and replies, read in place. Of
//! netlink-packet-route this uses headers and single attributes, but not its messages: their vectors abort
//! the process if there is no memory, and the one for links alone makes the library 344 KB larger.

use netlink_packet_core::{
    Emitable, NLA_HEADER_SIZE, NLMSG_ALIGNTO, NetlinkBuffer, NlasIterator, parse_i32,
};
use nix::errno::Errno;

use crate::error::{Failure, Result, Step};

/// The length of a message header.
pub const HEADER: usize = 16;

/// The longest request creates a veth pair and has about 200 bytes.
const CAPACITY: usize = 512;

/// A request to the kernel.
pub struct Request {
    message_type: u16,
    /// The step to report if the kernel rejects the request.
    pub step: Step,
    bytes: [u8; CAPACITY],
    len: usize,
}

impl Request {
    /// `message_type` is RTM_GETLINK or similar, and `header` is the header of such a message.
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
        // If the request exceeds the capacity, `finish` reports it.
        self.len = end;
    }

    /// Returns the bytes to send.
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

/// Returns the sequence number of a datagram's first message, even if the message is incomplete.
pub fn first_sequence(datagram: &[u8]) -> Option<u32> {
    let head = datagram.get(..HEADER)?;
    Some(NetlinkBuffer::new(head).sequence_number())
}

/// A message in a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    pub message_type: u16,
    pub flags: u16,
    pub sequence: u32,
    pub payload: &'a [u8],
}

impl<'a> Message<'a> {
    /// Splits the first message off the rest of a datagram.
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

    /// Returns the attributes after a header of this length.
    pub fn attributes(
        &self,
        header: usize,
    ) -> Result<impl Iterator<Item = Result<(u16, &'a [u8])>> + use<'a>> {
        Ok(attributes(self.payload.get(header..).ok_or_else(malformed)?))
    }
}

/// Returns the kind and value of each attribute. A nested attribute is returned as a whole: call this again
/// with its value.
pub fn attributes(bytes: &[u8]) -> impl Iterator<Item = Result<(u16, &[u8])>> {
    NlasIterator::new(bytes).map(|attribute| {
        let attribute = attribute.map_err(|_| malformed())?;
        let (kind, len) = (attribute.kind(), attribute.value_length());
        Ok((kind, &attribute.into_inner()[NLA_HEADER_SIZE..][..len]))
    })
}

/// Parses the value of an attribute as a number.
pub fn number(value: &[u8]) -> Result<i32> {
    parse_i32(value).map_err(|_| malformed())
}

pub fn malformed() -> Failure {
    Failure::new(Step::Netlink, Errno::EBADMSG).hint("malformed reply from the kernel")
}
