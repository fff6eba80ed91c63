//! Helpers for the unit tests: a private run directory for the thread that a test runs on.

use std::ffi::CStr;
use std::fs::{self, File, OpenOptions, Permissions};
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

use crate::namespace::handle::Namespace;
use crate::os::mount;
use crate::rundir::create::{self, CreateFlags};
use crate::rundir::name::DEFAULT_RUN_DIR;

/// Creates an empty run directory in a private mount namespace, which threads that are started later share.
/// Without privileges, prints the reason to stderr and returns `None`.
pub fn world() -> Option<&'static CStr> {
    if let Err(errno) = unshare(CloneFlags::CLONE_NEWNS) {
        eprintln!("skipped: cannot create a mount namespace: {errno}");
        return None;
    }
    mount::set_propagation(c"/", MsFlags::MS_REC | MsFlags::MS_PRIVATE).unwrap();
    mount(Some(c"netns-test"), c"/run", Some(c"tmpfs"), MsFlags::empty(), Some(c"mode=755"))
        .unwrap();
    fs::create_dir("/run/netns").unwrap();
    Some(DEFAULT_RUN_DIR)
}

/// Returns the path of a name in the private run directory.
pub fn path(name: &str) -> String {
    format!("/run/netns/{name}")
}

/// Creates a file with a name.
pub fn write(name: &str, text: &str, mode: u32) -> File {
    fs::write(path(name), text).unwrap();
    fs::set_permissions(path(name), Permissions::from_mode(mode)).unwrap();
    OpenOptions::new().read(true).open(path(name)).unwrap()
}

pub fn exists(name: &str) -> bool {
    fs::symlink_metadata(path(name)).is_ok()
}

/// Binds a namespace on an existing file.
pub fn bind(ns: &Namespace, name: &str) {
    let file = File::open(path(name)).unwrap();
    mount::bind_namespace(ns.as_fd(), file.as_fd()).unwrap();
}

/// Binds any file on an existing file.
pub fn bind_file(source: &str, name: &str) {
    let none = None::<&CStr>;
    mount(Some(source), path(name).as_str(), none, MsFlags::MS_BIND, none).unwrap();
}

pub fn anonymous() -> Namespace {
    create::create_anonymous(CreateFlags::empty()).unwrap()
}

/// Returns the number of mounts on a name or, if it is empty, on the run directory.
pub fn mounts_on(name: &str) -> usize {
    let path = path(name);
    let path = path.trim_end_matches('/');
    let mounts = fs::read_to_string("/proc/thread-self/mountinfo").unwrap();
    mounts.lines().filter(|line| line.split(' ').nth(4) == Some(path)).count()
}
