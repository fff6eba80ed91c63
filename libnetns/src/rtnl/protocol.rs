//! The rtnetlink protocol on a socket: sending requests, and receiving replies or the kernel's errors with
//! their extended acks. This module does not know namespaces.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_ACK_TLVS, NLM_F_CAPPED, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST,
    NLMSG_DONE, NLMSG_ERROR, NLMSG_NOOP,
};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, poll};
use nix::time::{ClockId, clock_gettime};
use rustix::buffer::spare_capacity;
use rustix::io::retry_on_intr;
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::sockopt::socket_domain;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, recv, recvfrom, sendto};

use crate::error::{At, Failure, Result, Step};
use crate::explain::extended_ack;
use crate::os::netlink::is_kernel;
use crate::os::retry::when_short;
use crate::os::syscalls;
use crate::util::try_vec::{extend, push};

use super::attributes::Attributes;
use super::message::{self, Message, Request, first_sequence, malformed};

/// The kernel puts at most this much of a dump into one datagram, and no more than the reader has space for.
const DUMP_ROOM: usize = 32 * 1024;
/// Space for most single replies.
const REPLY_ROOM: usize = 4096;

/// The expected reply to a request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expected {
    /// An acknowledgement, which is always short: a message that does not fit is something else, or a
    /// malformed reply.
    Acknowledgement,
    /// A reply that is assumed to fit, which saves querying its size. If it does not fit, it is lost and
    /// requested again.
    Small,
    Any,
    /// Many messages, in datagrams to which the same applies.
    Dump,
    AnyDump,
}

impl Expected {
    fn room(self) -> usize {
        match self {
            Expected::Acknowledgement | Expected::Small | Expected::Any => REPLY_ROOM,
            Expected::Dump | Expected::AnyDump => DUMP_ROOM,
        }
    }

    /// Returns whether the size of the next datagram must be queried first.
    fn may_be_long(self) -> bool {
        matches!(self, Expected::Any | Expected::AnyDump)
    }
}

/// The kernel replies before send(2) returns, or practically never.
const NOW: RecvFlags = RecvFlags::DONTWAIT;
const TIMEOUT: Duration = Duration::from_millis(if cfg!(test) { 20 } else { 5_000 });

/// The maximum number of datagrams of one reply: enough for tens of millions of routes.
const MOST_DATAGRAMS: u32 = if cfg!(test) { 1 << 10 } else { 1 << 18 };

/// The maximum number of unread datagrams that are discarded from another owner's socket: more than fit into
/// its buffer, fewer than in a flood.
const MOST_UNREAD: u32 = 1 << 16;

/// How often a dump is requested again if something changed meanwhile.
const MOST_DUMPS: u32 = 16;

/// NLMSGERR_ATTR_MSG: the text of an extended ack.
const ATTR_TEXT: u16 = 1;

/// The kernel's internal errno for "not supported", which should not reach user space and has no name.
const ENOTSUPP: i32 = 524;

/// An rtnetlink socket that handles one request at a time.
pub struct RtnlSocket<'a> {
    pub(super) socket: BorrowedFd<'a>,
    buffer: Vec<u8>,
    sequence: u32,
    /// Whether no part of a reply is outstanding.
    pub(super) in_order: bool,
    /// Whether the kernel has been asked to check dump requests strictly and to apply their filters.
    is_strict: bool,
}

/// Opens a socket in the calling thread's namespace.
pub fn open_here() -> Result<OwnedFd> {
    syscalls::socket(libc::AF_NETLINK, libc::SOCK_RAW, libc::NETLINK_ROUTE)
        .inspect(|socket| request_extended_acks(socket.as_fd()))
        .at(Step::Socket)
}

/// Requests extended acks: the kernel's messages about rejected requests.
pub fn request_extended_acks(socket: BorrowedFd) {
    let _ = syscalls::set_netlink_option(socket, libc::NETLINK_EXT_ACK);
}

/// Strict checks were added in Linux 4.20; without them the kernel ignores filters but still replies.
pub fn be_strict(socket: BorrowedFd) {
    let _ = syscalls::set_netlink_option(socket, libc::NETLINK_GET_STRICT_CHK);
}

