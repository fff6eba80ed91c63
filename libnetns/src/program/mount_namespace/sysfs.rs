//! A new /sys, which shows a network namespace's devices.

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

/// The sysfs of a network namespace is its own; what is mounted below it (cgroups, tracefs, bpf ...)
/// is not its affair, and stays.
pub struct Sysfs {
    /// What mountinfo shows as its device: as `ip netns exec` has it, the namespace's name.
    source: Strings,
    flags: MsFlags,
    pub below: Submounts,
}

impl Sysfs {
    /// None: there is no /sys to mount it on.
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

    /// Mounts a new one and puts back what was on the old one.
    pub fn mount_anew(&mut self) -> Result<()> {
        let are_copies = self.below.pick_up()?;
        if !self.replace(are_copies).at(Step::MountSys)? {
            return Ok(());
        }
        // The directory of one that is left out was a device's of the other namespace.
        self.below.put_back(|_| true)
    }

    /// False: it is the namespace's own already. The new one is mounted while the old one is still
    /// there: a user namespace may mount a sysfs only as long as it sees one.
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
        // In a user namespace the old one may be held fast; then it stays covered.
        let _ = mount::detach(SYS);
        match mount::put_down(new.as_fd(), SYS)? {
            true => Ok(true),
            false => Err(Errno::ENOENT),
        }
    }
}
