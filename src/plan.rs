//! What becomes of a process between the caller's namespace and the program in the other one. All of
//! it is prepared first, so that the doing needs no memory, no lock and no other thread.

use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use bitflags::bitflags;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sched::{CloneFlags, setns};
use nix::sys::signal::SigSet;
use nix::unistd::{chdir, dup2_stderr, dup2_stdin, dup2_stdout};
use rustix::io::fcntl_dupfd_cloexec;

use crate::error::{Detail, Error, Result, Step, errno};
use crate::failure::{Done, Failing, Failure};
use crate::mount_namespace::{Keep, MountNamespace};
use crate::namespace::Namespace;
use crate::program::Program;
use crate::retry::on_signal;
use crate::signal_mask;

bitflags! {
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct SpawnFlags: u32 {
        const STDIO = 1;
        const KEEP_SYS = 2;
        const KEEP_ETC = 4;
    }
}

/// What becomes the program's descriptors 0, 1 and 2; None: what the caller has there.
pub type Stdio<'a> = [Option<BorrowedFd<'a>>; 3];

const STDIO_NAMES: [&CStr; 3] = [c"standard input", c"standard output", c"standard error"];

/// What the caller may want otherwise.
#[derive(Clone, Copy, Default)]
pub struct Options<'a> {
    pub flags: SpawnFlags,
    pub stdio: Stdio<'a>,
    pub cwd: Option<&'a CStr>,
}

pub struct Plan<'a> {
    ns: &'a Namespace,
    mounts: Option<MountNamespace>,
    options: Options<'a>,
    program: Program<'a>,
}

impl<'a> Plan<'a> {
    pub fn new(ns: &'a Namespace, options: Options<'a>, program: Program<'a>) -> Result<Plan<'a>> {
        let keep = Keep {
            sys: options.flags.contains(SpawnFlags::KEEP_SYS),
            etc: options.flags.contains(SpawnFlags::KEEP_ETC),
        };
        let mounts = MountNamespace::plan(ns.name(), keep)?;
        Ok(Plan { ns, mounts, options, program })
    }

    /// Does it all, and returns only if something fails. The calling thread is good for nothing else
    /// then: it is a child's only one, or a helper. Every signal has to be blocked; the program
    /// starts with `mask`.
    pub fn carry_out(&mut self, mask: &SigSet) -> Failure {
        match self.prepare(mask) {
            Ok(()) => Failure { step: Step::Exec, errno: self.program.exec(), item: 0 },
            Err(failure) => failure,
        }
    }

    fn prepare(&mut self, mask: &SigSet) -> Done<()> {
        setns(self.ns.as_fd(), CloneFlags::CLONE_NEWNET).failing(Step::Setns)?;
        if let Some(mounts) = &mut self.mounts {
            mounts.enter()?;
        }
        if let Some(cwd) = self.options.cwd {
            on_signal(|| chdir(cwd)).failing(Step::Chdir)?;
        }
        arrange(&self.options.stdio)?;
        signal_mask::set(mask).failing(Step::Mask)
    }

    /// The failure as the caller is told of it.
    pub fn explain(&self, failure: Failure, detail: &Detail) -> Error {
        let object = match failure.step {
            Step::Chdir => self.options.cwd,
            Step::Stdio => STDIO_NAMES.get(failure.item).copied(),
            _ => self.mounts.as_ref().and_then(|mounts| mounts.object_of(failure)),
        };
        if let Some(object) = object {
            detail.set(object);
        }
        Error::new(failure.step, failure.errno)
    }

    /// See [`MountNamespace::forget_descriptors`].
    pub fn forget_descriptors(&mut self) {
        if let Some(mounts) = &mut self.mounts {
            mounts.forget_descriptors();
        }
    }
}

fn arrange(stdio: &Stdio) -> Done<()> {
    let mut moved: [Option<OwnedFd>; 3] = [None, None, None];
    for (place, (source, moved)) in stdio.iter().zip(&mut moved).enumerate() {
        let Some(source) = source else { continue };
        if is_in_the_way(*source, place) {
            *moved = Some(move_away(*source).failing_at(Step::Stdio, place)?);
        }
    }
    for (place, (source, moved)) in stdio.iter().zip(&moved).enumerate() {
        let Some(source) = source else { continue };
        let source = moved.as_ref().map_or(*source, AsFd::as_fd);
        put(source, place).failing_at(Step::Stdio, place)?;
    }
    Ok(())
}

/// Whether it is in a place that another one takes before its own turn comes.
fn is_in_the_way(source: BorrowedFd, place: usize) -> bool {
    source.as_raw_fd() < 3 && source.as_raw_fd() as usize != place
}

/// A duplicate that is none of 0, 1 and 2.
pub fn move_away(fd: BorrowedFd) -> nix::Result<OwnedFd> {
    fcntl_dupfd_cloexec(fd, 3).map_err(errno)
}

/// Makes it 0, 1 or 2, and one that the program inherits.
fn put(source: BorrowedFd, place: usize) -> nix::Result<()> {
    if source.as_raw_fd() as usize == place {
        return fcntl(source, FcntlArg::F_SETFD(FdFlag::empty())).map(drop);
    }
    on_signal(|| match place {
        0 => dup2_stdin(source),
        1 => dup2_stdout(source),
        2 => dup2_stderr(source),
        _ => Err(Errno::EBADF),
    })
}
