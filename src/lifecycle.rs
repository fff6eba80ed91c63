//! Lifecycle: creates, opens and removes names and handles.

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

/// For netns_create(): if the name exists, open it instead of failing.
pub const NETNS_CREATE_EXIST_OK: u32 = 1;
/// For netns_create(): the loopback interface is up when the call returns.
pub const NETNS_CREATE_LO_UP: u32 = 2;
/// For netns_create(): do not wait for another process; fail with EAGAIN instead.
pub const NETNS_CREATE_NOWAIT: u32 = 4;
/// For netns_remove(): succeed if the name does not exist.
pub const NETNS_REMOVE_MISSING_OK: u32 = 1;

const _: () = assert!(NETNS_CREATE_EXIST_OK == CreateFlags::EXIST_OK.bits());
const _: () = assert!(NETNS_CREATE_LO_UP == CreateFlags::LO_UP.bits());
const _: () = assert!(NETNS_CREATE_NOWAIT == CreateFlags::NOWAIT.bits());
const _: () = assert!(NETNS_REMOVE_MISSING_OK == RemoveFlags::MISSING_OK.bits());

/// Creates a network namespace and, unless name is NULL, binds it to that name in NETNS_RUN_DIR.
/// The name appears only when it can be opened. A stale name is taken over.
///
/// name   at most 255 bytes, without '/', and neither "." nor "..". NULL creates an anonymous
///        network namespace, which lives as long as its handle, a socket in it or a thread in it.
/// flags  0, or a bitwise OR of:
///        NETNS_CREATE_EXIST_OK: if the name exists, open it. If another process is creating it,
///        wait until it can be opened, at most 10 seconds.
///        NETNS_CREATE_LO_UP: bring up lo.
///        NETNS_CREATE_NOWAIT: do not wait. The call fails with EAGAIN if another process holds the
///        run directory's lock or is creating the name, with and without NETNS_CREATE_EXIST_OK.
/// out    receives a handle; release it with netns_close(). May be NULL if name is not.
///
/// The calling thread's network namespace does not change: the call switches it to the new network
/// namespace and back. If the thread could not switch back (in a user namespace that does not own
/// the thread's network namespace, for example), a helper thread does the work, and has ended when
/// the call returns.
///
/// The run directory is created if it does not exist, and made a shared mount point. If another
/// process holds its flock(2) lock, the call waits for it at most one second, and then continues
/// without it.
///
/// An empty file on which nothing is mounted in this mount namespace counts as a stale name:
/// immediately if this library created the file, after 10 seconds if another program did. Its
/// creator was killed, or the name is live in another mount namespace that has the same directory
/// without mount propagation to this one, as in a container with the host's /run/netns. The new
/// network namespace is bound on that very file, so a name in another mount namespace is not
/// affected. A file that has several links, or that belongs to a user other than root, the caller
/// and the directory's owner, is not taken over.
///
/// A symbolic link is never taken over, and its target is never created: the call fails with
/// EEXIST, even if the link is stale. With NETNS_CREATE_EXIST_OK it opens the network namespace
/// that the link leads to if netns_open() follows the link, and fails with ENOTTY if the link is
/// stale.
///
/// Capabilities: CAP_SYS_ADMIN in the caller's own user namespace, to create the network namespace,
/// and in the user namespace that owns the mount namespace, to bind the name. With
/// NETNS_CREATE_LO_UP also CAP_NET_ADMIN in the user namespace that owns the network namespace. To
/// open an existing name with NETNS_CREATE_EXIST_OK: none, unless NETNS_CREATE_LO_UP is set, which
/// then requires what netns_socket() requires, and CAP_NET_ADMIN.
///
/// Returns 0, or
///   -EINVAL     name is invalid, a flag is unknown, or both name and out are NULL
///   -ENAMETOOLONG  name is longer than 255 bytes, or the run directory's path than 4095
///   -EEXIST     the name exists, or another process is creating it, or its file cannot be taken
///               over
///   -ENOTTY     with NETNS_CREATE_EXIST_OK: the name exists and is not a network namespace
///   -EPERM      a capability is missing (see Capabilities), or the run directory belongs to
///               another mount namespace, as after chroot(2) into one
///   -EACCES     the run directory belongs to another user
///   -ENOTDIR, -ELOOP, -ENOENT  the run directory is not a directory, or is a dangling symbolic
///               link
///   -ENOENT     also, before Linux 5.12: /proc is not mounted
///   -EROFS      the run directory is on a read-only file system
///   -ENOSPC     the limit on network namespaces or mounts is reached, or the file system is full
///   -EAGAIN     cannot start a helper thread; or other processes keep creating and removing the
///               name or the run directory; or, with NETNS_CREATE_NOWAIT, the call would have to
///               wait for another process
///   -EMFILE, -ENFILE, -ENOMEM  out of file descriptors or memory
///   -ENOTRECOVERABLE  cannot switch the calling thread back: it is left in the network namespace
/// On failure, no name, mount or descriptor is left behind.
///
/// Since 1.0.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn netns_create(
    name: *const c_char,
    flags: u32,
    out: Option<&mut MaybeUninit<*mut Netns>>,
) -> c_int {
    // SAFETY: the caller passes NULL or a NUL-terminated string.
    create(None, unsafe { text(name) }, flags, out)
}

