//! Lifecycle: names and handles created, opened and removed.

use std::ffi::{CStr, c_char, c_int};
use std::mem::MaybeUninit;
use std::os::fd::BorrowedFd;

use nix::errno::Errno;

use libnetns::error::{Failure, Result, Step};
use libnetns::explain::Object;
use libnetns::namespace::by_id::{self, Inode};
use libnetns::namespace::handle::Namespace;
use libnetns::rundir::create::{self, CreateFlags};
use libnetns::rundir::open::{open_named, open_path};
use libnetns::rundir::remove::{self, RemoveFlags};

use crate::boundary;
use crate::convert::{self, Slot, text};
use crate::types::Netns;

/// For netns_create(): where the name exists, open it instead of failing.
pub const NETNS_CREATE_EXIST_OK: u32 = 1;
/// For netns_create(): the namespace's loopback device is up when the call returns.
pub const NETNS_CREATE_LO_UP: u32 = 2;
/// For netns_create(): nobody is waited for; the call fails with EAGAIN instead.
pub const NETNS_CREATE_NOWAIT: u32 = 4;
/// For netns_remove(): a name that does not exist is no error.
pub const NETNS_REMOVE_MISSING_OK: u32 = 1;

const _: () = assert!(NETNS_CREATE_EXIST_OK == CreateFlags::EXIST_OK.bits());
const _: () = assert!(NETNS_CREATE_LO_UP == CreateFlags::LO_UP.bits());
const _: () = assert!(NETNS_CREATE_NOWAIT == CreateFlags::NOWAIT.bits());
const _: () = assert!(NETNS_REMOVE_MISSING_OK == RemoveFlags::MISSING_OK.bits());

/// Makes a network namespace and, unless name is NULL, gives it that name in NETNS_RUN_DIR. The name
/// appears when it can be opened, not before. A stale name is taken over.
///
/// name   at most 255 bytes without '/', neither "." nor "..". NULL makes an anonymous namespace,
///        which lives as long as its handle, its sockets and the threads in it.
/// flags  NETNS_CREATE_EXIST_OK: where the name exists, open it. If another program is making it at
///        this moment, wait until it can be opened, at most 10 seconds.
///        NETNS_CREATE_LO_UP: lo is up when the call returns.
///        NETNS_CREATE_NOWAIT: wait for nobody. The call fails with EAGAIN where another process holds
///        the run directory's lock, or is making the name, with and without NETNS_CREATE_EXIST_OK.
/// out    receives a handle, which is yours to netns_close(). NULL if you need none and name is not
///        NULL.
///
/// The calling thread stays in its namespace. Where it could not come back (in a user namespace that
/// does not own its network namespace, say), a helper thread does the work and ends.
///
/// The run directory is made, and made a shared mount point, if it is none. Whoever holds its
/// flock(2) is waited for, one second at most.
///
/// An empty file under the name, on which nothing is mounted in this mount namespace, is a stale name:
/// at once if this library made the file, after 10 seconds if another program did. A killed creator
/// left it, or it is a live name in another mount namespace that has the same directory and no mount
/// propagation to this one, as in a container with the host's /run/netns. The new namespace is bound on
/// the very file, which stays: a name in another mount namespace is not touched. An empty file
/// of another user than root, the caller and the directory's owner, or with several links, is not
/// taken over.
///
/// A symbolic link under the name is never taken over, and what it leads to is never made: the call
/// fails with EEXIST, also if the link is stale. With NETNS_CREATE_EXIST_OK the namespace that it leads to
/// is opened, where netns_open() follows it; a stale link is ENOTTY.
///
/// Returns 0, or
///   -EINVAL     name is no name, a flag is unknown, or both name and out are NULL
///   -ENAMETOOLONG  name has more than 255 bytes, or the run directory's path more than 4095
///   -EEXIST     the name exists, or another program is making it, or its file may not be taken over
///   -ENOTTY     with NETNS_CREATE_EXIST_OK: it exists and is not a network namespace
///   -EPERM      CAP_SYS_ADMIN is missing; for NETNS_CREATE_LO_UP, CAP_NET_ADMIN; or the run directory
///               belongs to another mount namespace, as after chroot(2) into one
///   -EACCES     the run directory belongs to another user
///   -ENOTDIR, -ELOOP, -ENOENT  the run directory is not a directory, or a link that leads nowhere
///   -ENOENT     also, before Linux 5.12: /proc is not mounted
///   -EROFS      the run directory is on a read-only file system
///   -ENOSPC     the limit on namespaces or mounts, or a full file system
///   -EAGAIN     no helper thread could be started, or others make and remove the name, or the run
///               directory, all the time; with NETNS_CREATE_NOWAIT: another process would have to be
///               waited for
///   -EMFILE, -ENFILE, -ENOMEM  no descriptor or memory to be had
///   -ENOTRECOVERABLE  the thread could not go back: it is in the namespace
/// On failure no name, mount or descriptor is left.
///
/// Since 1.0.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn netns_create(
    name: *const c_char,
    flags: u32,
    out: Option<&mut MaybeUninit<*mut Netns>>,
) -> c_int {
    // SAFETY: the caller passes NULL or a string.
    create(None, unsafe { text(name) }, flags, out)
}

