//! The sockets in a namespace, as listed by the kernel (sock_diag(7)): unix(7), netlink(7), packet(7), TCP,
//! UDP and raw sockets. TCP and UDP sockets that are neither bound nor connected are not listed.

use std::os::fd::{AsFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, send};
use rustix::io::retry_on_intr;
use rustix::net::{RecvFlags, recvfrom};

use crate::error::{At, Result, Step, errno};
use crate::namespace::handle::Namespace;
use crate::namespace::visit;
use crate::os::netlink::is_kernel;
use crate::os::retry::{is_shortage, on_signal};
use crate::os::stat;
use crate::os::stat::fstat;
use crate::os::syscalls;
use crate::util::number_map::NumberMap;
use crate::util::try_vec;

const SOCK_DIAG_BY_FAMILY: u16 = 20;
const HEADER: usize = 16;
const BUFFER: usize = 32 * 1024;

/// All TCP states except for TIME_WAIT, which does not keep a namespace alive, and the two of requests to a
/// listener.
const STATES: u32 = !(1 << 6 | 1 << 3 | 1 << 12);

/// A kind of socket: the request, and the offset of the inode in a reply.
struct Family {
    family: u8,
    protocol: u8,
    len: usize,
    inode: usize,
}

const FAMILIES: [Family; 9] = [
    // struct unix_diag_req, unix_diag_msg
    Family { family: libc::AF_UNIX as u8, protocol: 0, len: 24, inode: 4 },
    // struct netlink_diag_req with NDIAG_PROTO_ALL, netlink_diag_msg
    Family { family: NETLINK, protocol: 255, len: 20, inode: 16 },
    // struct packet_diag_req, packet_diag_msg
    Family { family: libc::AF_PACKET as u8, protocol: 0, len: 20, inode: 4 },
    // struct inet_diag_req_v2, inet_diag_msg
    inet(libc::AF_INET, libc::IPPROTO_TCP),
    inet(libc::AF_INET6, libc::IPPROTO_TCP),
    inet(libc::AF_INET, libc::IPPROTO_UDP),
    inet(libc::AF_INET6, libc::IPPROTO_UDP),
    inet(libc::AF_INET, libc::IPPROTO_RAW),
    inet(libc::AF_INET6, libc::IPPROTO_RAW),
];

/// From inet_twsk_diag_fill() in net/ipv4/inet_diag.c; no other socket has this value.
const TIME_WAIT_TIMER: u8 = 3;

/// The maximum number of messages from other senders that are skipped before one from the kernel.
const STRANGERS_AT_MOST: usize = 4096;

const NETLINK: u8 = libc::AF_NETLINK as u8;

const fn inet(family: i32, protocol: i32) -> Family {
    Family { family: family as u8, protocol: protocol as u8, len: 56, inode: 68 }
}

/// These have states, and may have no inode if they were closed by their process but have not ended.
fn is_inet(family: &Family) -> bool {
    family.len == 56
}

pub struct Sockets {
    /// `None` if the namespace cannot be entered.
    helper: Option<OwnedFd>,
    /// The inode of the helper socket, if there is one.
    helper_inode: Option<u64>,
    device: Option<u64>,
    found: NumberMap,
    marked: NumberMap,
    /// The number of sockets that have not been found in a process.
    left: usize,
    /// A bit for each family that the kernel does not list. Another request could start modprobe(8) again.
    unlisted: u32,
    is_complete: bool,
}

impl Sockets {
    pub fn read(ns: &Namespace) -> Result<Sockets> {
        let (domain, kind) = (libc::AF_NETLINK, libc::SOCK_RAW);
        let helper = match visit::socket(ns.proved(), domain, kind, libc::NETLINK_SOCK_DIAG) {
            Err(failure) if is_shortage(failure.errno) || failure.step == Step::GoBack => {
                return Err(failure);
            }
            helper => helper.ok(),
        };
        let status = helper.as_ref().map(fstat).transpose().at(Step::ListSockets)?;
        let helper_inode = status.as_ref().map(stat::inode);
        let mut sockets = Sockets {
            helper,
            helper_inode,
            device: status.as_ref().map(stat::device),
            found: NumberMap::default(),
            marked: NumberMap::default(),
            left: 0,
            unlisted: 0,
            is_complete: true,
        };
        sockets.list(|sockets, inode| {
            let is_new = inode == 0 || sockets.found.insert_first(inode, 0)?;
            sockets.left += usize::from(is_new && !sockets.is_helper(inode));
            Ok(())
        })?;
        Ok(sockets)
    }

