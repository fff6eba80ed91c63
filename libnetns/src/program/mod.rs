//! Programs in a namespace: in place of this process, or beside it.

pub mod exec;
pub mod lookup;
pub mod mount_namespace;
pub mod plan;
pub mod spawn;
mod stack;
