//! Keeping the mounts below a directory while something else is mounted on it.

use std::ffi::CStr;
use std::mem;
use std::os::fd::{AsFd, OwnedFd};

use nix::errno::Errno;

use crate::error::{At, Failure, Result, Step};
use crate::os::mount;
use crate::util::strings::Strings;

/// The steps to report if an operation fails.
pub struct Steps {
    pub pick_up: Step,
    pub put_back: Step,
}

pub struct Submounts {
    paths: Strings,
    steps: Steps,
    /// One per mount, while they are moved.
    trees: Vec<Option<OwnedFd>>,
}

impl Submounts {
    pub fn new(paths: Strings, steps: Steps) -> Result<Submounts> {
        let mut trees = Vec::new();
        let count = paths.iter().count();
        trees.try_reserve_exact(count).map_err(|_| Failure::no_memory())?;
        trees.resize_with(count, || None);
        Ok(Submounts { paths, steps, trees })
    }

    pub fn path(&self, item: usize) -> Option<&CStr> {
        self.paths.iter().nth(item)
    }

    /// Returns whether they are copies, whose originals can be unmounted meanwhile.
    pub fn pick_up(&mut self) -> Result<bool> {
        let mut are_copies = true;
        for (item, (path, tree)) in self.paths.iter().zip(&mut self.trees).enumerate() {
            let picked = match mount::pick_up(path) {
                // It has been unmounted since, or another mount hides it.
                Err(Errno::ENOENT | Errno::ENOTDIR) => continue,
                picked => picked.at_item(self.steps.pick_up, item)?,
            };
            are_copies &= picked.is_copy;
            *tree = Some(picked.tree);
        }
        Ok(are_copies)
    }

    /// Mounts those that are wanted, if their mount point still exists.
    pub fn put_back(&mut self, is_wanted: impl Fn(&CStr) -> bool) -> Result<()> {
        for (item, (path, tree)) in self.paths.iter().zip(&mut self.trees).enumerate() {
            let Some(tree) = tree.take().filter(|_| is_wanted(path)) else { continue };
            mount::put_down(tree.as_fd(), path).at_item(self.steps.put_back, item)?;
        }
        Ok(())
    }

    /// See [`super::MountNamespace::forget_descriptors`].
    pub fn forget_descriptors(&mut self) {
        for tree in &mut self.trees {
            mem::forget(tree.take());
        }
    }
}
