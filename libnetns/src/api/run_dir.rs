//! A directory of names.

use std::ffi::{CStr, OsStr, OsString};
use std::path::Path;

use crate::error::{Failure, Step};
use crate::explain::{Object, Subject};
use crate::rundir::all;
use crate::rundir::create::{self, CreateFlags};
use crate::rundir::list::{ListFlags, NameList};
use crate::rundir::name::{DEFAULT_RUN_DIR, Name};
use crate::rundir::open::open_named;
use crate::rundir::publish;
use crate::rundir::remove::{self, RemoveFlags};

use super::error::{About, Result};
use super::namespace::Namespace;
use super::subject::about;
use super::text::{CText, os_str, os_string};

/// A directory in which network namespaces have names, each a bind mount of the namespace.
///
/// [`RunDir::default`] is `/run/netns`, where `ip netns` has them. The value is a path and nothing else:
/// the directory is made by the first call that creates a name in it.
///
/// A name may be a symbolic link to a network namespace. It is followed if the link and the directory belong
/// to root or the caller, and nobody else may write to the directory; elsewhere it is refused with `ENOTTY`.
/// [`RunDir::remove`] removes the link alone, and [`RunDir::create`] fails with `EEXIST` wherever it leads.
///
/// # Examples
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
/// # fn main() { in_world(example) }
/// # fn example() -> libnetns::Result<()> {
/// use libnetns::RunDir;
///
/// let dir = RunDir::new("/run/my-daemon/netns");
/// let tenant = dir.create("tenant-1")?;
/// assert_eq!(dir.open("tenant-1")?, tenant);
/// assert_eq!(dir.list()?.len(), 1);
/// dir.remove("tenant-1")?;
/// assert!(dir.list()?.is_empty());
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RunDir {
    path: CText,
}

/// `/run/netns`
impl Default for RunDir {
    fn default() -> RunDir {
        RunDir::new(os_str(DEFAULT_RUN_DIR))
    }
}

/// A name that [`RunDir::list`] has found.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ListEntry {
    /// The name.
    pub name: OsString,
    /// The inode number of the network namespace that has the name; `None` if the name is stale.
    pub inode: Option<u64>,
    /// The cookie of that namespace, as [`Namespace::cookie`] returns it; `None` if it is not known, as before
    /// Linux 6.18.
    pub cookie: Option<u64>,
}

impl RunDir {
    /// The run directory at `path`. Nothing is looked at or made yet.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::path::Path;
    /// use libnetns::RunDir;
    ///
    /// assert_eq!(RunDir::new("/run/x").path(), Path::new("/run/x"));
    /// assert_eq!(RunDir::default().path(), Path::new("/run/netns"));
    /// ```
    pub fn new(path: impl AsRef<Path>) -> RunDir {
        RunDir { path: CText::new(path.as_ref()) }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        Path::new(os_str(self.path.shown()))
    }

    /// Makes the directory, with those above it, and a shared mount point of it, so that names which are
    /// created in it later are seen where it is mounted by then: in a container, for example. The first
    /// name in it does the same.
    ///
    /// # Errors
    ///
    /// `EPERM` without `CAP_SYS_ADMIN` over the mount namespace, `EACCES` and `EROFS` if it cannot be made,
    /// `ENOSPC` at the limit on mounts.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
    /// # fn main() { in_world(example) }
    /// # fn example() -> libnetns::Result<()> {
    /// libnetns::RunDir::default().prepare()?;
    /// # Ok(()) }
    /// ```
    pub fn prepare(&self) -> Result<()> {
        let prepare = || publish::prepare(self.checked()?);
        prepare().about(&self.about_itself("prepare"))
    }

    /// Creates a network namespace with this name. [`CreateOptions`](crate::CreateOptions) has other
    /// ways.
    ///
    /// # Errors
    ///
    /// `EEXIST` if the name is in use, `EINVAL` and `ENAMETOOLONG` if it is invalid, `EPERM` without
    /// `CAP_SYS_ADMIN`, `EACCES` and `EROFS` if the directory is not the caller's to write to, `ENOSPC`
    /// at the limit on network namespaces or on mounts.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
    /// # fn main() { in_world(example) }
    /// # fn example() -> libnetns::Result<()> {
    /// let blue = libnetns::RunDir::default().create("blue")?;
    /// println!("{blue} has inode {}", blue.inode());
    /// # Ok(()) }
    /// ```
    #[doc(alias = "netns_create_at")]
    pub fn create(&self, name: impl AsRef<OsStr>) -> Result<Namespace> {
        self.create_with(CreateFlags::empty(), name.as_ref())
    }

    pub(super) fn create_with(&self, flags: CreateFlags, name: &OsStr) -> Result<Namespace> {
        let name = CText::new(name);
        Namespace::from_result(&self.about_name("create", &name), || {
            create::create(self.checked()?, valid(&name)?, flags)
        })
    }

