//! iproute2's helpers under their original names. They have a separate header, include/netns-iproute2.h,
//! because they print, and because most of them return only -1 for a failure.

mod helpers;

use std::ffi::{CStr, c_char, c_int, c_void};
use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, BorrowedFd, IntoRawFd};
use std::ptr;

use nix::errno::Errno;

use libnetns::error::{Failure, Result};
use libnetns::explain::{Object, Subject};

use crate::boundary;
use crate::convert::{self, text};

/// The return value for a failure; errno contains the reason.
const FAILED: c_int = -1;
/// The return value of the two functions that talk to the kernel if that fails.
const REFUSED: c_int = -2;
const NO_ID: c_int = -1;

/// iproute2's connection to rtnetlink. This library only knows that it begins with int fd, a
/// NETLINK_ROUTE socket. iproute2's libnetlink.h defines the rest, which is neither read nor
/// written.
pub struct RtnlHandle(#[expect(dead_code)] c_int);

/// Moves the calling thread to a network namespace for good, as `ip netns exec` does before it
/// executes the program. The thread gets a mount namespace of its own, which receives the mounts of
/// its parent and propagates none. In it, /sys shows the network namespace, and the files of
/// /etc/netns/NAME are bind-mounted over those of /etc.
///
/// Unlike iproute2's, it keeps the file systems mounted below /sys (cgroups, bpf, tracefs ...),
/// keeps a read-only /sys read-only, does without /sys if there is none, and mounts over a symbolic
/// link in /etc itself, like netns_exec(). The thread's root and working directory become its own.
///
/// netns  a name in NETNS_RUN_DIR, which may be a symbolic link. The string is not modified.
///
/// Capabilities: CAP_SYS_ADMIN, in the user namespace that owns the network namespace and in the
/// caller's own.
///
/// Returns 0, after printing for each file that has no counterpart in /etc
///   Bind /etc/netns/NAME/FILE -> /etc/FILE failed: ERROR
/// or -1 with errno set by the kernel, or to EINVAL if netns is NULL, after printing one of
///   Cannot open network namespace "NAME": ERROR
///   setting the network namespace "NAME" failed: ERROR
///   unshare failed: ERROR
///   "mount --make-rslave /" failed: ERROR
///   mount of /sys failed: ERROR
/// After one of the last three the thread is in the network namespace and cannot switch back: end
/// it, as with iproute2. netns_exec() and netns_spawn() of netns.h leave no such thread.
///
/// Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_switch(netns: *mut c_char) -> c_int {
    // SAFETY: the caller passes NULL or a string.
    let name = unsafe { text(netns) };
    let switched = boundary::attempt(convert::about_name("switch", None, name), || {
        helpers::switch(convert::required(name, "no name given")?)
    });
    switched.map_or(FAILED, |()| 0)
}

/// Opens a network namespace.
///
/// name  a name in NETNS_RUN_DIR, or a path if it contains a '/'. If that cannot be opened and name
///       is the decimal ID of a process, opens that process's network namespace. Symbolic links are
///       followed.
///
/// Capabilities: none for a file that the caller may read; for the network namespace of a process
/// that the caller may not inspect, CAP_SYS_PTRACE over the process.
///
/// Returns a descriptor, which the caller has to close(2), or -1 with errno as set by open(2),
/// EINVAL if name is NULL, or ENOMEM. Prints nothing. The file's type is not checked: setns(2)
/// fails with EINVAL for a file that is not a network namespace. Unlike iproute2's, the descriptor
/// is close-on-exec.
///
/// Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_get_fd(name: *const c_char) -> c_int {
    // SAFETY: the caller passes NULL or a string.
    let name = unsafe { text(name) };
    let opened = boundary::attempt(about_text("open", name), || {
        helpers::get_fd(convert::required(name, "no name given")?)
    });
    opened.map_or(FAILED, IntoRawFd::into_raw_fd)
}

fn about_text<'a>(verb: &'static str, text: Option<&'a CStr>) -> Subject<'a> {
    let object = text.map_or(Object::Missing, |text| {
        if helpers::is_path(text) { Object::Path(text) } else { Object::Name(text) }
    });
    convert::about(verb, object)
}

/// Calls func(nsname, arg) for each entry of NETNS_RUN_DIR except "." and "..", in directory order,
/// until func returns a value other than 0. An entry can be any file: netns_list() lists network
/// namespaces only.
///
/// func  gets the names as they were when netns_foreach() was called. It may modify them, the
///       directory and the calling thread. If it does not return (longjmp(3), pthread_exit(3), a
///       C++ exception), the memory of the names is leaked, but no descriptor.
/// arg   passed to func.
///
/// Capabilities: none.
///
/// Returns 0, also if func ended the iteration or the directory does not exist; or -1 with errno as
/// set by opendir(3), after printing
///   Failed to open directory /var/run/netns: ERROR
/// or -1 with errno set to EINVAL if func is NULL.
///
/// Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn netns_foreach(
    func: Option<unsafe extern "C-unwind" fn(nsname: *mut c_char, arg: *mut c_void) -> c_int>,
    arg: *mut c_void,
) -> c_int {
    let Ok((func, mut names)) = begin_foreach(func) else {
        return FAILED;
    };
    // func may unwind in any way, with another copy of the unwinder than the library's: nothing in this frame
    // needs unwinding, and the names are not dropped by it.
    let mut name = names.as_mut_ptr();
    let mut left = names.len();
    while left > 0 {
        // SAFETY: name points to one of the names, each of which is NUL-terminated.
        let len = unsafe { libc::strlen(name.cast()) } + 1;
        // SAFETY: func takes the argument that the caller passes with it, and a string that it may modify.
        if unsafe { func(name.cast(), arg) } != 0 {
            break;
        }
        // SAFETY: this is the next name, or the end of all names.
        name = unsafe { name.add(len) };
        left -= len;
    }
    end_foreach(names);
    0
}

