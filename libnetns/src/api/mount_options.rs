//! The mount namespace of a thread that moves to a network namespace.

use crate::explain::{Detail, Object};
use crate::program::mount_namespace::Wishes;
use crate::program::relocate::relocate;

use super::error::{About, Result};
use super::namespace::Namespace;
use super::subject::about;

/// What a thread sees of the file system in the network namespace that it moves to with
/// [`Namespace::switch_to_with_mounts`].
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
    /// `/sys` shows the network namespace's devices, and the files of `/etc/netns/NAME` cover those of `/etc`.
    pub fn new() -> MountOptions {
        MountOptions::default()
    }

    /// Whether `/sys` is left alone, and goes on showing the devices that it shows.
    #[must_use]
    pub fn keep_sys(mut self, keep: bool) -> MountOptions {
        self.wishes.keep_sys = keep;
        self
    }

    /// Whether the files of `/etc/netns/NAME` are left alone.
    #[must_use]
    pub fn keep_etc(mut self, keep: bool) -> MountOptions {
        self.wishes.keep_etc = keep;
        self
    }
}

impl Namespace {
    /// Takes the calling thread there for good, as [`Namespace::switch_to`] does, with a mount namespace of its
    /// own in which `/sys` and `/etc` are those of the network namespace, as a [`Command`](crate::Command) has
    /// it. The thread's root and working directory become its own; other threads stay where they are.
    ///
    /// After a failure the thread is in the namespaces that it was in, unless the failure is `ENOTRECOVERABLE`.
    ///
    /// # Errors
    ///
    /// `EPERM` without `CAP_SYS_ADMIN` over the namespace and the mounts and `CAP_SYS_CHROOT`, `EINVAL` if the root
    /// directory is not a mount point, `EACCES` if the working directory may not be searched, `ENOENT` where
    /// `/proc` is not mounted, `ENOSPC` and its like.
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
    ///         // This thread works in there until it ends.
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
