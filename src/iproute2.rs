//! iproute2's helpers under their own names. Their header is one of its own, include/netns-iproute2.h:
//! they print, and -1 is all that most of them return for a failure.

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

/// What they return for a failure; errno says which.
const FAILED: c_int = -1;
/// What the two that talk to the kernel return when that fails.
const REFUSED: c_int = -2;
const NO_ID: c_int = -1;

/// iproute2's connection, of which only what it begins with is known here: int fd, a socket of
/// NETLINK_ROUTE. libnetlink.h of iproute2 says what more there is; none of it is read or written.
pub struct RtnlHandle(#[expect(dead_code)] c_int);

/// Takes the calling thread into a namespace, one way, as `ip netns exec` does before it becomes the
/// program: into a mount namespace of its own, which sees what its parent mounts and shows it nothing,
/// with a /sys of the network namespace, and with what is in /etc/netns/NAME over what is in /etc.
/// Unlike with iproute2, what is mounted below /sys (cgroups, bpf, tracefs ...) stays, a /sys that
/// was read-only stays so, where there is no /sys it is done without, and a symbolic link in /etc is
/// covered itself, as by netns_exec(). The thread's root and working directory become its own.
///
/// netns  a name in NETNS_RUN_DIR, which may be a symbolic link. It is not changed.
///
/// Returns 0, after printing for each file that has no place in /etc
///   Bind /etc/netns/NAME/FILE -> /etc/FILE failed: ERROR
/// or -1 with errno as the kernel has it, or EINVAL if netns is NULL, after printing one of
///   Cannot open network namespace "NAME": ERROR
///   setting the network namespace "NAME" failed: ERROR
///   unshare failed: ERROR
///   "mount --make-rslave /" failed: ERROR
///   mount of /sys failed: ERROR
/// After one of the last three the thread is in the namespace and has no way back: end it, as with
/// iproute2. netns_exec() and netns_spawn() of netns.h leave no thread like that.
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
/// name  without a '/' a name in NETNS_RUN_DIR, with one a path. If that cannot be opened and name is
///       the decimal number of a process, that process's namespace. Symbolic links are followed.
///
/// Returns a descriptor, which is yours to close(2), or -1 with errno as open(2) has it, EINVAL if
/// name is NULL, ENOMEM. Prints nothing. What was opened is not looked at: setns(2) says EINVAL of
/// what is no network namespace. Close-on-exec, which iproute2's is not.
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

/// Calls func(nsname, arg) for each entry of NETNS_RUN_DIR but "." and "..", in the directory's own
/// order, until func returns something else than 0. An entry may be anything: netns_list() knows
/// which are namespaces.
///
/// func    gets names as they were when netns_foreach() was called, and may do to them, to the
///         directory and to the thread what it likes. What it does not return from (longjmp(3),
///         pthread_exit(3), a C++ exception) costs the memory of the names, and no descriptor.
/// arg     is passed to func.
///
/// Returns 0, also if func ended it or the directory does not exist, or -1 with errno as opendir(3)
/// has it, after printing
///   Failed to open directory /var/run/netns: ERROR
/// or EINVAL if func is NULL.
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
    // func may leave in any way, with another copy of the unwinder than the library's: nothing in
    // this frame needs unwinding, and the names are not dropped by it.
    let mut name = names.as_mut_ptr();
    let mut left = names.len();
    while left > 0 {
        // SAFETY: name points at one of the names, each of which ends with a NUL.
        let len = unsafe { libc::strlen(name.cast()) } + 1;
        // SAFETY: func takes what the caller passes with it, and a string to do with as it likes.
        if unsafe { func(name.cast(), arg) } != 0 {
            break;
        }
        // SAFETY: the next name, or the end of all of them.
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

/// Tells the id that the namespace of a socket has for another namespace.
///
/// rtnl  begins with the socket's descriptor, as iproute2's does. The request goes out by it, with a
///       sequence number of its own, whether it waits or not; what lies unread in it is thrown away.
///       Nothing else of the structure is read or written.
/// name  as for netns_get_fd().
///
/// Returns the id; or -1 if there is none, or if name cannot be opened, which errno tells; or -2 with
/// errno as the kernel has it, after printing one of
///   Error: the kernel's own words, if the socket has NETLINK_EXT_ACK.
///   RTNETLINK answers: ERROR
///   Cannot talk to rtnetlink: ERROR
///   netlink receive error ERROR (ERRNO)
/// It prints nothing where a pointer is NULL (EINVAL).
///
/// Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_id_from_name(rtnl: *mut RtnlHandle, name: *const c_char) -> c_int {
    // SAFETY: the caller passes NULL or a string, and NULL or a structure.
    let (name, socket) = unsafe { (text(name), socket_of(rtnl)) };
    let id = on_name("get the nsid of", name, socket, helpers::id_of);
    id.map_or_else(|failure| failure, |id| id.unwrap_or(NO_ID))
}

/// Gives a namespace an id in the namespace of a socket.
///
/// rtnl, name  as for netns_id_from_name().
/// nsid        the id; a negative one lets the kernel pick.
///
/// Returns 0, or what netns_id_from_name() does for a failure, after printing what that prints. -2
/// with errno EEXIST: it has an id already, or another namespace has this one; EPERM: CAP_NET_ADMIN
/// is missing.
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

/// The caller's socket; None: its number is none that a descriptor can have.
type Socket<'a> = Option<BorrowedFd<'a>>;

unsafe fn socket_of<'a>(rtnl: *const RtnlHandle) -> Option<Socket<'a>> {
    if rtnl.is_null() {
        return None;
    }
    // SAFETY: every caller passes a structure that begins with an int.
    let fd = unsafe { rtnl.cast::<c_int>().read() };
    // SAFETY: it is the caller's, and stays open during the call; if it is not open, the first call on
    // it says EBADF.
    Some((fd >= 0).then(|| unsafe { BorrowedFd::borrow_raw(fd) }))
}

/// The failure is what C is told.
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

/// Finds the name of the namespace that the calling thread's namespace has this id for: of several
/// names the first in the directory's order.
///
/// Returns the name, which is yours to free(3), or NULL, after printing what netns_foreach() and, for
/// each entry that the kernel has no id of because it is no namespace, netns_id_from_name() print; or
///   Cannot open netlink socket: ERROR
///
/// Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_name_from_id(id: i32) -> *mut c_char {
    let found =
        boundary::attempt(convert::about("find the name of an nsid", Object::Nothing), || {
            let Some(name) = helpers::name_of(id)? else { return Ok(ptr::null_mut()) };
            // SAFETY: it copies a string.
            let copy = unsafe { libc::strdup(name.as_ptr()) };
            if copy.is_null() { Err(Failure::no_memory()) } else { Ok(copy) }
        });
    found.unwrap_or(ptr::null_mut())
}