/// netns_create() in a run directory of your own.
///
/// rundir  made, with its parents, if it does not exist, and made a mount point if it is none; one
///         that is a mount point already is made a shared one. It should be on a local file system.
///         NULL is NETNS_RUN_DIR. A relative path is taken from the working directory, now and in
///         what netns_path() returns.
///
/// Returns what netns_create() returns; -EINVAL also if rundir is empty. Since 1.0.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn netns_create_at(
    rundir: *const c_char,
    name: *const c_char,
    flags: u32,
    out: Option<&mut MaybeUninit<*mut Netns>>,
) -> c_int {
    // SAFETY: the caller passes NULL or a string, twice.
    let (rundir, name) = unsafe { (text(rundir), text(name)) };
    create(rundir, name, flags, out)
}

fn create(
    rundir: Option<&CStr>,
    name: Option<&CStr>,
    flags: u32,
    out: Option<&mut MaybeUninit<*mut Netns>>,
) -> c_int {
    let (verb, object) = match name {
        Some(name) => ("create", Object::Name(name)),
        None => ("create an anonymous namespace", Object::Nothing),
    };
    boundary::call(convert::about_in(rundir, verb, object), || {
        let flags = convert::flags::<CreateFlags>(flags)?;
        let rundir = convert::rundir(rundir)?;
        let Some(name) = name else {
            let out = convert::required(out, "neither a name nor a place for the handle given")?;
            let slot = Slot::new()?;
            out.write(slot.give(Netns(create::create_anonymous(flags)?)));
            return Ok(());
        };
        let slot = Slot::new()?;
        let name = convert::name(Some(name))?;
        let ns = create::create(rundir, name, flags)?;
        if let Some(out) = out {
            out.write(slot.give(Netns(ns)));
        }
        Ok(())
    })
}

/// Opens a network namespace by its name in NETNS_RUN_DIR or, if name has a '/' in it, by its path.
///
/// name   a path may be any file that is a network namespace, such as /proc/PID/ns/net; symbolic
///        links on the way are followed. The handle has a
///        name where the path is "/run/netns/" or "/var/run/netns/" and a name, written exactly so.
/// flags  0.
/// out    receives a handle, which is yours to netns_close().
///
/// Needs no privilege: whoever may read the file may hold a handle. Entering takes more.
///
/// A name may be a symbolic link to a network namespace, such as /proc/PID/ns/net. It is followed
/// if the link and the run directory belong to root or the caller, and nobody else may write to the
/// directory. Elsewhere the call fails with ENOTTY. A link that leads to no network namespace is a
/// stale name.
///
/// Returns 0, or
///   -EINVAL     name is no name, flags is not 0, or a pointer is NULL
///   -ENAMETOOLONG  the name has more than 255 bytes, or the path more than 4095
///   -ENOENT     there is no such name or path
///   -ENOTTY     it is not a network namespace: a plain file, a directory, another kind of
///               namespace, a symbolic link that leads to none or is not followed, or a name whose
///               creator is at work or was killed
///   -ENOTDIR, -ELOOP  the path leads through a file, or through too many links
///   -EACCES     the path, or the one that a link leads to, is not yours to open (/proc/PID/ns/net:
///               CAP_SYS_PTRACE)
///   -EMFILE, -ENFILE, -ENOMEM  no descriptor or memory to be had
/// or another errno of open(2) for the path, or for the one that a link leads to.
///
/// Since 1.0.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn netns_open(
    name: *const c_char,
    flags: u32,
    out: Option<&mut MaybeUninit<*mut Netns>>,
) -> c_int {
    // SAFETY: the caller passes NULL or a string.
    let name = unsafe { text(name) };
    match name.filter(|text| text.to_bytes().contains(&b'/')) {
        Some(path) => open(Object::Path(path), None, out, || {
            convert::no_flags(flags)?;
            open_path(path)
        }),
        None => open_name(None, name, flags, out),
    }
}

