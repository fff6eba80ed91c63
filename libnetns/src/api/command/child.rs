//! A program that was started.

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

/// A program that [`Command::spawn`](crate::Command::spawn) has started, in the manner of
/// [`std::process::Child`].
///
/// A program that nobody waits for stays behind as a zombie when it ends. Dropping this neither waits
/// for it nor ends it.
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

    /// What it runs without: why the first file of `/etc/netns/NAME` that covers nothing in `/etc` does
    /// not, and what to do about it. [`Command::strict_etc`](crate::Command::strict_etc) makes it an
    /// error.
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

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.pid.unsigned_abs()
    }

    /// A pidfd of it, which is readable when it has ended; `None` before Linux 5.2.
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

    /// Ends it by `SIGKILL`. It has to be waited for all the same.
    ///
    /// # Errors
    ///
    /// `EPERM` if it has become another user's, `ESRCH` if something else has waited for it, or `SIGCHLD` is
    /// ignored. Before Linux 5.2, where there is no pidfd, another process that has got its number by then is
    /// ended instead.
    pub fn kill(&mut self) -> Result<()> {
        if self.status.is_some() {
            return Ok(());
        }
        let by_number = || kill(Pid::from_raw(self.pid), Signal::SIGKILL);
        // Something else may have waited for it, and its number be another process's.
        let killed = self.pidfd().map_or_else(by_number, pidfd::kill);
        killed.at(Step::Kill).about(&self.about("kill"))
    }

    /// Closes the pipe to it, if there is one, and waits until it has ended.
    ///
    /// # Errors
    ///
    /// `ECHILD` if something else has waited for it, or `SIGCHLD` is ignored.
    pub fn wait(&mut self) -> Result<ExitStatus> {
        drop(self.stdin.take());
        let waited = self.wait_with(WaitPidFlag::empty());
        let waited =
            waited.and_then(|status| status.ok_or(Failure::new(Step::Wait, Errno::ECHILD)));
        waited.about(&self.about("wait for"))
    }

    /// Its status if it has ended, `None` if it runs.
    ///
    /// # Errors
    ///
    /// As for [`Child::wait`].
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

    /// Closes the pipe to it, if there is one, reads what it writes until both of its streams are closed,
    /// and waits until it has ended.
    ///
    /// # Errors
    ///
    /// As for [`Child::wait`]. If a stream cannot be read, the call closes both and waits until the program
    /// has ended all the same.
    pub fn wait_with_output(mut self) -> Result<Output> {
        drop(self.stdin.take());
        let mut both = [Reading::new(self.stdout.take()), Reading::new(self.stderr.take())];
        let read = read_both(&mut both);
        let [stdout, stderr] = both.map(|each| each.bytes);
        // A program that nobody waits for would stay behind.
        let status = self.wait()?;
        read.at(Step::ReadOutput).about(&self.about("wait for"))?;
        Ok(Output { status, stdout, stderr })
    }

    fn about(&self, verb: &'static str) -> Subject<'static> {
        about(verb, Object::Pid(self.pid.into()))
    }
}

/// None: it has not ended.
fn exit_status(status: WaitStatus) -> Option<ExitStatus> {
    let raw = match status {
        WaitStatus::Exited(_, code) => (code & 0xff) << 8,
        WaitStatus::Signaled(_, signal, false) => signal as i32,
        WaitStatus::Signaled(_, signal, true) => signal as i32 | 0x80,
        _ => return None,
    };
    Some(ExitStatus::from_raw(raw))
}

/// One of the two streams, and what it has said so far.
struct Reading {
    /// None: it has ended, or there is none.
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

    /// Reads what is there.
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

/// Reads both until they end. Read one after the other, a program that fills the second one's pipe would
/// wait for a reader, and the reader for the first one's end.
fn read_both(both: &mut [Reading; 2]) -> io::Result<()> {
    while both.iter().any(|each| each.stream.is_some()) {
        let is_ready = wait_for_either(both)?;
        for (each, _) in both.iter_mut().zip(is_ready).filter(|(_, is_ready)| *is_ready) {
            each.read()?;
        }
    }
    Ok(())
}

/// Which of them can be read without waiting: one at least.
fn wait_for_either(both: &[Reading; 2]) -> nix::Result<[bool; 2]> {
    let mut polled: Vec<PollFd> = both.iter().filter_map(Reading::to_poll).collect();
    on_signal(|| poll(&mut polled, PollTimeout::NONE))?;
    let mut is_ready = polled.iter().map(|fd| fd.any() != Some(false));
    Ok(both.each_ref().map(|each| each.stream.is_some() && is_ready.next() == Some(true)))
}
