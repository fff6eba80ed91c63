//! A running program, and waiting for it.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::{ChildStderr, ChildStdin, ChildStdout, ExitStatus, Output};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::error::{self, At, Failure, Step};
use crate::explain::{Object, Subject};
use crate::os::pidfd;
use crate::os::retry::on_signal;
use crate::program::spawn;

use super::super::error::{About, Error, Result};
use super::super::subject::about;

/// A program started by [`Command::spawn`](crate::Command::spawn), in the manner of [`std::process::Child`].
///
/// A program that is not waited for becomes a zombie when it ends. Dropping this value neither waits for the
/// program nor ends it.
///
/// # Examples
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
/// # fn main() { in_world(example) }
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use libnetns::Stdio;
/// use std::io::Write;
///
/// let sandbox = libnetns::Namespace::anonymous()?;
/// let mut child = sandbox.command("wc").arg("-c").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
/// child.stdin.take().unwrap().write_all(b"hello")?;
/// assert_eq!(child.wait_with_output()?.stdout, b"5\n");
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Child {
    /// The pipe to its standard input, if it has one.
    pub stdin: Option<ChildStdin>,
    /// The pipe from its standard output, if it has one.
    pub stdout: Option<ChildStdout>,
    /// The pipe from its standard error, if it has one.
    pub stderr: Option<ChildStderr>,
    pid: i32,
    pidfd: Option<OwnedFd>,
    status: Option<ExitStatus>,
    left_out: Option<Error>,
}

impl Child {
    pub(super) fn new(
        child: spawn::Child,
        pipes: [Option<OwnedFd>; 3],
        left_out: Option<Error>,
    ) -> Child {
        let [stdin, stdout, stderr] = pipes;
        Child {
            stdin: stdin.map(ChildStdin::from),
            stdout: stdout.map(ChildStdout::from),
            stderr: stderr.map(ChildStderr::from),
            pid: child.pid,
            pidfd: child.pidfd,
            status: None,
            left_out,
        }
    }

    /// Returns the reason why the first file of `/etc/netns/NAME` without a counterpart in `/etc` was left
    /// out, and the remedy. [`Command::strict_etc`](crate::Command::strict_etc) makes this an error.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
    /// # fn main() { in_world(example) }
    /// # fn example() -> libnetns::Result<()> {
    /// let sandbox = libnetns::Namespace::anonymous()?;
    /// let mut child = sandbox.command("true").spawn()?;
    /// if let Some(warning) = child.left_out() {
    ///     eprintln!("{warning}");
    /// }
    /// # assert!(child.left_out().is_none());
    /// # child.wait()?;
    /// # Ok(()) }
    /// ```
    pub fn left_out(&self) -> Option<&Error> {
        self.left_out.as_ref()
    }

    /// Returns its process ID.
    pub fn id(&self) -> u32 {
        self.pid.unsigned_abs()
    }

