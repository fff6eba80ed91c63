//! Tells a process from the one that it was forked from.
//!
//! What a handle keeps is shared with a child of fork(2), and both must not use it. A process id does
//! not tell: two pid namespaces use the same ones. The kernel tells, by a page that it clears where it
//! copies memory for a child (MADV_WIPEONFORK, Linux 4.14); it costs no system call to look at it.
//!
//! The page and the counter are the library's one state that all threads share. Neither is anything
//! that a caller could see or that a call's result depends on: without them no connection is kept.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::mm::{Advice, madvise};

/// The largest page of the architecture, or a multiple of whichever it uses.
const PAGE: usize =
    if cfg!(any(target_arch = "x86", target_arch = "x86_64")) { 4096 } else { 65536 };
const PAGE_WORDS: usize = PAGE / size_of::<AtomicU32>();

/// Has a whole page in it, wherever it begins. It goes away with the library, as a mapping would not.
static ROOM: [AtomicU32; 2 * PAGE_WORDS] = [const { AtomicU32::new(0) }; 2 * PAGE_WORDS];

/// The last mark that this process, or one that it comes from, has taken.
static LAST: AtomicU32 = AtomicU32::new(0);

/// A number that stays the same as long as the memory is not copied for a child, and that no process
/// has which this one was forked from. None: the kernel cannot tell.
pub fn mark() -> Option<NonZeroU32> {
    let mark = page().first()?;
    NonZeroU32::new(mark.load(Ordering::Relaxed)).or_else(|| set_up(mark))
}

fn set_up(mark: &AtomicU32) -> Option<NonZeroU32> {
    // SAFETY: the page is ours alone, and its words are atomic: that a child finds zero in them is what
    // is wanted, and zero is a value of theirs.
    unsafe { madvise(page().as_ptr().cast_mut().cast(), PAGE, Advice::LinuxWipeOnFork) }.ok()?;
    let new = LAST.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
    match mark.compare_exchange(0, new, Ordering::Relaxed, Ordering::Relaxed) {
        Ok(_) => NonZeroU32::new(new),
        // Another thread was first.
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
        // SAFETY: the child calls what is safe after a fork, and ends.
        match unsafe { fork() }.unwrap() {
            // SAFETY: it ends the process.
            ForkResult::Child => unsafe { libc::_exit(child()) },
            ForkResult::Parent { child } => match waitpid(child, None) {
                Ok(WaitStatus::Exited(_, status)) => status,
                other => panic!("{other:?}"),
            },
        }
    }

    #[test]
    fn the_room_has_a_whole_page_in_it() {
        assert_eq!(page().as_ptr().addr() % PAGE, 0);
        assert_eq!(size_of_val(page()), PAGE);
    }

    #[test]
    fn a_child_has_another_mark_than_all_that_it_comes_from() {
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
