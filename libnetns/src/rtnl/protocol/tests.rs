use super::*;
use crate::explain::{Object, Subject};
use crate::rtnl::attributes::Attribute;
use crate::rtnl::connection;
use crate::rtnl::message::number;
use crate::testing;
use netlink_packet_core::{NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::link::LinkHeader;
use netlink_packet_route::nsid::{NsidAttribute, NsidHeader};
use rustix::net::{SocketType, bind, getsockname};
use std::ffi::CString;
use std::sync::atomic::{AtomicBool, Ordering};

const SEQUENCE: u32 = 7;

const RTM_NEWLINKPROP: u16 = 108;
/// The number of alternative names of an interface that do not fit into a datagram of [`DUMP_ROOM`].
const NAMES: usize = 300;

/// A message as sent by the kernel; its length may be wrong.
fn message(len: usize, kind: u16, flags: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = (len as u32).to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(flags.to_ne_bytes());
    bytes.extend(SEQUENCE.to_ne_bytes());
    bytes.extend([0; 4]);
    bytes.extend(payload);
    bytes
}

fn whole(kind: u16, flags: u16, payload: &[u8]) -> Vec<u8> {
    message(message::HEADER + payload.len(), kind, flags, payload)
}

fn attribute(len: u16, kind: u16, value: &[u8]) -> Vec<u8> {
    let mut bytes = len.to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

fn first(bytes: &[u8]) -> Result<Message<'_>> {
    Message::split(&mut &bytes[..])
}

#[test]
fn split_advances_to_4_byte_boundaries() {
    let mut bytes = whole(20, 1, b"abcde");
    bytes.extend([0; 3]);
    bytes.extend(whole(21, 2, b""));
    let mut rest = &bytes[..];
    let one = Message::split(&mut rest).unwrap();
    assert_eq!(one, Message { message_type: 20, flags: 1, sequence: SEQUENCE, payload: b"abcde" });
    assert_eq!(Message::split(&mut rest).unwrap().message_type, 21);
    assert!(rest.is_empty());
    // The last message may lack its padding.
    let mut rest = &bytes[..21];
    assert_eq!(Message::split(&mut rest).unwrap().payload, b"abcde");
    assert!(rest.is_empty());
}

#[test]
fn split_rejects_message_with_wrong_length() {
    for len in [0, 15, 17, u32::MAX as usize] {
        assert_eq!(first(&message(len, 20, 0, b"")), Err(malformed()), "{len}");
    }
    for len in 0..message::HEADER {
        assert_eq!(first(&whole(20, 0, b"")[..len]), Err(malformed()), "{len}");
    }
}

fn attributes_of(bytes: &[u8]) -> Result<Vec<(u16, &[u8])>> {
    message::attributes(bytes).collect()
}

#[test]
fn attributes_reads_all_including_nested() {
    let bytes = [attribute(8, 1, &[1; 4]), attribute(6, 2, b"ab"), attribute(4, 3, b"")].concat();
    let read = attributes_of(&bytes).unwrap();
    assert_eq!(read, [(1, &[1; 4][..]), (2, &b"ab"[..]), (3, &b""[..])]);
    // A nested attribute: the flag is not part of its kind.
    let outer = attribute(4 + bytes.len() as u16, 9 | 0x8000, &bytes);
    let [(9, inner)] = attributes_of(&outer).unwrap()[..] else { panic!("one attribute") };
    assert_eq!(attributes_of(inner).unwrap(), read);
    assert_eq!(number(&[1, 0, 0, 0]), Ok(i32::from_ne_bytes([1, 0, 0, 0])));
    assert!(number(b"abc").is_err() && number(b"abcde").is_err());
}

#[test]
fn attributes_rejects_wrong_length() {
    for len in [0, 3, 9, u16::MAX] {
        assert_eq!(attributes_of(&attribute(len, 1, &[1; 4])), Err(malformed()), "{len}");
    }
    assert_eq!(attributes_of(&[8, 0, 1]), Err(malformed()));
    let bytes = whole(20, 0, b"abc");
    assert!(first(&bytes).unwrap().attributes(4).is_err());
}

fn errno_of(message: &Message) -> Option<Errno> {
    verdict(message, Step::SetId).err().map(|failure| failure.errno)
}

#[test]
fn verdict_converts_error_code_to_errno() {
    let code = |kind, code: i32| errno_of(&first(&whole(kind, 0, &code.to_ne_bytes())).unwrap());
    for kind in [NLMSG_ERROR, NLMSG_DONE] {
        assert_eq!(code(kind, 0), None);
        assert_eq!(code(kind, 28), None);
        assert_eq!(code(kind, -libc::EEXIST), Some(Errno::EEXIST));
        assert_eq!(code(kind, -ENOTSUPP), Some(Errno::EOPNOTSUPP));
        assert_eq!(code(kind, -4000), Some(Errno::EIO));
        assert_eq!(code(kind, i32::MIN), Some(Errno::EIO));
        assert_eq!(errno_of(&first(&whole(kind, 0, b"abc")).unwrap()), Some(Errno::EBADMSG));
    }
}

fn explained(bytes: &[u8]) -> String {
    let subject = Subject { verb: "test", rundir: c"/run/netns", object: Object::Nothing };
    let failure = verdict(&first(bytes).unwrap(), Step::SetId).unwrap_err();
    subject.explain(failure).to_string()
}

#[test]
fn verdict_reads_extended_ack() {
    let code = (-libc::EIO).to_ne_bytes();
    let text = attribute(10, ATTR_TEXT, b"taken\0");
    let other = attribute(8, 2, &[0; 4]);
    let request = whole(90, 0, b"what was asked for");
    let said = "test: assign the nsid: Input/output error: taken";
    let silent = "test: assign the nsid: Input/output error";

    let capped = [&code[..], &request[..16], &other, &text].concat();
    let both = NLM_F_CAPPED | NLM_F_ACK_TLVS;
    assert_eq!(explained(&whole(NLMSG_ERROR, both, &capped)), said);
    assert_eq!(explained(&whole(NLMSG_ERROR, NLM_F_CAPPED, &capped)), silent);
    let padding = vec![0; request.len().next_multiple_of(4) - request.len()];
    let full = [&code[..], &request, &padding, &text].concat();
    assert_eq!(explained(&whole(NLMSG_ERROR, NLM_F_ACK_TLVS, &full)), said);
    let done = [&code[..], &text].concat();
    assert_eq!(explained(&whole(NLMSG_DONE, NLM_F_ACK_TLVS, &done)), said);

    // A malformed ack has no text.
    for len in 4..capped.len() - text.len() {
        assert_eq!(explained(&whole(NLMSG_ERROR, both, &capped[..len])), silent, "{len}");
    }
    let lie = [&code[..], &u32::MAX.to_ne_bytes(), &request[4..], &text].concat();
    assert_eq!(explained(&whole(NLMSG_ERROR, NLM_F_ACK_TLVS, &lie)), silent);
}

fn request() -> Request {
    Request::new(Step::ListIds, libc::RTM_GETNSID, &NsidHeader::default())
}

#[test]
fn overlong_request_fails_with_emsgsize_before_sending() {
    let socket = open_here().unwrap();
    let mut rtnl = RtnlSocket::new(socket.as_fd());
    let mut request = request();
    for _ in 0..200 {
        request.put(&NsidAttribute::Id(1));
    }
    assert_eq!(rtnl.change(&mut request, 0).unwrap_err().errno, Errno::EMSGSIZE);
    assert!(rtnl.in_order);
}

#[test]
fn rejected_request_keeps_connection_in_order() {
    let socket = open_here().unwrap();
    let mut rtnl = RtnlSocket::new(socket.as_fd());
    // The request contains neither an nsid nor a namespace.
    let mut incomplete = Request::new(Step::SetId, libc::RTM_NEWNSID, &NsidHeader::default());
    let refused = rtnl.change(&mut incomplete, 0).unwrap_err();
    assert!([Errno::EINVAL, Errno::EPERM].contains(&refused.errno), "{refused:?}");
    assert!(rtnl.get(&mut request(), |_| Ok(())).is_err());
    assert!(rtnl.in_order);
    assert!(rtnl.dump(&mut request(), |_| Ok(Some(()))).is_ok());
    assert!(rtnl.in_order);
}

/// A message to the kernel's port would reach the kernel; a message from another sender is not a reply.
#[test]
fn forged_and_stale_replies_are_ignored() {
    let (ours, theirs) = (open_here().unwrap(), open_here().unwrap());
    for socket in [&ours, &theirs] {
        bind(socket, &SocketAddrNetlink::new(0, 0)).unwrap();
    }
    let port = SocketAddrNetlink::try_from(getsockname(&ours).unwrap()).unwrap();
    let mut rtnl = RtnlSocket::new(ours.as_fd());
    let mut forged = whole(NLMSG_ERROR, 0, &(-libc::EXDEV).to_ne_bytes());
    forged[8..12].copy_from_slice(&rtnl.sequence.wrapping_add(1).to_ne_bytes());
    forged.resize(3 * DUMP_ROOM, 0);
    if sendto(&theirs, &forged, SendFlags::empty(), &port).is_err() {
        return; // it takes CAP_NET_ADMIN
    }
    assert!(rtnl.dump(&mut request(), |_| Ok(Some(()))).is_ok());
    // This is the kernel's own reply to a request that nothing waits for any more.
    let mut stale = request();
    let bytes = stale.finish(NLM_F_REQUEST | NLM_F_DUMP, rtnl.sequence.wrapping_sub(9)).unwrap();
    rustix::net::send(rtnl.socket, bytes, SendFlags::empty()).unwrap();
    assert!(
        rtnl.get(&mut request(), |_| Ok(())).is_err_and(|failure| failure.errno == Errno::EINVAL)
    );
    assert!(rtnl.in_order);
}

#[test]
fn non_netlink_socket_fails_with_etimedout_or_einval() {
    let (ours, theirs) = rustix::net::socketpair(
        AddressFamily::UNIX,
        SocketType::DGRAM,
        rustix::net::SocketFlags::CLOEXEC,
        None,
    )
    .unwrap();
    let mut rtnl = RtnlSocket::new(ours.as_fd());
    // A message that does not come from the kernel is not a reply, and then none arrives.
    let mut forged = whole(NLMSG_DONE, 0, &[0; 4]);
    forged[8..12].copy_from_slice(&rtnl.sequence.wrapping_add(1).to_ne_bytes());
    rustix::net::send(&theirs, &forged, SendFlags::empty()).unwrap();
    let received = receive(rtnl.socket, &mut rtnl.buffer, (Expected::Any, 0), &Patience::new());
    assert_eq!(received.unwrap_err().errno, Errno::ETIMEDOUT);
    // Neither can a request reach the kernel this way.
    let failure = rtnl.dump(&mut request(), |_| Ok(Some(()))).unwrap_err();
    assert_eq!((failure.step, failure.errno), (Step::Send, Errno::EINVAL));
    assert!(!rtnl.in_order);
}

/// Passes these datagrams to a dump; the last one is repeated forever.
fn dumped(datagrams: &[Vec<u8>]) -> Result<Vec<Vec<u8>>> {
    let mut dump = Dump::new(Step::ListLinks);
    let mut at = 0;
    let receive = |buffer: &mut Vec<u8>, _: &Patience| {
        let datagram = datagrams.get(at).or(datagrams.last()).unwrap();
        at += 1;
        buffer.clone_from(datagram);
        Ok(())
    };
    let take = |message: Message| {
        dump.take(&message, |message, found: &mut Vec<Vec<u8>>| {
            let all = attributes_of(message.payload)?;
            push(found, all.iter().flat_map(|(_, value)| value.to_vec()).collect())
        })
    };
    until_done(SEQUENCE, &mut Vec::new(), receive, take)??;
    Ok(dump.found)
}

fn errno_of_dump(datagrams: &[Vec<u8>]) -> Option<Errno> {
    dumped(datagrams).err().map(|failure| failure.errno)
}

fn with_sequence(mut datagram: Vec<u8>, sequence: u32) -> Vec<u8> {
    datagram[8..12].copy_from_slice(&sequence.to_ne_bytes());
    datagram
}

#[test]
fn dump_accepts_reply_split_over_datagrams() {
    let one = |value: &[u8]| whole(20, 0, &attribute(4 + value.len() as u16, 1, value));
    let done = whole(NLMSG_DONE, 0, &[0; 4]);
    let told = [b"aaaa".to_vec(), b"bbbb".to_vec()];
    let both = [one(b"aaaa"), one(b"bbbb")].concat();
    assert_eq!(dumped(&[[both.clone(), done.clone()].concat()]).unwrap(), told);
    let among = [
        vec![],
        // Messages for another request, and unsolicited ones.
        with_sequence(one(b"xxxx"), SEQUENCE + 1),
        with_sequence(whole(NLMSG_ERROR, 0, &(-libc::EIO).to_ne_bytes()), 0),
        both,
        whole(NLMSG_NOOP, 0, b""),
        done,
    ];
    assert_eq!(dumped(&among).unwrap(), told);
}

#[test]
fn dump_rejects_truncated_and_malformed_replies() {
    let payload = [attribute(8, 1, b"aaaa"), attribute(6, 2, b"bb")].concat();
    let good = whole(20, 0, &payload);
    let done = whole(NLMSG_DONE, 0, &[0; 4]);
    for len in 1..good.len() {
        assert_eq!(errno_of_dump(&[good[..len].to_vec()]), Some(Errno::EBADMSG), "{len}");
    }
    for at in 0..good.len() {
        for byte in [0, 1, 3, 0x7f, 0x80, 0xff] {
            let mut changed = good.clone();
            changed[at] = byte;
            // Whatever the result is, it must terminate.
            let _ = dumped(&[changed, done.clone()]);
        }
    }
    for len in [0, 1, 3, 9, 0x7fff, u16::MAX] {
        let lie = whole(20, 0, &attribute(len, 1, b"aaaa"));
        assert_eq!(errno_of_dump(&[lie, done.clone()]), Some(Errno::EBADMSG), "{len}");
    }
    for short in 0..4 {
        for kind in [NLMSG_DONE, NLMSG_ERROR] {
            let verdict = whole(kind, 0, &vec![0; short]);
            assert_eq!(errno_of_dump(&[verdict]), Some(Errno::EBADMSG), "{kind}: {short}");
        }
    }
    let refused = whole(NLMSG_DONE, 0, &(-libc::EMFILE).to_ne_bytes());
    assert_eq!(errno_of_dump(&[good, refused]), Some(Errno::EMFILE));
}

#[test]
fn endless_dump_fails_with_emsgsize_or_etimedout() {
    let one = whole(20, 0, &attribute(8, 1, b"aaaa"));
    assert_eq!(errno_of_dump(std::slice::from_ref(&one)), Some(Errno::EMSGSIZE));
    assert_eq!(errno_of_dump(&[whole(NLMSG_NOOP, 0, b"")]), Some(Errno::EMSGSIZE));
    // The timeout applies even if other messages keep arriving.
    let other = with_sequence(one, SEQUENCE.wrapping_sub(1));
    let never = Patience(Instant::now() - TIMEOUT);
    assert_eq!(never.left().unwrap_err().errno, Errno::ETIMEDOUT);
    let mut waits = 0;
    let receive = |buffer: &mut Vec<u8>, patience: &Patience| {
        waits += 1;
        std::thread::sleep(TIMEOUT / 4);
        buffer.clone_from(&other);
        patience.left().map(drop)
    };
    let result = until_done(SEQUENCE, &mut Vec::new(), receive, |_| Ok(Some(())));
    assert_eq!(result.unwrap_err().errno, Errno::ETIMEDOUT);
    assert!(waits <= 5, "{waits}");
}

/// Sends messages to the test's socket until told to stop.
fn flood(theirs: &OwnedFd, port: &SocketAddrNetlink, stop: &AtomicBool) {
    let datagram = whole(NLMSG_NOOP, 0, b"");
    while !stop.load(Ordering::Relaxed) {
        let _ = sendto(theirs, &datagram, SendFlags::DONTWAIT, port);
    }
}

#[test]
fn receive_fails_under_flood_of_foreign_messages() {
    let (ours, theirs) = (open_here().unwrap(), open_here().unwrap());
    for socket in [&ours, &theirs] {
        bind(socket, &SocketAddrNetlink::new(0, 0)).unwrap();
    }
    let port = SocketAddrNetlink::try_from(getsockname(&ours).unwrap()).unwrap();
    if sendto(&theirs, &whole(NLMSG_NOOP, 0, b""), SendFlags::empty(), &port).is_err() {
        return; // it takes CAP_NET_ADMIN
    }
    for expected in [Expected::Acknowledgement, Expected::Small, Expected::Any] {
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| flood(&theirs, &port, &stop));
            let mut buffer = Vec::with_capacity(REPLY_ROOM);
            let result = receive(ours.as_fd(), &mut buffer, (expected, 1), &Patience::new());
            stop.store(true, Ordering::Relaxed);
            // The socket may overflow first.
            let errno = result.unwrap_err().errno;
            assert!([Errno::ETIMEDOUT, Errno::ENOBUFS].contains(&errno), "{errno}");
        });
    }
}

