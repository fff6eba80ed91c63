//! A program to become, in every place where PATH says that it may be.

use std::ffi::CStr;

use nix::errno::Errno;

use crate::error::{Error, Result, Step};
use crate::strings::Strings;
use crate::sys::{self, Argument, ArgumentArray};

/// What execvp(3) takes where PATH is not set.
const DEFAULT_PATH: &[u8] = b"/bin:/usr/bin";

const SHELL: &CStr = c"/bin/sh";

/// What execve(2) is given besides the file.
#[derive(Clone, Copy)]
pub struct Arguments<'a> {
    /// One at least, and a NULL behind the last one.
    pub argv: &'a [Argument],
    pub envp: ArgumentArray,
}

pub struct Program<'a> {
    arguments: Arguments<'a>,
    candidates: Strings,
    /// For a script without an interpreter's line: the shell, the script, the rest of argv.
    for_shell: Vec<Argument>,
}

impl<'a> Program<'a> {
    /// `path` is the caller's PATH; a file with a slash in it is not looked up.
    pub fn new(file: &CStr, path: Option<&CStr>, arguments: Arguments<'a>) -> Result<Program<'a>> {
        let name = file.to_bytes();
        let mut candidates = Strings::default();
        if name.contains(&b'/') {
            candidates.push(&[name])?;
        } else {
            check(name)?;
            let path = path.map_or(DEFAULT_PATH, CStr::to_bytes);
            for dir in path.split(|&byte| byte == b':') {
                // An empty directory is the working directory.
                let separator: &[u8] = if dir.is_empty() { b"" } else { b"/" };
                candidates.push(&[dir, separator, name])?;
            }
        }
        let mut for_shell = Vec::new();
        for_shell.try_reserve_exact(arguments.argv.len() + 1).map_err(|_| Error::no_memory())?;
        for_shell.extend([Argument::new(SHELL), Argument::NULL]);
        for_shell.extend_from_slice(arguments.argv.get(1..).unwrap_or_default());
        Ok(Program { arguments, candidates, for_shell })
    }

    /// Returns only if it fails, with what execvp(3) would say. Allocates nothing.
    pub fn exec(&mut self) -> Errno {
        let mut result = Errno::ENOENT;
        for candidate in self.candidates.iter() {
            let mut errno = sys::execve(candidate, self.arguments.argv, self.arguments.envp);
            if errno == Errno::ENOEXEC {
                if let Some(script) = self.for_shell.get_mut(1) {
                    *script = Argument::new(candidate);
                }
                errno = sys::execve(SHELL, &self.for_shell, self.arguments.envp);
            }
            match errno {
                // There may be another one further on; if not, this is what there is to say.
                Errno::EACCES => result = Errno::EACCES,
                Errno::ENOENT
                | Errno::ENOTDIR
                | Errno::ESTALE
                | Errno::ENODEV
                | Errno::ETIMEDOUT => {
                    if result != Errno::EACCES {
                        result = errno;
                    }
                }
                errno => return errno,
            }
        }
        result
    }
}

fn check(name: &[u8]) -> Result<()> {
    if name.is_empty() {
        return Err(Error::new(Step::Exec, Errno::ENOENT).hint("the program's name is empty"));
    }
    if name.len() > libc::NAME_MAX as usize {
        return Err(Error::new(Step::Exec, Errno::ENAMETOOLONG));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: ArgumentArray = ArgumentArray(std::ptr::null());

    fn candidates(file: &CStr, path: Option<&CStr>) -> Result<Vec<String>> {
        let argv = [Argument::new(file), Argument::NULL];
        let arguments = Arguments { argv: &argv, envp: NOTHING };
        let program = Program::new(file, path, arguments)?;
        Ok(program.candidates.iter().map(|path| path.to_str().unwrap().to_owned()).collect())
    }

    #[test]
    fn path_gives_the_candidates() {
        let found = |path| candidates(c"ip", path).unwrap();
        assert_eq!(found(Some(c"/a:/b/")), ["/a/ip", "/b//ip"]);
        assert_eq!(found(Some(c"")), ["ip"]);
        assert_eq!(found(Some(c":/a::rel:")), ["ip", "/a/ip", "ip", "rel/ip", "ip"]);
        assert_eq!(found(None), ["/bin/ip", "/usr/bin/ip"]);
    }

    #[test]
    fn a_file_with_a_slash_is_not_looked_up() {
        assert_eq!(candidates(c"./ip", Some(c"/a:/b")), Ok(vec!["./ip".to_owned()]));
        assert_eq!(candidates(c"/ip", None), Ok(vec!["/ip".to_owned()]));
    }

    #[test]
    fn a_name_that_no_file_has_is_refused() {
        assert_eq!(candidates(c"", Some(c"/a")).unwrap_err().errno, Errno::ENOENT);
        let long = std::ffi::CString::new([b'x'; 256]).unwrap();
        assert_eq!(candidates(&long, Some(c"/a")).unwrap_err().errno, Errno::ENAMETOOLONG);
    }

    #[test]
    fn the_shell_gets_the_script_in_place_of_argv_0() {
        let strings = [Argument::new(c"x"), Argument::new(c"1"), Argument::NULL];
        let arguments = Arguments { argv: &strings, envp: NOTHING };
        let program = Program::new(c"x", Some(c"/a"), arguments).unwrap();
        assert_eq!(program.for_shell.len(), 4);
        assert_eq!(program.for_shell[2], strings[1]);
        assert_eq!(program.for_shell[3], Argument::NULL);
    }
}
