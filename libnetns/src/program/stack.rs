//! A stack for a task that works for the calling thread while that waits, and something that both of
//! them use.
//!
//! The mapping is shared: what a child writes there reaches this process even where the child has a
//! copy of everything else.

use std::ffi::c_void;
use std::mem;
use std::ptr::NonNull;

use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};

use crate::error::{Failure, Result};

/// What a task that overflows its stack runs into. No page is larger (CONFIG_PAGE_SIZE_64KB).
const GUARD: usize = 64 * 1024;

/// A signal handler of the caller's may run on it. Pages that nobody touches cost nothing.
const LEN: usize = GUARD + 192 * 1024;

/// No architecture aligns a stack to more.
const ALIGNMENT: usize = 64;

/// A stack with a T above it. When it is dropped, nobody may be using either.
pub struct Stack<T> {
    value: NonNull<T>,
}

impl<T> Stack<T> {
    /// Where the T is in the mapping.
    const VALUE: usize = {
        assert!(mem::align_of::<T>() <= ALIGNMENT && mem::size_of::<T>() < GUARD);
        (LEN - mem::size_of::<T>()) / ALIGNMENT * ALIGNMENT
    };

    pub fn new(value: T) -> Result<Stack<T>> {
        let pages = ProtFlags::READ | ProtFlags::WRITE;
        let flags = MapFlags::SHARED | MapFlags::NORESERVE;
        // SAFETY: the kernel chooses a place where nothing is mapped.
        let start = unsafe { mmap_anonymous(std::ptr::null_mut(), LEN, pages, flags) }
            .map_err(|_| Failure::no_memory())?;
        // SAFETY: the mapping is new, and the first pages of it are used for nothing else.
        let guarded = unsafe { mprotect(start, GUARD, MprotectFlags::empty()) };
        // SAFETY: behind VALUE there is room for a T in the mapping, which is not at NULL.
        let place = unsafe { NonNull::new_unchecked(start.byte_add(Self::VALUE).cast::<T>()) };
        // SAFETY: the place is aligned for a T, and nobody else knows it.
        unsafe { place.write(value) };
        // The drop unmaps it.
        let stack = Stack { value: place };
        guarded.map_err(|_| Failure::no_memory()).map(|()| stack)
    }

    /// Where the task's stack begins, to grow downwards.
    pub fn top(&self) -> *mut c_void {
        self.value.as_ptr().cast()
    }

    /// The value, which two tasks may use only as far as they keep out of each other's way.
    pub fn value(&self) -> *mut T {
        self.value.as_ptr()
    }

    /// Leaves it as it is, for [`Stack::from_raw`].
    pub fn into_raw(self) -> *mut T {
        let value = self.value();
        mem::forget(self);
        value
    }

    /// # Safety
    ///
    /// The pointer is what [`Stack::into_raw`] gave, and becomes a stack again only once.
    pub unsafe fn from_raw(value: *mut T) -> Stack<T> {
        // SAFETY: into_raw() gave a pointer into a mapping, which is not NULL.
        Stack { value: unsafe { NonNull::new_unchecked(value) } }
    }
}

impl<T> Drop for Stack<T> {
    fn drop(&mut self) {
        // SAFETY: new() has put a T there, and made a mapping of LEN bytes that begins VALUE bytes
        // before it; both are used by nobody any more.
        let _ = unsafe {
            self.value.drop_in_place();
            munmap(self.value.as_ptr().byte_sub(Self::VALUE).cast(), LEN)
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::rc::Rc;

    #[test]
    fn the_value_is_dropped_with_its_stack_and_only_then() {
        let value = Rc::new(());
        let raw = Stack::new(Rc::clone(&value)).unwrap().into_raw();
        assert_eq!(Rc::strong_count(&value), 2);
        // SAFETY: into_raw() gave it.
        drop(unsafe { Stack::from_raw(raw) });
        assert_eq!(Rc::strong_count(&value), 1);
    }

    #[test]
    fn there_is_a_guard_below_the_stack() {
        let stack = Stack::new(0_u64).unwrap();
        let start = stack.top() as usize - Stack::<u64>::VALUE;
        let maps = std::fs::read_to_string("/proc/thread-self/maps").unwrap();
        let guard = format!("{start:08x}-{:08x} ---s", start + GUARD);
        assert!(maps.lines().any(|line| line.starts_with(&guard)), "{guard}\n{maps}");
    }
}
