//! What the helpers in iproute2's lib/namespace.c do, done as they do it where a program could tell
//! the difference: what they open, what they leave out, what they say on stderr. Nothing else in the
//! library prints.

use std::ffi::CStr;
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;

use crate::directory::for_each_entry;
use crate::error::{At, Error, Result, Step};
use crate::procfs::ProcPath;
use crate::rundir::{DEFAULT_RUN_DIR, RunDir, join_text};
use crate::sys;

/// iproute2 opens namespaces so, but for O_CLOEXEC.
const OPEN_FLAGS: OFlag = OFlag::O_RDONLY.union(OFlag::O_CLOEXEC);

/// How iproute2 spells the run directory when it speaks of it.
const SPOKEN_RUN_DIR: &[u8] = b"/var/run/netns";

/// Opens what `text` names: with a '/' a path, without one a name; and where that cannot be opened,
/// the namespace of the process with that number. It may turn out to be anything. Symlinks are
/// followed, because many a name is one that leads to /proc/PID/ns/net.
pub fn get_fd(text: &CStr) -> Result<OwnedFd> {
    let named = if is_path(text) {
        open(text, OPEN_FLAGS, Mode::empty()).at(Step::OpenPath)
    } else {
        open_below_run_dir(text)
    };
    named.or_else(|error| match path_of_process(text) {
        Some(path) => open(path.as_cstr(), OPEN_FLAGS, Mode::empty()).at(Step::FindNamespace),
        None => Err(error),
    })
}

pub fn is_path(text: &CStr) -> bool {
    text.to_bytes().contains(&b'/')
}

fn open_below_run_dir(text: &CStr) -> Result<OwnedFd> {
    let path = join_text(DEFAULT_RUN_DIR, text)?;
    open(&*path, OPEN_FLAGS, Mode::empty()).at(Step::Open)
}

/// /proc knows a process by its plain number only: no sign, no blank, no 0 in front.
fn path_of_process(text: &CStr) -> Option<ProcPath> {
    let text = text.to_str().ok()?;
    let pid: u32 = text.parse().ok()?;
    let path = ProcPath::format(format_args!("/proc/{pid}/ns/net"));
    (text.starts_with(|c: char| matches!(c, '1'..='9')) && pid <= i32::MAX as u32).then_some(path)
}

/// What is in the run directory, namespace or not, in the directory's own order, each with its NUL.
/// A run directory that does not exist has nothing in it; any other that cannot be opened is
/// complained of.
pub fn entries() -> Result<Vec<u8>> {
    read_entries().inspect_err(|error| {
        complain([b"Failed to open directory ", SPOKEN_RUN_DIR], error.errno);
    })
}

fn read_entries() -> Result<Vec<u8>> {
    let mut names = Vec::new();
    let dir = match RunDir::open(DEFAULT_RUN_DIR) {
        Err(error) if error.errno == Errno::ENOENT => return Ok(names),
        dir => dir?,
    };
    let read = for_each_entry(dir.as_fd(), Step::ReadRunDir, |name, _| {
        let name = name.to_bytes_with_nul();
        if name != b".\0" && name != b"..\0" {
            names.try_reserve(name.len()).map_err(|_| Error::no_memory())?;
            names.extend_from_slice(name);
        }
        Ok(())
    });
    match read {
        // As far as it can be read, as a loop around readdir(3) has it.
        Err(Error { step: Step::ReadRunDir, .. }) => Ok(names),
        read => read.map(|()| names),
    }
}

/// `words: reason` on stderr, in one write so that no other thread's line gets into it.
fn complain<const N: usize>(words: [&[u8]; N], reason: Errno) {
    const { assert!(N <= 5, "there are eight pieces to a line") };
    let mut buffer = [0; 128];
    let reason = sys::error_text(reason, &mut buffer);
    let mut pieces = [IoSlice::new(b""); 8];
    let line = words.into_iter().chain([b": ", reason, b"\n"]);
    for (piece, word) in pieces.iter_mut().zip(line) {
        *piece = IoSlice::new(word);
    }
    while rustix::io::writev(io::stderr().as_fd(), &pieces) == Err(rustix::io::Errno::INTR) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_one_spelling() {
        let path = |text| path_of_process(text).map(|path| path.as_cstr().to_owned());
        assert_eq!(path(c"1"), Some(c"/proc/1/ns/net".to_owned()));
        assert_eq!(path(c"2147483647"), Some(c"/proc/2147483647/ns/net".to_owned()));
        for text in [c"", c"0", c"01", c"+1", c"-1", c" 1", c"1 ", c"0x1", c"1a", c"2147483648"] {
            assert_eq!(path(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_name_is_looked_for_before_a_process() {
        let missing = get_fd(c"no such name").unwrap_err();
        assert_eq!((missing.step, missing.errno), (Step::Open, Errno::ENOENT));
        let gone = get_fd(c"2147483647").unwrap_err();
        assert_eq!((gone.step, gone.errno), (Step::FindNamespace, Errno::ENOENT));
        assert!(get_fd(c"/proc/self/ns/net").is_ok());
    }
}
