//! The calling thread: switches it to a network namespace and back.

use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::os::fd::RawFd;
use std::ptr;

use bitflags::bitflags;
use nix::errno::Errno;

use libnetns::error::Result;
use libnetns::explain::{Detail, Object};
use libnetns::namespace::visit::{self, KeptHome, Visit};
use libnetns::program::mount_namespace::Wishes;
use libnetns::program::relocate::relocate;

use crate::boundary::{self, FromErrno};
use crate::convert;
use crate::types::Netns;

/// Moves the calling thread to the network namespace, one way. Sockets that it opens and threads
/// that it starts from then on are in ns; the process's other threads, and sockets that are open
/// already, stay where they are.
///
/// Capabilities: CAP_SYS_ADMIN in the caller's own user namespace and in the user namespace that
/// owns ns.
///
/// Returns 0, or
///   -EINVAL     ns is NULL
///   -EPERM      CAP_SYS_ADMIN is missing, in one of the two user namespaces
///   -ENOMEM     out of memory
/// On failure, the calling thread is where it was. Allocates no memory.
///
/// Since 1.0.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn netns_setns(ns: Option<&Netns>) -> c_int {
    boundary::call(convert::about_handle("switch to", ns), || {
        visit::set(convert::handle(ns)?.0.proved())
    })
}

/// For netns_setns_mounts(): leave /sys alone; it still shows the interfaces that it showed before.
pub const NETNS_SETNS_KEEP_SYS: u32 = 1;
/// For netns_setns_mounts(): leave /etc alone; the files of /etc/netns/NAME are not used.
pub const NETNS_SETNS_KEEP_ETC: u32 = 2;

bitflags! {
    #[derive(Clone, Copy)]
    struct SetnsFlags: u32 {
        const KEEP_SYS = NETNS_SETNS_KEEP_SYS;
        const KEEP_ETC = NETNS_SETNS_KEEP_ETC;
    }
}

/// Moves the calling thread to the network namespace, one way, and to a mount namespace of its own,
/// in which /sys shows the network namespace's interfaces and the files of /etc/netns/NAME cover
/// those in /etc, as netns_exec() arranges it for a program. For a daemon that works in ns from
/// then on. The thread's root and working directory are the same directories in the new mount
/// namespace, and are no longer shared: another thread's chdir(2) does not affect them. The
/// process's other threads stay where they are; threads that the calling thread starts from then on
/// are where it is.
///
/// flags  0, or a bitwise OR of NETNS_SETNS_KEEP_SYS and NETNS_SETNS_KEEP_ETC. With both, the call
///        is netns_setns(), and the mount namespace stays the same.
///
/// A helper thread prepares the mount namespace, and the calling thread joins it when it is
/// complete.
///
/// Capabilities: CAP_SYS_ADMIN in the caller's own user namespace and in the user namespace that
/// owns ns, and CAP_SYS_CHROOT in the caller's own user namespace. With both flags, what
/// netns_setns() requires.
///
/// Returns 0, or
///   -EINVAL     ns is NULL, or a flag is unknown; also: the root directory is not a mount point,
///               as may be the case after chroot(2)
///   -ENOENT     /proc is not mounted
///   -EACCES     no permission to read /etc/netns/NAME, or to search the working directory
///   -EPERM      a capability is missing (see Capabilities), or the user namespace may not mount a
///               sysfs
///   -EAGAIN     cannot start a helper thread (see netns_create())
///   -ENOSPC     the limit on mount namespaces or on mounts is reached
///   -EMFILE, -ENFILE, -ENOMEM  out of file descriptors or memory
///   -ENOTRECOVERABLE  the calling thread joined the mount namespace in part only, and cannot
///               switch back
/// and, for a file of /etc/netns/NAME, another errno of mount(2). After any failure other than
/// -ENOTRECOVERABLE the calling thread is in the namespaces that it was in. Its root and working
/// directory may be its own by then, no longer shared with other threads.
///
/// Since 1.0.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn netns_setns_mounts(ns: Option<&Netns>, flags: u32) -> c_int {
    let detail = Detail::default();
    let object = Object::HandleAt(convert::shown(ns), &detail);
    boundary::call(convert::about("switch to", object), || {
        let ns = convert::handle(ns)?;
        let flags = convert::flags::<SetnsFlags>(flags)?;
        let wishes = Wishes {
            keep_sys: flags.contains(SetnsFlags::KEEP_SYS),
            keep_etc: flags.contains(SetnsFlags::KEEP_ETC),
            ..Wishes::default()
        };
        relocate(&ns.0, wishes, &detail)
    })
}

