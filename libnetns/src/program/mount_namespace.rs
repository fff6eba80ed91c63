//! The mount namespace that a program gets with its network namespace: /sys shows the interfaces of the
//! network namespace, and the files of /etc/netns/NAME cover those in /etc.
//!
//! It is planned in the caller's namespaces. Executing the plan does not allocate, because this happens in
//! the child of a process that may have threads.

use std::ffi::CStr;

use nix::errno::Errno;
use nix::mount::MsFlags;
use nix::sched::{CloneFlags, unshare};
use nix::unistd::chdir;

use crate::error::{At, Failure, Result, Step};
use crate::os::retry::on_signal;
use crate::os::{mount, mountinfo, procfs};
use crate::util::strings::Strings;

mod etc;
mod submounts;
mod sysfs;

use etc::ETC;
pub use etc::{EtcFiles, LeftOut};
use sysfs::{SYS, Sysfs};

/// The caller's deviations from what `ip netns exec` does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// Keep the caller's /sys.
    pub keep_sys: bool,
    /// Keep the caller's /etc, whatever the next two fields are.
    pub keep_etc: bool,
    /// A file without a counterpart is an error.
    pub strict_etc: bool,
    /// The files stay in place, whatever happens to the host's /etc.
    pub pin_etc: bool,
}

pub struct MountNamespace {
    sys: Option<Sysfs>,
    etc: EtcFiles,
    /// The working directory, if it may be covered.
    directory: Strings,
}

impl MountNamespace {
    /// Plans the mount namespace for the namespace with this name. Returns `None` if nothing changes, so that
    /// none is needed.
    pub fn plan(name: Option<&CStr>, wishes: Wishes) -> Result<Option<MountNamespace>> {
        if wishes.keep_sys && wishes.keep_etc {
            return Ok(None);
        }
        let mut etc = EtcFiles::of(name.filter(|_| !wishes.keep_etc))?;
        if wishes.strict_etc {
            etc.be_strict();
        }
        if wishes.pin_etc {
            etc.pin()?;
        }
        Ok(Some(MountNamespace {
            sys: if wishes.keep_sys { None } else { Sysfs::plan(name, mounted_below_sys)? },
            etc,
            directory: working_directory()?,
        }))
    }

    /// Plans a mount namespace with only its own /sys. If /proc does not list the mounts below /sys, none of
    /// them is kept, which is better than failing for a caller that asked for nothing more.
    pub fn plan_sys(name: &CStr) -> Result<MountNamespace> {
        let below = || match mounted_below_sys() {
            Err(failure) if failure.errno == Errno::ENOENT => Ok(Strings::default()),
            below => below,
        };
        Ok(MountNamespace {
            sys: Sysfs::plan(Some(name), below)?,
            etc: EtcFiles::default(),
            directory: Strings::default(),
        })
    }

    /// Moves the calling thread into it; the thread then has its own root and working directory. A failure
    /// may leave the work half done.
    pub fn enter(&mut self) -> Result<()> {
        self.enter_without_etc()?;
        self.etc.bind()?;
        if let Some(path) = self.directory.iter().next() {
            // Looking it up again gives the directory that the program sees. If it no longer exists, the
            // program starts in the original one.
            let _ = on_signal(|| chdir(path));
        }
        Ok(())
    }

    /// The same, without the files in /etc.
    pub fn enter_without_etc(&mut self) -> Result<()> {
        unshare(CloneFlags::CLONE_NEWNS).at(Step::UnshareMounts)?;
        // This comes before anything is mounted or cloned, because that would otherwise propagate outside.
        mount::set_propagation(c"/", MsFlags::MS_SLAVE | MsFlags::MS_REC).at(Step::MakeSlave)?;
        match &mut self.sys {
            Some(sys) => sys.mount_anew(),
            None => Ok(()),
        }
    }

    /// Returns the object of `failure`.
    pub fn object_of(&self, failure: Failure) -> Option<&CStr> {
        let item = failure.item()?;
        match failure.step {
            Step::PickUp | Step::PutBack => self.sys.as_ref()?.below.path(item),
            Step::PickUpEtc | Step::PutBackEtc => self.etc.below()?.path(item),
            Step::OpenEtc | Step::LeaveOut => self.etc.pairs().nth(item).map(|(source, _)| source),
            Step::BindEtc | Step::NothingToCover => {
                self.etc.pairs().nth(item).map(|(_, target)| target)
            }
            _ => None,
        }
    }

    /// Returns what had no counterpart, after this has been entered.
    pub fn left_out(&self) -> Option<LeftOut> {
        self.etc.left_out()
    }

    /// Forgets the descriptors that a child has opened in memory that it shared with this process: in this
    /// process their numbers are unused or refer to other files.
    pub fn forget_descriptors(&mut self) {
        if let Some(sys) = &mut self.sys {
            sys.below.forget_descriptors();
        }
        self.etc.forget_descriptors();
    }
}

fn mounted_below_sys() -> Result<Strings> {
    mountinfo::mounted_directly_below(SYS)
}

/// Returns the working directory with symlinks resolved, or nothing if it is neither in /sys nor in /etc.
fn working_directory() -> Result<Strings> {
    let mut found = Strings::default();
    let mut buffer = Vec::new();
    // Not on the stack, which may be too small.
    buffer.try_reserve_exact(libc::PATH_MAX as usize).map_err(|_| Failure::no_memory())?;
    buffer.resize(libc::PATH_MAX as usize, 0);
    // If its path cannot be determined, it cannot be looked up again.
    let path = procfs::read_link(procfs::THREAD_CWD, &mut buffer).unwrap_or_default();
    if path.starts_with(SYS.to_bytes()) || path.starts_with(ETC.to_bytes()) {
        found.push(&[path])?;
    }
    Ok(found)
}
