//! The calling thread's switch to a network namespace and back.
//!
//! A call that switches namespaces first verifies that it can switch back: that takes setns(2) as well, which
//! fails for a thread without CAP_SYS_ADMIN in the user namespace that owns its own network namespace.

use std::mem::ManuallyDrop;
use std::num::NonZeroU32;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicU32, Ordering};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sched::{CloneFlags, setns, unshare};
use nix::unistd::gettid;
use rustix::thread::{CapabilitySet, capabilities};

use crate::error::{At, Failure, Result, Step};
use crate::namespace::identity::NamespaceFd;
use crate::os::helper_thread::on_helper_thread;
use crate::os::open::{READ, open};
use crate::os::retry::is_shortage;
use crate::os::sigmask::BlockedSignals;
use crate::os::{forked, pidfd, procfs, syscalls};

/// What tells a token from every other descriptor: nsfs gives these flags no meaning, and nobody
/// else opens a namespace with both of them. By it [`leave`] refuses a handle's descriptor, one of the
/// program's own, or a number that has been closed and given to another file.
const TOKEN_MARK: OFlag = OFlag::O_APPEND.union(OFlag::O_NONBLOCK);

/// setns(2) back may fail for want of memory, which passes.
const MOST_SETNS_BACK: u32 = 8;

/// The namespace that the thread came from.
struct Home(OwnedFd);

impl Home {
    fn open() -> Result<Home> {
        open(procfs::THREAD_NET, TOKEN_MARK | OFlag::O_CLOEXEC)
            .or_else(|errno| marked_without_proc().map_err(|other| the_cause(errno, other)))
            .map(Home)
            .at(Step::OpenHome)
    }

    /// Goes to where the thread is already: what that needs, coming back will need.
    fn prove(self) -> Result<Home> {
        setns(&self.0, CloneFlags::CLONE_NEWNET).at(Step::ProveWayBack)?;
        Ok(self)
    }

    /// The home that a token stands for. It is closed by who drops it, and by nobody else.
    ///
    /// # Safety
    ///
    /// No value of Rust's owns the descriptor: it is a token that [`Visit::into_token`] gave, or the
    /// program's own.
    unsafe fn of_token(token: RawFd) -> Result<ManuallyDrop<Home>> {
        if token < 0 {
            return Err(Failure::new(Step::Token, Errno::EBADF));
        }
        // SAFETY: the descriptor is only asked what it is; if it is not open, fcntl says EBADF.
        let fd = unsafe { BorrowedFd::borrow_raw(token) };
        let flags = OFlag::from_bits_retain(fcntl(fd, FcntlArg::F_GETFL).at(Step::Token)?);
        if !flags.contains(TOKEN_MARK) || flags & OFlag::O_ACCMODE != OFlag::O_RDONLY {
            return Err(no_token());
        }
        // SAFETY: it has the mark, so it is a token, which the caller says nobody owns.
        Ok(ManuallyDrop::new(Home(unsafe { OwnedFd::from_raw_fd(token) })))
    }

    fn go_back(&self) -> Result<()> {
        go_back(self.0.as_fd())
    }
}

/// The errno is the kernel's.
fn go_back(home: BorrowedFd) -> Result<()> {
    let mut result = setns(home, CloneFlags::CLONE_NEWNET);
    for _ in 1..MOST_SETNS_BACK {
        match result {
            // EINVAL: the descriptor is no network namespace, and will not become one.
            Ok(()) | Err(Errno::EINVAL) => break,
            Err(_) => result = setns(home, CloneFlags::CLONE_NEWNET),
        }
    }
    result.at(Step::GoBack)
}

/// Whether a thread of this process has once switched to the namespace of a handle.
///
/// setns(2) to a namespace wants CAP_SYS_ADMIN in the thread's own user namespace and in the one that owns
/// the target (netns_install() in net/core/net_namespace.c). A thread that could switch to `home` once can
/// therefore do so again whenever it can switch anywhere, as long as it stays in its user namespace. To
/// change that, a process has to fork, or has to have no other thread and to ask for it.
#[derive(Debug, Default)]
pub struct ProvenReturn(AtomicU32);

/// A handle of the namespace that the thread is in, kept open by the caller to go back by.
#[derive(Clone, Copy)]
pub struct KeptHome<'a> {
    fd: NamespaceFd<'a>,
    proven: &'a ProvenReturn,
}

impl<'a> KeptHome<'a> {
    pub fn new(fd: NamespaceFd<'a>, proven: &'a ProvenReturn) -> KeptHome<'a> {
        KeptHome { fd, proven }
    }

    /// Takes the thread to `ns`. It has to go back by [`KeptHome::go_back`]. A thread that is not in this
    /// home may be in it after a failure.
    pub fn leave_for(self, ns: NamespaceFd) -> Result<()> {
        let to = Destination::Existing(ns);
        self.prove().map_err(|failure| to.why_not(failure))?;
        to.go()
    }

    /// A switch for each visit would cost half of what a visit costs: one is enough for a process.
    fn prove(self) -> Result<()> {
        let process = forked::mark().map_or(0, NonZeroU32::get);
        if process != 0 && self.proven.0.load(Ordering::Relaxed) == process {
            return Ok(());
        }
        setns(self.fd, CloneFlags::CLONE_NEWNET).at(Step::ProveWayBack)?;
        self.proven.0.store(process, Ordering::Relaxed);
        Ok(())
    }

    pub fn go_back(self) -> Result<()> {
        go_back(self.fd.as_fd()).map_err(lost)
    }

    /// For [`end_visit_from`].
    pub fn number(self) -> RawFd {
        self.fd.as_fd().as_raw_fd()
    }
}

