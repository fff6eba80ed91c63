//! Linux network namespaces: create, open, enter, list, watch and configure them.
//!
//! A network namespace has its own interfaces, addresses, routes, sockets and ports. Each thread is in one
//! network namespace. A name is a bind mount of a namespace in `/run/netns`, as created by `ip netns`. This
//! crate does what `ip netns`, `ip link`, `ip address` and `ip route` do, without starting a process, and
//! opens sockets and runs code and programs in any namespace.
//!
//! ```
//! # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
//! # fn main() { in_world(example) }
//! # fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use libnetns::{CreateOptions, Namespace, RunDir, address, link};
//! use std::net::Ipv4Addr;
//!
//! // Like `ip netns add blue`, with lo up.
//! let blue = CreateOptions::new().lo_up(true).create("blue")?;
//!
//! // A veth pair between the calling thread's namespace and this one.
//! link::add_veth(None, "to-blue", &blue, "eth0")?;
//! address::add(&blue, "eth0", (Ipv4Addr::new(192, 0, 2, 2), 24))?;
//! link::set_up(&blue, "eth0")?;
//!
//! // A socket in the namespace. The calling thread stays in its own.
//! let listener = blue.tcp_listener(([127, 0, 0, 1], 80))?;
//!
//! // Code in the namespace. The calling thread switches to it and back.
//! let name = blue.run(|| std::fs::read_to_string("/proc/thread-self/net/dev"))??;
//!
//! // A program in the namespace.
//! assert!(blue.command("true").status()?.success());
//!
//! // Remove the name. The namespace lives as long as something refers to it.
//! RunDir::default().remove("blue")?;
//! # Ok(()) }
//! ```
//!
//! # Threads
//!
//! The network namespace is a per-thread attribute. To work in another namespace, a call switches the calling
//! thread to it and switches back before it returns. It first verifies that it can switch back, blocks signals
//! meanwhile, and uses a helper thread if the calling thread could not switch back. The caller's own code runs
//! in another namespace only after [`Namespace::enter`] and [`Namespace::switch_to`] and in the callback of
//! [`Namespace::run`]. A thread that is started in a namespace stays there.
//!
//! An asynchronous task may run on one thread before an `.await` and on another one after it, so do not hold
//! a [`Visit`] across an `.await`. The compiler rejects this if tasks have to be [`Send`].
//!
//! # Privileges
//!
//! Listing, watching and most queries of a [`Namespace`] need no privilege. Entering a namespace requires
//! `CAP_SYS_ADMIN` in the user namespace that owns it and in the caller's own; configuring its network also
//! requires `CAP_NET_ADMIN` in the user namespace that owns it. A plain user has these capabilities in a new
//! user namespace.
//!
//! # Errors
//!
//! Every [`Error`] displays as one line that names the object of the call, the step that failed, the cause and,
//! if known, the remedy.
//!
//! # Linux versions
//!
//! Linux 4.19 and later. Newer system calls are used if the kernel has them.

#![warn(missing_docs)]

// The modules form layers: each imports only the modules above it in this list, and import cycles are not
// allowed; scripts/check-house checks both. Each mod.rs lists the contents of its files. The C library, which is
// released together with this crate, uses the hidden modules. They are not a stable API.
//
//     error       a failure: its errno, the step that failed, the usual cause or remedy
//     util        strings and collections that report out-of-memory errors
//     os          system calls, /proc, mounts, signals and threads
//     explain     the error message: the subject of a call, and why it failed
//     namespace   a network namespace: identity, handles, switching to it and back
//     rundir      the run directory and the names in it
//     rtnl        interfaces, addresses, routes and nsids, with rtnetlink
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
