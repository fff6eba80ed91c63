//! Nsids: the ids that a network namespace has assigned to peer network namespaces.

use std::ffi::{CStr, c_char, c_int};
use std::mem::MaybeUninit;
use std::ptr;

use libnetns::explain::Object;
use libnetns::rtnl::nsid::{self, NsidList};

use crate::boundary;
use crate::convert::{self, Slot, text};
use crate::types::{Netns, NetnsNsidSnapshot};

/// For netns_nsid_set(): let the kernel choose the lowest free nsid.
pub const NETNS_NSID_AUTO: i32 = -1;
/// For netns_nsid_list(): no target. Also returned instead of an nsid where there is none.
pub const NETNS_NSID_NONE: i32 = -1;

const _: () = assert!(NETNS_NSID_AUTO == nsid::NONE && NETNS_NSID_NONE == nsid::NONE);

/// Returns the nsid assigned to a peer network namespace: the number that the kernel shows in its
/// place, such as the link-netnsid of a veth whose peer is in it.
///
/// within  the network namespace that the nsid is valid in; NULL means the calling thread's.
/// ns      the peer network namespace.
///
/// The first call with a handle as within opens an rtnetlink socket in its network namespace (see
/// netns_link_add()).
///
/// Capabilities: none if within is the calling thread's network namespace. Opening the rtnetlink
/// socket of within in another one requires CAP_SYS_ADMIN, in the user namespace that owns it and
/// in the caller's own (see netns_link_add()).
///
/// Returns the nsid, which is 0 or greater, or
///   -EINVAL     ns is NULL
///   -ENODATA    ns has no nsid in within. netns_nsid_set() assigns one; the kernel does when an
///               interface is moved to ns or has its peer there
///   -EPERM      a capability is missing (see Capabilities)
///   -EAGAIN     cannot start a helper thread (see netns_create())
///   -EMFILE, -ENFILE, -ENOMEM, -ENOBUFS  out of file descriptors or memory
///   -EBADMSG, -EMSGSIZE, -ETIMEDOUT  malformed, oversized or missing netlink reply
///   -ENOTRECOVERABLE  cannot switch the calling thread back: it is left in within
///
/// Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_nsid_get(within: Option<&Netns>, ns: Option<&Netns>) -> c_int {
    boundary::call(convert::about_handle("get the nsid of", ns), || {
        nsid::get(convert::namespace(within), &convert::handle(ns)?.0)
    })
}

/// Assigns an nsid to a peer network namespace. The nsid lasts as long as both network namespaces;
/// it cannot be changed or deleted.
///
/// within  the network namespace that the nsid is valid in; NULL means the calling thread's.
/// ns      the peer network namespace.
/// nsid    0 or greater, or NETNS_NSID_AUTO.
///
/// Capabilities: CAP_NET_ADMIN in the user namespace that owns the network namespace of within.
/// Opening the rtnetlink socket of within in a network namespace that the calling thread is not in
/// also requires CAP_SYS_ADMIN (see netns_link_add()).
///
/// Returns the nsid, or
///   -EINVAL     ns is NULL, or nsid is less than NETNS_NSID_AUTO
///   -EEXIST     ns has an nsid already, or nsid is assigned to another network namespace: the
///               kernel's extended ack message in netns_errmsg() says which
///   -EPERM      a capability is missing (see Capabilities)
///   -ENOSPC     no nsid is free
///   -EAGAIN     cannot start a helper thread (see netns_create())
///   -EMFILE, -ENFILE, -ENOMEM, -ENOBUFS  out of file descriptors or memory
///   -EBADMSG, -EMSGSIZE, -ETIMEDOUT  malformed, oversized or missing netlink reply
///   -ENOTRECOVERABLE  cannot switch the calling thread back: it is left in within
///
/// Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_nsid_set(
    within: Option<&Netns>,
    ns: Option<&Netns>,
    nsid: i32,
) -> c_int {
    boundary::call(convert::about_handle("assign an nsid to", ns), || {
        nsid::set(convert::namespace(within), &convert::handle(ns)?.0, nsid)
    })
}

/// Returns the nsid assigned to a peer network namespace; if there is none, the kernel assigns the
/// lowest free one. Concurrent callers get the same nsid.
///
/// within  the network namespace that the nsid is valid in; NULL means the calling thread's.
/// ns      the peer network namespace.
///
/// Capabilities: none if ns has an nsid; CAP_NET_ADMIN in the user namespace that owns the network
/// namespace of within to assign one. Opening the rtnetlink socket of within in a network namespace
/// that the calling thread is not in also requires CAP_SYS_ADMIN (see netns_link_add()).
///
/// Returns the nsid, which is 0 or greater, or
///   -EINVAL     ns is NULL
///   -EPERM      a capability is missing (see Capabilities)
///   -ENOSPC     ns has no nsid, and none is free
///   -EAGAIN     cannot start a helper thread (see netns_create())
///   -EMFILE, -ENFILE, -ENOMEM, -ENOBUFS  out of file descriptors or memory
///   -EBADMSG, -EMSGSIZE, -ETIMEDOUT  malformed, oversized or missing netlink reply
///   -ENOTRECOVERABLE  cannot switch the calling thread back: it is left in within
///
/// Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_nsid_ensure(within: Option<&Netns>, ns: Option<&Netns>) -> c_int {
    boundary::call(convert::about_handle("assign an nsid to", ns), || {
        nsid::ensure(convert::namespace(within), &convert::handle(ns)?.0)
    })
}

