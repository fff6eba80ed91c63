//! Rtnetlink: the interfaces, addresses, routes and nsids of a namespace.
//!
//! | file         | contains                                                               |
//! |--------------|------------------------------------------------------------------------|
//! | `message`    | messages: requests written, replies read                               |
//! | `attributes` | their attributes                                                       |
//! | `protocol`   | requests and replies on a socket; it does not know namespaces          |
//! | `connection` | the socket in a namespace, which its handle keeps                      |
//! | `ip`         | IP and link-layer addresses as text                                    |
//! | `link`       | interfaces: found and moved; `setup` changes them, `list` lists them   |
//! | `address`    | addresses of interfaces; `list` lists them                             |
//! | `route`      | routes; `list` lists them                                              |
//! | `nsid`       | the nsids of peer network namespaces                                   |

pub mod address;
mod attributes;
pub mod connection;
pub mod ip;
pub mod link;
pub(crate) mod message;
pub mod nsid;
pub mod protocol;
pub mod route;
