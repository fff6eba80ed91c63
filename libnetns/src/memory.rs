//! Lists that grow, or say that there is no memory: the standard library's would end the process.

use crate::error::{Error, Result};

pub fn push<T>(list: &mut Vec<T>, item: T) -> Result<()> {
    list.try_reserve(1).map_err(|_| Error::no_memory())?;
    list.push(item);
    Ok(())
}

pub fn extend<T: Copy>(list: &mut Vec<T>, items: &[T]) -> Result<()> {
    list.try_reserve(items.len()).map_err(|_| Error::no_memory())?;
    list.extend_from_slice(items);
    Ok(())
}

/// As many zeros, off the stack, which may be 16 KB in all.
pub fn zeros(len: usize) -> Result<Vec<u8>> {
    let mut list = Vec::new();
    list.try_reserve_exact(len).map_err(|_| Error::no_memory())?;
    list.resize(len, 0);
    Ok(list)
}
