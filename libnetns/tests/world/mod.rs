//! Private namespaces for a test: network and mount namespaces with an empty /run, isolated from the host.

#[path = "doctest.rs"]
mod private;

use std::env;
use std::process::Command;
use std::thread;

use nix::sched::CloneFlags;

/// Set if a test runs again, as root of a user namespace.
const AGAIN: &str = "LIBNETNS_TEST_IN_USER_NAMESPACE";

/// Returns whether the calling thread, which must be that of a test, has its own namespaces. Otherwise, the
/// test of a plain user has been run in a user namespace, or is skipped with a message.
pub fn enter() -> bool {
    match private::become_private(CloneFlags::empty()) {
        Ok(()) => true,
        Err(errno) if env::var_os(AGAIN).is_some() => panic!("namespaces of a test's own: {errno}"),
        Err(_) => {
            run_again();
            false
        }
    }
}

/// A process with threads cannot create a user namespace, so this needs another process.
fn run_again() {
    let unshare = || {
        let mut unshare = Command::new("unshare");
        unshare.args(["--user", "--map-root-user", "--mount", "--net"]);
        unshare
    };
    if !unshare().arg("true").status().is_ok_and(|status| status.success()) {
        eprintln!("skipped: no right to namespaces of its own");
        return;
    }
    let test = thread::current().name().expect("a test's thread has its name").to_owned();
    let status = unshare()
        .arg(env::current_exe().unwrap())
        .args(["--exact", &test, "--nocapture"])
        .env(AGAIN, "1")
        .status()
        .unwrap();
    assert!(status.success(), "{test} in a user namespace: {status}");
}
