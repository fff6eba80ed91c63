//! Opening a namespace by its inode and cookie, whether it has a name or not.

use std::ffi::CStr;
use std::fmt::{self, Display, Formatter};
use std::os::fd::{AsFd, OwnedFd};

use nix::errno::Errno;
use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};
use rustix::io::retry_on_intr;
use rustix::thread::{CapabilitySet, capabilities};

use crate::error::{At, Failure, Result, Step, errno};
use crate::namespace::handle::Namespace;
use crate::namespace::identity::{self, Identity, Proved};
use crate::namespace::search::{Place, Proc, Thread, Visitor};
use crate::os::listns;
use crate::os::mountinfo::NamespaceMount;
use crate::os::open::{DIRECTORY, LOOK, LOOK_AT_ITSELF, open, openat};
use crate::os::procfs;
use crate::os::retry::is_shortage;
use crate::os::stat::FileIdentity;
use crate::util::try_vec;

/// A namespace of which only the inode is known, as shown in messages.
pub struct Inode(pub u64);

impl Display for Inode {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        write!(f, "net:[{}]", self.0)
    }
}

/// Opens the namespace that has this inode and, if given, this cookie.
pub fn open_id(inode: u64, cookie: Option<u64>) -> Result<Namespace> {
    if inode == 0 {
        return Err(Failure::invalid("no inode given"));
    }
    let Some(cookie) = cookie else {
        let found = find(inode)?;
        return found.map(Namespace::from).ok_or(Failure::new(Step::FindById, Errno::ENOENT));
    };
    // Linux 6.18 looks the cookie up in its own list, and even finds a namespace that is only kept alive by a
    // socket in flight.
    let refusal = match identity::open_by_cookie(cookie, inode) {
        Err(errno) if is_shortage(errno) => return Err(Failure::new(Step::FindById, errno)),
        Err(Errno::ESTALE) if opens_every_cookie() => {
            return Err(Failure::new(Step::FindById, Errno::ESTALE));
        }
        // There is no such namespace, or the caller may not open it.
        Err(Errno::ESTALE) => Errno::ESTALE,
        // The kernel has no such list, or a seccomp filter forbids the call.
        Err(_) => Errno::ENOENT,
        Ok(proved) => return Ok(proved.into()),
    };
    let ns = match find(inode) {
        Ok(Some(found)) => Namespace::from(found),
        Ok(None) => return Err(Failure::new(Step::FindById, refusal)),
        // There is no /proc.
        Err(failure) if failure.errno == Errno::ENOENT && refusal == Errno::ESTALE => {
            return Err(Failure::new(Step::FindById, refusal));
        }
        Err(failure) => return Err(failure),
    };
    if ns.cookie()? == cookie { Ok(ns) } else { Err(Failure::new(Step::FindById, Errno::ESTALE)) }
}

/// Returns whether ESTALE from `open_by_cookie` can only mean that nothing in /proc refers to the namespace.
///
/// The kernel also reports a missing permission as ESTALE (do_handle_to_path in fs/fhandle.c). It requires
/// CAP_SYS_ADMIN in the user namespace that owns the namespace (nsfs_fh_to_dentry in fs/nsfs.c, Linux 6.18), or,
/// since Linux 6.18.50, 6.19.9 and 7.0 (d2324a9317f0), the initial PID namespace and CAP_SYS_ADMIN in the user
/// namespace that owns it, the initial one. A caller that has both is permitted everywhere. From Linux 6.19 on,
/// the kernel does not find a namespace that only a socket keeps, but neither does the search.
fn opens_every_cookie() -> bool {
    let Ok(proc) = open(c"/proc", DIRECTORY) else { return false };
    let is_at =
        |path, inode| FileIdentity::of(proc.as_fd(), path).is_ok_and(|file| file.inode == inode);
    procfs::is_procfs(proc.as_fd()) == Ok(true)
        && capabilities(None).is_ok_and(|sets| sets.effective.contains(CapabilitySet::SYS_ADMIN))
        && is_at(c"thread-self/ns/user", procfs::FIRST_USER_NAMESPACE)
        && is_at(c"thread-self/ns/pid", procfs::FIRST_PID_NAMESPACE)
}

