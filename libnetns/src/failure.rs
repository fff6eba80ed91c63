//! A failure as a child or a thread that must not allocate can tell of it.

use nix::errno::Errno;

use crate::error::Step;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    pub step: Step,
    pub errno: Errno,
    /// Which of several: mounts, files, descriptors.
    pub item: usize,
}

pub type Done<T> = std::result::Result<T, Failure>;

/// Names the step at which a system call fails.
pub trait Failing<T> {
    fn failing(self, step: Step) -> Done<T>;
    fn failing_at(self, step: Step, item: usize) -> Done<T>;
}

impl<T> Failing<T> for nix::Result<T> {
    fn failing(self, step: Step) -> Done<T> {
        self.failing_at(step, 0)
    }

    fn failing_at(self, step: Step, item: usize) -> Done<T> {
        self.map_err(|errno| Failure { step, errno, item })
    }
}
