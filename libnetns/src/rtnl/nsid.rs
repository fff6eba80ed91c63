//! The nsids that a network namespace has assigned to others.

use std::ffi::CStr;
use std::ops::RangeInclusive;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use netlink_packet_route::nsid::{NsidAttribute, NsidHeader};
use nix::errno::Errno;

use crate::error::{Failure, Result, Step};
use crate::namespace::handle::Namespace;
use crate::namespace::identity::open_name;
use crate::os::retry::is_shortage;
use crate::rtnl::connection;
use crate::rtnl::message::{Message, Request, number};
use crate::rtnl::protocol::RtnlSocket;
use crate::rundir::dir::{RunDir, or_none};
use crate::rundir::link::{self, Link};
use crate::rundir::list::NameList;

const RTM_NEWNSID: u16 = libc::RTM_NEWNSID;
const RTM_GETNSID: u16 = libc::RTM_GETNSID;

/// The length of the header of these messages: a family, padded.
const HEADER: usize = 4;

/// NETNSA_NSID and NETNSA_CURRENT_NSID, the attributes of a reply.
const ATTR_ID: u16 = 1;
const ATTR_CURRENT: u16 = 5;

/// Linux 6.10 (commit 1514b06aff16) to at least 6.18 end a dump of nsids at the end of its first buffer. That
/// is one page, with 104 or more nsids of a target, until the reader has shown that it has space for 32 KB
/// ...
const FIRST_BUFFER: usize = 100;
/// ... and then this many, depending on the architecture. A complete list may have the same length.
const FULL_BUFFER: RangeInclusive<usize> = 1_100..=1_170;
/// Nsids chosen by the kernel leave gaps only where namespaces no longer exist.
const WIDEST_GAP: i32 = 64;

/// Means "none" in a reply, and "any" in the caller's argument.
pub const NONE: i32 = -1;

/// Returns the nsid that `within` has assigned to `ns`.
pub fn get(within: Option<&Namespace>, ns: &Namespace) -> Result<i32> {
    connection::with(within, |rtnl| known(rtnl, ns))
}

fn known(rtnl: &mut RtnlSocket, ns: &Namespace) -> Result<i32> {
    ask(rtnl, ns.as_fd())?.ok_or(Failure::new(Step::GetId, Errno::ENODATA))
}

/// Returns `None` if there is none.
pub fn ask(rtnl: &mut RtnlSocket, ns: BorrowedFd) -> Result<Option<i32>> {
    let mut request = request(Step::GetId, RTM_GETNSID);
    request.put(&of(ns));
    rtnl.get(&mut request, |message| Ok(NsidReply::read(message)?.id))
}

/// Assigns an nsid to `ns` in `within`, and returns it.
pub fn set(within: Option<&Namespace>, ns: &Namespace, id: i32) -> Result<i32> {
    if id < NONE {
        return Err(Failure::invalid_at(Step::Nsid, "an nsid must be 0 or greater"));
    }
    connection::with(within, |rtnl| {
        give(rtnl, ns.as_fd(), id)?;
        // It stays the same as long as both namespaces exist.
        if id == NONE { known(rtnl, ns) } else { Ok(id) }
    })
}

/// Returns the nsid that `within` has assigned to `ns`; if there is none, the kernel assigns one.
pub fn ensure(within: Option<&Namespace>, ns: &Namespace) -> Result<i32> {
    connection::with(within, |rtnl| {
        if let Some(id) = ask(rtnl, ns.as_fd())? {
            return Ok(id);
        }
        match give(rtnl, ns.as_fd(), NONE) {
            // Another process has assigned one meanwhile.
            Ok(()) | Err(Failure { errno: Errno::EEXIST, .. }) => known(rtnl, ns),
            Err(failure) => Err(failure),
        }
    })
}

/// The kernel chooses the nsid if `id` is negative.
pub fn give(rtnl: &mut RtnlSocket, ns: BorrowedFd, id: i32) -> Result<()> {
    let mut request = request(Step::SetId, RTM_NEWNSID);
    request.put(&of(ns));
    request.put(&NsidAttribute::Id(id));
    rtnl.change(&mut request, 0)
}

