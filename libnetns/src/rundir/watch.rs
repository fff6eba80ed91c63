//! The inotify watches of a monitor: of the contents of a run directory, and of its creation and removal.
//!
//! There are two watches: one of the directory, if it exists, and one of its parent or, if that does not
//! exist either, of the nearest existing ancestor.

use std::ffi::CStr;
use std::os::fd::BorrowedFd;

use nix::errno::Errno;
use nix::sys::stat::{SFlag, stat};
use rustix::fs::inotify::{self, Event, ReadFlags, WatchFlags};
use rustix::io::retry_on_intr;

use crate::error::{At, Failure, Result, Step, errno};
use crate::os::retry::on_signal;

#[derive(Debug, Default)]
pub struct Watches {
    directory: Option<i32>,
    above: Option<Above>,
}

/// An ancestor of the run directory.
#[derive(Clone, Copy, Debug)]
struct Above {
    watch: i32,
    /// The position of the awaited component in the run directory's path.
    component: (usize, usize),
    /// True if at most the run directory itself is missing.
    is_parent: bool,
}

const DIRECTORY_EVENTS: WatchFlags = WatchFlags::CREATE
    .union(WatchFlags::MOVED_TO)
    .union(WatchFlags::DELETE)
    .union(WatchFlags::MOVED_FROM)
    // This library changes the file's attributes after binding a namespace on it.
    .union(WatchFlags::ATTRIB)
    .union(WatchFlags::DELETE_SELF)
    .union(WatchFlags::MOVE_SELF)
    .union(WatchFlags::ONLYDIR);

const EVENTS_ABOVE: WatchFlags = WatchFlags::CREATE
    .union(WatchFlags::MOVED_TO)
    .union(WatchFlags::DELETE_SELF)
    .union(WatchFlags::MOVE_SELF)
    .union(WatchFlags::ONLYDIR);

/// The maximum number of attempts if directories are replaced faster than they can be watched.
const MOST_RENEWALS: u32 = 16;

impl Watches {
    pub fn is_directory(&self, watch: i32) -> bool {
        self.directory == Some(watch)
    }

    /// Returns whether an event reports that the directory, or one of its ancestors, was replaced.
    pub fn concerns_directory(&self, event: &Event, rundir: &CStr) -> bool {
        let itself = ReadFlags::DELETE_SELF | ReadFlags::MOVE_SELF | ReadFlags::UNMOUNT;
        if self.is_directory(event.wd()) {
            return event.events().intersects(itself | ReadFlags::IGNORED);
        }
        let Some(above) = self.above.filter(|above| above.watch == event.wd()) else {
            return false;
        };
        let (start, end) = above.component;
        event.events().intersects(itself | ReadFlags::IGNORED)
            || event.file_name().map(CStr::to_bytes) == Some(&rundir.to_bytes()[start..end])
    }

    /// Watches the directories that exist now, from the run directory upwards.
    pub fn renew(&mut self, inotify: BorrowedFd, rundir: &CStr) -> Result<()> {
        for _ in 0..MOST_RENEWALS {
            // The ancestor comes first, so that a directory created in between is not missed.
            self.watch_above(inotify, rundir)?;
            let before = self.directory.take();
            self.directory = match add(inotify, rundir.to_bytes(), DIRECTORY_EVENTS) {
                Err(Errno::ENOENT | Errno::ENOTDIR) => None,
                watch => Some(watch.at(Step::Monitor)?),
            };
            forget(inotify, before, self.directory);
            if !self.has_appeared(rundir) {
                return Ok(());
            }
        }
        Err(Failure::new(Step::Monitor, Errno::EAGAIN)
            .hint("other processes keep replacing it; try again"))
    }

    /// Returns whether a missing directory on the path to the run directory was created before its parent was
    /// watched.
    fn has_appeared(&self, rundir: &CStr) -> bool {
        self.above.is_some_and(|above| {
            let awaited = &rundir.to_bytes()[..above.component.1];
            !above.is_parent && is_directory(awaited)
        })
    }

    fn watch_above(&mut self, inotify: BorrowedFd, rundir: &CStr) -> Result<()> {
        let path = rundir.to_bytes();
        let before = self.above.take().map(|above| above.watch);
        let mut end = path.len();
        let mut is_parent = true;
        while let Some(component) = last_component(&path[..end]) {
            let parent = match &path[..component.0] {
                b"" => b".",
                parent => parent,
            };
            match add(inotify, parent, EVENTS_ABOVE) {
                Ok(watch) => {
                    self.above = Some(Above { watch, component, is_parent });
                    break;
                }
                Err(Errno::ENOENT | Errno::ENOTDIR) => {}
                Err(errno) => return Err(Failure::new(Step::Monitor, errno)),
            }
            is_parent = false;
            end = component.0;
        }
        forget(inotify, before, self.above.map(|above| above.watch));
        Ok(())
    }
}

/// Returns the start and end of the last component of a path; `None` for "" and "/".
pub fn last_component(path: &[u8]) -> Option<(usize, usize)> {
    let end = path.iter().rposition(|&byte| byte != b'/')? + 1;
    let start = path[..end].iter().rposition(|&byte| byte == b'/').map_or(0, |slash| slash + 1);
    Some((start, end))
}

fn add(inotify: BorrowedFd, path: &[u8], events: WatchFlags) -> nix::Result<i32> {
    retry_on_intr(|| inotify::add_watch(inotify, path, events)).map_err(errno)
}

fn is_directory(path: &[u8]) -> bool {
    on_signal(|| stat(path))
        .is_ok_and(|file| SFlag::from_bits_truncate(file.st_mode) & SFlag::S_IFMT == SFlag::S_IFDIR)
}

/// Removes the previous watch unless it is the current one: the same directory has the same watch.
fn forget(inotify: BorrowedFd, before: Option<i32>, now: Option<i32>) {
    if let Some(before) = before.filter(|_| before != now) {
        // It no longer exists if its directory was removed.
        let _ = inotify::remove_watch(inotify, before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_component_ignores_trailing_slashes() {
        for (path, expected) in [
            ("/run/netns", Some((5, 10))),
            ("/run/netns//", Some((5, 10))),
            ("/run/", Some((1, 4))),
            ("netns", Some((0, 5))),
            ("a/b", Some((2, 3))),
            ("/", None),
            ("", None),
        ] {
            assert_eq!(last_component(path.as_bytes()), expected, "{path}");
        }
    }
}