/// netns_open() by its name in a run directory of your own.
///
/// rundir  NULL is NETNS_RUN_DIR.
/// name    a name; with a '/' in it, it is none.
///
/// Returns what netns_open() returns, or
///   -EINVAL     also: rundir is empty
///   -ENOTDIR, -ELOOP, -ENAMETOOLONG  rundir is not a directory's path
///
/// Since 1.0.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn netns_open_at(
    rundir: *const c_char,
    name: *const c_char,
    flags: u32,
    out: Option<&mut MaybeUninit<*mut Netns>>,
) -> c_int {
    // SAFETY: the caller passes NULL or a string, twice.
    let (rundir, name) = unsafe { (text(rundir), text(name)) };
    open_name(rundir, name, flags, out)
}

/// Opens the network namespace that a process, or a thread, is in.
///
/// pid  as getpid(2) or gettid(2) gives it, greater than 0.
/// out  receives a handle, which is yours to netns_close(). It has no name and no path.
///
/// Returns 0, or
///   -EINVAL     pid is not greater than 0, or out is NULL
///   -ESRCH      there is no such process or thread, or it has ended
///   -EACCES     it is not yours to look at: CAP_SYS_PTRACE is missing
///   -ENOENT     before Linux 6.11: /proc is not mounted, or is another pid namespace's
///   -EMFILE, -ENFILE, -ENOMEM  no descriptor or memory to be had
///
/// Since 1.0.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn netns_open_pid(
    pid: libc::pid_t,
    out: Option<&mut MaybeUninit<*mut Netns>>,
) -> c_int {
    open(Object::Pid(pid.into()), None, out, || Namespace::open_pid(pid))
}

/// Opens the network namespace that a descriptor refers to: a descriptor of the namespace itself, a
/// socket that lives in it, or a pidfd of a process in it.
///
/// fd   stays yours, as it is; the handle has a descriptor of its own.
/// out  receives a handle, which is yours to netns_close(). It has no name and no path.
///
/// Returns 0, or
///   -EBADF      fd is not open, or a socket or pidfd opened with O_PATH
///   -EINVAL     out is NULL
///   -ENOTTY     fd is none of the three
///   -ESRCH      the pidfd's process has ended
///   -ENOENT     /proc is not mounted, and fd is a token of netns_enter(), opened with O_PATH, or,
///               before Linux 6.11, a pidfd
///   -EPERM      a socket: CAP_NET_ADMIN over its namespace is missing
///   -EACCES     a pidfd: CAP_SYS_PTRACE over the process is missing
///   -EMFILE, -ENFILE, -ENOMEM  no descriptor or memory to be had
///
/// Since 1.0.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn netns_open_fd(
    fd: c_int,
    out: Option<&mut MaybeUninit<*mut Netns>>,
) -> c_int {
    open(Object::Descriptor(fd), None, out, || {
        if fd < 0 {
            return Err(Failure::new(Step::Duplicate, Errno::EBADF));
        }
        // SAFETY: it is the caller's, and stays open during the call; if it is not open, the first
        // system call says so.
        Namespace::open_fd(unsafe { BorrowedFd::borrow_raw(fd) })
    })
}

/// Opens the network namespace that the calling thread is in.
///
/// out  receives a handle, which is yours to netns_close(). It has no name and no path.
///
/// Returns 0, or
///   -EINVAL     out is NULL
///   -ENOENT     before Linux 6.11: /proc is not mounted, and CAP_NET_ADMIN to do without is missing
///   -EMFILE, -ENFILE, -ENOMEM  no descriptor or memory to be had
///
/// Since 1.0.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn netns_open_current(out: Option<&mut MaybeUninit<*mut Netns>>) -> c_int {
    open(Object::Nothing, None, out, Namespace::open_current)
}

