//! Programs: running one in a namespace, in place of the calling process or as a child.

use std::ffi::{CStr, c_char, c_int};
use std::os::fd::{BorrowedFd, IntoRawFd};
use std::ptr;
use std::slice;

use rustix::thread::{Gid, Uid};

use libnetns::error::{Failure, Result};
use libnetns::explain::{Detail, Object, ProgramCall};
use libnetns::os::syscalls::{Argument, ArgumentArray};
use libnetns::program::exec;
use libnetns::program::lookup::{Arguments, secure_path};
use libnetns::program::mount_namespace::Wishes;
use libnetns::program::plan::{Options, Plan, SpawnFlags, Stdio, User};
use libnetns::program::spawn::{self, Child};

use crate::boundary;
use crate::convert::{self, Growing, has_no_tail_padding, text};
use crate::message;
use crate::types::Netns;

/// For netns_spawn(): stdin_fd is valid.
pub const NETNS_SPAWN_STDIN: u32 = 1;
/// For netns_spawn(): stdout_fd is valid.
pub const NETNS_SPAWN_STDOUT: u32 = 2;
/// For netns_spawn(): stderr_fd is valid.
pub const NETNS_SPAWN_STDERR: u32 = 4;
/// For netns_spawn(): all three are valid. NETNS_SPAWN_STDIN | NETNS_SPAWN_STDOUT |
/// NETNS_SPAWN_STDERR.
pub const NETNS_SPAWN_STDIO: u32 = 7;
/// For netns_spawn(): leave /sys as it is; it keeps showing the interfaces of the caller's network
/// namespace.
pub const NETNS_SPAWN_KEEP_SYS: u32 = 8;
/// For netns_spawn(): do not mount the files of /etc/netns/NAME over those of /etc.
/// NETNS_SPAWN_STRICT_ETC, NETNS_SPAWN_TELL_ETC and NETNS_SPAWN_PIN_ETC then have no effect.
pub const NETNS_SPAWN_KEEP_ETC: u32 = 16;
/// For netns_spawn(): run the program as uid, gid and groups.
pub const NETNS_SPAWN_USER: u32 = 32;
/// For netns_spawn(): make the program the leader of a new session, as setsid(2) does.
pub const NETNS_SPAWN_SETSID: u32 = 64;
/// For netns_spawn(): fail if a file of /etc/netns/NAME has no counterpart in /etc.
pub const NETNS_SPAWN_STRICT_ETC: u32 = 128;
/// For netns_spawn(): return the number of files of /etc/netns/NAME that have no counterpart in
/// /etc.
pub const NETNS_SPAWN_TELL_ETC: u32 = 256;
/// For netns_spawn(): keep the files of /etc/netns/NAME mounted over those of /etc even if the host
/// replaces or deletes the latter.
pub const NETNS_SPAWN_PIN_ETC: u32 = 512;

const _: () = assert!(NETNS_SPAWN_STDIN == SpawnFlags::STDIN.bits());
const _: () = assert!(NETNS_SPAWN_STDOUT == SpawnFlags::STDOUT.bits());
const _: () = assert!(NETNS_SPAWN_STDERR == SpawnFlags::STDERR.bits());
const _: () =
    assert!(NETNS_SPAWN_STDIO == NETNS_SPAWN_STDIN | NETNS_SPAWN_STDOUT | NETNS_SPAWN_STDERR);
const _: () = assert!(NETNS_SPAWN_KEEP_SYS == SpawnFlags::KEEP_SYS.bits());
const _: () = assert!(NETNS_SPAWN_KEEP_ETC == SpawnFlags::KEEP_ETC.bits());
const _: () = assert!(NETNS_SPAWN_USER == SpawnFlags::USER.bits());
const _: () = assert!(NETNS_SPAWN_SETSID == SpawnFlags::SETSID.bits());
const _: () = assert!(NETNS_SPAWN_STRICT_ETC == SpawnFlags::STRICT_ETC.bits());
const _: () = assert!(NETNS_SPAWN_TELL_ETC == SpawnFlags::TELL_ETC.bits());
const _: () = assert!(NETNS_SPAWN_PIN_ETC == SpawnFlags::PIN_ETC.bits());

