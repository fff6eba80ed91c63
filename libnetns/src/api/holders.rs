//! What keeps a network namespace alive.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::namespace::holders::{self, HolderList, Kind, Unseen};

use super::text::os_string;

/// A kind of [`Holder`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HolderKind {
    /// A thread that is in the namespace.
    Thread,
    /// An open descriptor of the namespace.
    Descriptor,
    /// A socket that lives in the namespace, or an open `/dev/net/tun`, which has one.
    Socket,
    /// A mount of the namespace.
    Mount,
}

/// Something that keeps a network namespace alive.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Holder {
    /// What it is.
    pub kind: HolderKind,
    /// Its process; of a mount, one whose mount namespace has it. `None`: no process is found to have the
    /// socket.
    pub pid: Option<u32>,
    /// Its thread; of a descriptor or socket, one whose descriptor table has it.
    pub tid: Option<u32>,
    /// The number of a descriptor or socket, in its process.
    pub fd: Option<i32>,
    /// The mount point of a mount, as its process sees it.
    pub path: Option<PathBuf>,
    /// The program that the thread runs, as `/proc/PID/comm` has it.
    pub program: Option<OsString>,
}

/// What [`Namespace::holders`](crate::Namespace::holders) has found, sorted by kind, then by process.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Holders {
    /// Those that were found.
    pub found: Vec<Holder>,
    /// A process that `/proc` shows was not the caller's to look at.
    pub unseen_processes: bool,
    /// There may be processes that `/proc` does not show.
    pub unseen_hidden: bool,
    /// Not every socket could be asked for its namespace.
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
