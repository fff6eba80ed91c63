// SPDX-License-Identifier: MIT OR Apache-2.0
//! Runs a command in every network namespace that has a name, in all of them at once, and prints what
//! each prints behind the name.
//!
//! ```text
//! cargo add libnetns && cp each.rs src/main.rs && cargo build
//! sudo target/debug/each ip -brief address
//! ```
//!
//! Privilege: `CAP_SYS_ADMIN`. Cleanup: none; it creates no namespace.

use std::ffi::{OsStr, OsString};
use std::process::{ExitCode, Output};
use std::{env, thread};

use libnetns::{ErrorKind, Namespace, RunDir};

fn main() -> ExitCode {
    let command: Vec<OsString> = env::args_os().skip(1).collect();
    let Some((program, args)) = command.split_first() else {
        eprintln!("usage: each COMMAND [ARGUMENT...]");
        return ExitCode::from(2);
    };
    match run_in_each(program, args) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("each: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Returns whether the command succeeded in all of them.
fn run_in_each(program: &OsStr, args: &[OsString]) -> libnetns::Result<bool> {
    let entries = RunDir::default().list()?;
    // Threads of this process stay where they are: only the commands run in the namespaces.
    let results = thread::scope(|scope| {
        let running: Vec<_> = entries
            .iter()
            .map(|entry| (entry, scope.spawn(|| run_in(&entry.name, program, args))))
            .collect();
        let join = |(entry, thread): (_, thread::ScopedJoinHandle<_>)| (entry, thread.join());
        running.into_iter().map(join).collect::<Vec<_>>()
    });
    let mut all_succeeded = true;
    for (entry, result) in results {
        // The panic of a thread goes on here.
        all_succeeded &= match result.unwrap_or_else(|panic| std::panic::resume_unwind(panic)) {
            Ok(Some(output)) => show(&entry.name, &output),
            Ok(None) => true,
            Err(error) => {
                eprintln!("each: {error}");
                false
            }
        };
    }
    Ok(all_succeeded)
}

/// Returns what the command printed, or `None` if the name has been removed since it was listed.
fn run_in(name: &OsStr, program: &OsStr, args: &[OsString]) -> libnetns::Result<Option<Output>> {
    let ns = match Namespace::open(name) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    // With /sys and /etc/netns/NAME as `ip netns exec` has them, and nothing to read on stdin.
    ns.command(program).args(args).output().map(Some)
}

/// Prints the output, each line behind the name. Returns whether the command succeeded.
fn show(name: &OsStr, output: &Output) -> bool {
    let name = name.to_string_lossy();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        println!("{name}: {line}");
    }
    for line in String::from_utf8_lossy(&output.stderr).lines() {
        eprintln!("{name}: {line}");
    }
    if !output.status.success() {
        eprintln!("{name}: {}", output.status);
    }
    output.status.success()
}
