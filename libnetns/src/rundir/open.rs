//! Opening namespaces by name or by path.

use std::ffi::CStr;
use std::os::fd::{AsFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag};

use crate::error::{Failure, Result, Step};
use crate::namespace::handle::Namespace;
use crate::namespace::identity;
use crate::os::retry::is_shortage;
use crate::rundir::dir::{RunDir, or_none};
use crate::rundir::entry::{self, Entry};
use crate::rundir::link::{self, Link};
use crate::rundir::name::{Name, default_name, join};
use crate::util::try_vec;

/// The maximum number of attempts for a name that changes from a link into something else meanwhile.
const MOST_ATTEMPTS: u32 = 8;

/// Opens the namespace with this name, which may be a symbolic link.
pub fn open_named(rundir: &CStr, name: Name) -> Result<Namespace> {
    let path = join(rundir, name)?;
    for _ in 0..MOST_ATTEMPTS {
        let found = match identity::open_path_by_handle(&path) {
            Some(proved) => Some(Namespace::from(proved)),
            None => open_otherwise(rundir, name, &path)?,
        };
        if let Some(ns) = found {
            return Ok(ns.with_name(path, name.as_cstr()));
        }
    }
    Err(Failure::new(Step::Open, Errno::ENOENT))
}

/// Opens a name that its file handle does not identify as a namespace. Returns `None` if it was a link and no
/// longer is.
fn open_otherwise(rundir: &CStr, name: Name, path: &CStr) -> Result<Option<Namespace>> {
    let failure = match identity::open_if_on_nsfs(AT_FDCWD, path, OFlag::O_NOFOLLOW) {
        Ok(fd) => match from_nsfs(fd) {
            Ok(ns) => return Ok(Some(ns)),
            Err(failure) => failure,
        },
        // It may exist and be something else by now: a symlink returns ELOOP and a socket ENXIO.
        Err(errno @ (Errno::EACCES | Errno::ELOOP | Errno::ENXIO)) => {
            Failure::new(Step::Open, errno)
        }
        Err(errno) => return Err(Failure::new(Step::Open, errno)),
    };
    match entry::look(AT_FDCWD.as_fd(), path) {
        Ok(Entry::Link) => follow(rundir, name),
        // It was not one when it was opened: it alternates with a link.
        Ok(Entry::Namespace(_)) if failure.errno == Errno::ENOTTY => Ok(None),
        Err(shortage) if is_shortage(shortage.errno) => Err(shortage),
        found => Err(describe(found, failure)),
    }
}

/// Opens the namespace if the name is a symbolic link. Returns `None` if it was removed or is no longer a
/// link.
pub fn open_link(rundir: &CStr, name: Name) -> Result<Option<Namespace>> {
    let path = join(rundir, name)?;
    Ok(follow(rundir, name)?.map(|ns| ns.with_name(path, name.as_cstr())))
}

fn follow(rundir: &CStr, name: Name) -> Result<Option<Namespace>> {
    let Some(dir) = or_none(RunDir::open(rundir))? else { return Ok(None) };
    match link::follow(dir.as_fd(), name.as_cstr())? {
        Link::Namespace(proved) => Ok(Some(Namespace::from(proved))),
        Link::Stale => Err(Failure::not_a_namespace(link::STALE)),
        Link::Unreachable(errno) => Err(Failure::new(Step::FollowLink, errno)),
        Link::Refused(why) => Err(Failure::not_a_namespace(why)),
        Link::Gone => Ok(None),
    }
}

/// Opens the namespace at a path. Symbolic links, such as /proc/PID/ns/net, are followed.
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

/// `None` means that the file is on another file system.
fn from_nsfs(fd: Option<OwnedFd>) -> Result<Namespace> {
    match fd {
        Some(fd) => Namespace::from_fd(fd),
        None => Err(Failure::not_a_namespace("not a namespace file")),
    }
}

/// Adds to a `failure` to open a name what the file is instead, if it was identified.
fn describe(found: Result<Entry>, failure: Failure) -> Failure {
    match found {
        Ok(Entry::Stranger(what)) => Failure::not_a_namespace(what),
        Ok(Entry::Placeholder(_)) => Failure::not_a_namespace(
            "an empty file: the name is being created, was left by a killed process, or is \
             mounted in another mount namespace; creating the name again takes it over",
        ),
        _ => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, write};

    #[test]
    fn describe_explains_failed_open_by_file_type() {
        let Some(_) = testing::world() else { return };
        write("file", "kept", 0o644);
        write("made", "", 0);
        let failed = Failure::new(Step::Open, Errno::EIO);
        let describe = |path| describe(entry::look(AT_FDCWD.as_fd(), path), failed);
        let file = describe(c"/run/netns/file");
        assert_eq!((file.errno, file.hint), (Errno::ENOTTY, Some("a regular file")));
        let made = describe(c"/run/netns/made");
        assert_eq!(made.errno, Errno::ENOTTY);
        assert!(
            made.hint.unwrap().contains("the name is being created, was left by a killed process")
        );
        assert_eq!(describe(c"/run/netns/none"), failed);
    }
}