/// Moves the calling thread to the network namespace until netns_leave(). Sockets that it opens and
/// threads that it starts in between stay in ns. Calls nest: leave in reverse order.
///
/// In between, nothing is blocked: a signal handler may run in ns, and setuid(2), setresuid(2) and
/// similar calls in another thread take CAP_SYS_ADMIN from this one, too, which then cannot switch
/// back. Calls that switch internally, such as netns_socket(), hold off both.
///
/// Capabilities: CAP_SYS_ADMIN in the caller's own user namespace, in the user namespace that owns
/// ns and, to switch back, in the one that owns the calling thread's current network namespace.
/// Before Linux 6.11, if /proc is not mounted, also CAP_NET_ADMIN in the latter.
///
/// Returns a token for netns_leave(): a close-on-exec descriptor of the network namespace that the
/// calling thread was in, open with O_APPEND and O_NONBLOCK, by which netns_leave() recognizes it.
/// Or
///   -EINVAL     ns is NULL
///   -EPERM      a capability is missing (see Capabilities), to enter or to switch back.
///               netns_setns() in a thread that ends in ns requires less
///   -EMFILE, -ENFILE, -ENOMEM  out of file descriptors or memory
/// On failure, the calling thread is where it was. Allocates no memory.
///
/// Since 1.0.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn netns_enter(ns: Option<&Netns>) -> c_int {
    boundary::call(convert::about_handle("enter", ns), || {
        Ok(Visit::begin(convert::handle(ns)?.0.proved())?.into_token())
    })
}

/// Moves the calling thread back to where it was when netns_enter() returned token, and closes the
/// token. A token belongs to the thread that received it, and to a child of fork(2): in another
/// thread, it would move that thread to the first one's network namespace. A descriptor that is not
/// a token, because its number has been reused since the token was closed, is rejected and stays
/// open.
///
/// Capabilities: CAP_SYS_ADMIN in the caller's own user namespace and in the one that owns the
/// network namespace to return to, as netns_enter() has verified.
///
/// Returns 0, or
///   -EBADF      token is not open; the calling thread is where it was
///   -EINVAL     token was not returned by netns_enter(); the calling thread is where it was
///   -ENOTRECOVERABLE  cannot switch the calling thread back, because it has lost CAP_SYS_ADMIN
///               since: it is left in the network namespace that it entered, and the token is still
///               open
/// Allocates no memory.
///
/// Since 1.0.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn netns_leave(token: c_int) -> c_int {
    boundary::call(convert::about("leave", Object::Descriptor(token)), || {
        // SAFETY: it is a token from netns_enter(), or a descriptor that the caller owns.
        unsafe { visit::leave(token) }
    })
}

/// Calls func(arg) with the calling thread in the network namespace, and switches it back.
///
/// ns      NULL means the calling thread's: func is called and nothing else, and if func switches,
///         the thread stays there. func may release the handle.
/// func    runs in the calling thread with its signal mask, so signal handlers may run in ns, too.
///         Threads that it starts stay in ns. pthread_cancel(3) takes effect after netns_run() has
///         returned. pthread_exit(3) switches the thread back first; longjmp(3) and C++ exceptions
///         out of func do not, and are not allowed. errno is as func left it. The thread switches
///         back by one of the process's descriptors: func must not close descriptors that it does
///         not know.
/// arg     is passed to func.
/// result  receives what func returned. May be NULL.
///
/// Capabilities: as for netns_enter(): CAP_SYS_ADMIN in the caller's own user namespace, in the
/// user namespace that owns ns, and in the one that owns the calling thread's current network
/// namespace. Before Linux 6.11, if /proc is not mounted, also CAP_NET_ADMIN in the latter. None if
/// ns is NULL.
///
/// Returns 0, whatever func returned, or
///   -EINVAL     func is NULL
///   -EPERM      a capability is missing (see Capabilities), to enter or to switch back; func was
///               not called
///   -EMFILE, -ENFILE, -ENOMEM  out of file descriptors or memory; func was not called
///   -ENOTRECOVERABLE  func was called, but the calling thread cannot be switched back: it is left
///               where func ended. func has dropped a capability or closed the descriptor to switch
///               back by, or another thread has called setuid(2)
///
/// Since 1.0.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C-unwind" fn netns_run(
    ns: *const Netns,
    func: Option<unsafe extern "C-unwind" fn(arg: *mut c_void) -> c_int>,
    arg: *mut c_void,
    result: *mut c_int,
) -> c_int {
    let cancelability = boundary::set_cancelability(boundary::CANCEL_DISABLE);
    // SAFETY: the caller passes NULL or a handle. func may close it: it is not used after this call.
    let (func, home) = match unsafe { begin_run(ns, func) } {
        Ok(begun) => begun,
        Err(errno) => {
            boundary::set_cancelability(cancelability);
            return c_int::from_errno(errno);
        }
    };
    // SAFETY: func may be called with arg, and home is what begin_run() returned.
    let value = unsafe { call_away(func, arg, home, end_run_by_exit) };
    // SAFETY: it is the token that begin_run() returned.
    let ended = unsafe { end_run(home, visit::end_visit) };
    boundary::set_cancelability(cancelability);
    // SAFETY: the caller passes NULL or a pointer to an int.
    unsafe { hand_over(ended, value, result) }
}

