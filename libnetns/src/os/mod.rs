//! The operating system.
//!
//! | file            | contains                                                            |
//! |-----------------|---------------------------------------------------------------------|
//! | `syscalls`      | the system calls that nix and rustix lack; most of the `unsafe`     |
//! | `retry`         | system calls repeated after a signal or a shortage                  |
//! | `open`          | open(2), and the flags that the library uses                        |
//! | `stat`          | what stat(2) returns, and whether a file is a mount point           |
//! | `readdir`       | directories read                                                    |
//! | `procfs`        | paths below /proc, and what is read from there                      |
//! | `mount`         | bind mounts and other mounts, made and taken off                    |
//! | `mountinfo`     | what is mounted where                                               |
//! | `listns`        | the namespaces that the kernel lists                                |
//! | `netlink`       | what all protocols of netlink have in common                        |
//! | `pidfd`         | pidfds                                                              |
//! | `sigmask`       | the calling thread's signal mask                                    |
//! | `helper_thread` | a thread for what the calling thread must not do to itself          |
//! | `forked`        | tells a process from the one that it was forked from                |
//!
//! It does not know what a network namespace is used for.

pub mod forked;
pub mod helper_thread;
pub mod listns;
pub mod mount;
pub mod mountinfo;
pub mod netlink;
pub mod open;
pub mod pidfd;
pub mod procfs;
pub mod readdir;
pub mod retry;
pub mod sigmask;
pub mod stat;
pub mod syscalls;
