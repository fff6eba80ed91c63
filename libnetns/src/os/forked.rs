//! Distinguishes a process from the process that it was forked from.
//!
//! A child of fork(2) shares the resources that a handle caches, and the two processes must not both use
//! them. The process ID cannot distinguish them, because two PID namespaces use the same ids. Instead the
//! library uses a page that the kernel clears when it copies memory for a child (MADV_WIPEONFORK, Linux
//! 4.14); checking it requires no system call.
//!
//! The page and the counter are the library's only state that all threads share. Callers cannot observe it
//! and no call's result depends on it: without them, no connection is cached.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::mm::{Advice, madvise};

/// The largest page size of the architecture, or a multiple of the page size in use.
const PAGE: usize =
    if cfg!(any(target_arch = "x86", target_arch = "x86_64")) { 4096 } else { 65536 };
const PAGE_WORDS: usize = PAGE / size_of::<AtomicU32>();

/// Contains a whole page, at whatever address it begins. Unlike a mapping, it is unmapped together with the
/// library.
static ROOM: [AtomicU32; 2 * PAGE_WORDS] = [const { AtomicU32::new(0) }; 2 * PAGE_WORDS];

/// The last mark that this process or one of its ancestors has assigned.
static LAST: AtomicU32 = AtomicU32::new(0);

/// Returns a number that is stable until the memory is copied for a child, and that differs from the number
/// of every ancestor of this process. Returns `None` if the kernel does not support this.
pub fn mark() -> Option<NonZeroU32> {
    let mark = page().first()?;
    NonZeroU32::new(mark.load(Ordering::Relaxed)).or_else(|| set_up(mark))
}

fn set_up(mark: &AtomicU32) -> Option<NonZeroU32> {
    // SAFETY: the page belongs to this module, and its words are atomic. A child finds zeros in them, which
    // is intended and a valid value.
    unsafe { madvise(page().as_ptr().cast_mut().cast(), PAGE, Advice::LinuxWipeOnFork) }.ok()?;
    let new = LAST.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
    match mark.compare_exchange(0, new, Ordering::Relaxed, Ordering::Relaxed) {
        Ok(_) => NonZeroU32::new(new),
        // Another thread set it first.
        Err(mark) => NonZeroU32::new(mark),
    }
}

fn page() -> &'static [AtomicU32] {
    let begin = ROOM.as_ptr().addr();
    let before = (begin.next_multiple_of(PAGE) - begin) / size_of::<AtomicU32>();
    &ROOM[before..before + PAGE_WORDS]
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::wait::{WaitStatus, waitpid};
    use nix::unistd::{ForkResult, fork};

    fn exit_status_of_child(child: impl FnOnce() -> i32) -> i32 {
        // SAFETY: the child calls only functions that are safe after a fork, and then ends.
        match unsafe { fork() }.unwrap() {
            // SAFETY: this ends the process.
            ForkResult::Child => unsafe { libc::_exit(child()) },
            ForkResult::Parent { child } => match waitpid(child, None) {
                Ok(WaitStatus::Exited(_, status)) => status,
                other => panic!("{other:?}"),
            },
        }
    }

    #[test]
    fn page_is_aligned_and_complete() {
        assert_eq!(page().as_ptr().addr() % PAGE, 0);
        assert_eq!(size_of_val(page()), PAGE);
    }

    #[test]
    fn mark_differs_in_child_and_grandchild() {
        let own = mark().unwrap();
        assert_eq!(mark(), Some(own));
        let status = exit_status_of_child(|| {
            let child = mark();
            if child.is_none() || child == Some(own) || child != mark() {
                return 1;
            }
            exit_status_of_child(|| i32::from([None, child, Some(own)].contains(&mark())))
        });
        assert_eq!(status, 0);
        assert_eq!(mark(), Some(own));
    }
}
