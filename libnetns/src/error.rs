//! Errors: which errno, at which step, and what the caller can do about it.
//!
//! An [`Error`] is small, `Copy` and made without allocating, because `enter`, `leave`, `socket`
//! and `setns` promise to allocate nothing even when they fail. What the call was about (its
//! [`Subject`]) is known at the top only, so the two meet when the message is written.

mod step;
mod subject;

use std::cell::Cell;

use nix::errno::Errno;

pub use step::Step;
pub use subject::{Detail, Object, ProgramCall, Subject};

pub type Result<T> = std::result::Result<T, Error>;

/// Why a call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error {
    /// What the call returns.
    pub errno: Errno,
    /// What the system call said, where the contract has another word for it.
    cause: Errno,
    pub step: Step,
    /// Says more than the step's own advice, where more is known.
    pub hint: Option<&'static str>,
    /// Which of the kernel's texts goes with it; 0: none.
    kernel: u32,
}

/// What the kernel says of a refusal, in its own words (netlink's extended acknowledgement).
#[derive(Clone, Copy)]
struct KernelText {
    /// The request that was refused.
    request: u32,
    len: usize,
    bytes: [u8; KernelText::CAPACITY],
}

impl KernelText {
    /// NETLINK_MAX_FMTMSG_LEN: the kernel formats no longer one.
    const CAPACITY: usize = 80;
    const NONE: KernelText = KernelText { request: 0, len: 0, bytes: [0; KernelText::CAPACITY] };

    /// What `text` has before its first NUL.
    fn new(request: u32, text: &[u8]) -> KernelText {
        let mut kept = KernelText { request, ..KernelText::NONE };
        for (to, from) in kept.bytes.iter_mut().zip(text.iter().take_while(|byte| **byte != 0)) {
            *to = *from;
            kept.len += 1;
        }
        kept
    }

    /// What goes with `error`, as long as it is the thread's last one.
    fn of(error: &Error) -> Option<KernelText> {
        Some(KERNEL_TEXT.get()).filter(|text| text.request == error.kernel && text.len > 0)
    }

    fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

thread_local! {
    /// The last one, a part of the thread's message that is known before the rest of it. In the
    /// errors themselves it would make every `Result` of the library a hundred bytes long, and the
    /// library 20 KB.
    static KERNEL_TEXT: Cell<KernelText> = const { Cell::new(KernelText::NONE) };
}

impl Error {
    pub fn new(step: Step, errno: impl Into<Cause>) -> Error {
        let Cause(errno) = errno.into();
        Error { errno, cause: errno, step, hint: None, kernel: 0 }
    }

    /// An argument of the caller's is invalid, or missing, that no step of its own names.
    pub fn invalid(what: &'static str) -> Error {
        Error::invalid_at(Step::Argument, what)
    }

    /// The same, with a step such as [`Step::Name`] that says which argument it is.
    pub fn invalid_at(step: Step, what: &'static str) -> Error {
        Error::new(step, Errno::EINVAL).hint(what)
    }

    /// What is there already where a new name was to be.
    pub fn exists() -> Error {
        Error::new(Step::Exists, Errno::EEXIST)
    }

    /// Something is there, but it is `what` and not a network namespace.
    pub fn not_a_namespace(what: &'static str) -> Error {
        Error::new(Step::Prove, Errno::ENOTTY).hint(what)
    }

    /// No memory for what the library itself keeps.
    pub fn no_memory() -> Error {
        Error::new(Step::Memory, Errno::ENOMEM)
    }

    pub fn hint(self, hint: &'static str) -> Error {
        Error { hint: Some(hint), ..self }
    }

    /// The kernel's text about the request with this number, which is shown if it is still the
    /// thread's last one.
    pub fn kernel(self, request: u32, text: &[u8]) -> Error {
        KERNEL_TEXT.set(KernelText::new(request, text));
        Error { kernel: request, ..self }
    }

    /// Gives the kernel's text to `show`, if there is one.
    pub fn with_kernel_text<T>(&self, show: impl FnOnce(&[u8]) -> T) -> Option<T> {
        KernelText::of(self).map(|text| show(text.as_bytes()))
    }

    /// The same failure under the errno that the contract has for it.
    pub fn as_errno(self, errno: Errno) -> Error {
        Error { errno, ..self }
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
    fn from(error: std::io::Error) -> Cause {
        error.raw_os_error().map_or(Errno::EAGAIN, Errno::from_raw).into()
    }
}

/// Names the step at which a `Result` fails.
pub trait At<T> {
    fn at(self, step: Step) -> Result<T>;
}

impl<T, E: Into<Cause>> At<T> for std::result::Result<T, E> {
    fn at(self, step: Step) -> Result<T> {
        self.map_err(|errno| Error::new(step, errno))
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod words;
