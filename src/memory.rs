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
