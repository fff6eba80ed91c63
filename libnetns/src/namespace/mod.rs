//! A network namespace: proved to be one, held open, visited, and what is in it.
//!
//! Nothing in here knows a run directory.

mod cached_socket;
mod descriptor;
pub mod handle;
pub mod identity;
pub mod pids;
pub mod visit;

pub use cached_socket::Turn;
