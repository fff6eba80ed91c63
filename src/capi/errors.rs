//! The last failure in words, and the library's version.

use std::ffi::{CStr, c_char};

use super::boundary;
use super::message;

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

/// The calling thread's last failure in one line of UTF-8 without a newline: what was to be done,
/// the step that failed, the reason and, where it is known, the remedy:
///
///   create "blue": bind on /run/netns/blue: Operation not permitted (needs CAP_SYS_ADMIN over the
///   mount namespace)
///
/// Control characters in names are shown as \xNN, and very long names are shortened. Where the library
/// was loaded by dlopen(3), glibc takes 2 KB for the text at a thread's first failure, and ends the
/// program if there is no memory for that.
///
/// Returns "" before the first failure, never NULL. The text is the library's, and stays the same
/// until the thread's next failure. errno is left alone. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_errmsg() -> *const c_char {
    boundary::plain(c"".as_ptr(), message::pointer)
}