/// Options of netns_spawn(). Initialize it with NETNS_SPAWN_OPTIONS_INIT, which sets size to
/// sizeof(struct netns_spawn_options) and all other members to zero. Later versions may add members
/// at the end, for which zero means the previous behavior. Since 1.0.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct NetnsSpawnOptions {
    /// The size of the structure that the caller was compiled with.
    pub size: u32,
    /// 0, or a bitwise OR of NETNS_SPAWN_STDIN, NETNS_SPAWN_STDOUT, NETNS_SPAWN_STDERR,
    /// NETNS_SPAWN_STDIO, NETNS_SPAWN_KEEP_SYS, NETNS_SPAWN_KEEP_ETC, NETNS_SPAWN_USER,
    /// NETNS_SPAWN_SETSID, NETNS_SPAWN_STRICT_ETC, NETNS_SPAWN_TELL_ETC, NETNS_SPAWN_PIN_ETC.
    pub flags: u32,
    /// With NETNS_SPAWN_STDIN, NETNS_SPAWN_STDOUT and NETNS_SPAWN_STDERR: the descriptors that
    /// become the program's 0, 1 and 2. They may be the same one, or each other's number; the
    /// caller still owns them. Without the flag, or with -1, the program inherits the caller's.
    pub stdin_fd: i32,
    pub stdout_fd: i32,
    pub stderr_fd: i32,
    /// If not NULL, receives a pidfd of the program, which the caller has to close(2).
    pub pidfd: *mut i32,
    /// The program's working directory, looked up in the program's mount namespace and with its
    /// user's permissions; NULL means the caller's.
    pub cwd: *const c_char,
    /// With NETNS_SPAWN_USER: the program's real, effective and saved user ID.
    pub uid: u32,
    /// With NETNS_SPAWN_USER: its group ID.
    pub gid: u32,
    /// With NETNS_SPAWN_USER: its only supplementary groups, groups_len of them; NULL and 0 for
    /// none.
    pub groups: *const u32,
    pub groups_len: usize,
}

// SAFETY: it begins with its size and consists of integers and raw pointers.
unsafe impl Growing for NetnsSpawnOptions {
    const FIRST_SIZE: usize = if cfg!(target_pointer_width = "64") { 64 } else { 44 };
    const WRONG_SIZE: &'static str =
        "the size of the options does not match any version of the library";
}

const _: () = assert!(has_no_tail_padding!(NetnsSpawnOptions, groups_len: usize));

unsafe extern "C" {
    static mut environ: *const Argument;
}

