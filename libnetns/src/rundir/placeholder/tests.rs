use super::*;

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};

use crate::rundir::dir::{RunDir, Wait};
use crate::testing::{self, anonymous, bind, exists, write};

fn blue() -> Name<'static> {
    Name::new(c"blue").unwrap()
}

fn inode_of(placeholder: &Placeholder) -> u64 {
    fstat(placeholder).map(|file| stat::inode(&file)).unwrap()
}

#[test]
fn withdraw_removes_only_newly_created_file() {
    let Some(rundir) = testing::world() else { return };
    let dir = RunDir::prepare(rundir, None, Wait::AWhile).unwrap();
    let placeholder = Placeholder::new(&dir, blue()).unwrap();
    let file = fstat(&placeholder).unwrap();
    assert_eq!((file.st_mode & 0o7777, file.st_size), (OUR_MODE, 0));
    fs::remove_file(testing::path("blue")).unwrap();
    write("blue", "", 0);
    placeholder.withdraw(&dir, blue());
    assert!(exists("blue"), "it is another's by now");

    fs::remove_file(testing::path("blue")).unwrap();
    Placeholder::new(&dir, blue()).unwrap().withdraw(&dir, blue());
    assert!(!exists("blue"));

    let left = write("blue", "", OUR_MODE);
    let placeholder = Placeholder::new(&dir, blue()).unwrap();
    assert_eq!(inode_of(&placeholder), stat::inode(&fstat(&left).unwrap()));
    placeholder.withdraw(&dir, blue());
    assert!(exists("blue"), "it was there before");
}

#[test]
fn new_fails_with_eexist_while_name_is_being_created() {
    let Some(rundir) = testing::world() else { return };
    let dir = RunDir::prepare(rundir, None, Wait::AWhile).unwrap();
    let first = Placeholder::new(&dir, blue()).unwrap();
    // Under the lock, the file looks stale because of its mark.
    for _ in 0..2 {
        let failure = Placeholder::new(&dir, blue()).err().unwrap();
        assert_eq!((failure.errno, failure.step), (Errno::EEXIST, Step::BeingCreated));
    }
    drop(first);
    Placeholder::new(&dir, blue()).unwrap();
}

#[test]
fn new_rejects_file_bound_by_another_process() {
    let Some(rundir) = testing::world() else { return };
    let dir = RunDir::prepare(rundir, None, Wait::AWhile).unwrap();
    let file = make(&dir, blue()).unwrap();
    bind(&anonymous(), "blue");
    assert!(Placeholder::of_new(&dir, blue(), file).unwrap().is_none());
    assert_eq!(Placeholder::new(&dir, blue()).err().unwrap().errno, Errno::EEXIST);
    assert_eq!(testing::mounts_on("blue"), 1);
}

#[test]
fn new_rejects_placeholder_of_another_user() {
    let Some(rundir) = testing::world() else { return };
    let dir = RunDir::prepare(rundir, None, Wait::AWhile).unwrap();
    write("blue", "", OUR_MODE);
    chown(testing::path("blue"), Some(1234), None).unwrap();
    let failure = Placeholder::new(&dir, blue()).err().unwrap();
    assert_eq!(
        (failure.errno, failure.hint),
        (Errno::EEXIST, Some("an empty file that belongs to another user"))
    );
    // It is, if the directory belongs to that user as well.
    chown("/run/netns", Some(1234), None).unwrap();
    Placeholder::new(&dir, blue()).unwrap();
}

#[test]
fn new_rejects_file_with_two_hard_links() {
    let Some(rundir) = testing::world() else { return };
    let dir = RunDir::prepare(rundir, None, Wait::AWhile).unwrap();
    write("blue", "", OUR_MODE);
    fs::hard_link(testing::path("blue"), "/run/elsewhere").unwrap();
    assert_eq!(Placeholder::new(&dir, blue()).err().unwrap().errno, Errno::EEXIST);
}

#[test]
fn open_unreadable_restores_file_mode() {
    let Some(rundir) = testing::world() else { return };
    let dir = RunDir::prepare(rundir, None, Wait::AWhile).unwrap();
    write("blue", "", OUR_MODE);
    let (seen, status) = see(&dir, blue()).unwrap().unwrap();
    open_unreadable(&ProcPath::of_fd(seen.as_fd()), &status).unwrap();
    let mode = fs::metadata(testing::path("blue")).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, OUR_MODE);
}
