//! Processes: those in a namespace.

use libnetns::error::{Failure, Result};
use libnetns::namespace::pids::{self, PidsFlags};

use crate::boundary;
use crate::convert;
use crate::types::Netns;

/// For netns_pids(): every thread counts, by its own id.
pub const NETNS_PIDS_THREADS: u32 = 1;

const _: () = assert!(NETNS_PIDS_THREADS == PidsFlags::THREADS.bits());

/// Finds the processes whose main thread is in the namespace, as the caller's /proc shows them.
/// Those that the caller may not look at are left out: another user's, without CAP_SYS_PTRACE.
///
/// flags  NETNS_PIDS_THREADS: every thread in the namespace, by its thread id, whatever namespace
///        the main thread is in.
/// pids   receives the first cap ids, ascending; NULL if cap is 0.
/// cap    how many pids has room for.
///
/// Returns how many there are, which may be more than cap: then make room and call again; or
///   -EINVAL     ns is NULL, a flag is unknown, or pids is NULL and cap is not 0
///   -ENOENT     /proc is not mounted, or is another pid namespace's
///   -EMFILE, -ENFILE, -ENOMEM  no descriptor or memory to be had
///
/// Since 1.0.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn netns_pids(
    ns: Option<&Netns>,
    flags: u32,
    pids: *mut libc::pid_t,
    cap: usize,
) -> libc::ssize_t {
    boundary::call(convert::about_handle("find the processes in", ns), || {
        let ns = convert::handle(ns)?;
        let flags = convert::flags::<PidsFlags>(flags)?;
        if pids.is_null() && cap != 0 {
            return Err(Failure::invalid("no place for the process IDs given"));
        }
        let found = pids::pids(&ns.0, flags)?;
        // SAFETY: the caller passes room for cap ids.
        unsafe { store(&found, pids, cap) }
    })
}

unsafe fn store(found: &[libc::pid_t], pids: *mut libc::pid_t, cap: usize) -> Result<usize> {
    // SAFETY: no more than cap ids are written, to where the caller has room for as many; NULL
    // comes with a cap of 0.
    unsafe { pids.copy_from_nonoverlapping(found.as_ptr(), found.len().min(cap)) };
    Ok(found.len())
}
