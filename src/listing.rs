//! Listing: the names in a run directory.

use std::ffi::{CStr, c_char, c_int};
use std::mem::MaybeUninit;
use std::ptr;

use libnetns::error::Result;
use libnetns::explain::{Object, Subject};
use libnetns::rundir::all;
use libnetns::rundir::list::{ListFlags, NameList};
use libnetns::rundir::name::DEFAULT_RUN_DIR;

use crate::boundary;
use crate::convert::{self, Slot, text};
use crate::types::{Netns, NetnsNameSnapshot};

/// For netns_list(): the stale names as well.
pub const NETNS_LIST_STALE: u32 = 1;

const _: () = assert!(NETNS_LIST_STALE == ListFlags::STALE.bits());

/// Lists the names in NETNS_RUN_DIR that are network namespaces at this moment, sorted bytewise. A
/// run directory that does not exist has none. Needs no privilege. A symbolic link that leads to a network
/// namespace is a name where netns_open() follows it.
///
/// flags  NETNS_LIST_STALE: list the stale names too, which netns_create() takes over and
///        netns_remove() clears; their inode is 0. One may be a live name in another mount namespace,
///        as netns_create() says. A symbolic link that leads to no network namespace is a stale name,
///        which netns_create() does not take over. Whoever holds the run directory's flock(2) is
///        waited for, one second at most.
/// out    receives the list, which is yours to netns_list_free().
///
/// Returns 0, or
///   -EINVAL     a flag is unknown, or out is NULL
///   -ENOTDIR, -ELOOP, -ENAMETOOLONG  the run directory is not a directory's path
///   -EACCES     the run directory is not yours to read
///   -EAGAIN     with NETNS_LIST_STALE: the run directory is replaced all the time
///   -EMFILE, -ENFILE, -ENOMEM  no descriptor or memory to be had
///
/// Since 1.0.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn netns_list(
    flags: u32,
    out: Option<&mut MaybeUninit<*mut NetnsNameSnapshot>>,
) -> c_int {
    list(None, flags, out)
}

/// netns_list() of a run directory of your own. NULL is NETNS_RUN_DIR.
///
/// Returns what netns_list() returns; -EINVAL also if rundir is empty. Since 1.0.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn netns_list_at(
    rundir: *const c_char,
    flags: u32,
    out: Option<&mut MaybeUninit<*mut NetnsNameSnapshot>>,
) -> c_int {
    // SAFETY: the caller passes NULL or a string.
    list(unsafe { text(rundir) }, flags, out)
}

fn list(
    rundir: Option<&CStr>,
    flags: u32,
    out: Option<&mut MaybeUninit<*mut NetnsNameSnapshot>>,
) -> c_int {
    let subject = convert::about_in(rundir, "list", Object::RunDir);
    give_list(subject, out, || {
        NameList::read(convert::rundir(rundir)?, convert::flags::<ListFlags>(flags)?)
    })
}

fn give_list(
    subject: Subject,
    out: Option<&mut MaybeUninit<*mut NetnsNameSnapshot>>,
    read: impl FnOnce() -> Result<NameList>,
) -> c_int {
    boundary::call(subject, || {
        let out = convert::out(out)?;
        let slot = Slot::new()?;
        out.write(slot.give(NetnsNameSnapshot(read()?)));
        Ok(())
    })
}

/// Lists every network namespace of the system that the caller can find, whether it has a name or not: those
/// of the names in NETNS_RUN_DIR, of threads, of open descriptors, and of mounts in any mount namespace that
/// has a process, as /proc shows them, and from Linux 6.19 on those that the kernel lists itself (listns(2)).
///
/// Each namespace is there once: with the first of its names in NETNS_RUN_DIR, sorted bytewise; then those
/// without a name, by inode number, for which netns_list_name() returns an empty string. netns_list_inode() and
/// netns_list_cookie() tell which each is, and netns_open_id() opens it.
///
/// What the caller may not look at is left out: other users' processes without CAP_SYS_PTRACE, those that
/// /proc does not show, and a namespace that nothing but a socket keeps, unless the kernel lists it.
///
/// flags  0.
/// out    receives the list. Free it with netns_list_free().
///
/// Returns 0, or
///   -EINVAL     flags is not 0, or out is NULL
///   -ENOENT     /proc is not mounted, and the kernel does not list the namespaces itself
///   -ENOTDIR, -ELOOP, -ENAMETOOLONG  the run directory is not a directory's path
///   -EACCES     the run directory, or /proc, is not the caller's to read
///   -EMFILE, -ENFILE, -ENOMEM  out of file descriptors or memory
///
/// Since 1.0.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn netns_list_all(
    flags: u32,
    out: Option<&mut MaybeUninit<*mut NetnsNameSnapshot>>,
) -> c_int {
    let subject = convert::about("list all network namespaces", Object::Nothing);
    give_list(subject, out, || {
        convert::no_flags(flags)?;
        all::list_all(DEFAULT_RUN_DIR)
    })
}