/// Lists the nsids that a network namespace has assigned to its peers, in ascending order, with the
/// names of the peers.
///
/// rundir  the run directory to look for names in, if there is an nsid; NULL means NETNS_RUN_DIR. A
///         directory that does not exist contains no names.
/// within  the network namespace whose nsids to list; NULL means the calling thread's.
/// target  NETNS_NSID_NONE, or an nsid in within: then the call lists the nsids of the network
///         namespace with that nsid, as seen from within.
/// flags   0.
/// out     receives the list; free it with netns_nsid_list_free().
///
/// The call takes about 4 us for each name in rundir, unless there is no nsid to find a name for,
/// and more with thousands of nsids, because the kernel walks through them for each name.
///
/// Linux from 6.10 to at least 6.18 lists no more than about 1,150 nsids, the lowest ones, and no
/// more than about 900 of a target. Above that, the call finds the nsids of network namespaces with
/// a name in rundir, and those that follow them without a gap greater than 64; none of a target.
///
/// Capabilities: none to list the nsids of the calling thread's network namespace. Opening the
/// rtnetlink socket of within in another one requires CAP_SYS_ADMIN, in the user namespace that
/// owns it and in the caller's own (see netns_link_add()). With a target, the calling thread, and
/// the thread that opened the socket when it did so, need CAP_NET_ADMIN in the user namespace that
/// owns the target.
///
/// Returns 0, or
///   -EINVAL     flags is not 0, rundir is empty, target is less than NETNS_NSID_NONE or is not an
///               nsid in within, or out is NULL
///   -EACCES     the caller has no permission to read rundir, or has no CAP_NET_ADMIN over the
///               target (see Capabilities)
///   -EPERM      a capability is missing (see Capabilities)
///   -EOPNOTSUPP the kernel cannot list the nsids of a target: it is older than Linux 5.0
///   -ENOTDIR, -ELOOP, -ENAMETOOLONG  rundir is not the path of a directory
///   -EAGAIN     the nsids change faster than the kernel can list them; or cannot start a helper
///               thread (see netns_create())
///   -EMFILE, -ENFILE, -ENOMEM, -ENOBUFS  out of file descriptors or memory
///   -EBADMSG, -EMSGSIZE, -ETIMEDOUT  malformed, oversized or missing netlink reply
///   -ENOTRECOVERABLE  cannot switch the calling thread back: it is left in within
/// On failure *out is not changed.
///
/// Since 1.0.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn netns_nsid_list(
    rundir: *const c_char,
    within: Option<&Netns>,
    target: i32,
    flags: u32,
    out: Option<&mut MaybeUninit<*mut NetnsNsidSnapshot>>,
) -> c_int {
    // SAFETY: the caller passes NULL or a string.
    let rundir = unsafe { text(rundir) };
    let (verb, object) = match within {
        Some(ns) => ("list the nsids of", Object::Handle(&ns.0)),
        None => ("list the nsids", Object::Nothing),
    };
    boundary::call(convert::about_in(rundir, verb, object), || {
        convert::no_flags(flags)?;
        let out = convert::out(out)?;
        let slot = Slot::new()?;
        let list = NsidList::list(convert::rundir(rundir)?, convert::namespace(within), target)?;
        out.write(slot.give(NetnsNsidSnapshot(list)));
        Ok(())
    })
}

/// Returns the number of nsids in a list; 0 if list is NULL. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_nsid_list_len(list: Option<&NetnsNsidSnapshot>) -> usize {
    boundary::plain(0, || list.map_or(0, |list| list.0.len()))
}

/// Returns the i-th nsid, counting from 0; NETNS_NSID_NONE if i is out of range, or if list is
/// NULL. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_nsid_list_id(list: Option<&NetnsNsidSnapshot>, i: usize) -> i32 {
    boundary::plain(nsid::NONE, || list.and_then(|list| list.0.id(i)).unwrap_or(nsid::NONE))
}

/// For a list of a target's nsids: returns the nsid that the network namespace with the i-th nsid
/// has in within.
///
/// Returns NETNS_NSID_NONE if it has none there, if the list is not one of a target's nsids, if i
/// is out of range, or if list is NULL. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_nsid_list_current(
    list: Option<&NetnsNsidSnapshot>,
    i: usize,
) -> i32 {
    boundary::plain(nsid::NONE, || list.and_then(|list| list.0.current(i)).unwrap_or(nsid::NONE))
}

/// Returns the name of the network namespace with the i-th nsid; of several names, the first
/// bytewise. The string is valid until netns_nsid_list_free(). In a list of a target's nsids, only
/// network namespaces that have an nsid in within have names.
///
/// Returns NULL if there is no name, if i is out of range, or if list is NULL. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_nsid_list_name(
    list: Option<&NetnsNsidSnapshot>,
    i: usize,
) -> *const c_char {
    boundary::plain(ptr::null(), || {
        list.and_then(|list| list.0.name(i)).map_or(ptr::null(), CStr::as_ptr)
    })
}

/// Frees a list and its strings. NULL is allowed. errno is not changed. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_nsid_list_free(list: *mut NetnsNsidSnapshot) {
    // SAFETY: list is NULL or one that this library gave and that the caller uses no more.
    boundary::plain((), || unsafe { convert::take_back(list) })
}
