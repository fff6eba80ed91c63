//! Opening, creating, locking and mounting the run directory.
//!
//! The directory is a mount point in a separate peer group, so that a namespace bound in it propagates to the
//! mount namespaces that were cloned from this one, and is unmounted from all of them at once.

use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::AtFlags;
use nix::sched::{CloneFlags, unshare};
use nix::sys::stat::{Mode, fstatat, umask};
use nix::unistd::mkdir;
use rustix::fs::{
    Access, CWD, FileType, FlockOperation, Statx, StatxFlags, accessat, flock, statx,
};
use rustix::io::retry_on_intr;

use crate::error::{At, Failure, Result, Step};
use crate::namespace::identity::{self, FileKind};
use crate::os::helper_thread::on_helper_thread;
use crate::os::open::{DIRECTORY, LOOK_AT_ITSELF, open, openat};
use crate::os::procfs::ProcPath;
use crate::os::readdir::for_each_entry;
use crate::os::retry::{is_shortage, on_signal};
use crate::os::{mount, mountinfo, stat};
use crate::rundir::entry::{self, Entry};

/// Any process that can read the directory can hold its lock, so no call waits for it longer than this.
const LONGEST_WAIT: Duration = Duration::from_secs(1);
/// A creator holds the lock for about 50 us.
const FIRST_PAUSE: Duration = Duration::from_micros(50);
const LONGEST_PAUSE: Duration = Duration::from_micros(200);

/// How long to wait for other processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    AWhile,
    ForNobody,
}

/// The reason why nothing can be mounted or unmounted in the directory.
pub const ELSEWHERE: &str = "the run directory belongs to another mount namespace, for example \
                             after a chroot to /proc/PID/root; enter that mount namespace first";

/// The maximum number of attempts for a directory that is replaced while it is being locked.
const MOST_REPLACEMENTS: u32 = 16;

/// An open run directory.
pub struct RunDir {
    fd: OwnedFd,
}

impl AsFd for RunDir {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl RunDir {
    pub fn open(path: &CStr) -> Result<RunDir> {
        let fd = open(path, DIRECTORY).at(Step::OpenRunDir)?;
        Ok(RunDir { fd })
    }

    /// Returns whether it is no longer the directory at `path`, or has been mounted over since it was opened.
    pub fn is_outdated(&self, path: &CStr) -> bool {
        match leads_to(path, self) {
            Some(is_the_same) => !is_the_same,
            None => RunDir::open(path).is_ok_and(|there| {
                !stat::are_same_file(self, &there)
                    || stat::mount_id(self.as_fd()) != stat::mount_id(there.as_fd())
            }),
        }
    }

    fn open_or_make(path: &CStr) -> Result<RunDir> {
        match RunDir::open(path) {
            Err(failure) if failure.errno == Errno::ENOENT => {}
            result => return result,
        }
        make_directories(path)?;
        RunDir::open(path)
    }

    /// Locks the directory, so that no other process changes it.
    pub fn lock(path: &CStr) -> Result<LockedRunDir> {
        LockedRunDir::new(None, RunDir::open, path, Wait::AWhile)
    }

    /// The same, but creates the directory if necessary, and makes it shared if it is a mount point. If it is
    /// not, [`LockedRunDir::mount_on_itself`] makes it one. `opened` is the directory, unless it is outdated.
    pub fn prepare(path: &CStr, opened: Option<RunDir>, wait: Wait) -> Result<LockedRunDir> {
        let mut dir = LockedRunDir::new(opened, RunDir::open_or_make, path, wait)?;
        dir.is_mount_point = match mount::share(dir.as_fd()) {
            Err(Errno::EINVAL) => false,
            result => result.map(|()| true).at(Step::MountRunDir)?,
        };
        Ok(dir)
    }

    /// Unmounts an incomplete copy, unless another process has put something into it meanwhile. This is not
    /// atomic: a namespace that is bound in the copy between the check and the umount is unmounted with it,
    /// and its file remains as a stale name.
    fn take_copy_off(&self, path: &CStr) {
        let Ok(upper) = RunDir::open(path) else { return };
        let is_copy = stat::are_same_file(self, &upper) && self.is_outdated(path);
        if is_copy && self.has_all_of(&upper) {
            drop(upper);
            let _ = mount::detach_open(self.as_fd());
        }
    }

