//! Network namespaces.
//!
//! | file            | contains                                                            |
//! |-----------------|---------------------------------------------------------------------|
//! | `identity`      | verifying that a descriptor or name is a network namespace          |
//! | `visit`         | switching the calling thread to a namespace and back                |
//! | `descriptor`    | the descriptor of a handle                                          |
//! | `cached_socket` | the rtnetlink socket that a handle caches                           |
//! | `handle`        | the handle, and the ways to open one without a name                 |
//! | `search`        | a walk through the processes in /proc                               |
//! | `by_id`         | opening a namespace by its inode and cookie                         |
//! | `holders`       | the objects that keep a namespace alive                             |
//! | `sockets`       | the sockets in a namespace                                          |
//! | `pids`          | the processes and threads in a namespace                            |
//! | `sysctl`        | the sysctls of a namespace                                          |
//!
//! This module does not know run directories.

pub mod by_id;
mod cached_socket;
mod descriptor;
pub mod handle;
pub mod holders;
pub mod identity;
pub mod pids;
pub mod search;
mod sockets;
pub mod sysctl;
pub mod visit;

pub use cached_socket::Turn;
