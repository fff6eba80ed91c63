//! The run directory and the names in it.
//!
//! | file          | contains                                                              |
//! |---------------|-----------------------------------------------------------------------|
//! | `name`        | a valid name, and its path                                            |
//! | `entry`       | the kind of entry: a namespace, a placeholder file, stale, or other   |
//! | `link`        | following symbolic links, if that is safe                             |
//! | `dir`         | opening, creating, locking and mounting the directory                 |
//! | `open`        | opening namespaces by name or path                                    |
//! | `placeholder` | the file that a namespace is bound on, new or taken over              |
//! | `publish`     | binding a namespace on its placeholder, all or nothing                |
//! | `create`      | create and attach                                                     |
//! | `remove`      | remove                                                                |
//! | `all`         | every network namespace of the system, named or not                   |
//! | `list`        | a snapshot of the names                                               |
//! | `watch`       | the inotify watches of a monitor                                      |
//! | `monitor`     | reporting names that are added and removed                            |

pub mod all;
pub mod create;
pub mod dir;
pub mod entry;
pub mod link;
pub mod list;
pub mod monitor;
pub mod name;
pub mod open;
mod placeholder;
pub mod publish;
pub mod remove;
pub(crate) mod watch;
