//! Identity: what a handle tells of its namespace.

use std::ffi::{c_char, c_int};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd};
use std::ptr;

use crate::boundary;
use crate::convert;
use crate::types::Netns;

/// The handle's descriptor, close-on-exec, good for setns(2) and for /proc/self/fd. It stays the
/// handle's: do not close it, and do not use it after netns_close().
///
/// Returns the descriptor, or
///   -EINVAL     ns is NULL
///
/// Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_fd(ns: Option<&Netns>) -> c_int {
    boundary::call(convert::about_handle("get the descriptor of", ns), || {
        Ok(convert::handle(ns)?.0.as_fd().as_raw_fd())
    })
}

/// The name that the namespace was created with or opened by, whatever has become of it since. It
/// lives as long as the handle.
///
/// Returns NULL if there is none: an anonymous namespace, one opened by a path that is not a name's, see
/// netns_open(), by process, by descriptor or as the thread's own; or if ns is NULL. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_name(ns: Option<&Netns>) -> *const c_char {
    boundary::plain(ptr::null(), || convert::pointer(ns.and_then(|ns| ns.0.name())))
}

/// The path that the namespace was opened by, or that its name stands for. It lives as long as the
/// handle.
///
/// Returns NULL if there is none: an anonymous namespace, one opened by process, descriptor or as
/// the thread's own; or if ns is NULL. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_path(ns: Option<&Netns>) -> *const c_char {
    boundary::plain(ptr::null(), || convert::pointer(ns.and_then(|ns| ns.0.path())))
}

/// The namespace's inode number: the N of the net:[N] that readlink(1) shows for /proc/PID/ns/net.
/// When the namespace is gone, another may get it; netns_cookie() is never given twice.
///
/// Returns 0 if ns is NULL. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_inode(ns: Option<&Netns>) -> u64 {
    boundary::plain(0, || ns.map_or(0, |ns| ns.0.inode()))
}

/// The device number that goes with the inode number, in the form of stat(2)'s st_dev.
///
/// Returns 0 if ns is NULL. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_device(ns: Option<&Netns>) -> u64 {
    boundary::plain(0, || ns.map_or(0, |ns| ns.0.device()))
}

/// The namespace's cookie, a number that the kernel gives to no other until the next boot. A
/// socket's SO_NETNS_COOKIE is the same.
///
/// cookie  receives it.
///
/// Returns 0, or
///   -EINVAL     a pointer is NULL
///   -EOPNOTSUPP the kernel has no cookies: it is older than Linux 5.14
/// and before Linux 6.18, where a socket in the namespace must be asked,
///   -EPERM      CAP_SYS_ADMIN to enter the namespace is missing
///   -EMFILE, -ENFILE, -ENOBUFS, -ENOMEM  no descriptor or memory to be had
///   -EAGAIN, -ENOTRECOVERABLE  as netns_socket() says
///
/// Since 1.0.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn netns_cookie(
    ns: Option<&Netns>,
    cookie: Option<&mut MaybeUninit<u64>>,
) -> c_int {
    boundary::call(convert::about_handle("get the cookie of", ns), || {
        let ns = convert::handle(ns)?;
        convert::out(cookie)?.write(ns.0.cookie()?);
        Ok(())
    })
}

/// Whether two handles are of the same namespace.
///
/// Returns 1 or 0; 0 also if one of them is NULL. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_equal(a: Option<&Netns>, b: Option<&Netns>) -> c_int {
    boundary::plain(0, || match (a, b) {
        (Some(a), Some(b)) => (a.0 == b.0).into(),
        _ => 0,
    })
}

/// Whether the calling thread is in the namespace.
///
/// Returns 1 or 0, or
///   -EINVAL     ns is NULL
///   -ENOENT     before Linux 6.11: /proc is not mounted, and CAP_NET_ADMIN to do without is missing
///   -EMFILE, -ENFILE, -ENOMEM  /proc is not mounted, and no descriptor or memory is to be had
///
/// Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_is_current(ns: Option<&Netns>) -> c_int {
    boundary::call(convert::about_handle("compare with the calling thread's namespace", ns), || {
        convert::handle(ns)?.0.is_current()
    })
}
