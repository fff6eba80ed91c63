//! The error type of netns-rs.

use std::fmt::{self, Display, Formatter};
use std::io;
use std::path::PathBuf;

/// The result of the functions of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// The reason why a call failed.
#[derive(Debug)]
pub enum Error {
    /// The directory of names cannot be created.
    CreateNsDirError(io::Error),
    /// The name cannot be created, for example because it exists.
    CreateNsError(io::Error),
    /// The network namespace cannot be opened, or the file is not a network namespace.
    OpenNsError(PathBuf, io::Error),
    /// Never returned; present because netns-rs has it.
    CloseNsError(nix::Error),
    /// A mount cannot be created: its description, and the errno.
    MountError(String, nix::Error),
    /// The name cannot be removed.
    UnmountError(PathBuf, nix::Error),
    /// The network namespace cannot be created.
    UnshareError(nix::Error),
    /// Never returned: no thread is started.
    JoinThreadError(String),
    /// The thread cannot enter the network namespace, or cannot switch back from it.
    SetnsError(nix::Error),
}

impl Display for Error {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        match self {
            Error::CreateNsDirError(error) => write!(f, "create the run directory: {error}"),
            Error::CreateNsError(error) => write!(f, "create the name: {error}"),
            Error::OpenNsError(path, error) => write!(f, "open {}: {error}", path.display()),
            Error::CloseNsError(errno) => write!(f, "close the network namespace: {errno}"),
            Error::MountError(what, errno) => write!(f, "mount {what}: {errno}"),
            Error::UnmountError(path, errno) => write!(f, "unmount {}: {errno}", path.display()),
            Error::UnshareError(errno) => write!(f, "unshare the network namespace: {errno}"),
            Error::JoinThreadError(what) => write!(f, "join the thread: {what}"),
            Error::SetnsError(errno) => write!(f, "setns: {errno}"),
        }
    }
}

impl std::error::Error for Error {}
