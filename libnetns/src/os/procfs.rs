//! Paths below /proc, written to a buffer on the stack, and files there.
//!
//! All paths use `/proc/thread-self`: `/proc/self` belongs to the main thread, and neither its namespace nor,
//! after unshare(CLONE_FILES), its descriptors are those of the calling thread.

use std::ffi::CStr;
use std::fmt::{self, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::str::FromStr;

use nix::errno::Errno;
use nix::sys::statfs::{FsType, fstatfs};
use nix::unistd::read;
use rustix::fs::{CWD, readlinkat_raw};

use crate::error::{At, Failure, Result, Step, errno};
use crate::os::open::{READ, open, openat};
use crate::os::retry::{is_shortage, on_signal};
use crate::util::text::Text;

pub const THREAD_NET: &CStr = c"/proc/thread-self/ns/net";
pub const THREAD_MNT: &CStr = c"/proc/thread-self/ns/mnt";
pub const THREAD_MOUNTINFO: &CStr = c"/proc/thread-self/mountinfo";
pub const THREAD_CWD: &CStr = c"/proc/thread-self/cwd";

/// Enough for the longest path: `/proc/thread-self/fd/2147483647/` and a name of 255 bytes.
const CAPACITY: usize = 320;

pub struct ProcPath {
    bytes: [u8; CAPACITY],
    len: usize,
}

impl Default for ProcPath {
    fn default() -> ProcPath {
        ProcPath { bytes: [0; CAPACITY], len: 0 }
    }
}

impl ProcPath {
    /// Returns a path to the file that an open descriptor refers to.
    pub fn of_fd(fd: BorrowedFd) -> ProcPath {
        ProcPath::format(format_args!("/proc/thread-self/fd/{}", fd.as_raw_fd()))
    }

    /// Returns a path to `name` in the directory that `dir` refers to, wherever that is mounted now.
    pub fn below_fd(dir: BorrowedFd, name: &CStr) -> ProcPath {
        let mut path = ProcPath::of_fd(dir);
        path.push(b"/");
        path.push(name.to_bytes());
        path
    }

    pub fn format(text: fmt::Arguments) -> ProcPath {
        let mut path = ProcPath::default();
        // The texts of all callers fit, and write_fmt cannot fail for another reason.
        let _ = path.write_fmt(text);
        path
    }

    /// Appends as many bytes as fit, and returns those.
    pub fn push(&mut self, bytes: &[u8]) -> &mut [u8] {
        // The last byte remains 0.
        let room = &mut self.bytes[self.len..CAPACITY - 1];
        let len = bytes.len().min(room.len());
        let added = &mut room[..len];
        added.copy_from_slice(&bytes[..len]);
        self.len += len;
        added
    }

    pub fn as_cstr(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.bytes).unwrap_or_default()
    }
}

impl Write for ProcPath {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text.as_bytes());
        Ok(())
    }
}

const PROC: FsType = FsType(libc::PROC_SUPER_MAGIC as _);

/// PROC_USER_INIT_INO, the initial user namespace.
pub const FIRST_USER_NAMESPACE: u64 = 0xefff_fffd;

/// PROC_PID_INIT_INO, the initial PID namespace, in which every process is visible.
pub const FIRST_PID_NAMESPACE: u64 = 0xefff_fffc;

/// Makes a call on a path that may lead through a process's directory, such as /proc/PID/ns/net, and makes it
/// again after EACCES.
///
/// The kernel returns EACCES for a process that the caller may not inspect, and also for one that is released
/// between two steps of the call (proc_ns_get_link() in fs/proc/namespaces.c, proc_fd_access_allowed() in
/// fs/proc/base.c, Linux 6.18). In the second case, the directory no longer exists and the second
/// attempt fails with ENOENT, unless the ID has been reused.
pub fn unless_released<T>(mut call: impl FnMut() -> nix::Result<T>) -> nix::Result<T> {
    match call() {
        Err(Errno::EACCES) => call(),
        result => result,
    }
}

