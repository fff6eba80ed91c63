//! The standard streams of a program.

use std::fs::{File, OpenOptions};
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{ChildStderr, ChildStdin, ChildStdout};

use nix::fcntl::OFlag;
use nix::unistd::pipe2;

use crate::error::{At, Result, Step};

/// A standard stream of a program, in the manner of [`std::process::Stdio`].
///
/// # Examples
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
/// # fn main() { in_world(example) }
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use libnetns::Stdio;
/// use std::io::Read;
///
/// let sandbox = libnetns::Namespace::anonymous()?;
/// let mut child = sandbox
///     .command("cat")
///     .arg("/proc/self/net/dev")
///     .stdin(Stdio::null())
///     .stdout(Stdio::piped())
///     .spawn()?;
/// let mut devices = String::new();
/// child.stdout.take().unwrap().read_to_string(&mut devices)?;
/// assert!(child.wait()?.success() && devices.contains("lo:"));
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Stdio(Kind);

#[derive(Debug)]
enum Kind {
    Inherit,
    Null,
    Piped,
    Fd(OwnedFd),
}

/// The direction of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    ToProgram,
    FromProgram,
}

/// The two ends of a stream.
#[derive(Debug, Default)]
pub struct Ends<'a> {
    /// The program's end, unless it inherits the caller's.
    pub theirs: Option<End<'a>>,
    /// The caller's end of a pipe.
    pub ours: Option<OwnedFd>,
}

#[derive(Debug)]
pub enum End<'a> {
    Made(OwnedFd),
    Given(&'a OwnedFd),
}

impl Stdio {
    pub(super) const INHERIT: Stdio = Stdio(Kind::Inherit);

    /// Inherits the caller's stream.
    pub fn inherit() -> Stdio {
        Stdio(Kind::Inherit)
    }

    /// Uses `/dev/null`.
    pub fn null() -> Stdio {
        Stdio(Kind::Null)
    }

    /// Creates a pipe; the [`Child`](crate::Child) owns the other end.
    pub fn piped() -> Stdio {
        Stdio(Kind::Piped)
    }

    pub(super) fn ends(&self, direction: Direction) -> Result<Ends<'_>> {
        Ok(match &self.0 {
            Kind::Inherit => Ends::default(),
            Kind::Fd(fd) => Ends { theirs: Some(End::Given(fd)), ours: None },
            Kind::Null => {
                let null = OpenOptions::new()
                    .read(direction == Direction::ToProgram)
                    .write(direction == Direction::FromProgram)
                    .open("/dev/null");
                Ends { theirs: Some(End::Made(null.at(Step::OpenNull)?.into())), ours: None }
            }
            Kind::Piped => {
                let (read, write) = pipe2(OFlag::O_CLOEXEC).at(Step::Pipe)?;
                let (theirs, ours) = match direction {
                    Direction::ToProgram => (read, write),
                    Direction::FromProgram => (write, read),
                };
                Ends { theirs: Some(End::Made(theirs)), ours: Some(ours) }
            }
        })
    }
}

macro_rules! from_descriptors {
    ($($type:ty)*) => {
        $(
            /// Uses that descriptor.
            impl From<$type> for Stdio {
                fn from(descriptor: $type) -> Stdio {
                    Stdio(Kind::Fd(descriptor.into()))
                }
            }
        )*
    };
}

from_descriptors!(OwnedFd File TcpStream UnixStream ChildStdin ChildStdout ChildStderr);
