//! The operating system: system calls, /proc, mounts, threads and signals, each as a safe function.
//!
//! Nothing in here knows what a network namespace is for.

pub mod forked;
pub mod helper_thread;
pub mod mount;
pub mod mountinfo;
pub mod open;
pub mod pidfd;
pub mod procfs;
pub mod readdir;
pub mod retry;
pub mod sigmask;
pub mod stat;
pub mod syscalls;
