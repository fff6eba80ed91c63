//! Programs: in a namespace, in place of the calling process or in a child.

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

/// For netns_spawn(): stdin_fd counts.
pub const NETNS_SPAWN_STDIN: u32 = 1;
/// For netns_spawn(): stdout_fd counts.
pub const NETNS_SPAWN_STDOUT: u32 = 2;
/// For netns_spawn(): stderr_fd counts.
pub const NETNS_SPAWN_STDERR: u32 = 4;
/// For netns_spawn(): all three of them count. NETNS_SPAWN_STDIN | NETNS_SPAWN_STDOUT |
/// NETNS_SPAWN_STDERR.
pub const NETNS_SPAWN_STDIO: u32 = 7;
/// For netns_spawn(): /sys is left alone, and goes on showing the caller's devices.
pub const NETNS_SPAWN_KEEP_SYS: u32 = 8;
/// For netns_spawn(): the files of /etc/netns/NAME are left alone, whatever the next three say.
pub const NETNS_SPAWN_KEEP_ETC: u32 = 16;
/// For netns_spawn(): the program runs as uid, gid and groups.
pub const NETNS_SPAWN_USER: u32 = 32;
/// For netns_spawn(): the program is the leader of a session of its own, as after setsid(2).
pub const NETNS_SPAWN_SETSID: u32 = 64;
/// For netns_spawn(): a file of /etc/netns/NAME that has nothing to cover in /etc is a failure.
pub const NETNS_SPAWN_STRICT_ETC: u32 = 128;
/// For netns_spawn(): it returns how many files of /etc/netns/NAME have nothing to cover in /etc.
pub const NETNS_SPAWN_TELL_ETC: u32 = 256;
/// For netns_spawn(): the files of /etc/netns/NAME go on covering those of /etc, even if the host
/// replaces or removes what they cover.
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

/// What netns_spawn() is to do otherwise. Initialise it with NETNS_SPAWN_OPTIONS_INIT, which sets size
/// to sizeof(struct netns_spawn_options) and all else to zero. Later versions add members at the end,
/// for which zero means that all is as before. Since 1.0.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct NetnsSpawnOptions {
    /// The size of the structure that the caller was compiled with.
    pub size: u32,
    /// NETNS_SPAWN_STDIN, NETNS_SPAWN_STDOUT, NETNS_SPAWN_STDERR, NETNS_SPAWN_STDIO,
    /// NETNS_SPAWN_KEEP_SYS, NETNS_SPAWN_KEEP_ETC, NETNS_SPAWN_USER, NETNS_SPAWN_SETSID,
    /// NETNS_SPAWN_STRICT_ETC, NETNS_SPAWN_TELL_ETC, NETNS_SPAWN_PIN_ETC, or'ed together.
    pub flags: u32,
    /// With NETNS_SPAWN_STDIN, NETNS_SPAWN_STDOUT and NETNS_SPAWN_STDERR: the descriptors that the
    /// program has as 0, 1 and 2, which may be the same one, or each other's; they stay yours. Without
    /// the flag, and where it is -1, the program has the caller's.
    pub stdin_fd: i32,
    pub stdout_fd: i32,
    pub stderr_fd: i32,
    /// If not NULL, receives a pidfd of the program, which is yours to close(2).
    pub pidfd: *mut i32,
    /// The program's working directory, looked up as the program sees the file system, by its user.
    /// NULL: the caller's.
    pub cwd: *const c_char,
    /// With NETNS_SPAWN_USER: the program's real, effective and saved user id.
    pub uid: u32,
    /// With NETNS_SPAWN_USER: its group id.
    pub gid: u32,
    /// With NETNS_SPAWN_USER: its supplementary groups, groups_len of them, and no others; NULL and 0
    /// for none.
    pub groups: *const u32,
    pub groups_len: usize,
}

// SAFETY: it begins with its size and is made of integers and raw pointers.
unsafe impl Growing for NetnsSpawnOptions {
    const FIRST_SIZE: usize = if cfg!(target_pointer_width = "64") { 64 } else { 44 };
    const WRONG_SIZE: &'static str = "the size of the options is one that no version has";
}

const _: () = assert!(has_no_tail_padding!(NetnsSpawnOptions, groups_len: usize));

unsafe extern "C" {
    static mut environ: *const Argument;
}

