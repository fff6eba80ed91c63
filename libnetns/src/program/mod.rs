//! Programs that run in a namespace.
//!
//! | file              | contains                                                          |
//! |-------------------|-------------------------------------------------------------------|
//! | `lookup`          | looking up the program in PATH                                    |
//! | `mount_namespace` | the mount namespace with the /sys and /etc of a network namespace |
//! | `relocate`        | moving a thread to such a mount namespace and a network namespace |
//! | `plan`            | the steps between the call and the program, prepared in advance   |
//! | `stack`           | the stack of a child or thread that works for the calling thread  |
//! | `exec`            | replacing the calling process; `stand_in` is the thread that does it |
//! | `spawn`           | running the program in a child; `fork` creates the child          |

pub mod exec;
pub mod lookup;
pub mod mount_namespace;
pub mod plan;
pub mod relocate;
pub mod spawn;
mod stack;
