//! Strings in the form that execve(2) takes.

use std::ffi::{CString, OsString};
use std::os::unix::ffi::OsStringExt;
use std::ptr;

use crate::error::{Failure, Result};
use crate::os::syscalls::{Argument, ArgumentArray};
use crate::program::lookup::Arguments;

/// Strings, and a NULL-terminated array of pointers to them.
pub struct Strings {
    /// Keeps the pointed-to strings alive.
    _strings: Vec<CString>,
    pointers: Vec<Argument>,
}

impl Strings {
    pub fn new(strings: impl Iterator<Item = OsString>) -> Result<Strings> {
        let strings: Vec<CString> = strings
            .map(|string| CString::new(string.into_vec()))
            .collect::<std::result::Result<_, _>>()
            .map_err(|_| {
                Failure::invalid("an argument or environment variable contains a NUL byte")
            })?;
        let pointers = strings.iter().map(|string| Argument::new(string));
        let pointers = pointers.chain([Argument::NULL]).collect();
        Ok(Strings { _strings: strings, pointers })
    }

    /// Returns arguments with these strings as argv and `envp` as the environment.
    pub fn arguments<'a>(&'a self, envp: &'a Strings) -> Result<Arguments<'a>> {
        let envp = ptr::from_ref(&envp.pointers[..]).cast();
        // SAFETY: both arrays end with a NULL, and they and their strings are borrowed for as long as the
        // result.
        unsafe { Arguments::new(&self.pointers, ArgumentArray::new(envp)) }
    }
}