/// Returns whether the process or thread `id`, whose directory is in `dir`, is exiting or has ended.
///
/// From exit_mm() on, the kernel gives its files in /proc to root (task_dump_owner() in fs/proc/base.c), so an
/// unprivileged caller that was allowed to inspect it no longer is. The same applies to a zombie.
pub fn is_exiting(dir: BorrowedFd, id: i32) -> nix::Result<bool> {
    /// PF_EXITING in include/linux/sched.h, since Linux 2.6.
    const EXITING: u32 = 4;
    let path = ProcPath::format(format_args!("{id}/stat"));
    let file = openat(dir, path.as_cstr(), READ);
    match file.and_then(|file| read_text::<STAT_SIZE>(file.as_fd())) {
        Ok(stat) => {
            Ok(flags_in(stat.as_c_str().to_bytes()).is_some_and(|flags| flags & EXITING != 0))
        }
        Err(Errno::ENOENT | Errno::ESRCH) => Ok(true),
        Err(errno) if is_shortage(errno) => Err(errno),
        Err(_) => Ok(false),
    }
}

/// Enough for the flags, which follow the name of the program and seven numbers.
const STAT_SIZE: usize = 512;

/// Returns the ninth field of /proc/PID/stat. The second one is the name of the program in parentheses, which may
/// contain any byte.
fn flags_in(stat: &[u8]) -> Option<u32> {
    let end = stat.iter().rposition(|&byte| byte == b')')?;
    let flags = stat[end..].split(|&byte| byte == b' ').nth(7)?;
    std::str::from_utf8(flags).ok()?.parse().ok()
}

/// Returns whether a file is on a procfs.
pub fn is_procfs(file: BorrowedFd) -> nix::Result<bool> {
    on_signal(|| fstatfs(file)).map(|status| status.filesystem_type() == PROC)
}

/// Reads a file whose size is not known.
pub fn read_file(path: &CStr, step: Step) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    read_all(open(path, READ).at(step)?, step, &mut bytes)?;
    Ok(bytes)
}

/// Reads an open file and replaces the contents of `bytes`.
pub fn read_all(file: OwnedFd, step: Step, bytes: &mut Vec<u8>) -> Result<()> {
    const PIECE: usize = 32 * 1024;
    bytes.clear();
    loop {
        let len = bytes.len();
        bytes.try_reserve(PIECE).map_err(|_| Failure::no_memory())?;
        bytes.resize(len + PIECE, 0);
        let more = on_signal(|| read(&file, &mut bytes[len..])).at(step)?;
        bytes.truncate(len + more);
        if more == 0 {
            return Ok(());
        }
    }
}

/// Reads as much of a short file as fits, without the trailing newline.
pub fn read_text<const N: usize>(file: BorrowedFd) -> nix::Result<Text<N>> {
    let mut buffer = [0; N];
    let len = on_signal(|| read(file, &mut buffer))?;
    let text = &buffer[..len];
    Ok(Text::new(text.strip_suffix(b"\n").unwrap_or(text)))
}

/// Returns whether /proc uses the caller's process IDs, which means that it belongs to the caller's pid
/// namespace. For the caller, it lists the ids in all PID namespaces from its own inwards (NSpid, Linux 4.1),
/// so there is one id if it is the caller's and several if it belongs to an outer one; in an inner one, the
/// caller does not exist.
pub fn is_callers_own() -> Result<bool> {
    let status = match read_file(c"/proc/self/status", Step::ReadProc) {
        Err(failure) if matches!(failure.errno, Errno::ENOENT | Errno::ESRCH) => return Ok(false),
        status => status?,
    };
    Ok(has_one_pid(&status, std::process::id()))
}

fn has_one_pid(status: &[u8], pid: u32) -> bool {
    let mut lines = status.split(|&byte| byte == b'\n');
    let Some(pids) = lines.find_map(|line| line.strip_prefix(b"NSpid:")) else { return false };
    std::str::from_utf8(pids).is_ok_and(|pids| pids.trim().parse() == Ok(pid))
}

/// Reads the target of a symlink, as far as it fits into the buffer.
pub fn read_link<'a>(path: &CStr, buffer: &'a mut [u8]) -> nix::Result<&'a [u8]> {
    let len = readlinkat_raw(CWD, path, &mut *buffer).map_err(errno)?;
    Ok(&buffer[..len])
}

/// Reads the target of the symlink that an O_PATH descriptor refers to, and returns its length.
pub fn read_link_of(link: impl AsFd, buffer: &mut [u8]) -> nix::Result<usize> {
    readlinkat_raw(link, c"", buffer).map_err(errno)
}

