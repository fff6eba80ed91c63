//! Programs that run in a namespace.
//!
//! | file              | contains                                                          |
//! |-------------------|-------------------------------------------------------------------|
//! | `lookup`          | the program, looked up in PATH                                    |
//! | `mount_namespace` | the mount namespace with the /sys and /etc of a network namespace |
//! | `relocate`        | a thread moves to such a mount namespace and a network namespace  |
//! | `plan`            | what is done between the call and the program, prepared in advance |
//! | `stack`           | the stack of a child or thread that works for the calling thread  |
//! | `exec`            | the program replaces the calling process; `stand_in` is the thread that does it |
//! | `spawn`           | the program runs in a child; `fork` makes the child               |

pub mod exec;
pub mod lookup;
pub mod mount_namespace;
pub mod plan;
pub mod relocate;
pub mod spawn;
mod stack;
