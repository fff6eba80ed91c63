//! Reading directories with getdents64(2) into a buffer.

use std::ffi::CStr;
use std::os::fd::BorrowedFd;

use rustix::fs::{FileType, RawDir};

use crate::error::{At, Failure, Result, Step};

/// About 1,000 entries per call.
const BUFFER: usize = 32 * 1024;

/// Calls `visit` for each entry of `dir`, in the order of the directory; `step` is used for a failed read.
pub fn for_each_entry(
    dir: BorrowedFd,
    step: Step,
    mut visit: impl FnMut(&CStr, FileType) -> Result<()>,
) -> Result<()> {
    let mut buffer = Vec::<u8>::new();
    buffer.try_reserve_exact(BUFFER).map_err(|_| Failure::no_memory())?;
    let mut entries = RawDir::new(dir, buffer.spare_capacity_mut());
    while let Some(entry) = entries.next() {
        match entry {
            Err(rustix::io::Errno::INTR) => {}
            entry => {
                let entry = entry.at(step)?;
                visit(entry.file_name(), entry.file_type())?;
            }
        }
    }
    Ok(())
}
