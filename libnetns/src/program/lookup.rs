//! Looking up a program in PATH, as execvp(3) does.

use std::ffi::CStr;

use nix::errno::Errno;

use crate::error::{Failure, Result, Step};
use crate::os::syscalls::{self, Argument, ArgumentArray};
use crate::util::strings::Strings;

/// The default of execvp(3) if PATH is not set.
const DEFAULT_PATH: &[u8] = b"/bin:/usr/bin";

/// Root's own directories, used instead of a PATH set by a user with fewer privileges. The kernel also sets
/// AT_SECURE for services (with file capabilities or SELinux transitions), and the programs that they start
/// are often in sbin.
const SECURE_PATH: &CStr = c"/bin:/usr/bin:/sbin:/usr/sbin";

/// Returns the PATH to use if it is not the caller's.
pub fn secure_path() -> Option<&'static CStr> {
    // SAFETY: this reads values that the kernel passed to the process, and none of our memory.
    let is_secure = unsafe { libc::getauxval(libc::AT_SECURE) } != 0;
    is_secure.then_some(SECURE_PATH)
}

const SHELL: &CStr = c"/bin/sh";

/// The arguments of execve(2) other than the file.
#[derive(Clone, Copy)]
pub struct Arguments<'a> {
    argv: &'a [Argument],
    envp: ArgumentArray,
}

impl<'a> Arguments<'a> {
    /// `argv` must contain at least one string, and a NULL after the last one.
    ///
    /// # Safety
    ///
    /// The strings of both arrays must remain valid and unchanged while the result is used.
    pub unsafe fn new(argv: &'a [Argument], envp: ArgumentArray) -> Result<Arguments<'a>> {
        match argv {
            [_, .., Argument::NULL] => Ok(Arguments { argv, envp }),
            _ => Err(Failure::invalid(
                "no program arguments given; the first must be the program's name",
            )),
        }
    }
}

pub struct Program {
    candidates: Strings,
    /// Space for starting a script without an interpreter line: the shell, the script, and the rest of argv.
    for_shell: Vec<Argument>,
}

impl Program {
    /// `path` is the caller's PATH; a file that contains a slash is not looked up.
    pub fn new(file: &CStr, path: Option<&CStr>, arguments: Arguments) -> Result<Program> {
        let name = file.to_bytes();
        let mut candidates = Strings::default();
        if name.contains(&b'/') {
            candidates.push(&[name])?;
        } else {
            check(name)?;
            let path = path.map_or(DEFAULT_PATH, CStr::to_bytes);
            for dir in path.split(|&byte| byte == b':') {
                // An empty directory means the working directory.
                let separator: &[u8] = if dir.is_empty() { b"" } else { b"/" };
                candidates.push(&[dir, separator, name])?;
            }
        }
        let mut for_shell = Vec::new();
        for_shell.try_reserve_exact(arguments.argv.len() + 1).map_err(|_| Failure::no_memory())?;
        Ok(Program { candidates, for_shell })
    }

    /// Returns only if it fails, with the errno of execvp(3). Does not allocate unless there are more
    /// `arguments` than it was created for.
    pub fn exec(&mut self, arguments: Arguments) -> Errno {
        let mut result = Errno::ENOENT;
        let Arguments { argv, envp } = arguments;
        for candidate in self.candidates.iter() {
            // SAFETY: the caller of Arguments::new() guarantees that the arrays are valid.
            let mut errno = unsafe { syscalls::execve(candidate, argv, envp) };
            if errno == Errno::ENOEXEC {
                self.for_shell.clear();
                self.for_shell.extend([Argument::new(SHELL), Argument::new(candidate)]);
                self.for_shell.extend_from_slice(&argv[1..]);
                // SAFETY: see above, and `for_shell` ends like `argv`.
                errno = unsafe { syscalls::execve(SHELL, &self.for_shell, envp) };
            }
            match errno {
                // Another candidate may follow; if not, this is the error to report.
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
        return Err(Failure::new(Step::Exec, Errno::ENOENT).hint("the program's name is empty"));
    }
    if name.len() > libc::NAME_MAX as usize {
        return Err(Failure::new(Step::Exec, Errno::ENAMETOOLONG));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(file: &CStr, path: Option<&CStr>, argv: &[Argument]) -> Result<Program> {
        // SAFETY: nothing is executed.
        let arguments = unsafe { Arguments::new(argv, ArgumentArray::new(std::ptr::null())) };
        Program::new(file, path, arguments?)
    }

    fn candidates(file: &CStr, path: Option<&CStr>) -> Result<Vec<String>> {
        let program = program(file, path, &[Argument::new(file), Argument::NULL])?;
        Ok(program.candidates.iter().map(|path| path.to_str().unwrap().to_owned()).collect())
    }

    #[test]
    fn candidates_come_from_path_variable() {
        let found = |path| candidates(c"ip", path).unwrap();
        assert_eq!(found(Some(c"/a:/b/")), ["/a/ip", "/b//ip"]);
        assert_eq!(found(Some(c"")), ["ip"]);
        assert_eq!(found(Some(c":/a::rel:")), ["ip", "/a/ip", "ip", "rel/ip", "ip"]);
        assert_eq!(found(None), ["/bin/ip", "/usr/bin/ip"]);
    }

    #[test]
    fn file_with_slash_is_not_searched_in_path() {
        assert_eq!(candidates(c"./ip", Some(c"/a:/b")), Ok(vec!["./ip".to_owned()]));
        assert_eq!(candidates(c"/ip", None), Ok(vec!["/ip".to_owned()]));
    }

    #[test]
    fn program_rejects_empty_and_overlong_file_names() {
        assert_eq!(candidates(c"", Some(c"/a")).unwrap_err().errno, Errno::ENOENT);
        let long = std::ffi::CString::new([b'x'; 256]).unwrap();
        assert_eq!(candidates(&long, Some(c"/a")).unwrap_err().errno, Errno::ENAMETOOLONG);
    }

    #[test]
    fn program_reserves_arguments_for_shell_fallback() {
        let strings = [Argument::new(c"x"), Argument::new(c"1"), Argument::NULL];
        let program = program(c"x", Some(c"/a"), &strings).unwrap();
        assert!(program.for_shell.capacity() > strings.len());
    }

    #[test]
    fn arguments_reject_empty_or_unterminated_argv() {
        let one = Argument::new(c"x");
        for (argv, is_good) in [
            (&[][..], false),
            (&[Argument::NULL], false),
            (&[one], false),
            (&[one, one], false),
            (&[one, Argument::NULL], true),
        ] {
            // SAFETY: nothing is executed.
            let arguments = unsafe { Arguments::new(argv, ArgumentArray::new(std::ptr::null())) };
            assert_eq!(arguments.is_ok(), is_good);
        }
    }
}
