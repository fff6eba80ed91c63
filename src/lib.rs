//! The C library for Linux network namespaces: only the C ABI of the Rust library `libnetns`. Each function checks
//! its pointers, converts its arguments, calls `libnetns`, and returns through `boundary`, which converts the
//! result to C.
//!
//! Each section of netns.h has a file here. Its doc comments are generated into include/, so they are written for
//! C programmers. The other files are:
//!
//! | file               | contains                                                                     |
//! |--------------------|------------------------------------------------------------------------------|
//! | `boundary`         | stops panics and cancellation, sets errno, stores the message                |
//! | `message`          | the calling thread's last message                                            |
//! | `convert`          | strings, handles, flags and structs that cross the ABI                       |
//! | `types`            | the opaque types                                                             |
//! | `iproute2`         | the functions of iproute2 in netns-iproute2.h; `helpers` does the work       |

// The comments are for C programmers: they say what to pass without a `# Safety` section.
#![allow(clippy::missing_safety_doc)]

pub mod addresses;
pub mod boundary;
pub mod convert;
pub mod errors;
pub mod holders;
pub mod identity;
pub mod ids;
pub mod iproute2;
pub mod lifecycle;
pub mod link_list;
pub mod links;
pub mod listing;
pub mod message;
pub mod monitor;
pub mod processes;
pub mod programs;
pub mod routes;
pub mod sysctl;
pub mod thread;
pub mod types;

#[cfg(test)]
mod same_lines;
