// SPDX-License-Identifier: MIT OR Apache-2.0
//! The crate libnetns, on which the C library is based, as used by a Rust program.

use libnetns::{CreateOptions, Namespace, RunDir};

use crate::{Outcome, TARGET, Work, name_of, serve};

pub fn serve_all() -> Outcome {
    let dir = RunDir::default();
    let target = dir.open(TARGET)?;
    let operations: Vec<Work> = vec![
        ("create", Box::new(|i| done(dir.create(name_of(i))))),
        ("create-up", Box::new(create_up)),
        ("create-anonymous", Box::new(|_| done(Namespace::anonymous()))),
        ("open", Box::new(|_| done(dir.open(TARGET)))),
        ("enter", Box::new(|_| Ok(target.enter()?.leave()?))),
        ("run", Box::new(|_| Ok(target.run(|| ())?))),
        ("run-path", Box::new(|_| Ok(dir.open(TARGET)?.run(|| ())?))),
        ("socket", Box::new(|_| done(target.socket(libc::AF_INET, libc::SOCK_DGRAM, 0)))),
        ("list", Box::new(|_| done(dir.list()))),
        ("attach", Box::new(|i| Ok(dir.attach(&target, name_of(i))?))),
        ("remove", Box::new(|i| Ok(dir.remove(name_of(i))?))),
    ];
    serve("1.0.0", operations)
}

/// Closes what was created.
fn done<T>(made: libnetns::Result<T>) -> Outcome {
    drop(made?);
    Ok(())
}

fn create_up(i: usize) -> Outcome {
    done(CreateOptions::new().lo_up(true).create(name_of(i)))
}
