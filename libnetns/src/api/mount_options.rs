//! Options for the mount namespace of a thread that switches to a network namespace.

use crate::explain::{Detail, Object};
use crate::program::mount_namespace::Wishes;
use crate::program::relocate::relocate;

use super::error::{About, Result};
use super::namespace::Namespace;
use super::subject::about;

/// Options for the file system that a thread sees after [`Namespace::switch_to_with_mounts`].
///
/// # Examples
///
/// ```
/// let options = libnetns::MountOptions::new().keep_sys(true);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MountOptions {
    wishes: Wishes,
}

impl MountOptions {
    /// Creates the default options: `/sys` shows the interfaces of the network namespace, and the files of
    /// `/etc/netns/NAME` cover those in `/etc`.
    pub fn new() -> MountOptions {
        MountOptions::default()
    }

    /// Sets whether the thread keeps its `/sys`, which does not show the interfaces of the network namespace.
    #[must_use]
    pub fn keep_sys(mut self, keep: bool) -> MountOptions {
        self.wishes.keep_sys = keep;
        self
    }

    /// Sets whether the files of `/etc/netns/NAME` are ignored.
    #[must_use]
    pub fn keep_etc(mut self, keep: bool) -> MountOptions {
        self.wishes.keep_etc = keep;
        self
    }
}

impl Namespace {
    /// Moves the calling thread into the namespace permanently, like [`Namespace::switch_to`], and into a new
    /// mount namespace in which `/sys` and `/etc` are those of the network namespace, as for a
    /// [`Command`](crate::Command). The thread gets its own root and working directory; other threads are not
    /// affected.
    ///
    /// After a failure the thread is in its original namespaces, unless the error is `ENOTRECOVERABLE`.
    ///
    /// # Errors
    ///
    /// `EPERM` without `CAP_SYS_ADMIN` over the namespace and the mounts and `CAP_SYS_CHROOT`, `EINVAL` if
    /// the root directory is not a mount point, `EACCES` if the working directory may not be searched,
    /// `ENOENT` if `/proc` is not mounted, `ENOSPC` and other resource shortages.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
    /// # fn main() { in_world(example) }
    /// # fn example() -> libnetns::Result<()> {
    /// use libnetns::{MountOptions, Namespace};
    ///
    /// let sandbox = Namespace::anonymous()?;
    /// std::thread::scope(|scope| {
    ///     scope.spawn(|| {
    ///         sandbox.switch_to_with_mounts(MountOptions::new())?;
    ///         // This thread works in the namespace until it ends.
    ///         assert!(std::fs::read_dir("/sys/class/net").unwrap().count() >= 1);
    ///         libnetns::Result::Ok(())
    ///     });
    /// });
    /// # Ok(()) }
    /// ```
    #[doc(alias = "netns_setns_mounts")]
    pub fn switch_to_with_mounts(&self, options: MountOptions) -> Result<()> {
        let detail = Detail::default();
        let object = Object::HandleAt(Some(&self.handle), &detail);
        relocate(&self.handle, options.wishes, &detail).about(&about("switch to", object))
    }
}