    /// Returns a pidfd, which is readable when the program has ended; `None` before Linux 5.2.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
    /// # fn main() { in_world(example) }
    /// # fn example() -> libnetns::Result<()> {
    /// use libnetns::Namespace;
    ///
    /// let sandbox = Namespace::anonymous()?;
    /// let mut child = sandbox.command("sleep").arg("60").spawn()?;
    /// if let Some(pidfd) = child.pidfd() {
    ///     assert_eq!(Namespace::of_fd(pidfd)?, sandbox);
    /// }
    /// child.kill()?;
    /// # child.wait()?;
    /// # Ok(()) }
    /// ```
    pub fn pidfd(&self) -> Option<BorrowedFd<'_>> {
        self.pidfd.as_ref().map(OwnedFd::as_fd)
    }

    /// Kills the program with `SIGKILL`. It must still be waited for.
    ///
    /// # Errors
    ///
    /// `EPERM` if it now runs as another user, `ESRCH` if it was already waited for elsewhere or `SIGCHLD` is
    /// ignored. Before Linux 5.2 there is no pidfd: if the program was already waited for elsewhere and its
    /// id was reused, the process that now has the id is killed.
    pub fn kill(&mut self) -> Result<()> {
        if self.status.is_some() {
            return Ok(());
        }
        let by_number = || kill(Pid::from_raw(self.pid), Signal::SIGKILL);
        // It may have been waited for elsewhere, and its id may have been reused.
        let killed = self.pidfd().map_or_else(by_number, pidfd::kill);
        killed.at(Step::Kill).about(&self.about("kill"))
    }

    /// Closes the pipe to its standard input, if there is one, and waits until it has ended.
    ///
    /// # Errors
    ///
    /// `ECHILD` if it was already waited for elsewhere, or if `SIGCHLD` is ignored.
    pub fn wait(&mut self) -> Result<ExitStatus> {
        drop(self.stdin.take());
        let waited = self.wait_with(WaitPidFlag::empty());
        let waited =
            waited.and_then(|status| status.ok_or(Failure::new(Step::Wait, Errno::ECHILD)));
        waited.about(&self.about("wait for"))
    }

    /// Returns its exit status if it has ended, or `None` if it is running.
    ///
    /// # Errors
    ///
    /// Those of [`Child::wait`].
    pub fn try_wait(&mut self) -> Result<Option<ExitStatus>> {
        self.wait_with(WaitPidFlag::WNOHANG).about(&self.about("wait for"))
    }

    fn wait_with(&mut self, flags: WaitPidFlag) -> error::Result<Option<ExitStatus>> {
        if self.status.is_none() {
            let waited = on_signal(|| waitpid(Pid::from_raw(self.pid), Some(flags)));
            self.status = exit_status(waited.at(Step::Wait)?);
        }
        Ok(self.status)
    }

    /// Closes the pipe to its standard input, if there is one, reads its output until both streams are
    /// closed, and waits until it has ended.
    ///
    /// # Errors
    ///
    /// Those of [`Child::wait`]. If a stream cannot be read, the call closes both, and still waits until the
    /// program has ended.
    pub fn wait_with_output(mut self) -> Result<Output> {
        drop(self.stdin.take());
        let mut both = [Reading::new(self.stdout.take()), Reading::new(self.stderr.take())];
        let read = read_both(&mut both);
        let [stdout, stderr] = both.map(|each| each.bytes);
        // The program would become a zombie if it were not waited for.
        let status = self.wait()?;
        read.at(Step::ReadOutput).about(&self.about("wait for"))?;
        Ok(Output { status, stdout, stderr })
    }

    fn about(&self, verb: &'static str) -> Subject<'static> {
        about(verb, Object::Pid(self.pid.into()))
    }
}

/// Returns `None` if the program has not ended.
fn exit_status(status: WaitStatus) -> Option<ExitStatus> {
    let raw = match status {
        WaitStatus::Exited(_, code) => (code & 0xff) << 8,
        WaitStatus::Signaled(_, signal, false) => signal as i32,
        WaitStatus::Signaled(_, signal, true) => signal as i32 | 0x80,
        _ => return None,
    };
    Some(ExitStatus::from_raw(raw))
}

/// One of the two output streams, and what was read from it so far.
struct Reading {
    /// `None` if the stream has ended or does not exist.
    stream: Option<File>,
    bytes: Vec<u8>,
}

impl Reading {
    fn new(stream: Option<impl Into<OwnedFd>>) -> Reading {
        Reading { stream: stream.map(|stream| File::from(stream.into())), bytes: Vec::new() }
    }

    fn to_poll(&self) -> Option<PollFd<'_>> {
        self.stream.as_ref().map(|stream| PollFd::new(stream.as_fd(), PollFlags::POLLIN))
    }

    /// Reads the data that is available.
    fn read(&mut self) -> io::Result<()> {
        let Some(stream) = &mut self.stream else { return Ok(()) };
        let mut chunk = [0; 16 << 10];
        match stream.read(&mut chunk) {
            Ok(0) => self.stream = None,
            Ok(len) => self.bytes.extend_from_slice(&chunk[..len]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

/// Reads both streams until they end. If they were read one after the other, a program that fills the second
/// pipe would wait for the reader, while the reader waits for the first stream to end.
fn read_both(both: &mut [Reading; 2]) -> io::Result<()> {
    while both.iter().any(|each| each.stream.is_some()) {
        let is_ready = wait_for_either(both)?;
        for (each, _) in both.iter_mut().zip(is_ready).filter(|(_, is_ready)| *is_ready) {
            each.read()?;
        }
    }
    Ok(())
}

/// Waits until at least one stream can be read, and returns which ones.
fn wait_for_either(both: &[Reading; 2]) -> nix::Result<[bool; 2]> {
    let mut polled: Vec<PollFd> = both.iter().filter_map(Reading::to_poll).collect();
    on_signal(|| poll(&mut polled, PollTimeout::NONE))?;
    let mut is_ready = polled.iter().map(|fd| fd.any() != Some(false));
    Ok(both.each_ref().map(|each| each.stream.is_some() && is_ready.next() == Some(true)))
}
