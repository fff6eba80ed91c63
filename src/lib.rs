//! The C library for Linux network namespaces: the C ABI of the Rust library `libnetns`, and nothing else. Each
//! function checks its pointers, converts its arguments, calls `libnetns` and lets [`boundary`] turn the
//! result into what C expects.
//!
//! There is one file for each section of netns.h. Their doc comments become the headers in include/, so they are
//! written for C programmers.

// The header's comments tell C programmers what to pass; a `# Safety` section would tell them less.
#![allow(clippy::missing_safety_doc)]

mod addresses;
mod boundary;
mod convert;
mod errors;
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
mod thread;
mod types;
