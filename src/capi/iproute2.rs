//! iproute2's helpers under their own names. Their header is one of its own, include/netns-iproute2.h:
//! they print, and -1 is all that most of them return for a failure.

use std::ffi::{c_char, c_int, c_void};
use std::mem::ManuallyDrop;
use std::os::fd::IntoRawFd;

use nix::errno::Errno;

use crate::error::Object;
use crate::iproute2;

use super::boundary;
use super::convert::{self, text};

/// What they all return for a failure; errno says which.
const FAILED: c_int = -1;

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
    let object = name.map_or(Object::Null, |name| {
        if iproute2::is_path(name) { Object::Path(name) } else { Object::Name(name) }
    });
    let opened = boundary::attempt(convert::about("open", object), || {
        iproute2::get_fd(convert::required(name, "the name is NULL")?)
    });
    opened.map_or(FAILED, IntoRawFd::into_raw_fd)
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
    boundary::attempt(convert::about("list", Object::Nothing), || {
        let func = convert::required(func, "the function is NULL")?;
        Ok((func, ManuallyDrop::new(iproute2::entries()?)))
    })
}

#[inline(never)]
fn end_foreach(names: ManuallyDrop<Vec<u8>>) {
    boundary::plain((), || drop(ManuallyDrop::into_inner(names)));
}
