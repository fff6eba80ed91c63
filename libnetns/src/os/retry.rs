//! System calls that are made again: where a signal came first, so that no function of the library
//! fails with EINTR, and where there is no way back and something is short for a moment only.

use nix::errno::Errno;

use crate::error::Result;

/// Until no signal comes first; what retry_on_intr() is to rustix's calls.
pub fn on_signal<T>(mut call: impl FnMut() -> nix::Result<T>) -> nix::Result<T> {
    loop {
        match call() {
            Err(Errno::EINTR) => {}
            result => return result,
        }
    }
}

/// How often what is short is asked for.
const MOST_CALLS: u32 = 8;

/// Whether there was no memory or descriptor, which says nothing of what was asked.
pub fn is_shortage(errno: Errno) -> bool {
    matches!(errno, Errno::ENOMEM | Errno::EMFILE | Errno::ENFILE)
}

/// A few times while there is no memory or descriptor: for a step that follows on one that cannot be
/// taken back.
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