    /// Returns whether everything in `upper` is also in this directory. Mounts on or below a subdirectory are
    /// not examined, so a subdirectory is sufficient for false; the copy then remains, which is a superfluous
    /// mount with the same names in it.
    fn has_all_of(&self, upper: &RunDir) -> bool {
        let all = for_each_entry(upper.as_fd(), Step::ReadRunDir, |name, kind| {
            if name == c"." || name == c".." {
                return Ok(());
            }
            let status = |dir: &RunDir| fstatat(dir.as_fd(), name, AtFlags::AT_SYMLINK_NOFOLLOW);
            let (here, there) = (status(self).at(Step::Look)?, status(upper).at(Step::Look)?);
            let is_the_same = kind != FileType::Directory && stat::is_same_file(&here, &there);
            if is_the_same { Ok(()) } else { Err(Failure::new(Step::Look, Errno::EBUSY)) }
        });
        all.is_ok()
    }

    /// Names that existed before the directory became a mount point now exist twice. The lower mounts would
    /// keep their namespaces alive, and their files busy, after the names are removed.
    fn unmount_covered_names(&self, upper: &RunDir) {
        // A lower mount that remains only makes a later remove() slower.
        let _ = for_each_name(self.as_fd(), |name, _| {
            if matches!(self.is_also_in(upper, name), Ok(true)) {
                let _ = mount::detach(ProcPath::below_fd(self.as_fd(), name).as_cstr());
            }
            Ok(())
        });
    }

    /// Returns whether the namespace with this name also has it in `upper`. A namespace that was bound after
    /// `upper` was copied, and before it covered this directory, is bound in `upper` now.
    fn is_also_in(&self, upper: &RunDir, name: &CStr) -> Result<bool> {
        let Ok(FileKind::Network(here)) = identity::identify_name(self.as_fd(), name) else {
            return Ok(false);
        };
        match entry::look(upper.as_fd(), name)? {
            Entry::Namespace(there) => Ok(there == here),
            Entry::Placeholder(_) => self.bind_above(upper, name).at(Step::Bind),
            _ => Ok(false),
        }
    }