/// netns_create() in a custom run directory.
///
/// rundir  created, with its parents, if it does not exist, and made a shared mount point. It
///         should be on a local file system. A relative path is relative to the working directory,
///         now and when the path that netns_path() returns is used. NULL means NETNS_RUN_DIR.
///
/// Capabilities: as for netns_create().
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
    // SAFETY: the caller passes NULL or a NUL-terminated string for each.
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
            let out = convert::required(out, "no name and no place for the handle given")?;
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

/// Opens a network namespace by its name in NETNS_RUN_DIR or, if name contains a '/', by its path.
///
/// name   a name, or the path of any file that is a network namespace, such as /proc/PID/ns/net.
///        Symbolic links in a path are followed. The handle has a name if the path is "/run/netns/"
///        or "/var/run/netns/" followed by a name, spelled exactly so.
/// flags  0.
/// out    receives a handle; release it with netns_close().
///
/// A name may be a symbolic link to a network namespace, such as /proc/PID/ns/net. It is followed
/// if the link and the run directory belong to root or the caller, and nobody else can write to the
/// directory. Otherwise the call fails with ENOTTY. A link that leads to no network namespace is a
/// stale name.
///
/// Capabilities: none; read permission on the file is enough. For /proc/PID/ns/net, what
/// netns_open_pid() requires: CAP_SYS_PTRACE for another user's process. Entering the network
/// namespace requires more, see netns_setns().
///
/// Returns 0, or
///   -EINVAL     name is invalid, flags is not 0, or a pointer is NULL
///   -ENAMETOOLONG  the name is longer than 255 bytes, or the path than 4095
///   -ENOENT     the name or path does not exist
///   -ENOTTY     not a network namespace: a regular file, a directory, a namespace of another type,
///               a symbolic link that leads to none or is not followed, or a name whose creator has
///               not finished or was killed
///   -ENOTDIR, -ELOOP  a path component is not a directory, or there are too many symbolic links
///   -EACCES     no permission to open the path, or the target of a link; for /proc/PID/ns/net,
///               CAP_SYS_PTRACE is missing
///   -EMFILE, -ENFILE, -ENOMEM  out of file descriptors or memory
/// or another errno of open(2) for the path, or for the target of a link.
///
/// Since 1.0.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn netns_open(
    name: *const c_char,
    flags: u32,
    out: Option<&mut MaybeUninit<*mut Netns>>,
) -> c_int {
    // SAFETY: the caller passes NULL or a NUL-terminated string.
    let name = unsafe { text(name) };
    match name.filter(|text| text.to_bytes().contains(&b'/')) {
        Some(path) => open(Object::Path(path), None, out, || {
            convert::no_flags(flags)?;
            open_path(path)
        }),
        None => open_name(None, name, flags, out),
    }
}

