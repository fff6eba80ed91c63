//! Errors: which errno, at which step, and what the caller can do about it.
//!
//! An [`Error`] is small, `Copy` and made without allocating, because `enter`, `leave`, `socket`
//! and `setns` promise to allocate nothing even when they fail. What the call was about (its
//! [`Subject`]) is known at the top only, so the two meet when the message is written.

use std::cell::{Cell, RefCell};
use std::ffi::CStr;
use std::fmt::{self, Display, Formatter, Write};

use nix::errno::Errno;

use crate::namespace::Namespace;
use crate::rundir::DEFAULT_RUN_DIR;
use crate::strings::Strings;
use crate::sys;

pub type Result<T> = std::result::Result<T, Error>;

/// Why a call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error {
    /// What the call returns.
    pub errno: Errno,
    /// What the system call said, where the contract has another word for it.
    cause: Errno,
    pub step: Step,
    /// Says more than the step's own advice, where more is known.
    pub hint: Option<&'static str>,
    /// Which of the kernel's texts goes with it; 0: none.
    kernel: u32,
}

/// What the kernel says of a refusal, in its own words (netlink's extended acknowledgement).
#[derive(Clone, Copy)]
struct KernelText {
    /// The request that was refused.
    request: u32,
    len: usize,
    bytes: [u8; KernelText::CAPACITY],
}

impl KernelText {
    /// NETLINK_MAX_FMTMSG_LEN: the kernel formats no longer one.
    const CAPACITY: usize = 80;
    const NONE: KernelText = KernelText { request: 0, len: 0, bytes: [0; KernelText::CAPACITY] };

    /// What `text` has before its first NUL.
    fn new(request: u32, text: &[u8]) -> KernelText {
        let mut kept = KernelText { request, ..KernelText::NONE };
        for (to, from) in kept.bytes.iter_mut().zip(text.iter().take_while(|byte| **byte != 0)) {
            *to = *from;
            kept.len += 1;
        }
        kept
    }
}

thread_local! {
    /// The last one, a part of the thread's message that is known before the rest of it. In the
    /// errors themselves it would make every `Result` of the library a hundred bytes long, and the
    /// library 20 KB.
    static KERNEL_TEXT: Cell<KernelText> = const { Cell::new(KernelText::NONE) };
}

impl Error {
    pub fn new(step: Step, errno: impl Into<Cause>) -> Error {
        let Cause(errno) = errno.into();
        Error { errno, cause: errno, step, hint: None, kernel: 0 }
    }

    /// The caller's argument is at fault.
    pub fn invalid(what: &'static str) -> Error {
        Error::new(Step::Argument, Errno::EINVAL).hint(what)
    }

    /// What is there already where a new name was to be.
    pub fn exists() -> Error {
        Error::new(Step::Exists, Errno::EEXIST)
    }

    /// Something is there, but it is `what` and not a network namespace.
    pub fn not_a_namespace(what: &'static str) -> Error {
        Error::new(Step::Prove, Errno::ENOTTY).hint(what)
    }

    /// No memory for what the library itself keeps.
    pub fn no_memory() -> Error {
        Error::new(Step::Memory, Errno::ENOMEM)
    }

    pub fn hint(self, hint: &'static str) -> Error {
        Error { hint: Some(hint), ..self }
    }

    /// The kernel's text about the request with this number, which is shown if it is still the
    /// thread's last one.
    pub fn kernel(self, request: u32, text: &[u8]) -> Error {
        KERNEL_TEXT.set(KernelText::new(request, text));
        Error { kernel: request, ..self }
    }

    /// The same failure under the errno that the contract has for it.
    pub fn as_errno(self, errno: Errno) -> Error {
        Error { errno, ..self }
    }
}

/// An errno, from whichever crate made the system call. One that has no name (the kernel's inner
/// ones leak out at times, and a seccomp filter may answer any number) would be nix's 0, a success.
pub struct Cause(Errno);

impl From<Errno> for Cause {
    fn from(errno: Errno) -> Cause {
        match errno {
            Errno::UnknownErrno => Cause(Errno::EIO),
            errno => Cause(errno),
        }
    }
}

impl From<rustix::io::Errno> for Cause {
    fn from(errno: rustix::io::Errno) -> Cause {
        self::errno(errno).into()
    }
}

/// rustix's errno as nix has it.
pub fn errno(errno: rustix::io::Errno) -> Errno {
    Errno::from_raw(errno.raw_os_error())
}

impl From<std::io::Error> for Cause {
    fn from(error: std::io::Error) -> Cause {
        error.raw_os_error().map_or(Errno::EAGAIN, Errno::from_raw).into()
    }
}

