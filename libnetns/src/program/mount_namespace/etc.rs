//! The files of /etc/netns/NAME over those with the same names in /etc.

use std::ffi::CStr;
use std::mem;
use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::mount::MsFlags;

use super::submounts::{Steps, Submounts};
use crate::error::{At, Failure, Result, Step};
use crate::os::mount::{self, PickedUp, Side};
use crate::os::mountinfo;
use crate::os::open::{DIRECTORY, open};
use crate::os::readdir::for_each_entry;
use crate::util::strings::Strings;

pub const ETC: &CStr = c"/etc";
const ETC_NETNS: &CStr = c"/etc/netns";

/// The files of /etc/netns/NAME, each with its counterpart in /etc.
#[derive(Default)]
pub struct EtcFiles {
    /// Source and target paths, alternating.
    paths: Strings,
    is_strict: bool,
    pin: Option<Pin>,
    left_out: Option<LeftOut>,
}

/// The files that the program goes without.
#[derive(Clone, Copy, Debug)]
pub struct LeftOut {
    pub count: i32,
    /// The reason for the first one.
    pub first: Failure,
}

impl EtcFiles {
    pub fn of(name: Option<&CStr>) -> Result<EtcFiles> {
        let mut paths = Strings::default();
        let Some(name) = name.map(CStr::to_bytes) else {
            return Ok(EtcFiles::default());
        };
        let directory = ETC_NETNS.to_bytes();
        let mut own = Strings::default();
        own.push(&[directory, b"/", name])?;
        let dir = match open(own.iter().next().unwrap_or_default(), DIRECTORY) {
            Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP) => return Ok(EtcFiles::default()),
            dir => dir.at(Step::ReadEtc)?,
        };
        for_each_entry(dir.as_fd(), Step::ReadEtc, |entry, _| {
            let entry = entry.to_bytes();
            if entry == b"." || entry == b".." {
                return Ok(());
            }
            paths.push(&[directory, b"/", name, b"/", entry])?;
            paths.push(&[ETC.to_bytes(), b"/", entry])
        })?;
        Ok(EtcFiles { paths, ..EtcFiles::default() })
    }

    pub fn pairs(&self) -> impl Iterator<Item = (&CStr, &CStr)> {
        pairs(&self.paths)
    }

    /// Makes a file without a counterpart an error.
    pub fn be_strict(&mut self) {
        self.is_strict = true;
    }

    /// Keeps the files from being uncovered. If there are none, nothing is done.
    pub fn pin(&mut self) -> Result<()> {
        let count = self.pairs().count();
        if count > 0 {
            self.pin = Some(Pin::plan(count)?);
        }
        Ok(())
    }

    pub fn left_out(&self) -> Option<LeftOut> {
        self.left_out
    }

    /// Returns the mounts below /etc, if they are needed.
    pub fn below(&self) -> Option<&Submounts> {
        self.pin.as_ref().map(|pin| &pin.below)
    }

    /// See [`super::MountNamespace::forget_descriptors`].
    pub fn forget_descriptors(&mut self) {
        if let Some(pin) = &mut self.pin {
            pin.forget_descriptors();
        }
    }

    /// Unlike `ip netns exec`, this covers /etc/resolv.conf itself if it is a symlink: resolvers replace its
    /// target, and the kernel then unmounts what was mounted on the old one.
    pub fn bind(&mut self) -> Result<()> {
        let mut covering = Covering { is_strict: self.is_strict, left_out: None };
        match &mut self.pin {
            None => covering.each(&self.paths, |_, source, target| mount::cover(source, target)),
            Some(pin) => pin.bind(&self.paths, &mut covering),
        }?;
        self.left_out = covering.left_out;
        Ok(())
    }
}

fn pairs(paths: &Strings) -> impl Iterator<Item = (&CStr, &CStr)> {
    paths.iter().step_by(2).zip(paths.iter().skip(1).step_by(2))
}

fn mounted_below_etc() -> Result<Strings> {
    mountinfo::mounted_directly_below(ETC).map_err(|failure| match failure.step {
        Step::ReadMounts => failure.at_step(Step::ReadEtcMounts),
        _ => failure,
    })
}

struct Covering {
    is_strict: bool,
    left_out: Option<LeftOut>,
}