/// Ends a stay during which foreign code has run, which may have freed the handle.
///
/// # Safety
///
/// `home` is the number of a [`KeptHome`] whose descriptor is still open.
pub unsafe fn end_visit_from(home: RawFd) -> Result<()> {
    // SAFETY: the caller says so.
    go_back(unsafe { BorrowedFd::borrow_raw(home) }).map_err(lost)
}

fn no_token() -> Failure {
    Failure::new(Step::Token, Errno::EINVAL).hint("it is not a token, or has been used already")
}

/// A thread that has not gone back is the caller's to end.
pub fn lost(failure: Failure) -> Failure {
    Failure::new(Step::GoBack, failure.errno).as_errno(Errno::ENOTRECOVERABLE)
}

fn marked_without_proc() -> nix::Result<OwnedFd> {
    let fd = open_without_proc()?;
    fcntl(&fd, FcntlArg::F_SETFL(TOKEN_MARK))?;
    Ok(fd)
}

/// Where /proc is not mounted, a socket knows its namespace (to who has CAP_NET_ADMIN over it), and
/// from Linux 6.11 on a pidfd its thread's.
fn open_without_proc() -> nix::Result<OwnedFd> {
    let socket = syscalls::socket(libc::AF_UNIX, libc::SOCK_DGRAM, 0)?;
    // SAFETY: it is a socket.
    unsafe { syscalls::namespace_of_socket(socket.as_fd()) }.or_else(|errno| {
        drop(socket);
        pidfd::open(gettid().as_raw())
            // SAFETY: it is a pidfd.
            .and_then(|thread| unsafe { pidfd::network_namespace(thread.as_fd()) })
            .map_err(|other| the_cause(errno, other))
    })
}

/// Why neither of two ways leads to the thread's own namespace: the first one's reason, unless the
/// second one's is a want of descriptors or memory.
fn the_cause(first: Errno, second: Errno) -> Errno {
    if is_shortage(second) { second } else { first }
}

/// The calling thread's own namespace.
pub fn open_current() -> Result<OwnedFd> {
    open(procfs::THREAD_NET, READ)
        .or_else(|errno| open_without_proc().map_err(|other| the_cause(errno, other)))
        .at(Step::OpenHome)
}

/// One way: the thread is in `ns` from here on.
pub fn set(ns: NamespaceFd) -> Result<()> {
    setns(ns, CloneFlags::CLONE_NEWNET).at(Step::Setns)
}

/// A thread's stay in another namespace; it ends with [`Visit::end`] or, where the stack unwinds,
/// with the drop.
pub struct Visit {
    home: Option<Home>,
}

impl Visit {
    pub fn begin(ns: NamespaceFd) -> Result<Visit> {
        Visit::begin_at(Destination::Existing(ns))
    }

    fn begin_at(to: Destination) -> Result<Visit> {
        let home = way_back().map_err(|failure| to.why_not(failure))?;
        to.check_is_not(&home)?;
        to.go()?;
        Ok(Visit { home: Some(home) })
    }

    pub fn end(mut self) -> Result<()> {
        self.home.take().map_or(Ok(()), |home| home.go_back().map_err(lost))
    }

    /// Ends it where the thread is.
    pub fn stay(mut self) {
        self.home = None;
    }

    /// Makes the visit one that ends with [`leave`] or [`end_visit`], whenever that may be.
    pub fn into_token(mut self) -> RawFd {
        self.home.take().map_or(-1, |home| home.0.into_raw_fd())
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        if let Some(home) = self.home.take() {
            // The stack is unwinding; there is nobody to tell.
            let _ = home.go_back();
        }
    }
}

/// A home that the thread can go back to.
fn way_back() -> Result<Home> {
    match Home::open() {
        Ok(home) => home.prove(),
        Err(failure) if is_shortage(failure.errno) => Err(failure),
        // A home that cannot be opened is no way back either.
        Err(failure) => Err(failure.as_errno(Errno::EPERM)),
    }
}

/// Ends the stay that `token` stands for, and closes it. A token that fails stays open, and what is
/// none is left alone.
///
/// # Safety
///
/// No value of Rust's owns the descriptor: it is a token that [`Visit::into_token`] gave, or the
/// program's own.
pub unsafe fn leave(token: RawFd) -> Result<()> {
    // SAFETY: the caller promises what this needs.
    let home = unsafe { Home::of_token(token) }?;
    home.go_back().map_err(|failure| match failure.errno {
        Errno::EINVAL => no_token(),
        _ => lost(failure),
    })?;
    drop(ManuallyDrop::into_inner(home));
    Ok(())
}

