//! Switching the calling thread to a network namespace and back.
//!
//! A call that switches namespaces first verifies that it can switch back: switching back requires setns(2)
//! as well, which fails for a thread without CAP_SYS_ADMIN in the user namespace that owns its own network
//! namespace.

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
use crate::os::retry::{a_few_times, is_shortage};
use crate::os::sigmask::BlockedSignals;
use crate::os::{forked, pidfd, procfs, syscalls};

/// Distinguishes a token from all other descriptors: these flags have no effect on nsfs, and no other code
/// opens a namespace with both of them. They allow [`leave`] to reject a handle's descriptor, one of the
/// program's own, or a number that was closed and reused for another file.
const TOKEN_MARK: OFlag = OFlag::O_APPEND.union(OFlag::O_NONBLOCK);

/// The thread's original namespace.
struct Home(OwnedFd);

impl Home {
    fn open() -> Result<Home> {
        open(procfs::THREAD_NET, TOKEN_MARK | OFlag::O_CLOEXEC)
            .or_else(|errno| marked_without_proc().map_err(|other| the_cause(errno, other)))
            .map(Home)
            .at(Step::OpenHome)
    }

    /// Switches to the namespace that the thread is already in, which requires the same privileges as
    /// switching back.
    fn prove(self) -> Result<Home> {
        setns(&self.0, CloneFlags::CLONE_NEWNET).at(Step::ProveWayBack)?;
        Ok(self)
    }

    /// Returns the home that a token represents. The caller decides when to close it.
    ///
    /// # Safety
    ///
    /// No Rust value may own the descriptor: it must be a token from [`Visit::into_token`], or a descriptor
    /// of the program.
    unsafe fn of_token(token: RawFd) -> Result<ManuallyDrop<Home>> {
        if token < 0 {
            return Err(Failure::new(Step::Token, Errno::EBADF));
        }
        // SAFETY: only the flags of the descriptor are read; if it is not open, fcntl returns EBADF.
        let fd = unsafe { BorrowedFd::borrow_raw(token) };
        let flags = OFlag::from_bits_retain(fcntl(fd, FcntlArg::F_GETFL).at(Step::Token)?);
        if !flags.contains(TOKEN_MARK) || flags & OFlag::O_ACCMODE != OFlag::O_RDONLY {
            return Err(no_token());
        }
        // SAFETY: it has the mark, so it is a token, and the caller guarantees that nothing owns it.
        Ok(ManuallyDrop::new(Home(unsafe { OwnedFd::from_raw_fd(token) })))
    }

    fn go_back(&self) -> Result<()> {
        go_back(self.0.as_fd())
    }
}

/// Returns the kernel's errno.
fn go_back(home: BorrowedFd) -> Result<()> {
    // It may fail temporarily for lack of memory. EINVAL: the descriptor is not a network namespace.
    a_few_times(|errno| *errno != Errno::EINVAL, || setns(home, CloneFlags::CLONE_NEWNET))
        .at(Step::GoBack)
}

/// Whether a thread of this process has already switched to the namespace of a handle.
///
/// setns(2) requires CAP_SYS_ADMIN in the thread's own user namespace and in the one that owns the target
/// (netns_install() in net/core/net_namespace.c). A thread that was able to switch to `home` once can
/// therefore do so again whenever it can switch at all, as long as it stays in its user namespace. A process
/// can only change its user namespace by forking, or while it has no other thread.
#[derive(Debug, Default)]
pub struct ProvenReturn(AtomicU32);

/// A handle of the thread's namespace that the caller keeps open for switching back.
#[derive(Clone, Copy)]
pub struct KeptHome<'a> {
    fd: NamespaceFd<'a>,
    proven: &'a ProvenReturn,
}

impl<'a> KeptHome<'a> {
    pub fn new(fd: NamespaceFd<'a>, proven: &'a ProvenReturn) -> KeptHome<'a> {
        KeptHome { fd, proven }
    }

    /// Switches the thread to `ns`. It must switch back with [`KeptHome::go_back`]. After a failure, a thread
    /// that was not in this home may be in it.
    pub fn leave_for(self, ns: NamespaceFd) -> Result<()> {
        let to = Destination::Existing(ns);
        self.prove().map_err(|failure| to.why_not(failure))?;
        to.go()
    }

    /// Verifying this for each visit would take half of the time of a visit; once per process is sufficient.
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

    /// Returns the number for [`end_visit_from`].
    pub fn number(self) -> RawFd {
        self.fd.as_fd().as_raw_fd()
    }
}

