//! The objects that keep a namespace alive: its threads, its open descriptors, its sockets, and its mounts in
//! every mount namespace.
//!
//! To find the namespace of a process's socket, the code duplicates the descriptor for two system calls
//! (`pidfd_getfd`, Linux 5.6) and queries the socket. The kernel's list of the sockets in the namespace
//! (sock_diag) avoids this for most sockets, and also contains sockets that are not open in any process.

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use bitflags::bitflags;
use nix::errno::Errno;
use nix::fcntl::AT_FDCWD;
use nix::sys::stat::makedev;

use crate::error::{At, Result, Step};
use crate::namespace::handle::Namespace;
use crate::namespace::identity;
use crate::namespace::search::{Place, Proc, Thread, Visitor};
use crate::namespace::sockets::Sockets;
use crate::os::mountinfo::NamespaceMount;
use crate::os::open::{READ, openat};
use crate::os::procfs::{self, ProcPath};
use crate::os::retry::is_shortage;
use crate::os::stat::{self, FileIdentity, fstat};
use crate::os::{pidfd, syscalls};
use crate::util::number_map::NumberMap;
use crate::util::text::Text;
use crate::util::try_vec::{self, push};

bitflags! {
    /// Holders that may exist but could not be inspected.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Unseen: u32 {
        /// Part of a process that /proc shows.
        const PROCESSES = 1;
        /// Processes that /proc does not show.
        const HIDDEN = 2;
        /// Sockets.
        const SOCKETS = 4;
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Thread = 1,
    Descriptor = 2,
    Socket = 3,
    Mount = 4,
}

/// The name of a kernel thread is longer than that of a program.
type Program = Text<64>;

#[derive(Debug)]
pub struct Holder {
    pub kind: Kind,
    /// 0 if no process has a descriptor of the socket.
    pub pid: i32,
    pub tid: i32,
    pub fd: Option<i32>,
    pub path: Option<CString>,
    pub program: Program,
}

#[derive(Debug, Default)]
pub struct HolderList {
    pub holders: Vec<Holder>,
    pub unseen: Unseen,
}

impl HolderList {
    pub fn read(ns: &Namespace) -> Result<HolderList> {
        let proc = Proc::open_callers_own()?;
        let mut search = Search::new(ns)?;
        proc.search(&mut search)?;
        search.add_sockets_without_process()?;
        let Search { mut list, .. } = search;
        if shows_not_all(&proc) {
            list.unseen |= Unseen::HIDDEN;
        }
        list.holders.sort_by(|a, b| a.order().cmp(&b.order()));
        if !proc.tells_tables() {
            // Threads that share a descriptor table have reported it several times.
            list.holders.dedup_by(|a, b| a.fd.is_some() && a.order() == b.order());
        }
        Ok(list)
    }
}

impl Holder {
    fn order(&self) -> (Kind, i32, Option<i32>, Option<i32>, Option<&CStr>) {
        let tid = (self.kind == Kind::Thread).then_some(self.tid);
        (self.kind, self.pid, tid, self.fd, self.path.as_deref())
    }
}

/// With hidepid, a process that may not inspect process 1 does not see it.
fn shows_not_all(proc: &Proc) -> bool {
    let look = |path| FileIdentity::of(proc.as_fd(), path);
    let is_first = look(c"self/ns/pid").is_ok_and(|file| file.inode == procfs::FIRST_PID_NAMESPACE);
    !is_first || look(c"1") == Err(Errno::ENOENT)
}

/// The device of tun(4): a descriptor has a socket in the namespace in which it was opened.
const TUN: (u64, u64) = (10, 200);

struct Search<'a> {
    ns: &'a Namespace,
    list: HolderList,
    device: u64,
    sockets: Sockets,
    cookie: Option<u64>,
    /// The inodes of sockets in other namespaces.
    elsewhere: NumberMap,
    /// The mounts that have been seen; several roots may show the same one.
    mounts: NumberMap,
    own: i32,
    /// The inode of the socket that the handle caches.
    own_socket: Option<u64>,
    /// The last process that was queried.
    asked: Option<(i32, nix::Result<OwnedFd>)>,
}