/// Opens a network namespace by its inode number and its cookie, as netns_list_all() lists them, whether it
/// has a name or not. From Linux 6.18 on, one system call opens it by its cookie, also if nothing keeps it but
/// a socket that is in flight between two processes. Otherwise the threads, open descriptors and mounts that
/// the caller's /proc shows are searched, as netns_list_all() searches them.
///
/// inode   as netns_inode() returns it, not 0.
/// cookie  as netns_cookie() gives it; the namespace that is opened has it. 0: not known, and whichever
///         namespace has the inode number is opened, which may have been given to another one.
/// out     receives a handle. Release it with netns_close(). It has no name and no path.
///
/// Returns 0, or
///   -EINVAL     inode is 0, or out is NULL
///   -ENOENT     no namespace that the caller may look at has this inode number; or /proc is not mounted
///   -ESTALE     a cookie is given, and that namespace is gone; or the caller has no CAP_SYS_ADMIN over it,
///               and may look at nothing that leads to it, which the kernel does not tell apart
///   -EPERM      a cookie is given, and the namespace's cannot be read, see netns_cookie()
///   -EOPNOTSUPP a cookie is given, and the kernel has none: it is older than Linux 5.14
///   -EMFILE, -ENFILE, -ENOMEM  out of file descriptors or memory
///   -ENOBUFS, -EAGAIN, -ENOTRECOVERABLE  before Linux 6.18, with a cookie: as netns_cookie() says
///
/// Since 1.0.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn netns_open_id(
    inode: u64,
    cookie: u64,
    out: Option<&mut MaybeUninit<*mut Netns>>,
) -> c_int {
    open(Object::Handle(&Inode(inode)), None, out, || {
        by_id::open_id(inode, (cookie != 0).then_some(cookie))
    })
}

/// Makes a second handle of the same namespace, with the same name and path and with descriptors of
/// its own. Either may be closed first.
///
/// out  receives a handle, which is yours to netns_close().
///
/// Returns 0, or
///   -EINVAL     a pointer is NULL
///   -EBADF      the program has closed netns_fd(), or the calling thread's descriptor table lacks it
///   -EMFILE, -ENOMEM  no descriptor or memory to be had
///
/// Since 1.0.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn netns_dup(
    ns: Option<&Netns>,
    out: Option<&mut MaybeUninit<*mut Netns>>,
) -> c_int {
    boundary::call(convert::about_handle("duplicate", ns), || {
        let ns = convert::handle(ns)?;
        let out = convert::out(out)?;
        let slot = Slot::new()?;
        out.write(slot.give(Netns(ns.0.try_clone()?)));
        Ok(())
    })
}

fn open_name(
    rundir: Option<&CStr>,
    name: Option<&CStr>,
    flags: u32,
    out: Option<&mut MaybeUninit<*mut Netns>>,
) -> c_int {
    open(name.map_or(Object::Missing, Object::Name), rundir, out, || {
        convert::no_flags(flags)?;
        open_named(convert::rundir(rundir)?, convert::name(name)?)
    })
}

fn open(
    object: Object,
    rundir: Option<&CStr>,
    out: Option<&mut MaybeUninit<*mut Netns>>,
    opened: impl FnOnce() -> Result<Namespace>,
) -> c_int {
    let verb = if matches!(object, Object::Nothing) {
        "open the calling thread's namespace"
    } else {
        "open"
    };
    boundary::call(convert::about_in(rundir, verb, object), || {
        let out = convert::out(out)?;
        let slot = Slot::new()?;
        out.write(slot.give(Netns(opened()?)));
        Ok(())
    })
}

/// Ends a handle and closes its descriptor. The namespace itself lives on as long as it has a name,
/// another handle, a socket or a thread in it. NULL is allowed. errno is left alone. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_close(ns: *mut Netns) {
    // SAFETY: ns is NULL or a handle that this library gave and that the caller uses no more.
    boundary::plain((), || unsafe { convert::take_back(ns) })
}

/// Gives a namespace one more name in NETNS_RUN_DIR, whoever made it and however it was opened.
///
/// The run directory is made and waited for, and a stale name is taken over, as by netns_create().
///
/// ns     is not changed: netns_name() stays what it was.
/// name   as in netns_create().
/// flags  0.
///
/// Returns 0, or
///   -EINVAL     name is no name, flags is not 0, or a pointer is NULL
///   -ENAMETOOLONG  name has more than 255 bytes, or the run directory's path more than 4095
///   -EEXIST     the name exists, or another program is making it, or its file may not be taken over
///   -EPERM      CAP_SYS_ADMIN over the mount namespace is missing, or the run directory belongs to
///               another mount namespace
///   -EACCES     the run directory belongs to another user
///   -ENOTDIR, -ELOOP, -ENOENT  the run directory is not a directory, or a link that leads nowhere
///   -ENOENT     also, before Linux 5.12: /proc is not mounted
///   -EROFS      the run directory is on a read-only file system
///   -ENOSPC     the limit on mounts, or a full file system
///   -EAGAIN     the helper thread that makes the run directory could not be started, or others make
///               and remove the name, or the run directory, all the time
///   -EMFILE, -ENFILE, -ENOMEM  no descriptor or memory to be had
/// On failure no name, mount or descriptor is left.
///
/// Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_attach(
    ns: Option<&Netns>,
    name: *const c_char,
    flags: u32,
) -> c_int {
    // SAFETY: the caller passes NULL or a string.
    attach(None, ns, unsafe { text(name) }, flags)
}