/// Ends a visit during which foreign code has run, which may have released the handle.
///
/// # Safety
///
/// `home` must be the number of a [`KeptHome`] whose descriptor is still open.
pub unsafe fn end_visit_from(home: RawFd) -> Result<()> {
    // SAFETY: guaranteed by the caller.
    go_back(unsafe { BorrowedFd::borrow_raw(home) }).map_err(lost)
}

fn no_token() -> Failure {
    Failure::new(Step::Token, Errno::EINVAL).hint("not a token, or already used")
}

/// The caller must end a thread that has not switched back.
pub fn lost(failure: Failure) -> Failure {
    Failure::new(Step::GoBack, failure.errno).as_errno(Errno::ENOTRECOVERABLE)
}

fn marked_without_proc() -> nix::Result<OwnedFd> {
    let fd = open_without_proc()?;
    fcntl(&fd, FcntlArg::F_SETFL(TOKEN_MARK))?;
    Ok(fd)
}

/// Without /proc, the namespace can be found through a socket (with CAP_NET_ADMIN over it) and, from Linux
/// 6.11 on, through a pidfd of the thread.
fn open_without_proc() -> nix::Result<OwnedFd> {
    let socket = syscalls::socket(libc::AF_UNIX, libc::SOCK_DGRAM, 0)?;
    // SAFETY: this is a socket.
    unsafe { syscalls::namespace_of_socket(socket.as_fd()) }.or_else(|errno| {
        drop(socket);
        pidfd::open(gettid().as_raw())
            // SAFETY: this is a pidfd.
            .and_then(|thread| unsafe { pidfd::network_namespace(thread.as_fd()) })
            .map_err(|other| the_cause(errno, other))
    })
}

/// Returns the errno to report if neither of two ways leads to the thread's own namespace: the first one,
/// unless the second one is a shortage of descriptors or memory.
fn the_cause(first: Errno, second: Errno) -> Errno {
    if is_shortage(second) { second } else { first }
}

/// Opens the calling thread's own namespace.
pub fn open_current() -> Result<OwnedFd> {
    open(procfs::THREAD_NET, READ)
        .or_else(|errno| open_without_proc().map_err(|other| the_cause(errno, other)))
        .at(Step::OpenHome)
}

/// Switches permanently: the thread stays in `ns`.
pub fn set(ns: NamespaceFd) -> Result<()> {
    setns(ns, CloneFlags::CLONE_NEWNET).at(Step::Setns)
}

/// A thread's visit to another namespace. It ends with [`Visit::end`] or, if the stack unwinds, with the
/// drop.
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

    /// Ends the visit without switching back.
    pub fn stay(mut self) {
        self.home = None;
    }

    /// Converts the visit to a token that ends with [`leave`] or [`end_visit`] at any later time.
    pub fn into_token(mut self) -> RawFd {
        self.home.take().map_or(-1, |home| home.0.into_raw_fd())
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        if let Some(home) = self.home.take() {
            // The stack is unwinding, so the error cannot be reported.
            let _ = home.go_back();
        }
    }
}

/// Returns a home that the thread can switch back to.
fn way_back() -> Result<Home> {
    match Home::open() {
        Ok(home) => home.prove(),
        Err(failure) if is_shortage(failure.errno) => Err(failure),
        // If the home cannot be opened, the thread cannot switch back either.
        Err(failure) => Err(failure.as_errno(Errno::EPERM)),
    }
}

/// Ends the visit that `token` represents and closes the token. If this fails, the token stays open; a
/// descriptor that is not a token is not touched.
///
/// # Safety
///
/// No Rust value may own the descriptor: it must be a token from [`Visit::into_token`], or a descriptor of
/// the program.
pub unsafe fn leave(token: RawFd) -> Result<()> {
    // SAFETY: guaranteed by the caller.
    let home = unsafe { Home::of_token(token) }?;
    home.go_back().map_err(|failure| match failure.errno {
        Errno::EINVAL => no_token(),
        _ => lost(failure),
    })?;
    drop(ManuallyDrop::into_inner(home));
    Ok(())
}

