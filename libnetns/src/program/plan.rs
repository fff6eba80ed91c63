//! The steps of a process between the caller's namespace and the program in the other one. Everything is
//! prepared in advance, so that executing the steps needs no memory, no lock and no other thread.

use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use bitflags::bitflags;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sched::{CloneFlags, setns};
use nix::unistd::{chdir, dup2_stderr, dup2_stdin, dup2_stdout, setsid};
use rustix::io::fcntl_dupfd_cloexec;
use rustix::thread::{Gid, Uid, set_thread_groups, set_thread_res_gid, set_thread_res_uid};

use crate::error::{At, Failure, Result, Step, errno};
use crate::explain::Detail;
use crate::namespace::handle::Namespace;
use crate::os::retry::on_signal;
use crate::os::sigmask::{self, Mask};
use crate::os::syscalls;
use crate::program::lookup::{Arguments, Program};
use crate::program::mount_namespace::{LeftOut, MountNamespace, Wishes};

bitflags! {
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct SpawnFlags: u32 {
        const STDIN = 1;
        const STDOUT = 2;
        const STDERR = 4;
        const KEEP_SYS = 8;
        const KEEP_ETC = 16;
        const USER = 32;
        const SETSID = 64;
        const STRICT_ETC = 128;
        const TELL_ETC = 256;
        const PIN_ETC = 512;
    }
}

/// The program's descriptors 0, 1 and 2; `None` inherits the caller's.
pub type Stdio<'a> = [Option<BorrowedFd<'a>>; 3];

const STDIO_NAMES: [&CStr; 3] = [c"standard input", c"standard output", c"standard error"];

/// The user that the program runs as: real, effective, saved and file system ids.
#[derive(Clone, Copy, Debug)]
pub struct User<'a> {
    pub uid: Uid,
    pub gid: Gid,
    /// All supplementary groups.
    pub groups: &'a [Gid],
}

impl User<'_> {
    /// This uses the system calls directly, which affect only the calling thread. The functions of the C
    /// library change all threads, and would wait for those of the process whose memory this one shares.
    fn become_it(&self) -> Result<()> {
        set_thread_groups(self.groups).map_err(errno).at(Step::SetGroups)?;
        set_thread_res_gid(self.gid, self.gid, self.gid).map_err(errno).at(Step::SetGid)?;
        set_thread_res_uid(self.uid, self.uid, self.uid).map_err(errno).at(Step::SetUid)
    }
}

/// The caller's options.
#[derive(Clone, Copy, Default)]
pub struct Options<'a> {
    pub mounts: Wishes,
    pub stdio: Stdio<'a>,
    pub cwd: Option<&'a CStr>,
    /// `None` keeps the caller's.
    pub user: Option<User<'a>>,
    pub own_session: bool,
    /// Whether SIGPIPE is reset to its default action if the caller ignores it.
    pub default_sigpipe: bool,
}

/// The destination and arguments that the caller has given. It belongs to the caller.
pub struct Target<'a> {
    ns: &'a Namespace,
    options: Options<'a>,
    arguments: Arguments<'a>,
}

/// What has been found and allocated to get there.
pub struct Work {
    mounts: Option<MountNamespace>,
    program: Program,
}

pub struct Plan<'a> {
    pub target: Target<'a>,
    pub work: Work,
}

