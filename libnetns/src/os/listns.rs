//! listns(2) of Linux 6.19 (commit 76b6f5dfb3fd), which returns the ids of the namespaces that the caller may
//! see.

use nix::errno::Errno;

use crate::error::{At, Result, Step};
use crate::os::retry::is_shortage;
use crate::util::try_vec;

use super::syscalls::FIRST_CALL;

const SYS_LISTNS: libc::c_long = FIRST_CALL + 470;

/// struct ns_id_req.
#[repr(C)]
struct Request {
    size: u32,
    spare: u32,
    last: u64,
    nstype: u32,
    spare2: u32,
    owner: u64,
}

/// The initial number of ids, and the maximum, which is the kernel's own limit.
const FIRST_ROOM: usize = 4096;
const MOST_ROOM: usize = 1_000_000;

/// Returns the ids of the network namespaces in ascending order, as far as the kernel shows them to the
/// caller. Returns `None` if the kernel is older or a seccomp filter forbids the call.
pub fn network_namespaces() -> Result<Option<Vec<u64>>> {
    let mut ids = Vec::new();
    let mut room = FIRST_ROOM;
    loop {
        try_vec::make_room(&mut ids, room)?;
        match list(&mut ids) {
            Ok(count) if count < room || room == MOST_ROOM => {
                ids.truncate(count);
                return Ok(Some(ids));
            }
            // Read the whole list again, because continuing after the last id would combine two different
            // moments.
            Ok(_) => room = (room * 8).min(MOST_ROOM),
            Err(errno) if is_shortage(errno) => return Err(errno).at(Step::ListNamespaces),
            Err(_) => return Ok(None),
        }
    }
}

fn list(ids: &mut [u64]) -> nix::Result<usize> {
    let size = size_of::<Request>() as u32;
    let nstype = libc::CLONE_NEWNET as u32;
    let request = Request { size, spare: 0, last: 0, nstype, spare2: 0, owner: 0 };
    // SAFETY: the kernel reads the request and writes at most as many ids as fit.
    let count = Errno::result(unsafe {
        libc::syscall(SYS_LISTNS, &raw const request, ids.as_mut_ptr(), ids.len(), 0)
    })?;
    usize::try_from(count).map(|count| count.min(ids.len())).map_err(|_| Errno::EIO)
}
