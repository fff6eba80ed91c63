//! The API of netns-rs 0.2, on [`libnetns`].
//!
//! For programs that use netns-rs: they change the dependency, and nothing else. A new program uses
//! [`libnetns`] itself, which has more.
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