    /// Returns the namespace's cookie, from a socket in it (Linux 5.14).
    pub fn cookie(&self) -> Option<u64> {
        syscalls::socket_cookie(self.helper.as_ref()?.as_fd()).ok()
    }

    /// Returns whether all families could be listed.
    pub fn is_complete(&self) -> bool {
        self.is_complete
    }

    pub fn has(&self, inode: u64) -> bool {
        self.found.has(inode)
    }

    /// Returns whether it may be a socket: the name of a socket in a file system, opened with O_PATH, is not.
    pub fn may_be_one(&self, device: u64) -> bool {
        self.device.is_none_or(|own| own == device)
    }

    /// Returns whether it is the socket that was used to read the list.
    pub fn is_helper(&self, inode: u64) -> bool {
        self.helper_inode == Some(inode)
    }

    /// Records that a process has a descriptor of it.
    pub fn mark(&mut self, inode: u64) -> Result<()> {
        let is_first = self.marked.insert_first(inode, 0)?;
        self.left -= usize::from(is_first && self.found.has(inode));
        Ok(())
    }

    /// Returns the number of sockets that existed before, still exist, and were not found in any process.
    pub fn without_process(&mut self) -> Result<usize> {
        if self.left == 0 {
            return Ok(0);
        }
        let mut count = 0;
        self.list(|sockets, inode| {
            let is_known = inode == 0 || sockets.found.has(inode);
            let has_process = sockets.marked.has(inode) || sockets.is_helper(inode);
            count += usize::from(is_known && !has_process);
            Ok(())
        })?;
        Ok(count)
    }

    /// Calls `visit` with the inode of each socket; 0 means that it no longer has one.
    fn list(&mut self, mut visit: impl FnMut(&mut Sockets, u64) -> Result<()>) -> Result<()> {
        let Some(helper) = self.helper.take() else {
            self.is_complete = false;
            return Ok(());
        };
        let mut buffer = try_vec::zeros(BUFFER)?;
        let unlisted = self.unlisted;
        for (i, family) in FAMILIES.iter().enumerate().filter(|(i, _)| unlisted >> i & 1 == 0) {
            match dump(&helper, family, &mut buffer, |inode| visit(self, inode)) {
                Ok(Ok(())) => {}
                Ok(Err(failure)) => return Err(failure),
                Err(errno) if is_shortage(errno) => return Err(errno).at(Step::ListSockets),
                Err(_) => {
                    self.unlisted |= 1 << i;
                    self.is_complete = false;
                }
            }
        }
        self.helper = Some(helper);
        Ok(())
    }
}

/// Sends one request and reads all replies.
fn dump(
    socket: &OwnedFd,
    family: &Family,
    buffer: &mut [u8],
    mut visit: impl FnMut(u64) -> Result<()>,
) -> nix::Result<Result<()>> {
    let request = request(family);
    on_signal(|| send(raw(socket), &request[..HEADER + family.len], MsgFlags::empty()))?;
    let mut strangers = 0;
    loop {
        // The kernel replies immediately.
        let received = retry_on_intr(|| recvfrom(socket, &mut *buffer, RecvFlags::DONTWAIT));
        let (_, len, sender) = received.map_err(errno)?;
        // A process with CAP_NET_ADMIN over the namespace can send messages as well.
        if !is_kernel(sender) {
            strangers += 1;
            if strangers > STRANGERS_AT_MOST {
                return Err(Errno::ETIMEDOUT);
            }
            continue;
        }
        let mut rest = &buffer[..len];
        if rest.is_empty() {
            return Err(Errno::EIO);
        }
        while let Some((kind, body, next)) = split(rest) {
            match i32::from(kind) {
                // If a list is incomplete or not supported, its errno is at the end.
                libc::NLMSG_DONE | libc::NLMSG_ERROR => {
                    return match number(body, 0).unwrap_or_default() as i32 {
                        0 => Ok(Ok(())),
                        code => Err(Errno::from_raw(code.wrapping_neg())),
                    };
                }
                _ => {
                    if let Some(inode) = inode_in(family, body) {
                        if let Err(failure) = visit(inode) {
                            return Ok(Err(failure));
                        }
                    }
                }
            }
            rest = next;
        }
    }
}