/// netns_open() by name in a custom run directory.
///
/// rundir  NULL means NETNS_RUN_DIR.
/// name    a name; one that contains a '/' is invalid.
///
/// Capabilities: as for netns_open().
///
/// Returns what netns_open() returns, or
///   -EINVAL     also: rundir is empty
///   -ENOTDIR, -ELOOP, -ENAMETOOLONG  rundir is not the path of a directory
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
    // SAFETY: the caller passes NULL or a NUL-terminated string for each.
    let (rundir, name) = unsafe { (text(rundir), text(name)) };
    open_name(rundir, name, flags, out)
}

/// Opens the network namespace of a process or thread.
///
/// pid  as returned by getpid(2) or gettid(2), greater than 0.
/// out  receives a handle; release it with netns_close(). It has no name and no path.
///
/// Capabilities: CAP_SYS_PTRACE in the process's user namespace for a process of another user, or
/// one with more capabilities than the caller; otherwise none. The access mode is
/// PTRACE_MODE_READ_FSCREDS, see ptrace(2).
///
/// Returns 0, or
///   -EINVAL     pid is not greater than 0, or out is NULL
///   -ESRCH      no such process or thread, or it has ended
///   -EACCES     the caller may not inspect the process: CAP_SYS_PTRACE is missing
///   -ENOENT     before Linux 6.11: /proc is not mounted, or belongs to another PID namespace
///   -EMFILE, -ENFILE, -ENOMEM  out of file descriptors or memory
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

/// Opens the network namespace that a file descriptor refers to: a descriptor of the network
/// namespace itself, a socket in it, or a pidfd of a process in it.
///
/// fd   is not changed and stays open; the handle has a descriptor of its own.
/// out  receives a handle; release it with netns_close(). It has no name and no path.
///
/// Capabilities: none for a descriptor of the network namespace. For a socket: CAP_NET_ADMIN in the
/// user namespace that owns its network namespace. For a pidfd, what netns_open_pid() requires:
/// CAP_SYS_PTRACE for another user's process.
///
/// Returns 0, or
///   -EBADF      fd is not open, or is a socket or pidfd opened with O_PATH
///   -EINVAL     out is NULL
///   -ENOTTY     fd is none of the three
///   -ESRCH      the pidfd's process has ended
///   -ENOENT     /proc is not mounted, and fd is a token of netns_enter(), was opened with O_PATH
///               or, before Linux 6.11, is a pidfd
///   -EPERM      fd is a socket, and CAP_NET_ADMIN is missing
///   -EACCES     fd is a pidfd, and CAP_SYS_PTRACE is missing
///   -EMFILE, -ENFILE, -ENOMEM  out of file descriptors or memory
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
        // SAFETY: the caller keeps it open during the call; if it is not open, the first system call
        // fails with EBADF.
        Namespace::open_fd(unsafe { BorrowedFd::borrow_raw(fd) })
    })
}

/// Opens the calling thread's network namespace.
///
/// out  receives a handle; release it with netns_close(). It has no name and no path.
///
/// Capabilities: none if /proc is mounted, or on Linux 6.11 and later. Otherwise CAP_NET_ADMIN in
/// the user namespace that owns the network namespace.
///
/// Returns 0, or
///   -EINVAL     out is NULL
///   -ENOENT     before Linux 6.11: /proc is not mounted, and CAP_NET_ADMIN is missing
///   -EMFILE, -ENFILE, -ENOMEM  out of file descriptors or memory
///
/// Since 1.0.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn netns_open_current(out: Option<&mut MaybeUninit<*mut Netns>>) -> c_int {
    open(Object::Nothing, None, out, Namespace::open_current)
}

