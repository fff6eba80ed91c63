//! Failures: the errno, the step that failed, and the usual cause or remedy.
//!
//! | file      | contains                                                                 |
//! |-----------|--------------------------------------------------------------------------|
//! | `failure` | `Failure`, the error type of all internal functions, and `At`            |
//! | `step`    | the steps, with the text that a message shows for each                   |
//! | `advice`  | the usual cause or remedy of a step and errno                            |
//!
//! This module imports nothing from the crate and does not know the subject of a call.

mod advice;
mod failure;
mod step;

pub use failure::{At, Cause, Failure, Result, errno};
pub use step::{Place, Step};