/// Names the step at which a `Result` fails.
pub trait At<T> {
    fn at(self, step: Step) -> Result<T>;
}

impl<T, E: Into<Cause>> At<T> for std::result::Result<T, E> {
    fn at(self, step: Step) -> Result<T> {
        self.map_err(|errno| Error::new(step, errno))
    }
}

/// The step that a call failed at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Argument,
    Memory,
    OpenRunDir,
    MakeRunDir,
    MountRunDir,
    ReadRunDir,
    Look,
    Placeholder,
    Bind,
    Unmount,
    Unlink,
    Exists,
    Open,
    OpenPath,
    Prove,
    Duplicate,
    OpenHome,
    ProveWayBack,
    Unshare,
    Setns,
    GoBack,
    Token,
    HelperThread,
    Loopback,
    Socket,
    Cookie,
    FindNamespace,
    ReadProc,
    Monitor,
    Netlink,
    GetId,
    SetId,
    ListIds,
    FindLink,
    MoveLink,
    ReadMounts,
    ReadEtc,
    Clone,
    Handlers,
    UnshareMounts,
    MakeSlave,
    PickUp,
    MountSys,
    PutBack,
    BindEtc,
    Chdir,
    Stdio,
    Pidfd,
    Exec,
    Killed,
    DeathSignal,
    Mask,
    Panic,
}

/// What a step is done to, as far as the message shows it.
enum Place {
    Nothing,
    RunDir,
    Entry,
    /// What a program's call has got to.
    Detail,
}

impl Step {
    fn text(self) -> (&'static str, Place) {
        use Place::{Detail, Entry, Nothing, RunDir};
        match self {
            Step::Argument => ("argument", Nothing),
            Step::Memory => ("allocate", Nothing),
            Step::OpenRunDir => ("open ", RunDir),
            Step::MakeRunDir => ("make the directory ", RunDir),
            Step::MountRunDir => ("make a shared mount point of ", RunDir),
            Step::ReadRunDir => ("read ", RunDir),
            Step::Look => ("look at ", Entry),
            Step::Placeholder => ("make ", Entry),
            Step::Bind => ("bind on ", Entry),
            Step::Unmount => ("unmount ", Entry),
            Step::Unlink => ("unlink ", Entry),
            Step::Exists | Step::Prove => ("", Entry),
            Step::Open | Step::OpenPath => ("open ", Entry),
            Step::Duplicate => ("duplicate the descriptor", Nothing),
            Step::OpenHome => ("open the thread's own namespace", Nothing),
            Step::ProveWayBack => ("no way back: setns to the thread's own namespace", Nothing),
            Step::Unshare => ("unshare(CLONE_NEWNET)", Nothing),
            Step::Setns => ("setns", Nothing),
            Step::GoBack => ("setns back to where the thread came from", Nothing),
            Step::Token => ("token", Nothing),
            Step::HelperThread => ("start a helper thread", Nothing),
            Step::Loopback => ("bring lo up", Nothing),
            Step::Socket => ("socket", Nothing),
            Step::Cookie => ("read the cookie", Nothing),
            Step::FindNamespace => ("find its network namespace", Nothing),
            Step::ReadProc => ("read /proc", Nothing),
            Step::Monitor => ("watch ", RunDir),
            Step::Netlink => ("rtnetlink", Nothing),
            Step::GetId | Step::ListIds => ("RTM_GETNSID", Nothing),
            Step::SetId => ("RTM_NEWNSID", Nothing),
            Step::FindLink => ("RTM_GETLINK", Nothing),
            Step::MoveLink => ("RTM_SETLINK", Nothing),
            Step::ReadMounts => ("read the mounts below /sys", Nothing),
            Step::ReadEtc => ("read its directory in /etc/netns", Nothing),
            Step::Clone => ("make a child process", Nothing),
            Step::Handlers => ("reset a signal's handler", Nothing),
            Step::UnshareMounts => ("unshare(CLONE_NEWNS)", Nothing),
            Step::MakeSlave => ("make the mounts slaves", Nothing),
            Step::PickUp => ("copy the mount ", Detail),
            Step::MountSys => ("mount sysfs on /sys", Nothing),
            Step::PutBack => ("mount again ", Detail),
            Step::BindEtc => ("bind on ", Detail),
            Step::Chdir => ("change to the directory ", Detail),
            Step::Stdio => ("set up ", Detail),
            Step::Pidfd => ("open a pidfd", Nothing),
            Step::Exec => ("exec", Nothing),
            Step::Killed => ("killed before it was the program", Nothing),
            Step::DeathSignal => ("prctl(PR_SET_PDEATHSIG)", Nothing),
            Step::Mask => ("change the signal mask", Nothing),
            Step::Panic => ("internal error", Nothing),
        }
    }