    /// Opens the network namespace that has this name.
    ///
    /// # Errors
    ///
    /// `ENOENT` if no namespace has it, `ENOTTY` if it is something else, `EACCES` without permission,
    /// `EINVAL` and `ENAMETOOLONG` if the name is invalid.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
    /// # fn main() { in_world(example) }
    /// # fn example() -> libnetns::Result<()> {
    /// use libnetns::RunDir;
    ///
    /// let blue = RunDir::default().create("blue")?;
    /// assert_eq!(RunDir::default().open("blue")?, blue);
    /// // As test labs and container engines make names.
    /// std::os::unix::fs::symlink("/proc/self/ns/net", "/run/netns/own").unwrap();
    /// assert!(RunDir::default().open("own")?.is_current()?);
    /// # Ok(()) }
    /// ```
    #[doc(alias = "netns_open_at")]
    pub fn open(&self, name: impl AsRef<OsStr>) -> Result<Namespace> {
        let name = CText::new(name);
        Namespace::from_result(&self.about_name("open", &name), || {
            open_named(self.checked()?, valid(&name)?)
        })
    }

    /// Gives a network namespace a name, or one more.
    ///
    /// # Errors
    ///
    /// As for [`RunDir::create`].
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
    /// # fn main() { in_world(example) }
    /// # fn example() -> libnetns::Result<()> {
    /// use libnetns::{Namespace, RunDir};
    ///
    /// RunDir::default().attach(&Namespace::current()?, "host")?;
    /// assert!(RunDir::default().open("host")?.is_current()?);
    /// # Ok(()) }
    /// ```
    #[doc(alias = "netns_attach_at")]
    pub fn attach(&self, ns: &Namespace, name: impl AsRef<OsStr>) -> Result<()> {
        let name = CText::new(name);
        let attach = || create::attach(self.checked()?, &ns.handle, valid(&name)?);
        attach().about(&self.about_name("attach", &name))
    }

    /// Removes a name. The namespace lives on as long as something refers to it.
    ///
    /// # Errors
    ///
    /// `ENOENT` if there is no such name, `ENOTTY` if it is something else than a network namespace or
    /// what is left of one, `EPERM`, `EACCES`, `EROFS` and `EBUSY` where it cannot be unmounted or
    /// unlinked.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
    /// # fn main() { in_world(example) }
    /// # fn example() -> libnetns::Result<()> {
    /// use libnetns::{ErrorKind, RunDir};
    ///
    /// let dir = RunDir::default();
    /// dir.create("blue")?;
    /// dir.remove("blue")?;
    /// assert_eq!(dir.remove("blue").unwrap_err().kind(), ErrorKind::NotFound);
    /// # Ok(()) }
    /// ```
    #[doc(alias = "netns_remove_at")]
    pub fn remove(&self, name: impl AsRef<OsStr>) -> Result<()> {
        self.remove_with(RemoveFlags::empty(), name.as_ref())
    }

    /// Removes a name, if there is one.
    ///
    /// # Errors
    ///
    /// As for [`RunDir::remove`], but for `ENOENT`.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
    /// # fn main() { in_world(example) }
    /// # fn example() -> libnetns::Result<()> {
    /// libnetns::RunDir::default().remove_if_exists("blue")?;
    /// # Ok(()) }
    /// ```
    #[doc(alias = "netns_remove_at")]
    pub fn remove_if_exists(&self, name: impl AsRef<OsStr>) -> Result<()> {
        self.remove_with(RemoveFlags::MISSING_OK, name.as_ref())
    }

    fn remove_with(&self, flags: RemoveFlags, name: &OsStr) -> Result<()> {
        let name = CText::new(name);
        let remove = || remove::remove(self.checked()?, valid(&name)?, flags);
        remove().about(&self.about_name("remove", &name))
    }

    /// The names of network namespaces, sorted bytewise. There are none where there is no directory.
    ///
    /// # Errors
    ///
    /// `EACCES` without permission to read the directory.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
    /// # fn main() { in_world(example) }
    /// # fn example() -> libnetns::Result<()> {
    /// use libnetns::RunDir;
    ///
    /// let dir = RunDir::default();
    /// let blue = dir.create("blue")?;
    /// for entry in dir.list()? {
    ///     println!("{:?} {:?}", entry.name, entry.inode);
    /// #   assert_eq!((entry.name, entry.inode), ("blue".into(), Some(blue.inode())));
    /// }
    /// # Ok(()) }
    /// ```
    #[doc(alias = "netns_list_at")]
    pub fn list(&self) -> Result<Vec<ListEntry>> {
        self.list_with(ListFlags::empty())
    }

