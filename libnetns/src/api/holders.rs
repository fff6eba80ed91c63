//! The objects that keep a network namespace alive.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::namespace::holders::{self, HolderList, Kind, Unseen};

use super::text::os_string;

/// A kind of [`Holder`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HolderKind {
    /// A thread in the namespace.
    Thread,
    /// An open descriptor of the namespace.
    Descriptor,
    /// A socket in the namespace, or an open `/dev/net/tun`, which has one.
    Socket,
    /// A mount of the namespace.
    Mount,
}

/// An object that keeps a network namespace alive.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Holder {
    /// Its kind.
    pub kind: HolderKind,
    /// Its process; for a mount, a process whose mount namespace contains it. `None` if no process was found
    /// for the socket.
    pub pid: Option<u32>,
    /// Its thread; for a descriptor or socket, a thread whose descriptor table contains it.
    pub tid: Option<u32>,
    /// The number of a descriptor or socket, in its process.
    pub fd: Option<i32>,
    /// The mount point of a mount, as its process sees it.
    pub path: Option<PathBuf>,
    /// The name of the thread's program, from `/proc/PID/comm`.
    pub program: Option<OsString>,
}

/// The result of [`Namespace::holders`](crate::Namespace::holders), sorted by kind, then by process.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Holders {
    /// The holders that were found.
    pub found: Vec<Holder>,
    /// At least one process in `/proc` could not be inspected for lack of privilege.
    pub unseen_processes: bool,
    /// There may be processes that `/proc` does not show.
    pub unseen_hidden: bool,
    /// The namespace of at least one socket could not be determined.
    pub unseen_sockets: bool,
}

impl From<HolderList> for Holders {
    fn from(list: HolderList) -> Holders {
        Holders {
            found: list.holders.into_iter().map(Holder::from).collect(),
            unseen_processes: list.unseen.contains(Unseen::PROCESSES),
            unseen_hidden: list.unseen.contains(Unseen::HIDDEN),
            unseen_sockets: list.unseen.contains(Unseen::SOCKETS),
        }
    }
}

impl From<holders::Holder> for Holder {
    fn from(it: holders::Holder) -> Holder {
        let id = |id| u32::try_from(id).ok().filter(|id| *id != 0);
        Holder {
            kind: match it.kind {
                Kind::Thread => HolderKind::Thread,
                Kind::Descriptor => HolderKind::Descriptor,
                Kind::Socket => HolderKind::Socket,
                Kind::Mount => HolderKind::Mount,
            },
            pid: id(it.pid),
            tid: id(it.tid),
            fd: it.fd,
            path: it.path.map(|path| os_string(&path).into()),
            program: it.program.non_empty().map(os_string),
        }
    }
}