    /// What to do about `errno` at this step, where that is known.
    fn advice(self, errno: Errno) -> Option<&'static str> {
        const NO_DESCRIPTOR: &str = "this process has RLIMIT_NOFILE descriptors open";
        match (self, errno) {
            (Step::Monitor, Errno::EMFILE) => Some(
                "RLIMIT_NOFILE, or the limit on monitors, /proc/sys/fs/inotify/max_user_instances",
            ),
            (Step::Monitor, Errno::ENOSPC) => {
                Some("the limit on watches, /proc/sys/fs/inotify/max_user_watches")
            }
            (_, Errno::EMFILE) => Some(NO_DESCRIPTOR),
            (_, Errno::ENFILE) => Some("the system's limit, /proc/sys/fs/file-max"),
            (Step::Bind | Step::Unmount | Step::MountRunDir, Errno::EPERM) => {
                Some("needs CAP_SYS_ADMIN over the mount namespace")
            }
            (Step::Bind | Step::MountRunDir, Errno::ENOSPC) => {
                Some("the limit on mounts, /proc/sys/fs/mount-max")
            }
            (Step::Unshare, Errno::EPERM) => {
                Some("needs CAP_SYS_ADMIN; a plain user makes a user namespace first")
            }
            (Step::Unshare, Errno::ENOSPC) => {
                Some("the limit on namespaces, /proc/sys/user/max_net_namespaces")
            }
            (Step::Setns, Errno::EPERM) => Some(
                "needs CAP_SYS_ADMIN in one's own user namespace and in the one that owns the target",
            ),
            (Step::ProveWayBack, Errno::EPERM) => Some(
                "going back needs CAP_SYS_ADMIN in the user namespace that owns it; \
                 use netns_setns in a thread of your own",
            ),
            (Step::GoBack, _) => Some("the thread is in the wrong namespace: end it"),
            (Step::Placeholder | Step::Unlink | Step::MakeRunDir, Errno::EACCES | Errno::EPERM) => {
                Some("the run directory belongs to another user; name one of your own")
            }
            (Step::OpenPath, Errno::EACCES) => {
                Some("another user's process in /proc needs CAP_SYS_PTRACE")
            }
            (Step::FindNamespace, Errno::EACCES | Errno::EPERM) => Some(
                "needs CAP_SYS_PTRACE over the process, CAP_NET_ADMIN over a socket's namespace",
            ),
            (Step::FindNamespace, Errno::ESRCH) => Some("no such process, or it has ended"),
            (Step::UnshareMounts, Errno::EPERM) => {
                Some("needs CAP_SYS_ADMIN, or NETNS_SPAWN_KEEP_SYS and NETNS_SPAWN_KEEP_ETC")
            }
            (Step::UnshareMounts, Errno::ENOSPC) => {
                Some("the limit on namespaces, /proc/sys/user/max_mnt_namespaces, or on mounts")
            }
            (Step::MakeSlave, Errno::EINVAL) => {
                Some("the root directory has to be a mount point, which after chroot it may not be")
            }
            (Step::MountSys, Errno::EPERM) => Some(
                "a user namespace needs to see a whole sysfs to mount one; \
                 NETNS_SPAWN_KEEP_SYS does without",
            ),
            (Step::ReadMounts, Errno::ENOENT) => Some("is /proc mounted?"),
            (Step::ReadEtc, Errno::EACCES) => Some("NETNS_SPAWN_KEEP_ETC does without"),
            (Step::Clone, Errno::EAGAIN) => {
                Some("the limit on processes, RLIMIT_NPROC or a cgroup's")
            }
            (Step::Stdio, Errno::EBADF) => Some("it is not open"),
            (Step::Pidfd, Errno::ENOSYS) => Some("pidfds came with Linux 5.2"),
            (Step::Exec, Errno::ENOENT) => {
                Some("no such program, or the interpreter that it names is missing")
            }
            (Step::Exec, Errno::EACCES) => Some("no permission to execute it, or no regular file"),
            (Step::Loopback, Errno::EPERM) => Some("needs CAP_NET_ADMIN over the namespace"),
            (Step::Cookie, Errno::EOPNOTSUPP) => Some("cookies came with Linux 5.14"),
            (Step::GetId, Errno::ENODATA) => Some("it has none; netns_nsid_set gives it one"),
            (Step::SetId, Errno::EPERM) => {
                Some("needs CAP_NET_ADMIN over the namespace that is to have the id")
            }
            (Step::MoveLink, Errno::EPERM) => Some("needs CAP_NET_ADMIN over both namespaces"),
            (Step::FindLink, Errno::ENODEV) => Some("the namespace has no interface of this name"),
            (Step::ListIds, Errno::EACCES) => Some("needs CAP_NET_ADMIN over the target"),
            (Step::OpenHome | Step::Duplicate, Errno::ENOENT) => Some("is /proc mounted?"),
            (Step::MountRunDir, Errno::ENOENT) => Some("before Linux 5.12 this needs /proc"),
            (Step::Look | Step::Open, Errno::ENOENT) => {
                Some("netns_list shows the names there are")
            }
            _ => None,
        }
    }
}

