//! Failures: the errno, the step that failed, and the usual cause or remedy.
//!
//! | file      | contains                                                                 |
//! |-----------|--------------------------------------------------------------------------|
//! | `failure` | `Failure`, which every function of the crate returns, and `At`           |
//! | `step`    | the steps, with the text and the advice that a message has for each      |
//!
//! It imports nothing of the crate, and does not know what a call was about.

mod failure;
mod step;

pub use failure::{At, Cause, Failure, Result, errno};
pub use step::{Place, Step};