/// netns_run() for a thread whose own network namespace the caller keeps open: calls setns(2), func
/// and setns(2) only. It needs no /proc, opens no descriptor and allocates no memory. For daemons
/// that switch often.
///
/// home                   the network namespace that the calling thread is in, from
///                        netns_open_current(). The thread is in home afterwards; whether it was
///                        there before is not checked. func closes neither home nor its descriptor.
///                        May be NULL if ns is NULL.
/// ns, func, arg, result  as for netns_run().
///
/// The first call with a handle as home also verifies that a thread can switch to it. That holds
/// for all threads of the process. A process that has changed its user namespace since has to open
/// home again.
///
/// Capabilities: CAP_SYS_ADMIN in the caller's own user namespace, in the user namespace that owns
/// ns, and in the one that owns home. None if ns is NULL.
///
/// Returns 0, whatever func returned, or
///   -EINVAL     func is NULL, or home is NULL and ns is not
///   -EPERM      CAP_SYS_ADMIN is missing, in one of the three user namespaces; func was not called
///   -ENOMEM     out of memory; func was not called
///   -ENOTRECOVERABLE  func was called, but the calling thread cannot be switched back: it is left
///               where func ended. func has dropped a capability, another thread has called
///               setuid(2), or home was closed
/// After any other failure, the calling thread is where it was, provided that this was home.
///
/// Since 1.0.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C-unwind" fn netns_run_from(
    home: Option<&Netns>,
    ns: *const Netns,
    func: Option<unsafe extern "C-unwind" fn(arg: *mut c_void) -> c_int>,
    arg: *mut c_void,
    result: *mut c_int,
) -> c_int {
    let cancelability = boundary::set_cancelability(boundary::CANCEL_DISABLE);
    // SAFETY: the caller passes NULL or a handle. func may close it: it is not used after this call.
    let (func, home) = match unsafe { begin_run_from(home, ns, func) } {
        Ok(begun) => begun,
        Err(errno) => {
            boundary::set_cancelability(cancelability);
            return c_int::from_errno(errno);
        }
    };
    // SAFETY: func may be called with arg, and home is what begin_run_from() returned.
    let value = unsafe { call_away(func, arg, home, end_run_from_by_exit) };
    // SAFETY: it is the descriptor of the caller's home, which stays open.
    let ended = unsafe { end_run(home, visit::end_visit_from) };
    boundary::set_cancelability(cancelability);
    // SAFETY: the caller passes NULL or a pointer to an int.
    unsafe { hand_over(ended, value, result) }
}

