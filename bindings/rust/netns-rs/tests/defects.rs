//! Defects of netns-rs that this crate does not have.

#[path = "../../../../libnetns/tests/world/mod.rs"]
mod world;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use netns_rs::{DefaultEnv, Env, Error, NetNs, get_from_current_thread, get_from_path};

#[test]
fn panic_in_run_restores_original_namespace() {
    if !world::enter() {
        return;
    }
    let home = get_from_current_thread().unwrap();
    let blue = NetNs::new("blue").unwrap();
    let panicked = catch_unwind(AssertUnwindSafe(|| blue.run(|_| panic!("on purpose"))));
    assert!(panicked.is_err());
    assert_eq!(get_from_current_thread().unwrap(), home);
}

#[test]
fn new_rejects_existing_name() {
    if !world::enter() {
        return;
    }
    let blue = NetNs::new("blue").unwrap();
    assert!(matches!(NetNs::new("blue"), Err(Error::CreateNsError(error))
        if error.raw_os_error() == Some(libc::EEXIST)));
    assert_eq!(NetNs::get("blue").unwrap(), blue);
    blue.remove().unwrap();
    assert!(matches!(NetNs::get("blue"), Err(Error::OpenNsError(path, error))
        if path == Path::new("/var/run/netns/blue") && error.raw_os_error() == Some(libc::ENOENT)));
}

#[test]
fn invalid_names_and_non_namespaces_are_rejected() {
    if !world::enter() {
        return;
    }
    assert!(matches!(get_from_path("/dev/null"), Err(Error::OpenNsError(..))));
    assert!(matches!(get_from_path("/proc/thread-self/ns/mnt"), Err(Error::OpenNsError(..))));
    NetNs::new("blue").unwrap();
    fs::write("/run/netns/file", "").unwrap();
    assert!(matches!(NetNs::get("file"), Err(Error::OpenNsError(..))));
    assert!(matches!(NetNs::get("../netns/blue"), Err(Error::OpenNsError(..))));
    assert!(matches!(NetNs::new("../x"), Err(Error::CreateNsError(_))));
}

#[derive(Debug)]
struct Own(&'static str);

impl Env for Own {
    fn persist_dir(&self) -> PathBuf {
        PathBuf::from(self.0)
    }
}

#[test]
fn every_api_function_works() {
    if !world::enter() {
        return;
    }
    let dir = "/run/own/netns";
    Own(dir).init().unwrap();
    assert!(Own(dir).contains("/run/own/netns/x") && !DefaultEnv.contains("/run/x"));
    let own = NetNs::new_with_env("one", Own(dir)).unwrap();
    assert_eq!(own.path(), Path::new("/run/own/netns/one"));
    assert_eq!(own.env().unwrap().persist_dir(), PathBuf::from(dir));
    assert_eq!(NetNs::get_from_env("one", Own(dir)).unwrap(), own);
    assert_eq!(get_from_path("/run/own/netns/one").unwrap(), own);
    assert!(get_from_path("/run/own/netns/one").unwrap().env().is_none());
    let inode = libnetns::Namespace::of_fd(own.file()).unwrap().inode();
    let shown = own.to_string();
    assert!(shown.starts_with("NetNS { fd: "), "{shown}");
    assert!(shown.ends_with(&format!(", ino: {inode}, path: /run/own/netns/one }}")), "{shown}");
    // It was opened by path, so the name stays.
    get_from_path("/run/own/netns/one").unwrap().remove().unwrap();
    own.remove().unwrap();
    assert!(NetNs::get_from_env("one", Own(dir)).is_err());

    let home = get_from_current_thread().unwrap();
    assert!(home.run(|same| same == &get_from_current_thread().unwrap()).unwrap());
    let blue = NetNs::new("blue").unwrap();
    let seen = NetNs::run_in("blue", |ns| ns == &get_from_current_thread().unwrap()).unwrap();
    assert!(seen && get_from_current_thread().unwrap() == home);
    blue.enter().unwrap();
    assert_eq!(get_from_current_thread().unwrap(), blue);
    assert!(matches!(Own("/proc/none").init(), Err(Error::CreateNsDirError(_))));
    let errors: Box<dyn std::error::Error> = Box::new(Error::SetnsError(nix::Error::EPERM));
    assert_eq!(errors.to_string(), "setns: EPERM: Operation not permitted");
}
