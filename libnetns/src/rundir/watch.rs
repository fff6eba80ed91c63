//! The inotify watches of a monitor: of a run directory, and of its own creation and removal.
//!
//! There are two: one of the directory, if it exists, and one of its parent or, where that does not
//! exist either, of the nearest one above that does.

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

/// A directory above the run directory.
#[derive(Clone, Copy, Debug)]
struct Above {
    watch: i32,
    /// Where in the run directory's path the awaited component lies.
    component: (usize, usize),
    /// Nothing is missing but, perhaps, the run directory itself.
    is_parent: bool,
}

const DIRECTORY_EVENTS: WatchFlags = WatchFlags::CREATE
    .union(WatchFlags::MOVED_TO)
    .union(WatchFlags::DELETE)
    .union(WatchFlags::MOVED_FROM)
    // What a creator of this library does to the file when a namespace is bound on it.
    .union(WatchFlags::ATTRIB)
    .union(WatchFlags::DELETE_SELF)
    .union(WatchFlags::MOVE_SELF)
    .union(WatchFlags::ONLYDIR);

const EVENTS_ABOVE: WatchFlags = WatchFlags::CREATE
    .union(WatchFlags::MOVED_TO)
    .union(WatchFlags::DELETE_SELF)
    .union(WatchFlags::MOVE_SELF)
    .union(WatchFlags::ONLYDIR);

/// Directories that come and go faster than they can be watched are left alone after this many.
const MOST_RENEWALS: u32 = 16;

impl Watches {
    pub fn is_directory(&self, watch: i32) -> bool {
        self.directory == Some(watch)
    }

    /// Whether an event says that the directory, or one above it, is another one by now.
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

    /// Watches what is there now, from the run directory upwards.
    pub fn renew(&mut self, inotify: BorrowedFd, rundir: &CStr) -> Result<()> {
        for _ in 0..MOST_RENEWALS {
            // From above, so that what is made in between is not missed.
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

    /// Whether a missing directory on the way to the run directory was made before the one above it
    /// was watched.
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

/// Where the last component of a path begins and ends; None for "" and "/".
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

/// Drops the watch that was, unless it is the one that is: the same directory gives the same one.
fn forget(inotify: BorrowedFd, before: Option<i32>, now: Option<i32>) {
    if let Some(before) = before.filter(|_| before != now) {
        // It is gone by itself if its directory is.
        let _ = inotify::remove_watch(inotify, before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_component_of_a_path() {
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
