//! Linux network namespaces: create, open, enter, list, watch and configure them.
//!
//! A network namespace has interfaces, addresses, routes, sockets and ports of its own. Each thread is in
//! one; a name is a bind mount of one in `/run/netns`, as `ip netns` makes it. This crate does what
//! `ip netns`, `ip link`, `ip address` and `ip route` do, without a process for it, and opens sockets and
//! runs code and programs in any namespace.
//!
//! ```
//! # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
//! # fn main() { in_world(example) }
//! # fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use libnetns::{CreateOptions, Namespace, RunDir, address, link};
//! use std::net::Ipv4Addr;
//!
//! // As `ip netns add blue`, with lo up.
//! let blue = CreateOptions::new().lo_up(true).create("blue")?;
//!
//! // A veth pair between this namespace and that one.
//! link::add_veth(None, "to-blue", &blue, "eth0")?;
//! address::add(&blue, "eth0", (Ipv4Addr::new(192, 0, 2, 2), 24))?;
//! link::set_up(&blue, "eth0")?;
//!
//! // A socket in there: this thread stays here.
//! let listener = blue.tcp_listener(([127, 0, 0, 1], 80))?;
//!
//! // Code in there: this thread goes there, and comes back.
//! let name = blue.run(|| std::fs::read_to_string("/proc/thread-self/net/dev"))??;
//!
//! // A program in there.
//! assert!(blue.command("true").status()?.success());
//!
//! // The name goes; the namespace lives as long as something refers to it.
//! RunDir::default().remove("blue")?;
//! # Ok(()) }
//! ```
//!
//! # Threads
//!
//! The network namespace is an attribute of a thread. What is done in another one happens on the calling
//! thread, which comes back before the call returns: a call first verifies that it can switch back, blocks
//! signals meanwhile, and uses a helper thread where the calling thread could not switch back. Only
//! [`Namespace::enter`], [`Namespace::run`] and [`Namespace::switch_to`] show code of the caller's another
//! namespace. A thread that is started there stays there.
//!
//! An asynchronous task may run on one thread before an `.await` and on another one after it: do not hold
//! a [`Visit`] across one. The compiler refuses it where tasks have to be [`Send`].
//!
//! # Privileges
//!
//! Listing, watching and most of what a [`Namespace`] tells need none. To enter a namespace takes
//! `CAP_SYS_ADMIN` over it, to configure its network `CAP_NET_ADMIN`. A plain user has both in a user
//! namespace of their own.
//!
//! # Errors
//!
//! Every [`Error`] has the whole story in one line, from the call's object to the remedy.
//!
//! # Linux versions
//!
//! Linux 4.19 and later. Newer system calls are used where the kernel has them.

#![warn(missing_docs)]

// The modules are ordered by what they may import: each imports only those above it in this list, and no two
// files import each other in a circle; scripts/check-house checks both. Each mod.rs says which file has what. The
// C library, which is released with this crate, is built on what is hidden here. None of that is a stable API.
//
//     error       a failure: its errno, the step that failed, the usual cause or remedy
//     util        strings and collections that return an error if there is no memory
//     os          system calls, /proc, mounts, signals and threads
//     explain     the message: what a call was about, and why it failed
//     namespace   a network namespace: identified, held by a handle, switched to and back
//     rundir      the run directory, and the names in it
//     rtnl        interfaces, addresses, routes and nsids, by rtnetlink
//     program     programs that run in a namespace
//     api         the public API

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

mod api;

pub use api::{
    Child, Command, CreateOptions, Error, ErrorKind, Event, EventKind, Holder, HolderKind, Holders,
    ListEntry, Monitor, MountOptions, Namespace, Prefix, Result, RunDir, Stdio, Visit, address,
    link, nsid, route,
};

#[cfg(fuzzing)]
pub mod fuzzing;

#[cfg(test)]
mod testing;

/// The README's example compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
