//! Holders: what keeps a namespace alive.

use std::ffi::{c_char, c_int};
use std::mem::MaybeUninit;
use std::ptr;

use libnetns::namespace::holders::{Holder, HolderList, Kind, Unseen};

use crate::boundary;
use crate::convert::{self, Slot};
use crate::types::{Netns, NetnsHolderSnapshot};

/// For netns_holder_list_kind(): a thread that is in the namespace.
pub const NETNS_HOLDER_THREAD: c_int = 1;

/// For netns_holder_list_kind(): an open descriptor of the namespace.
pub const NETNS_HOLDER_DESCRIPTOR: c_int = 2;

/// For netns_holder_list_kind(): a socket that lives in the namespace, or an open /dev/net/tun, which has one.
pub const NETNS_HOLDER_SOCKET: c_int = 3;

/// For netns_holder_list_kind(): a mount of the namespace.
pub const NETNS_HOLDER_MOUNT: c_int = 4;

/// For netns_holder_list_unseen(): a process that /proc shows is not the caller's to look at.
pub const NETNS_UNSEEN_PROCESSES: u32 = 1;

/// For netns_holder_list_unseen(): there may be processes that the caller's /proc does not show.
pub const NETNS_UNSEEN_HIDDEN: u32 = 2;

/// For netns_holder_list_unseen(): not every socket could be asked for its namespace.
pub const NETNS_UNSEEN_SOCKETS: u32 = 4;

const _: () = assert!(
    NETNS_HOLDER_THREAD == Kind::Thread as c_int
        && NETNS_HOLDER_DESCRIPTOR == Kind::Descriptor as c_int
        && NETNS_HOLDER_SOCKET == Kind::Socket as c_int
        && NETNS_HOLDER_MOUNT == Kind::Mount as c_int
        && NETNS_UNSEEN_PROCESSES == Unseen::PROCESSES.bits()
        && NETNS_UNSEEN_HIDDEN == Unseen::HIDDEN.bits()
        && NETNS_UNSEEN_SOCKETS == Unseen::SOCKETS.bits()
);

/// Finds what keeps a network namespace alive: the threads that are in it, the open descriptors of it, the sockets
/// that live in it, and the mounts of it, in any mount namespace that has a process. They are sorted by kind, then
/// by process. The descriptor and the socket that the handle ns itself has do not count.
///
/// A socket's namespace is asked of the socket, which is duplicated for a moment (pidfd_getfd(2), Linux 5.6); if its
/// process closes it in that moment, the library's close(2) is the last one. A socket that no process is found to
/// have is in the list with process 0: one that is in flight between two processes, a connection that is closed but
/// not at its end, or that is not accepted yet, or one of the kernel's own, as a tunnel has it.
///
/// What cannot be seen is not left out without a word: see netns_holder_list_unseen(). To see all takes root in the
/// first pid namespace, with CAP_SYS_PTRACE over every process and CAP_SYS_ADMIN over the namespace. Not looked
/// for: mount namespaces that have no process, and memory of the kernel that no file stands for.
///
/// flags  0.
/// out    receives the list. Free it with netns_holder_list_free().
///
/// Returns 0, or
///   -EINVAL     flags is not 0, or a pointer is NULL
///   -ENOENT     /proc is not mounted, or is another pid namespace's
///   -EACCES     /proc is not the caller's to read
///   -EMFILE, -ENFILE, -ENOBUFS, -ENOMEM  out of file descriptors or memory
///   -ENOTRECOVERABLE  as netns_socket() says
///
/// Since 1.0.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn netns_holder_list(
    ns: Option<&Netns>,
    flags: u32,
    out: Option<&mut MaybeUninit<*mut NetnsHolderSnapshot>>,
) -> c_int {
    boundary::call(convert::about_handle("find the holders of", ns), || {
        convert::no_flags(flags)?;
        let ns = convert::handle(ns)?;
        let out = convert::out(out)?;
        let slot = Slot::new()?;
        out.write(slot.give(NetnsHolderSnapshot(HolderList::read(&ns.0)?)));
        Ok(())
    })
}

