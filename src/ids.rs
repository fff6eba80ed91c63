//! Nsids: the ids that a network namespace has for its peers.

use std::ffi::{CStr, c_char, c_int};
use std::mem::MaybeUninit;
use std::ptr;

use libnetns::explain::Object;
use libnetns::rtnl::nsid::{self, NsidList};

use crate::boundary;
use crate::convert::{self, Slot, text};
use crate::types::{Netns, NetnsNsidSnapshot};

/// For netns_nsid_set(): the kernel picks the lowest id that is free.
pub const NETNS_NSID_AUTO: i32 = -1;
/// For netns_nsid_list(): no target; and what stands for no id.
pub const NETNS_NSID_NONE: i32 = -1;

const _: () = assert!(NETNS_NSID_AUTO == nsid::NONE && NETNS_NSID_NONE == nsid::NONE);

/// Tells the id that one namespace has for another: what the kernel shows there in place of the
/// other, such as the link-netnsid of a veth whose peer lives in it. Needs no privilege, but for
/// CAP_SYS_ADMIN to reach within if the calling thread is elsewhere.
///
/// within  as seen from this namespace; NULL is the calling thread's.
/// ns      the namespace that the id is for.
///
/// The first call with within opens an rtnetlink socket in it, which the handle keeps until
/// netns_close(); calls that follow cost no switch.
///
/// Returns the id, which is 0 or greater, or
///   -EINVAL     ns is NULL
///   -ENODATA    it has none: netns_nsid_set() gives it one, as does the kernel when a device is
///               moved there, or has its peer there
///   -EPERM      CAP_SYS_ADMIN to enter within is missing
///   -EAGAIN     no helper thread could be started, where one is needed (see netns_create())
///   -EMFILE, -ENFILE, -ENOBUFS, -ENOMEM  no descriptor or memory to be had
///   -EBADMSG, -EMSGSIZE, -ETIMEDOUT  the kernel gave no answer that makes sense
///   -ENOTRECOVERABLE  the thread could not go back: it is in within
///
/// Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_nsid_get(within: Option<&Netns>, ns: Option<&Netns>) -> c_int {
    boundary::call(convert::about_handle("get the nsid of", ns), || {
        nsid::get(convert::namespace(within), &convert::handle(ns)?.0)
    })
}

/// Gives a namespace an id in another one. It stays as long as both namespaces live; there is no way
/// to change it or to take it away.
///
/// within  the namespace that is to have the id; NULL is the calling thread's.
/// ns      the namespace that the id is for.
/// nsid    0 or greater, or NETNS_NSID_AUTO.
///
/// Returns the id, or
///   -EINVAL     ns is NULL, or nsid is less than NETNS_NSID_AUTO
///   -EEXIST     ns has an id already, or another namespace has this one: netns_errmsg() has the
///               kernel's word for which
///   -EPERM      CAP_NET_ADMIN over within, or CAP_SYS_ADMIN to enter it, is missing
///   -ENOSPC     there is no free id
///   -EAGAIN     no helper thread could be started, where one is needed (see netns_create())
///   -EMFILE, -ENFILE, -ENOBUFS, -ENOMEM  no descriptor or memory to be had
///   -EBADMSG, -EMSGSIZE, -ETIMEDOUT  the kernel gave no answer that makes sense
///   -ENOTRECOVERABLE  the thread could not go back: it is in within
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

/// The id that one namespace has for another; where it has none, the kernel gives it the lowest one
/// that is free. Several callers at once get the same id.
///
/// within  the namespace that has the id; NULL is the calling thread's.
/// ns      the namespace that the id is for.
///
/// Returns the id, which is 0 or greater, or
///   -EINVAL     ns is NULL
///   -EPERM      CAP_SYS_ADMIN to enter within is missing; or ns has no id, and CAP_NET_ADMIN over
///               within is missing
///   -ENOSPC     ns has no id, and there is no free one
///   -EAGAIN     no helper thread could be started, where one is needed (see netns_create())
///   -EMFILE, -ENFILE, -ENOBUFS, -ENOMEM  no descriptor or memory to be had
///   -EBADMSG, -EMSGSIZE, -ETIMEDOUT  the kernel gave no answer that makes sense
///   -ENOTRECOVERABLE  the thread could not go back: it is in within
///
/// Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_nsid_ensure(within: Option<&Netns>, ns: Option<&Netns>) -> c_int {
    boundary::call(convert::about_handle("assign an nsid to", ns), || {
        nsid::ensure(convert::namespace(within), &convert::handle(ns)?.0)
    })
}

