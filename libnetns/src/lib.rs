//! Linux network namespaces: created, opened, entered, listed, watched and configured.
//!
//! The crate is a house of floors. A folder imports only from those above it in this list, and no two files
//! import each other in a circle:
//!
//! | folder        | what it is responsible for                                                       |
//! |---------------|----------------------------------------------------------------------------------|
//! | `error`       | a failure: its errno, the step that failed, what to do about it                   |
//! | `util`        | texts and collections that fail where there is no memory                          |
//! | `os`          | system calls, /proc, mounts, threads and signals                                  |
//! | `explain`     | the line that says what a call was about and why it failed                        |
//! | `namespace`   | the proof that something is a network namespace, the handle, the visit            |
//! | `rundir`      | the run directory, and the names in it                                            |
//! | `rtnl`        | interfaces, addresses, routes and nsids, by rtnetlink                             |
//! | `program`     | a program in a namespace                                                          |
//!
//! Each folder's `mod.rs` says what is in it.
//!
//! The C library is built on these modules and is released with this crate. They are no stable API.

#[doc(hidden)]
pub mod error;
#[doc(hidden)]
pub mod explain;
#[doc(hidden)]
pub mod namespace;
#[doc(hidden)]
pub mod os;
#[doc(hidden)]
pub mod program;
#[doc(hidden)]
pub mod rtnl;
#[doc(hidden)]
pub mod rundir;
#[doc(hidden)]
pub mod util;

#[cfg(fuzzing)]
pub mod fuzzing;

#[cfg(test)]
mod testing;
