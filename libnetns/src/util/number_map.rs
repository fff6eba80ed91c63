//! A map with numbers as keys. An operation that runs out of memory fails and changes nothing.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher};

use crate::error::{Failure, Result};

/// Its hashes have no secret, because the standard library would read random bytes from the kernel to create
/// one, and panic if there are none.
#[derive(Debug, Default)]
pub struct NumberMap(HashMap<u64, usize, BuildHasherDefault<DefaultHasher>>);

impl NumberMap {
    pub fn get(&self, key: u64) -> Option<usize> {
        self.0.get(&key).copied()
    }

    pub fn has(&self, key: u64) -> bool {
        self.0.contains_key(&key)
    }

    /// Inserts a value unless the key exists, and returns whether it was inserted.
    pub fn insert_first(&mut self, key: u64, value: usize) -> Result<bool> {
        self.0.try_reserve(1).map_err(|_| Failure::no_memory())?;
        let before = self.0.len();
        self.0.entry(key).or_insert(value);
        Ok(self.0.len() > before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn insert_first_keeps_first_value() {
        let mut map = NumberMap::default();
        assert_eq!(map.insert_first(7, 1), Ok(true));
        assert_eq!(map.insert_first(7, 2), Ok(false));
        assert_eq!(map.insert_first(8, 3), Ok(true));
        assert_eq!((map.get(7), map.get(8), map.get(9)), (Some(1), Some(3), None));
        assert!(map.has(7) && !map.has(9));
    }
}
