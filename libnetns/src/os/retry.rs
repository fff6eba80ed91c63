//! Repeating system calls: after a signal, so that no function of the library fails with EINTR, and a few
//! times where a failure may be temporary and the step has to succeed.

use nix::errno::Errno;

use crate::error::{Failure, Result};

/// Repeats a call until it is not interrupted by a signal, like retry_on_intr() for the calls of rustix.
pub fn on_signal<T>(mut call: impl FnMut() -> nix::Result<T>) -> nix::Result<T> {
    loop {
        match call() {
            Err(Errno::EINTR) => {}
            result => return result,
        }
    }
}

/// The maximum number of attempts of a step that may fail temporarily.
const MOST_CALLS: u32 = 8;

/// Repeats a step a few times while `is_temporary` returns `true` for its error.
pub fn a_few_times<T, E>(
    is_temporary: impl Fn(&E) -> bool,
    mut step: impl FnMut() -> std::result::Result<T, E>,
) -> std::result::Result<T, E> {
    for _ in 1..MOST_CALLS {
        match step() {
            Err(error) if is_temporary(&error) => {}
            result => return result,
        }
    }
    step()
}

/// Returns whether the cause was a shortage of memory or descriptors, which says nothing about the object of
/// the call.
pub fn is_shortage(errno: Errno) -> bool {
    matches!(errno, Errno::ENOMEM | Errno::EMFILE | Errno::ENFILE)
}

/// Repeats a step a few times while there is no memory or descriptor, for a step that follows one that cannot
/// be undone.
pub fn when_short<T>(step: impl FnMut() -> Result<T>) -> Result<T> {
    a_few_times(|failure: &Failure| is_shortage(failure.errno), step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_signal_retries_after_eintr() {
        let mut left = 100;
        let result = on_signal(|| {
            left -= 1;
            if left > 0 { Err(Errno::EINTR) } else { Err(Errno::EIO) }
        });
        assert_eq!((result, left), (Err::<(), _>(Errno::EIO), 0));
    }

    #[test]
    fn a_few_times_returns_other_error_at_once() {
        let mut asked = 0;
        let result = a_few_times(
            |errno| *errno == Errno::EAGAIN,
            || {
                asked += 1;
                Err::<(), _>(if asked < 3 { Errno::EAGAIN } else { Errno::EIO })
            },
        );
        assert_eq!((result, asked), (Err(Errno::EIO), 3));
    }

    #[test]
    fn when_short_retries_limited_number_of_times() {
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
