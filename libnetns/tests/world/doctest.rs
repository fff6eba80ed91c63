// What the examples in the documentation include: network, mount and, for a plain user, user namespaces of
// their own, with an empty /run. They never see the host's.

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

/// Runs an example, or skips it with a word where there is no way to such namespaces.
#[allow(dead_code)]
fn in_world<E: std::fmt::Debug>(example: fn() -> Result<(), E>) {
    match become_private(CloneFlags::empty()).or_else(|_| become_root()) {
        Ok(()) => example().unwrap(),
        Err(errno) => eprintln!("skipped: namespaces of its own: {errno}"),
    }
}

/// For the calling thread and those that it starts.
pub fn become_private(also: CloneFlags) -> nix::Result<()> {
    unshare(CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWNET | also)?;
    let none = None::<&str>;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)?;
    mount(Some("netns-test"), "/run", Some("tmpfs"), MsFlags::empty(), Some("mode=755"))
}

/// Of a user namespace; for a process of one thread.
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