/// Becomes the program, in the namespace: what `ip netns exec` does. Returns only if that fails, and
/// then namespace, mounts, root and working directory of every thread are as they were.
///
/// file  is looked up in the caller's PATH as execvp(3) does, unless it has a '/' in it; where PATH is
///       another's, as in a set-user-ID program (see secure_getenv(3)), in /bin, /usr/bin, /sbin and
///       /usr/sbin. A script without a "#!" line is run by /bin/sh. The library reads nothing else of
///       the environment.
/// argv  the program's arguments, argv[0] first, with a NULL at the end.
/// envp  its environment, with a NULL at the end; NULL is the caller's, environ, which no other thread
///       may change meanwhile.
///
/// The program has a mount namespace of its own, which sees what is mounted outside from then on, and
/// from which nothing gets out. In it
///   - /sys is a new sysfs, which shows the namespace's devices. It is read-only, nosuid, nodev or
///     noexec if the old one was. What was mounted below /sys is there again (cgroup, tracefs, bpf
///     ...), unless the directory it was mounted on does not exist in the new one. Where there is no
///     /sys, there is none.
///   - each file and directory in /etc/netns/NAME covers the one of the same name in /etc, if the
///     handle has a name (netns_name()). A symbolic link in /etc is covered itself, also one that leads
///     nowhere: the program goes on seeing the namespace's file when the host replaces the file that
///     /etc/resolv.conf leads to, as resolvers do. What the link leads to is not covered at its own
///     path. A directory cannot cover a link, and covers what the link leads to. Symbolic links in
///     /etc/netns/NAME are followed. A file with nothing to cover is left out: there is no such file
///     in /etc, or one is a directory and the other is not. netns_exec() cannot tell of that, as it
///     does not return then: netns_spawn() tells. If the host replaces /etc/resolv.conf itself, link
///     or file, by rename(2), or removes it, the kernel takes off what covers it, unless
///     netns_spawn() is told NETNS_SPAWN_PIN_ETC.
///
/// The working directory is the caller's; one below /sys or /etc is looked up anew, and kept as it was
/// if it is no more. Everything else is as execve(2) has it: signal mask, ignored signals, open
/// descriptors, credentials, limits. What a scheduling policy with SCHED_RESET_ON_FORK keeps from
/// children, it keeps from the program as well; and a blocked signal that is pending for the calling
/// thread alone, as by raise(3), the program does not get.
///
/// A helper thread does the work, and execve(2) ends all the others. Signal handlers may run on it,
/// in the namespace, while it tries: on the calling thread's alternate stack (sigaltstack(2)), or on one
/// of 192 KB.
///
/// A child of vfork(2) may call netns_exec(), netns_errmsg() and _exit(2), and nothing else of this
/// library. What the call allocates stays in the parent until its thread calls netns_exec() again, in
/// another such child say: some 256 KB of address space for each thread that has done so, also for one
/// that has ended since. With musl from 1.2.5 on, such a child must not call netns_exec() either: the
/// helper thread is one of pthread_create(3)'s there, which the parent would take for its own.
///
/// Does not return, or returns
///   -EINVAL     ns, file or argv is NULL, or argv is empty; also: the root directory is not a mount
///               point (after chroot(2), say), or as execve(2) says
///   -ENOENT     no such program in PATH, or the interpreter it names is missing; also, before Linux
///               6.8: /proc is not mounted, and /sys is there
///   -EACCES     no permission to execute what was found, or to read /etc/netns/NAME
///   -EPERM      CAP_SYS_ADMIN is missing, over the namespace or over the mounts; a user namespace may
///               not mount a sysfs; or as execve(2) says
///   -ENOTDIR, -ELOOP, -ENAMETOOLONG, -EISDIR  file is no program's path
///   -ENOEXEC, -ELIBBAD, -ETXTBSY, -EIO  the program cannot be run
///   -E2BIG      argv and envp are too long
///   -EAGAIN     no helper thread could be started, or the limit on processes is reached
///   -ENOSPC     the limit on mount namespaces or on mounts is reached
///   -EMFILE, -ENFILE, -ENOMEM  no descriptor or memory to be had
///   -ENOTRECOVERABLE  a seccomp filter has ended the helper thread instead of failing its system call
/// and what else execve(2) or, for a file of /etc/netns/NAME, mount(2) says.
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
        // SAFETY: the caller passes NULL, or arrays of strings with a NULL at the end.
        let (program, arguments) = unsafe { program(file, argv, envp) }?;
        let plan = Plan::new(&convert::handle(ns)?.0, Options::default(), program, arguments)?;
        exec::exec(plan, |as_called| cancelability.bring_back(as_called), &call.detail)
    })
}