/// What a call was about: its verb and its object.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    pub verb: &'static str,
    pub rundir: Option<&'a CStr>,
    pub object: Object<'a>,
}

#[derive(Clone, Copy)]
pub enum Object<'a> {
    Nothing,
    Null,
    Name(&'a CStr),
    Path(&'a CStr),
    Pid(i32),
    Descriptor(i32),
    Handle(&'a Namespace),
    Program(&'a ProgramCall<'a>),
}

/// A program to be started.
pub struct ProgramCall<'a> {
    pub file: Option<&'a CStr>,
    pub ns: Option<&'a Namespace>,
    pub detail: Detail,
}

/// Which of several things has failed, filled in by who knows. Not a part of the error, which would
/// make every `Result` of the library as long.
#[derive(Default)]
pub struct Detail(RefCell<Strings>);

impl Detail {
    pub fn set(&self, text: &CStr) {
        let mut strings = Strings::default();
        // Without memory for it the message does without.
        if strings.push(&[text.to_bytes()]).is_ok() {
            self.0.replace(strings);
        }
    }
}

fn write_handle(ns: &Namespace, f: &mut Formatter) -> fmt::Result {
    match ns.name().or(ns.path()) {
        Some(text) => write!(f, " \"{}\"", Quoted(text)),
        None => write!(f, " net:[{}]", ns.inode()),
    }
}

/// What strerror(3) says, except where that would send nobody the right way.
fn write_errno(errno: Errno, f: &mut Formatter) -> fmt::Result {
    if errno == Errno::ENOTTY {
        return f.write_str("not a network namespace");
    }
    let mut buffer = [0; 128];
    write_escaped(sys::error_text(errno, &mut buffer), f)
}

/// The line that says why a call about `subject` failed.
pub struct Explanation<'a> {
    subject: &'a Subject<'a>,
    error: Error,
}

impl Display for Explanation<'_> {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        self.subject.write(&self.error, f)
    }
}

impl Subject<'_> {
    /// The one line that explains `error`.
    pub fn explain(&self, error: Error) -> Explanation<'_> {
        Explanation { subject: self, error }
    }

    fn write(&self, error: &Error, f: &mut Formatter) -> fmt::Result {
        f.write_str(self.verb)?;
        self.write_object(f)?;
        f.write_str(": ")?;
        let (text, place) = error.step.text();
        f.write_str(text)?;
        match place {
            Place::Nothing => {}
            Place::RunDir => Quoted(self.rundir()).fmt(f)?,
            Place::Entry => self.write_entry(f)?,
            Place::Detail => self.write_detail(f)?,
        }
        f.write_str(": ")?;
        write_errno(error.cause, f)?;
        let text = KERNEL_TEXT.get();
        if error.kernel == text.request && text.len > 0 {
            f.write_str(": ")?;
            write_escaped(&text.bytes[..text.len], f)?;
        }
        match error.hint.or_else(|| error.step.advice(error.cause)) {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }

    fn write_detail(&self, f: &mut Formatter) -> fmt::Result {
        let Object::Program(call) = self.object else { return Ok(()) };
        call.detail.0.borrow().iter().try_for_each(|text| Quoted(text).fmt(f))
    }

    fn rundir(&self) -> &CStr {
        self.rundir.unwrap_or(DEFAULT_RUN_DIR)
    }

    fn write_object(&self, f: &mut Formatter) -> fmt::Result {
        match self.object {
            Object::Nothing => Ok(()),
            Object::Null => f.write_str(" NULL"),
            Object::Name(text) | Object::Path(text) => write!(f, " \"{}\"", Quoted(text)),
            Object::Pid(pid) => write!(f, " pid {pid}"),
            Object::Descriptor(fd) => write!(f, " descriptor {fd}"),
            Object::Handle(ns) => write_handle(ns, f),
            Object::Program(call) => {
                match call.file {
                    Some(file) => write!(f, " \"{}\" in", Quoted(file))?,
                    None => f.write_str(" NULL in")?,
                }
                match call.ns {
                    Some(ns) => write_handle(ns, f),
                    None => f.write_str(" NULL"),
                }
            }
        }
    }

    /// The path that a name stands for; what is no name or path has shown itself already.
    fn write_entry(&self, f: &mut Formatter) -> fmt::Result {
        match self.object {
            Object::Name(name) => write!(f, "{}/{}", Quoted(self.rundir()), Quoted(name)),
            Object::Path(path) => Quoted(path).fmt(f),
            _ => f.write_str("it"),
        }
    }
}

