//! A world of a test's own: network and mount namespaces with an empty /run, which the host never sees.

#[path = "doctest.rs"]
mod private;

use std::env;
use std::process::Command;
use std::thread;

use nix::sched::CloneFlags;

/// Set where a test runs a second time, as root of a user namespace.
const AGAIN: &str = "LIBNETNS_TEST_IN_USER_NAMESPACE";

/// Whether the calling thread, which must be a test's, has got such a world. If not, a plain user's test has
/// been run in a user namespace, or is skipped with a word.
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

/// A process with threads cannot have another user namespace, so it takes another process.
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