/// Executes a program in a network namespace, in place of the calling process, like `ip netns
/// exec`. Returns only on failure; then the network namespace, mounts, root and working directory
/// of every thread are unchanged.
///
/// ns    the network namespace.
/// file  looked up in the caller's PATH like execvp(3) does, unless it contains a '/'. In
///       secure-execution mode (in a set-user-ID program, for example; see secure_getenv(3)), PATH
///       is not trusted, and the call searches /bin, /usr/bin, /sbin and /usr/sbin. /bin/sh runs a
///       script without a "#!" line. The library reads no other environment variable.
/// argv  the program's arguments, starting with argv[0] and ending with NULL.
/// envp  its environment, ending with NULL; NULL means the caller's, environ, which no other thread
///       may change during the call.
///
/// The program has a mount namespace of its own, which receives the mounts that are made outside
/// later and propagates none. In it
///   - /sys is a new sysfs that shows the interfaces of the network namespace. It is read-only,
///     nosuid, nodev or noexec if the old one was. File systems mounted below the old /sys (cgroup,
///     tracefs, bpf ...) are mounted there again, unless the new one has no such directory. If
///     there is no /sys, none is mounted.
///   - each file and directory of /etc/netns/NAME is bind-mounted over its counterpart, the one of
///     the same name in /etc, if the handle has a name (netns_name()). If the counterpart is a
///     symbolic link, even a dangling one, the file is mounted over the link itself: the program
///     keeps seeing it when the host replaces the file that /etc/resolv.conf leads to, as resolvers
///     do. The target of the link stays visible under its own path. A directory cannot be mounted
///     over a link, and is mounted over the link's target. Symbolic links in /etc/netns/NAME are
///     followed. A file is left out if it has no counterpart: /etc has no file of that name, or one
///     of the two is a directory and the other is not. netns_exec() cannot report that, because it
///     does not return; netns_spawn() does. If the host itself replaces /etc/resolv.conf, link or
///     file, with rename(2), or deletes it, the kernel unmounts what is mounted over it, unless
///     netns_spawn() is called with NETNS_SPAWN_PIN_ETC.
///
/// The working directory is the caller's; if it is below /sys or /etc, its path is looked up again,
/// and it stays as it was if that fails. Everything else is as execve(2) leaves it: signal mask,
/// ignored signals, open descriptors, credentials, limits. But the program does not get what a
/// scheduling policy with SCHED_RESET_ON_FORK denies to children, nor a blocked signal that is
/// pending for the calling thread only, as after raise(3).
///
/// A helper thread does the work, and execve(2) ends all other threads. Until then, signal handlers
/// may run on the helper thread, in the network namespace, on the calling thread's alternate stack
/// (sigaltstack(2)) or on one of 192 KB.
///
/// A child of vfork(2) may call netns_exec(), netns_errmsg() and _exit(2), but no other function of
/// this library. The memory that the call allocates stays allocated in the parent until its thread
/// calls netns_exec() again, in another such child for example: about 256 KB of address space for
/// each thread that has done so, even after the thread has ended. With musl 1.2.5 or later, such a
/// child may not call netns_exec() either: the helper thread is created with pthread_create(3)
/// there, and the parent would take it for its own.
///
/// Capabilities: CAP_SYS_ADMIN, in the user namespace that owns the network namespace and in the
/// caller's own.
///
/// Does not return, or returns
///   -EINVAL     ns, file or argv is NULL, or argv is empty; the root directory is not a mount
///               point, as after chroot(2); or as for execve(2)
///   -ENOENT     there is no such program in PATH, or its interpreter does not exist; also, before
///               Linux 6.8: /proc is not mounted, and /sys exists
///   -EACCES     the caller has no permission to execute the file, or to read /etc/netns/NAME
///   -EPERM      a capability is missing (see Capabilities); the caller's user namespace may not
///               mount a sysfs; or as for execve(2)
///   -ENOTDIR, -ELOOP, -ENAMETOOLONG, -EISDIR  file is not the path of a program
///   -ENOEXEC, -ELIBBAD, -ETXTBSY, -EIO  the program cannot be executed
///   -E2BIG      argv and envp are too large
///   -EAGAIN     cannot start a helper thread, or the limit on processes is reached
///   -ENOSPC     the limit on mount namespaces or on mounts is reached
///   -EMFILE, -ENFILE, -ENOMEM  out of file descriptors or memory
///   -ENOTRECOVERABLE  a seccomp filter killed the helper thread instead of failing its system call
/// or another errno of execve(2) or, for a file of /etc/netns/NAME, of mount(2).
///
/// Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_exec(
    ns: Option<&Netns>,
    file: *const c_char,
    argv: *const *mut c_char,
    envp: *const *mut c_char,
) -> c_int {
    // SAFETY: the caller passes NULL or a string.
    let file = unsafe { text(file) };
    let call = about_program(ns, file);
    let subject = convert::about("exec", Object::Program(&call));
    let cancelability = boundary::Cancelability::now();
    boundary::call(subject, || {
        // SAFETY: the caller passes NULL, or NULL-terminated arrays of strings.
        let (program, arguments) = unsafe { program(file, argv, envp) }?;
        let plan = Plan::new(&convert::handle(ns)?.0, Options::default(), program, arguments)?;
        exec::exec(plan, |as_called| cancelability.bring_back(as_called), &call.detail)
    })
}

