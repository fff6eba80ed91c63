//! Finding every network namespace of the system, whether it has a name or not.

use std::ffi::CStr;

use nix::errno::Errno;

use crate::error::{At, Result, Step};
use crate::namespace::by_id::identify_mount;
use crate::namespace::handle::Namespace;
use crate::namespace::identity::{self, FileKind, Identity};
use crate::namespace::search::{Place, Proc, Thread, Visitor};
use crate::os::listns;
use crate::os::mountinfo::NamespaceMount;
use crate::os::retry::is_shortage;
use crate::os::stat::FileIdentity;
use crate::rundir::list::{ListFlags, NameList};
use crate::util::number_map::NumberMap;

/// Returns one entry per namespace: under its first name in `rundir`, sorted by name, followed by those
/// without a name, which have an empty one, sorted by inode.
pub fn list_all(rundir: &CStr) -> Result<NameList> {
    let names = NameList::read(rundir, ListFlags::empty())?;
    let current = Namespace::open_current()?;
    let mut all = All::new(names, &current)?;
    all.add(current.identity())?;
    let listed = listns::network_namespaces()?;
    match Proc::open().and_then(|proc| proc.search(&mut all)) {
        Err(failure) if failure.errno == Errno::ENOENT && listed.is_some() => {}
        result => result?,
    }
    all.add_listed(&listed.unwrap_or_default())?;
    Ok(all.finish())
}

struct All {
    list: NameList,
    names: usize,
    /// The positions in the list, by inode.
    places: NumberMap,
    /// The inode numbers of namespaces of other types.
    others: NumberMap,
    device: u64,
    /// Whether identifying a file also returns its cookie (Linux 6.18).
    has_handles: bool,
}

impl All {
    fn new(mut list: NameList, current: &Namespace) -> Result<All> {
        let device = identity::device_of(current).at(Step::ReadProc)?;
        let has_handles = current.has_known_cookie();
        let mut places = NumberMap::default();
        list.retain(|i, identity| places.insert_first(identity.inode, i))?;
        let names = list.len();
        Ok(All { list, names, places, others: NumberMap::default(), device, has_handles })
    }

    /// Returns whether identifying the namespace again would add no information.
    fn is_known(&self, inode: u64) -> bool {
        match self.places.get(inode) {
            Some(i) => {
                !self.has_handles || self.list.identity(i).is_some_and(|it| it.cookie.is_some())
            }
            None => self.others.has(inode),
        }
    }

    fn add(&mut self, found: Identity) -> Result<()> {
        if self.places.insert_first(found.inode, self.list.len())? {
            return self.list.push(c"", found, false);
        }
        if let (Some(i), Some(cookie)) = (self.places.get(found.inode), found.cookie) {
            self.list.learn_cookie(i, cookie);
        }
        Ok(())
    }

    /// `file` was seen at this place.
    fn add_file(&mut self, at: Place, file: &FileIdentity) -> Result<()> {
        if file.device != self.device || self.is_known(file.inode) {
            return Ok(());
        }
        match identity::identify_followed(at.dir, at.path) {
            Ok(FileKind::Network(identity)) => self.add(identity),
            // Not `file.inode`: the descriptor may refer to another file by now, and `file` may have been a
            // network namespace.
            Ok(FileKind::OtherNamespace(inode)) => self.others.insert_first(inode, 0).map(drop),
            Ok(FileKind::NoNamespace) => Ok(()),
            Err(errno) if is_shortage(errno) => Err(errno).at(Step::ReadProc),
            // It has disappeared meanwhile.
            Err(_) => Ok(()),
        }
    }

    /// Adds the namespaces that the kernel lists and that were not found otherwise. A namespace with a known
    /// cookie has been seen.
    fn add_listed(&mut self, cookies: &[u64]) -> Result<()> {
        let mut known = NumberMap::default();
        for i in 0..self.list.len() {
            if let Some(cookie) = self.list.identity(i).and_then(|identity| identity.cookie) {
                known.insert_first(cookie, i)?;
            }
        }
        for &cookie in cookies.iter().filter(|&&cookie| !known.has(cookie)) {
            match identity::open_by_cookie(cookie, 0) {
                Ok(proved) => self.add(proved.identity())?,
                Err(errno) if is_shortage(errno) => return Err(errno).at(Step::ListNamespaces),
                // It has disappeared meanwhile, or the caller may not open it.
                Err(_) => {}
            }
        }
        Ok(())
    }

    fn finish(mut self) -> NameList {
        self.list.sort_by_inode(self.names);
        self.list
    }
}

impl Visitor for All {
    fn thread(&mut self, _: Thread, at: Place, file: &FileIdentity) -> Result<()> {
        self.add_file(at, file)
    }

    fn descriptor(&mut self, _: Thread, _: i32, at: Place, file: &FileIdentity) -> Result<()> {
        self.add_file(at, file)
    }

    fn mount(&mut self, _: Thread, root: Place, mount: &NamespaceMount) -> Result<()> {
        if self.is_known(mount.inode) {
            return Ok(());
        }
        let unknown = Identity { inode: mount.inode, cookie: None };
        let identity = identify_mount(root, mount.point).filter(|found| found.inode == mount.inode);
        self.add(identity.unwrap_or(unknown))
    }

    fn refused(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::procfs::ProcPath;
    use crate::testing;
    use nix::fcntl::AT_FDCWD;
    use std::os::fd::AsFd;

    #[test]
    fn replaced_descriptor_does_not_hide_namespace() {
        if testing::world().is_none() {
            return;
        }
        for other in [c"/etc/passwd", c"/proc/thread-self/ns/uts"] {
            let current = Namespace::open_current().unwrap();
            let mut all = All::new(NameList::default(), &current).unwrap();
            let ns = testing::anonymous();
            let path = ProcPath::of_fd(ns.as_fd());
            let seen = FileIdentity::of(AT_FDCWD, path.as_cstr()).unwrap();
            for path in [other, path.as_cstr()] {
                all.add_file(Place { dir: AT_FDCWD, path }, &seen).unwrap();
            }
            assert_eq!(all.list.inode(0), Some(ns.inode()), "{other:?}");
        }
    }

    #[test]
    fn add_file_examines_other_namespace_types_once() {
        let current = Namespace::open_current().unwrap();
        let mut all = All::new(NameList::default(), &current).unwrap();
        let path = c"/proc/thread-self/ns/uts";
        let seen = FileIdentity::of(AT_FDCWD, path).unwrap();
        all.add_file(Place { dir: AT_FDCWD, path }, &seen).unwrap();
        assert!(all.list.is_empty());
        assert_eq!(all.is_known(seen.inode), all.has_handles);
    }
}
