//! NetNs, and the directory of its names.

use std::fmt::{self, Display, Formatter};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use libnetns::{ErrorKind, Namespace, RunDir};
use nix::errno::Errno;
use nix::unistd::gettid;

use crate::error::{Error, Result};

/// The environment that determines where network namespaces have their names.
pub trait Env {
    /// Returns the run directory.
    fn persist_dir(&self) -> PathBuf;

    /// Returns whether `p` is in it.
    fn contains<P: AsRef<Path>>(&self, p: P) -> bool {
        p.as_ref().starts_with(self.persist_dir())
    }

    /// Creates the directory and makes it a shared mount point.
    fn init(&self) -> Result<()> {
        let dir = self.persist_dir();
        RunDir::new(&dir).prepare().map_err(|error| {
            if dir.is_dir() {
                Error::MountError(format!("{} on itself, shared", dir.display()), errno(&error))
            } else {
                Error::CreateNsDirError(io_error(&error))
            }
        })
    }
}

/// `/var/run/netns`, which `ip netns` uses.
#[derive(Copy, Clone, Default, Debug)]
pub struct DefaultEnv;

impl Env for DefaultEnv {
    fn persist_dir(&self) -> PathBuf {
        PathBuf::from("/var/run/netns")
    }
}

/// An open network namespace.
///
/// `Display` shows its descriptor, device, inode and path. Two values are equal if they refer to the same
/// namespace.
#[derive(Debug)]
pub struct NetNs<E: Env = DefaultEnv> {
    /// Verified to be a network namespace.
    file: File,
    path: PathBuf,
    env: Option<E>,
}

impl<E: Env> Display for NetNs<E> {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        write!(f, "NetNS {{ fd: {}, ", self.file.as_raw_fd())?;
        if let Some((device, inode)) = identity(&self.file) {
            write!(f, "dev: {device}, ino: {inode}, ")?;
        }
        write!(f, "path: {} }}", self.path.display())
    }
}

impl<E1: Env, E2: Env> PartialEq<NetNs<E1>> for NetNs<E2> {
    fn eq(&self, other: &NetNs<E1>) -> bool {
        if self.file.as_raw_fd() == other.file.as_raw_fd() {
            return true;
        }
        match (identity(&self.file), identity(&other.file)) {
            (Some(own), Some(others)) => own == others,
            _ => self.path == other.path,
        }
    }
}

