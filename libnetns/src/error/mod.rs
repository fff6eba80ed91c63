//! Failures: which errno, at which step, and what the caller can do about it.
//!
//! The ground floor: it knows nothing of what fails.

mod failure;
mod step;

pub use failure::{At, Cause, Failure, Result, errno};
pub use step::{Place, Step};