/// The nsid that a namespace has assigned to another one.
#[derive(Debug)]
struct Id {
    id: i32,
    /// The nsid that `within` has assigned to the same namespace, in a list of a target.
    current: Option<i32>,
    /// The position of its first name in the list of names.
    name: Option<usize>,
}

/// The nsids of a namespace, in ascending order, with the names of their namespaces.
#[derive(Debug)]
pub struct NsidList {
    ids: Vec<Id>,
    names: NameList,
}

impl NsidList {
    /// Returns the nsids of `within` or, if there is a `target`, of the namespace to which `within` has
    /// assigned it.
    pub fn list(rundir: &CStr, within: Option<&Namespace>, target: i32) -> Result<NsidList> {
        if target < NONE {
            return Err(Failure::invalid_at(Step::Nsid, "an nsid must be 0 or greater"));
        }
        connection::with(within, |rtnl| {
            let mut ids = dump_all(rtnl, target)?;
            let last = ids.last().map(|id| id.id);
            let last = last.filter(|_| target == NONE && FULL_BUFFER.contains(&ids.len()));
            let names = find_names(rundir, rtnl, &mut ids, target, last.is_some())?;
            if let Some(last) = last {
                add_those_above(rtnl, &mut ids, last)?;
            }
            Ok(NsidList { ids, names })
        })
    }