#[test]
fn get_and_dump_read_replies_larger_than_buffer() {
    let Some(_) = testing::world() else { return };
    let ns = testing::anonymous();
    let socket = connection::open_in(&ns).unwrap();
    let mut rtnl = RtnlSocket::new(socket.as_fd());
    let lo = LinkHeader { index: 1, ..LinkHeader::default() };
    // Alternative names were added in Linux 5.5, and have at most 127 bytes.
    for i in 100..100 + NAMES {
        let name = CString::new(format!("{}{i}", "long".repeat(30))).unwrap();
        let names = [Attribute::text(libc::IFLA_ALT_IFNAME, &name)];
        let mut request = Request::new(Step::SetId, RTM_NEWLINKPROP, &lo);
        request.put(&Attribute::nest(libc::IFLA_PROP_LIST, &names));
        if rtnl.change(&mut request, NLM_F_CREATE | NLM_F_EXCL | NLM_F_APPEND).is_err() {
            return;
        }
    }
    let mut request = Request::new(Step::FindLink, libc::RTM_GETLINK, &lo);
    let len = rtnl.get(&mut request, |message| Ok(message.payload.len())).unwrap();
    assert!(len > DUMP_ROOM, "{len}");
    assert!(rtnl.in_order);
    let mut request = Request::new(Step::ListLinks, libc::RTM_GETLINK, &LinkHeader::default());
    request.put(&crate::rtnl::link::without_counters());
    let lens = rtnl.dump(&mut request, |message| Ok(Some(message.payload.len()))).unwrap();
    assert!(lens.iter().any(|&len| len > DUMP_ROOM), "{lens:?}");
    assert!(rtnl.in_order);
    // A message that is too long for an acknowledgement is not one; it may be a reply that nothing waits for.
    let mut stale = Request::new(Step::FindLink, libc::RTM_GETLINK, &lo);
    let bytes = stale.finish(NLM_F_REQUEST, rtnl.sequence.wrapping_sub(9)).unwrap();
    rustix::net::send(rtnl.socket, bytes, SendFlags::empty()).unwrap();
    let mut incomplete = Request::new(Step::SetId, libc::RTM_NEWNSID, &NsidHeader::default());
    let refused = rtnl.change(&mut incomplete, 0).unwrap_err();
    assert_eq!((refused.step, rtnl.in_order), (Step::SetId, true), "{refused:?}");
}
