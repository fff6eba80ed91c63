//! The calling thread: switched to a namespace and back.

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

/// Moves the calling thread into the namespace, one way. Sockets that it opens and threads that it
/// starts from here on are in there; its other threads and its open sockets stay where they are.
///
/// Returns 0, or
///   -EINVAL     ns is NULL
///   -EPERM      CAP_SYS_ADMIN is missing, in the thread's own user namespace or in the one that
///               owns ns
///   -ENOMEM     no memory to be had
/// On failure the thread is where it was. Allocates nothing.
///
/// Since 1.0.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn netns_setns(ns: Option<&Netns>) -> c_int {
    boundary::call(convert::about_handle("switch to", ns), || {
        visit::set(convert::handle(ns)?.0.proved())
    })
}

/// For netns_setns_mounts(): /sys is left alone, and goes on showing the devices that it shows.
pub const NETNS_SETNS_KEEP_SYS: u32 = 1;
/// For netns_setns_mounts(): the files of /etc/netns/NAME are left alone.
pub const NETNS_SETNS_KEEP_ETC: u32 = 2;

bitflags! {
    #[derive(Clone, Copy)]
    struct SetnsFlags: u32 {
        const KEEP_SYS = NETNS_SETNS_KEEP_SYS;
        const KEEP_ETC = NETNS_SETNS_KEEP_ETC;
    }
}

/// Moves the calling thread into the namespace, one way, with a mount namespace of its own in which /sys
/// shows the namespace's devices and the files of /etc/netns/NAME cover those of /etc, as netns_exec() says.
/// For a daemon that works in there from then on. The thread's root and working directory are the same ones,
/// in the new mount namespace, and its own: another thread's chdir(2) does not move it. Its other threads
/// stay where they are; threads that it starts from here on are in there.
///
/// flags  NETNS_SETNS_KEEP_SYS, NETNS_SETNS_KEEP_ETC, or'ed together. With both of them it is netns_setns(),
///        and the mount namespace is the same.
///
/// A helper thread makes the mount namespace, and the calling thread joins it when it is whole.
///
/// Returns 0, or
///   -EINVAL     ns is NULL, or a flag is unknown; also: the root directory is not a mount point, as it may
///               be after chroot(2)
///   -ENOENT     /proc is not mounted
///   -EACCES     no permission to read /etc/netns/NAME, or to search the working directory
///   -EPERM      CAP_SYS_ADMIN is missing, as for netns_setns() or over the mounts, or CAP_SYS_CHROOT; or a
///               user namespace may not mount a sysfs
///   -EAGAIN     no helper thread could be started
///   -ENOSPC     the limit on mount namespaces or on mounts is reached
///   -EMFILE, -ENFILE, -ENOMEM  no descriptor or memory to be had
///   -ENOTRECOVERABLE  the thread could join the mount namespace in part only, and not go back
/// and, for a file of /etc/netns/NAME, what else mount(2) says. After any other failure than
/// -ENOTRECOVERABLE the thread is in the namespaces that it was in. Its root and working directory may be its
/// own, and no longer shared with other threads.
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

/// Moves the calling thread into the namespace until netns_leave(). Threads that it starts in there
/// stay in there. Stays nest: leave them in the reverse order.
///
/// In between, nothing is blocked: a signal handler may run in there, and setuid(2), setresuid(2) and
/// their like in another thread take CAP_SYS_ADMIN from this one too, which then cannot go back. The
/// calls that visit a namespace by themselves, such as netns_socket(), hold both off.
///
/// Returns a token to go back with: a close-on-exec descriptor of the namespace that the thread comes
/// from, open with O_APPEND and O_NONBLOCK, by which netns_leave() knows it. Or
///   -EINVAL     ns is NULL
///   -EPERM      the thread could not come back, or CAP_SYS_ADMIN to go is missing. netns_setns(),
///               in a thread of your own that ends in there, asks for less
///   -EMFILE, -ENFILE, -ENOMEM  no descriptor or memory to be had
/// On failure the thread is where it was. Allocates nothing.
///
/// Since 1.0.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn netns_enter(ns: Option<&Netns>) -> c_int {
    boundary::call(convert::about_handle("enter", ns), || {
        Ok(Visit::begin(convert::handle(ns)?.0.proved())?.into_token())
    })
}

/// Takes the calling thread back to where it was when netns_enter() returned token, and closes the
/// token. A token belongs to the thread that got it, and to the child of a fork(2) in between: on
/// another thread it would take that one to the first one's home. Another descriptor, which has got
/// the number since the token was closed, is refused and stays open.
///
/// Returns 0, or
///   -EBADF      token is not open; the thread is where it was
///   -EINVAL     token is not one that netns_enter() returned; the thread is where it was
///   -ENOTRECOVERABLE  the kernel refused, because the thread has lost CAP_SYS_ADMIN meanwhile; it has
///               not gone back, and the token is still open
/// Allocates nothing.
///
/// Since 1.0.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn netns_leave(token: c_int) -> c_int {
    boundary::call(convert::about("leave", Object::Descriptor(token)), || {
        // SAFETY: it is what netns_enter() gave to the caller, or a descriptor of the caller's own.
        unsafe { visit::leave(token) }
    })
}

