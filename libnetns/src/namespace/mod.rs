//! A network namespace.
//!
//! | file            | contains                                                            |
//! |-----------------|---------------------------------------------------------------------|
//! | `identity`      | the proof that a descriptor or name is a network namespace, and which |
//! | `visit`         | the calling thread's switch to a namespace and back                 |
//! | `descriptor`    | the descriptor that a handle has                                    |
//! | `cached_socket` | the rtnetlink socket that a handle keeps                            |
//! | `handle`        | the handle, and the ways to open one without a name                 |
//! | `search`        | a walk through what /proc shows of all processes                    |
//! | `by_id`         | a namespace opened by its inode and cookie                          |
//! | `holders`       | what keeps a namespace alive                                        |
//! | `sockets`       | the sockets that live in a namespace                                |
//! | `pids`          | the processes and threads in a namespace                            |
//! | `sysctl`        | the sysctls of a namespace                                          |
//!
//! It does not know run directories.

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
