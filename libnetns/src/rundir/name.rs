//! A valid name in a run directory, and its path.

use std::ffi::{CStr, CString};

use nix::errno::Errno;

use crate::error::{Failure, Result, Step};

/// The default run directory, which is also accessible as /var/run/netns.
pub const DEFAULT_RUN_DIR: &CStr = c"/run/netns";

/// A string that is valid as a name: not empty, `.` or `..`, without `/`, and at most 255 bytes long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name<'a>(&'a CStr);

impl<'a> Name<'a> {
    pub fn new(text: &'a CStr) -> Result<Name<'a>> {
        let bytes = text.to_bytes();
        if bytes.is_empty() || bytes == b"." || bytes == b".." || bytes.contains(&b'/') {
            return Err(Failure::invalid_at(
                Step::Name,
                "a name must not be empty, \".\" or \"..\", or contain '/'",
            ));
        }
        if bytes.len() > libc::NAME_MAX as usize {
            return Err(Failure::new(Step::Name, Errno::ENAMETOOLONG)
                .hint("a name can have at most 255 bytes"));
        }
        Ok(Name(text))
    }

    pub fn as_cstr(&self) -> &'a CStr {
        self.0
    }
}

/// The prefixes of paths in this directory. The second contains a symbolic link on most systems.
const DEFAULT_PREFIXES: [&[u8]; 2] = [b"/run/netns/", b"/var/run/netns/"];

/// Returns the name if the path is that of an entry of [`DEFAULT_RUN_DIR`] in its canonical form.
pub fn default_name(path: &CStr) -> Option<Name<'_>> {
    let path = path.to_bytes_with_nul();
    let name = DEFAULT_PREFIXES.iter().find_map(|prefix| path.strip_prefix(*prefix))?;
    Name::new(CStr::from_bytes_with_nul(name).ok()?).ok()
}

/// Returns `rundir/name`, in one allocation that cannot abort the process.
pub fn join(rundir: &CStr, name: Name) -> Result<CString> {
    join_text(rundir, name.as_cstr())
}

/// The same for a string that may not be a valid name.
pub fn join_text(rundir: &CStr, text: &CStr) -> Result<CString> {
    let (dir, name) = (rundir.to_bytes(), text.to_bytes());
    let mut path = Vec::new();
    path.try_reserve_exact(dir.len() + name.len() + 2).map_err(|_| Failure::no_memory())?;
    path.extend_from_slice(dir);
    if !dir.ends_with(b"/") {
        path.push(b'/');
    }
    path.extend_from_slice(name);
    CString::new(path).map_err(|_| Failure::invalid("a path has no NUL in it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_accepts_valid_names() {
        let longest = CString::new([b'n'; 255]).unwrap();
        let names = [
            c"a",
            c"...",
            c".a",
            c"a.",
            c" ",
            c"-",
            c"a\nb",
            c"\x80\xff",
            c"%s",
            c"a\\b",
            &longest,
        ];
        for name in names {
            assert_eq!(Name::new(name).unwrap().as_cstr(), name);
        }
    }

    #[test]
    fn new_rejects_invalid_names() {
        for name in [c"", c".", c"..", c"/", c"a/b", c"/a", c"a/", c"../a"] {
            assert_eq!(Name::new(name).unwrap_err().errno, Errno::EINVAL, "{name:?}");
        }
        for length in [256, 4096] {
            let name = CString::new(vec![b'n'; length]).unwrap();
            assert_eq!(Name::new(&name).unwrap_err().errno, Errno::ENAMETOOLONG, "{length}");
        }
    }
}
