//! The processes in a namespace, found in /proc.

use std::os::fd::{AsFd, BorrowedFd};

use bitflags::bitflags;
use nix::errno::Errno;
use nix::sys::stat::{FileStat, fstatat};

use crate::error::{At, Failure, Result, Step};
use crate::namespace::handle::Namespace;
use crate::namespace::search::{Proc, ids_in};
use crate::os::open::{DIRECTORY, openat};
use crate::os::procfs::ProcPath;
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

/// Returns the ids of the processes in `ns`, or of all threads in it, in ascending order. Processes that the
/// caller may not inspect (ptrace(2), hidepid) are not included.
pub fn pids(ns: &Namespace, flags: PidsFlags) -> Result<Vec<i32>> {
    let proc = Proc::open_callers_own()?;
    let own = fstat(ns.as_fd()).at(Step::ReadProc)?;
    let search = Search { inode: ns.inode(), device: stat::device(&own) };
    let mut found = Vec::new();
    for pid in ids_in(proc.as_fd())? {
        if flags.contains(PidsFlags::THREADS) {
            search.threads_of(proc.as_fd(), pid, &mut found)?;
        } else {
            search.add_if_inside(proc.as_fd(), pid, &mut found)?;
        }
    }
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
            // It has ended, or the caller may not inspect it.
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
        match ids_in(tasks.as_fd()) {
            // The process ended while its threads were read.
            Err(Failure { errno: Errno::ENOENT | Errno::ESRCH, .. }) => Ok(()),
            tids => {
                tids?.into_iter().try_for_each(|tid| self.add_if_inside(tasks.as_fd(), tid, found))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pids_includes_calling_process_and_thread() {
        let ns = Namespace::open_current().unwrap();
        let own = std::process::id() as i32;
        assert!(pids(&ns, PidsFlags::empty()).unwrap().contains(&own));
        let threads = pids(&ns, PidsFlags::THREADS).unwrap();
        assert!(threads.contains(&nix::unistd::gettid().as_raw()));
        assert!(threads.is_sorted());
    }
}
