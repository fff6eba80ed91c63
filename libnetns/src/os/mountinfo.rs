//! The mounts below a directory, as seen by the calling thread. listmount(2) and statmount(2) of Linux 6.8
//! take time proportional to the mounts below the directory; the fallback, /proc/thread-self/mountinfo, takes
//! time proportional to all mounts, of which there is one for each name.

use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd};

use nix::errno::Errno;
use rustix::fs::{AtFlags, CWD, StatxFlags, statx};
use rustix::io::retry_on_intr;

use crate::error::{At, Failure, Result, Step, errno};
use crate::os::open::{LOOK, open};
use crate::os::procfs;
use crate::os::stat::mount_id;
use crate::os::syscalls::{self, MountStatus};
use crate::util::strings::Strings;

/// Returns the mount points of mounts directly on the mount that contains `dir`, below `dir`. Mounts on those
/// mounts and hidden mounts are not included.
pub fn mounted_directly_below(dir: &CStr) -> Result<Strings> {
    match by_statmount(dir) {
        Ok(found) => Ok(found),
        Err(failure) if failure.errno == Errno::ENOMEM => Err(failure),
        // The kernel is older, a seccomp filter forbids the call, or the mount belongs to another mount
        // namespace.
        Err(_) => by_mountinfo(dir),
    }
}

/// The number of ids that one call returns.
const AT_ONCE: usize = 256;

fn by_statmount(dir: &CStr) -> Result<Strings> {
    let parent = unique_mount_id(dir).at(Step::ReadMounts)?;
    let mut status = MountStatus::new().ok_or(Failure::no_memory())?;
    let mut ids = Vec::new();
    ids.try_reserve_exact(AT_ONCE).map_err(|_| Failure::no_memory())?;
    ids.resize(AT_ONCE, 0);
    let mut found = Strings::default();
    let mut last = 0;
    loop {
        let count = syscalls::list_mounts(parent, last, &mut ids).at(Step::ReadMounts)?;
        for &id in &ids[..count] {
            match status.read(id) {
                // It has been unmounted meanwhile.
                Err(Errno::ENOENT) => continue,
                result => result.at(Step::ReadMounts)?,
            }
            if let Some(point) = point_below(&status, parent, dir) {
                found.push(&[point])?;
            }
        }
        match ids[..count].last() {
            Some(&id) if count == AT_ONCE => last = id,
            _ => return Ok(found),
        }
    }
}

fn point_below<'a>(mount: &'a MountStatus, parent: u64, dir: &CStr) -> Option<&'a [u8]> {
    let point = mount.point()?.to_bytes();
    (mount.parent() == parent && is_below(point, dir.to_bytes())).then_some(point)
}

/// STATX_MNT_ID_UNIQUE (Linux 6.8)
const UNIQUE: StatxFlags = StatxFlags::from_bits_retain(0x4000);

/// Returns the unique id of the mount that a path leads to; the id is never reused.
fn unique_mount_id(path: &CStr) -> nix::Result<u64> {
    let file = retry_on_intr(|| statx(CWD, path, AtFlags::NO_AUTOMOUNT, UNIQUE)).map_err(errno)?;
    if !StatxFlags::from_bits_retain(file.stx_mask).contains(UNIQUE) {
        return Err(Errno::ENOSYS);
    }
    Ok(file.stx_mnt_id)
}

fn by_mountinfo(dir: &CStr) -> Result<Strings> {
    let seen = open(dir, LOOK).at(Step::ReadMounts)?;
    let parent = mount_id(seen.as_fd()).at(Step::ReadMounts)?;
    let mut text = procfs::read_file(procfs::THREAD_MOUNTINFO, Step::ReadMounts)?;
    directly_below(&mut text, parent, dir.to_bytes())
}

fn is_below(point: &[u8], dir: &[u8]) -> bool {
    point.strip_prefix(dir).is_some_and(|rest| rest.starts_with(b"/"))
}

