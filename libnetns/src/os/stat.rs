//! The results of stat(2) for a name, and whether something is mounted on it.

use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use nix::NixPath;
use nix::errno::Errno;
use nix::fcntl::openat;
use nix::sys::stat::{FileStat, Mode, fstatat, makedev};
use nix::sys::statfs::{FsType, fstatfs};
use rustix::fs::{AtFlags, StatxAttributes, StatxFlags, statx};
use rustix::io::retry_on_intr;

use crate::error::errno;
use crate::os::open::LOOK_AT_ITSELF;
use crate::os::retry::{is_shortage, on_signal};
use crate::os::{procfs, syscalls};

type Result<T> = std::result::Result<T, Errno>;

pub struct FileStatus {
    pub mode: u32,
    pub size: u64,
    /// The time of the last status change, by the realtime clock.
    pub changed: Duration,
    pub is_mount_root: bool,
    device: u64,
    inode: u64,
}

impl FileStatus {
    /// Returns the status of `name` in `dir`, or of a path; a symlink is not followed.
    pub fn of(dir: BorrowedFd, name: &CStr) -> Result<FileStatus> {
        let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
        match retry_on_intr(|| statx(dir, name, flags, StatxFlags::BASIC_STATS)) {
            Ok(file) if file.stx_attributes_mask.contains(StatxAttributes::MOUNT_ROOT) => {
                Ok(FileStatus {
                    mode: file.stx_mode.into(),
                    size: file.stx_size,
                    changed: duration(file.stx_ctime.tv_sec, file.stx_ctime.tv_nsec.into()),
                    is_mount_root: file.stx_attributes.contains(StatxAttributes::MOUNT_ROOT),
                    device: makedev(file.stx_dev_major.into(), file.stx_dev_minor.into()),
                    inode: file.stx_ino,
                })
            }
            // Linux is older than 5.8, or there is a seccomp filter.
            Ok(_) | Err(rustix::io::Errno::NOSYS | rustix::io::Errno::PERM) => {
                FileStatus::by_stat(dir, name)
            }
            Err(failure) => Err(errno(failure)),
        }
    }

    fn by_stat(dir: BorrowedFd, name: &CStr) -> Result<FileStatus> {
        let file = on_signal(|| fstatat(dir, name, nix::fcntl::AtFlags::AT_SYMLINK_NOFOLLOW))?;
        Ok(FileStatus {
            mode: file.st_mode,
            size: file.st_size as u64,
            changed: changed(&file),
            is_mount_root: is_mounted_on(dir, name)?,
            device: device(&file),
            inode: inode(&file),
        })
    }

    /// Returns whether this is the status of the given file.
    pub fn is_of(&self, file: &FileStat) -> bool {
        (self.device, self.inode) == (device(file), inode(file))
    }
}

/// The attributes of a file that are sufficient to recognize it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileIdentity {
    pub mode: u32,
    pub device: u64,
    pub inode: u64,
    /// The device number of a device file.
    pub special: u64,
    /// The id of its mount; 0 before Linux 5.8.
    pub mount: u64,
}

impl FileIdentity {
    /// Returns the identity of the file that `path` leads to from `dir`. File servers are not asked for
    /// attributes, because the file may belong to another process and be on a server that does not respond.
    pub fn of(dir: BorrowedFd, path: &CStr) -> Result<FileIdentity> {
        let flags = AtFlags::NO_AUTOMOUNT | AtFlags::STATX_DONT_SYNC;
        let wanted = StatxFlags::TYPE | StatxFlags::INO | StatxFlags::MNT_ID;
        match retry_on_intr(|| statx(dir, path, flags, wanted)) {
            Ok(file) => Ok(FileIdentity {
                mode: file.stx_mode.into(),
                device: makedev(file.stx_dev_major.into(), file.stx_dev_minor.into()),
                inode: file.stx_ino,
                special: makedev(file.stx_rdev_major.into(), file.stx_rdev_minor.into()),
                mount: file.stx_mnt_id,
            }),
            // There is a seccomp filter. If the caller may not inspect the file, the errno is EACCES.
            Err(rustix::io::Errno::NOSYS | rustix::io::Errno::PERM) => {
                FileIdentity::by_stat(dir, path)
            }
            Err(failure) => Err(errno(failure)),
        }
    }

    /// Returns the identity of an open file.
    pub fn of_fd(fd: BorrowedFd) -> Result<FileIdentity> {
        fstat(fd).map(|file| FileIdentity::of_status(&file))
    }

    fn by_stat(dir: BorrowedFd, path: &CStr) -> Result<FileIdentity> {
        let file = on_signal(|| fstatat(dir, path, nix::fcntl::AtFlags::AT_NO_AUTOMOUNT))?;
        Ok(FileIdentity::of_status(&file))
    }

    #[allow(clippy::unnecessary_cast)]
    fn of_status(file: &FileStat) -> FileIdentity {
        FileIdentity {
            mode: file.st_mode,
            device: device(file),
            inode: inode(file),
            special: file.st_rdev as u64,
            mount: 0,
        }
    }

    pub fn is(&self, kind: u32) -> bool {
        self.mode & libc::S_IFMT == kind
    }
}

