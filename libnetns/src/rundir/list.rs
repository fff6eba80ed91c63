//! The names in a run directory, as one sorted snapshot.

use std::ffi::CStr;
use std::os::fd::AsFd;

use bitflags::bitflags;

use crate::error::{Failure, Result, Step};
use crate::namespace::handle::Namespace;
use crate::namespace::identity::{self, FileKind};
use crate::rundir::dir::{LockedRunDir, RunDir, for_each_name, or_none};
use crate::rundir::entry::{self, Entry};
use crate::rundir::link::{self, Link};

bitflags! {
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct ListFlags: u32 {
        const STALE = 1;
    }
}

/// Names and inodes. The names lie one behind the other in one piece of memory.
#[derive(Debug, Default)]
pub struct NameList {
    text: Vec<u8>,
    entries: Vec<Listed>,
}

#[derive(Debug)]
struct Listed {
    start: usize,
    len: usize,
    inode: u64,
    may_be_link: bool,
}

/// How often a directory that is mounted over or replaced while it is read is read again.
const MOST_READINGS: u32 = 4;

/// The inode of a stale name.
const STALE_INODE: u64 = 0;
/// That of one that was not looked at.
const UNSEEN: u64 = 0;

impl NameList {
    pub fn read(rundir: &CStr, flags: ListFlags) -> Result<NameList> {
        if flags.contains(ListFlags::STALE) {
            return NameList::read_locked(rundir);
        }
        NameList::read_if(rundir, inode_of)
    }

    /// The names that `ns` has.
    pub fn names_of(rundir: &CStr, ns: &Namespace) -> Result<NameList> {
        NameList::read_if(rundir, |dir, name, may_be_link| {
            Ok(inode_of(dir, name, may_be_link)?.filter(|inode| *inode == ns.inode()))
        })
    }

    /// What may be names, without a look at what they are, and so without their inodes.
    pub fn read_unseen(rundir: &CStr) -> Result<NameList> {
        NameList::read_if(rundir, |_, _, _| Ok(Some(UNSEEN)))
    }

    /// What `inode` gives one for.
    fn read_if(
        rundir: &CStr,
        inode: impl Fn(&RunDir, &CStr, bool) -> Result<Option<u64>>,
    ) -> Result<NameList> {
        let mut list = NameList::default();
        for _ in 0..MOST_READINGS {
            let Some(dir) = or_none(RunDir::open(rundir))? else {
                return Ok(NameList::default());
            };
            list = NameList::read_open(&dir, &inode)?;
            // Who makes it a mount point takes the names off what lies below. Where somebody goes on
            // and on with that, the last look is as good as any.
            if !dir.is_outdated(rundir) {
                break;
            }
        }
        Ok(list)
    }

    fn read_open(
        dir: &RunDir,
        inode: impl Fn(&RunDir, &CStr, bool) -> Result<Option<u64>>,
    ) -> Result<NameList> {
        let mut list = NameList::default();
        for_each_name(dir.as_fd(), |name, may_be_link| match inode(dir, name, may_be_link)? {
            Some(inode) => list.push(name, inode, may_be_link),
            None => Ok(()),
        })?;
        list.sort();
        Ok(list)
    }

    /// Under the lock, where a placeholder of ours is stale for certain.
    fn read_locked(rundir: &CStr) -> Result<NameList> {
        let mut list = NameList::default();
        let Some(dir) = or_none(RunDir::lock(rundir))? else {
            return Ok(list);
        };
        for_each_name(dir.as_fd(), |name, may_be_link| match inode_or_stale(&dir, name)? {
            Some(inode) => list.push(name, inode, may_be_link),
            None => Ok(()),
        })?;
        list.sort();
        Ok(list)
    }

    fn push(&mut self, name: &CStr, inode: u64, may_be_link: bool) -> Result<()> {
        let bytes = name.to_bytes_with_nul();
        self.text.try_reserve(bytes.len()).map_err(|_| Failure::no_memory())?;
        self.entries.try_reserve(1).map_err(|_| Failure::no_memory())?;
        self.entries.push(Listed { start: self.text.len(), len: bytes.len(), inode, may_be_link });
        self.text.extend_from_slice(bytes);
        Ok(())
    }

    fn sort(&mut self) {
        let text = &self.text;
        let name = |entry: &Listed| &text[entry.start..entry.start + entry.len];
        self.entries.sort_unstable_by(|a, b| name(a).cmp(name(b)));
        // A directory that changes while it is read may tell a name twice.
        self.entries.dedup_by(|a, b| name(a) == name(b));
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn name(&self, i: usize) -> Option<&CStr> {
        let entry = self.entries.get(i)?;
        CStr::from_bytes_with_nul(&self.text[entry.start..entry.start + entry.len]).ok()
    }

    /// Whether it may be a symbolic link, for what the directory tells of it.
    pub fn may_be_link(&self, i: usize) -> bool {
        self.entries.get(i).is_some_and(|entry| entry.may_be_link)
    }

    pub fn inode(&self, i: usize) -> Option<u64> {
        Some(self.entries.get(i)?.inode)
    }
}

/// None: it is something else, went meanwhile, or is not ours to see.
fn inode_of(dir: &RunDir, name: &CStr, may_be_link: bool) -> Result<Option<u64>> {
    match identity::identify_name(dir.as_fd(), name) {
        Ok(FileKind::Network(identity)) => Ok(Some(identity.inode)),
        Err(errno) if !identity::means_no_namespace(errno) => Err(Failure::new(Step::Look, errno)),
        Ok(FileKind::NoNamespace) if may_be_link => match link::follow(dir.as_fd(), name)? {
            Link::Namespace(proved) => Ok(Some(proved.identity().inode)),
            // A namespace by now, perhaps.
            Link::Gone => inode_of(dir, name, false),
            // A dead server behind one link does not hide the other names.
            Link::Stale | Link::Unreachable(_) | Link::Refused(_) => Ok(None),
        },
        _ => Ok(None),
    }
}

/// The same, and [`STALE_INODE`] where the name is stale.
fn inode_or_stale(dir: &LockedRunDir, name: &CStr) -> Result<Option<u64>> {
    for _ in 0..MOST_READINGS {
        match entry::look(dir.as_fd(), name)? {
            Entry::Namespace(identity) => return Ok(Some(identity.inode)),
            Entry::Placeholder(file) if file.is_stale(dir.is_locked()) => {
                return Ok(Some(STALE_INODE));
            }
            Entry::Link => match link::follow(dir.as_fd(), name)? {
                Link::Namespace(proved) => return Ok(Some(proved.identity().inode)),
                Link::Stale => return Ok(Some(STALE_INODE)),
                Link::Unreachable(_) | Link::Refused(_) => return Ok(None),
                Link::Gone => {}
            },
            _ => return Ok(None),
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests;
