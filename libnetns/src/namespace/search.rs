//! A walk through the processes in /proc: the network namespaces of their threads, their open descriptors,
//! and the mounts in their mount namespaces.
//!
//! The walk opens only directories and mountinfo files in /proc, and requests no attributes from file
//! servers, because a descriptor may refer to a file on a server that does not respond. Some file systems,
//! such as NFS, may still ask their server whether the file exists. Processes may end during the walk; a
//! process that has ended holds nothing.

use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;

use crate::error::{At, Failure, Result, Step};
use crate::os::mountinfo::{self, NamespaceMount};
use crate::os::open::{DIRECTORY, READ, open, openat};
use crate::os::procfs::{self, ProcPath};
use crate::os::readdir::for_each_entry;
use crate::os::retry::is_shortage;
use crate::os::stat::FileIdentity;
use crate::os::syscalls::have_one_descriptor_table;
use crate::util::try_vec::push;

/// A thread, with the ids in this /proc.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thread {
    pub pid: i32,
    pub tid: i32,
}

/// A path by which a file in /proc can be opened again.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    pub dir: BorrowedFd<'a>,
    pub path: &'a CStr,
}

/// Receives the objects that are found. They may no longer exist when a method is called.
pub trait Visitor {
    /// A thread, and its network namespace.
    fn thread(&mut self, thread: Thread, at: Place, file: &FileIdentity) -> Result<()>;

    /// An open descriptor in the table of this thread, which it may share with others.
    fn descriptor(
        &mut self,
        thread: Thread,
        number: i32,
        at: Place,
        file: &FileIdentity,
    ) -> Result<()>;

    /// A mount of a network namespace, in the mount namespace and below the root of this thread.
    fn mount(&mut self, thread: Thread, root: Place, mount: &NamespaceMount) -> Result<()>;

    /// Part of a process may not be inspected by the caller.
    fn refused(&mut self);

    /// Returns whether the walk can stop.
    fn is_done(&self) -> bool {
        false
    }
}

/// /proc, of any PID namespace.
pub struct Proc {
    fd: OwnedFd,
    is_callers_own: bool,
}

impl AsFd for Proc {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Proc {
    /// Fails with ENOENT if /proc is not mounted.
    pub fn open() -> Result<Proc> {
        let fd = open(c"/proc", DIRECTORY).at(Step::ReadProc)?;
        if !procfs::is_procfs(fd.as_fd()).at(Step::ReadProc)? {
            return Err(Failure::new(Step::ReadProc, Errno::ENOENT).hint("/proc is not mounted"));
        }
        Ok(Proc { fd, is_callers_own: procfs::is_callers_own()? })
    }

    /// The same, but requires that /proc uses the caller's process IDs.
    pub fn open_callers_own() -> Result<Proc> {
        let proc = Proc::open()?;
        if proc.is_callers_own {
            return Ok(proc);
        }
        Err(Failure::new(Step::ReadProc, Errno::ENOENT)
            .hint("/proc belongs to another PID namespace; mount a new /proc"))
    }

    /// Returns whether threads that share a descriptor table can be distinguished from those that do not.
    pub fn tells_tables(&self) -> bool {
        let own = nix::unistd::gettid().as_raw();
        self.is_callers_own && have_one_descriptor_table(own, own)
    }

    /// Reports everything to `visitor`.
    pub fn search(&self, visitor: &mut impl Visitor) -> Result<()> {
        let mut walk = Walk { proc: self, visitor, roots: Vec::new(), text: Vec::new() };
        for pid in ids_in(self.fd.as_fd())? {
            walk.process(pid)?;
            if walk.visitor.is_done() {
                break;
            }
        }
        Ok(())
    }
}

/// A mount namespace as seen from one root directory in it.
type MountView = (u64, u64, u64, u64);

/// A process or thread, and the directory of /proc that contains its directory.
#[derive(Clone, Copy)]
struct Task<'a> {
    dir: BorrowedFd<'a>,
    id: i32,
}

struct Walk<'a, V> {
    proc: &'a Proc,
    visitor: &'a mut V,
    /// The views that have been read. mountinfo shows only the mounts below a process's root.
    roots: Vec<MountView>,
    text: Vec<u8>,
}

