//! Looking up interfaces by name, and moving them between namespaces.

pub mod list;
pub mod setup;

use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use netlink_packet_core::Emitable;
use netlink_packet_route::link::LinkHeader;
use nix::errno::Errno;

use crate::error::{Failure, Result, Step};
use crate::namespace::handle::Namespace;
use crate::namespace::visit;
use crate::rtnl::attributes::{Attribute, Attributes};
use crate::rtnl::connection;
use crate::rtnl::message::{Message, Request, malformed};
use crate::rtnl::protocol::RtnlSocket;

/// A string that is valid as the name of an interface: at most 15 bytes long. The kernel treats a name with
/// `%` as a pattern and generates another one from it, and it treats 0xa0 as a Latin-1 space. "all" and
/// "default" are rejected because they are directories in /proc/sys/net, where each interface has one: the
/// kernel reports this error only after it has moved the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkName<'a>(&'a CStr);

impl<'a> LinkName<'a> {
    pub fn new(text: &'a CStr) -> Result<LinkName<'a>> {
        let bytes = text.to_bytes();
        let unfit = |byte: &u8| matches!(byte, b'/' | b':' | b'%' | b' ' | b'\t'..=b'\r' | 0xa0);
        if bytes.iter().any(unfit) {
            return Err(Failure::invalid_at(
                Step::LinkName,
                "a name must not contain '/', ':', '%', white space or the byte 0xa0",
            ));
        }
        if matches!(bytes, b"" | b"." | b".." | b"all" | b"default") {
            return Err(Failure::invalid_at(
                Step::LinkName,
                "a name must not be empty, \".\", \"..\", \"all\" or \"default\"",
            ));
        }
        if bytes.len() >= libc::IFNAMSIZ {
            return Err(Failure::new(Step::LinkName, Errno::ENAMETOOLONG)
                .hint("a name can have at most 15 bytes"));
        }
        Ok(LinkName(text))
    }

    pub fn attribute(self) -> Attribute<'a> {
        Attribute::text(libc::IFLA_IFNAME, self.0)
    }
}

/// Returns the index of the interface with this name, which may be one of its alternative names.
pub fn index_of(rtnl: &mut RtnlSocket, name: LinkName) -> Result<u32> {
    find(rtnl, name, index_in)
}

/// Returns what `read` extracts from the kernel's description of the interface with this name.
fn find<T>(
    rtnl: &mut RtnlSocket,
    name: LinkName,
    read: impl Fn(&Message) -> Result<T>,
) -> Result<T> {
    let mut request = Request::new(Step::FindLink, libc::RTM_GETLINK, &LinkHeader::default());
    request.put(&name.attribute());
    request.put(&without_counters());
    rtnl.get(&mut request, read)
}

/// Counters would be most of a reply.
pub fn without_counters() -> Attribute<'static> {
    Attribute::number(libc::IFLA_EXT_MASK, libc::RTEXT_FILTER_SKIP_STATS as u32)
}

fn index_in(message: &Message) -> Result<u32> {
    Ok(LinkHeader::parse(message.payload).map_err(|_| malformed())?.index)
}

/// Moves an interface from one namespace (`None` is the calling thread's) to another, and renames it.
pub fn move_to(
    from: Option<&Namespace>,
    name: LinkName,
    to: &Namespace,
    new_name: Option<LinkName>,
) -> Result<()> {
    let stays = from.map_or_else(|| to.is_current() == Ok(true), |from| from == to);
    connection::with(from, |here| {
        // The index is needed because a name in the request is the new name.
        let index = index_of(here, name)?;
        if stays {
            return rename(here, index, new_name);
        }
        let Some(new_name) = new_name else {
            return change(here, index, Some(to.as_fd()), None);
        };
        refuse_if_alternative(here, index, new_name)?;
        connection::with(Some(to), |there| {
            refuse_if_taken(there, new_name)?;
            change(here, index, Some(to.as_fd()), Some(new_name)).inspect_err(|_| {
                // Another process has just created an interface with this name.
                let _ = bring_back(here, there, name, from);
            })
        })
    })
}

/// The request contains no namespace, because older kernels (6.1) reject even the same namespace for
/// interfaces that cannot be moved, such as lo. Before Linux 6.2 the kernel returns EBUSY for an interface
/// that is up, whatever the name.
fn rename(here: &mut RtnlSocket, index: u32, new_name: Option<LinkName>) -> Result<()> {
    if let Some(name) = new_name {
        refuse_if_alternative(here, index, name)?;
    }
    change(here, index, None, new_name)
}

/// The kernel moves the interface first and then renames it, and leaves it in the new namespace if the name
/// is taken. The name is therefore checked first.
fn refuse_if_taken(there: &mut RtnlSocket, name: LinkName) -> Result<()> {
    match index_of(there, name) {
        Ok(_) => Err(Failure::new(Step::MoveLink, Errno::EEXIST)
            .hint("the target namespace already has an interface with the new name")),
        Err(Failure { errno: Errno::ENODEV, .. }) => Ok(()),
        Err(failure) => Err(failure),
    }
}

