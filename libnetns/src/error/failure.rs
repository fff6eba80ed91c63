//! A failure: which errno, at which step, and what the caller can do about it.
//!
//! A [`Failure`] is small, `Copy` and made without allocating, because `enter`, `leave`, `socket`
//! and `setns` promise to allocate nothing even when they fail, and because a child of a process with
//! threads makes one as well. What the call was about is known at the top only, so the two meet when
//! the message is written.

use nix::errno::Errno;

use super::step::Step;

pub type Result<T> = std::result::Result<T, Failure>;

/// Why a call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What the call returns.
    pub errno: Errno,
    /// What the system call said, where the contract has another word for it.
    cause: Errno,
    pub step: Step,
    /// What `number` counts. Beside the step, where there is room: an enum with the number in it would
    /// make every `Result` of the library longer.
    counted: Counted,
    number: u32,
    /// Says more than the step's own advice, where more is known.
    pub hint: Option<&'static str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Counted {
    Nothing,
    /// Requests to rtnetlink: the one that was refused.
    Requests,
    /// The mounts, files or descriptors that a step goes through: the one at which it failed.
    Items,
}

const _: () = assert!(size_of::<Failure>() <= 32);

impl Failure {
    pub fn new(step: Step, errno: impl Into<Cause>) -> Failure {
        let Cause(errno) = errno.into();
        Failure { errno, cause: errno, step, counted: Counted::Nothing, number: 0, hint: None }
    }

    /// An argument of the caller's is invalid, or missing, that no step of its own names.
    pub fn invalid(what: &'static str) -> Failure {
        Failure::invalid_at(Step::Argument, what)
    }

    /// The same, with a step such as [`Step::Name`] that says which argument it is.
    pub fn invalid_at(step: Step, what: &'static str) -> Failure {
        Failure::new(step, Errno::EINVAL).hint(what)
    }

    /// What is there already where a new name was to be.
    pub fn exists() -> Failure {
        Failure::new(Step::Exists, Errno::EEXIST)
    }

    /// Something is there, but it is `what` and not a network namespace.
    pub fn not_a_namespace(what: &'static str) -> Failure {
        Failure::new(Step::Prove, Errno::ENOTTY).hint(what)
    }

    /// No memory for what the library itself keeps.
    pub fn no_memory() -> Failure {
        Failure::new(Step::Memory, Errno::ENOMEM)
    }

    pub fn hint(self, hint: &'static str) -> Failure {
        Failure { hint: Some(hint), ..self }
    }

    /// The same failure at a step that says more of what it was for.
    pub fn at_step(self, step: Step) -> Failure {
        Failure { step, ..self }
    }

    /// The failure of the request to rtnetlink with this number.
    pub fn of_request(self, number: u32) -> Failure {
        Failure { counted: Counted::Requests, number, ..self }
    }

    /// The number of the request to rtnetlink that was refused.
    pub fn request(&self) -> Option<u32> {
        (self.counted == Counted::Requests).then_some(self.number)
    }

    /// Which of several mounts, files or descriptors the step failed at.
    pub fn item(&self) -> Option<usize> {
        (self.counted == Counted::Items).then_some(self.number as usize)
    }

    /// What the system call said.
    pub fn cause(&self) -> Errno {
        self.cause
    }

    /// The same failure under the errno that the contract has for it.
    pub fn as_errno(self, errno: Errno) -> Failure {
        Failure { errno, ..self }
    }
}

/// An errno, from whichever crate made the system call. One that has no name (the kernel's inner
/// ones leak out at times, and a seccomp filter may answer any number) would be nix's 0, a success.
pub struct Cause(Errno);

impl From<Errno> for Cause {
    fn from(errno: Errno) -> Cause {
        match errno {
            Errno::UnknownErrno => Cause(Errno::EIO),
            errno => Cause(errno),
        }
    }
}

impl From<rustix::io::Errno> for Cause {
    fn from(errno: rustix::io::Errno) -> Cause {
        self::errno(errno).into()
    }
}

/// rustix's errno as nix has it.
pub fn errno(errno: rustix::io::Errno) -> Errno {
    Errno::from_raw(errno.raw_os_error())
}

impl From<std::io::Error> for Cause {
    fn from(failure: std::io::Error) -> Cause {
        failure.raw_os_error().map_or(Errno::EAGAIN, Errno::from_raw).into()
    }
}

/// Names the step at which a `Result` fails.
pub trait At<T>: Sized {
    fn at(self, step: Step) -> Result<T>;

    /// The same, where the step goes through several things, of which this is one.
    fn at_item(self, step: Step, item: usize) -> Result<T> {
        self.at(step).map_err(|failure| Failure {
            counted: Counted::Items,
            number: item as u32,
            ..failure
        })
    }
}

impl<T, E: Into<Cause>> At<T> for std::result::Result<T, E> {
    fn at(self, step: Step) -> Result<T> {
        self.map_err(|errno| Failure::new(step, errno))
    }
}
