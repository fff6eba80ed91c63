//! The C library for Linux network namespaces: the C ABI of the Rust library `libnetns`, and nothing else. Each
//! function checks its pointers, converts its arguments, calls `libnetns`, and returns through `boundary`, which
//! turns the result into what C expects.
//!
//! There is a file for each section of netns.h, whose doc comments become the headers in include/, and so are
//! written for C programmers. Beside them:
//!
//! | file               | contains                                                                     |
//! |--------------------|------------------------------------------------------------------------------|
//! | `boundary`         | keeps panics and cancellation in, sets errno, stores the message             |
//! | `message`          | the calling thread's last message                                            |
//! | `convert`          | strings, handles, flags and structs that cross the ABI                       |
//! | `types`            | the opaque types                                                             |
//! | `iproute2`         | iproute2's helpers, the sections of netns-iproute2.h; `helpers` does the work |

// The header's comments tell C programmers what to pass; a `# Safety` section would tell them less.
#![allow(clippy::missing_safety_doc)]

mod addresses;
mod boundary;
mod convert;
mod errors;
mod holders;
mod identity;
mod ids;
mod iproute2;
mod lifecycle;
mod link_list;
mod links;
mod listing;
mod message;
mod monitor;
mod processes;
mod programs;
mod routes;
mod sysctl;
mod thread;
mod types;

#[cfg(test)]
mod same_lines;