/// Opens a network namespace by its inode number and cookie, as netns_list_all() lists them,
/// whether it has a name or not. On Linux 6.18 and later, one system call opens it by its cookie,
/// even if only a socket in flight between two processes refers to it. Otherwise the call searches
/// the threads, open descriptors and mounts that the caller's /proc shows, as netns_list_all()
/// does.
///
/// inode   as returned by netns_inode(), not 0.
/// cookie  as returned by netns_cookie(); the network namespace that is opened has this cookie. 0
///         means that it is not known: the call opens whichever network namespace has the inode
///         number now, and the kernel may have assigned that to another one.
/// out     receives a handle; release it with netns_close(). It has no name and no path.
///
/// Capabilities: to open it by its cookie with one system call, CAP_SYS_ADMIN in the user namespace
/// that owns the network namespace; before Linux 6.18, to read the cookie, what netns_socket()
/// requires. To search the processes of other users, CAP_SYS_PTRACE in their user namespaces.
///
/// Returns 0, or
///   -EINVAL     inode is 0, or out is NULL
///   -ENOENT     no network namespace that the caller may inspect has this inode number, or /proc
///               is not mounted
///   -ESTALE     a cookie is given, and that network namespace is gone; or the caller has no
///               CAP_SYS_ADMIN over it and may inspect nothing that refers to it, which the kernel
///               does not tell apart
///   -EPERM      a cookie is given, and the network namespace's cannot be read, see netns_cookie()
///   -EOPNOTSUPP a cookie is given, and the kernel has none: it is older than Linux 5.14
///   -EMFILE, -ENFILE, -ENOMEM  out of file descriptors or memory
///   -ENOBUFS, -EAGAIN, -ENOTRECOVERABLE  before Linux 6.18, with a cookie: as for netns_cookie()
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

/// Duplicates a handle: the new one has the same name and path, and descriptors of its own. Either
/// may be closed first.
///
/// out  receives a handle; release it with netns_close().
///
/// Returns 0, or
///   -EINVAL     a pointer is NULL
///   -EBADF      the program has closed netns_fd(), or the calling thread's descriptor table lacks
///               it
///   -EMFILE, -ENOMEM  out of file descriptors or memory
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

/// Releases a handle and closes its descriptors. The network namespace lives on as long as it has a
/// name, another handle, a socket or a thread in it. NULL is allowed. errno is not changed.
/// Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_close(ns: *mut Netns) {
    // SAFETY: ns is NULL, or a handle from this library that the caller no longer uses.
    boundary::plain((), || unsafe { convert::take_back(ns) })
}

/// Gives a network namespace one more name in NETNS_RUN_DIR, whoever created it and however it was
/// opened.
///
/// ns     is not changed: netns_name() returns what it did before.
/// name   as for netns_create().
/// flags  0.
///
/// The run directory is created and locked, and a stale name is taken over, as by netns_create().
///
/// Capabilities: CAP_SYS_ADMIN in the user namespace that owns the mount namespace.
///
/// Returns 0, or
///   -EINVAL     name is invalid, flags is not 0, or a pointer is NULL
///   -ENAMETOOLONG  name is longer than 255 bytes, or the run directory's path than 4095
///   -EEXIST     the name exists, or another process is creating it, or its file cannot be taken
///               over
///   -EPERM      CAP_SYS_ADMIN is missing, or the run directory belongs to another mount namespace
///   -EACCES     the run directory belongs to another user
///   -ENOTDIR, -ELOOP, -ENOENT  the run directory is not a directory, or is a dangling symbolic
///               link
///   -ENOENT     also, before Linux 5.12: /proc is not mounted
///   -EROFS      the run directory is on a read-only file system
///   -ENOSPC     the limit on mounts is reached, or the file system is full
///   -EAGAIN     cannot start the helper thread that creates the run directory; or other processes
///               keep creating and removing the name or the run directory
///   -EMFILE, -ENFILE, -ENOMEM  out of file descriptors or memory
/// On failure, no name, mount or descriptor is left behind.
///
/// Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_attach(
    ns: Option<&Netns>,
    name: *const c_char,
    flags: u32,
) -> c_int {
    // SAFETY: the caller passes NULL or a NUL-terminated string.
    attach(None, ns, unsafe { text(name) }, flags)
}

