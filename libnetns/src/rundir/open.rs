//! Opens namespaces by name or by path.

use std::ffi::CStr;
use std::os::fd::{AsFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag};

use crate::error::{Failure, Result, Step};
use crate::namespace::handle::Namespace;
use crate::namespace::identity;
use crate::rundir::entry::{self, Entry};
use crate::rundir::name::{Name, default_name, join};
use crate::util::try_vec;

/// The namespace that has the name. A symbolic link is not followed.
pub fn open_named(rundir: &CStr, name: Name) -> Result<Namespace> {
    let path = join(rundir, name)?;
    if let Some(proved) = identity::open_path_by_handle(&path) {
        return Ok(Namespace::from(proved).with_name(path, name.as_cstr()));
    }
    let found = identity::open_if_on_nsfs(AT_FDCWD, &path, OFlag::O_NOFOLLOW);
    let fd = found.map_err(|errno| why_not(&path, errno))?;
    let ns = from_nsfs(fd).map_err(|failure| describe(&path, failure))?;
    Ok(ns.with_name(path, name.as_cstr()))
}

/// The namespace at a path. Symbolic links are followed: /proc/PID/ns/net is one.
pub fn open_path(path: &CStr) -> Result<Namespace> {
    let kept = try_vec::copy_c_str(path)?;
    let found = identity::open_if_on_nsfs(AT_FDCWD, path, OFlag::empty());
    let fd = found.map_err(|errno| why_not_path(path, errno))?;
    let ns = from_nsfs(fd)?;
    Ok(match default_name(path) {
        Some(name) => ns.with_name(kept, name.as_cstr()),
        None => ns.with_path(kept),
    })
}

fn why_not_path(path: &CStr, errno: Errno) -> Failure {
    let failed = Failure::new(Step::OpenPath, errno);
    match errno {
        Errno::ENOENT if path.to_bytes().starts_with(b"/proc/") => {
            failed.hint("the process has ended, or /proc is not mounted")
        }
        _ => failed,
    }
}

/// None: what was found lies elsewhere.
fn from_nsfs(fd: Option<OwnedFd>) -> Result<Namespace> {
    match fd {
        Some(fd) => Namespace::from_fd(fd),
        None => Err(Failure::not_a_namespace("not a namespace file")),
    }
}

/// A name that cannot be opened may be there and be something else by now: a symlink is ELOOP and a
/// socket ENXIO.
fn why_not(path: &CStr, errno: Errno) -> Failure {
    let failed = Failure::new(Step::Open, errno);
    match errno {
        Errno::EACCES | Errno::ELOOP | Errno::ENXIO => describe(path, failed),
        _ => failed,
    }
}

/// `failure` from opening `path`, with what is there instead where something else is there.
fn describe(path: &CStr, failure: Failure) -> Failure {
    let cwd = AT_FDCWD.as_fd();
    match entry::look(cwd, path) {
        Ok(Entry::Stranger(what)) => Failure::not_a_namespace(what),
        Ok(Entry::Placeholder(_)) => Failure::not_a_namespace(
            "an empty file: a name that is being created, that a killed process left, or that another \
             mount namespace has; creating it anew takes it over",
        ),
        _ => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, write};

    #[test]
    fn a_failed_open_is_described_by_what_is_there() {
        let Some(_) = testing::world() else { return };
        write("file", "kept", 0o644);
        write("made", "", 0);
        let failed = Failure::new(Step::Open, Errno::EIO);
        let file = describe(c"/run/netns/file", failed);
        assert_eq!((file.errno, file.hint), (Errno::ENOTTY, Some("a regular file")));
        let made = describe(c"/run/netns/made", failed);
        assert_eq!(made.errno, Errno::ENOTTY);
        assert!(
            made.hint.unwrap().contains("a name that is being created, that a killed process left")
        );
        assert_eq!(describe(c"/run/netns/none", failed), failed);
    }
}
