//! Holders: the objects that keep a namespace alive.

use std::ffi::{c_char, c_int};
use std::mem::MaybeUninit;
use std::ptr;

use libnetns::namespace::holders::{Holder, HolderList, Kind, Unseen};

use crate::boundary;
use crate::convert::{self, Slot};
use crate::types::{Netns, NetnsHolderSnapshot};

/// For netns_holder_list_kind(): a thread in the network namespace.
pub const NETNS_HOLDER_THREAD: c_int = 1;

/// For netns_holder_list_kind(): an open file descriptor of the network namespace.
pub const NETNS_HOLDER_DESCRIPTOR: c_int = 2;

/// For netns_holder_list_kind(): a socket in the network namespace, or an open /dev/net/tun, which
/// has one.
pub const NETNS_HOLDER_SOCKET: c_int = 3;

/// For netns_holder_list_kind(): a bind mount of the network namespace.
pub const NETNS_HOLDER_MOUNT: c_int = 4;

/// For netns_holder_list_unseen(): the caller has no permission to inspect a process that /proc
/// shows.
pub const NETNS_UNSEEN_PROCESSES: u32 = 1;

/// For netns_holder_list_unseen(): there may be processes that the caller's /proc does not show.
pub const NETNS_UNSEEN_HIDDEN: u32 = 2;

/// For netns_holder_list_unseen(): the network namespace of some socket could not be determined.
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

/// Lists what keeps a network namespace alive: the threads in it, its open file descriptors, the
/// sockets in it, and its bind mounts in any mount namespace that has a process. The list is sorted
/// by kind, then by process. The file descriptor and the rtnetlink socket of the handle ns itself
/// are not listed.
///
/// ns     the network namespace.
/// flags  0.
/// out    receives the list; free it with netns_holder_list_free().
///
/// To find out which network namespace a socket is in, the library duplicates the socket for a
/// moment (pidfd_getfd(2), Linux 5.6). If its process closes it in that moment, the library's
/// close(2) is the last one. A socket without a process is listed with process 0: it is in flight
/// between two processes, or it is a connection that is closed but not finished, or not accepted
/// yet, or it belongs to the kernel, as a tunnel's does.
///
/// netns_holder_list_unseen() says whether something could not be seen. Only root in the initial
/// PID namespace sees everything. Never listed are bind mounts in mount namespaces that have no
/// process, and references that the kernel holds without an open file.
///
/// Capabilities: none to see what the caller may inspect. To see everything: CAP_SYS_PTRACE over
/// every process; CAP_SYS_ADMIN in the user namespace that owns the network namespace and in the
/// caller's own, to list its sockets; and CAP_NET_ADMIN in the user namespace that owns the network
/// namespace of an open /dev/net/tun or, before Linux 5.14, of a socket.
///
/// Returns 0, or
///   -EINVAL     flags is not 0, or a pointer is NULL
///   -ENOENT     /proc is not mounted, or belongs to another PID namespace
///   -EACCES     the caller has no permission to read /proc
///   -EMFILE, -ENFILE, -ENOBUFS, -ENOMEM  out of file descriptors or memory
///   -ENOTRECOVERABLE  cannot switch the calling thread back: it is left in ns
/// On failure *out is not changed.
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

/// Returns the number of holders in a list; 0 if list is NULL. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_holder_list_len(list: Option<&NetnsHolderSnapshot>) -> usize {
    boundary::plain(0, || list.map_or(0, |list| list.0.holders.len()))
}

/// Returns the kind of the i-th holder: NETNS_HOLDER_THREAD, NETNS_HOLDER_DESCRIPTOR,
/// NETNS_HOLDER_SOCKET or NETNS_HOLDER_MOUNT. Later versions may add kinds; ignore unknown ones.
///
/// Returns 0 if i is out of range, or if list is NULL. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_holder_list_kind(
    list: Option<&NetnsHolderSnapshot>,
    i: usize,
) -> c_int {
    boundary::plain(0, || holder(list, i).map_or(0, |holder| holder.kind as c_int))
}

/// Returns the process ID of the i-th holder; for a bind mount, that of a process in the mount
/// namespace that has it.
///
/// Returns 0 for a socket without a process, if i is out of range, or if list is NULL. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_holder_list_pid(
    list: Option<&NetnsHolderSnapshot>,
    i: usize,
) -> libc::pid_t {
    boundary::plain(0, || holder(list, i).map_or(0, |holder| holder.pid))
}

/// Returns the thread ID of the i-th holder: the thread that is in the network namespace; for a
/// file descriptor or socket, a thread whose descriptor table has it; for a bind mount, a thread in
/// the mount namespace that has it.
///
/// Returns 0 where netns_holder_list_pid() does. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_holder_list_tid(
    list: Option<&NetnsHolderSnapshot>,
    i: usize,
) -> libc::pid_t {
    boundary::plain(0, || holder(list, i).map_or(0, |holder| holder.tid))
}

/// Returns the descriptor number, in its process, of the file descriptor or socket that is the i-th
/// holder.
///
/// Returns -1 if there is none, as for a thread, a bind mount and a socket without a process; if i
/// is out of range; or if list is NULL. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_holder_list_fd(
    list: Option<&NetnsHolderSnapshot>,
    i: usize,
) -> c_int {
    boundary::plain(-1, || holder(list, i).and_then(|holder| holder.fd).unwrap_or(-1))
}

/// Returns the mount point of the bind mount that is the i-th holder, as its process sees it. The
/// string is valid until netns_holder_list_free().
///
/// Returns NULL if the holder is of another kind, if i is out of range, or if list is NULL.
/// Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_holder_list_path(
    list: Option<&NetnsHolderSnapshot>,
    i: usize,
) -> *const c_char {
    boundary::plain(ptr::null(), || {
        convert::pointer(holder(list, i).and_then(|holder| holder.path.as_deref()))
    })
}

/// Returns the name of the program that the thread of the i-th holder runs, as in /proc/PID/comm.
/// The string is valid until netns_holder_list_free().
///
/// Returns NULL if the name is not known, if i is out of range, or if list is NULL. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_holder_list_program(
    list: Option<&NetnsHolderSnapshot>,
    i: usize,
) -> *const c_char {
    boundary::plain(ptr::null(), || {
        convert::pointer(holder(list, i).and_then(|holder| holder.program.non_empty()))
    })
}

/// Returns what could not be seen and may also keep the network namespace alive: a bitwise OR of
/// NETNS_UNSEEN_PROCESSES, NETNS_UNSEEN_HIDDEN and NETNS_UNSEEN_SOCKETS.
///
/// Returns 0 if nothing that the call looks for was hidden from it, or if list is NULL. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_holder_list_unseen(list: Option<&NetnsHolderSnapshot>) -> u32 {
    boundary::plain(0, || list.map_or(0, |list| list.0.unseen.bits()))
}

/// Frees a list and its strings. NULL is allowed. errno is not changed. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_holder_list_free(list: *mut NetnsHolderSnapshot) {
    // SAFETY: list is NULL or one that this library gave and that the caller uses no more.
    boundary::plain((), || unsafe { convert::take_back(list) })
}