/// Returns the number after `key` in the fdinfo of a descriptor, or `None` if there is none.
pub fn fdinfo_number<T: FromStr>(fd: BorrowedFd, key: &str) -> nix::Result<Option<T>> {
    let path = ProcPath::format(format_args!("/proc/thread-self/fdinfo/{}", fd.as_raw_fd()));
    let info = open(path.as_cstr(), READ)?;
    let mut buffer = [0; 1024];
    let len = on_signal(|| read(&info, &mut buffer))?;
    Ok(number_after(&buffer[..len], key))
}

/// Returns the number in the line that begins with `key`.
pub fn number_after<T: FromStr>(info: &[u8], key: &str) -> Option<T> {
    let info = std::str::from_utf8(info).ok()?;
    info.lines().find_map(|line| line.strip_prefix(key))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proc_path_holds_longest_file_name() {
        let name = std::ffi::CString::new([b'n'; 255]).unwrap();
        let dir = std::fs::File::open("/").unwrap();
        let path = ProcPath::below_fd(std::os::fd::AsFd::as_fd(&dir), &name);
        assert!(path.as_cstr().to_bytes().ends_with(&[b'n'; 255]));
        assert!(path.as_cstr().to_bytes().starts_with(b"/proc/thread-self/fd/"));
    }

    #[test]
    fn number_after_finds_number_by_key() {
        let info = b"pos:\t0\nflags:\t02000002\nmnt_id:\t27\nPid:\t12\nNSpid:\t12\n";
        assert_eq!(number_after(info, "mnt_id:"), Some(27));
        assert_eq!(number_after(info, "Pid:"), Some(12));
        assert_eq!(number_after(b"Pid:\t-1\n", "Pid:"), Some(-1));
        assert_eq!(number_after::<i32>(b"pos:\t0\neventfd-count: 0\n", "Pid:"), None);
    }

    #[test]
    fn unless_released_calls_again_only_after_eacces() {
        let called = |errors: &[Errno]| {
            let mut left = errors.iter();
            let result = unless_released(|| left.next().map_or(Ok(()), |errno| Err(*errno)));
            (result, errors.len() - left.len())
        };
        assert_eq!(called(&[]), (Ok(()), 0));
        assert_eq!(called(&[Errno::EACCES]), (Ok(()), 1));
        assert_eq!(called(&[Errno::EACCES, Errno::ENOENT]), (Err(Errno::ENOENT), 2));
        let denied = [Errno::EACCES; 3];
        assert_eq!(called(&denied), (Err(Errno::EACCES), 2));
        assert_eq!(called(&[Errno::ENOENT, Errno::EACCES]), (Err(Errno::ENOENT), 1));
    }

    #[test]
    fn is_exiting_tells_zombie_from_living_process() {
        let proc = std::fs::File::open("/proc").unwrap();
        let is_exiting = |id: u32| is_exiting(proc.as_fd(), id as i32).unwrap();
        assert!(!is_exiting(std::process::id()));
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let id = nix::sys::wait::Id::Pid(nix::unistd::Pid::from_raw(child.id() as i32));
        let flags = nix::sys::wait::WaitPidFlag::WEXITED | nix::sys::wait::WaitPidFlag::WNOWAIT;
        nix::sys::wait::waitid(id, flags).unwrap();
        assert!(is_exiting(child.id()));
        child.wait().unwrap();
        assert!(is_exiting(child.id()));
    }

    #[test]
    fn flags_in_skips_any_program_name() {
        let flags = |stat: &str| flags_in(stat.as_bytes());
        assert_eq!(flags("12 (true) Z 11 12 3 0 -1 4228108 116"), Some(4_228_108));
        assert_eq!(flags("12 (a) b) (c) S 11 12 3 0 -1 4194304 116"), Some(4_194_304));
        assert_eq!(flags("12 (true) Z 11 12 3 0 -1"), None);
        assert_eq!(flags("12 true"), None);
    }

    #[test]
    fn has_one_pid_detects_other_pid_namespaces() {
        assert!(is_callers_own().unwrap());
        assert!(has_one_pid(b"Name:\tx\nNSpid:\t12\nNSpgid:\t12\n", 12));
        for status in
            ["Name:\tx\nNSpid:\t7\t12\n", "NSpid:\t12\t12\n", "NSpid:\t7\n", "NSpid:\n", ""]
        {
            assert!(!has_one_pid(status.as_bytes(), 12), "{status:?}");
        }
    }
}
