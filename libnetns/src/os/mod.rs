//! The interface to the operating system.
//!
//! | file            | contains                                                            |
//! |-----------------|---------------------------------------------------------------------|
//! | `syscalls`      | the system calls that nix and rustix lack; most of the `unsafe`     |
//! | `retry`         | system calls repeated after a signal or a shortage                  |
//! | `open`          | open(2), and the flags that the library uses                        |
//! | `stat`          | what stat(2) returns, and whether a file is a mount point           |
//! | `readdir`       | reading directories                                                 |
//! | `procfs`        | paths below /proc, and reading files there                          |
//! | `mount`         | creating and removing bind mounts and other mounts                  |
//! | `mountinfo`     | the list of mounts                                                  |
//! | `listns`        | the namespaces that the kernel lists                                |
//! | `netlink`       | code for all netlink protocols                                      |
//! | `pidfd`         | pidfds                                                              |
//! | `sigmask`       | the calling thread's signal mask                                    |
//! | `helper_thread` | a thread for operations that the calling thread must not perform    |
//! | `forked`        | distinguishing a process from the one that it was forked from       |
//!
//! This module does not know what network namespaces are used for.

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