impl<'a> RtnlSocket<'a> {
    pub fn new(socket: BorrowedFd<'a>) -> RtnlSocket<'a> {
        // The initial value comes from the clock, so that no reply to an earlier request by any process
        // matches.
        let now = clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(Duration::ZERO, Duration::from);
        let sequence = now.as_nanos() as u32;
        RtnlSocket { socket, buffer: Vec::new(), sequence, in_order: true, is_strict: false }
    }

    /// Uses a socket on which strict checks were enabled.
    pub fn new_strict(socket: BorrowedFd<'a>) -> RtnlSocket<'a> {
        RtnlSocket { is_strict: true, ..RtnlSocket::new(socket) }
    }

    /// Uses another owner's socket, in whatever state. Unread data is discarded, because the kernel drops a
    /// reply that does not fit into the buffer.
    pub fn on(socket: BorrowedFd<'a>) -> Result<RtnlSocket<'a>> {
        // Do not discard data from a descriptor that was passed by mistake.
        if socket_domain(socket).at(Step::Send)? != AddressFamily::NETLINK {
            return Err(Failure::new(Step::Send, Errno::EAFNOSUPPORT));
        }
        let mut route = RtnlSocket::new(socket);
        route.discard();
        Ok(route)
    }

    /// Discards unread data, and the rest of an unfinished dump.
    fn discard(&mut self) {
        for _ in 0..MOST_UNREAD {
            match recv(self.socket, &mut [0; 0][..], RecvFlags::DONTWAIT) {
                // NOBUFS: it has overflowed, and continues after reporting it.
                Ok(_) | Err(rustix::io::Errno::INTR | rustix::io::Errno::NOBUFS) => {}
                Err(_) => {
                    self.in_order = true;
                    return;
                }
            }
        }
    }

    /// Makes a request that changes something, and waits until it is done. `flags` are NLM_F_CREATE and
    /// similar.
    pub fn change(&mut self, request: &mut Request, flags: u16) -> Result<()> {
        let step = request.step;
        self.ask(request, flags | NLM_F_ACK, Expected::Acknowledgement, |message| {
            match message.message_type {
                NLMSG_ERROR => Ok(Some(verdict(&message, step))),
                _ => Ok(None),
            }
        })?
    }

    /// Makes a request that has one reply, and returns what `read` extracts from it.
    pub fn get<T>(
        &mut self,
        request: &mut Request,
        read: impl Fn(&Message) -> Result<T>,
    ) -> Result<T> {
        match self.get_one(request, Expected::Small, &read) {
            // An interface may have hundreds of alternative names.
            Err(Failure { errno: Errno::EMSGSIZE, .. }) => {
                self.get_one(request, Expected::Any, &read)
            }
            result => result,
        }
    }

    fn get_one<T>(
        &mut self,
        request: &mut Request,
        expected: Expected,
        read: &impl Fn(&Message) -> Result<T>,
    ) -> Result<T> {
        let step = request.step;
        self.ask(request, 0, expected, |message| match message.message_type {
            NLMSG_NOOP => Ok(None),
            NLMSG_ERROR => Ok(Some(verdict(&message, step).and(Err(malformed())))),
            _ => Ok(Some(read(&message))),
        })?
    }

    /// Makes a request that has many replies, and returns what `read` extracts from each, except for `None`.
    /// If something changed meanwhile, it repeats the request. EAGAIN means that it keeps changing.
    pub fn dump<T>(
        &mut self,
        request: &mut Request,
        read: impl Fn(&Message) -> Result<Option<T>>,
    ) -> Result<Vec<T>> {
        self.dump_each(request, |message, found| match read(message)? {
            Some(item) => push(found, item),
            None => Ok(()),
        })
    }

    /// The same for replies that contain any number of items, which `read` appends to the list.
    pub fn dump_each<T>(
        &mut self,
        request: &mut Request,
        read: impl Fn(&Message, &mut Vec<T>) -> Result<()>,
    ) -> Result<Vec<T>> {
        let step = request.step;
        if !self.is_strict {
            be_strict(self.socket);
            self.is_strict = true;
        }
        let mut dump = Dump::new(step);
        let mut expected = Expected::Dump;
        for _ in 0..MOST_DUMPS {
            dump.clear();
            match self.ask(request, NLM_F_DUMP, expected, |message| dump.take(&message, &read)) {
                // A datagram contains several messages only if they fit; a single message may be longer.
                Err(Failure { errno: Errno::EMSGSIZE, .. }) if expected == Expected::Dump => {
                    self.discard();
                    expected = Expected::AnyDump;
                    continue;
                }
                end => end??,
            }
            if !dump.interrupted {
                return Ok(dump.found);
            }
        }
        Err(Failure::new(step, Errno::EAGAIN).hint("the list keeps changing; try again"))
    }

    /// Sends a request and passes the replies to `each` until it returns a result.
    fn ask<T>(
        &mut self,
        request: &mut Request,
        flags: u16,
        expected: Expected,
        each: impl FnMut(Message) -> Result<Option<T>>,
    ) -> Result<T> {
        // Allocate before sending anything: a change must not be made and then fail for lack of memory, and
        // neither must the query that follows it.
        self.buffer.clear();
        self.buffer.try_reserve_exact(expected.room()).map_err(|_| Failure::no_memory())?;
        self.sequence = self.sequence.wrapping_add(1);
        let bytes = request.finish(NLM_F_REQUEST | flags, self.sequence)?;
        self.in_order = false;
        // With an explicit address, the kernel checks only the sender's capabilities, and not those of the
        // process that opened the socket.
        let kernel = SocketAddrNetlink::new(0, 0);
        when_short(|| {
            retry_on_intr(|| sendto(self.socket, bytes, SendFlags::empty(), &kernel)).at(Step::Send)
        })?;
        let (socket, sequence) = (self.socket, self.sequence);
        let receive = |buffer: &mut Vec<u8>, patience: &Patience| {
            receive(socket, buffer, (expected, sequence), patience)
        };
        let result = until_done(self.sequence, &mut self.buffer, receive, each)?;
        self.in_order = true;
        Ok(result)
    }
}

/// Gets datagrams from `receive` and passes the replies in them to `each` until it returns a result.
fn until_done<T>(
    sequence: u32,
    buffer: &mut Vec<u8>,
    mut receive: impl FnMut(&mut Vec<u8>, &Patience) -> Result<()>,
    mut each: impl FnMut(Message) -> Result<Option<T>>,
) -> Result<T> {
    let mut patience = Patience::new();
    let mut datagrams = 0;
    while datagrams < MOST_DATAGRAMS {
        receive(buffer, &patience)?;
        let mut is_reply = false;
        let result = take_replies(buffer, sequence, &mut |message| {
            is_reply = true;
            each(message)
        });
        match result? {
            Some(result) => return Ok(result),
            None if is_reply => {
                patience = Patience::new();
                datagrams += 1;
            }
            None => drop(patience.left()?),
        }
    }
    Err(Failure::new(Step::Netlink, Errno::EMSGSIZE).hint("the kernel's reply does not end"))
}

/// The time limit for a reply, whatever else is received meanwhile.
struct Patience(Instant);

impl Patience {
    fn new() -> Patience {
        Patience(Instant::now())
    }

    /// Returns the remaining time, or ETIMEDOUT.
    fn left(&self) -> Result<Duration> {
        let left = TIMEOUT.saturating_sub(self.0.elapsed());
        if left.is_zero() {
            return Err(Failure::new(Step::Netlink, Errno::ETIMEDOUT));
        }
        Ok(left)
    }
}

/// Waits for the next datagram from the kernel. EMSGSIZE means that it is not as short as expected.
fn receive(
    socket: BorrowedFd,
    buffer: &mut Vec<u8>,
    (expected, sequence): (Expected, u32),
    patience: &Patience,
) -> Result<()> {
    loop {
        buffer.clear();
        // The request has been executed at this point.
        if expected.may_be_long() {
            let size = when_short(|| next_size(socket, patience))?;
            buffer.try_reserve(size).map_err(|_| Failure::no_memory())?;
        }
        let received = when_short(|| {
            retry_on_intr(|| recvfrom(socket, spare_capacity(buffer), NOW | RecvFlags::TRUNC))
                .at(Step::Netlink)
        });
        let (_, len, sender) = match received {
            Err(Failure { errno: Errno::EAGAIN, .. }) => {
                wait(socket, patience.left()?)?;
                continue;
            }
            received => received?,
        };
        // Privileged processes may send messages to the socket; only those of the kernel count.
        if !is_kernel(sender) {
            patience.left()?;
            continue;
        }
        if len > buffer.len() {
            if expected == Expected::Acknowledgement && first_sequence(buffer) != Some(sequence) {
                patience.left()?;
                continue;
            }
            return Err(Failure::new(Step::Netlink, Errno::EMSGSIZE));
        }
        return Ok(());
    }
}

/// Passes those messages of a datagram that reply to the request to `each` until it returns a result.
fn take_replies<T>(
    mut datagram: &[u8],
    sequence: u32,
    each: &mut impl FnMut(Message) -> Result<Option<T>>,
) -> Result<Option<T>> {
    while !datagram.is_empty() {
        let message = Message::split(&mut datagram)?;
        if message.sequence != sequence {
            continue;
        }
        if let Some(result) = each(message)? {
            return Ok(Some(result));
        }
    }
    Ok(None)
}

/// The replies to a request that has many.
struct Dump<T> {
    step: Step,
    found: Vec<T>,
    last: Vec<u8>,
    /// Something changed meanwhile.
    interrupted: bool,
}

impl<T> Dump<T> {
    fn new(step: Step) -> Dump<T> {
        Dump { step, found: Vec::new(), last: Vec::new(), interrupted: false }
    }

    fn clear(&mut self) {
        self.found.clear();
        self.last.clear();
        self.interrupted = false;
    }

    /// Handles one reply; returns the kernel's final status after the last one.
    fn take(
        &mut self,
        message: &Message,
        read: impl Fn(&Message, &mut Vec<T>) -> Result<()>,
    ) -> Result<Option<Result<()>>> {
        self.interrupted |= message.flags & NLM_F_DUMP_INTR != 0;
        match message.message_type {
            NLMSG_NOOP => return Ok(None),
            NLMSG_DONE | NLMSG_ERROR => return Ok(Some(verdict(message, self.step))),
            _ => {}
        }
        // Linux 6.18 counts the entries that it has sent. If an entry is added meanwhile, it sends the last
        // one again; for IPv6 routes it does not report this, and for IPv6 addresses it reports it too late.
        if message.payload == self.last {
            return Ok(None);
        }
        self.last.clear();
        extend(&mut self.last, message.payload)?;
        read(message, &mut self.found)?;
        Ok(None)
    }
}

/// Returns the size of the next datagram, and waits for it if necessary.
fn next_size(socket: BorrowedFd, patience: &Patience) -> Result<usize> {
    loop {
        match recv(socket, &mut [0; 0][..], NOW | RecvFlags::PEEK | RecvFlags::TRUNC) {
            Ok((_, size)) => return Ok(size),
            Err(rustix::io::Errno::INTR) => {}
            Err(rustix::io::Errno::AGAIN) => wait(socket, patience.left()?)?,
            Err(errno) => return Err(Failure::new(Step::Netlink, errno)),
        }
    }
}

fn wait(socket: BorrowedFd, at_most: Duration) -> Result<()> {
    let mut polled = [PollFd::new(socket, PollFlags::POLLIN)];
    match poll(&mut polled, syscalls::poll_timeout(at_most)) {
        Ok(0) => Err(Failure::new(Step::Netlink, Errno::ETIMEDOUT)),
        Ok(_) | Err(Errno::EINTR) => Ok(()),
        Err(errno) => Err(Failure::new(Step::Netlink, errno)),
    }
}

/// Returns the status in an NLMSG_ERROR or NLMSG_DONE message.
fn verdict(message: &Message, step: Step) -> Result<()> {
    let Some((code, rest)) = message.payload.split_first_chunk::<4>() else {
        return Err(malformed());
    };
    let errno = match i32::from_ne_bytes(*code).saturating_neg() {
        ..=0 => return Ok(()),
        ENOTSUPP => Errno::EOPNOTSUPP,
        code => Errno::from_raw(code),
    };
    let failure = Failure::new(step, errno);
    Err(match text(message, rest) {
        Some(text) => extended_ack::explained(failure, message.sequence, text),
        None => failure,
    })
}

/// Returns the text of the extended ack, if any. A malformed one is ignored.
fn text<'a>(message: &Message, rest: &'a [u8]) -> Option<&'a [u8]> {
    if message.flags & NLM_F_ACK_TLVS == 0 {
        return None;
    }
    let skipped = match message.message_type {
        NLMSG_DONE => 0,
        // The header of the request or, if the kernel does not cap it, the whole request.
        _ if message.flags & NLM_F_CAPPED != 0 => message::HEADER,
        _ => (u32::from_ne_bytes(*rest.first_chunk()?) as usize).next_multiple_of(4),
    };
    Attributes::behind(skipped, rest).bytes(ATTR_TEXT)
}

/// Parses one datagram as the whole reply to the dump with request number 1; returns `None` if it has no end.
#[cfg(fuzzing)]
pub fn dumped<T>(
    datagram: &[u8],
    read: impl Fn(&Message, &mut Vec<T>) -> Result<()>,
) -> Result<Option<Vec<T>>> {
    let mut dump = Dump::new(Step::ListLinks);
    match take_replies(datagram, 1, &mut |message| dump.take(&message, &read))? {
        Some(end) => end.map(|()| Some(dump.found)),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests;