impl<V: Visitor> Walk<'_, V> {
    fn process(&mut self, pid: i32) -> Result<()> {
        let process = Task { dir: self.proc.fd.as_fd(), id: pid };
        let path = ProcPath::format(format_args!("{pid}/task"));
        let Some(tasks) = self.open(process, path.as_cstr())? else { return Ok(()) };
        let mut table = None;
        for tid in self.all_there(process, ids_in(tasks.as_fd()))? {
            let task = Task { dir: tasks.as_fd(), id: tid };
            let thread = Thread { pid, tid };
            if !self.thread(task, thread)? {
                continue;
            }
            self.mounts(task, thread)?;
            if !table.is_some_and(|owner| self.is_same_table(owner, tid))
                && self.descriptors(task, thread)?
            {
                table = Some(tid);
            }
        }
        Ok(())
    }

    /// A thread may have its own descriptor table (CLONE_FILES).
    fn is_same_table(&self, a: i32, b: i32) -> bool {
        self.proc.is_callers_own && have_one_descriptor_table(a, b)
    }

    /// Returns `None` if the task has ended or the caller may not inspect it.
    fn open(&mut self, task: Task, path: &CStr) -> Result<Option<OwnedFd>> {
        let opened = openat(task.dir, path, DIRECTORY);
        opened.map(Some).or_else(|errno| self.missing(task, errno).map(|()| None))
    }

    fn look(&mut self, task: Task, at: Place) -> Result<Option<FileIdentity>> {
        let seen = FileIdentity::of(at.dir, at.path);
        seen.map(Some).or_else(|errno| self.missing(task, errno).map(|()| None))
    }

    /// Returns the default value if the object ended while it was read, or may no longer be inspected by the
    /// caller. The rest of the process is still read.
    fn all_there<T: Default>(&mut self, task: Task, read: Result<T>) -> Result<T> {
        match read {
            Err(failure) if failure.step == Step::ReadProc => {
                self.missing(task, failure.errno).map(|()| T::default())
            }
            read => read,
        }
    }

    fn missing(&mut self, task: Task, errno: Errno) -> Result<()> {
        if is_shortage(errno) {
            return Err(errno).at(Step::ReadProc);
        }
        if matches!(errno, Errno::EACCES | Errno::EPERM)
            && !procfs::is_exiting(task.dir, task.id).at(Step::ReadProc)?
        {
            self.visitor.refused();
        }
        Ok(())
    }

    /// Returns `false` if nothing else of the thread can be read: it has ended, or the caller may not inspect
    /// it. A thread that exits releases its descriptors and its root directory before its namespaces
    /// (do_exit() in kernel/exit.c).
    fn thread(&mut self, task: Task, thread: Thread) -> Result<bool> {
        let path = ProcPath::format(format_args!("{}/ns/net", task.id));
        let at = Place { dir: task.dir, path: path.as_cstr() };
        let Some(file) = self.look(task, at)? else { return Ok(false) };
        self.visitor.thread(thread, at, &file)?;
        Ok(true)
    }

    /// Returns whether the thread had a descriptor table that the caller may read.
    fn descriptors(&mut self, task: Task, thread: Thread) -> Result<bool> {
        let path = ProcPath::format(format_args!("{}/fd", task.id));
        let Some(dir) = self.open(task, path.as_cstr())? else { return Ok(false) };
        let read = for_each_entry(dir.as_fd(), Step::ReadProc, |name, _| {
            let Some(number) = as_id(name) else { return Ok(()) };
            let at = Place { dir: dir.as_fd(), path: name };
            let Some(file) = self.look(task, at)? else { return Ok(()) };
            self.visitor.descriptor(thread, number, at, &file)
        });
        self.all_there(task, read).map(|()| true)
    }

    fn mounts(&mut self, task: Task, thread: Thread) -> Result<()> {
        let Task { dir: tasks, id: tid } = task;
        let path = ProcPath::format(format_args!("{tid}/ns/mnt"));
        let at = Place { dir: tasks, path: path.as_cstr() };
        let Some(namespace) = self.look(task, at)? else { return Ok(()) };
        let path = ProcPath::format(format_args!("{tid}/root"));
        let at = Place { dir: tasks, path: path.as_cstr() };
        let Some(root) = self.look(task, at)? else { return Ok(()) };
        // The mount is part of the key: the root of a bind mount is the same directory, with other mounts
        // below it.
        let view = (namespace.inode, root.mount, root.device, root.inode);
        if self.roots.contains(&view) {
            return Ok(());
        }
        let info = ProcPath::format(format_args!("{tid}/mountinfo"));
        let file = match openat(tasks, info.as_cstr(), READ) {
            Err(errno) => return self.missing(task, errno),
            Ok(file) => file,
        };
        let mut text = std::mem::take(&mut self.text);
        let read = procfs::read_all(file, Step::ReadProc, &mut text);
        self.all_there(task, read)?;
        let root = Place { dir: tasks, path: path.as_cstr() };
        mountinfo::for_each_network_namespace(&mut text, |mount| {
            self.visitor.mount(thread, root, &mount)
        })?;
        self.text = text;
        push(&mut self.roots, view)
    }
}

