//! Conversions between the strings of std and those of the kernel.

use std::ffi::{CStr, CString, OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use crate::error::{Failure, Result, Step};

/// A string for C. If the original contains a NUL, only the part before it is kept, for messages.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CText {
    text: CString,
    is_whole: bool,
}

impl CText {
    pub fn new(text: impl AsRef<OsStr>) -> CText {
        let bytes = text.as_ref().as_bytes();
        let before_nul = bytes.split(|&byte| byte == 0).next().unwrap_or_default();
        CText {
            is_whole: before_nul.len() == bytes.len(),
            text: CString::new(before_nul).unwrap_or_default(),
        }
    }

    /// Returns the string for a message.
    pub fn shown(&self) -> &CStr {
        &self.text
    }

    /// Returns the string for a system call; `step` names the argument.
    pub fn whole(&self, step: Step) -> Result<&CStr> {
        if self.is_whole {
            Ok(&self.text)
        } else {
            Err(Failure::invalid_at(step, "it contains a NUL byte"))
        }
    }
}

pub fn os_str(text: &CStr) -> &OsStr {
    OsStr::from_bytes(text.to_bytes())
}

pub fn os_string(text: &CStr) -> OsString {
    OsString::from_vec(text.to_bytes().to_vec())
}