    /// The same, and the stale names: what a creator left that was killed, and symbolic links that lead to no
    /// network namespace. Their [`inode`](ListEntry::inode) is `None`.
    ///
    /// # Errors
    ///
    /// As for [`RunDir::list`].
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
    /// # fn main() { in_world(example) }
    /// # fn example() -> libnetns::Result<()> {
    /// let dir = libnetns::RunDir::default();
    /// for entry in dir.list_with_stale()?.iter().filter(|entry| entry.inode.is_none()) {
    ///     dir.remove(&entry.name)?;
    /// }
    /// # Ok(()) }
    /// ```
    #[doc(alias = "netns_list_at")]
    pub fn list_with_stale(&self) -> Result<Vec<ListEntry>> {
        self.list_with(ListFlags::STALE)
    }

    fn list_with(&self, flags: ListFlags) -> Result<Vec<ListEntry>> {
        let read = || NameList::read(self.checked()?, flags);
        let list = read().about(&self.about_itself("list"))?;
        Ok(entries(&list).collect())
    }

    /// Every network namespace of the system that the caller can find: by the names in this directory, and by
    /// what `/proc` shows of threads, open descriptors and mounts, or what the kernel lists (Linux 6.19).
    ///
    /// Each is there once: under the first of its names in this directory, then those without a name, whose
    /// [`name`](ListEntry::name) is empty, by inode number.
    ///
    /// # Errors
    ///
    /// As for [`RunDir::list`]; `ENOENT` where `/proc` is not mounted, and the kernel does not list them.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
    /// # fn main() { in_world(example) }
    /// # fn example() -> libnetns::Result<()> {
    /// use libnetns::{Namespace, RunDir};
    ///
    /// let lost = Namespace::anonymous()?;
    /// let all = RunDir::default().list_all()?;
    /// let found = all.iter().find(|entry| entry.inode == Some(lost.inode())).unwrap();
    /// assert_eq!(found.name, "");
    /// // It gets a name again.
    /// let ns = Namespace::open_id(lost.inode(), found.cookie)?;
    /// RunDir::default().attach(&ns, "found")?;
    /// # assert_eq!(ns, lost);
    /// # Ok(()) }
    /// ```
    #[doc(alias = "netns_list_all")]
    pub fn list_all(&self) -> Result<Vec<ListEntry>> {
        let read = || all::list_all(self.checked()?);
        let list = read().about(&about("list all network namespaces", Object::Nothing))?;
        Ok(entries(&list).collect())
    }

    /// The names that a network namespace has in this directory, sorted bytewise.
    ///
    /// # Errors
    ///
    /// As for [`RunDir::list`].
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
    /// # fn main() { in_world(example) }
    /// # fn example() -> libnetns::Result<()> {
    /// let dir = libnetns::RunDir::default();
    /// let blue = dir.create("blue")?;
    /// dir.attach(&blue, "azure")?;
    /// assert_eq!(dir.names(&blue)?, ["azure", "blue"]);
    /// # Ok(()) }
    /// ```
    #[doc(alias = "netns_names_at")]
    pub fn names(&self, ns: &Namespace) -> Result<Vec<OsString>> {
        let subject = Subject {
            verb: "find the names of",
            rundir: self.path.shown(),
            object: Object::Handle(&ns.handle),
        };
        let read = || NameList::names_of(self.checked()?, &ns.handle);
        let list = read().about(&subject)?;
        Ok(entries(&list).map(|entry| entry.name).collect())
    }

    /// The path as system calls take it.
    pub(super) fn checked(&self) -> std::result::Result<&CStr, Failure> {
        let path = self.path.whole(Step::RunDirPath)?;
        if path.is_empty() {
            return Err(Failure::invalid_at(Step::RunDirPath, "its path is empty"));
        }
        Ok(path)
    }

    /// The path as messages show it.
    pub(super) fn shown(&self) -> &CStr {
        self.path.shown()
    }

    fn about_name<'a>(&'a self, verb: &'static str, name: &'a CText) -> Subject<'a> {
        Subject { verb, rundir: self.shown(), object: Object::Name(name.shown()) }
    }

    pub(super) fn about_itself(&self, verb: &'static str) -> Subject<'_> {
        Subject { verb, rundir: self.shown(), object: Object::RunDir }
    }
}

fn valid(name: &CText) -> std::result::Result<Name<'_>, Failure> {
    Name::new(name.whole(Step::Name)?)
}

fn entries(list: &NameList) -> impl Iterator<Item = ListEntry> + '_ {
    (0..list.len()).filter_map(|i| {
        let inode = list.inode(i).filter(|inode| *inode != 0);
        let cookie = list.identity(i)?.cookie;
        Some(ListEntry { name: os_string(list.name(i)?), inode, cookie })
    })
}