/// Returns the device and the inode, or `None` if it is not open.
fn identity(file: &File) -> Option<(u64, u64)> {
    file.metadata().ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

impl<E: Env> NetNs<E> {
    /// Creates a network namespace with a name in the directory of `env`.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use netns_rs::{Env, NetNs};
    /// use std::path::PathBuf;
    ///
    /// struct Own;
    ///
    /// impl Env for Own {
    ///     fn persist_dir(&self) -> PathBuf {
    ///         PathBuf::from("/run/my-daemon/netns")
    ///     }
    /// }
    /// let tenant = NetNs::new_with_env("tenant-1", Own)?;
    /// # Ok::<(), netns_rs::Error>(())
    /// ```
    pub fn new_with_env<S: AsRef<str>>(ns_name: S, env: E) -> Result<Self> {
        let name = ns_name.as_ref();
        env.init()?;
        let ns = Namespace::anonymous().map_err(|error| Error::UnshareError(errno(&error)))?;
        let path = env.persist_dir().join(name);
        RunDir::new(env.persist_dir()).attach(&ns, name).map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists | ErrorKind::InvalidInput | ErrorKind::NotFound => {
                Error::CreateNsError(io_error(&error))
            }
            _ => Error::MountError(
                format!("the network namespace on {}", path.display()),
                errno(&error),
            ),
        })?;
        Ok(NetNs::of(ns, path, Some(env)))
    }

    fn of(ns: Namespace, path: PathBuf, env: Option<E>) -> Self {
        NetNs { file: OwnedFd::from(ns).into(), path, env }
    }

    /// Returns the path that it was opened by.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the environment of its name; `None` if it was opened by a path.
    pub fn env(&self) -> Option<&E> {
        self.env.as_ref()
    }

    /// Returns its descriptor.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Moves the calling thread into the namespace permanently.
    pub fn enter(&self) -> Result<()> {
        self.namespace()
            .and_then(|ns| ns.switch_to())
            .map_err(|error| Error::SetnsError(errno(&error)))
    }

    fn namespace(&self) -> libnetns::Result<Namespace> {
        Namespace::of_fd(&self.file)
    }

    /// Opens the network namespace with this name in the directory of `env`.
    pub fn get_from_env<S: AsRef<str>>(ns_name: S, env: E) -> Result<Self> {
        let path = env.persist_dir().join(ns_name.as_ref());
        let opened = RunDir::new(env.persist_dir()).open(ns_name.as_ref());
        let ns = opened.map_err(|error| Error::OpenNsError(path.clone(), io_error(&error)))?;
        Ok(NetNs::of(ns, path, Some(env)))
    }

    /// Closes it and, if it was opened by name, removes the name.
    pub fn remove(self) -> Result<()> {
        let NetNs { file, path, env } = self;
        drop(file);
        let (Some(env), Some(name)) = (env, path.file_name()) else { return Ok(()) };
        if !env.contains(&path) {
            return Ok(());
        }
        let removed = RunDir::new(env.persist_dir()).remove(name);
        removed.map_err(|error| Error::UnmountError(path.clone(), errno(&error)))
    }

    /// Calls `f` with the calling thread in the namespace. The thread has switched back when this returns,
    /// and also if `f` panics.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use netns_rs::NetNs;
    /// use std::net::TcpListener;
    ///
    /// let listener = NetNs::get("blue")?.run(|_| TcpListener::bind("0.0.0.0:80"))?;
    /// # Ok::<(), netns_rs::Error>(())
    /// ```
    pub fn run<F, T>(&self, f: F) -> Result<T>
    where
        F: FnOnce(&Self) -> T,
    {
        let ns = self.namespace().map_err(|error| Error::SetnsError(errno(&error)))?;
        // In this case it needs no capability.
        if matches!(ns.is_current(), Ok(true)) {
            return Ok(f(self));
        }
        ns.run(|| f(self)).map_err(|error| Error::SetnsError(errno(&error)))
    }
}

impl NetNs {
    /// Creates a network namespace with a name in `/var/run/netns`.
    pub fn new<S: AsRef<str>>(ns_name: S) -> Result<Self> {
        NetNs::new_with_env(ns_name, DefaultEnv)
    }

    /// Opens the network namespace with this name in `/var/run/netns`.
    pub fn get<S: AsRef<str>>(ns_name: S) -> Result<Self> {
        NetNs::get_from_env(ns_name, DefaultEnv)
    }

    /// Opens a network namespace by its name, and calls `f` with the calling thread in it: see
    /// [`NetNs::run`].
    pub fn run_in<S, F, T>(ns_name: S, f: F) -> Result<T>
    where
        S: AsRef<str>,
        F: FnOnce(&Self) -> T,
    {
        NetNs::get(ns_name)?.run(f)
    }
}

/// Opens a network namespace by its path.
pub fn get_from_path<P: AsRef<Path>>(ns_path: P) -> Result<NetNs> {
    let path = ns_path.as_ref().to_path_buf();
    let opened = Namespace::open_path(&path);
    let ns = opened.map_err(|error| Error::OpenNsError(path.clone(), io_error(&error)))?;
    Ok(NetNs::of(ns, path, None))
}

/// Opens the calling thread's network namespace.
pub fn get_from_current_thread() -> Result<NetNs> {
    let path = PathBuf::from(format!("/proc/self/task/{}/ns/net", gettid()));
    let opened = Namespace::current();
    let ns = opened.map_err(|error| Error::OpenNsError(path.clone(), io_error(&error)))?;
    Ok(NetNs::of(ns, path, None))
}

fn errno(error: &libnetns::Error) -> Errno {
    Errno::from_raw(error.errno())
}

/// Keeps the errno, which users of netns-rs query.
fn io_error(error: &libnetns::Error) -> io::Error {
    io::Error::from_raw_os_error(error.errno())
}