/// Returns whether a name, or the target of a path, is on another mount than its directory.
fn is_mounted_on(dir: BorrowedFd, path: &CStr) -> Result<bool> {
    let path = path.to_bytes();
    let directory = match path.iter().rposition(|&byte| byte == b'/') {
        Some(slash) => &path[..=slash],
        None => b".",
    };
    Ok(mount_of(dir, path)? != mount_of(dir, directory)?)
}

/// Returns the id of the mount that a path leads to. It comes with a file handle, which requires neither
/// /proc nor a descriptor: remove must not run out of descriptors halfway.
fn mount_of(dir: BorrowedFd, path: &[u8]) -> Result<u64> {
    if let Ok(handle) = path.with_nix_path(|path| syscalls::name_to_handle(dir, path))? {
        return Ok(handle.mount_id as u64);
    }
    mount_id(on_signal(|| openat(dir, path, LOOK_AT_ITSELF, Mode::empty()))?.as_fd())
}

/// Returns whether both files are on the same mount, or true if this cannot be determined.
pub fn is_same_mount(a: BorrowedFd, b: BorrowedFd) -> Result<bool> {
    let of = |fd| match syscalls::name_to_handle(fd, c"") {
        Ok(handle) => Ok(handle.mount_id as u64),
        Err(_) => mount_id(fd),
    };
    match (of(a), of(b)) {
        (Ok(a), Ok(b)) => Ok(a == b),
        (Err(errno), _) | (_, Err(errno)) if is_shortage(errno) => Err(errno),
        _ => Ok(true),
    }
}

/// Returns the mount id that mountinfo shows.
pub fn mount_id(fd: BorrowedFd) -> Result<u64> {
    procfs::fdinfo_number(fd, "mnt_id:")?.ok_or(Errno::EIO)
}

// The types of these fields depend on the architecture.

#[allow(clippy::unnecessary_cast)]
pub fn inode(file: &FileStat) -> u64 {
    file.st_ino as u64
}

#[allow(clippy::unnecessary_cast)]
pub fn device(file: &FileStat) -> u64 {
    file.st_dev as u64
}

/// fstat(2), repeated after a signal. It may block on a network file system.
pub fn fstat(fd: impl AsFd) -> nix::Result<FileStat> {
    on_signal(|| nix::sys::stat::fstat(&fd))
}

/// SOCKFS_MAGIC, which <linux/magic.h> lacks.
pub const SOCKFS: FsType = FsType(0x534f_434b);

pub fn is_socket(fd: BorrowedFd) -> Result<bool> {
    Ok(on_signal(|| fstatfs(fd))?.filesystem_type() == SOCKFS)
}

/// Returns whether both belong to the same file.
pub fn is_same_file(a: &FileStat, b: &FileStat) -> bool {
    (a.st_dev, a.st_ino) == (b.st_dev, b.st_ino)
}

/// Returns whether both descriptors refer to the same file, or false if this cannot be determined.
pub fn are_same_file(a: impl AsFd, b: impl AsFd) -> bool {
    matches!((fstat(a), fstat(b)), (Ok(a), Ok(b)) if is_same_file(&a, &b))
}

#[allow(clippy::unnecessary_cast)]
fn changed(file: &FileStat) -> Duration {
    duration(file.st_ctime as i64, file.st_ctime_nsec as u64)
}

fn duration(seconds: i64, nanoseconds: u64) -> Duration {
    Duration::from_secs(seconds.max(0) as u64) + Duration::from_nanos(nanoseconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    #[test]
    fn stat_and_statx_agree() {
        for (dir, name) in [("/", c"proc"), ("/", c"etc"), ("/etc", c"passwd"), ("/proc", c"self")]
        {
            let dir = File::open(dir).unwrap();
            let new = FileStatus::of(dir.as_fd(), name).unwrap();
            let old = FileStatus::by_stat(dir.as_fd(), name).unwrap();
            let all = |file: &FileStatus| (file.mode, file.size, file.is_mount_root);
            assert_eq!(all(&new), all(&old), "{name:?}");
            assert_eq!((new.device, new.inode), (old.device, old.inode), "{name:?}");
        }
    }

    #[test]
    fn is_mounted_on_detects_mount_points() {
        let cwd = nix::fcntl::AT_FDCWD;
        for (path, mounted) in [(c"/proc/self", false), (c"/proc", true), (c"/proc/version", false)]
        {
            assert_eq!(is_mounted_on(cwd, path), Ok(mounted), "{path:?}");
        }
    }

    #[test]
    fn file_identity_agrees_between_stat_and_statx() {
        let cwd = nix::fcntl::AT_FDCWD;
        for path in [c"/proc/self", c"/proc/self/ns/net", c"/dev/null", c"/etc/passwd"] {
            let (new, old) = (FileIdentity::of(cwd, path), FileIdentity::by_stat(cwd, path));
            let all = |file: FileIdentity| (file.mode & libc::S_IFMT, file.device, file.inode);
            assert_eq!(new.map(all), old.map(all), "{path:?}");
            assert_eq!(new.unwrap().special, old.unwrap().special, "{path:?}");
        }
        assert_eq!(FileIdentity::of(cwd, c"/none/such"), Err(Errno::ENOENT));
    }

    #[test]
    fn duration_clamps_negative_seconds_to_zero() {
        assert_eq!(duration(-5, 7), Duration::from_nanos(7));
        assert_eq!(duration(3, 7), Duration::new(3, 7));
    }
}
