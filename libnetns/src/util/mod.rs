//! Strings and collections. Those that allocate return an error if there is no memory, where the standard
//! library would abort the process.
//!
//! | file         | contains                                                            |
//! |--------------|---------------------------------------------------------------------|
//! | `try_vec`    | vectors and copies                                                  |
//! | `strings`    | many C strings in one allocation                                    |
//! | `text`       | a short string of fixed capacity                                    |
//! | `number_map` | a map by number                                                     |
//! | `name_map`   | a map by name, and the paths of names in a directory                |
//!
//! This module knows neither namespaces nor system calls.

pub mod name_map;
pub mod number_map;
pub mod strings;
pub mod text;
pub mod try_vec;
