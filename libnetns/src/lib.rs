//! Linux network namespaces: created, opened, entered, listed, watched and configured.
//!
//! The C library of the same name is built on this crate, which knows nothing of C programs:
//!
//! | file           | what lives there                                                          |
//! |----------------|---------------------------------------------------------------------------|
//! | `error`        | an error: its errno, the step that failed, what to do about it            |
//! | `sys`          | the system calls that nix and rustix lack; nearly all of the `unsafe`     |
//! | `identity`     | the proof that something is a network namespace, and which one            |
//! | `file_status`  | what stat tells of a name, and whether something is mounted on it         |
//! | `namespace`    | the handle, and every way to open one                                     |
//! | `rundir`       | the run directory: made, mounted on itself, locked                        |
//! | `entry`        | what a name in it is: a namespace, a placeholder, stale, a stranger       |
//! | `placeholder`  | the file a namespace is bound on, made or taken over                      |
//! | `lifecycle`    | create, attach, remove                                                    |
//! | `unbind`       | takes a name off: stacked mounts, hidden ones, the file                   |
//! | `mounts`       | mounts made and taken off, the new way and the old                         |
//! | `switch`       | the calling thread's way into a namespace and back                        |
//! | `helper`       | a thread for what the calling thread must not do to itself                |
//! | `signal_mask`  | the calling thread's signals, blocked for a while                         |
//! | `netlink`      | rtnetlink: requests and answers, the connection that a handle keeps       |
//! | `forked`       | tells a process from the one that it was forked from                      |
//! | `link`         | interfaces: moved, made, changed, listed                                  |
//! | `address`      | their addresses                                                           |
//! | `route`        | routes                                                                    |
//! | `ip`           | addresses as people write them                                            |
//! | `nsid`         | the ids that one namespace has for others                                 |
//! | `list`         | the names, and the names of one namespace                                 |
//! | `monitor`      | names coming and going                                                    |
//! | `watch`        | the inotify watches that the monitor needs                                |
//! | `names`        | something for each of a set of names                                      |
//! | `process`      | the processes in a namespace                                              |
//! | `exec`         | a program in a namespace, instead of this process                         |
//! | `spawn`        | a program in a namespace, beside this process                             |
//! | `plan`         | what happens between a namespace and the program in it                    |
//! | `mount_namespace` | what the program sees of it: /sys and /etc                              |
//! | `program`      | the program, in every place where PATH says that it may be                |
//! | `failure`      | what a child tells of why it failed                                       |
//! | `stack`        | the stack of a child or thread that works for the calling thread          |
//! | `mountinfo`    | what is mounted where                                                     |
//! | `text`         | a short text that is kept in place                                        |
//! | `memory`       | lists that grow, or say that there is no memory                           |
//! | `retry`        | system calls made again: after a signal, or for what is short             |
//! | `strings`      | many strings in one allocation                                            |
//! | `directory`    | reads directories                                                         |
//! | `procfs`       | paths below /proc, written without allocating                             |
//! | `fuzzing`      | what the targets of fuzz/ try                                             |
//!
//! Every module is public for the C library, which is released with this crate. None of them is a stable API.

pub mod address;
pub mod directory;
pub mod entry;
pub mod error;
pub mod exec;
pub mod failure;
pub mod file_status;
pub mod forked;
pub mod helper;
pub mod identity;
pub mod ip;
pub mod lifecycle;
pub mod link;
pub mod list;
pub mod memory;
pub mod monitor;
pub mod mount_namespace;
pub mod mountinfo;
pub mod mounts;
pub mod names;
pub mod namespace;
pub mod netlink;
pub mod nsid;
pub mod placeholder;
pub mod plan;
pub mod process;
pub mod procfs;
pub mod program;
pub mod retry;
pub mod route;
pub mod rundir;
pub mod signal_mask;
pub mod spawn;
pub mod stack;
pub mod strings;
pub mod switch;
pub mod sys;
pub mod text;
pub mod unbind;
pub mod watch;

#[cfg(fuzzing)]
pub mod fuzzing;

#[cfg(test)]
pub mod testing;
