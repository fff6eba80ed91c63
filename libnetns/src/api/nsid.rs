//! Nsids: the numbers by which one network namespace knows others.
//!
//! The kernel shows a peer in another network namespace by such a number, as in
//! [`Link::peer_nsid`](crate::link::Link::peer_nsid). Each function takes the network namespace in which
//! the number is valid, `within`, or `None` for the calling thread's.
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

/// A number that one network namespace has for another, as [`list`] has found it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Nsid {
    /// The number.
    pub id: i32,
    /// What `within` calls the same namespace, for [`ListOptions::target`].
    pub current: Option<i32>,
    /// The first name of that namespace in the run directory.
    pub name: Option<OsString>,
}

/// The nsid that `within` has for `ns`, if it has one.
///
/// # Errors
///
/// `EPERM` if `within` may not be entered, and no other call has opened an rtnetlink socket in it.
#[doc(alias = "netns_nsid_get")]
pub fn get<'a>(within: impl Into<Option<&'a Namespace>>, ns: &Namespace) -> Result<Option<i32>> {
    let id = match nsid::get(handle(within.into()), &ns.handle) {
        Err(Failure { step: Step::GetId, errno: Errno::ENODATA, .. }) => Ok(None),
        id => id.map(Some),
    };
    id.about(&about_handle("get the nsid of", &ns.handle))
}

/// Assigns `ns` this nsid in `within`. One that is assigned stays as long as both live.
///
/// # Errors
///
/// `EPERM` without `CAP_NET_ADMIN` over `within`, `EEXIST` if `ns` has another one there, `ENOSPC` if
/// another namespace has this one, `EINVAL` if it is negative.
#[doc(alias = "netns_nsid_set")]
pub fn set<'a>(within: impl Into<Option<&'a Namespace>>, ns: &Namespace, id: i32) -> Result<()> {
    let valid = if id < 0 {
        Err(Failure::invalid_at(Step::Nsid, "an nsid is 0 or greater"))
    } else {
        Ok(id)
    };
    let set = valid.and_then(|id| nsid::set(handle(within.into()), &ns.handle, id));
    set.about(&about_handle("assign an nsid to", &ns.handle)).map(drop)
}

/// Assigns `ns` an nsid in `within` that the kernel picks, and returns it.
///
/// # Errors
///
/// `EPERM` without `CAP_NET_ADMIN` over `within`, `EEXIST` if `ns` has one there.
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

/// The nsid that `within` has for `ns` or, if it has none, a new one that the kernel picks.
///
/// # Errors
///
/// `EPERM` without `CAP_NET_ADMIN` over `within`, if it has none.
///
/// # Examples
///
/// See [`assign`].
#[doc(alias = "netns_nsid_ensure")]
pub fn ensure<'a>(within: impl Into<Option<&'a Namespace>>, ns: &Namespace) -> Result<i32> {
    nsid::ensure(handle(within.into()), &ns.handle)
        .about(&about_handle("assign an nsid to", &ns.handle))
}

/// The nsids that `within` has, ascending, with the names in `/run/netns` that go with them.
///
/// # Errors
///
/// As for [`get`].
#[doc(alias = "netns_nsid_list")]
pub fn list<'a>(within: impl Into<Option<&'a Namespace>>) -> Result<Vec<Nsid>> {
    ListOptions::new().list(within)
}

/// How nsids are listed.
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
    /// Those that `within` has, with names in `/run/netns`.
    pub fn new() -> ListOptions {
        ListOptions { run_dir: RunDir::default(), target: nsid::NONE }
    }

    /// The directory in which names are looked up.
    pub fn run_dir(&mut self, dir: &RunDir) -> &mut ListOptions {
        self.run_dir = dir.clone();
        self
    }

    /// Lists those that another namespace has, the one that `within` has this nsid for.
    pub fn target(&mut self, nsid: i32) -> &mut ListOptions {
        self.target = nsid;
        self
    }

    /// Lists them.
    ///
    /// # Errors
    ///
    /// As for [`get`]; `EINVAL` if `within` has no such nsid as the target.
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
