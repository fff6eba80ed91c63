//! Texts and collections that fail where the standard library's would end the process for want of memory.
//!
//! They know nothing of namespaces or of system calls.

pub mod name_map;
pub mod strings;
pub mod text;
pub mod try_vec;
