//! The names in a run directory, as a sorted snapshot.

use std::ffi::CStr;
use std::os::fd::AsFd;

use bitflags::bitflags;

use crate::error::{Failure, Result, Step};
use crate::namespace::handle::Namespace;
use crate::namespace::identity::{self, FileKind, Identity};
use crate::rundir::dir::{LockedRunDir, RunDir, for_each_name, or_none};
use crate::rundir::entry::{self, Entry};
use crate::rundir::link::{self, Link};

bitflags! {
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct ListFlags: u32 {
        const STALE = 1;
    }
}

/// Names and inodes. All names are in one allocation.
#[derive(Debug, Default)]
pub struct NameList {
    text: Vec<u8>,
    entries: Vec<Listed>,
}

#[derive(Debug)]
struct Listed {
    start: usize,
    len: usize,
    identity: Identity,
    may_be_link: bool,
}

/// How often a directory is read that is mounted over or replaced while it is read.
const MOST_READINGS: u32 = 4;

/// The identity of a stale name, and of one that was not examined.
const NONE: Identity = Identity { inode: 0, cookie: None };

impl NameList {
    pub fn read(rundir: &CStr, flags: ListFlags) -> Result<NameList> {
        if flags.contains(ListFlags::STALE) {
            return NameList::read_locked(rundir);
        }
        NameList::read_if(rundir, identity_of)
    }

    /// Returns the names of `ns`.
    pub fn names_of(rundir: &CStr, ns: &Namespace) -> Result<NameList> {
        NameList::read_if(rundir, |dir, name, may_be_link| {
            let found = identity_of(dir, name, may_be_link)?;
            Ok(found.filter(|identity| identity.inode == ns.inode()))
        })
    }

    /// Returns the entries that may be names, without examining them and therefore without their inodes.
    pub fn read_unseen(rundir: &CStr) -> Result<NameList> {
        NameList::read_if(rundir, |_, _, _| Ok(Some(NONE)))
    }

    /// Returns the names for which `identify` returns an identity.
    fn read_if(
        rundir: &CStr,
        identify: impl Fn(&RunDir, &CStr, bool) -> Result<Option<Identity>>,
    ) -> Result<NameList> {
        let mut list = NameList::default();
        for _ in 0..MOST_READINGS {
            let Some(dir) = or_none(RunDir::open(rundir))? else {
                return Ok(NameList::default());
            };
            list = NameList::read_open(&dir, &identify)?;
            // A process that makes the directory a mount point unmounts the names below. If this happens
            // repeatedly, the last result is returned.
            if !dir.is_outdated(rundir) {
                break;
            }
        }
        Ok(list)
    }

    fn read_open(
        dir: &RunDir,
        identify: impl Fn(&RunDir, &CStr, bool) -> Result<Option<Identity>>,
    ) -> Result<NameList> {
        let mut list = NameList::default();
        for_each_name(dir.as_fd(), |name, may_be_link| match identify(dir, name, may_be_link)? {
            Some(identity) => list.push(name, identity, may_be_link),
            None => Ok(()),
        })?;
        list.sort();
        Ok(list)
    }

    /// Reads the directory under the lock, where the library's own placeholders are certainly stale.
    fn read_locked(rundir: &CStr) -> Result<NameList> {
        let mut list = NameList::default();
        let Some(dir) = or_none(RunDir::lock(rundir))? else {
            return Ok(list);
        };
        for_each_name(dir.as_fd(), |name, may_be_link| match identity_or_stale(&dir, name)? {
            Some(identity) => list.push(name, identity, may_be_link),
            None => Ok(()),
        })?;
        list.sort();
        Ok(list)
    }

    pub(super) fn push(
        &mut self,
        name: &CStr,
        identity: Identity,
        may_be_link: bool,
    ) -> Result<()> {
        let bytes = name.to_bytes_with_nul();
        self.text.try_reserve(bytes.len()).map_err(|_| Failure::no_memory())?;
        self.entries.try_reserve(1).map_err(|_| Failure::no_memory())?;
        self.entries.push(Listed {
            start: self.text.len(),
            len: bytes.len(),
            identity,
            may_be_link,
        });
        self.text.extend_from_slice(bytes);
        Ok(())
    }

    fn sort(&mut self) {
        let text = &self.text;
        let name = |entry: &Listed| &text[entry.start..entry.start + entry.len];
        self.entries.sort_unstable_by(|a, b| name(a).cmp(name(b)));
        // If a directory changes while it is read, a name may be returned twice.
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

    /// Returns whether it may be a symbolic link, according to the directory.
    pub fn may_be_link(&self, i: usize) -> bool {
        self.entries.get(i).is_some_and(|entry| entry.may_be_link)
    }

    pub fn inode(&self, i: usize) -> Option<u64> {
        Some(self.identity(i)?.inode)
    }

    pub fn identity(&self, i: usize) -> Option<Identity> {
        Some(self.entries.get(i)?.identity)
    }

    /// Sets a cookie that is not known yet.
    pub(super) fn learn_cookie(&mut self, i: usize, cookie: u64) {
        if let Some(entry) = self.entries.get_mut(i) {
            entry.identity.cookie.get_or_insert(cookie);
        }
    }

    /// Sorts the entries from `start` on by inode.
    pub(super) fn sort_by_inode(&mut self, start: usize) {
        self.entries[start..].sort_unstable_by_key(|entry| entry.identity.inode);
    }

    /// Removes the entries for which `keep` returns false. It is called in the order of the list, with the
    /// new position of the entry.
    pub(super) fn retain(
        &mut self,
        mut keep: impl FnMut(usize, Identity) -> Result<bool>,
    ) -> Result<()> {
        let mut kept = 0;
        for i in 0..self.entries.len() {
            if keep(kept, self.entries[i].identity)? {
                self.entries.swap(kept, i);
                kept += 1;
            }
        }
        self.entries.truncate(kept);
        Ok(())
    }
}

/// Returns `None` if it is something else, was removed meanwhile, or may not be examined by the caller.
fn identity_of(dir: &RunDir, name: &CStr, may_be_link: bool) -> Result<Option<Identity>> {
    match identity::identify_name(dir.as_fd(), name) {
        Ok(FileKind::Network(identity)) => Ok(Some(identity)),
        Err(errno) if !identity::means_no_namespace(errno) => Err(Failure::new(Step::Look, errno)),
        Ok(FileKind::NoNamespace) if may_be_link => match link::follow(dir.as_fd(), name)? {
            Link::Namespace(proved) => Ok(Some(proved.identity())),
            // It may be a namespace by now.
            Link::Gone => identity_of(dir, name, false),
            // An unresponsive file server behind one link must not hide the other names.
            Link::Stale | Link::Unreachable(_) | Link::Refused(_) => Ok(None),
        },
        _ => Ok(None),
    }
}

/// The same, but returns [`NONE`] if the name is stale.
fn identity_or_stale(dir: &LockedRunDir, name: &CStr) -> Result<Option<Identity>> {
    for _ in 0..MOST_READINGS {
        match entry::look(dir.as_fd(), name)? {
            Entry::Namespace(identity) => return Ok(Some(identity)),
            Entry::Placeholder(file) if file.is_stale(dir.is_locked()) => {
                return Ok(Some(NONE));
            }
            Entry::Link => match link::follow(dir.as_fd(), name)? {
                Link::Namespace(proved) => return Ok(Some(proved.identity())),
                Link::Stale => return Ok(Some(NONE)),
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