    fn bind_above(&self, upper: &RunDir, name: &CStr) -> nix::Result<bool> {
        let Some(ns) = identity::find_mount(self.as_fd(), name)? else { return Ok(false) };
        let target = openat(upper.as_fd(), name, LOOK_AT_ITSELF)?;
        mount::bind_namespace(ns.as_fd(), target.as_fd())?;
        Ok(true)
    }
}

/// A run directory that does not exist contains no names.
pub fn or_none<T>(dir: Result<T>) -> Result<Option<T>> {
    match dir {
        Ok(dir) => Ok(Some(dir)),
        Err(failure) if failure.errno == Errno::ENOENT => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// Calls `visit` for each entry that may be a name, in the order of the directory, and with whether it may be
/// a symbolic link. Directories are skipped: nothing that is bound on one is taken for a namespace.
pub fn for_each_name(
    dir: BorrowedFd,
    mut visit: impl FnMut(&CStr, bool) -> Result<()>,
) -> Result<()> {
    for_each_entry(dir, Step::ReadRunDir, |name, kind| match kind {
        FileType::Directory => Ok(()),
        kind => visit(name, matches!(kind, FileType::Symlink | FileType::Unknown)),
    })
}

/// Does the same as mkdir -p, and gives other users permission to search the directories whatever the umask
/// is. The helper thread has its own umask, so no directory ever has another mode and none needs chmod(2).
fn make_directories(path: &CStr) -> Result<()> {
    on_helper_thread(|| {
        unshare(CloneFlags::CLONE_FS).at(Step::HelperThread)?;
        umask(Mode::empty());
        make_with_parents(path.to_bytes()).at(Step::MakeRunDir)
    })
}

fn make_with_parents(path: &[u8]) -> nix::Result<()> {
    let len = path.iter().rposition(|&byte| byte != b'/').map_or(0, |last| last + 1);
    let path = &path[..len];
    match make_directory(path) {
        Err(Errno::ENOENT) => {}
        result => return result,
    }
    let slash = path.iter().rposition(|&byte| byte == b'/').filter(|&at| at > 0);
    make_with_parents(&path[..slash.ok_or(Errno::ENOENT)?])?;
    make_directory(path)
}

fn make_directory(path: &[u8]) -> nix::Result<()> {
    match on_signal(|| mkdir(path, Mode::from_bits_retain(0o755))) {
        Err(Errno::EEXIST) => Ok(()),
        result => result,
    }
}

/// A locked run directory: no other process adds or removes names until it is dropped.
pub struct LockedRunDir {
    dir: RunDir,
    lock: Lock,
    /// As determined by [`RunDir::prepare`].
    is_mount_point: bool,
    /// The directory below the mount that this call has created on it.
    covered: Option<RunDir>,
}

/// The descriptor that holds the lock.
enum Lock {
    Its,
    /// That of the directory before something was mounted on it.
    Of(OwnedFd),
    /// That of the directory below this call's own mount.
    Covered,
    /// None: a reader held the lock for too long, so the call continues without it.
    Nobodys,
}

impl std::ops::Deref for LockedRunDir {
    type Target = RunDir;

    fn deref(&self) -> &RunDir {
        &self.dir
    }
}

impl Drop for LockedRunDir {
    fn drop(&mut self) {
        self.unlock();
    }
}

impl LockedRunDir {
    /// Locks the directory that `path` leads to once it is locked.
    fn new(
        mut opened: Option<RunDir>,
        open: impl Fn(&CStr) -> Result<RunDir>,
        path: &CStr,
        wait: Wait,
    ) -> Result<LockedRunDir> {
        for _ in 0..MOST_REPLACEMENTS {
            let dir = opened.take().map_or_else(|| open(path), Ok)?;
            let locked = lock(&dir, wait)?;
            if let Some((dir, lock)) = still_at(path, dir, locked, &open)? {
                return Ok(LockedRunDir { dir, lock, is_mount_point: false, covered: None });
            }
        }
        Err(Failure::new(Step::OpenRunDir, Errno::EAGAIN)
            .hint("other processes keep replacing it; try again"))
    }

    /// Fails if no name can be removed, before anything is unmounted.
    pub fn check_writable(&self) -> Result<()> {
        let access = Access::WRITE_OK | Access::EXEC_OK;
        let ask = || accessat(self.as_fd(), c".", access, rustix::fs::AtFlags::EACCESS);
        match retry_on_intr(ask) {
            // Before Linux 5.8, or with a seccomp filter. unlink reports it as well, after the name was
            // unmounted.
            Err(rustix::io::Errno::NOSYS | rustix::io::Errno::PERM) => Ok(()),
            result => result.at(Step::Unlink),
        }
    }

    pub fn is_locked(&self) -> bool {
        !matches!(self.lock, Lock::Nobodys)
    }

    fn unlock(&mut self) {
        let fd = match &self.lock {
            Lock::Its => Some(&self.dir.fd),
            Lock::Of(fd) => Some(fd),
            Lock::Covered => self.covered.as_ref().map(|dir| &dir.fd),
            Lock::Nobodys => None,
        };
        if let Some(fd) = fd {
            // Closing is not sufficient: a child that was forked meanwhile has the descriptor as well.
            let _ = flock(fd, FlockOperation::Unlock);
        }
        self.lock = Lock::Nobodys;
    }

    pub fn is_mount_point(&self) -> bool {
        self.is_mount_point
    }

    /// Makes the directory a mount point. The value then refers to the directory in the new mount, and the
    /// previous contents are below that mount.
    pub fn mount_on_itself(&mut self, path: &CStr) -> Result<()> {
        let upper = match mount::mount_on_itself(self.as_fd(), path) {
            Err(Errno::EINVAL) => {
                return Err(Failure::new(Step::MountRunDir, Errno::EPERM).hint(ELSEWHERE));
            }
            Err(errno) => {
                self.dir.take_copy_off(path);
                return Err(Failure::new(Step::MountRunDir, errno));
            }
            Ok(upper) => upper,
        };
        let lower = std::mem::replace(&mut self.dir, RunDir { fd: upper });
        self.is_mount_point = true;
        self.covered = Some(lower);
        if let Lock::Its = self.lock {
            self.lock = Lock::Covered;
        }
        self.check_covers_nothing_else()
    }

    /// Returns [`Step::MountedTwice`] if a process that does not hold the lock has also mounted the directory
    /// on itself, before this call's mount and after the directory was copied for it; this call's mount then
    /// hides the names in the other one.
    fn check_covers_nothing_else(&self) -> Result<()> {
        let Some(lower) = &self.covered else { return Ok(()) };
        match mountinfo::is_mounted_on(self.as_fd(), lower.as_fd()) {
            Ok(false) => Err(Failure::new(Step::MountedTwice, Errno::EAGAIN)),
            Err(failure) if is_shortage(failure.errno) => Err(failure),
            // If this cannot be determined, it is unlikely to have happened.
            Ok(true) | Err(_) => Ok(()),
        }
    }

    /// Ends a call that created a name: the mount that it has created on the directory stays.
    pub fn keep_mount(&mut self) {
        if let Some(lower) = &self.covered {
            lower.unmount_covered_names(&self.dir);
        }
    }

    /// Ends a call that created no name: unmounts the mount that it has created on the directory, unless
    /// another process is using it or has mounted something on it by now. Names that existed before are in
    /// both directories and are kept.
    pub fn take_mount_back(mut self, path: &CStr) {
        let Some(lower) = self.covered.take() else { return };
        let is_topmost = !self.dir.is_outdated(path);
        let own = mount_at(path);
        // An open descriptor keeps a mount busy.
        drop(std::mem::replace(&mut self.dir, lower));
        if let Lock::Covered = self.lock {
            self.lock = Lock::Its;
        }
        for _ in 0..if is_topmost { MOST_REPLACEMENTS } else { 0 } {
            if own.zip(mount_at(path)).is_some_and(|(own, now)| own != now) {
                break; // another process has mounted something on it, which would be unmounted instead
            }
            match mount::take_off_unused(self.dir.as_fd(), path) {
                Ok(()) => return,
                Err(Errno::EBUSY) => {}
                Err(_) => break,
            }
            // The descriptor may be one of processes that wait for the lock.
            self.unlock();
            thread::sleep(LONGEST_PAUSE);
        }
        if let Ok(upper) = RunDir::open(path) {
            self.dir.unmount_covered_names(&upper);
        }
    }
}

/// Returns the directory that was locked, as `path` leads to it, and what holds its lock; the directory may
/// have become a mount point before it was locked. Returns `None` if another directory has replaced it.
fn still_at(
    path: &CStr,
    dir: RunDir,
    locked: bool,
    open: impl Fn(&CStr) -> Result<RunDir>,
) -> Result<Option<(RunDir, Lock)>> {
    let held = |lock| if locked { lock } else { Lock::Nobodys };
    if leads_to(path, &dir) == Some(true) {
        return Ok(Some((dir, held(Lock::Its))));
    }
    let there = open(path)?;
    Ok(stat::are_same_file(&dir, &there).then(|| (there, held(Lock::Of(dir.fd)))))
}

/// Returns whether `path` is the mount and directory that is open, or `None` if the kernel cannot tell
/// (before Linux 5.8).
fn leads_to(path: &CStr, dir: &RunDir) -> Option<bool> {
    let wanted = StatxFlags::INO | StatxFlags::MNT_ID;
    let there = retry_on_intr(|| statx(CWD, path, rustix::fs::AtFlags::empty(), wanted)).ok()?;
    let open = || statx(&dir.fd, c"", rustix::fs::AtFlags::EMPTY_PATH, wanted);
    let open = retry_on_intr(open).ok()?;
    let key = |status: &Statx| (status.stx_mnt_id, status.stx_ino);
    let told = |status: &Statx| status.stx_mask & wanted.bits() == wanted.bits();
    (told(&there) && told(&open)).then(|| key(&there) == key(&open))
}

/// Returns the id of the mount that `path` leads to, or `None` if the kernel cannot tell.
fn mount_at(path: &CStr) -> Option<u64> {
    let ask = || statx(CWD, path, rustix::fs::AtFlags::empty(), StatxFlags::MNT_ID);
    let status = retry_on_intr(ask).ok()?;
    (status.stx_mask & StatxFlags::MNT_ID.bits() != 0).then_some(status.stx_mnt_id)
}

/// Returns whether the lock was acquired. flock(2) has no timeout, so this polls with short pauses.
fn lock(dir: &RunDir, wait: Wait) -> Result<bool> {
    use rustix::io::Errno;
    let start = Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        match flock(&dir.fd, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(true),
            Err(Errno::WOULDBLOCK) if wait == Wait::ForNobody => {
                return Err(Failure::new(Step::LockRunDir, Errno::WOULDBLOCK)
                    .hint("another process holds the lock; try again"));
            }
            Err(Errno::WOULDBLOCK | Errno::INTR | Errno::NOMEM) => {}
            Err(_) => return Ok(false),
        }
        if start.elapsed() >= LONGEST_WAIT {
            return Ok(false);
        }
        thread::sleep(pause);
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}