/// The kernel cannot use an alternative name of the interface itself either, which moves with it.
fn refuse_if_alternative(here: &mut RtnlSocket, index: u32, name: LinkName) -> Result<()> {
    let is_alternative = |message: &Message| {
        let header = LinkHeader::default().buffer_len();
        let real = Attributes::behind(header, message.payload).text(libc::IFLA_IFNAME);
        Ok(index_in(message)? == index && real != Some(name.0.to_bytes()))
    };
    match find(here, name, is_alternative) {
        Ok(true) => Err(Failure::new(Step::MoveLink, Errno::EEXIST)
            .hint("the new name is already an alternative name of the interface")),
        Ok(false) | Err(Failure { errno: Errno::ENODEV, .. }) => Ok(()),
        Err(failure) => Err(failure),
    }
}

/// Moves back an interface that was moved under its old name. It was moved only if that name was free in the
/// target namespace.
fn bring_back(
    here: &mut RtnlSocket,
    there: &mut RtnlSocket,
    name: LinkName,
    home: Option<&Namespace>,
) -> Result<()> {
    if index_of(here, name).is_ok() {
        return Ok(());
    }
    let index = index_of(there, name)?;
    with_descriptor(home, |home| change(there, index, Some(home), None))
}

fn change(
    rtnl: &mut RtnlSocket,
    index: u32,
    to: Option<BorrowedFd>,
    new_name: Option<LinkName>,
) -> Result<()> {
    let header = LinkHeader { index, ..LinkHeader::default() };
    let mut request = Request::new(Step::MoveLink, libc::RTM_SETLINK, &header);
    if let Some(to) = to {
        request.put(&in_namespace(to));
    }
    if let Some(name) = new_name {
        request.put(&name.attribute());
    }
    rtnl.change(&mut request, 0)
}

/// Calls `work` with a descriptor of `ns` or of the calling thread's namespace.
fn with_descriptor<T>(
    ns: Option<&Namespace>,
    work: impl FnOnce(BorrowedFd) -> Result<T>,
) -> Result<T> {
    match ns {
        Some(ns) => work(ns.as_fd()),
        None => work(visit::open_current()?.as_fd()),
    }
}

fn in_namespace(fd: BorrowedFd) -> Attribute<'static> {
    Attribute::number(libc::IFLA_NET_NS_FD, fd.as_raw_fd() as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;
    use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};

    fn add(rtnl: &mut RtnlSocket, name: LinkName) {
        let info = [Attribute::text(libc::IFLA_INFO_KIND, c"ifb")];
        let mut request = Request::new(Step::MoveLink, libc::RTM_NEWLINK, &LinkHeader::default());
        request.put(&name.attribute());
        request.put(&Attribute::nest(libc::IFLA_LINKINFO, &info));
        rtnl.change(&mut request, NLM_F_CREATE | NLM_F_EXCL).unwrap();
    }

    #[test]
    fn link_name_accepts_only_kernel_valid_names() {
        for name in [c"lo", c"a", c"...", c"fifteen-bytes-x", c"\xff\x01", c"eth0.5", c"a#b"] {
            assert_eq!(LinkName::new(name).map(|name| name.0), Ok(name));
        }
        for name in [
            c"",
            c".",
            c"..",
            c"a/b",
            c"a:b",
            c"a%d",
            c"a b",
            c"a\tb",
            c"a\x0bb",
            c"a\r",
            c"\xc3\xa0",
            c"all",
            c"default",
        ] {
            assert_eq!(LinkName::new(name).unwrap_err().errno, Errno::EINVAL, "{name:?}");
        }
        assert_eq!(LinkName::new(c"sixteen-bytes-xx").unwrap_err().errno, Errno::ENAMETOOLONG);
    }

    #[test]
    fn bring_back_returns_interface_after_failed_rename() {
        let Some(_) = testing::world() else { return };
        let (home, other) = (testing::anonymous(), testing::anonymous());
        let [name, taken] = [c"a", c"taken"].map(|name| LinkName::new(name).unwrap());
        connection::with(Some(&home), |here| {
            connection::with(Some(&other), |there| {
                add(here, name);
                add(there, taken);
                let index = index_of(here, name)?;
                let failure = change(here, index, Some(other.as_fd()), Some(taken)).unwrap_err();
                assert_eq!(failure.errno, Errno::EEXIST);
                // This is the behavior of the kernel.
                assert!(index_of(here, name).is_err() && index_of(there, name).is_ok());
                bring_back(here, there, name, Some(&home))?;
                assert!(index_of(here, name).is_ok() && index_of(there, name).is_err());
                // This does nothing if the interface has not moved.
                bring_back(here, there, name, Some(&home))?;
                assert!(index_of(here, name).is_ok());
                assert_eq!(refuse_if_taken(there, taken).unwrap_err().errno, Errno::EEXIST);
                refuse_if_taken(there, name)
            })
        })
        .unwrap();
    }
}