/// Does the same with the text of a mountinfo file.
pub fn directly_below(text: &mut [u8], parent: u64, dir: &[u8]) -> Result<Strings> {
    let mut found = Strings::default();
    for line in text.split_mut(|&byte| byte == b'\n') {
        let Some(point) = point_of_child(line, parent) else { continue };
        if is_below(point, dir) {
            found.push(&[point])?;
        }
    }
    Ok(found)
}

/// Returns whether the mount that contains `upper` is mounted on the one that contains `lower`.
pub fn is_mounted_on(upper: BorrowedFd, lower: BorrowedFd) -> Result<bool> {
    let (upper, lower) = (mount_id(upper), mount_id(lower));
    let (upper, lower) = (upper.at(Step::ReadMounts)?, lower.at(Step::ReadMounts)?);
    let text = procfs::read_file(procfs::THREAD_MOUNTINFO, Step::ReadMounts)?;
    Ok(text.split(|&byte| byte == b'\n').any(|line| has_ids(line, upper, lower)))
}

fn has_ids(line: &[u8], id: u64, parent: u64) -> bool {
    let mut fields = line.split(|&byte| byte == b' ');
    let mut is_next = |id| {
        let field = fields.next().and_then(|field| std::str::from_utf8(field).ok());
        field.and_then(|field| field.parse().ok()) == Some(id)
    };
    is_next(id) && is_next(parent)
}

/// Returns the mount point if the line describes a mount on `parent`. The fields are the id, the parent's id,
/// device, root, mount point ...
fn point_of_child(line: &mut [u8], parent: u64) -> Option<&[u8]> {
    let mut fields = line.split_mut(|&byte| byte == b' ');
    let id = std::str::from_utf8(fields.nth(1)?).ok()?;
    if id.parse() != Ok(parent) {
        return None;
    }
    fields.nth(2).map(unescape)
}

/// A mount of a network namespace.
#[derive(Debug, PartialEq, Eq)]
pub struct NamespaceMount<'a> {
    /// Unique among the mounts that exist, in all mount namespaces.
    pub id: u64,
    pub inode: u64,
    pub point: &'a [u8],
}

/// Calls `visit` for each mount of a network namespace in the text of a mountinfo file.
pub fn for_each_network_namespace(
    text: &mut [u8],
    mut visit: impl FnMut(NamespaceMount) -> Result<()>,
) -> Result<()> {
    for line in text.split_mut(|&byte| byte == b'\n') {
        if let Some(mount) = network_namespace(line) {
            visit(mount)?;
        }
    }
    Ok(())
}

/// Only nsfs shows a root that does not begin with a slash and has the form `net:[INODE]` (nsfs_show_path).
fn network_namespace(line: &mut [u8]) -> Option<NamespaceMount<'_>> {
    let mut fields = line.split_mut(|&byte| byte == b' ');
    let id = number(fields.next()?)?;
    let root = fields.nth(2)?;
    let inode = number(root.strip_prefix(b"net:[")?.strip_suffix(b"]")?)?;
    Some(NamespaceMount { id, inode, point: unescape(fields.next()?) })
}

