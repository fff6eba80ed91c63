//! Something for each of a set of names, kept sorted: a tenth of the code of a B-tree, and at 10,000
//! names a search costs no more than one system call.

use std::ffi::{CStr, CString};

use crate::error::{Error, Result};

#[derive(Debug)]
pub struct Names<T>(Vec<(CString, T)>);

impl<T> Default for Names<T> {
    fn default() -> Names<T> {
        Names(Vec::new())
    }
}

impl<T> Names<T> {
    fn find(&self, name: &CStr) -> std::result::Result<usize, usize> {
        self.0.binary_search_by(|(known, _)| known.as_c_str().cmp(name))
    }

    pub fn get_mut(&mut self, name: &CStr) -> Option<&mut T> {
        let at = self.find(name).ok()?;
        self.0.get_mut(at).map(|(_, value)| value)
    }

    pub fn insert(&mut self, name: &CStr, value: T) -> Result<()> {
        match self.find(name) {
            Ok(at) => self.0[at].1 = value,
            Err(at) => {
                self.0.try_reserve(1).map_err(|_| Error::no_memory())?;
                self.0.insert(at, (copy(name)?, value));
            }
        }
        Ok(())
    }

    pub fn remove(&mut self, name: &CStr) {
        if let Ok(at) = self.find(name) {
            self.0.remove(at);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn names(&self) -> impl Iterator<Item = &CStr> + '_ {
        self.0.iter().map(|(name, _)| name.as_c_str())
    }
}

/// A copy that fails, where there is no memory for it, instead of aborting the process.
pub fn copy(text: &CStr) -> Result<CString> {
    let mut copy = Vec::new();
    copy.try_reserve_exact(text.to_bytes().len() + 1).map_err(|_| Error::no_memory())?;
    copy.extend_from_slice(text.to_bytes());
    CString::new(copy).map_err(|_| Error::invalid("a text has no NUL in it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kept_once_and_in_order() {
        let mut names = Names::default();
        assert!(names.is_empty());
        for name in [c"b", c"a", c"c", c"b"] {
            names.insert(name, name.to_bytes()[0]).unwrap();
        }
        assert!(names.names().eq([c"a", c"b", c"c"]));
        *names.get_mut(c"a").unwrap() = b'x';
        assert_eq!(names.get_mut(c"a"), Some(&mut b'x'));
        names.remove(c"a");
        names.remove(c"none");
        assert_eq!(names.get_mut(c"a"), None);
        assert!(names.names().eq([c"b", c"c"]));
    }
}
