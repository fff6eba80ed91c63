//! C strings in one allocation, for code that must not allocate when it uses them.

use std::ffi::CStr;

use crate::error::{Failure, Result};

#[derive(Debug, Default)]
pub struct Strings(Vec<u8>);

impl Strings {
    /// Adds a string that is the concatenation of these parts, which must not contain NUL bytes.
    pub fn push(&mut self, parts: &[&[u8]]) -> Result<()> {
        let len: usize = parts.iter().map(|part| part.len()).sum();
        self.0.try_reserve(len + 1).map_err(|_| Failure::no_memory())?;
        for part in parts {
            self.0.extend_from_slice(part);
        }
        self.0.push(0);
        Ok(())
    }

    pub fn iter(&self) -> impl Iterator<Item = &CStr> {
        self.0.split_inclusive(|&byte| byte == 0).filter_map(|text| {
            // Each string contains exactly one NUL, at its end.
            CStr::from_bytes_with_nul(text).ok()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iter_returns_pushed_strings_in_order() {
        let mut strings = Strings::default();
        assert_eq!(strings.iter().count(), 0);
        strings.push(&[b"/etc/", b"hosts"]).unwrap();
        strings.push(&[]).unwrap();
        strings.push(&[b"a", b"", b"b"]).unwrap();
        assert!(strings.iter().eq([c"/etc/hosts", c"", c"ab"]));
    }
}