    pub fn len(&self) -> usize {
        self.ids.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn id(&self, i: usize) -> Option<i32> {
        Some(self.ids.get(i)?.id)
    }

    pub fn current(&self, i: usize) -> Option<i32> {
        self.ids.get(i)?.current
    }

    pub fn name(&self, i: usize) -> Option<&CStr> {
        self.names.name(self.ids.get(i)?.name?)
    }
}

fn dump_all(rtnl: &mut RtnlSocket, target: i32) -> Result<Vec<Id>> {
    let mut ids = dump(rtnl, target)?;
    if ids.len() >= FIRST_BUFFER {
        // The kernel has now seen how much space there is.
        ids = dump(rtnl, target)?;
    }
    // The kernel walks them in order; if one is added meanwhile, another one is returned twice.
    ids.dedup_by_key(|id| id.id);
    Ok(ids)
}

/// Queries the nsids above `last` that are not known, one by one.
fn add_those_above(rtnl: &mut RtnlSocket, ids: &mut Vec<Id>, mut last: i32) -> Result<()> {
    let mut next = last.checked_add(1);
    while let Some(id) = next.filter(|id| id - last <= WIDEST_GAP) {
        if find(ids, id, NONE).is_some() || exists(rtnl, id)? {
            insert(ids, id)?;
            last = id;
        }
        next = id.checked_add(1);
    }
    Ok(())
}

fn exists(rtnl: &mut RtnlSocket, id: i32) -> Result<bool> {
    let mut request = request(Step::ListIds, RTM_GETNSID);
    request.put(&NsidAttribute::Id(id));
    match rtnl.get(&mut request, NsidReply::read) {
        Err(Failure { errno: Errno::ENOENT, .. }) => Ok(false),
        reply => reply.map(|_| true),
    }
}

fn insert(ids: &mut Vec<Id>, id: i32) -> Result<()> {
    if let Err(at) = ids.binary_search_by_key(&id, |known| known.id) {
        ids.try_reserve(1).map_err(|_| Failure::no_memory())?;
        ids.insert(at, Id { id, current: None, name: None });
    }
    Ok(())
}

fn dump(rtnl: &mut RtnlSocket, target: i32) -> Result<Vec<Id>> {
    let mut request = request(Step::ListIds, RTM_GETNSID);
    if target != NONE {
        request.put(&NsidAttribute::TargetNsid(target));
    }
    rtnl.dump(&mut request, |message| {
        let reply = NsidReply::read(message)?;
        if target != NONE && reply.current.is_none() {
            return Err(Failure::new(Step::ListIds, Errno::EOPNOTSUPP)
                .hint("listing the nsids of a target needs Linux 5.0 or later"));
        }
        let current = reply.current.filter(|id| *id != NONE);
        Ok(reply.id.map(|id| Id { id, current, name: None }))
    })
}

/// Queries the nsid of each name, in order, until every nsid in `ids` has its first name. If `ids` is
/// incomplete, the missing ones are added. The kernel offers no other way to find the namespace of an nsid,
/// and walks all nsids for each reply.
fn find_names(
    rundir: &CStr,
    rtnl: &mut RtnlSocket,
    ids: &mut Vec<Id>,
    target: i32,
    are_cut: bool,
) -> Result<NameList> {
    let can_be_found = |id: &&Id| target == NONE || id.current.is_some();
    let mut nameless = ids.iter().filter(can_be_found).count();
    if nameless == 0 {
        return Ok(NameList::default());
    }
    // Querying its nsid examines each name.
    let names = NameList::read_unseen(rundir)?;
    // Opened after reading the names: if something was mounted on the directory meanwhile, that contains the
    // names.
    let Some(dir) = or_none(RunDir::open(rundir))? else {
        return Ok(NameList::default());
    };
    for at in 0..names.len() {
        let Some(name) = names.name(at) else { break };
        let found = open_unseen(dir.as_fd(), name, names.may_be_link(at))?;
        let Some(ns) = found else { continue };
        let Some(id) = id_of_open(rtnl, ns.as_fd())? else { continue };
        if are_cut && find(ids, id, target).is_none() {
            insert(ids, id)?;
            nameless += 1;
        }
        let Some(known) = find(ids, id, target).filter(|known| known.name.is_none()) else {
            continue;
        };
        known.name = Some(at);
        nameless -= 1;
        if nameless == 0 && !are_cut {
            break;
        }
    }
    Ok(names)
}

/// Returns the entry that `within` knows as `id`.
fn find(ids: &mut [Id], id: i32, target: i32) -> Option<&mut Id> {
    if target != NONE {
        // These are not sorted.
        return ids.iter_mut().find(|known| known.current == Some(id));
    }
    let at = ids.binary_search_by_key(&id, |known| known.id).ok()?;
    ids.get_mut(at)
}

/// Opens a name that may be a namespace. Returns `None` if it was removed meanwhile or is something else.
fn open_unseen(dir: BorrowedFd, name: &CStr, may_be_link: bool) -> Result<Option<OwnedFd>> {
    match open_name(dir, name) {
        Err(errno) if is_shortage(errno) => Err(Failure::new(Step::ReadRunDir, errno)),
        Ok(Some(ns)) => Ok(Some(ns)),
        Ok(None) if may_be_link => open_link(dir, name),
        Err(_) | Ok(None) => Ok(None),
    }
}

fn open_link(dir: BorrowedFd, name: &CStr) -> Result<Option<OwnedFd>> {
    match link::follow(dir, name)? {
        Link::Namespace(proved) => Ok(Some(proved.into_fd())),
        // It may be a namespace by now.
        Link::Gone => open_unseen(dir, name, false),
        Link::Stale | Link::Unreachable(_) | Link::Refused(_) => Ok(None),
    }
}

fn id_of_open(rtnl: &mut RtnlSocket, ns: BorrowedFd) -> Result<Option<i32>> {
    match ask(rtnl, ns) {
        Err(Failure { errno: Errno::EINVAL, .. }) => Ok(None),
        id => id,
    }
}

fn request(step: Step, kind: u16) -> Request {
    Request::new(step, kind, &NsidHeader::default())
}

fn of(ns: BorrowedFd) -> NsidAttribute {
    NsidAttribute::Fd(ns.as_raw_fd() as u32)
}

/// The contents of an RTM_NEWNSID message.
pub struct NsidReply {
    id: Option<i32>,
    /// [`NONE`] is different from a missing attribute.
    current: Option<i32>,
}

impl NsidReply {
    pub fn read(message: &Message) -> Result<NsidReply> {
        let mut reply = NsidReply { id: None, current: None };
        for attribute in message.attributes(HEADER)? {
            match attribute? {
                (ATTR_ID, value) => reply.id = Some(number(value)?),
                (ATTR_CURRENT, value) => reply.current = Some(number(value)?),
                _ => {}
            }
        }
        reply.id = reply.id.filter(|id| *id != NONE);
        Ok(reply)
    }
}