/// Starts a program in a network namespace as a child of the calling process, like posix_spawn(3),
/// and returns when the child has executed it. What the program sees of /sys and /etc is as for
/// netns_exec(), except as options say.
///
/// ns                the network namespace.
/// options           NULL: as for netns_exec(). With both NETNS_SPAWN_KEEP_SYS and
///                   NETNS_SPAWN_KEEP_ETC the program has no mount namespace of its own, and what
///                   it mounts is visible outside.
/// file, argv, envp  as for netns_exec().
/// pid               receives the child's process ID; wait for it, as after fork(2). May be NULL if
///                   options->pidfd is not.
///
/// With NETNS_SPAWN_USER, the program runs as options->uid, options->gid and options->groups. The
/// child sets everything up with the caller's permissions, except that it enters options->cwd and
/// looks up and executes the program with the user's own. setresuid(2) determines what becomes of
/// capabilities, the parent-death signal and the rest. The child then has a copy of the caller's
/// memory, which makes it slower to start from a large process. With NETNS_SPAWN_SETSID, the
/// program has a session of its own and no controlling terminal.
///
/// If a file of /etc/netns/NAME has no counterpart in /etc, the program starts without it. Although
/// the call succeeds, netns_errmsg() then names the first such file and says what to do. With
/// NETNS_SPAWN_TELL_ETC, the call also returns the number of such files; with
/// NETNS_SPAWN_STRICT_ETC, it fails instead.
///
/// With NETNS_SPAWN_PIN_ETC, and if /etc/netns/NAME has files, /etc is a read-only overlay of the
/// host's /etc. The files, and what was mounted below /etc, are mounted on that overlay, so they
/// stay in place whatever the host replaces or deletes in its /etc. If the host replaces or deletes
/// another file, the program may see the old one, the new one or none. It does not see what the
/// host mounts below /etc later. This requires overlayfs, and in a user namespace Linux 5.11 or
/// later.
///
/// The program starts with the calling thread's signal mask, scheduling and (without
/// NETNS_SPAWN_USER) credentials. A signal that has a handler gets its default action; an ignored
/// one stays ignored. Descriptors that are not close-on-exec are inherited. Handlers of
/// pthread_atfork(3) do not run.
///
/// The calling thread waits until the program is executed, as after vfork(2); other threads keep
/// running. If the child fails, the call reaps it, and no SIGCHLD is sent.
///
/// Capabilities: CAP_SYS_ADMIN, in the user namespace that owns the network namespace and in the
/// caller's own. With NETNS_SPAWN_USER also CAP_SETGID and CAP_SETUID in the caller's own.
///
/// Returns 0, or with NETNS_SPAWN_TELL_ETC the number of files without a counterpart; or, and then
/// there is no child,
///   -EINVAL     ns, file or argv is NULL; argv is empty; pid and options->pidfd are both NULL;
///               options->size is too small; a flag is unknown; a descriptor is less than -1; a
///               user or group ID is -1 or not mapped in the user namespace; options->groups is
///               NULL and options->groups_len is not 0, or there are more than 65536 groups; with
///               NETNS_SPAWN_PIN_ETC, /etc cannot be the lower layer of an overlay, as it already
///               lies in two stacked overlays; the root directory is not a mount point, as after
///               chroot(2); or as for execve(2)
///   -E2BIG      options has members that this version does not know, and they are not zero; or
///               argv and envp are too large
///   -EBADF      one of the three descriptors is not open
///   -ENOENT     there is no such program in PATH, or its interpreter does not exist; options->cwd
///               does not exist; with NETNS_SPAWN_STRICT_ETC, a file has no counterpart in /etc, or
///               is a dangling symbolic link; before Linux 6.8: /proc is not mounted, and /sys
///               exists and NETNS_SPAWN_KEEP_SYS is not set, or NETNS_SPAWN_PIN_ETC is set
///   -EACCES     no permission to execute the file, to enter options->cwd, or to read
///               /etc/netns/NAME
///   -EPERM      a capability is missing (see Capabilities); the caller's user namespace may not
///               mount a sysfs (NETNS_SPAWN_KEEP_SYS avoids that), or, before Linux 5.11, an
///               overlay; with NETNS_SPAWN_USER, the user namespace denies setgroups(2); or as for
///               execve(2)
///   -ENOTDIR, -ELOOP, -ENAMETOOLONG, -EISDIR  file is not the path of a program, or options->cwd
///               not that of a directory; with NETNS_SPAWN_STRICT_ETC, ENOTDIR: only one of a file
///               and its counterpart is a directory, and ELOOP: symbolic links form a loop
///   -ENODEV     with NETNS_SPAWN_PIN_ETC: the kernel does not support overlayfs
///   -ENOEXEC, -ELIBBAD, -ETXTBSY, -EIO  the program cannot be executed
///   -EAGAIN     the limit on processes is reached, the caller's or that of options->uid
///   -ENOSPC     the limit on mount namespaces or on mounts is reached
///   -ENOSYS     options->pidfd is not NULL, and the kernel is older than Linux 5.2
///   -ECANCELED  a signal killed the child before it executed the program
///   -EMFILE, -ENFILE, -ENOMEM  out of file descriptors or memory
/// or another errno of clone(2), execve(2) or, for a file of /etc/netns/NAME, mount(2).
///
/// Since 1.0.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn netns_spawn(
    ns: Option<&Netns>,
    options: *const NetnsSpawnOptions,
    file: *const c_char,
    argv: *const *mut c_char,
    envp: *const *mut c_char,
    pid: *mut libc::pid_t,
) -> c_int {
    // SAFETY: the caller passes NULL or a string.
    let file = unsafe { text(file) };
    let call = about_program(ns, file);
    let subject = convert::about("spawn", Object::Program(&call));
    boundary::call(subject, || {
        let ns = convert::handle(ns)?;
        // SAFETY: the caller passes NULL, or NULL-terminated arrays of strings; options and everything that
        // they point to are valid until the call returns.
        let ((program, arguments), options) =
            unsafe { (program(file, argv, envp)?, convert::input(options)?) };
        let pidfd = options.map_or(ptr::null_mut(), |options| options.pidfd);
        if pid.is_null() && pidfd.is_null() {
            return Err(Failure::invalid("no place for the child's process ID or pidfd given"));
        }
        let tells = options.is_some_and(|raw| raw.flags & NETNS_SPAWN_TELL_ETC != 0);
        // SAFETY: see above.
        let options =
            unsafe { options.map_or(Ok(Options::default()), |raw| convert_options(&raw)) }?;
        let plan = Plan::new(&ns.0, options, program, arguments)?;
        let child = spawn::spawn(plan, !pidfd.is_null(), &call.detail)?;
        let left_out = child.left_out;
        // SAFETY: the caller passes NULL or a pointer to an int.
        unsafe { store(child, pid, pidfd) };
        let Some(left_out) = left_out else { return Ok(0) };
        message::store(&convert::about("spawn", Object::Program(&call)), left_out.first);
        Ok(if tells { left_out.count } else { 0 })
    })
}

