//! Names that are symbolic links, as created by `ln -s /proc/PID/ns/net /run/netns/web`.
//!
//! If another user can write to the directory, or owns it or the link, that user could choose the network
//! namespace that a name refers to. In that case no link is followed or removed.

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

/// The result of following a link.
pub enum Link {
    Namespace(Proved),
    /// It does not lead to a network namespace.
    Stale,
    /// The target cannot be determined: the caller may not access it, or a file server does not respond.
    Unreachable(Errno),
    /// The link is not followed, for this reason.
    Refused(&'static str),
    /// The name was removed, or is no longer a link.
    Gone,
}

/// The description of a stale link.
pub const STALE: &str = "a symbolic link that does not lead to a network namespace";

const WRITABLE: &str = "a symbolic link in a directory that other users can write to is not \
                        followed; open its target by path";
const FOREIGN_DIRECTORY: &str =
    "a symbolic link in another user's directory is not followed; open its target by path";
const FOREIGN: &str = "a symbolic link of another user is not followed; open its target by path";

/// Follows the link `name` in the directory `dir`.
///
/// Each step works on the descriptor that the previous one has opened, and never on the name again: the link
/// itself is opened, its owner and text are read from that descriptor, and the target is opened as a path and
/// verified before it is opened for use. A link that is replaced meanwhile is therefore followed as it was
/// before or as it is afterwards, never with the owner of one and the target of the other.
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
    // No path is as long as the buffer, so a text that fills it has been truncated.
    let target = CStr::from_bytes_until_nul(text).map_err(|_| Errno::ENAMETOOLONG)?;
    identity::open_followed(dir, target)
}

/// Checks that the link may be followed, and therefore removed: it and the directory belong to root or the
/// caller, and nobody else can write to the directory. Otherwise fails with ENOTTY.
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
    // An access control list that gives others write permission is visible in the group bits, which contain
    // its mask.
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