/// Calls func. If func calls pthread_exit(3), `end` is called with `home`.
///
/// pthread_exit(3) in func unwinds this frame and its caller's with a copy of the unwinder other than the one
/// in the shared library, so neither frame may need unwinding: no drop, no boundary. The cleanup handler, which
/// the pthreads library runs, switches the thread back.
///
/// # Safety
///
/// `func` may be called with `arg`, and `end` with `home`.
unsafe fn call_away(
    func: Callback,
    arg: *mut c_void,
    home: RawFd,
    end: unsafe extern "C" fn(home: *mut c_void),
) -> c_int {
    let mut cleanup = MaybeUninit::<boundary::CleanupBuffer>::uninit();
    // SAFETY: the buffer does not move until it is popped, and the frame is left only by the return
    // below or by the unwinding that runs the cleanup handler.
    unsafe {
        let home = ptr::without_provenance_mut(home as usize);
        boundary::_pthread_cleanup_push(cleanup.as_mut_ptr(), end, home);
        let value = func(arg);
        boundary::_pthread_cleanup_pop(cleanup.as_mut_ptr(), 0);
        value
    }
}

/// Stores what func returned in `result`.
///
/// # Safety
///
/// `result` is NULL or points to an int.
unsafe fn hand_over(
    ended: std::result::Result<(), Errno>,
    value: c_int,
    result: *mut c_int,
) -> c_int {
    match ended {
        Ok(()) if result.is_null() => 0,
        Ok(()) => {
            // SAFETY: the caller guarantees it.
            unsafe { result.write(value) };
            0
        }
        Err(errno) => c_int::from_errno(errno),
    }
}

/// A failure cannot be reported: the thread is ending.
unsafe extern "C" fn end_run_by_exit(home: *mut c_void) {
    boundary::plain((), || {
        // SAFETY: netns_run() has pushed the token that begin_run() returned.
        let _ = unsafe { end_visit(home.addr() as RawFd, visit::end_visit) };
    });
}

/// As [`end_run_by_exit`], for netns_run_from().
unsafe extern "C" fn end_run_from_by_exit(home: *mut c_void) {
    boundary::plain((), || {
        // SAFETY: netns_run_from() has pushed the descriptor that begin_run_from() returned.
        let _ = unsafe { end_visit(home.addr() as RawFd, visit::end_visit_from) };
    });
}

type Callback = unsafe extern "C-unwind" fn(arg: *mut c_void) -> c_int;

const NO_FUNCTION: &str = "no function given";

/// Stands for the token if the thread is not switched.
const HERE: RawFd = -1;

/// # Safety
///
/// `ns` is NULL, or a handle that is not closed before this returns.
#[inline(never)]
unsafe fn begin_run(
    ns: *const Netns,
    func: Option<Callback>,
) -> std::result::Result<(Callback, RawFd), Errno> {
    // SAFETY: the caller guarantees it.
    let ns = unsafe { ns.as_ref() };
    boundary::attempt(convert::about_namespace("run in", ns), || {
        let func = convert::required(func, NO_FUNCTION)?;
        match convert::namespace(ns) {
            Some(ns) => Ok((func, Visit::begin(ns.proved())?.into_token())),
            None => Ok((func, HERE)),
        }
    })
}

/// Switches a thread back after begin_run() or begin_run_from().
type EndVisit = unsafe fn(home: RawFd) -> Result<()>;

/// Switches the thread back. Takes no handle, because func may have closed it.
///
/// # Safety
///
/// Either `home` is what begin_run() returned, not used before, and `end` is visit::end_visit(); or `home` is
/// what begin_run_from() returned, its handle is still open, and `end` is visit::end_visit_from().
#[inline(never)]
unsafe fn end_run(home: RawFd, end: EndVisit) -> std::result::Result<(), Errno> {
    boundary::attempt(convert::about("run", Object::Nothing), || {
        // SAFETY: the caller guarantees it.
        unsafe { end_visit(home, end) }
    })
}

/// # Safety
///
/// As for end_run().
unsafe fn end_visit(home: RawFd, end: EndVisit) -> Result<()> {
    if home == HERE {
        return Ok(());
    }
    // SAFETY: the caller guarantees it.
    unsafe { end(home) }
}

/// Returns the descriptor number of `home`, or [`HERE`] if the thread is not switched.
///
/// # Safety
///
/// As for begin_run().
#[inline(never)]
unsafe fn begin_run_from(
    home: Option<&Netns>,
    ns: *const Netns,
    func: Option<Callback>,
) -> std::result::Result<(Callback, RawFd), Errno> {
    // SAFETY: the caller guarantees it.
    let ns = unsafe { ns.as_ref() };
    boundary::attempt(convert::about_namespace("run in", ns), || {
        let func = convert::required(func, NO_FUNCTION)?;
        let Some(ns) = convert::namespace(ns) else { return Ok((func, HERE)) };
        let home = kept_home(home)?;
        home.leave_for(ns.proved())?;
        Ok((func, home.number()))
    })
}

