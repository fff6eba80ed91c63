//! Listing: the names in a run directory, and all network namespaces.

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

/// For netns_list(): list stale names, too.
pub const NETNS_LIST_STALE: u32 = 1;

const _: () = assert!(NETNS_LIST_STALE == ListFlags::STALE.bits());

/// Lists the names in NETNS_RUN_DIR that are network namespaces at the time of the call, sorted
/// bytewise. A run directory that does not exist has no names. A symbolic link to a network
/// namespace is a name if netns_open() follows it.
///
/// flags  NETNS_LIST_STALE: list stale names, too, with the inode number 0. netns_create() takes
///        them over and netns_remove() removes them. One of them may be a live name in another
///        mount namespace, see netns_create(). A symbolic link that leads to no network namespace
///        is a stale name, which netns_create() does not take over. If another process holds the
///        run directory's flock(2) lock, the call waits for it, at most one second.
/// out    receives the list; free it with netns_list_free().
///
/// Capabilities: none; read permission on the run directory is enough.
///
/// Returns 0, or
///   -EINVAL     a flag is unknown, or out is NULL
///   -ENOTDIR, -ELOOP, -ENAMETOOLONG  the run directory is not the path of a directory
///   -EACCES     no permission to read the run directory
///   -EAGAIN     with NETNS_LIST_STALE: other processes keep replacing the run directory
///   -EMFILE, -ENFILE, -ENOMEM  out of file descriptors or memory
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

/// netns_list() for a custom run directory. NULL means NETNS_RUN_DIR.
///
/// Returns what netns_list() returns; -EINVAL also if rundir is empty. Since 1.0.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn netns_list_at(
    rundir: *const c_char,
    flags: u32,
    out: Option<&mut MaybeUninit<*mut NetnsNameSnapshot>>,
) -> c_int {
    // SAFETY: the caller passes NULL or a NUL-terminated string.
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

/// Lists every network namespace of the system that the caller can find, with and without a name.
/// It finds those of the names in NETNS_RUN_DIR, and those of threads, open descriptors, and mounts
/// in any mount namespace that has a process, as /proc shows them. On Linux 6.19 and later, it also
/// finds those that the kernel lists itself (listns(2)).
///
/// Each network namespace is listed once. Those with a name in NETNS_RUN_DIR come first, under the
/// first of their names, sorted bytewise; then those without a name, sorted by inode number, for
/// which netns_list_name() returns an empty string. netns_list_inode() and netns_list_cookie()
/// identify them, and netns_open_id() opens them.
///
/// What the caller may not inspect is omitted: processes of other users without CAP_SYS_PTRACE,
/// processes that /proc does not show, and, unless the kernel lists it, a network namespace that
/// only a socket refers to.
///
/// flags  0.
/// out    receives the list; free it with netns_list_free().
///
/// Capabilities: none for what the caller may inspect. CAP_SYS_PTRACE, in the process's user
/// namespace, for what other users' processes refer to; on Linux 6.19 and later, CAP_SYS_ADMIN in
/// the user namespace that owns it for a network namespace that only the kernel lists.
///
/// Returns 0, or
///   -EINVAL     flags is not 0, or out is NULL
///   -ENOENT     /proc is not mounted, and the kernel does not list the network namespaces itself
///   -ENOTDIR, -ELOOP, -ENAMETOOLONG  the run directory is not the path of a directory
///   -EACCES     no permission to read the run directory or /proc
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

/// Returns the number of entries of a list, and 0 if list is NULL. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_list_len(list: Option<&NetnsNameSnapshot>) -> usize {
    boundary::plain(0, || list.map_or(0, |list| list.0.len()))
}

/// Returns the name at index i, counted from 0. The string is valid until the list is freed.
///
/// Returns NULL if i is past the end, or list is NULL. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_list_name(
    list: Option<&NetnsNameSnapshot>,
    i: usize,
) -> *const c_char {
    boundary::plain(ptr::null(), || {
        list.and_then(|list| list.0.name(i)).map_or(ptr::null(), CStr::as_ptr)
    })
}

/// Returns the inode number of the network namespace at index i, as netns_inode() does.
///
/// Returns 0 for a stale name, or if i is past the end, or list is NULL. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_list_inode(list: Option<&NetnsNameSnapshot>, i: usize) -> u64 {
    boundary::plain(0, || list.and_then(|list| list.0.inode(i)).unwrap_or(0))
}

/// Returns the cookie of the network namespace at index i, see netns_cookie(). Linux 6.18 and later
/// report it when the list is read.
///
/// Returns 0 if the cookie is not known: on older kernels, for a stale name, if i is past the end,
/// or if list is NULL; in a list of netns_list_all(), also for a network namespace of which the
/// caller can see only a mount. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_list_cookie(list: Option<&NetnsNameSnapshot>, i: usize) -> u64 {
    boundary::plain(0, || list.and_then(|list| list.0.identity(i)?.cookie).unwrap_or(0))
}

/// Frees a list. NULL is allowed. errno is not changed. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_list_free(list: *mut NetnsNameSnapshot) {
    // SAFETY: list is NULL, or a list from this library that the caller no longer uses.
    boundary::plain((), || unsafe { convert::take_back(list) })
}

/// Lists the names of one network namespace in NETNS_RUN_DIR, sorted bytewise. It may have none.
///
/// flags  0.
/// out    receives the list; free it with netns_list_free().
///
/// Capabilities: none; read permission on the run directory is enough.
///
/// Returns 0, or
///   -EINVAL     flags is not 0, or a pointer is NULL
///   -ENOTDIR, -ELOOP, -ENAMETOOLONG  the run directory is not the path of a directory
///   -EACCES     no permission to read the run directory
///   -EMFILE, -ENFILE, -ENOMEM  out of file descriptors or memory
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

/// netns_names() for a custom run directory. NULL means NETNS_RUN_DIR.
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
    // SAFETY: the caller passes NULL or a NUL-terminated string.
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