/// netns_attach() in a run directory of your own, made as netns_create_at() makes it. NULL is
/// NETNS_RUN_DIR.
///
/// Returns what netns_attach() returns; -EINVAL also if rundir is empty. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_attach_at(
    rundir: *const c_char,
    ns: Option<&Netns>,
    name: *const c_char,
    flags: u32,
) -> c_int {
    // SAFETY: the caller passes NULL or a string, twice.
    let (rundir, name) = unsafe { (text(rundir), text(name)) };
    attach(rundir, ns, name, flags)
}

fn attach(rundir: Option<&CStr>, ns: Option<&Netns>, name: Option<&CStr>, flags: u32) -> c_int {
    boundary::call(convert::about_name("attach", rundir, name), || {
        convert::no_flags(flags)?;
        let ns = convert::handle(ns)?;
        create::attach(convert::rundir(rundir)?, &ns.0, convert::name(name)?)
    })
}

/// Takes a name away from NETNS_RUN_DIR: every mount on it, however many lie on top of each other,
/// and its file; or the empty file of a stale name, or of a creator that is still at work. The namespace
/// lives on as long as it has another name, a handle, a socket or a thread in it. The run directory's
/// lock is waited for as by netns_create().
///
/// The file is the name in every mount namespace that has the directory: with it the kernel takes the
/// mounts on it off in all of them. So the name is gone there, too, even one that is stale here and live
/// there.
///
/// A name that is a symbolic link loses the link, and nothing else: what it leads to stays as it is. A link
/// that netns_open() does not follow is left alone, and the call fails with ENOTTY.
///
/// flags  NETNS_REMOVE_MISSING_OK: a name that does not exist is no error.
///
/// Returns 0, or
///   -EINVAL     name is no name or NULL, or a flag is unknown
///   -ENAMETOOLONG  name has more than 255 bytes, or the run directory's path more than 4095
///   -ENOENT     there is no such name
///   -ENOTTY     it is not the name of a network namespace, and is left alone; or it is one's on top of
///               something else, which is left alone when the namespace's mounts are off
///   -EPERM      CAP_SYS_ADMIN is missing, or the mount belongs to a more privileged mount namespace, or
///               to another one than the calling thread's
///   -EPERM      also: the file or its directory is immutable, or it is another user's in a sticky
///               one; its mounts are off then
///   -EACCES     the run directory belongs to another user
///   -ENOTDIR, -ELOOP  the run directory is not a directory
///   -EROFS      the run directory is on a read-only file system
///   -EBUSY      a mount on it is hidden by another one, and cannot be reached
///   -EAGAIN, -ENOSPC  the helper thread that uncovers such a mount, or its mount namespace, could not
///               be had
///   -EAGAIN     also: others make and remove the run directory, or mount on the name, all the time
///   -EMFILE, -ENFILE, -ENOMEM  no descriptor or memory to be had
///
/// Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_remove(name: *const c_char, flags: u32) -> c_int {
    // SAFETY: the caller passes NULL or a string.
    remove(None, unsafe { text(name) }, flags)
}

/// netns_remove() in a run directory of your own; the directory stays. NULL is NETNS_RUN_DIR.
///
/// Returns what netns_remove() returns; -EINVAL also if rundir is empty. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_remove_at(
    rundir: *const c_char,
    name: *const c_char,
    flags: u32,
) -> c_int {
    // SAFETY: the caller passes NULL or a string, twice.
    let (rundir, name) = unsafe { (text(rundir), text(name)) };
    remove(rundir, name, flags)
}

fn remove(rundir: Option<&CStr>, name: Option<&CStr>, flags: u32) -> c_int {
    boundary::call(convert::about_name("remove", rundir, name), || {
        let flags = convert::flags::<RemoveFlags>(flags)?;
        remove::remove(convert::rundir(rundir)?, convert::name(name)?, flags)
    })
}