/// Checks the calling thread's namespace, then searches /proc, then the kernel's list, and finally mounts
/// whose lookup may have to wait for a file server, which may never respond.
fn find(inode: u64) -> Result<Option<Proved>> {
    let current = Namespace::open_current()?;
    let device = identity::device_of(&current).at(Step::FindById)?;
    if current.inode() == inode {
        return Proved::new(current.into_fd()).map(Some);
    }
    let mut finder =
        Finder { inode, device, patience: Patience::None, has_more: false, found: None };
    let searched = Proc::open().and_then(|proc| proc.search(&mut finder));
    if finder.found.is_some() {
        return Ok(finder.found);
    }
    match searched {
        Err(failure) if failure.errno != Errno::ENOENT => return Err(failure),
        _ => {}
    }
    let listed = listns::network_namespaces()?;
    if let Some(proved) = find_listed(inode, listed.as_deref().unwrap_or_default())? {
        return Ok(Some(proved));
    }
    if finder.has_more {
        finder.patience = Patience::AsLongAsItTakes;
        Proc::open()?.search(&mut finder)?;
        return Ok(finder.found);
    }
    if listed.is_some() { Ok(None) } else { searched.map(|()| None) }
}

fn find_listed(inode: u64, ids: &[u64]) -> Result<Option<Proved>> {
    for &id in ids {
        match identity::open_by_cookie(id, 0) {
            Ok(proved) if proved.identity().inode == inode => return Ok(Some(proved)),
            Err(errno) if is_shortage(errno) => return Err(errno).at(Step::FindById),
            _ => {}
        }
    }
    Ok(None)
}

struct Finder {
    inode: u64,
    device: u64,
    patience: Patience,
    /// Whether there are mounts that could be opened by waiting.
    has_more: bool,
    found: Option<Proved>,
}

impl Finder {
    fn is_meant(&self, file: &FileIdentity) -> bool {
        (file.inode, file.device) == (self.inode, self.device)
    }

    fn look(&mut self, at: Place, file: &FileIdentity) -> Result<()> {
        if !self.is_meant(file) || self.is_done() {
            return Ok(());
        }
        self.take(identity::open_followed(at.dir, at.path))
    }

    fn take(&mut self, opened: nix::Result<Option<Proved>>) -> Result<()> {
        match opened {
            Ok(Some(proved)) if proved.identity().inode == self.inode => self.found = Some(proved),
            Err(errno) if is_shortage(errno) => return Err(errno).at(Step::FindById),
            // It has disappeared meanwhile, or is now another namespace.
            _ => {}
        }
        Ok(())
    }
}

impl Visitor for Finder {
    fn thread(&mut self, _: Thread, at: Place, file: &FileIdentity) -> Result<()> {
        self.look(at, file)
    }

    fn descriptor(&mut self, _: Thread, _: i32, at: Place, file: &FileIdentity) -> Result<()> {
        self.look(at, file)
    }

    fn mount(&mut self, _: Thread, root: Place, mount: &NamespaceMount) -> Result<()> {
        if mount.inode != self.inode || self.is_done() {
            return Ok(());
        }
        let opened = open_mount(root, mount.point, self.patience);
        self.has_more |= opened.is_err();
        self.take(opened)
    }

    fn refused(&mut self) {}

    fn is_done(&self) -> bool {
        self.found.is_some()
    }
}

/// Identifies a mount of another mount namespace, unless the lookup would have to wait for a file server.
pub fn identify_mount(root: Place, point: &[u8]) -> Option<Identity> {
    let found = open_mount(root, point, Patience::None).ok()??;
    Some(found.identity())
}

/// Whether to wait for the file systems on the path, which may belong to another user.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Patience {
    None,
    AsLongAsItTakes,
}

/// Opens the network namespace that is mounted at `point` below a process's root. Symlinks cannot lead out of
/// that root.
fn open_mount(root: Place, point: &[u8], patience: Patience) -> nix::Result<Option<Proved>> {
    let root = openat(root.dir, root.path, LOOK)?;
    let slashes = point.iter().take_while(|&&byte| byte == b'/').count();
    let point = try_vec::c_string(&point[slashes..]).map_err(|failure| failure.errno)?;
    let seen = match open_below(&root, &point, ResolveFlags::CACHED) {
        Err(errno) if is_shortage(errno) || patience == Patience::None => return Err(errno),
        Err(Errno::EAGAIN | Errno::EINVAL) => open_below(&root, &point, ResolveFlags::empty())?,
        // Before Linux 5.6. The inode identifies what was opened, wherever a symlink has led.
        Err(Errno::ENOSYS) => openat(root.as_fd(), &point, LOOK_AT_ITSELF)?,
        seen => seen?,
    };
    identity::open_seen(seen.as_fd(), root.as_fd(), &point)
}

fn open_below(root: &OwnedFd, point: &CStr, resolve: ResolveFlags) -> nix::Result<OwnedFd> {
    let resolve = resolve | ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    let flags = OFlags::PATH | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    retry_on_intr(|| openat2(root, point, flags, Mode::empty(), resolve)).map_err(errno)
}