/// Starts the program in the namespace, beside this process, as posix_spawn(3) would, and returns when
/// it runs. What it sees of /sys and /etc is as netns_exec() says, unless options say otherwise.
///
/// options  NULL: all as netns_exec() has it. With both NETNS_SPAWN_KEEP_SYS and
///          NETNS_SPAWN_KEEP_ETC the program has no mount namespace of its own, and what it mounts is
///          seen outside.
/// file, argv, envp  as for netns_exec().
/// pid      receives the child's process id, which is yours to wait for, as with fork(2). May be NULL
///          if options->pidfd is not.
///
/// With NETNS_SPAWN_USER the program runs as options->uid, options->gid and options->groups. Everything
/// else is done before, with the caller's rights, except that options->cwd is entered and the program
/// found and executed with the user's own. Capabilities, the parent-death signal and the rest are what
/// setresuid(2) makes of them. The child has a copy of this process's memory then, which takes longer
/// to start in a large process. With NETNS_SPAWN_SETSID it has a session of its own and no controlling
/// terminal.
///
/// Where a file of /etc/netns/NAME has nothing to cover in /etc, the program starts without it, and
/// netns_errmsg() names the first such file and says what to do, although the call has not failed.
/// With NETNS_SPAWN_TELL_ETC the call then returns how many there are. With NETNS_SPAWN_STRICT_ETC it
/// fails instead.
///
/// With NETNS_SPAWN_PIN_ETC, and if there are files in /etc/netns/NAME, /etc is a read-only overlay of
/// the host's /etc, on which those files and what was mounted below /etc are mounted: the host does not
/// uncover them, whatever it replaces or removes in its /etc. Of the files that are not covered the
/// program sees the old one, the new one or neither when the host replaces or removes one. What the
/// host mounts below /etc later it does not see. The kernel has to have overlayfs, and in a user
/// namespace to be Linux 5.11 or later.
///
/// The program starts with the calling thread's signal mask, credentials (without NETNS_SPAWN_USER) and
/// scheduling. A signal that has a handler has its default action, one that is ignored stays ignored.
/// Descriptors that are not close-on-exec are inherited. Handlers of pthread_atfork(3) do not run.
///
/// The calling thread waits until the program runs, like after vfork(2); the other threads go on. A
/// child that fails is waited for, and raises no SIGCHLD.
///
/// Returns 0 (with NETNS_SPAWN_TELL_ETC the number of files that have nothing to cover), or, when there
/// is no child,
///   -EINVAL     ns, file or argv is NULL, argv is empty, neither pid nor options->pidfd is given,
///               options->size is too small, a flag is unknown, a descriptor is less than -1; a user
///               or group id is -1 or not mapped in the user namespace, options->groups is NULL and
///               options->groups_len is not 0, or there are more than 65536 groups; with
///               NETNS_SPAWN_PIN_ETC, /etc cannot be in an overlay, as one of two overlays on each
///               other cannot; also: the root directory is not a mount point (after chroot(2), say),
///               or as execve(2) says
///   -E2BIG      options has members that this version does not know, and they are not zero; or argv
///               and envp are too long
///   -EBADF      one of the three descriptors is not open
///   -ENOENT     no such program in PATH, or the interpreter it names is missing; no such directory as
///               options->cwd; with NETNS_SPAWN_STRICT_ETC, a file has nothing to cover in /etc, or is
///               a symbolic link to nowhere; before Linux 6.8: /proc is not mounted, and /sys is there
///               and not to be kept, or /etc is to be pinned
///   -EACCES     no permission to execute what was found, to enter options->cwd, or to read
///               /etc/netns/NAME
///   -EPERM      CAP_SYS_ADMIN is missing, over the namespace or over the mounts; a user namespace may
///               not mount a sysfs (NETNS_SPAWN_KEEP_SYS does without), nor an overlay before Linux
///               5.11; with NETNS_SPAWN_USER,
///               CAP_SETGID or CAP_SETUID is missing, or the user namespace denies setgroups(2); or as
///               execve(2) says
///   -ENOTDIR, -ELOOP, -ENAMETOOLONG, -EISDIR  file is no program's path, or options->cwd no
///               directory's; with NETNS_SPAWN_STRICT_ETC, ENOTDIR: a file would have to cover a
///               directory, or the other way round; ELOOP: symbolic links in a circle
///   -ENODEV     with NETNS_SPAWN_PIN_ETC: this kernel has no overlayfs
///   -ENOEXEC, -ELIBBAD, -ETXTBSY, -EIO  the program cannot be run
///   -EAGAIN     the limit on processes is reached, the caller's or that of options->uid
///   -ENOSPC     the limit on mount namespaces or on mounts is reached
///   -ENOSYS     a pidfd was asked for, and this is Linux before 5.2
///   -ECANCELED  a signal has ended the child before it was the program
///   -EMFILE, -ENFILE, -ENOMEM  no descriptor or memory to be had
/// and what else clone(2), execve(2) or, for a file of /etc/netns/NAME, mount(2) says.
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
        // SAFETY: the caller passes NULL, or arrays of strings with a NULL at the end; options, and
        // what they point at, are there until the call returns.
        let ((program, arguments), options) =
            unsafe { (program(file, argv, envp)?, convert::input(options)?) };
        let pidfd = options.map_or(ptr::null_mut(), |options| options.pidfd);
        if pid.is_null() && pidfd.is_null() {
            return Err(Failure::invalid("no place for the child's process ID or pidfd given"));
        }
        let tells = options.is_some_and(|raw| raw.flags & NETNS_SPAWN_TELL_ETC != 0);
        // SAFETY: the same.
        let options =
            unsafe { options.map_or(Ok(Options::default()), |raw| convert_options(&raw)) }?;
        let plan = Plan::new(&ns.0, options, program, arguments)?;
        let child = spawn::spawn(plan, !pidfd.is_null(), &call.detail)?;
        let left_out = child.left_out;
        // SAFETY: the caller passes NULL or room for an int.
        unsafe { store(child, pid, pidfd) };
        let Some(left_out) = left_out else { return Ok(0) };
        message::store(&convert::about("spawn", Object::Program(&call)), left_out.first);
        Ok(if tells { left_out.count } else { 0 })
    })
}