type Callback = unsafe extern "C-unwind" fn(nsname: *mut c_char, arg: *mut c_void) -> c_int;

#[inline(never)]
fn begin_foreach(
    func: Option<Callback>,
) -> std::result::Result<(Callback, ManuallyDrop<Vec<u8>>), Errno> {
    boundary::attempt(convert::about("list", Object::RunDir), || {
        let func = convert::required(func, "no function given")?;
        Ok((func, ManuallyDrop::new(helpers::entries()?)))
    })
}

#[inline(never)]
fn end_foreach(names: ManuallyDrop<Vec<u8>>) {
    boundary::plain((), || drop(ManuallyDrop::into_inner(names)));
}

/// Returns the nsid that a socket's network namespace has assigned to another network namespace.
///
/// rtnl  begins with the socket's descriptor, as iproute2's structure does. The call sends a
///       request on it with a sequence number of its own, whether the socket is blocking or not,
///       and discards unread messages. It does not read or write the rest of the structure.
/// name  as for netns_get_fd().
///
/// Capabilities: as for netns_get_fd(), which can require CAP_SYS_PTRACE.
///
/// Returns the nsid; or -1 if there is none, or if name cannot be opened, in which case errno says why; or -2
/// with errno set by the kernel, after printing one of
///   Error: the kernel's extended ack message, if the socket has NETLINK_EXT_ACK.
///   RTNETLINK answers: ERROR
///   Cannot talk to rtnetlink: ERROR
///   netlink receive error ERROR (ERRNO)
/// It prints nothing if a pointer is NULL (EINVAL).
///
/// Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_id_from_name(rtnl: *mut RtnlHandle, name: *const c_char) -> c_int {
    // SAFETY: the caller passes NULL or a string, and NULL or a structure.
    let (name, socket) = unsafe { (text(name), socket_of(rtnl)) };
    let id = on_name("get the nsid of", name, socket, helpers::id_of);
    id.map_or_else(|failure| failure, |id| id.unwrap_or(NO_ID))
}

/// Assigns an nsid to a network namespace, in a socket's network namespace.
///
/// rtnl, name  as for netns_id_from_name().
/// nsid        the nsid; with a negative value the kernel chooses one.
///
/// Capabilities: CAP_NET_ADMIN in the user namespace that owns the socket's network namespace; and
/// as for netns_get_fd(), which can require CAP_SYS_PTRACE.
///
/// Returns 0, or on failure what netns_id_from_name() does, after printing the same. -2 with errno
/// EEXIST: the network namespace has an nsid already, or this nsid is assigned to another one;
/// EPERM: a capability is missing (see Capabilities).
///
/// Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn set_netns_id_from_name(
    rtnl: *mut RtnlHandle,
    name: *const c_char,
    nsid: c_int,
) -> c_int {
    // SAFETY: the caller passes NULL or a string, and NULL or a structure.
    let (name, socket) = unsafe { (text(name), socket_of(rtnl)) };
    let given =
        on_name("assign an nsid to", name, socket, |socket, ns| helpers::set_id(socket, ns, nsid));
    given.map_or_else(|failure| failure, |()| 0)
}

/// The caller's socket; `None` if its number is not valid for a descriptor.
type Socket<'a> = Option<BorrowedFd<'a>>;

unsafe fn socket_of<'a>(rtnl: *const RtnlHandle) -> Option<Socket<'a>> {
    if rtnl.is_null() {
        return None;
    }
    // SAFETY: every caller passes a structure that begins with an int.
    let fd = unsafe { rtnl.cast::<c_int>().read() };
    // SAFETY: it belongs to the caller and stays open during the call; if it is not open, the first call on
    // it fails with EBADF.
    Some((fd >= 0).then(|| unsafe { BorrowedFd::borrow_raw(fd) }))
}

/// Reports the failure to C.
fn on_name<T>(
    verb: &'static str,
    name: Option<&CStr>,
    socket: Option<Socket>,
    talk: impl FnOnce(Socket, BorrowedFd) -> Result<T>,
) -> std::result::Result<T, c_int> {
    let mut failure = FAILED;
    boundary::attempt(about_text(verb, name), || {
        let name = convert::required(name, "no name given")?;
        let socket = convert::required(socket, "no rtnetlink socket given")?;
        let ns = helpers::get_fd(name)?;
        failure = REFUSED;
        talk(socket, ns.as_fd())
    })
    .map_err(|_| failure)
}

/// Returns the name of the network namespace to which the calling thread's has assigned an nsid; of
/// several names, the first in directory order.
///
/// Capabilities: none; without CAP_SYS_PTRACE over it, the network namespace of a process that the
/// caller may not inspect is skipped.
///
/// Returns the name, which the caller has to free(3), or NULL, after printing what netns_foreach()
/// prints and, for each entry that is not a network namespace, what netns_id_from_name() prints for
/// the kernel's error; or
///   Cannot open netlink socket: ERROR
///
/// Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_name_from_id(id: i32) -> *mut c_char {
    let found =
        boundary::attempt(convert::about("find the name of an nsid", Object::Nothing), || {
            let Some(name) = helpers::name_of(id)? else { return Ok(ptr::null_mut()) };
            // SAFETY: this copies a string.
            let copy = unsafe { libc::strdup(name.as_ptr()) };
            if copy.is_null() { Err(Failure::no_memory()) } else { Ok(copy) }
        });
    found.unwrap_or(ptr::null_mut())
}