fn about_program<'a>(ns: Option<&'a Netns>, file: Option<&'a CStr>) -> ProgramCall<'a> {
    ProgramCall { file, ns: convert::shown(ns), detail: Detail::default() }
}

/// The program with the PATH to look it up in, and its arguments.
type Called<'a> = ((&'a CStr, Option<&'a CStr>), Arguments<'a>);

unsafe fn program<'a>(
    file: Option<&'a CStr>,
    argv: *const *mut c_char,
    envp: *const *mut c_char,
) -> Result<Called<'a>> {
    let file = convert::required(file, "no program given")?;
    // SAFETY: the caller passes NULL or a NULL-terminated array; Argument is a pointer of the same kind. libc
    // stores an array or NULL in environ; a program that changes it in another thread meanwhile may not start
    // programs.
    unsafe {
        let envp = if envp.is_null() { environ } else { envp.cast() };
        let arguments = Arguments::new(arguments(argv.cast()), ArgumentArray::new(envp))?;
        Ok(((file, path()), arguments))
    }
}

/// Returns the caller's PATH, if it has one.
unsafe fn path<'a>() -> Option<&'a CStr> {
    // SAFETY: getenv returns NULL or a string; the caller does not change the environment meanwhile.
    secure_path().or_else(|| unsafe { text(libc::getenv(c"PATH".as_ptr())) })
}

