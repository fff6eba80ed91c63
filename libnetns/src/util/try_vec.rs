//! Vectors that return an error if there is no memory, where the standard library would abort the process.

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

/// Extends a list of numbers to this length with zeros.
pub fn make_room(list: &mut Vec<u64>, len: usize) -> Result<()> {
    list.try_reserve_exact(len.saturating_sub(list.len())).map_err(|_| Failure::no_memory())?;
    list.resize(len, 0);
    Ok(())
}

/// Allocates zeros on the heap, because the stack may be as small as 16 KB.
pub fn zeros(len: usize) -> Result<Vec<u8>> {
    let mut list = Vec::new();
    list.try_reserve_exact(len).map_err(|_| Failure::no_memory())?;
    list.resize(len, 0);
    Ok(list)
}

/// Copies a string, and returns an error if there is no memory for the copy.
pub fn copy_c_str(text: &CStr) -> Result<CString> {
    c_string(text.to_bytes())
}

/// The same for bytes that do not contain a NUL.
pub fn c_string(text: &[u8]) -> Result<CString> {
    let mut copy = Vec::new();
    copy.try_reserve_exact(text.len() + 1).map_err(|_| Failure::no_memory())?;
    copy.extend_from_slice(text);
    CString::new(copy).map_err(|_| Failure::invalid("a text has no NUL in it"))
}
