//! Rtnetlink: the interfaces, addresses, routes and nsids of a namespace.
//!
//! [`protocol`] takes a socket and knows no namespace; [`connection`] gives it the one that a handle keeps.

pub mod address;
mod attributes;
pub mod connection;
pub mod ip;
pub mod link;
pub(crate) mod message;
pub mod nsid;
pub mod protocol;
pub mod route;