/// Includes the NULL at the end; empty if the array is NULL.
unsafe fn arguments<'a>(array: *const Argument) -> &'a [Argument] {
    if array.is_null() {
        return &[];
    }
    let mut count = 0;
    // SAFETY: the array is read up to the terminating NULL, and is valid during the call.
    unsafe {
        while *array.add(count) != Argument::NULL {
            count += 1;
        }
        slice::from_raw_parts(array, count + 1)
    }
}

unsafe fn convert_options<'a>(raw: &NetnsSpawnOptions) -> Result<Options<'a>> {
    let flags = convert::flags::<SpawnFlags>(raw.flags)?;
    let mut stdio = Stdio::default();
    let given = [
        (SpawnFlags::STDIN, raw.stdin_fd),
        (SpawnFlags::STDOUT, raw.stdout_fd),
        (SpawnFlags::STDERR, raw.stderr_fd),
    ];
    for (place, (flag, fd)) in stdio.iter_mut().zip(given) {
        if flags.contains(flag) {
            // SAFETY: the descriptors belong to the caller and stay open during the call; if one is not open,
            // the first system call fails.
            *place = unsafe { descriptor(fd) }?;
        }
    }
    // SAFETY: the caller passes groups_len groups, or NULL.
    let user = flags.contains(SpawnFlags::USER).then(|| unsafe { user(raw) }).transpose()?;
    Ok(Options {
        mounts: Wishes {
            keep_sys: flags.contains(SpawnFlags::KEEP_SYS),
            keep_etc: flags.contains(SpawnFlags::KEEP_ETC),
            strict_etc: flags.contains(SpawnFlags::STRICT_ETC),
            pin_etc: flags.contains(SpawnFlags::PIN_ETC),
        },
        stdio,
        // SAFETY: the caller passes NULL or a string.
        cwd: unsafe { text(raw.cwd) },
        user,
        own_session: flags.contains(SpawnFlags::SETSID),
        default_sigpipe: false,
    })
}

/// setresuid(2) and similar calls take this value to mean "unchanged".
const NO_ID: u32 = u32::MAX;

/// NGROUPS_MAX, the kernel's limit.
const MOST_GROUPS: usize = 65536;

unsafe fn user<'a>(raw: &NetnsSpawnOptions) -> Result<User<'a>> {
    // SAFETY: the caller passes groups_len groups, or NULL.
    let groups = unsafe { groups(raw.groups, raw.groups_len) }?;
    if raw.uid == NO_ID || raw.gid == NO_ID || groups.contains(&NO_ID) {
        return Err(Failure::invalid("-1 is not a valid user or group ID"));
    }
    // SAFETY: a Gid contains only such a number.
    let groups = unsafe { slice::from_raw_parts(groups.as_ptr().cast::<Gid>(), groups.len()) };
    Ok(User { uid: Uid::from_raw(raw.uid), gid: Gid::from_raw(raw.gid), groups })
}

unsafe fn groups<'a>(groups: *const u32, len: usize) -> Result<&'a [u32]> {
    if len == 0 {
        return Ok(&[]);
    }
    if groups.is_null() {
        return Err(Failure::invalid("no groups given, but their number is not 0"));
    }
    if len > MOST_GROUPS {
        return Err(Failure::invalid("there can be at most 65536 supplementary groups"));
    }
    // SAFETY: see the caller.
    Ok(unsafe { slice::from_raw_parts(groups, len) })
}

unsafe fn descriptor<'a>(fd: c_int) -> Result<Option<BorrowedFd<'a>>> {
    match fd {
        -1 => Ok(None),
        fd if fd < 0 => Err(Failure::invalid("a descriptor must be -1 or greater")),
        // SAFETY: see the caller.
        fd => Ok(Some(unsafe { BorrowedFd::borrow_raw(fd) })),
    }
}

unsafe fn store(child: Child, pid: *mut libc::pid_t, pidfd: *mut i32) {
    // SAFETY: see the caller; there is a pidfd if there is space for it.
    unsafe {
        if let Some(pid) = pid.as_mut() {
            *pid = child.pid;
        }
        if let Some(fd) = child.pidfd {
            pidfd.write(fd.into_raw_fd());
        }
    }
}