/// Ends a visit during which foreign code has run, which may have closed the token and opened another file.
/// The token is closed even if the thread cannot switch back.
///
/// # Safety
///
/// See [`leave`].
pub unsafe fn end_visit(token: RawFd) -> Result<()> {
    // SAFETY: guaranteed by the caller.
    let home = unsafe { Home::of_token(token) }.map_err(lost)?;
    let gone = home.go_back();
    // EINVAL: the descriptor was opened by the program for another kind of namespace.
    if !gone.is_err_and(|failure| failure.errno == Errno::EINVAL) {
        drop(ManuallyDrop::into_inner(home));
    }
    gone.map_err(lost)
}

/// The destination of a temporary switch.
#[derive(Clone, Copy)]
pub enum Destination<'a> {
    Existing(NamespaceFd<'a>),
    /// A namespace that is created by the switch.
    New,
}

impl Destination<'_> {
    fn go(self) -> Result<()> {
        match self {
            Destination::Existing(ns) => set(ns),
            Destination::New => unshare(CloneFlags::CLONE_NEWNET).at(Step::Unshare),
        }
    }

    /// Fails with EBADF if `home`, which was just opened, has the number of the destination, because then the
    /// program has closed the destination. The thread would stay in its own namespace and work there.
    fn check_is_not(self, home: &Home) -> Result<()> {
        match self {
            Destination::Existing(ns) if ns.as_fd().as_raw_fd() == home.0.as_raw_fd() => {
                Err(self.refused(Errno::EBADF))
            }
            _ => Ok(()),
        }
    }

    /// Returns the failure of a thread that cannot switch back, or rather that of one that cannot switch at
    /// all.
    fn why_not(self, failure: Failure) -> Failure {
        match failure.errno {
            Errno::EPERM if !self.may_be_entered() => self.refused(Errno::EPERM),
            _ => failure,
        }
    }

    /// Returns the failure that [`Destination::go`] would return.
    fn refused(self, errno: Errno) -> Failure {
        match self {
            Destination::Existing(_) => Failure::new(Step::Setns, errno),
            Destination::New => Failure::new(Step::Unshare, errno),
        }
    }

    /// Returns whether a thread of this process could switch, as far as can be determined without switching.
    /// The kernel requires CAP_SYS_ADMIN in the thread's own user namespace (netns_install() in
    /// net/core/net_namespace.c, unshare_nsproxy_namespaces() in kernel/nsproxy.c), and in the one that owns
    /// the destination, which must be the same one or a descendant; NS_GET_USERNS reports whether it is.
    fn may_be_entered(self) -> bool {
        if capabilities(None)
            .is_ok_and(|thread| !thread.effective.contains(CapabilitySet::SYS_ADMIN))
        {
            return false;
        }
        match self {
            Destination::Existing(ns) => {
                // SAFETY: the descriptor was verified to be a namespace.
                unsafe { syscalls::namespace_owner(ns.as_fd()) }.err() != Some(Errno::EPERM)
            }
            Destination::New => true,
        }
    }
}

/// Runs `work` in another namespace. If the calling thread can switch back, it switches itself, with every
/// signal blocked: no handler runs in the wrong namespace, and no setuid(2) in another thread can make
/// switching back impossible. Otherwise a helper thread switches.
///
/// `work` must not wait for other threads or take locks (see [`sigmask`](crate::os::sigmask)).
pub fn within<T: Send>(to: Destination, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    let blocked = BlockedSignals::every()?;
    let visit = match Visit::begin_at(to) {
        Err(Failure { step: Step::OpenHome | Step::ProveWayBack, errno: Errno::EPERM, .. }) => {
            drop(blocked);
            return on_helper_thread(|| {
                // The helper does not switch back; it ends in the namespace.
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

/// Sets `lo` up in the thread's namespace.
pub fn loopback_up_here() -> Result<()> {
    let socket = syscalls::socket(libc::AF_UNIX, libc::SOCK_DGRAM, 0).at(Step::Loopback)?;
    syscalls::loopback_up(socket.as_fd()).at(Step::Loopback)
}

/// socket(2) in the thread's namespace.
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
