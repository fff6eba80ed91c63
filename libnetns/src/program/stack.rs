//! A stack for a task that works for the calling thread, which waits for it, and a value that both of them
//! use.
//!
//! The mapping is shared: what a child writes there reaches this process even if the child has a copy of
//! everything else.

use std::ffi::c_void;
use std::mem;
use std::ptr::NonNull;

use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};

use crate::error::{Failure, Result};

/// The guard area that a stack overflow hits. No page is larger (CONFIG_PAGE_SIZE_64KB).
const GUARD: usize = 64 * 1024;

/// Includes space for a signal handler of the caller. Untouched pages cost nothing.
const LEN: usize = GUARD + 192 * 1024;

/// The maximum stack alignment of all architectures.
const ALIGNMENT: usize = 64;

/// A stack with a T above it. Nothing may be using either of them when it is dropped.
pub struct Stack<T> {
    value: NonNull<T>,
}

impl<T> Stack<T> {
    /// The offset of the T in the mapping.
    const VALUE: usize = {
        assert!(mem::align_of::<T>() <= ALIGNMENT && mem::size_of::<T>() < GUARD);
        (LEN - mem::size_of::<T>()) / ALIGNMENT * ALIGNMENT
    };

    pub fn new(value: T) -> Result<Stack<T>> {
        let pages = ProtFlags::READ | ProtFlags::WRITE;
        let flags = MapFlags::SHARED | MapFlags::NORESERVE;
        // SAFETY: the kernel chooses an unused address range.
        let start = unsafe { mmap_anonymous(std::ptr::null_mut(), LEN, pages, flags) }
            .map_err(|_| Failure::no_memory())?;
        // SAFETY: the mapping is new, and its first pages are not used for anything else.
        let guarded = unsafe { mprotect(start, GUARD, MprotectFlags::empty()) };
        // SAFETY: there is space for a T at VALUE in the mapping, which is not at NULL.
        let place = unsafe { NonNull::new_unchecked(start.byte_add(Self::VALUE).cast::<T>()) };
        // SAFETY: the place is aligned for a T, and nothing else uses it.
        unsafe { place.write(value) };
        // Dropping this unmaps it.
        let stack = Stack { value: place };
        guarded.map_err(|_| Failure::no_memory()).map(|()| stack)
    }

    /// Returns the initial stack pointer; the stack grows downwards.
    pub fn top(&self) -> *mut c_void {
        self.value.as_ptr().cast()
    }

    /// Returns the value, which two tasks may use only if they synchronize.
    pub fn value(&self) -> *mut T {
        self.value.as_ptr()
    }

    /// Leaks it, for [`Stack::from_raw`].
    pub fn into_raw(self) -> *mut T {
        let value = self.value();
        mem::forget(self);
        value
    }

    /// # Safety
    ///
    /// The pointer must come from [`Stack::into_raw`], and be passed only once.
    pub unsafe fn from_raw(value: *mut T) -> Stack<T> {
        // SAFETY: into_raw() returned a pointer into a mapping, which is not NULL.
        Stack { value: unsafe { NonNull::new_unchecked(value) } }
    }
}

impl<T> Drop for Stack<T> {
    fn drop(&mut self) {
        // SAFETY: new() has stored a T there and created a mapping of LEN bytes that begins VALUE bytes
        // before it; nothing uses either of them any more.
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
    fn into_raw_keeps_value_until_stack_is_dropped() {
        let value = Rc::new(());
        let raw = Stack::new(Rc::clone(&value)).unwrap().into_raw();
        assert_eq!(Rc::strong_count(&value), 2);
        // SAFETY: the pointer comes from into_raw().
        drop(unsafe { Stack::from_raw(raw) });
        assert_eq!(Rc::strong_count(&value), 1);
    }

    #[test]
    fn stack_has_guard_area_below() {
        let stack = Stack::new(0_u64).unwrap();
        let start = stack.top() as usize - Stack::<u64>::VALUE;
        let maps = std::fs::read_to_string("/proc/thread-self/maps").unwrap();
        let guard = format!("{start:08x}-{:08x} ---s", start + GUARD);
        assert!(maps.lines().any(|line| line.starts_with(&guard)), "{guard}\n{maps}");
    }
}