/// Returns the numbers among the names in a directory of /proc, in ascending order.
pub fn ids_in(dir: BorrowedFd) -> Result<Vec<i32>> {
    let mut ids = Vec::new();
    for_each_entry(dir, Step::ReadProc, |name, _| {
        as_id(name).map_or(Ok(()), |id| push(&mut ids, id))
    })?;
    ids.sort_unstable();
    Ok(ids)
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
    use std::path::{Path, PathBuf};
    use std::{fs, process};

    /// A directory that replaces /proc and contains a process whose threads have one descriptor each.
    struct FakeProc(PathBuf);

    impl FakeProc {
        fn new(name: &str, tids: &[i32]) -> FakeProc {
            let dir = std::env::temp_dir().join(format!("netns-{name}-{}", process::id()));
            for tid in tids {
                let task = dir.join(format!("7/task/{tid}"));
                fs::create_dir_all(task.join("ns")).unwrap();
                fs::create_dir_all(task.join("fd")).unwrap();
                for file in ["ns/net", "fd/3"] {
                    fs::write(task.join(file), "").unwrap();
                }
            }
            FakeProc(dir)
        }

        fn search(&self, visitor: &mut impl Visitor) -> Result<()> {
            let fd = fs::File::open(&self.0).unwrap().into();
            Proc { fd, is_callers_own: false }.search(visitor)
        }
    }

    impl Drop for FakeProc {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    /// Ends the first thread of process 7 while its descriptors are read.
    struct Ending<'a> {
        dir: &'a Path,
        seen: Vec<i32>,
    }

    impl Visitor for Ending<'_> {
        fn thread(&mut self, thread: Thread, _: Place, _: &FileIdentity) -> Result<()> {
            self.seen.push(thread.tid);
            Ok(())
        }

        fn descriptor(
            &mut self,
            thread: Thread,
            number: i32,
            _: Place,
            _: &FileIdentity,
        ) -> Result<()> {
            self.seen.push(number);
            if thread.tid == 7 {
                fs::remove_dir_all(self.dir.join("7/task/7")).unwrap();
            }
            Ok(())
        }

        fn mount(&mut self, _: Thread, _: Place, _: &NamespaceMount) -> Result<()> {
            Ok(())
        }

        fn refused(&mut self) {}
    }

    #[test]
    fn search_continues_after_thread_exits() {
        let proc = FakeProc::new("ending", &[7, 8]);
        let mut visitor = Ending { dir: &proc.0, seen: Vec::new() };
        proc.search(&mut visitor).unwrap();
        assert_eq!(visitor.seen, [7, 3, 8, 3]);
    }

    #[test]
    fn search_skips_thread_without_namespaces() {
        let proc = FakeProc::new("released", &[7, 8]);
        fs::remove_file(proc.0.join("7/task/7/ns/net")).unwrap();
        let mut visitor = Ending { dir: &proc.0, seen: Vec::new() };
        proc.search(&mut visitor).unwrap();
        assert_eq!(visitor.seen, [8, 3]);
    }

    #[test]
    fn as_id_accepts_only_decimal_ids() {
        assert_eq!(as_id(c"1"), Some(1));
        assert_eq!(as_id(c"4194304"), Some(4_194_304));
        for name in [c"self", c"", c"-1", c"+1", c"1a", c"99999999999"] {
            assert_eq!(as_id(name), None, "{name:?}");
        }
    }
}
