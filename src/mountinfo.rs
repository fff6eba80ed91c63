//! What /proc/thread-self/mountinfo tells of the calling thread's mounts.

use std::ffi::CStr;
use std::os::fd::AsFd;

use nix::fcntl::OFlag;

use crate::error::{At, Result, Step};
use crate::file_status::mount_id;
use crate::procfs;
use crate::retry::open;
use crate::strings::Strings;

/// Where something is mounted directly on the mount that `dir` lies in, below `dir`: not what is
/// mounted on those again, nor what another mount hides.
pub fn mounted_directly_below(dir: &CStr) -> Result<Strings> {
    let look = OFlag::O_PATH | OFlag::O_CLOEXEC;
    let seen = open(dir, look).at(Step::ReadMounts)?;
    let parent = mount_id(seen.as_fd()).at(Step::ReadMounts)?;
    let mut text = procfs::read_file(procfs::THREAD_MOUNTINFO, Step::ReadMounts)?;
    directly_below(&mut text, parent, dir.to_bytes())
}

/// The same, in the text of a mountinfo.
pub fn directly_below(text: &mut [u8], parent: u64, dir: &[u8]) -> Result<Strings> {
    let mut found = Strings::default();
    for line in text.split_mut(|&byte| byte == b'\n') {
        let Some(point) = point_of_child(line, parent) else { continue };
        let below = point.strip_prefix(dir).is_some_and(|rest| rest.starts_with(b"/"));
        if below {
            found.push(&[point])?;
        }
    }
    Ok(found)
}

/// The mount point in a line about a mount on `parent`. The fields are id, parent's id, device, root,
/// mount point ...
fn point_of_child(line: &mut [u8], parent: u64) -> Option<&[u8]> {
    let mut fields = line.split_mut(|&byte| byte == b' ');
    let id = std::str::from_utf8(fields.nth(1)?).ok()?;
    if id.parse() != Ok(parent) {
        return None;
    }
    fields.nth(2).map(unescape)
}

/// Blanks and their like stand as \ooo, and become themselves where they stand.
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

/// What `\ooo` at the beginning stands for.
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
    fn only_what_is_mounted_on_this_very_mount_and_below_the_directory() {
        assert_eq!(below(23, b"/sys"), ["/sys/fs/cgroup", "/sys/kernel/with blank\\"]);
        assert_eq!(below(24, b"/sys/fs/cgroup"), ["/sys/fs/cgroup/memory"]);
        assert_eq!(below(22, b"/sys"), ["/sys/of-the-root"]);
        assert!(below(28, b"/sys").is_empty());
        assert!(below(2, b"/sys").is_empty());
    }

    #[test]
    fn octal_escapes_are_undone() {
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
    fn the_thread_s_own_mounts_are_found() {
        let Some(rundir) = crate::testing::world() else { return };
        assert!(mounted_directly_below(c"/run").unwrap().iter().next().is_none());
        crate::mounts::mount_new(c"tmpfs", c"tmpfs", rundir, nix::mount::MsFlags::empty()).unwrap();
        assert!(mounted_directly_below(c"/run").unwrap().iter().eq([rundir]));
        assert!(mounted_directly_below(rundir).unwrap().iter().next().is_none());
    }
}
