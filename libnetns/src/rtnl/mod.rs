//! Rtnetlink: the interfaces, addresses, routes and nsids of a namespace.
//!
//! | file         | contains                                                               |
//! |--------------|------------------------------------------------------------------------|
//! | `message`    | messages: writing requests and reading replies                         |
//! | `attributes` | the attributes of messages                                             |
//! | `protocol`   | requests and replies on a socket; it does not know namespaces          |
//! | `connection` | the socket in a namespace, which its handle caches                     |
//! | `ip`         | IP and link-layer addresses in text form                               |
//! | `link`       | interfaces: look up and move; `setup` changes them, `list` lists them  |
//! | `address`    | addresses of interfaces; `list` lists them                             |
//! | `route`      | routes; `list` lists them                                              |
//! | `nsid`       | the nsids that a namespace has assigned                                |

pub mod address;
mod attributes;
pub mod connection;
pub mod ip;
pub mod link;
pub(crate) mod message;
pub mod nsid;
pub mod protocol;
pub mod route;
