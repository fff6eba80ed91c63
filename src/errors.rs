//! Errors: the message of the last failure. Also the library's version.

use std::ffi::{CStr, c_char};

use crate::boundary;
use crate::message;

const VERSION: &CStr =
    match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
        Ok(version) => version,
        Err(_) => panic!("a version has no NUL in it"),
    };

/// Returns the version of the library that the program is running with, such as "1.0.0".
/// NETNS_VERSION is the version of the header that it was compiled with. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_version() -> *const c_char {
    boundary::plain(c"".as_ptr(), || VERSION.as_ptr())
}

/// Returns the calling thread's last failure as one line of UTF-8 without a newline, in the form
///
///   VERB "OBJECT": STEP: REASON (CAUSE OR REMEDY)
///   open "blue": open /run/netns/blue: No such file or directory (no network namespace has this name)
///
/// VERB is what the call was to do, and OBJECT what to do it to; for interfaces, addresses, routes
/// and programs, "in" and the network namespace follow. A process is shown as pid N, a descriptor
/// as descriptor N, a network namespace without a name as net:[INODE], and an argument that was
/// NULL as (none). STEP is the part of the call that failed; an invalid argument has a step of its
/// own, such as "invalid name". REASON is what strerror(3) returns for the errno of the failed
/// system call, which is not always the one that the call returns, or "not a network namespace" for
/// ENOTTY. If the kernel explains a failure itself, as rtnetlink does in an extended ack message, a
/// colon and its text follow. The parentheses are omitted if no cause or remedy is known.
///
/// The message is written for operators. It names files, limits, capabilities and system calls, but
/// no function or constant of this header, so programs in any language can show it unchanged. Its
/// wording may change in any release. Control characters and quotes in names are shown as \xNN, and
/// the middle of a very long name is omitted. If the library was loaded with dlopen(3), glibc
/// allocates 2 KB for the message at a thread's first failure, and terminates the program if there
/// is no memory for that.
///
/// One call sets the message although it succeeds: netns_spawn(), if it has started the program
/// without a file of /etc/netns/NAME. The failure is then that the file does not cover anything,
/// and the VERB is that of the call:
///
///   spawn "dig" in "blue": skip the file for /etc/resolv.conf: No such file or directory (there is
///   nothing to bind it on: ...)
///
/// Returns "" before the first failure, and never NULL. The string belongs to the library, and
/// stays the same until the thread's next failure. errno is not changed. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_errmsg() -> *const c_char {
    boundary::plain(c"".as_ptr(), message::pointer)
}
