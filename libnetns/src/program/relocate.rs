//! Moving a thread permanently to a network namespace, and to a matching mount namespace.
//!
//! A thread that has unshared its mount namespace cannot switch back, and any of the mounts may fail after
//! that. A helper thread therefore creates the mount namespace, and the calling thread joins it when it is
//! complete. Joining sets the root and working directory to those of the mount namespace (mntns_install() in
//! fs/namespace.c), so they are set again, and requires a root and working directory that no other thread
//! shares. The helper thread joins first, which shows whether the calling thread can.

use std::os::fd::{AsFd, OwnedFd};

use nix::sched::{CloneFlags, setns, unshare};
use nix::unistd::{chroot, fchdir};

use crate::error::{At, Result, Step};
use crate::explain::Detail;
use crate::namespace::handle::Namespace;
use crate::namespace::visit;
use crate::os::helper_thread::on_helper_thread;
use crate::os::open::{LOOK_AT_DIRECTORY, READ, open};
use crate::os::procfs;
use crate::os::retry::{on_signal, when_short};
use crate::os::sigmask::BlockedSignals;
use crate::program::mount_namespace::{MountNamespace, Wishes};

/// Moves the calling thread to `ns` and to a new mount namespace like that of a program. If /sys and /etc are
/// both kept, no mount namespace is created. After a failure the thread is where it was, or the errno is
/// ENOTRECOVERABLE.
pub fn relocate(ns: &Namespace, wishes: Wishes, detail: &Detail) -> Result<()> {
    let Some(mut mounts) = MountNamespace::plan(ns.name(), wishes)? else {
        return visit::set(ns.proved());
    };
    let made = on_helper_thread(|| {
        visit::set(ns.proved())?;
        mounts.enter()?;
        let there = Place::of_thread()?;
        there.join()?;
        Ok(there)
    });
    let there = made.inspect_err(|failure| {
        if let Some(object) = mounts.object_of(*failure) {
            detail.set(object);
        }
    })?;
    let before = Place::of_thread()?;
    let _blocked = BlockedSignals::every()?;
    unshare(CloneFlags::CLONE_FS).at(Step::UnshareFs)?;
    // This comes last, because a thread in a user namespace cannot switch back from the network namespace.
    let moved = there.join().and_then(|()| when_short(|| visit::set(ns.proved())));
    moved.or_else(|failure| {
        if failure.step != Step::JoinMounts {
            before.join().map_err(visit::lost)?;
        }
        Err(failure)
    })
}

/// The place of a thread in the file system.
struct Place {
    mounts: OwnedFd,
    root: OwnedFd,
    directory: OwnedFd,
}

impl Place {
    /// Returns the calling thread's place.
    fn of_thread() -> Result<Place> {
        Ok(Place {
            mounts: open(procfs::THREAD_MNT, READ).at(Step::OpenMounts)?,
            root: open(c"/", LOOK_AT_DIRECTORY).at(Step::OpenRoot)?,
            directory: open(c".", LOOK_AT_DIRECTORY).at(Step::OpenDirectory)?,
        })
    }

    /// Moves the calling thread there, which must have its own root and working directory. If it fails at
    /// [`Step::JoinMounts`], the thread has not moved.
    fn join(&self) -> Result<()> {
        when_short(|| setns(&self.mounts, CloneFlags::CLONE_NEWNS).at(Step::JoinMounts))?;
        go_to(&self.root, Step::SetRoot)?;
        when_short(|| on_signal(|| chroot(c".")).at(Step::SetRoot))?;
        go_to(&self.directory, Step::SetDirectory)
    }
}

fn go_to(directory: &OwnedFd, step: Step) -> Result<()> {
    when_short(|| on_signal(|| fchdir(directory.as_fd())).at(step))
}