impl<'a> Plan<'a> {
    /// `file` is looked up in `path`, the caller's PATH.
    pub fn new(
        ns: &'a Namespace,
        options: Options<'a>,
        (file, path): (&CStr, Option<&CStr>),
        arguments: Arguments<'a>,
    ) -> Result<Plan<'a>> {
        let program = Program::new(file, path, arguments)?;
        let mounts = MountNamespace::plan(ns.name(), options.mounts)?;
        Ok(Plan { target: Target { ns, options, arguments }, work: Work { mounts, program } })
    }

    /// Returns whether the program runs as another user.
    pub fn changes_user(&self) -> bool {
        self.target.options.user.is_some()
    }

    /// Executes all steps, and returns only if one fails. The calling thread cannot be used for anything else
    /// afterwards. Every signal must be blocked; the program starts with `mask`. `left_out` is set to the
    /// files that the program goes without.
    pub fn carry_out(&mut self, mask: &Mask, left_out: &mut Option<LeftOut>) -> Failure {
        match self.target.prepare(&mut self.work, mask) {
            Ok(()) => {
                *left_out = self.work.mounts.as_ref().and_then(MountNamespace::left_out);
                self.target.exec(&mut self.work)
            }
            Err(failure) => failure,
        }
    }

    /// Adds the object of the failure for the caller's message.
    pub fn explain(&self, failure: Failure, detail: &Detail) -> Failure {
        self.work.explain(failure, &self.target, detail)
    }
}

impl Target<'_> {
    /// Executes all steps except for the program itself.
    pub fn prepare(&self, work: &mut Work, mask: &Mask) -> Result<()> {
        setns(self.ns.as_fd(), CloneFlags::CLONE_NEWNET).at(Step::Setns)?;
        if let Some(mounts) = &mut work.mounts {
            mounts.enter()?;
        }
        if self.options.own_session {
            setsid().at(Step::Setsid)?;
        }
        arrange(&self.options.stdio)?;
        if let Some(user) = &self.options.user {
            user.become_it()?;
        }
        // The program's user must have permission for the directory, and may be the only one who has, for
        // example in a home directory on NFS.
        if let Some(cwd) = self.options.cwd {
            on_signal(|| chdir(cwd)).at(Step::Chdir)?;
        }
        sigmask::set(mask).at(Step::Mask)
    }

    /// Executes the program; returns only if that fails.
    pub fn exec(&self, work: &mut Work) -> Failure {
        let mut exec = || Failure::new(Step::Exec, work.program.exec(self.arguments));
        if self.options.default_sigpipe {
            let tried = syscalls::unignored(libc::SIGPIPE, exec);
            return tried.unwrap_or_else(|errno| Failure::new(Step::Handlers, errno));
        }
        exec()
    }
}

impl Work {
    /// Adds the object of the failure for the caller's message.
    pub fn explain(&self, failure: Failure, target: &Target, detail: &Detail) -> Failure {
        let object = match failure.step {
            Step::Chdir => target.options.cwd,
            Step::Stdio => failure.item().and_then(|fd| STDIO_NAMES.get(fd)).copied(),
            _ => self.mounts.as_ref().and_then(|mounts| mounts.object_of(failure)),
        };
        if let Some(object) = object {
            detail.set(object);
        }
        failure
    }

    /// See [`MountNamespace::forget_descriptors`].
    pub fn forget_descriptors(&mut self) {
        if let Some(mounts) = &mut self.mounts {
            mounts.forget_descriptors();
        }
    }
}

fn arrange(stdio: &Stdio) -> Result<()> {
    let mut moved: [Option<OwnedFd>; 3] = [None, None, None];
    for (place, (source, moved)) in stdio.iter().zip(&mut moved).enumerate() {
        let Some(source) = source else { continue };
        if is_in_the_way(*source, place) {
            *moved = Some(move_away(*source).at_item(Step::Stdio, place)?);
        }
    }
    for (place, (source, moved)) in stdio.iter().zip(&moved).enumerate() {
        let Some(source) = source else { continue };
        let source = moved.as_ref().map_or(*source, AsFd::as_fd);
        put(source, place).at_item(Step::Stdio, place)?;
    }
    Ok(())
}

/// Returns whether it has a number that another one takes before its own turn.
fn is_in_the_way(source: BorrowedFd, place: usize) -> bool {
    source.as_raw_fd() < 3 && source.as_raw_fd() as usize != place
}

/// Duplicates a descriptor to a number other than 0, 1 and 2.
fn move_away(fd: BorrowedFd) -> nix::Result<OwnedFd> {
    fcntl_dupfd_cloexec(fd, 3).map_err(errno)
}

/// Makes it descriptor 0, 1 or 2, and inheritable.
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
