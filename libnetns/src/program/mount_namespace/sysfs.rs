//! A new /sys that shows the interfaces of a network namespace.

use std::ffi::CStr;
use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::mount::MsFlags;

use super::submounts::{Steps, Submounts};
use crate::error::{At, Result, Step};
use crate::os::mount;
use crate::util::strings::Strings;

pub const SYS: &CStr = c"/sys";
const SYSFS: &CStr = c"sysfs";

/// Each network namespace has its own sysfs. The mounts below it (cgroups, tracefs, bpf ...) are independent
/// of it, and are kept.
pub struct Sysfs {
    /// The source that mountinfo shows: the name of the namespace, as with `ip netns exec`.
    source: Strings,
    flags: MsFlags,
    pub below: Submounts,
}

impl Sysfs {
    /// Returns `None` if there is no /sys to mount it on.
    pub fn plan(
        name: Option<&CStr>,
        below: impl FnOnce() -> Result<Strings>,
    ) -> Result<Option<Sysfs>> {
        let flags = match mount::flags_of(SYS) {
            Err(Errno::ENOENT) => return Ok(None),
            flags => flags.at(Step::MountSys)?,
        };
        let below = below()?;
        let mut source = Strings::default();
        source.push(&[name.map_or(SYSFS.to_bytes(), CStr::to_bytes)])?;
        let steps = Steps { pick_up: Step::PickUp, put_back: Step::PutBack };
        Ok(Some(Sysfs { source, flags, below: Submounts::new(below, steps)? }))
    }

    /// Mounts a new sysfs and restores the mounts that were on the old one.
    pub fn mount_anew(&mut self) -> Result<()> {
        let are_copies = self.below.pick_up()?;
        if !self.replace(are_copies).at(Step::MountSys)? {
            return Ok(());
        }
        // If a mount point does not exist, it belonged to a device in the other namespace.
        self.below.put_back(|_| true)
    }

    /// Returns false if it already is the namespace's own. The new one is mounted while the old one still
    /// exists, because a user namespace may mount a sysfs only while it sees one.
    fn replace(&self, are_copies: bool) -> nix::Result<bool> {
        let source = self.source.iter().next().unwrap_or(SYSFS);
        match mount::mount_new(SYSFS, source, SYS, self.flags) {
            Err(Errno::EBUSY) => return Ok(false),
            result => result?,
        }
        // Before Linux 5.2 the old one stays below, with what is still mounted on it.
        if !are_copies {
            return Ok(true);
        }
        let new = match mount::copy(SYS) {
            Err(Errno::ENOSYS | Errno::EPERM) => return Ok(true),
            new => new?,
        };
        mount::detach(SYS)?;
        // In a user namespace the old one may be locked; it then stays covered.
        let _ = mount::detach(SYS);
        match mount::put_down(new.as_fd(), SYS)? {
            true => Ok(true),
            false => Err(Errno::ENOENT),
        }
    }
}
