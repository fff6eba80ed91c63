//! Options for creating network namespaces.

use std::ffi::OsStr;

use crate::explain::Object;
use crate::rundir::create::{self, CreateFlags};

use super::error::Result;
use super::namespace::Namespace;
use super::run_dir::RunDir;
use super::subject::about;

/// Options for creating a network namespace, in the manner of [`std::fs::OpenOptions`].
///
/// # Examples
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
/// # fn main() { in_world(example) }
/// # fn example() -> libnetns::Result<()> {
/// use libnetns::CreateOptions;
///
/// let blue = CreateOptions::new().exist_ok(true).lo_up(true).create("blue")?;
/// assert_eq!(CreateOptions::new().exist_ok(true).create("blue")?, blue);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct CreateOptions {
    flags: CreateFlags,
}

impl Default for CreateOptions {
    fn default() -> CreateOptions {
        CreateOptions::new()
    }
}

impl CreateOptions {
    /// Creates a set of options that are all off.
    pub fn new() -> CreateOptions {
        CreateOptions { flags: CreateFlags::empty() }
    }

    /// Sets whether an existing namespace with this name is opened.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
    /// # fn main() { in_world(example) }
    /// # fn example() -> libnetns::Result<()> {
    /// use libnetns::{CreateOptions, ErrorKind, RunDir};
    ///
    /// let blue = RunDir::default().create("blue")?;
    /// let error = RunDir::default().create("blue").unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    /// assert_eq!(CreateOptions::new().exist_ok(true).create("blue")?, blue);
    /// # Ok(()) }
    /// ```
    pub fn exist_ok(&mut self, exist_ok: bool) -> &mut CreateOptions {
        self.set(CreateFlags::EXIST_OK, exist_ok)
    }

    /// Sets whether the interface `lo` is set up.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
    /// # fn main() { in_world(example) }
    /// # fn example() -> libnetns::Result<()> {
    /// use libnetns::{CreateOptions, link};
    ///
    /// let sandbox = CreateOptions::new().lo_up(true).anonymous()?;
    /// assert!(link::list(&sandbox)?[0].is_up());
    /// # Ok(()) }
    /// ```
    pub fn lo_up(&mut self, lo_up: bool) -> &mut CreateOptions {
        self.set(CreateFlags::LO_UP, lo_up)
    }

    /// Sets whether the call fails with `EAGAIN` instead of waiting while another process holds the run
    /// directory's lock or is creating the name.
    pub fn nowait(&mut self, nowait: bool) -> &mut CreateOptions {
        self.set(CreateFlags::NOWAIT, nowait)
    }

    fn set(&mut self, flag: CreateFlags, value: bool) -> &mut CreateOptions {
        self.flags.set(flag, value);
        self
    }

    /// Creates a network namespace with a name in `/run/netns`.
    ///
    /// # Errors
    ///
    /// Those of [`RunDir::create`].
    #[doc(alias = "netns_create")]
    pub fn create(&self, name: impl AsRef<OsStr>) -> Result<Namespace> {
        self.create_in(&RunDir::default(), name)
    }

    /// Creates a network namespace with a name in a run directory.
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
    /// use libnetns::{CreateOptions, RunDir};
    ///
    /// let dir = RunDir::new("/run/my-daemon/netns");
    /// CreateOptions::new().lo_up(true).create_in(&dir, "tenant-1")?;
    /// # Ok(()) }
    /// ```
    #[doc(alias = "netns_create_at")]
    pub fn create_in(&self, dir: &RunDir, name: impl AsRef<OsStr>) -> Result<Namespace> {
        dir.create_with(self.flags, name.as_ref())
    }

    /// Creates a network namespace without a name.
    ///
    /// # Errors
    ///
    /// Those of [`Namespace::anonymous`].
    #[doc(alias = "netns_create")]
    pub fn anonymous(&self) -> Result<Namespace> {
        let subject = about("create an anonymous namespace", Object::Nothing);
        Namespace::from_result(&subject, || create::create_anonymous(self.flags))
    }
}

impl Namespace {
    /// Creates a network namespace without a name. It lives as long as something refers to it.
    ///
    /// # Errors
    ///
    /// `EPERM` without `CAP_SYS_ADMIN`, `ENOSPC` at the limit on network namespaces.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
    /// # fn main() { in_world(example) }
    /// # fn example() -> libnetns::Result<()> {
    /// let sandbox = libnetns::Namespace::anonymous()?;
    /// assert_eq!(sandbox.name(), None);
    /// # Ok(()) }
    /// ```
    #[doc(alias = "netns_create")]
    pub fn anonymous() -> Result<Namespace> {
        CreateOptions::new().anonymous()
    }
}