/// Calls func(arg) with the calling thread in the namespace, and takes it back.
///
/// ns      NULL is the namespace that the thread is in: nothing but func is called, and where func
///         goes the thread stays. func may close the handle.
/// func    runs on the calling thread with its signal mask, so handlers may run in there too.
///         Threads that it starts stay in there. pthread_cancel(3) takes effect when netns_run() has
///         returned. pthread_exit(3) takes the thread back on its way; longjmp(3) and C++ exceptions
///         out of func do not, and are not allowed. errno is as func left it. One of the process's
///         descriptors is the way back meanwhile: func closes none that it does not know.
/// arg     is passed to func.
/// result  receives what func returned; NULL if you do not need it.
///
/// Returns 0, whatever func returned, or
///   -EINVAL     func is NULL
///   -EPERM      the thread could not come back, or CAP_SYS_ADMIN to go is missing; func was not
///               called
///   -EMFILE, -ENFILE, -ENOMEM  no descriptor or memory to be had; func was not called
///   -ENOTRECOVERABLE  func was called, and the thread could not go back: did func drop a capability,
///               did another thread call setuid(2) meanwhile, or was the way back closed?
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
    // SAFETY: the caller passes NULL or a handle, which func may close: it is not used after this.
    let (func, home) = match unsafe { begin_run(ns, func) } {
        Ok(begun) => begun,
        Err(errno) => {
            boundary::set_cancelability(cancelability);
            return c_int::from_errno(errno);
        }
    };
    // SAFETY: func takes what the caller passes with it, and home is what begin_run() gave.
    let value = unsafe { call_away(func, arg, home, end_run_by_exit) };
    // SAFETY: it is the token that the visit began with.
    let ended = unsafe { end_run(home, visit::end_visit) };
    boundary::set_cancelability(cancelability);
    // SAFETY: the caller passes NULL or room for an int.
    unsafe { hand_over(ended, value, result) }
}

/// The same for a thread whose own namespace the caller keeps open: nothing but setns(2), func and
/// setns(2). It needs no /proc, opens no descriptor and allocates nothing. For daemons that switch often.
///
/// home    is the namespace that the thread is in, from netns_open_current(). The thread is in home
///         afterwards: whether it was there before is not checked. func closes neither home nor its
///         descriptor. NULL is allowed where ns is NULL too.
/// ns, func, arg, result  as for netns_run().
///
/// The first call with a handle as home also verifies that a thread can switch to it. That holds for all
/// threads of the process. One that has changed its user namespace since opens home anew.
///
/// Returns 0, whatever func returned, or
///   -EINVAL     func is NULL, or home is NULL and ns is not
///   -EPERM      CAP_SYS_ADMIN is missing: in the thread's own user namespace, in the one that owns ns, or
///               in the one that owns home; func was not called
///   -ENOMEM     out of memory; func was not called
///   -ENOTRECOVERABLE  func was called, and the thread could not go back: did func drop a capability,
///               did another thread call setuid(2) meanwhile, or was home closed?
/// After any other failure the thread is where it was, provided that this was home.
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
    // SAFETY: the caller passes NULL or a handle, which func may close: it is not used after this.
    let (func, home) = match unsafe { begin_run_from(home, ns, func) } {
        Ok(begun) => begun,
        Err(errno) => {
            boundary::set_cancelability(cancelability);
            return c_int::from_errno(errno);
        }
    };
    // SAFETY: func takes what the caller passes with it, and home is what begin_run_from() gave.
    let value = unsafe { call_away(func, arg, home, end_run_from_by_exit) };
    // SAFETY: it is the number of the caller's home, which stays open.
    let ended = unsafe { end_run(home, visit::end_visit_from) };
    boundary::set_cancelability(cancelability);
    // SAFETY: the caller passes NULL or room for an int.
    unsafe { hand_over(ended, value, result) }
}

/// Calls func; pthread_exit(3) in it calls `end` with `home`.
///
/// pthread_exit in func unwinds through this frame and its caller's, by another copy of the unwinder than
/// the one in the shared library, so nothing in there may need unwinding: no drop, no boundary. The
/// cleanup that pthreads themselves run on the way takes the thread home.
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
    // SAFETY: the buffer stays where it is until it is popped, and the frame is left in no other way
    // than by the return below or by the unwinding that runs the cleanup.
    unsafe {
        let home = ptr::without_provenance_mut(home as usize);
        boundary::_pthread_cleanup_push(cleanup.as_mut_ptr(), end, home);
        let value = func(arg);
        boundary::_pthread_cleanup_pop(cleanup.as_mut_ptr(), 0);
        value
    }
}

/// Gives what func returned to the caller.
///
/// # Safety
///
/// `result` is NULL or has room for an int.
unsafe fn hand_over(
    ended: std::result::Result<(), Errno>,
    value: c_int,
    result: *mut c_int,
) -> c_int {
    match ended {
        Ok(()) if result.is_null() => 0,
        Ok(()) => {
            // SAFETY: the caller says so.
            unsafe { result.write(value) };
            0
        }
        Err(errno) => c_int::from_errno(errno),
    }
}

