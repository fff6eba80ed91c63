//! A map with names as keys, and the paths of names. An operation that runs out of memory fails and changes
//! nothing.

use std::collections::HashMap;
use std::ffi::{CStr, CString};
use std::hash::{BuildHasherDefault, DefaultHasher};

use crate::error::{Failure, Result};
use crate::util::try_vec::copy_c_str;

/// A hash table, because it can report a failed allocation where a B-tree aborts the process. Its hashes have
/// no secret: a caller who could choose names that collide could also simply create more names.
#[derive(Debug)]
pub struct NameMap<T>(HashMap<CString, T, BuildHasherDefault<DefaultHasher>>);

impl<T> Default for NameMap<T> {
    fn default() -> NameMap<T> {
        NameMap(HashMap::default())
    }
}

impl<T> NameMap<T> {
    pub fn get(&self, name: &CStr) -> Option<&T> {
        self.0.get(name)
    }

    pub fn get_mut(&mut self, name: &CStr) -> Option<&mut T> {
        self.0.get_mut(name)
    }

    pub fn insert(&mut self, name: &CStr, value: T) -> Result<()> {
        if let Some(known) = self.0.get_mut(name) {
            *known = value;
            return Ok(());
        }
        self.0.try_reserve(1).map_err(|_| Failure::no_memory())?;
        self.0.insert(copy_c_str(name)?, value);
        Ok(())
    }

    pub fn remove(&mut self, name: &CStr) {
        self.0.remove(name);
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the names in arbitrary order.
    pub fn names(&self) -> impl Iterator<Item = &CStr> + '_ {
        self.0.keys().map(CString::as_c_str)
    }
}

/// Builds the paths of names in a directory, one at a time.
#[derive(Debug)]
pub struct Paths {
    text: Vec<u8>,
    dir_len: usize,
}

impl Paths {
    pub fn new(dir: &CStr) -> Result<Paths> {
        let mut text = copy_c_str(dir)?.into_bytes();
        text.try_reserve(1).map_err(|_| Failure::no_memory())?;
        text.push(b'/');
        Ok(Paths { dir_len: text.len(), text })
    }

    pub fn of(&mut self, name: &CStr) -> Result<&CStr> {
        let name = name.to_bytes_with_nul();
        self.text.truncate(self.dir_len);
        self.text.try_reserve(name.len()).map_err(|_| Failure::no_memory())?;
        self.text.extend_from_slice(name);
        CStr::from_bytes_with_nul(&self.text)
            .map_err(|_| Failure::invalid("a text has no NUL in it"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_joins_directory_and_name() {
        let mut paths = Paths::new(c"/run/netns").unwrap();
        for (name, path) in [(c"long name", c"/run/netns/long name"), (c"a", c"/run/netns/a")] {
            assert_eq!(paths.of(name), Ok(path));
        }
        assert_eq!(Paths::new(c".").unwrap().of(c"b"), Ok(c"./b"));
    }

    #[test]
    fn name_map_keeps_each_name_once() {
        let mut names = NameMap::default();
        assert!(names.is_empty());
        for name in [c"b", c"a", c"c", c"b"] {
            names.insert(name, name.to_bytes()[0]).unwrap();
        }
        let sorted = |names: &NameMap<u8>| {
            let mut sorted: Vec<_> = names.names().map(CStr::to_bytes).collect();
            sorted.sort();
            sorted.concat()
        };
        assert_eq!(sorted(&names), b"abc");
        *names.get_mut(c"a").unwrap() = b'x';
        assert_eq!(names.get(c"a"), Some(&b'x'));
        names.remove(c"a");
        names.remove(c"none");
        assert_eq!(names.get_mut(c"a"), None);
        assert_eq!(sorted(&names), b"bc");
    }
}
