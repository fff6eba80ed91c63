//! A failure small enough for a child to tell its parent through a pipe.

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

/// Where a child may fail.
const STEPS: [Step; 12] = [
    Step::Setns,
    Step::UnshareMounts,
    Step::MakeSlave,
    Step::PickUp,
    Step::MountSys,
    Step::PutBack,
    Step::BindEtc,
    Step::Chdir,
    Step::Stdio,
    Step::Mask,
    Step::Pidfd,
    Step::Exec,
];

/// Step, errno, item; less than what a pipe takes in one piece.
pub const REPORT: usize = 12;

impl Failure {
    pub fn to_bytes(self) -> [u8; REPORT] {
        let step = STEPS.iter().position(|&step| step == self.step).unwrap_or(STEPS.len());
        let mut bytes = [0; REPORT];
        let numbers = [step as u32, self.errno as u32, self.item as u32];
        for (place, number) in bytes.chunks_exact_mut(4).zip(numbers) {
            place.copy_from_slice(&number.to_ne_bytes());
        }
        bytes
    }

    pub fn from_bytes(bytes: [u8; REPORT]) -> Failure {
        let mut numbers = [0; 3];
        for (number, place) in numbers.iter_mut().zip(bytes.chunks_exact(4)) {
            *number = place.try_into().map_or(0, u32::from_ne_bytes);
        }
        let [step, errno, item] = numbers;
        Failure {
            step: *STEPS.get(step as usize).unwrap_or(&Step::Exec),
            errno: Errno::from_raw(errno as i32),
            item: item as usize,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_comes_through_the_pipe_as_it_was() {
        for step in STEPS {
            let failure = Failure { step, errno: Errno::EACCES, item: 70_000 };
            assert_eq!(Failure::from_bytes(failure.to_bytes()), failure);
        }
    }
}
