//! The run directory, and the names in it.
//!
//! | file          | contains                                                              |
//! |---------------|-----------------------------------------------------------------------|
//! | `name`        | a valid name, and the path that it stands for                         |
//! | `entry`       | what a name is: a namespace, a placeholder file, stale, or foreign    |
//! | `link`        | a symbolic link followed, where that is safe                          |
//! | `dir`         | the directory: opened, created, mounted on itself, locked             |
//! | `open`        | namespaces opened by name or path                                     |
//! | `placeholder` | the file that a namespace is bound on, made or taken over             |
//! | `publish`     | a namespace bound on its placeholder, all or nothing                  |
//! | `create`      | create and attach                                                     |
//! | `remove`      | remove                                                                |
//! | `all`         | every network namespace of the system, by name or without             |
//! | `list`        | the names at one moment                                               |
//! | `watch`       | the inotify watches of a monitor                                      |
//! | `monitor`     | names added and removed                                               |

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
