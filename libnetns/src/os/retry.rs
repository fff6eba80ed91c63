//! Repeating system calls: after a signal, so that no function of the library fails with EINTR, and after a
//! temporary shortage in a step that cannot be undone.

use nix::errno::Errno;

use crate::error::Result;

/// Repeats a call until it is not interrupted by a signal, like retry_on_intr() for the calls of rustix.
#[inline(always)]
pub fn on_signal<T>(mut call: impl FnMut() -> nix::Result<T>) -> nix::Result<T> {
    loop {
        match call() {
            Err(Errno::EINTR) => {}
            result => return result,
        }
    }
}

/// The maximum number of attempts after a shortage.
const MOST_CALLS: u32 = 8;

/// Returns whether the cause was a shortage of memory or descriptors, which says nothing about the object of
/// the call.
pub fn is_shortage(errno: Errno) -> bool {
    matches!(errno, Errno::ENOMEM | Errno::EMFILE | Errno::ENFILE)
}

/// Repeats a step a few times while there is no memory or descriptor, for a step that follows one that cannot
/// be undone.
pub fn when_short<T>(mut step: impl FnMut() -> Result<T>) -> Result<T> {
    for _ in 1..MOST_CALLS {
        match step() {
            Err(failure) if is_shortage(failure.errno) => {}
            result => return result,
        }
    }
    step()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Failure;

    #[test]
    fn a_signal_only_delays() {
        let mut left = 100;
        let result = on_signal(|| {
            left -= 1;
            if left > 0 { Err(Errno::EINTR) } else { Err(Errno::EIO) }
        });
        assert_eq!((result, left), (Err::<(), _>(Errno::EIO), 0));
    }

    #[test]
    fn what_is_short_is_not_asked_for_without_end() {
        let mut asked = 0;
        let result = when_short(|| {
            asked += 1;
            Err::<(), _>(Failure::no_memory())
        });
        assert_eq!((result, asked), (Err(Failure::no_memory()), MOST_CALLS));
        let mut asked = 0;
        let result = when_short(|| {
            asked += 1;
            if asked < 3 { Err(Failure::no_memory()) } else { Ok(asked) }
        });
        assert_eq!(result, Ok(3));
    }
}
