//! Processes: finding those in a namespace.

use libnetns::error::{Failure, Result};
use libnetns::namespace::pids::{self, PidsFlags};

use crate::boundary;
use crate::convert;
use crate::types::Netns;

/// For netns_pids(): list every thread, by its thread ID.
pub const NETNS_PIDS_THREADS: u32 = 1;

const _: () = assert!(NETNS_PIDS_THREADS == PidsFlags::THREADS.bits());

/// Lists the processes whose main thread is in a network namespace, as the caller's /proc shows
/// them. Processes that the caller has no permission to inspect are left out.
///
/// ns     the network namespace.
/// flags  0, or NETNS_PIDS_THREADS: list every thread in the network namespace, by its thread ID,
///        whatever network namespace its main thread is in.
/// pids   receives the first cap IDs in ascending order; may be NULL if cap is 0.
/// cap    the number of elements of pids.
///
/// Capabilities: none to see the processes that the caller may inspect (PTRACE_MODE_READ, see
/// ptrace(2)); CAP_SYS_PTRACE to see the others, such as those of other users.
///
/// Returns the number of IDs found; if that is greater than cap, enlarge pids and call again. Or
///   -EINVAL     ns is NULL, a flag is unknown, or pids is NULL and cap is not 0
///   -ENOENT     /proc is not mounted, or belongs to another PID namespace
///   -EMFILE, -ENFILE, -ENOMEM  out of file descriptors or memory
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
    // SAFETY: at most cap ids are written, for which the caller has provided space; NULL comes with a cap of
    // 0.
    unsafe { pids.copy_from_nonoverlapping(found.as_ptr(), found.len().min(cap)) };
    Ok(found.len())
}
