//! Vectors that return an error if there is no memory, where the standard library's would abort the process.

use std::ffi::{CStr, CString};

use crate::error::{Failure, Result};

pub fn push<T>(list: &mut Vec<T>, item: T) -> Result<()> {
    list.try_reserve(1).map_err(|_| Failure::no_memory())?;
    list.push(item);
    Ok(())
}

pub fn extend<T: Copy>(list: &mut Vec<T>, items: &[T]) -> Result<()> {
    list.try_reserve(items.len()).map_err(|_| Failure::no_memory())?;
    list.extend_from_slice(items);
    Ok(())
}

/// Makes a list of numbers as long as that, with zeros at its end.
pub fn make_room(list: &mut Vec<u64>, len: usize) -> Result<()> {
    list.try_reserve_exact(len.saturating_sub(list.len())).map_err(|_| Failure::no_memory())?;
    list.resize(len, 0);
    Ok(())
}

/// As many zeros, off the stack, which may be 16 KB in all.
pub fn zeros(len: usize) -> Result<Vec<u8>> {
    let mut list = Vec::new();
    list.try_reserve_exact(len).map_err(|_| Failure::no_memory())?;
    list.resize(len, 0);
    Ok(list)
}

/// A copy that fails, where there is no memory for it, instead of aborting the process.
pub fn copy_c_str(text: &CStr) -> Result<CString> {
    c_string(text.to_bytes())
}

/// The same of a text that has no NUL in it.
pub fn c_string(text: &[u8]) -> Result<CString> {
    let mut copy = Vec::new();
    copy.try_reserve_exact(text.len() + 1).map_err(|_| Failure::no_memory())?;
    copy.extend_from_slice(text);
    CString::new(copy).map_err(|_| Failure::invalid("a text has no NUL in it"))
}