impl Covering {
    /// Calls `work` with the index of each pair and its two paths.
    fn each(
        &mut self,
        paths: &Strings,
        mut work: impl FnMut(usize, &CStr, &CStr) -> std::result::Result<(), (Side, Errno)>,
    ) -> Result<()> {
        for (item, (source, target)) in pairs(paths).enumerate() {
            match work(item, source, target) {
                Ok(()) => {}
                Err((Side::Way, errno)) => {
                    let failed = Err(errno).at_item(Step::BindEtc, item);
                    return failed.map_err(|failure| failure.hint("check that /proc is mounted"));
                }
                // The counterpart does not exist, or one of the two is a directory.
                Err((side, errno @ (Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP)))
                    if !self.is_strict =>
                {
                    self.leave_out(item, side, errno)?;
                }
                Err((side, errno)) => {
                    let step = if side == Side::Source { Step::OpenEtc } else { Step::BindEtc };
                    return Err(errno).at_item(step, item);
                }
            }
        }
        Ok(())
    }

    fn leave_out(&mut self, item: usize, side: Side, errno: Errno) -> Result<()> {
        let step = if side == Side::Source { Step::LeaveOut } else { Step::NothingToCover };
        let Err(failure) = Err::<(), _>(errno).at_item(step, item) else { return Ok(()) };
        match &mut self.left_out {
            Some(left_out) => left_out.count += 1,
            None => self.left_out = Some(LeftOut { count: 1, first: failure }),
        }
        Ok(())
    }
}

/// Keeps the host from uncovering the files: if the host replaces a file in its /etc with rename(2), the
/// kernel unmounts what is mounted on the old one. The files are therefore mounted on a read-only overlay of
/// /etc, which has its own entries.
struct Pin {
    flags: MsFlags,
    below: Submounts,
    /// One per pair.
    files: Vec<PinnedFile>,
}

#[derive(Default)]
struct PinnedFile {
    /// Set while the overlay is created.
    picked: Option<PickedUp>,
    covers: bool,
}

/// An overlay without an upper layer needs two lower layers. The second one is empty, and is mounted on a
/// directory that certainly exists.
const LAYERS: &CStr = c"lowerdir=/etc:/etc/netns";

impl Pin {
    fn plan(count: usize) -> Result<Pin> {
        let steps = Steps { pick_up: Step::PickUpEtc, put_back: Step::PutBackEtc };
        let mut files = Vec::new();
        files.try_reserve_exact(count).map_err(|_| Failure::no_memory())?;
        files.resize_with(count, PinnedFile::default);
        Ok(Pin {
            flags: mount::flags_of(ETC).at(Step::PinEtc)? | MsFlags::MS_RDONLY,
            below: Submounts::new(mounted_below_etc()?, steps)?,
            files,
        })
    }

    fn bind(&mut self, paths: &Strings, covering: &mut Covering) -> Result<()> {
        // This comes before /etc/netns is hidden.
        covering.each(paths, |item, source, _| {
            let picked = mount::pick_up_alone(source).map_err(|errno| (Side::Source, errno))?;
            self.files[item].picked = Some(picked);
            Ok(())
        })?;
        self.below.pick_up()?;
        self.mount_overlay().at(Step::PinEtc)?;
        covering.each(paths, |item, _, target| {
            let file = &mut self.files[item];
            let Some(picked) = file.picked.take() else { return Ok(()) };
            picked.cover(target)?;
            file.covers = true;
            Ok(())
        })?;
        // Not below a covering file, nor in its place: mounted on an older mount, it would be unmounted
        // together with that mount's file.
        let files = &self.files;
        let is_covered = |path: &CStr| {
            pairs(paths).zip(files).any(|((_, target), file)| file.covers && is_in(path, target))
        };
        self.below.put_back(|path| !is_covered(path))
    }

    fn mount_overlay(&self) -> nix::Result<()> {
        mount::mount_new(c"tmpfs", c"tmpfs", ETC_NETNS, MsFlags::MS_RDONLY)?;
        let layer = open(ETC_NETNS, DIRECTORY)?;
        mount::mount_with(c"overlay", c"overlay", ETC, self.flags, Some(LAYERS))?;
        // The overlay holds it, so it can be unmounted here. /etc/netns may be a symlink to another
        // directory. Without /proc it stays mounted.
        let _ = mount::detach_open(layer.as_fd());
        Ok(())
    }

    fn forget_descriptors(&mut self) {
        for file in &mut self.files {
            mem::forget(file.picked.take());
        }
        self.below.forget_descriptors();
    }
}

/// Returns whether `path` is `place` or below it.
fn is_in(path: &CStr, place: &CStr) -> bool {
    let rest = path.to_bytes().strip_prefix(place.to_bytes());
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_in_compares_whole_path_components() {
        assert!(is_in(c"/etc/dir", c"/etc/dir"));
        assert!(is_in(c"/etc/dir/file", c"/etc/dir"));
        assert!(!is_in(c"/etc/directory", c"/etc/dir"));
        assert!(!is_in(c"/etc", c"/etc/dir"));
    }
}