impl<'a> Search<'a> {
    fn new(ns: &'a Namespace) -> Result<Search<'a>> {
        let sockets = Sockets::read(ns)?;
        let mut list = HolderList::default();
        if !sockets.is_complete() {
            list.unseen |= Unseen::SOCKETS;
        }
        Ok(Search {
            ns,
            list,
            device: identity::device_of(ns).at(Step::ReadProc)?,
            cookie: ns.known_cookie().or_else(|| sockets.cookie()),
            sockets,
            elsewhere: NumberMap::default(),
            mounts: NumberMap::default(),
            own: std::process::id() as i32,
            own_socket: ns.cached_socket().inode(),
            asked: None,
        })
    }

    fn add(
        &mut self,
        kind: Kind,
        thread: Thread,
        fd: Option<i32>,
        path: Option<&[u8]>,
    ) -> Result<()> {
        let path = path.map(try_vec::c_string).transpose()?;
        let program = program_of(thread)?;
        let Thread { pid, tid } = thread;
        push(&mut self.list.holders, Holder { kind, pid, tid, fd, path, program })
    }

    fn socket(&mut self, thread: Thread, number: i32, file: &FileIdentity) -> Result<()> {
        let inode = file.inode;
        let is_own = thread.pid == self.own && self.own_socket == Some(inode);
        if !self.sockets.may_be_one(file.device)
            || self.sockets.is_helper(inode)
            || self.elsewhere.has(inode)
        {
            return Ok(());
        }
        if !self.sockets.has(inode) {
            let (ns, cookie) = (self.ns, self.cookie);
            match self.ask(thread, number, |socket| socket_s_answer(socket, ns, cookie)) {
                Ok(true) => {}
                Ok(false) => return self.elsewhere.insert_first(inode, 0).map(drop),
                Err(errno) => return self.unasked(errno),
            }
        }
        self.sockets.mark(inode)?;
        if is_own { Ok(()) } else { self.add(Kind::Socket, thread, Some(number), None) }
    }

    fn tun(&mut self, thread: Thread, number: i32) -> Result<()> {
        match self.ask(thread, number, |device| tun_s_answer(device, self.ns)) {
            Ok(true) => self.add(Kind::Socket, thread, Some(number), None),
            Ok(false) => Ok(()),
            Err(errno) => self.unasked(errno),
        }
    }

    fn unasked(&mut self, errno: Errno) -> Result<()> {
        if is_shortage(errno) {
            return Err(errno).at(Step::ReadProc);
        }
        // It has been closed, or the process has ended.
        if !matches!(errno, Errno::EBADF | Errno::ESRCH) {
            self.list.unseen |= Unseen::SOCKETS;
        }
        Ok(())
    }

    /// Queries the descriptor with this number in a thread's table. The duplicate is closed immediately:
    /// while it is open, the process's own close(2) does not end a connection.
    fn ask(
        &mut self,
        thread: Thread,
        number: i32,
        question: impl FnOnce(BorrowedFd) -> nix::Result<bool>,
    ) -> nix::Result<bool> {
        if self.asked.as_ref().is_none_or(|(tid, _)| *tid != thread.tid) {
            self.asked = Some((thread.tid, pidfd::open(thread.tid)));
        }
        let Some((_, pidfd)) = &self.asked else { return Err(Errno::ESRCH) };
        let pidfd = pidfd.as_ref().map_err(|errno| *errno)?;
        let file = pidfd::duplicate_from(pidfd.as_fd(), number)?;
        question(file.as_fd())
    }

    /// These are in flight between processes, belong to the kernel, or were closed but have not ended.
    fn add_sockets_without_process(&mut self) -> Result<()> {
        self.asked = None;
        for _ in 0..self.sockets.without_process()? {
            self.add(Kind::Socket, Thread { pid: 0, tid: 0 }, None, None)?;
        }
        Ok(())
    }
}

/// Returns whether a socket is in the namespace, by its namespace cookie, which is available for every socket
/// (Linux 5.14).
fn socket_s_answer(socket: BorrowedFd, ns: &Namespace, cookie: Option<u64>) -> nix::Result<bool> {
    if !stat::is_socket(socket)? {
        return Err(Errno::EBADF);
    }
    if let (Some(wanted), Ok(its)) = (cookie, syscalls::socket_cookie(socket)) {
        return Ok(wanted == its);
    }
    // SAFETY: this is a socket.
    let found = unsafe { syscalls::namespace_of_socket(socket) }?;
    Ok(fstat(found).map(|file| stat::inode(&file))? == ns.inode())
}

fn tun_s_answer(device: BorrowedFd, ns: &Namespace) -> nix::Result<bool> {
    let file = FileIdentity::of_fd(device)?;
    if !file.is(libc::S_IFCHR) || file.special != makedev(TUN.0, TUN.1) {
        return Err(Errno::EBADF);
    }
    // SAFETY: tun(4) supports this ioctl like a socket (tun_chr_ioctl, Linux 4.10 and later).
    let found = unsafe { syscalls::namespace_of_socket(device) }?;
    Ok(fstat(found).map(|file| stat::inode(&file))? == ns.inode())
}

/// Returns an empty name if it cannot be read because the process has ended.
fn program_of(thread: Thread) -> Result<Program> {
    if thread.pid == 0 {
        return Ok(Program::EMPTY);
    }
    let path = ProcPath::format(format_args!("/proc/{}/task/{}/comm", thread.pid, thread.tid));
    let file = openat(AT_FDCWD, path.as_cstr(), READ);
    match file.and_then(|file| procfs::read_text(file.as_fd())) {
        Err(errno) if is_shortage(errno) => Err(errno).at(Step::ReadProc),
        program => Ok(program.unwrap_or(Program::EMPTY)),
    }
}

impl Visitor for Search<'_> {
    fn thread(&mut self, thread: Thread, _: Place, file: &FileIdentity) -> Result<()> {
        if (file.inode, file.device) != (self.ns.inode(), self.device) {
            return Ok(());
        }
        self.add(Kind::Thread, thread, None, None)
    }

