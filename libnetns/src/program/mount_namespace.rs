//! The mount namespace that a program gets with its network namespace: /sys shows that namespace's
//! devices, and the files of /etc/netns/NAME cover those of /etc.
//!
//! It is planned first, with what the caller sees; carrying it out allocates nothing, since that is
//! done by the child of a process that may have threads.

use std::ffi::CStr;
use std::mem;
use std::os::fd::{AsFd, OwnedFd};

use nix::errno::Errno;
use nix::mount::MsFlags;
use nix::sched::{CloneFlags, unshare};
use nix::sys::statvfs::statvfs;
use nix::unistd::chdir;

use crate::error::{At, Failure, Result, Step};
use crate::os::open::{DIRECTORY, open};
use crate::os::readdir::for_each_entry;
use crate::os::retry::on_signal;
use crate::os::{mount, mountinfo, procfs};
use crate::util::strings::Strings;

const SYS: &CStr = c"/sys";
const SYSFS: &CStr = c"sysfs";
const ETC: &[u8] = b"/etc/";
const ETC_NETNS: &[u8] = b"/etc/netns/";

/// What the caller wants left alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    pub sys: bool,
    pub etc: bool,
}

pub struct MountNamespace {
    sys: Option<Sysfs>,
    etc: EtcFiles,
    /// The working directory, where it may be covered.
    directory: Strings,
}

impl MountNamespace {
    /// For the namespace of that name. None: there is nothing to change, so none is needed.
    pub fn plan(name: Option<&CStr>, keep: Keep) -> Result<Option<MountNamespace>> {
        if keep.sys && keep.etc {
            return Ok(None);
        }
        Ok(Some(MountNamespace {
            sys: if keep.sys { None } else { Sysfs::plan(name, mounted_below_sys)? },
            etc: EtcFiles::of(name.filter(|_| !keep.etc))?,
            directory: working_directory()?,
        }))
    }

    /// With nothing but /sys of its own. Where /proc does not tell what is mounted below /sys, nothing
    /// of that is kept, which is better than no way at all for who asked for no more.
    pub fn plan_sys(name: &CStr) -> Result<MountNamespace> {
        let below = || match mounted_below_sys() {
            Err(failure) if failure.errno == Errno::ENOENT => Ok(Strings::default()),
            below => below,
        };
        Ok(MountNamespace {
            sys: Sysfs::plan(Some(name), below)?,
            etc: EtcFiles::default(),
            directory: Strings::default(),
        })
    }

    /// The calling thread is in it from here on; its root and working directory are its own then. A
    /// failure may leave it half done.
    pub fn enter(&mut self) -> Result<()> {
        self.enter_without_etc()?;
        self.etc.bind()?;
        if let Some(path) = self.directory.iter().next() {
            // Looked up anew, it is what the program sees there. Where it is no more, the program
            // starts in the one that it was.
            let _ = on_signal(|| chdir(path));
        }
        Ok(())
    }

    /// The same without the files in /etc.
    pub fn enter_without_etc(&mut self) -> Result<()> {
        unshare(CloneFlags::CLONE_NEWNS).at(Step::UnshareMounts)?;
        // Before anything is mounted, and before anything is cloned: it would be seen outside.
        mount::set_propagation(c"/", MsFlags::MS_SLAVE | MsFlags::MS_REC).at(Step::MakeSlave)?;
        match &mut self.sys {
            Some(sys) => sys.mount_anew(),
            None => Ok(()),
        }
    }

    /// What `failure` was about.
    pub fn object_of(&self, failure: Failure) -> Option<&CStr> {
        match failure.step {
            Step::PickUp | Step::PutBack => self.sys.as_ref()?.below.iter().nth(failure.item()?),
            Step::BindEtc => self.etc.paths.iter().nth(2 * failure.item()? + 1),
            _ => None,
        }
    }

    /// Forgets the descriptors that a child has opened in memory that it shared with this process:
    /// here their numbers are nobody's, or somebody else's.
    pub fn forget_descriptors(&mut self) {
        for tree in self.sys.iter_mut().flat_map(|sys| &mut sys.trees) {
            mem::forget(tree.take());
        }
    }
}

fn mounted_below_sys() -> Result<Strings> {
    mountinfo::mounted_directly_below(SYS)
}

/// Symlinks resolved; none if it is neither below /sys nor in /etc.
fn working_directory() -> Result<Strings> {
    let mut found = Strings::default();
    let mut buffer = Vec::new();
    // Not on the stack, which may have no room for it.
    buffer.try_reserve_exact(libc::PATH_MAX as usize).map_err(|_| Failure::no_memory())?;
    buffer.resize(libc::PATH_MAX as usize, 0);
    // One that cannot be told has no path to be looked up anew by.
    let path = procfs::read_link(procfs::THREAD_CWD, &mut buffer).unwrap_or_default();
    if path.starts_with(SYS.to_bytes()) || path.starts_with(ETC) {
        found.push(&[path])?;
    }
    Ok(found)
}

/// The sysfs of a network namespace is its own; what is mounted below it (cgroups, tracefs, bpf ...)
/// is not its affair, and stays.
struct Sysfs {
    /// What mountinfo shows as its device: as `ip netns exec` has it, the namespace's name.
    source: Strings,
    flags: MsFlags,
    below: Strings,
    /// One for each of those, while they are moved.
    trees: Vec<Option<OwnedFd>>,
}

