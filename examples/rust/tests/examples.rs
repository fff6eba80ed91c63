//! The examples do what they say.

#[path = "../../../libnetns/tests/world/mod.rs"]
mod world;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown};
use std::process::{Child, Command, Stdio};

use libnetns::{CreateOptions, Namespace, RunDir, link};

/// Ends the daemon when the test does.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn create(name: &str) -> Namespace {
    CreateOptions::new().lo_up(true).create(name).unwrap()
}

fn check_echo(ns: &Namespace) {
    let mut stream = ns.tcp_stream((Ipv4Addr::LOCALHOST, 7)).unwrap();
    stream.write_all(b"hello").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    assert_eq!(text, "hello");
}

#[test]
fn echod_serves_existing_and_new_names_until_removed() {
    if !world::enter() {
        return;
    }
    let old = create("old");
    let mut daemon = Command::new(env!("CARGO_BIN_EXE_echod"));
    let mut daemon = Daemon(daemon.stdout(Stdio::piped()).spawn().unwrap());
    let mut lines = BufReader::new(daemon.0.stdout.take().unwrap()).lines();
    let mut line = || lines.next().unwrap().unwrap();
    assert_eq!(line(), "serving \"old\"");
    check_echo(&old);
    let new = create("new");
    assert_eq!(line(), "serving \"new\"");
    check_echo(&new);
    check_echo(&old);
    // One that stays connected does not keep the namespace.
    let connected = old.tcp_stream((Ipv4Addr::LOCALHOST, 7)).unwrap();
    RunDir::default().remove("old").unwrap();
    assert_eq!(line(), "left \"old\"");
    let mut end = Vec::new();
    // Reset or closed, as it comes.
    let _ = (&connected).read_to_end(&mut end);
    assert!(end.is_empty());
    check_echo(&new);
}

#[test]
fn links_lists_interfaces_of_namespace() {
    if !world::enter() {
        return;
    }
    let blue = create("blue");
    link::add_veth(&blue, "v0", None, "v1").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_links")).arg("blue").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    assert_eq!(text, "1: lo\n2: v0\n");
    let failed = Command::new(env!("CARGO_BIN_EXE_links")).arg("none").output().unwrap();
    assert!(!failed.status.success());
}
