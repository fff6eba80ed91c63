//! The mount namespace that a program gets with its network namespace: /sys shows that namespace's
//! devices, and the files of /etc/netns/NAME cover those of /etc.
//!
//! It is planned first, with what the caller sees; carrying it out allocates nothing, since that is
//! done by the child of a process that may have threads.

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

/// What the caller wants otherwise than `ip netns exec` has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// /sys is left alone.
    pub keep_sys: bool,
    /// /etc is left alone, whatever is said about it below.
    pub keep_etc: bool,
    /// A file that has nothing to cover is a failure.
    pub strict_etc: bool,
    /// What covers stays, whatever becomes of the host's /etc.
    pub pin_etc: bool,
}

pub struct MountNamespace {
    sys: Option<Sysfs>,
    etc: EtcFiles,
    /// The working directory, where it may be covered.
    directory: Strings,
}

impl MountNamespace {
    /// For the namespace of that name. None: there is nothing to change, so none is needed.
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

    /// With nothing but /sys of its own. Where /proc does not tell what is mounted below /sys, nothing
    /// of that is kept, which is better than no way at all for who asked for no more.
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

    /// The calling thread is in it from here on; its root and working directory are its own then. A
    /// failure may leave it half done.
    pub fn enter(&mut self) -> Result<()> {
        self.enter_without_etc()?;
        self.etc.bind()?;
        if let Some(path) = self.directory.iter().next() {
            // Looked up anew, it is what the program sees there. Where it is no more, the program
            // starts in the one that it was.
            let _ = on_signal(|| chdir(path));
        }
        Ok(())
    }

    /// The same without the files in /etc.
    pub fn enter_without_etc(&mut self) -> Result<()> {
        unshare(CloneFlags::CLONE_NEWNS).at(Step::UnshareMounts)?;
        // Before anything is mounted, and before anything is cloned: it would be seen outside.
        mount::set_propagation(c"/", MsFlags::MS_SLAVE | MsFlags::MS_REC).at(Step::MakeSlave)?;
        match &mut self.sys {
            Some(sys) => sys.mount_anew(),
            None => Ok(()),
        }
    }

    /// What `failure` was about.
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

    /// What has had nothing to cover, once this has been entered.
    pub fn left_out(&self) -> Option<LeftOut> {
        self.etc.left_out()
    }

    /// Forgets the descriptors that a child has opened in memory that it shared with this process:
    /// here their numbers are nobody's, or somebody else's.
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

/// Symlinks resolved; none if it is neither in /sys nor in /etc.
fn working_directory() -> Result<Strings> {
    let mut found = Strings::default();
    let mut buffer = Vec::new();
    // Not on the stack, which may have no room for it.
    buffer.try_reserve_exact(libc::PATH_MAX as usize).map_err(|_| Failure::no_memory())?;
    buffer.resize(libc::PATH_MAX as usize, 0);
    // One that cannot be told has no path to be looked up anew by.
    let path = procfs::read_link(procfs::THREAD_CWD, &mut buffer).unwrap_or_default();
    if path.starts_with(SYS.to_bytes()) || path.starts_with(ETC.to_bytes()) {
        found.push(&[path])?;
    }
    Ok(found)
}