    fn descriptor(
        &mut self,
        thread: Thread,
        number: i32,
        _: Place,
        file: &FileIdentity,
    ) -> Result<()> {
        if file.is(libc::S_IFSOCK) {
            return self.socket(thread, number, file);
        }
        if file.is(libc::S_IFCHR) && file.special == makedev(TUN.0, TUN.1) {
            return self.tun(thread, number);
        }
        let is_own = thread.pid == self.own && number == self.ns.as_fd().as_raw_fd();
        if (file.inode, file.device) != (self.ns.inode(), self.device) || is_own {
            return Ok(());
        }
        self.add(Kind::Descriptor, thread, Some(number), None)
    }

    fn mount(&mut self, thread: Thread, _: Place, mount: &NamespaceMount) -> Result<()> {
        if mount.inode != self.ns.inode() || !self.mounts.insert_first(mount.id, 0)? {
            return Ok(());
        }
        self.add(Kind::Mount, thread, None, Some(mount.point))
    }

    fn refused(&mut self) {
        self.list.unseen |= Unseen::PROCESSES;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holder_list_includes_calling_thread() {
        let ns = Namespace::open_current().unwrap();
        let list = HolderList::read(&ns).unwrap();
        let (pid, tid) = (std::process::id() as i32, nix::unistd::gettid().as_raw());
        let own = |kind| move |it: &&Holder| (it.kind, it.pid) == (kind, pid);
        let mut threads = list.holders.iter().filter(own(Kind::Thread));
        let found = threads.find(|it| it.tid == tid).unwrap();
        assert!(!found.program.is_empty());
        let number = ns.as_fd().as_raw_fd();
        let mut descriptors = list.holders.iter().filter(own(Kind::Descriptor));
        assert!(descriptors.all(|it| it.fd != Some(number)));
        assert!(list.holders.is_sorted_by(|a, b| a.order() <= b.order()));
    }
}