/// Lists the ids that a namespace has for others, ascending, with the names that go with them.
///
/// rundir  where names are looked for, if there is an id; NULL is NETNS_RUN_DIR. One that does not
///         exist has none.
/// within  the namespace whose ids are listed; NULL is the calling thread's.
/// target  NETNS_NSID_NONE, or an id that within has: then the ids are listed that the namespace
///         with this id has, as seen from within.
/// flags   0.
/// out     receives the list, which is yours to netns_nsid_list_free().
///
/// Costs some 4 us for each name in rundir, unless there is no id to find a name for, and more where
/// there are thousands of ids: the kernel goes through them for each name.
///
/// Linux from 6.10 to 6.18, at least, lists no more than some 1,150 ids, the lowest, and some 900 of a
/// target's. Above that, ids are found that a name in rundir has, and those that follow on these
/// with no gap of more than 64; none of a target's.
///
/// Returns 0, or
///   -EINVAL     flags is not 0, rundir is empty, target is less than NETNS_NSID_NONE or is no id
///               that within has, or out is NULL
///   -EACCES     rundir is not yours to read, or CAP_NET_ADMIN over the target is missing
///   -EPERM      CAP_SYS_ADMIN to enter within is missing
///   -EOPNOTSUPP the kernel lists no ids of a target: it is older than Linux 5.0
///   -ENOTDIR, -ELOOP, -ENAMETOOLONG  rundir is not a directory's path
///   -EAGAIN     the ids change faster than the kernel can tell them; or as netns_nsid_get() says
///   -EMFILE, -ENFILE, -ENOBUFS, -ENOMEM  no descriptor or memory to be had
///   -EBADMSG, -EMSGSIZE, -ETIMEDOUT  the kernel gave no answer that makes sense
///   -ENOTRECOVERABLE  the thread could not go back: it is in within
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

/// How many ids a list has; 0 if list is NULL. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_nsid_list_len(list: Option<&NetnsNsidSnapshot>) -> usize {
    boundary::plain(0, || list.map_or(0, |list| list.0.len()))
}

/// The id at place i, counted from 0.
///
/// Returns NETNS_NSID_NONE past the end, or if list is NULL. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_nsid_list_id(list: Option<&NetnsNsidSnapshot>, i: usize) -> i32 {
    boundary::plain(nsid::NONE, || list.and_then(|list| list.0.id(i)).unwrap_or(nsid::NONE))
}

/// In a list of a target's ids, what the namespace that was asked from calls the one at place i.
///
/// Returns NETNS_NSID_NONE if it has no id for that one, if the list is of no target, past the end,
/// or if list is NULL. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_nsid_list_current(
    list: Option<&NetnsNsidSnapshot>,
    i: usize,
) -> i32 {
    boundary::plain(nsid::NONE, || list.and_then(|list| list.0.current(i)).unwrap_or(nsid::NONE))
}

/// The name of the namespace at place i; of several, the first bytewise. It lives as long as the
/// list. In a list of a target's ids, only those have names that the namespace that was asked from
/// has an id for.
///
/// Returns NULL if there is none, past the end, or if list is NULL. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_nsid_list_name(
    list: Option<&NetnsNsidSnapshot>,
    i: usize,
) -> *const c_char {
    boundary::plain(ptr::null(), || {
        list.and_then(|list| list.0.name(i)).map_or(ptr::null(), CStr::as_ptr)
    })
}

/// Frees a list. NULL is allowed. errno is left alone. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_nsid_list_free(list: *mut NetnsNsidSnapshot) {
    // SAFETY: list is NULL or one that this library gave and that the caller uses no more.
    boundary::plain((), || unsafe { convert::take_back(list) })
}
