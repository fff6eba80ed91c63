//! The API of netns-rs 0.2, on [`libnetns`].
//!
//! This crate is for programs that use netns-rs: they only have to change the dependency. New programs should
//! use [`libnetns`] directly, which offers more.
//!
//! # Examples
//!
//! ```no_run
//! use netns_rs::NetNs;
//!
//! let blue = NetNs::new("blue")?; // /var/run/netns/blue
//! let devices = blue.run(|_| std::fs::read_to_string("/proc/thread-self/net/dev"))?;
//! blue.remove()?;
//! # Ok::<(), netns_rs::Error>(())
//! ```

#![warn(missing_docs)]

mod error;
mod netns;

pub use self::error::*;
pub use self::netns::*;