/// There is nobody left to tell of a failure; the thread is ending.
unsafe extern "C" fn end_run_by_exit(home: *mut c_void) {
    boundary::plain((), || {
        // SAFETY: netns_run() has pushed the token that begin_run() gave it.
        let _ = unsafe { end_visit(home.addr() as RawFd, visit::end_visit) };
    });
}

/// The same for netns_run_from().
unsafe extern "C" fn end_run_from_by_exit(home: *mut c_void) {
    boundary::plain((), || {
        // SAFETY: netns_run_from() has pushed the number that begin_run_from() gave it.
        let _ = unsafe { end_visit(home.addr() as RawFd, visit::end_visit_from) };
    });
}

type Callback = unsafe extern "C-unwind" fn(arg: *mut c_void) -> c_int;

const NO_FUNCTION: &str = "no function given";

/// The token of a thread that has gone nowhere.
const HERE: RawFd = -1;

/// # Safety
///
/// `ns` is NULL, or a handle that nobody closes before this returns.
#[inline(never)]
unsafe fn begin_run(
    ns: *const Netns,
    func: Option<Callback>,
) -> std::result::Result<(Callback, RawFd), Errno> {
    // SAFETY: the caller says so.
    let ns = unsafe { ns.as_ref() };
    boundary::attempt(convert::about_namespace("run in", ns), || {
        let func = convert::required(func, NO_FUNCTION)?;
        match convert::namespace(ns) {
            Some(ns) => Ok((func, Visit::begin(ns.proved())?.into_token())),
            None => Ok((func, HERE)),
        }
    })
}

/// How a thread comes back from where begin_run() or begin_run_from() has taken it.
type EndVisit = unsafe fn(home: RawFd) -> Result<()>;

/// Without the handle, which func may have closed.
///
/// # Safety
///
/// `home` is what begin_run() gave, and is given back once, and `end` is visit::end_visit(); or it is what
/// begin_run_from() gave, whose handle is still open, and `end` is visit::end_visit_from().
#[inline(never)]
unsafe fn end_run(home: RawFd, end: EndVisit) -> std::result::Result<(), Errno> {
    boundary::attempt(convert::about("run", Object::Nothing), || {
        // SAFETY: the caller says so.
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
    // SAFETY: the caller says so.
    unsafe { end(home) }
}

/// The number of `home`, unless the thread goes nowhere.
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
    // SAFETY: the caller says so.
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
    Ok(convert::required(home, "no namespace given to come back to")?.0.as_home())
}

/// Opens a socket in the namespace, as socket(2) does, close-on-exec. It stays in there wherever the
/// thread is, which stays where it is.
///
/// ns      NULL is the namespace that the thread is in: socket(2), close-on-exec.
/// domain, type, protocol  as in socket(2); type may have SOCK_NONBLOCK added.
///
/// Returns the socket, which is yours to close(2), or
///   -EINVAL     as socket(2) says
///   -EPERM, -EACCES  CAP_SYS_ADMIN to enter, or what this kind of socket needs, is missing
///   -EAFNOSUPPORT, -EPROTONOSUPPORT, -ESOCKTNOSUPPORT  as socket(2) says
///   -EAGAIN     no helper thread could be started, where one is needed (see netns_create())
///   -EMFILE, -ENFILE, -ENOBUFS, -ENOMEM  no descriptor or memory to be had
///   -ENOTRECOVERABLE  the thread could not go back: it is in the namespace
/// Allocates nothing, unless it needs the helper thread.
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

/// The same for a thread whose own namespace the caller keeps open: nothing but setns(2), socket(2) and
/// setns(2), with every signal blocked. It needs no /proc, opens no other descriptor and allocates nothing.
/// For daemons that do this per connection, and for those in a chroot.
///
/// home    is the namespace that the thread is in, from netns_open_current(). The thread is in home
///         afterwards: whether it was there before is not checked. NULL is allowed where ns is NULL too.
/// ns, domain, type, protocol  as for netns_socket().
///
/// The first call with a handle as home also verifies that a thread can switch to it. That holds for all
/// threads of the process. One that has changed its user namespace since opens home anew.
///
/// Returns the socket, which is yours to close(2), or
///   -EINVAL     as socket(2) says; or home is NULL, and ns is not
///   -EPERM, -EACCES  CAP_SYS_ADMIN is missing (in the thread's own user namespace, in the one that owns
///               ns, or in the one that owns home), or what this kind of socket needs
///   -EAFNOSUPPORT, -EPROTONOSUPPORT, -ESOCKTNOSUPPORT  as socket(2) says
///   -EMFILE, -ENFILE, -ENOBUFS, -ENOMEM  no descriptor or memory to be had
///   -ENOTRECOVERABLE  the thread could not go back, and is in ns: was home closed meanwhile?
/// After any other failure the thread is where it was, provided that this was home.
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
