//! Failures: the errno, the step that failed, and the usual cause or remedy.
//!
//! | file      | contains                                                                 |
//! |-----------|--------------------------------------------------------------------------|
//! | `failure` | `Failure`, which every function of the crate returns, and `At`           |
//! | `step`    | the steps, with the text that a message has for each                     |
//! | `advice`  | the usual cause or remedy of a step and errno                            |
//!
//! It imports nothing of the crate, and does not know what a call was about.

mod advice;
mod failure;
mod step;

pub use failure::{At, Cause, Failure, Result, errno};
pub use step::{Place, Step};
