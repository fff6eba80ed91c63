//! The run directory and the names in it: created, opened, attached, removed, listed, watched.

pub mod create;
pub mod dir;
pub mod entry;
pub mod list;
pub mod monitor;
pub mod name;
pub mod open;
mod placeholder;
mod publish;
pub mod remove;
pub(crate) mod watch;