fn number(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Unescapes \ooo, which encodes blanks and similar characters, in place.
fn unescape(text: &mut [u8]) -> &[u8] {
    let (mut from, mut to) = (0, 0);
    while let Some(&byte) = text.get(from) {
        let (plain, len) = match text.get(from..).and_then(octal) {
            Some(value) => (value, 4),
            None => (byte, 1),
        };
        text[to] = plain;
        from += len;
        to += 1;
    }
    &text[..to]
}

/// Decodes `\ooo` at the beginning.
fn octal(text: &[u8]) -> Option<u8> {
    let digits = std::str::from_utf8(text.get(1..4)?).ok()?;
    if text[0] != b'\\' {
        return None;
    }
    u8::from_str_radix(digits, 8).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] = b"\
22 1 8:1 / / rw - ext4 /dev/sda rw
23 22 0:21 / /sys rw shared:2 - sysfs sysfs rw
24 23 0:22 / /sys/fs/cgroup rw - tmpfs tmpfs rw
25 24 0:23 / /sys/fs/cgroup/memory rw - cgroup cgroup rw
26 23 0:24 / /sys/kernel/with\\040blank\\134 rw - tracefs tracefs rw
27 22 0:25 / /system rw - tmpfs tmpfs rw
28 23 0:26 / /sys rw - sysfs sysfs rw
29 22 0:27 / /sysfs/x rw - tmpfs tmpfs rw
30 22 0:28 / /sys/of-the-root rw - tmpfs tmpfs rw
";

    fn below(parent: u64, dir: &[u8]) -> Vec<String> {
        let found = directly_below(&mut TEXT.to_vec(), parent, dir).unwrap();
        found.iter().map(|path| path.to_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn directly_below_lists_only_child_mounts_in_directory() {
        assert_eq!(below(23, b"/sys"), ["/sys/fs/cgroup", "/sys/kernel/with blank\\"]);
        assert_eq!(below(24, b"/sys/fs/cgroup"), ["/sys/fs/cgroup/memory"]);
        assert_eq!(below(22, b"/sys"), ["/sys/of-the-root"]);
        assert!(below(28, b"/sys").is_empty());
        assert!(below(2, b"/sys").is_empty());
    }

    #[test]
    fn unescape_decodes_octal_escapes() {
        for (escaped, plain) in [
            (&b"a\\040b"[..], &b"a b"[..]),
            (b"\\011\\012\\134\\043", b"\t\n\\#"),
            (b"\\04", b"\\04"),
            (b"a\\", b"a\\"),
            (b"\\999", b"\\999"),
            (b"", b""),
        ] {
            assert_eq!(unescape(&mut escaped.to_vec()), plain, "{}", escaped.escape_ascii());
        }
    }

    #[test]
    fn for_each_network_namespace_ignores_other_mounts() {
        let text = b"\
30 22 0:4 net:[4026532281] /run/netns/a\\012b rw shared:9 - nsfs nsfs rw
31 22 0:4 mnt:[4026532282] /run/mnt rw - nsfs nsfs rw
32 22 0:28 /net:[4026532283] /run/net rw - tmpfs tmpfs rw
33 22 0:4 net:[12 /run/x rw - nsfs nsfs rw
34 22 0:4 net:[] /run/y rw - nsfs nsfs rw
35 22 0:4
36 22 0:4 net:[7]
";
        let mut found = Vec::new();
        for_each_network_namespace(&mut text.to_vec(), |mount| {
            found.push((mount.id, mount.inode, mount.point.to_vec()));
            Ok(())
        })
        .unwrap();
        assert_eq!(found, [(30, 4026532281, b"/run/netns/a\nb".to_vec())]);
    }

    fn sorted(found: &Strings) -> Vec<&CStr> {
        let mut found: Vec<_> = found.iter().collect();
        found.sort_unstable();
        found
    }

    #[test]
    fn mountinfo_and_statmount_list_same_mounts() {
        let Some(rundir) = crate::testing::world() else { return };
        let mount = |path: &CStr| {
            std::fs::create_dir_all(std::path::Path::new(path.to_str().unwrap())).unwrap();
            crate::os::mount::mount_new(c"tmpfs", c"tmpfs", path, nix::mount::MsFlags::empty())
                .unwrap();
        };
        let ways: &[fn(&CStr) -> Result<Strings>] = match by_statmount(c"/run") {
            Err(failure) if failure.errno == Errno::ENOSYS => &[by_mountinfo],
            _ => &[by_mountinfo, by_statmount, mounted_directly_below],
        };
        for way in ways {
            assert!(way(c"/run").unwrap().iter().next().is_none());
        }
        mount(rundir);
        mount(c"/run/netns/below");
        mount(c"/run/with blank\\ and\ttab");
        // More mounts than one call of listmount(2) returns.
        for i in 0..AT_ONCE {
            mount(&std::ffi::CString::new(format!("/run/many/{i}")).unwrap());
        }
        for way in ways {
            let found = way(c"/run").unwrap();
            let found = sorted(&found);
            assert_eq!(found.len(), AT_ONCE + 2);
            assert!(found.contains(&rundir) && found.contains(&c"/run/with blank\\ and\ttab"));
            assert_eq!(sorted(&way(rundir).unwrap()), [c"/run/netns/below"]);
        }
    }
}
