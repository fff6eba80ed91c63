// Included by the examples in the documentation: runs them in new network and mount namespaces and, for a
// plain user, in a new user namespace, with an empty /run. They never see those of the host.

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

/// Runs an example, or skips it with a message if such namespaces cannot be created.
#[allow(dead_code)]
fn in_world<E: std::fmt::Debug>(example: fn() -> Result<(), E>) {
    match become_private(CloneFlags::empty()).or_else(|_| become_root()) {
        Ok(()) => example().unwrap(),
        Err(errno) => eprintln!("skipped: namespaces of its own: {errno}"),
    }
}

/// For the calling thread and the threads that it starts.
pub fn become_private(also: CloneFlags) -> nix::Result<()> {
    unshare(CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWNET | also)?;
    let none = None::<&str>;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)?;
    mount(Some("netns-test"), "/run", Some("tmpfs"), MsFlags::empty(), Some("mode=755"))
}

/// For a user namespace; the process must have only one thread.
#[allow(dead_code)]
fn become_root() -> nix::Result<()> {
    let (uid, gid) = (nix::unistd::getuid(), nix::unistd::getgid());
    become_private(CloneFlags::CLONE_NEWUSER)?;
    for (file, text) in [
        ("setgroups", "deny".to_owned()),
        ("uid_map", format!("0 {uid} 1")),
        ("gid_map", format!("0 {gid} 1")),
    ] {
        std::fs::write(format!("/proc/self/{file}"), text).map_err(|_| nix::Error::EPERM)?;
    }
    Ok(())
}
