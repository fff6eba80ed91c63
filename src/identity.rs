//! Identity: the attributes of a handle's network namespace.

use std::ffi::{c_char, c_int};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd};
use std::ptr;

use crate::boundary;
use crate::convert;
use crate::types::Netns;

/// Returns the handle's descriptor. It is close-on-exec, and can be passed to setns(2) or used as
/// /proc/self/fd/N. It belongs to the handle: do not close it, and do not use it after
/// netns_close().
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

/// Returns the name that the network namespace was created with or opened by, even if that name has
/// been removed or reused since. The string is valid until the handle is released.
///
/// Returns NULL if there is no name: the network namespace is anonymous, or was opened by a path
/// that is not that of a name (see netns_open()), by process, by descriptor or as the calling
/// thread's own; or if ns is NULL. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_name(ns: Option<&Netns>) -> *const c_char {
    boundary::plain(ptr::null(), || convert::pointer(ns.and_then(|ns| ns.0.name())))
}

/// Returns the path that the network namespace was opened by, or that of its name. The string is
/// valid until the handle is released.
///
/// Returns NULL if there is no path: the network namespace is anonymous, or was opened by process,
/// by descriptor or as the calling thread's own; or if ns is NULL. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_path(ns: Option<&Netns>) -> *const c_char {
    boundary::plain(ptr::null(), || convert::pointer(ns.and_then(|ns| ns.0.path())))
}

/// Returns the inode number of the network namespace: the N of net:[N], as readlink(1) shows it for
/// /proc/PID/ns/net. Once the network namespace is gone, another one may get the number; a cookie,
/// see netns_cookie(), is not reused.
///
/// Returns 0 if ns is NULL. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_inode(ns: Option<&Netns>) -> u64 {
    boundary::plain(0, || ns.map_or(0, |ns| ns.0.inode()))
}

/// Returns the device number that goes with the inode number, in the format of st_dev in stat(2).
///
/// Returns 0 if ns is NULL. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_device(ns: Option<&Netns>) -> u64 {
    boundary::plain(0, || ns.map_or(0, |ns| ns.0.device()))
}

/// Gets the cookie of a network namespace, a number that the kernel assigns to no other one until
/// the next boot. It is the value of the socket option SO_NETNS_COOKIE.
///
/// cookie  receives the cookie.
///
/// Capabilities: none on Linux 6.18 and later. Before that, the call opens a socket in the network
/// namespace, which requires what netns_socket() requires: CAP_SYS_ADMIN in the caller's own user
/// namespace and in the one that owns the network namespace.
///
/// Returns 0, or
///   -EINVAL     a pointer is NULL
///   -EOPNOTSUPP the kernel has no cookies: it is older than Linux 5.14
/// and before Linux 6.18
///   -EPERM      CAP_SYS_ADMIN to enter the network namespace is missing
///   -EMFILE, -ENFILE, -ENOBUFS, -ENOMEM  out of file descriptors or memory
///   -EAGAIN, -ENOTRECOVERABLE  as for netns_socket()
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

/// Compares two handles.
///
/// Returns 1 if they refer to the same network namespace, and 0 if not, or if one of them is NULL.
/// Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_equal(a: Option<&Netns>, b: Option<&Netns>) -> c_int {
    boundary::plain(0, || match (a, b) {
        (Some(a), Some(b)) => (a.0 == b.0).into(),
        _ => 0,
    })
}

/// Tests whether the calling thread is in the network namespace.
///
/// Capabilities: as for netns_open_current(): none if /proc is mounted, or on Linux 6.11 and later;
/// otherwise CAP_NET_ADMIN in the user namespace that owns the calling thread's network namespace.
///
/// Returns 1 if it is, 0 if not, or
///   -EINVAL     ns is NULL
///   -ENOENT     before Linux 6.11: /proc is not mounted, and CAP_NET_ADMIN is missing
///   -EMFILE, -ENFILE, -ENOMEM  /proc is not mounted, and out of file descriptors or memory
///
/// Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_is_current(ns: Option<&Netns>) -> c_int {
    boundary::call(convert::about_handle("compare with the calling thread's namespace", ns), || {
        convert::handle(ns)?.0.is_current()
    })
}