impl Sysfs {
    /// None: there is no /sys to mount it on.
    fn plan(name: Option<&CStr>, below: impl FnOnce() -> Result<Strings>) -> Result<Option<Sysfs>> {
        let seen = match on_signal(|| statvfs(SYS)) {
            Err(Errno::ENOENT) => return Ok(None),
            seen => seen.at(Step::MountSys)?,
        };
        // ST_RDONLY, ST_NOSUID ... are the numbers of MS_RDONLY, MS_NOSUID ... A user namespace may
        // not mount a sysfs with fewer of them than the one it sees has.
        let flags = MsFlags::from_bits_truncate(seen.flags().bits()) & KEPT_FLAGS;
        let below = below()?;
        let mut source = Strings::default();
        source.push(&[name.map_or(SYSFS.to_bytes(), CStr::to_bytes)])?;
        let mut trees = Vec::new();
        let count = below.iter().count();
        trees.try_reserve_exact(count).map_err(|_| Failure::no_memory())?;
        trees.resize_with(count, || None);
        Ok(Some(Sysfs { source, flags, below, trees }))
    }

    /// Mounts a new one and puts back what was on the old one.
    fn mount_anew(&mut self) -> Result<()> {
        let mut are_copies = true;
        for (item, (path, tree)) in self.below.iter().zip(&mut self.trees).enumerate() {
            let picked = match mount::pick_up(path) {
                // It has been unmounted since, or another mount hides it.
                Err(Errno::ENOENT | Errno::ENOTDIR) => continue,
                picked => picked.at_item(Step::PickUp, item)?,
            };
            are_copies &= picked.is_copy;
            *tree = Some(picked.tree);
        }
        if !self.replace(are_copies).at(Step::MountSys)? {
            return Ok(());
        }
        for (item, (path, tree)) in self.below.iter().zip(&mut self.trees).enumerate() {
            let Some(tree) = tree.take() else { continue };
            // The directory of one that is left out was a device's of the other namespace.
            mount::put_down(tree.as_fd(), path).at_item(Step::PutBack, item)?;
        }
        Ok(())
    }

    /// False: it is the namespace's own already. The new one is mounted while the old one is still
    /// there: a user namespace may mount a sysfs only as long as it sees one.
    fn replace(&self, are_copies: bool) -> nix::Result<bool> {
        let source = self.source.iter().next().unwrap_or(SYSFS);
        match mount::mount_new(SYSFS, source, SYS, self.flags) {
            Err(Errno::EBUSY) => return Ok(false),
            result => result?,
        }
        // Before Linux 5.2 the old one stays below, with what is still mounted on it.
        if !are_copies {
            return Ok(true);
        }
        let new = match mount::copy(SYS) {
            Err(Errno::ENOSYS | Errno::EPERM) => return Ok(true),
            new => new?,
        };
        mount::detach(SYS)?;
        // In a user namespace the old one may be held fast; then it stays covered.
        let _ = mount::detach(SYS);
        match mount::put_down(new.as_fd(), SYS)? {
            true => Ok(true),
            false => Err(Errno::ENOENT),
        }
    }
}

const KEPT_FLAGS: MsFlags = MsFlags::MS_RDONLY
    .union(MsFlags::MS_NOSUID)
    .union(MsFlags::MS_NODEV)
    .union(MsFlags::MS_NOEXEC)
    .union(MsFlags::MS_NOATIME)
    .union(MsFlags::MS_NODIRATIME);

/// What /etc/netns/NAME holds, each with what it covers in /etc.
#[derive(Default)]
pub struct EtcFiles {
    /// By turns what is bound and what it is bound on.
    paths: Strings,
}

impl EtcFiles {
    pub fn of(name: Option<&CStr>) -> Result<EtcFiles> {
        let mut paths = Strings::default();
        let Some(name) = name.map(CStr::to_bytes) else {
            return Ok(EtcFiles { paths });
        };
        let mut own = Strings::default();
        own.push(&[ETC_NETNS, name])?;
        let dir = match open(own.iter().next().unwrap_or_default(), DIRECTORY) {
            Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP) => return Ok(EtcFiles { paths }),
            dir => dir.at(Step::ReadEtc)?,
        };
        for_each_entry(dir.as_fd(), Step::ReadEtc, |entry, _| {
            let entry = entry.to_bytes();
            if entry == b"." || entry == b".." {
                return Ok(());
            }
            paths.push(&[ETC_NETNS, name, b"/", entry])?;
            paths.push(&[ETC, entry])
        })?;
        Ok(EtcFiles { paths })
    }

    pub fn pairs(&self) -> impl Iterator<Item = (&CStr, &CStr)> {
        self.paths.iter().step_by(2).zip(self.paths.iter().skip(1).step_by(2))
    }

    /// Where /etc/resolv.conf is a symlink, that itself is covered, unlike by `ip netns exec`: resolvers
    /// replace what it leads to, and the kernel takes off what was mounted on the old one.
    fn bind(&self) -> Result<()> {
        for (item, (source, target)) in self.pairs().enumerate() {
            match mount::cover(source, target) {
                // Nothing there to cover, or a directory against a file.
                Ok(()) | Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP) => {}
                result => result.at_item(Step::BindEtc, item)?,
            }
        }
        Ok(())
    }
}