fn kept_home(home: Option<&Netns>) -> Result<KeptHome<'_>> {
    Ok(convert::required(home, "no namespace given to switch back to")?.0.as_home())
}

/// Opens a socket in the network namespace, as socket(2) does, with close-on-exec set. The socket
/// stays in ns, whichever thread uses it; the calling thread stays where it is.
///
/// ns                      the network namespace to open the socket in; NULL means the calling
///                         thread's.
/// domain, type, protocol  as for socket(2); type may include SOCK_NONBLOCK.
///
/// Capabilities: CAP_SYS_ADMIN in the caller's own user namespace and in the user namespace that
/// owns ns; none if ns is NULL. For a raw or packet socket also CAP_NET_RAW in the user namespace
/// that owns the network namespace, see raw(7) and packet(7).
///
/// Returns the socket, which the caller has to close(2), or
///   -EINVAL     as for socket(2)
///   -EPERM, -EACCES  a capability is missing (see Capabilities), or this type of socket is not
///               permitted
///   -EAFNOSUPPORT, -EPROTONOSUPPORT, -ESOCKTNOSUPPORT  as for socket(2)
///   -EAGAIN     cannot start a helper thread, where one is needed (see netns_create())
///   -EMFILE, -ENFILE, -ENOBUFS, -ENOMEM  out of file descriptors or memory
///   -ENOTRECOVERABLE  cannot switch the calling thread back: it is left in ns
/// Allocates no memory, unless it needs the helper thread.
///
/// Since 1.0.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn netns_socket(
    ns: Option<&Netns>,
    domain: c_int,
    r#type: c_int,
    protocol: c_int,
) -> c_int {
    boundary::call(convert::about_namespace("open a socket in", ns), || {
        match convert::namespace(ns) {
            Some(ns) => visit::socket(ns.proved(), domain, r#type, protocol),
            None => visit::socket_here(domain, r#type, protocol),
        }
    })
}

/// netns_socket() for a thread whose own network namespace the caller keeps open: calls setns(2),
/// socket(2) and setns(2) only, with all signals blocked. It needs no /proc, opens no other
/// descriptor and allocates no memory. For daemons that open a socket per connection, and for those
/// in a chroot(2).
///
/// home                        the network namespace that the calling thread is in, from
///                             netns_open_current(). The thread is in home afterwards; whether it
///                             was there before is not checked. May be NULL if ns is NULL.
/// ns, domain, type, protocol  as for netns_socket().
///
/// The first call with a handle as home also verifies that a thread can switch to it. That holds
/// for all threads of the process. A process that has changed its user namespace since has to open
/// home again.
///
/// Capabilities: CAP_SYS_ADMIN in the caller's own user namespace, in the user namespace that owns
/// ns, and in the one that owns home; none if ns is NULL. For a raw or packet socket also
/// CAP_NET_RAW in the user namespace that owns the network namespace.
///
/// Returns the socket, which the caller has to close(2), or
///   -EINVAL     as for socket(2); or home is NULL and ns is not
///   -EPERM, -EACCES  a capability is missing (see Capabilities), or this type of socket is not
///               permitted
///   -EAFNOSUPPORT, -EPROTONOSUPPORT, -ESOCKTNOSUPPORT  as for socket(2)
///   -EMFILE, -ENFILE, -ENOBUFS, -ENOMEM  out of file descriptors or memory
///   -ENOTRECOVERABLE  cannot switch the calling thread back: it is left in ns. home may have been
///               closed
/// After any other failure, the calling thread is where it was, provided that this was home.
///
/// Since 1.0.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn netns_socket_from(
    home: Option<&Netns>,
    ns: Option<&Netns>,
    domain: c_int,
    r#type: c_int,
    protocol: c_int,
) -> c_int {
    boundary::call(convert::about_namespace("open a socket in", ns), || {
        match convert::namespace(ns) {
            Some(ns) => visit::socket_from(kept_home(home)?, ns.proved(), domain, r#type, protocol),
            None => visit::socket_here(domain, r#type, protocol),
        }
    })
}
