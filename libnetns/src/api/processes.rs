//! The processes in a namespace, and other objects that keep it alive.

use crate::namespace::holders::HolderList;
use crate::namespace::pids::{self, PidsFlags};

use super::error::{About, Result};
use super::holders::Holders;
use super::namespace::Namespace;
use super::subject::about_handle;

impl Namespace {
    /// Returns the ids of the processes in it, in ascending order, as far as the caller may inspect them.
    ///
    /// # Errors
    ///
    /// `ENOENT` if `/proc` is not mounted or belongs to another PID namespace.
    ///
    /// # Examples
    ///
    /// ```
    /// let own = libnetns::Namespace::current()?;
    /// assert!(own.pids()?.contains(&std::process::id()));
    /// # Ok::<(), libnetns::Error>(())
    /// ```
    #[doc(alias = "netns_pids")]
    pub fn pids(&self) -> Result<Vec<u32>> {
        self.find_processes(PidsFlags::empty())
    }

    /// Returns the ids of all threads in it, in ascending order. A thread may be in another namespace than
    /// its process.
    ///
    /// # Errors
    ///
    /// Those of [`Namespace::pids`].
    ///
    /// # Examples
    ///
    /// ```
    /// let own = libnetns::Namespace::current()?;
    /// assert!(own.threads()?.len() >= own.pids()?.len());
    /// # Ok::<(), libnetns::Error>(())
    /// ```
    #[doc(alias = "netns_pids")]
    pub fn threads(&self) -> Result<Vec<u32>> {
        self.find_processes(PidsFlags::THREADS)
    }

    /// Returns what keeps the namespace alive: its threads, its open descriptors, its sockets, and its mounts
    /// in every mount namespace that contains a process. The descriptor and the socket of this handle are not
    /// included.
    ///
    /// # Errors
    ///
    /// `ENOENT` if `/proc` is not mounted or belongs to another PID namespace. Objects that the caller may
    /// not inspect are not an error: see [`Holders`].
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
    /// # fn main() { in_world(example) }
    /// # fn example() -> libnetns::Result<()> {
    /// use libnetns::{HolderKind, RunDir};
    ///
    /// let blue = RunDir::default().create("blue")?;
    /// let _socket = blue.udp_socket(([127, 0, 0, 1], 0));
    /// let holders = blue.holders()?;
    /// for holder in &holders.found {
    ///     println!("{:?} {:?} {:?}", holder.kind, holder.program, holder.path);
    /// }
    /// # assert!(holders.found.iter().any(|it| it.kind == HolderKind::Mount));
    /// # Ok(()) }
    /// ```
    #[doc(alias = "netns_holder_list")]
    pub fn holders(&self) -> Result<Holders> {
        let subject = about_handle("find the holders of", &self.handle);
        HolderList::read(&self.handle).map(Holders::from).about(&subject)
    }

    fn find_processes(&self, flags: PidsFlags) -> Result<Vec<u32>> {
        let subject = about_handle("find the processes in", &self.handle);
        let found = pids::pids(&self.handle, flags).about(&subject)?;
        Ok(found.into_iter().filter_map(|pid| u32::try_from(pid).ok()).collect())
    }
}
