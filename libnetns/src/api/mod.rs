//! The public API: safe types in the style of std on top of the other modules, which do not know this one.
//!
//! Each function converts its arguments, calls the internals, and turns a [`Failure`](crate::error::Failure)
//! into an [`Error`] that carries the full message.

mod command;
mod create_options;
mod error;
mod holders;
mod monitor;
mod mount_options;
mod namespace;
mod processes;
mod run_dir;
mod socket;
mod stdio;
mod subject;
mod sysctl;
mod text;
mod visit;

pub mod address;
pub mod link;
pub mod nsid;
pub mod route;

pub use address::Prefix;
pub use command::{Child, Command};
pub use create_options::CreateOptions;
pub use error::{Error, ErrorKind, Result};
pub use holders::{Holder, HolderKind, Holders};
pub use monitor::{Event, EventKind, Monitor};
pub use mount_options::MountOptions;
pub use namespace::Namespace;
pub use run_dir::{ListEntry, RunDir};
pub use stdio::Stdio;
pub use visit::Visit;