fn raw(socket: &OwnedFd) -> i32 {
    use std::os::fd::AsRawFd;
    socket.as_fd().as_raw_fd()
}

const LONGEST: usize = HEADER + 56;

fn request(family: &Family) -> [u8; LONGEST] {
    let mut bytes = [0; LONGEST];
    let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
    put(0, &((HEADER + family.len) as u32).to_ne_bytes());
    put(4, &SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    put(6, &((libc::NLM_F_REQUEST | libc::NLM_F_DUMP) as u16).to_ne_bytes());
    put(HEADER, &[family.family, family.protocol]);
    if is_inet(family) || family.family == libc::AF_UNIX as u8 {
        // udiag_states, idiag_states
        put(HEADER + 4, &(if is_inet(family) { STATES } else { !0 }).to_ne_bytes());
    }
    bytes
}

/// Returns the type and body of the first message, and the rest.
fn split(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let len = number(bytes, 0)? as usize;
    let kind = u16::from_ne_bytes(bytes.get(4..6)?.try_into().ok()?);
    let body = bytes.get(HEADER..len)?;
    let next = bytes.get(len.next_multiple_of(4)..).unwrap_or_default();
    Some((kind, body, next))
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// Returns `None` if the socket is part of the kernel's state that does not keep a namespace alive.
fn inode_in(family: &Family, body: &[u8]) -> Option<u64> {
    let inode = number(body, family.inode)?;
    // idiag_timer: the socket is in TIME_WAIT, or in FIN_WAIT2 in the same short form.
    if is_inet(family) && body.get(2) == Some(&TIME_WAIT_TIMER) {
        return None;
    }
    // ndiag_portid: the kernel's end of each netlink protocol.
    let is_kernel_s = family.family == NETLINK && number(body, 4)? == 0;
    let is_none = inode == 0 && !is_inet(family);
    (!is_kernel_s && !is_none).then_some(inode.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn split_rejects_truncated_messages() {
        let mut bytes = Vec::new();
        for (len, kind, body) in [(20_u32, 20_u16, 7_u32), (20, 3, 0)] {
            bytes.extend(len.to_ne_bytes());
            bytes.extend(kind.to_ne_bytes());
            bytes.extend([0; 10]);
            bytes.extend(body.to_ne_bytes());
        }
        let (kind, body, rest) = split(&bytes).unwrap();
        assert_eq!((kind, number(body, 0), rest.len()), (20, Some(7), 20));
        assert_eq!(split(rest).unwrap().0, 3);
        for len in 0..20 {
            assert!(split(&bytes[..len]).is_none(), "{len}");
        }
        assert!(split(&[255; 16]).is_none());
        assert!(split(&[0; 16]).is_none());
    }

    #[test]
    fn sockets_read_lists_tcp_and_unix_sockets() {
        let ns = Namespace::open_current().unwrap();
        let socket = std::net::TcpListener::bind("127.0.0.1:0");
        let unix = std::os::unix::net::UnixDatagram::unbound().unwrap();
        let sockets = Sockets::read(&ns).unwrap();
        if sockets.helper.is_none() {
            return; // without privilege
        }
        let inode = |fd| stat::inode(&fstat(fd).unwrap());
        assert!(sockets.has(inode(unix.as_fd())));
        if let Ok(socket) = socket {
            assert!(sockets.has(inode(socket.as_fd())));
        }
        assert!(!sockets.has(1));
    }
}