/// How many names a list has; 0 if list is NULL. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_list_len(list: Option<&NetnsNameSnapshot>) -> usize {
    boundary::plain(0, || list.map_or(0, |list| list.0.len()))
}

/// The name at place i, counted from 0. It lives as long as the list.
///
/// Returns NULL past the end, or if list is NULL. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_list_name(
    list: Option<&NetnsNameSnapshot>,
    i: usize,
) -> *const c_char {
    boundary::plain(ptr::null(), || {
        list.and_then(|list| list.0.name(i)).map_or(ptr::null(), CStr::as_ptr)
    })
}

/// The inode number of the namespace at place i, as netns_inode() tells it.
///
/// Returns 0 for a stale name, past the end, or if list is NULL. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_list_inode(list: Option<&NetnsNameSnapshot>, i: usize) -> u64 {
    boundary::plain(0, || list.and_then(|list| list.0.inode(i)).unwrap_or(0))
}

/// The cookie of the namespace at place i, as netns_cookie() gives it. Linux 6.18 and later tell it when the
/// list is read.
///
/// Returns 0 if it is not known: on older kernels, for a stale name, past the end, or if list is NULL; in a
/// list of netns_list_all(), also for a namespace of which the caller may see no more than a mount. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_list_cookie(list: Option<&NetnsNameSnapshot>, i: usize) -> u64 {
    boundary::plain(0, || list.and_then(|list| list.0.identity(i)?.cookie).unwrap_or(0))
}

/// Frees a list. NULL is allowed. errno is left alone. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_list_free(list: *mut NetnsNameSnapshot) {
    // SAFETY: list is NULL or one that this library gave and that the caller uses no more.
    boundary::plain((), || unsafe { convert::take_back(list) })
}

/// Lists the names that a namespace has in NETNS_RUN_DIR; it may have none.
///
/// flags  0.
/// out    receives the list, which is yours to netns_list_free().
///
/// Returns 0, or
///   -EINVAL     flags is not 0, or a pointer is NULL
///   -ENOTDIR, -ELOOP, -ENAMETOOLONG  the run directory is not a directory's path
///   -EACCES     the run directory is not yours to read
///   -EMFILE, -ENFILE, -ENOMEM  no descriptor or memory to be had
///
/// Since 1.0.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn netns_names(
    ns: Option<&Netns>,
    flags: u32,
    out: Option<&mut MaybeUninit<*mut NetnsNameSnapshot>>,
) -> c_int {
    names(None, ns, flags, out)
}

/// netns_names() in a run directory of your own. NULL is NETNS_RUN_DIR.
///
/// Returns what netns_names() returns; -EINVAL also if rundir is empty. Since 1.0.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn netns_names_at(
    rundir: *const c_char,
    ns: Option<&Netns>,
    flags: u32,
    out: Option<&mut MaybeUninit<*mut NetnsNameSnapshot>>,
) -> c_int {
    // SAFETY: the caller passes NULL or a string.
    names(unsafe { text(rundir) }, ns, flags, out)
}

fn names(
    rundir: Option<&CStr>,
    ns: Option<&Netns>,
    flags: u32,
    out: Option<&mut MaybeUninit<*mut NetnsNameSnapshot>>,
) -> c_int {
    let subject = convert::about_in(rundir, "find the names of", convert::handle_object(ns));
    give_list(subject, out, || {
        convert::no_flags(flags)?;
        NameList::names_of(convert::rundir(rundir)?, &convert::handle(ns)?.0)
    })
}
