use super::*;

use std::fs;

use nix::mount::{MsFlags, mount};

use crate::rundir::entry::OUR_MODE;
use crate::testing::{self, anonymous, bind, bind_file, exists, mounts_on, write};

fn name(text: &CStr) -> Name<'_> {
    Name::new(text).unwrap()
}

fn errno(result: Result<()>) -> Errno {
    result.unwrap_err().errno
}

#[test]
fn every_mount_and_the_file_go() {
    let Some(rundir) = testing::world() else { return };
    for height in [1, 2, 7] {
        write("blue", "", 0o644);
        for _ in 0..height {
            bind(&anonymous(), "blue");
        }
        assert_eq!(mounts_on("blue"), height);
        remove_existing(rundir, name(c"blue")).unwrap();
        assert_eq!(mounts_on("blue"), 0);
        assert!(!exists("blue"));
    }
}

#[test]
fn an_empty_file_goes_whoever_made_it() {
    let Some(rundir) = testing::world() else { return };
    for mode in [OUR_MODE, 0, 0o644] {
        write("blue", "", mode);
        remove_existing(rundir, name(c"blue")).unwrap();
        assert!(!exists("blue"));
    }
}

#[test]
fn what_is_not_there_is_enoent() {
    let Some(rundir) = testing::world() else { return };
    assert_eq!(errno(remove_existing(rundir, name(c"blue"))), Errno::ENOENT);
    assert_eq!(errno(remove_existing(c"/run/none", name(c"blue"))), Errno::ENOENT);
}

#[test]
fn strangers_stay() {
    let Some(rundir) = testing::world() else { return };
    write("file", "kept", 0o644);
    fs::create_dir(testing::path("dir")).unwrap();
    write("uts", "", 0);
    bind_file("/proc/self/ns/uts", "uts");
    for stranger in [c"file", c"dir", c"uts"] {
        assert_eq!(errno(remove_existing(rundir, name(stranger))), Errno::ENOTTY, "{stranger:?}");
        assert!(exists(stranger.to_str().unwrap()));
    }
    assert_eq!(mounts_on("uts"), 1);
    assert_eq!(fs::read_to_string(testing::path("file")).unwrap(), "kept");
}

#[test]
fn a_file_that_is_bound_again_is_not_gone() {
    let Some(rundir) = testing::world() else { return };
    write("blue", "", 0);
    bind(&anonymous(), "blue");
    let dir = RunDir::lock(rundir).unwrap();
    assert_eq!(unlink(rundir, &dir, name(c"blue")), Ok(false));
    assert!(exists("blue"));
    // A name that was already removed also counts as removed.
    assert_eq!(unlink(rundir, &dir, name(c"none")), Ok(true));
}

#[test]
fn an_unmount_that_somebody_else_did_is_as_good() {
    let Some(rundir) = testing::world() else { return };
    write("blue", "", 0);
    bind(&anonymous(), "blue");
    let dir = RunDir::lock(rundir).unwrap();
    assert_eq!(unmount(&dir, name(c"blue")), Ok(()));
    assert_eq!(mounts_on("blue"), 0);
    assert_eq!(unmount(&dir, name(c"blue")), Ok(()));
    assert_eq!(unmount(&dir, name(c"none")), Ok(()));
}

#[test]
fn a_name_that_another_mount_hides_is_unlinked_from_elsewhere() {
    let Some(rundir) = testing::world() else { return };
    write("blue", "", 0);
    bind(&anonymous(), "blue");
    let none = None::<&CStr>;
    mount(Some(rundir), rundir, none, MsFlags::MS_BIND, none).unwrap();
    assert_eq!(mounts_on("blue"), 1);
    let before = fs::read_link("/proc/thread-self/ns/mnt").unwrap();
    remove_existing(rundir, name(c"blue")).unwrap();
    assert_eq!(mounts_on("blue"), 0);
    assert!(!exists("blue"));
    assert_eq!(fs::read_link("/proc/thread-self/ns/mnt").unwrap(), before);
}