fn holder(list: Option<&NetnsHolderSnapshot>, i: usize) -> Option<&Holder> {
    list?.0.holders.get(i)
}

/// How many holders a list has; 0 if list is NULL. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_holder_list_len(list: Option<&NetnsHolderSnapshot>) -> usize {
    boundary::plain(0, || list.map_or(0, |list| list.0.holders.len()))
}

/// What the holder at place i is: NETNS_HOLDER_THREAD, _DESCRIPTOR, _SOCKET or _MOUNT. Programs pass over kinds that
/// they do not know.
///
/// Returns 0 past the end, or if list is NULL. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_holder_list_kind(
    list: Option<&NetnsHolderSnapshot>,
    i: usize,
) -> c_int {
    boundary::plain(0, || holder(list, i).map_or(0, |holder| holder.kind as c_int))
}

/// The process of the holder at place i; of a mount, one whose mount namespace has it.
///
/// Returns 0 for a socket that no process is found to have, past the end, or if list is NULL. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_holder_list_pid(
    list: Option<&NetnsHolderSnapshot>,
    i: usize,
) -> libc::pid_t {
    boundary::plain(0, || holder(list, i).map_or(0, |holder| holder.pid))
}

/// The thread of the holder at place i: the one that is in the namespace; of a descriptor or socket, one whose
/// descriptor table has it; of a mount, one whose mount namespace has it.
///
/// Returns 0 where netns_holder_list_pid() does. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_holder_list_tid(
    list: Option<&NetnsHolderSnapshot>,
    i: usize,
) -> libc::pid_t {
    boundary::plain(0, || holder(list, i).map_or(0, |holder| holder.tid))
}

/// The number of the descriptor or socket at place i, in its process.
///
/// Returns -1 if there is none: a thread, a mount, a socket that no process is found to have; past the end, or if
/// list is NULL. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_holder_list_fd(
    list: Option<&NetnsHolderSnapshot>,
    i: usize,
) -> c_int {
    boundary::plain(-1, || holder(list, i).and_then(|holder| holder.fd).unwrap_or(-1))
}

/// The mount point of the mount at place i, as its process sees it. It lives as long as the list.
///
/// Returns NULL if it is something else, past the end, or if list is NULL. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_holder_list_path(
    list: Option<&NetnsHolderSnapshot>,
    i: usize,
) -> *const c_char {
    boundary::plain(ptr::null(), || {
        convert::pointer(holder(list, i).and_then(|holder| holder.path.as_deref()))
    })
}

/// The name of the program that the thread of the holder at place i runs, as /proc/PID/comm has it. It lives as
/// long as the list.
///
/// Returns NULL if it is not known, past the end, or if list is NULL. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_holder_list_program(
    list: Option<&NetnsHolderSnapshot>,
    i: usize,
) -> *const c_char {
    boundary::plain(ptr::null(), || {
        convert::pointer(holder(list, i).and_then(|holder| holder.program.non_empty()))
    })
}

/// What may keep the namespace as well, and could not be looked at: a bitwise OR of NETNS_UNSEEN_PROCESSES,
/// NETNS_UNSEEN_HIDDEN and NETNS_UNSEEN_SOCKETS.
///
/// Returns 0 if nothing that is looked for was out of sight, or if list is NULL. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_holder_list_unseen(list: Option<&NetnsHolderSnapshot>) -> u32 {
    boundary::plain(0, || list.map_or(0, |list| list.0.unseen.bits()))
}

/// Frees a list. NULL is allowed. errno is left alone. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_holder_list_free(list: *mut NetnsHolderSnapshot) {
    // SAFETY: list is NULL or one that this library gave and that the caller uses no more.
    boundary::plain((), || unsafe { convert::take_back(list) })
}
