//! Nsids: the ids by which one network namespace refers to others.
//!
//! The kernel uses an nsid to report that a peer is in another network namespace, as in
//! [`Link::peer_nsid`](crate::link::Link::peer_nsid). Each function takes the network namespace in which the
//! nsid is valid, `within`, or `None` for the calling thread's.
//!
//! # Examples
//!
//! ```
//! # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
//! # fn main() { in_world(example) }
//! # fn example() -> libnetns::Result<()> {
//! use libnetns::{Namespace, nsid};
//!
//! let (within, other) = (Namespace::anonymous()?, Namespace::anonymous()?);
//! assert_eq!(nsid::get(&within, &other)?, None);
//! nsid::set(&within, &other, 7)?;
//! assert_eq!(nsid::get(&within, &other)?, Some(7));
//! assert_eq!(nsid::list(&within)?[0].id, 7);
//! # Ok(()) }
//! ```

use std::ffi::OsString;

use crate::error::{Failure, Step};
use crate::explain::{Object, Subject};
use crate::rtnl::nsid::{self, NsidList};

use nix::errno::Errno;

use super::error::{About, Result};
use super::link::handle;
use super::namespace::Namespace;
use super::run_dir::RunDir;
use super::subject::about_handle;
use super::text::os_string;

/// The nsid that one network namespace has assigned to another, as returned by [`list`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Nsid {
    /// The nsid.
    pub id: i32,
    /// The nsid that `within` has assigned to the same namespace, for [`ListOptions::target`].
    pub current: Option<i32>,
    /// The first name of that namespace in the run directory.
    pub name: Option<OsString>,
}

/// Returns the nsid that `within` has assigned to `ns`, if any.
///
/// # Errors
///
/// `EPERM` if the calling thread may not enter `within` and no earlier call has opened an rtnetlink socket in
/// it.
#[doc(alias = "netns_nsid_get")]
pub fn get<'a>(within: impl Into<Option<&'a Namespace>>, ns: &Namespace) -> Result<Option<i32>> {
    let id = match nsid::get(handle(within.into()), &ns.handle) {
        Err(Failure { step: Step::GetId, errno: Errno::ENODATA, .. }) => Ok(None),
        id => id.map(Some),
    };
    id.about(&about_handle("get the nsid of", &ns.handle))
}

/// Assigns this nsid to `ns` in `within`. It stays assigned as long as both namespaces exist.
///
/// # Errors
///
/// `EPERM` without `CAP_NET_ADMIN` over `within`, `EEXIST` if `ns` has another nsid there, `ENOSPC` if
/// another namespace has this nsid, `EINVAL` if it is negative.
#[doc(alias = "netns_nsid_set")]
pub fn set<'a>(within: impl Into<Option<&'a Namespace>>, ns: &Namespace, id: i32) -> Result<()> {
    let valid = if id < 0 {
        Err(Failure::invalid_at(Step::Nsid, "an nsid must be 0 or greater"))
    } else {
        Ok(id)
    };
    let set = valid.and_then(|id| nsid::set(handle(within.into()), &ns.handle, id));
    set.about(&about_handle("assign an nsid to", &ns.handle)).map(drop)
}

/// Assigns an nsid chosen by the kernel to `ns` in `within`, and returns it.
///
/// # Errors
///
/// `EPERM` without `CAP_NET_ADMIN` over `within`, `EEXIST` if `ns` has an nsid there.
///
/// # Examples
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
/// # fn main() { in_world(example) }
/// # fn example() -> libnetns::Result<()> {
/// use libnetns::{ErrorKind, Namespace, nsid};
///
/// let (within, other) = (Namespace::anonymous()?, Namespace::anonymous()?);
/// let id = nsid::assign(&within, &other)?;
/// assert_eq!(nsid::assign(&within, &other).unwrap_err().kind(), ErrorKind::AlreadyExists);
/// assert_eq!(nsid::ensure(&within, &other)?, id);
/// # Ok(()) }
/// ```
#[doc(alias = "netns_nsid_set")]
pub fn assign<'a>(within: impl Into<Option<&'a Namespace>>, ns: &Namespace) -> Result<i32> {
    nsid::set(handle(within.into()), &ns.handle, nsid::NONE)
        .about(&about_handle("assign an nsid to", &ns.handle))
}

/// Returns the nsid that `within` has assigned to `ns`. If there is none, the kernel assigns one.
///
/// # Errors
///
/// `EPERM` if there is none and the caller lacks `CAP_NET_ADMIN` over `within`.
///
/// # Examples
///
/// See [`assign`].
#[doc(alias = "netns_nsid_ensure")]
pub fn ensure<'a>(within: impl Into<Option<&'a Namespace>>, ns: &Namespace) -> Result<i32> {
    nsid::ensure(handle(within.into()), &ns.handle)
        .about(&about_handle("assign an nsid to", &ns.handle))
}

/// Returns the nsids that `within` has assigned, in ascending order, with the names of those namespaces in
/// `/run/netns`.
///
/// # Errors
///
/// Those of [`get`].
#[doc(alias = "netns_nsid_list")]
pub fn list<'a>(within: impl Into<Option<&'a Namespace>>) -> Result<Vec<Nsid>> {
    ListOptions::new().list(within)
}

/// Options for listing nsids.
///
/// # Examples
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
/// # fn main() { in_world(example) }
/// # fn example() -> libnetns::Result<()> {
/// use libnetns::{RunDir, nsid};
///
/// let dir = RunDir::new("/run/my-daemon/netns");
/// let (blue, red) = (dir.create("blue")?, dir.create("red")?);
/// nsid::set(&blue, &red, 7)?;
/// let found = nsid::ListOptions::new().run_dir(&dir).list(&blue)?;
/// assert_eq!((found[0].id, found[0].name.as_deref()), (7, Some("red".as_ref())));
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct ListOptions {
    run_dir: RunDir,
    target: i32,
}

impl Default for ListOptions {
    fn default() -> ListOptions {
        ListOptions::new()
    }
}

impl ListOptions {
    /// Creates the default options: the nsids of `within`, with names in `/run/netns`.
    pub fn new() -> ListOptions {
        ListOptions { run_dir: RunDir::default(), target: nsid::NONE }
    }

    /// Sets the directory in which names are looked up.
    pub fn run_dir(&mut self, dir: &RunDir) -> &mut ListOptions {
        self.run_dir = dir.clone();
        self
    }

    /// Lists the nsids of another namespace, to which `within` has assigned this nsid.
    pub fn target(&mut self, nsid: i32) -> &mut ListOptions {
        self.target = nsid;
        self
    }

    /// Returns the nsids.
    ///
    /// # Errors
    ///
    /// Those of [`get`]; `EINVAL` if `within` has not assigned the target nsid.
    #[doc(alias = "netns_nsid_list")]
    pub fn list<'a>(&self, within: impl Into<Option<&'a Namespace>>) -> Result<Vec<Nsid>> {
        let within = handle(within.into());
        let (verb, object) = match within {
            Some(ns) => ("list the nsids of", Object::Handle(ns)),
            None => ("list the nsids", Object::Nothing),
        };
        let list = || NsidList::list(self.run_dir.checked()?, within, self.target);
        let ids = list().about(&Subject { verb, rundir: self.run_dir.shown(), object })?;
        Ok((0..ids.len()).filter_map(|i| entry(&ids, i)).collect())
    }
}

fn entry(ids: &NsidList, i: usize) -> Option<Nsid> {
    Some(Nsid { id: ids.id(i)?, current: ids.current(i), name: ids.name(i).map(os_string) })
}