/// Ends a stay during which foreign code has run, which may have closed the token and opened something
/// else. The token is closed even if the thread cannot go back.
///
/// # Safety
///
/// As for [`leave`].
pub unsafe fn end_visit(token: RawFd) -> Result<()> {
    // SAFETY: the caller promises what this needs.
    let home = unsafe { Home::of_token(token) }.map_err(lost)?;
    let gone = home.go_back();
    // EINVAL: one that another kind of namespace was opened with.
    if !gone.is_err_and(|failure| failure.errno == Errno::EINVAL) {
        drop(ManuallyDrop::into_inner(home));
    }
    gone.map_err(lost)
}

/// Where a short trip goes.
#[derive(Clone, Copy)]
pub enum Destination<'a> {
    Existing(NamespaceFd<'a>),
    /// A namespace that is made on the way.
    New,
}

impl Destination<'_> {
    fn go(self) -> Result<()> {
        match self {
            Destination::Existing(ns) => set(ns),
            Destination::New => unshare(CloneFlags::CLONE_NEWNET).at(Step::Unshare),
        }
    }

    /// EBADF: `home`, which has just been opened, has the number of the destination, so the program has closed
    /// that. The thread would stay where it is, and work there.
    fn check_is_not(self, home: &Home) -> Result<()> {
        match self {
            Destination::Existing(ns) if ns.as_fd().as_raw_fd() == home.0.as_raw_fd() => {
                Err(self.refused(Errno::EBADF))
            }
            _ => Ok(()),
        }
    }

    /// The failure of a thread that cannot come back, or rather of one that cannot go either.
    fn why_not(self, failure: Failure) -> Failure {
        match failure.errno {
            Errno::EPERM if !self.may_be_entered() => self.refused(Errno::EPERM),
            _ => failure,
        }
    }

    /// What [`Destination::go`] would say.
    fn refused(self, errno: Errno) -> Failure {
        match self {
            Destination::Existing(_) => Failure::new(Step::Setns, errno),
            Destination::New => Failure::new(Step::Unshare, errno),
        }
    }

    /// Whether some thread of the process could go, as far as is known without going: the kernel wants
    /// CAP_SYS_ADMIN in the thread's own user namespace (netns_install() in net/core/net_namespace.c,
    /// unshare_nsproxy_namespaces() in kernel/nsproxy.c), and in the one that owns the destination,
    /// which must be the same or below it, as NS_GET_USERNS tells.
    fn may_be_entered(self) -> bool {
        if capabilities(None)
            .is_ok_and(|thread| !thread.effective.contains(CapabilitySet::SYS_ADMIN))
        {
            return false;
        }
        match self {
            Destination::Existing(ns) => {
                // SAFETY: it has been proved to be a namespace's.
                unsafe { syscalls::namespace_owner(ns.as_fd()) }.err() != Some(Errno::EPERM)
            }
            Destination::New => true,
        }
    }
}

/// Does `work` in another namespace. The calling thread goes there itself where it can come back,
/// with every signal blocked: no handler runs in the wrong place, and no other thread's setuid(2)
/// takes the way back from it. A helper thread goes where it cannot.
///
/// `work` waits for nobody and takes no lock (see [`sigmask`](crate::os::sigmask)).
pub fn within<T: Send>(to: Destination, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    let blocked = BlockedSignals::every()?;
    let visit = match Visit::begin_at(to) {
        Err(Failure { step: Step::OpenHome | Step::ProveWayBack, errno: Errno::EPERM, .. }) => {
            drop(blocked);
            return on_helper_thread(|| {
                // One way: the helper ends in there.
                to.go()?;
                work()
            });
        }
        visit => visit?,
    };
    let result = work();
    visit.end()?;
    result
}

/// Brings `lo` up where the thread is.
pub fn loopback_up_here() -> Result<()> {
    let socket = syscalls::socket(libc::AF_UNIX, libc::SOCK_DGRAM, 0).at(Step::Loopback)?;
    syscalls::loopback_up(socket.as_fd()).at(Step::Loopback)
}

/// socket(2) where the thread is.
pub fn socket_here(domain: i32, kind: i32, protocol: i32) -> Result<OwnedFd> {
    syscalls::socket(domain, kind, protocol).at(Step::Socket)
}

/// socket(2) in `ns`.
pub fn socket(ns: NamespaceFd, domain: i32, kind: i32, protocol: i32) -> Result<OwnedFd> {
    within(Destination::Existing(ns), || socket_here(domain, kind, protocol))
}

/// The same, for a thread that is in `home`.
pub fn socket_from(
    home: KeptHome,
    ns: NamespaceFd,
    domain: i32,
    kind: i32,
    protocol: i32,
) -> Result<OwnedFd> {
    let _blocked = BlockedSignals::every()?;
    home.leave_for(ns)?;
    let socket = socket_here(domain, kind, protocol);
    home.go_back()?;
    socket
}
