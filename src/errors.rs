//! The message of the last failure, and the library's version.

use std::ffi::{CStr, c_char};

use crate::boundary;
use crate::message;

const VERSION: &CStr =
    match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
        Ok(version) => version,
        Err(_) => panic!("a version has no NUL in it"),
    };

/// The version of the library that the program runs with, such as "1.0.0". NETNS_VERSION is that of
/// the header that it was compiled with. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_version() -> *const c_char {
    boundary::plain(c"".as_ptr(), || VERSION.as_ptr())
}

/// The calling thread's last failure in one line of UTF-8 without a newline, in the form
///
///   VERB "OBJECT": STEP: REASON (CAUSE OR REMEDY)
///   create "blue": bind on /run/netns/blue: Operation not permitted (needs CAP_SYS_ADMIN over the
///   mount namespace)
///
/// VERB says what the call was to do and OBJECT to what, with "in" and the namespace for interfaces,
/// addresses, routes and programs. A process is shown as pid N, a descriptor as descriptor N, a
/// namespace without a name as net:[INODE], and an argument that was NULL as (none). STEP is what
/// failed of all that the call does; an invalid argument has a step of its own, such as "invalid name".
/// REASON is what strerror(3) says of the system call's errno, which may be another one than the call
/// returns, or "not a network namespace" for ENOTTY. If the kernel explains a refusal itself, as
/// rtnetlink does, a colon and its text follow. The parentheses are left out where no cause or remedy
/// is known.
///
/// The message is for operators: it names files, limits, capabilities and system calls, and no function
/// or constant of this header, so programs in any language can show it as it is. Its wording may change
/// in any release. Control characters and quotes in names are shown as \xNN, and the middle of a very
/// long name is left out. Where the library was loaded by dlopen(3), glibc takes 2 KB for the text at a
/// thread's first failure, and ends the program if there is no memory for that.
///
/// One call sets it although it succeeds: netns_spawn(), where it has started the program without a
/// file of /etc/netns/NAME. Not to cover that file is the failure then, and the VERB is that of the call:
///
///   spawn "dig" in "blue": leave out the file for /etc/resolv.conf: No such file or directory (there is
///   nothing to cover: ...)
///
/// Returns "" before the first failure, never NULL. The text is the library's, and stays the same
/// until the thread's next failure. errno is left alone. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_errmsg() -> *const c_char {
    boundary::plain(c"".as_ptr(), message::pointer)
}