/// A caller's string on one line and of bounded length: control bytes are shown as `\xNN`, and the
/// middle of a long one is left out.
struct Quoted<'a>(&'a CStr);

/// Of a text as it is, and of one in which each byte may become four.
const LONGEST: usize = 320;
const LONGEST_ESCAPED: usize = LONGEST / 4;

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        let bytes = self.0.to_bytes();
        let plain = bytes.iter().all(|byte| (b' '..=b'~').contains(byte));
        let longest = if plain { LONGEST } else { LONGEST_ESCAPED };
        if bytes.len() <= longest {
            return write_escaped(bytes, f);
        }
        let kept = longest * 2 / 5;
        write_escaped(&bytes[..kept], f)?;
        f.write_str("...")?;
        write_escaped(&bytes[bytes.len() - kept..], f)
    }
}

fn write_escaped(bytes: &[u8], f: &mut Formatter) -> fmt::Result {
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                c if c.is_control() => write!(f, "\\x{:02x}", c as u32)?,
                c => f.write_char(c)?,
            }
        }
        for byte in chunk.invalid() {
            write!(f, "\\x{byte:02x}")?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(verb: &'static str, name: &CStr, error: Error) -> String {
        let subject = Subject { verb, rundir: None, object: Object::Name(name) };
        subject.explain(error).to_string()
    }

    #[test]
    fn a_message_names_object_step_cause_and_remedy() {
        let error = Error::new(Step::Bind, Errno::EPERM);
        assert_eq!(
            named("create", c"blue", error),
            "create \"blue\": bind on /run/netns/blue: Operation not permitted \
             (needs CAP_SYS_ADMIN over the mount namespace)"
        );
    }

    #[test]
    fn a_message_is_one_line_of_valid_text() {
        let error = Error::new(Step::Look, Errno::EIO);
        assert_eq!(
            named("open", c"a\nb\xff", error),
            "open \"a\\x0ab\\xff\": look at /run/netns/a\\x0ab\\xff: Input/output error"
        );
    }

    #[test]
    fn a_long_path_keeps_both_ends() {
        let path = std::ffi::CString::new([&[b'a'; 2000][..], b"/end"].concat()).unwrap();
        let subject = Subject { verb: "open", rundir: None, object: Object::Path(&path) };
        let text = subject.explain(Error::new(Step::Open, Errno::EIO)).to_string();
        assert!(text.len() < 700, "{}", text.len());
        assert!(text.contains("...") && text.contains("/end:"), "{text}");
    }

    #[test]
    fn the_kernel_has_its_say() {
        let refused = |request, text: &[u8]| {
            let error = Error::new(Step::SetId, Errno::EEXIST);
            named("id", c"blue", error.kernel(request, text))
        };
        let plain = "id \"blue\": RTM_NEWNSID: File exists";
        assert_eq!(refused(1, b"Peer\nhas one\0garbage"), format!("{plain}: Peer\\x0ahas one"));
        assert_eq!(refused(2, &[b'x'; 500]), format!("{plain}: {}", "x".repeat(80)));
        assert_eq!(refused(3, b""), plain);
        // Nor does it speak for another error.
        assert_eq!(named("id", c"blue", Error::new(Step::SetId, Errno::EEXIST)), plain);
        let first = Error::new(Step::SetId, Errno::EEXIST).kernel(4, b"first");
        refused(5, b"second");
        assert_eq!(named("id", c"blue", first), plain);
    }

    #[test]
    fn not_a_namespace_says_so_instead_of_enotty() {
        let error = Error::not_a_namespace("a directory");
        assert_eq!(
            named("open", c"d", error),
            "open \"d\": /run/netns/d: not a network namespace (a directory)"
        );
    }
}
