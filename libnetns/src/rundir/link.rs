//! Names that are symbolic links, as `ln -s /proc/PID/ns/net /run/netns/web` makes them.
//!
//! Where another user may write to the directory, or owns it or the link, that user would choose the
//! network namespace that a name leads to. There no link is followed, and none is removed.

use std::ffi::CStr;
use std::os::fd::{BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::stat::FileStat;
use nix::unistd::geteuid;

use crate::error::{At, Failure, Result, Step};
use crate::namespace::identity::{self, Proved};
use crate::os::open::{LOOK_AT_ITSELF, openat};
use crate::os::procfs::read_link_of;
use crate::os::retry::is_shortage;
use crate::os::stat::fstat;
use crate::util::try_vec;

/// What following a link has come to.
pub enum Link {
    Namespace(Proved),
    /// It leads to no network namespace.
    Stale,
    /// Where it leads cannot be told: the caller may not go there, or a server does not answer.
    Unreachable(Errno),
    /// It is not followed, and why.
    Refused(&'static str),
    /// The name is gone, or no link any more.
    Gone,
}

/// What a stale link is called.
pub const STALE: &str = "a symbolic link that leads to no network namespace";

const WRITABLE: &str = "a symbolic link, which is not followed in a directory that other users may write to; open its \
     target by path";
const FOREIGN_DIRECTORY: &str =
    "a symbolic link, which is not followed in another user's directory; open its target by path";
const FOREIGN: &str =
    "a symbolic link of another user, which is not followed; open its target by path";

/// Follows the link that `name` in the directory `dir` is.
///
/// Each step works on the descriptor that the step before has opened, never on the name again: the link
/// is opened itself, its owner and its text are read from that descriptor, and what the text leads to is
/// opened as a path and proved before it is opened to be used. So a link that is swapped meanwhile counts
/// as it was or as it is, and never for the owner of the one and the target of the other.
pub fn follow(dir: BorrowedFd, name: &CStr) -> Result<Link> {
    let link = match openat(dir, name, LOOK_AT_ITSELF) {
        Err(Errno::ENOENT) => return Ok(Link::Gone),
        link => link.at(Step::Look)?,
    };
    let status = fstat(&link).at(Step::Look)?;
    if status.st_mode & libc::S_IFMT != libc::S_IFLNK {
        return Ok(Link::Gone);
    }
    if let Some(why) = why_refused(&fstat(dir).at(Step::Look)?, &status) {
        return Ok(Link::Refused(why));
    }
    let mut text = try_vec::zeros(libc::PATH_MAX as usize)?;
    match open_target(dir, &link, &mut text) {
        Ok(Some(proved)) => Ok(Link::Namespace(proved)),
        Ok(None) => Ok(Link::Stale),
        Err(errno) if leads_nowhere(errno) => Ok(Link::Stale),
        Err(errno) if is_shortage(errno) => Err(Failure::new(Step::FollowLink, errno)),
        Err(errno) => Ok(Link::Unreachable(errno)),
    }
}

fn open_target(dir: BorrowedFd, link: &OwnedFd, text: &mut [u8]) -> nix::Result<Option<Proved>> {
    read_link_of(link, text)?;
    // No path is as long as the buffer, so what fills it has been cut.
    let target = CStr::from_bytes_until_nul(text).map_err(|_| Errno::ENAMETOOLONG)?;
    identity::open_followed(dir, target)
}

/// Whether the link may be followed, and so removed: it and the directory belong to root or the caller,
/// and nobody else may write there. ENOTTY: it may not.
pub fn check(dir: BorrowedFd, name: &CStr) -> Result<()> {
    let link = match openat(dir, name, LOOK_AT_ITSELF) {
        Err(Errno::ENOENT) => return Ok(()),
        link => link.at(Step::Look)?,
    };
    let (dir, link) = (fstat(dir).at(Step::Look)?, fstat(&link).at(Step::Look)?);
    why_refused(&dir, &link).map_or(Ok(()), |why| Err(Failure::not_a_namespace(why)))
}

fn why_refused(dir: &FileStat, link: &FileStat) -> Option<&'static str> {
    let caller = geteuid().as_raw();
    let is_foreign = |file: &FileStat| file.st_uid != 0 && file.st_uid != caller;
    if is_foreign(dir) {
        return Some(FOREIGN_DIRECTORY);
    }
    // An access control list that lets others write shows in the group's bits, as its mask.
    if dir.st_mode & (libc::S_IWGRP | libc::S_IWOTH) != 0 {
        return Some(WRITABLE);
    }
    is_foreign(link).then_some(FOREIGN)
}

fn leads_nowhere(errno: Errno) -> bool {
    use Errno::{ELOOP, ENAMETOOLONG, ENODEV, ENOENT, ENOTDIR, ENXIO, ESRCH, ESTALE};
    matches!(errno, ELOOP | ENAMETOOLONG | ENODEV | ENOENT | ENOTDIR | ENXIO | ESRCH | ESTALE)
}

#[cfg(test)]
mod tests;
