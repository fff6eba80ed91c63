//! The processes in a namespace, found as /proc shows them.

use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd};

use bitflags::bitflags;
use nix::errno::Errno;
use nix::sys::stat::{FileStat, fstatat};

use crate::error::{At, Failure, Result, Step};
use crate::namespace::handle::Namespace;
use crate::os::open::{DIRECTORY, open, openat};
use crate::os::procfs::{self, ProcPath};
use crate::os::readdir::for_each_entry;
use crate::os::retry::is_shortage;
use crate::os::stat;
use crate::os::stat::fstat;
use crate::util::try_vec::push;

bitflags! {
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct PidsFlags: u32 {
        const THREADS = 1;
    }
}

/// The ids of the processes in `ns`, or of all threads in it, ascending. Those that the caller may
/// not look at (ptrace(2), hidepid) are not among them.
pub fn pids(ns: &Namespace, flags: PidsFlags) -> Result<Vec<i32>> {
    let proc = open(c"/proc", DIRECTORY).at(Step::ReadProc)?;
    if !procfs::is_procfs(proc.as_fd()).at(Step::ReadProc)? {
        return Err(Failure::new(Step::ReadProc, Errno::ENOENT).hint("/proc is not mounted"));
    }
    if !procfs::is_callers_own()? {
        return Err(Failure::new(Step::ReadProc, Errno::ENOENT)
            .hint("/proc is another pid namespace's: mount one of the caller's own"));
    }
    let own = fstat(ns.as_fd()).at(Step::ReadProc)?;
    let search = Search { inode: ns.inode(), device: stat::device(&own) };
    let mut found = Vec::new();
    for_each_id(proc.as_fd(), |pid| {
        if flags.contains(PidsFlags::THREADS) {
            return search.threads_of(proc.as_fd(), pid, &mut found);
        }
        search.add_if_inside(proc.as_fd(), pid, &mut found)
    })?;
    found.sort_unstable();
    Ok(found)
}

struct Search {
    inode: u64,
    device: u64,
}

impl Search {
    fn add_if_inside(&self, dir: BorrowedFd, id: i32, found: &mut Vec<i32>) -> Result<()> {
        let path = ProcPath::format(format_args!("{id}/ns/net"));
        match fstatat(dir, path.as_cstr(), nix::fcntl::AtFlags::empty()) {
            Ok(seen) if self.is_meant(&seen) => push(found, id),
            Err(Errno::ENOMEM) => Err(Failure::new(Step::ReadProc, Errno::ENOMEM)),
            // What cannot be looked at has ended, or is not ours to look at.
            _ => Ok(()),
        }
    }

    fn is_meant(&self, seen: &FileStat) -> bool {
        stat::inode(seen) == self.inode && stat::device(seen) == self.device
    }

    fn threads_of(&self, proc: BorrowedFd, pid: i32, found: &mut Vec<i32>) -> Result<()> {
        let path = ProcPath::format(format_args!("{pid}/task"));
        let tasks = match openat(proc, path.as_cstr(), DIRECTORY) {
            Err(errno) if is_shortage(errno) => {
                return Err(Failure::new(Step::ReadProc, errno));
            }
            Err(_) => return Ok(()),
            Ok(tasks) => tasks,
        };
        let result =
            for_each_id(tasks.as_fd(), |tid| self.add_if_inside(tasks.as_fd(), tid, found));
        match result {
            // The process ended while its threads were read.
            Err(Failure { errno: Errno::ENOENT | Errno::ESRCH, .. }) => Ok(()),
            result => result,
        }
    }
}

fn for_each_id(dir: BorrowedFd, mut visit: impl FnMut(i32) -> Result<()>) -> Result<()> {
    for_each_entry(dir, Step::ReadProc, |name, _| as_id(name).map_or(Ok(()), &mut visit))
}

fn as_id(name: &CStr) -> Option<i32> {
    let text = name.to_str().ok()?;
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_are_ids() {
        assert_eq!(as_id(c"1"), Some(1));
        assert_eq!(as_id(c"4194304"), Some(4_194_304));
        for name in [c"self", c"", c"-1", c"+1", c"1a", c"99999999999"] {
            assert_eq!(as_id(name), None, "{name:?}");
        }
    }

    #[test]
    fn the_caller_is_among_the_processes_of_its_namespace() {
        let ns = Namespace::open_current().unwrap();
        let own = std::process::id() as i32;
        assert!(pids(&ns, PidsFlags::empty()).unwrap().contains(&own));
        let threads = pids(&ns, PidsFlags::THREADS).unwrap();
        assert!(threads.contains(&nix::unistd::gettid().as_raw()));
        assert!(threads.is_sorted());
    }
}