/// netns_attach() in a custom run directory, which is created as by netns_create_at(). NULL means
/// NETNS_RUN_DIR.
///
/// Capabilities: as for netns_attach().
///
/// Returns what netns_attach() returns; -EINVAL also if rundir is empty. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_attach_at(
    rundir: *const c_char,
    ns: Option<&Netns>,
    name: *const c_char,
    flags: u32,
) -> c_int {
    // SAFETY: the caller passes NULL or a NUL-terminated string for each.
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

/// Removes a name from NETNS_RUN_DIR: every mount on it, however many are stacked, and its file; or
/// the empty file of a stale name, or of a creator that has not finished. The network namespace
/// lives on as long as it has another name, a handle, a socket or a thread in it. The call waits
/// for the run directory's lock as netns_create() does.
///
/// flags  NETNS_REMOVE_MISSING_OK: succeed if the name does not exist.
///
/// All mount namespaces that have the directory share the file: when it is unlinked, the kernel
/// unmounts what is mounted on it in all of them. The name is then gone there, too, including one
/// that is stale here and live there.
///
/// If the name is a symbolic link, only the link is unlinked; its target is left alone. A link that
/// netns_open() does not follow is left alone, and the call fails with ENOTTY.
///
/// Capabilities: CAP_SYS_ADMIN in the user namespace that owns the mount namespace, to unmount. For
/// a stale name or a symbolic link: none; write permission on the run directory is enough.
///
/// Returns 0, or
///   -EINVAL     name is invalid or NULL, or a flag is unknown
///   -ENAMETOOLONG  name is longer than 255 bytes, or the run directory's path than 4095
///   -ENOENT     the name does not exist
///   -ENOTTY     not the name of a network namespace: it is left alone; or a network namespace is
///               mounted on top of something else, which is left alone after the network
///               namespace's mounts are removed
///   -EPERM      CAP_SYS_ADMIN is missing, or the mount belongs to a more privileged mount
///               namespace, or to another one than the calling thread's
///   -EPERM      also: the file or its directory is immutable, or it is another user's in a sticky
///               directory; its mounts have been removed
///   -EACCES     the run directory belongs to another user
///   -ENOTDIR, -ELOOP  the run directory is not a directory
///   -EROFS      the run directory is on a read-only file system
///   -EBUSY      a mount on it is hidden by another mount, and cannot be reached
///   -EAGAIN, -ENOSPC  cannot start the helper thread that uncovers such a mount, or create its
///               mount namespace
///   -EAGAIN     also: other processes keep creating and removing the run directory, or mounting on
///               the name
///   -EMFILE, -ENFILE, -ENOMEM  out of file descriptors or memory
///
/// Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_remove(name: *const c_char, flags: u32) -> c_int {
    // SAFETY: the caller passes NULL or a NUL-terminated string.
    remove(None, unsafe { text(name) }, flags)
}

/// netns_remove() in a custom run directory. The directory is not removed. NULL means
/// NETNS_RUN_DIR.
///
/// Capabilities: as for netns_remove().
///
/// Returns what netns_remove() returns; -EINVAL also if rundir is empty. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_remove_at(
    rundir: *const c_char,
    name: *const c_char,
    flags: u32,
) -> c_int {
    // SAFETY: the caller passes NULL or a NUL-terminated string for each.
    let (rundir, name) = unsafe { (text(rundir), text(name)) };
    remove(rundir, name, flags)
}

fn remove(rundir: Option<&CStr>, name: Option<&CStr>, flags: u32) -> c_int {
    boundary::call(convert::about_name("remove", rundir, name), || {
        let flags = convert::flags::<RemoveFlags>(flags)?;
        remove::remove(convert::rundir(rundir)?, convert::name(name)?, flags)
    })
}
