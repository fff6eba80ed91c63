//! A run directory: a directory of names.

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

/// A directory that contains the names of network namespaces. Each name is a bind mount of a namespace.
///
/// [`RunDir::default`] is `/run/netns`, which `ip netns` uses. The value contains only a path: the first call
/// that creates a name creates the directory.
///
/// A name may be a symbolic link to a network namespace. It is followed if the link and the directory belong
/// to root or to the caller and nobody else can write to the directory; otherwise it is rejected with
/// `ENOTTY`. [`RunDir::remove`] removes only the link, and [`RunDir::create`] fails with `EEXIST` wherever it
/// leads.
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

/// An entry returned by [`RunDir::list`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ListEntry {
    /// The name.
    pub name: OsString,
    /// The inode number of the namespace that the name refers to; `None` if the name is stale.
    pub inode: Option<u64>,
    /// The cookie of that namespace, as returned by [`Namespace::cookie`]; `None` if it is unknown, as before
    /// Linux 6.18.
    pub cookie: Option<u64>,
}

impl RunDir {
    /// Creates a value for the run directory at `path`. The file system is not accessed.
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

    /// Returns its path.
    pub fn path(&self) -> &Path {
        Path::new(os_str(self.path.shown()))
    }

    /// Creates the directory and its parents, and makes it a shared mount point. Names that are created in it
    /// later then become visible wherever the directory is mounted by that time, for example in a container.
    /// Creating the first name does the same.
    ///
    /// # Errors
    ///
    /// `EPERM` without `CAP_SYS_ADMIN` over the mount namespace, `EACCES` and `EROFS` if the directory cannot
    /// be created, `ENOSPC` at the limit on mounts.
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

    /// Creates a network namespace with this name. See [`CreateOptions`](crate::CreateOptions) for options.
    ///
    /// # Errors
    ///
    /// `EEXIST` if the name is in use, `EINVAL` and `ENAMETOOLONG` if it is invalid, `EPERM` without
    /// `CAP_SYS_ADMIN`, `EACCES` and `EROFS` if the caller cannot write to the directory, `ENOSPC` at the
    /// limit on network namespaces or mounts.
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

    /// Opens the network namespace with this name.
    ///
    /// # Errors
    ///
    /// `ENOENT` if the name does not exist, `ENOTTY` if it is not a network namespace, `EACCES` without
    /// permission, `EINVAL` and `ENAMETOOLONG` if the name is invalid.
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
    /// // Test labs and container engines create names like this.
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

    /// Gives a network namespace an additional name.
    ///
    /// # Errors
    ///
    /// Those of [`RunDir::create`].
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

    /// Removes a name. The namespace lives as long as something refers to it.
    ///
    /// # Errors
    ///
    /// `ENOENT` if the name does not exist, `ENOTTY` if it is neither a network namespace nor a stale name,
    /// `EPERM`, `EACCES`, `EROFS` and `EBUSY` if it cannot be unmounted or unlinked.
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

    /// Removes a name if it exists.
    ///
    /// # Errors
    ///
    /// Those of [`RunDir::remove`], except for `ENOENT`.
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

    /// Returns the names of network namespaces, sorted bytewise. The list is empty if the directory does not
    /// exist.
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

    /// Returns the same list with the stale names: the files of killed creators, and symbolic links that do
    /// not lead to a network namespace. Their [`inode`](ListEntry::inode) is `None`.
    ///
    /// # Errors
    ///
    /// Those of [`RunDir::list`].
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

    /// Returns every network namespace of the system that the caller can find: by the names in this
    /// directory, and by the threads, open descriptors and mounts in `/proc`, or as listed by the kernel
    /// (Linux 6.19).
    ///
    /// Each namespace is listed once, under its first name in this directory. Namespaces without a name
    /// follow, sorted by inode number; their [`name`](ListEntry::name) is empty.
    ///
    /// # Errors
    ///
    /// Those of [`RunDir::list`]; `ENOENT` if `/proc` is not mounted and the kernel cannot list namespaces.
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
    /// // Give it a name again.
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

    /// Returns the names of a network namespace in this directory, sorted bytewise.
    ///
    /// # Errors
    ///
    /// Those of [`RunDir::list`].
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

    /// Returns the path for system calls.
    pub(super) fn checked(&self) -> std::result::Result<&CStr, Failure> {
        let path = self.path.whole(Step::RunDirPath)?;
        if path.is_empty() {
            return Err(Failure::invalid_at(Step::RunDirPath, "the path is empty"));
        }
        Ok(path)
    }

    /// Returns the path for messages.
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