fn about_program<'a>(ns: Option<&'a Netns>, file: Option<&'a CStr>) -> ProgramCall<'a> {
    ProgramCall { file, ns: convert::shown(ns), detail: Detail::default() }
}

/// The program and where it is looked up, and what it is given.
type Called<'a> = ((&'a CStr, Option<&'a CStr>), Arguments<'a>);

unsafe fn program<'a>(
    file: Option<&'a CStr>,
    argv: *const *mut c_char,
    envp: *const *mut c_char,
) -> Result<Called<'a>> {
    let file = convert::required(file, "no program given")?;
    // SAFETY: the caller passes NULL or an array with a NULL at the end; Argument is such a pointer.
    // libc keeps an array in environ, or NULL; the program that changes it meanwhile, in another
    // thread, may not start programs either.
    unsafe {
        let envp = if envp.is_null() { environ } else { envp.cast() };
        let arguments = Arguments::new(arguments(argv.cast()), ArgumentArray::new(envp))?;
        Ok(((file, path()), arguments))
    }
}

/// The caller's PATH, if it has one.
unsafe fn path<'a>() -> Option<&'a CStr> {
    // SAFETY: getenv gives NULL or a string; the caller keeps the environment as it is meanwhile.
    secure_path().or_else(|| unsafe { text(libc::getenv(c"PATH".as_ptr())) })
}

/// With the NULL at the end; nothing at all if the array is NULL.
unsafe fn arguments<'a>(array: *const Argument) -> &'a [Argument] {
    if array.is_null() {
        return &[];
    }
    let mut count = 0;
    // SAFETY: the array is read up to the NULL at its end, and lives as long as the call.
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
            // SAFETY: they are the caller's, and stay open during the call; if one is not open, the
            // first system call says so.
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

/// What setresuid(2) and its like take for a word to leave the id as it is.
const NO_ID: u32 = u32::MAX;

/// NGROUPS_MAX: the kernel takes no more.
const MOST_GROUPS: usize = 65536;

unsafe fn user<'a>(raw: &NetnsSpawnOptions) -> Result<User<'a>> {
    // SAFETY: the caller passes groups_len groups, or NULL.
    let groups = unsafe { groups(raw.groups, raw.groups_len) }?;
    if raw.uid == NO_ID || raw.gid == NO_ID || groups.contains(&NO_ID) {
        return Err(Failure::invalid("user or group ID -1"));
    }
    // SAFETY: a Gid is such a number, and nothing else.
    let groups = unsafe { slice::from_raw_parts(groups.as_ptr().cast::<Gid>(), groups.len()) };
    Ok(User { uid: Uid::from_raw(raw.uid), gid: Gid::from_raw(raw.gid), groups })
}

unsafe fn groups<'a>(groups: *const u32, len: usize) -> Result<&'a [u32]> {
    if len == 0 {
        return Ok(&[]);
    }
    if groups.is_null() {
        return Err(Failure::invalid("no groups given, although their number is not 0"));
    }
    if len > MOST_GROUPS {
        return Err(Failure::invalid("more than 65536 supplementary groups"));
    }
    // SAFETY: see the caller.
    Ok(unsafe { slice::from_raw_parts(groups, len) })
}

unsafe fn descriptor<'a>(fd: c_int) -> Result<Option<BorrowedFd<'a>>> {
    match fd {
        -1 => Ok(None),
        fd if fd < 0 => Err(Failure::invalid("a descriptor is less than -1")),
        // SAFETY: see the caller.
        fd => Ok(Some(unsafe { BorrowedFd::borrow_raw(fd) })),
    }
}

unsafe fn store(child: Child, pid: *mut libc::pid_t, pidfd: *mut i32) {
    // SAFETY: see the caller; there is a pidfd if there is room for it.
    unsafe {
        if let Some(pid) = pid.as_mut() {
            *pid = child.pid;
        }
        if let Some(fd) = child.pidfd {
            pidfd.write(fd.into_raw_fd());
        }
    }
}
