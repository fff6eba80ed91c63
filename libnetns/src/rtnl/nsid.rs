//! The nsids that a network namespace has for its peers.

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

/// The length of what these messages begin with: a family, padded.
const HEADER: usize = 4;

/// NETNSA_NSID and NETNSA_CURRENT_NSID: what a reply has.
const ATTR_ID: u16 = 1;
const ATTR_CURRENT: u16 = 5;

/// Linux 6.10 (commit 1514b06aff16) to 6.18, at least, end a dump of ids at the end of its first
/// buffer. That is one page, 104 ids of a target or more, until the reader has shown that he has room
/// for 32 KB ...
const FIRST_BUFFER: usize = 100;
/// ... and then so many, which depends on the architecture; a whole list may be as long, too.
const FULL_BUFFER: RangeInclusive<usize> = 1_100..=1_170;
/// Nsids that the kernel picks leave no gap but for namespaces that are gone.
const WIDEST_GAP: i32 = 64;

/// The kernel's word for "none", and the caller's for "any".
pub const NONE: i32 = -1;

/// The id that `within` has for `ns`.
pub fn get(within: Option<&Namespace>, ns: &Namespace) -> Result<i32> {
    connection::with(within, |rtnl| known(rtnl, ns))
}

fn known(rtnl: &mut RtnlSocket, ns: &Namespace) -> Result<i32> {
    ask(rtnl, ns.as_fd())?.ok_or(Failure::new(Step::GetId, Errno::ENODATA))
}

/// None: it has none.
pub fn ask(rtnl: &mut RtnlSocket, ns: BorrowedFd) -> Result<Option<i32>> {
    let mut request = request(Step::GetId, RTM_GETNSID);
    request.put(&of(ns));
    rtnl.get(&mut request, |message| Ok(NsidReply::read(message)?.id))
}

/// Gives `ns` an id in `within`, and returns it.
pub fn set(within: Option<&Namespace>, ns: &Namespace, id: i32) -> Result<i32> {
    if id < NONE {
        return Err(Failure::invalid_at(Step::Nsid, "an nsid is 0 or greater"));
    }
    connection::with(within, |rtnl| {
        give(rtnl, ns.as_fd(), id)?;
        // It stays the same as long as both live.
        if id == NONE { known(rtnl, ns) } else { Ok(id) }
    })
}

/// The id that `within` has for `ns`, or else one that the kernel picks.
pub fn ensure(within: Option<&Namespace>, ns: &Namespace) -> Result<i32> {
    connection::with(within, |rtnl| {
        if let Some(id) = ask(rtnl, ns.as_fd())? {
            return Ok(id);
        }
        match give(rtnl, ns.as_fd(), NONE) {
            // Somebody else has given it one meanwhile.
            Ok(()) | Err(Failure { errno: Errno::EEXIST, .. }) => known(rtnl, ns),
            Err(failure) => Err(failure),
        }
    })
}

/// A negative id is the kernel's to pick.
pub fn give(rtnl: &mut RtnlSocket, ns: BorrowedFd, id: i32) -> Result<()> {
    let mut request = request(Step::SetId, RTM_NEWNSID);
    request.put(&of(ns));
    request.put(&NsidAttribute::Id(id));
    rtnl.change(&mut request, 0)
}

/// An id that a namespace has for another one.
#[derive(Debug)]
struct Id {
    id: i32,
    /// What `within` calls the same one, where a target was asked about.
    current: Option<i32>,
    /// Which of the names is its first one.
    name: Option<usize>,
}

/// The ids that a namespace has, ascending, with the names that go with them.
#[derive(Debug)]
pub struct NsidList {
    ids: Vec<Id>,
    names: NameList,
}

impl NsidList {
    /// The ids that `within` has or, where there is a `target`, the namespace that `within` calls so.
    pub fn list(rundir: &CStr, within: Option<&Namespace>, target: i32) -> Result<NsidList> {
        if target < NONE {
            return Err(Failure::invalid_at(Step::Nsid, "an nsid is 0 or greater"));
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
        // By now the kernel has seen how much room there is.
        ids = dump(rtnl, target)?;
    }
    // The kernel walks them in order; where one comes meanwhile, it tells another one twice.
    ids.dedup_by_key(|id| id.id);
    Ok(ids)
}

/// Asks for the ids above `last`, one by one, where they are not known.
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
                .hint("nsids of a target came with Linux 5.0"));
        }
        let current = reply.current.filter(|id| *id != NONE);
        Ok(reply.id.map(|id| Id { id, current, name: None }))
    })
}

/// Asks for the id of each name, in order, until every one of `ids` has its first name; where they
/// are cut, adds what is missing. The kernel tells in no other way which namespace an id stands for,
/// and walks all ids for each reply.
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
    // Asking for its id is a look at each.
    let names = NameList::read_unseen(rundir)?;
    // After that: what has been mounted on it meanwhile has the names.
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

/// The one that `within` calls `id`.
fn find(ids: &mut [Id], id: i32, target: i32) -> Option<&mut Id> {
    if target != NONE {
        // These are in no order.
        return ids.iter_mut().find(|known| known.current == Some(id));
    }
    let at = ids.binary_search_by_key(&id, |known| known.id).ok()?;
    ids.get_mut(at)
}

/// What may be a namespace. None: it went meanwhile, or is something else.
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
        // A namespace by now, perhaps.
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

/// What an RTM_NEWNSID tells.
pub struct NsidReply {
    id: Option<i32>,
    /// [`NONE`] is not the same as not told.
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
