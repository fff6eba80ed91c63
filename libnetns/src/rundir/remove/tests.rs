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
fn remove_unmounts_all_layers_and_deletes_file() {
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
fn remove_deletes_empty_file_of_any_mode() {
    let Some(rundir) = testing::world() else { return };
    for mode in [OUR_MODE, 0, 0o644] {
        write("blue", "", mode);
        remove_existing(rundir, name(c"blue")).unwrap();
        assert!(!exists("blue"));
    }
}

#[test]
fn remove_of_missing_name_fails_with_enoent() {
    let Some(rundir) = testing::world() else { return };
    assert_eq!(errno(remove_existing(rundir, name(c"blue"))), Errno::ENOENT);
    assert_eq!(errno(remove_existing(c"/run/none", name(c"blue"))), Errno::ENOENT);
}

#[test]
fn remove_keeps_other_files_and_fails_with_enotty() {
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
fn unlink_keeps_file_that_is_bound_again() {
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
fn unmount_succeeds_on_unmounted_and_missing_names() {
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
fn remove_deletes_name_hidden_by_another_mount() {
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
