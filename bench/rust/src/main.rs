// SPDX-License-Identifier: MIT OR Apache-2.0
//! usage: netns-bench libnetns|netns-rs|rtnetlink; a worker as described in c/worker.h.

mod libnetns_ways;
mod netns_rs_ways;
mod rtnetlink_ways;

use std::error::Error;
use std::io::{BufRead, Write, stdin, stdout};
use std::time::Instant;

pub type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// Performs the operation once; `i` counts up from 0.
pub type Work<'a> = (&'static str, Box<dyn FnMut(usize) -> Outcome + 'a>);

pub const TARGET: &str = "target";
pub const SANDBOX: &str = "sandbox";

pub fn name_of(i: usize) -> String {
    format!("bench{i}")
}

/// Announces the operations, then executes requests until the input ends.
pub fn serve(version: &str, mut operations: Vec<Work<'_>>) -> Outcome {
    let names: Vec<&str> = operations.iter().map(|(name, _)| *name).collect();
    say(&format!("{version} {}", names.join(" ")))?;
    for line in stdin().lock().lines() {
        let line = line?;
        let (name, count) = line.split_once(' ').ok_or("a line is OPERATION COUNT")?;
        let (_, work) =
            operations.iter_mut().find(|(known, _)| *known == name).ok_or("no such operation")?;
        let count: usize = count.parse()?;
        let start = Instant::now();
        for i in 0..count {
            work(i)?;
        }
        say(&start.elapsed().as_nanos().to_string())?;
    }
    Ok(())
}

fn say(line: &str) -> Outcome {
    let mut out = stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

fn main() -> Outcome {
    match std::env::args().nth(1).as_deref() {
        Some("libnetns") => libnetns_ways::serve_all(),
        Some("netns-rs") => netns_rs_ways::serve_all(),
        Some("rtnetlink") => rtnetlink_ways::serve_all(),
        _ => Err("usage: netns-bench libnetns|netns-rs|rtnetlink".into()),
    }
}
