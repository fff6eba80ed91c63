use super::*;

use std::fs;
use std::thread;
use std::time::Instant;

use crate::os::mount;
use crate::os::stat::fstat;
use crate::rundir::entry::OUR_MODE;
use crate::rundir::publish::publish_in;
use crate::rundir::remove::{self, RemoveFlags, remove};
use crate::testing::{self, anonymous, bind, exists, mounts_on, write};

const BLUE: &CStr = c"blue";

fn blue() -> Name<'static> {
    Name::new(BLUE).unwrap()
}

fn inode_of(name: &str) -> u64 {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(testing::path(name)).unwrap().ino()
}

#[test]
fn create_binds_name_and_remove_deletes_it() {
    let Some(rundir) = testing::world() else { return };
    let ns = create(rundir, blue(), CreateFlags::empty()).unwrap();
    assert_eq!((ns.name(), ns.path()), (Some(BLUE), Some(c"/run/netns/blue")));
    assert_eq!(inode_of("blue"), ns.inode());
    assert_eq!(mounts_on("blue"), 1);
    assert_eq!(open_named(rundir, blue()).unwrap(), ns);
    remove(rundir, blue(), RemoveFlags::empty()).unwrap();
    assert_eq!(mounts_on("blue"), 0);
    assert!(!exists("blue"));
}

#[test]
fn attach_names_existing_namespace() {
    let Some(rundir) = testing::world() else { return };
    let ns = anonymous();
    assert_eq!((ns.name(), ns.path()), (None, None));
    attach(rundir, &ns, blue()).unwrap();
    assert_eq!(inode_of("blue"), ns.inode());
    assert_eq!(attach(rundir, &ns, blue()).unwrap_err().errno, Errno::EEXIST);
    assert_eq!(mounts_on("blue"), 1);
}

#[test]
fn remove_with_missing_ok_ignores_missing_name() {
    let Some(rundir) = testing::world() else { return };
    let missing = remove(rundir, blue(), RemoveFlags::empty());
    assert_eq!(missing.unwrap_err().errno, Errno::ENOENT);
    remove(rundir, blue(), RemoveFlags::MISSING_OK).unwrap();
}

#[test]
fn create_opens_existing_name_only_with_exist_ok() {
    let Some(rundir) = testing::world() else { return };
    let ns = create(rundir, blue(), CreateFlags::empty()).unwrap();
    let again = create(rundir, blue(), CreateFlags::empty());
    assert_eq!(again.unwrap_err().errno, Errno::EEXIST);
    assert_eq!(create(rundir, blue(), CreateFlags::EXIST_OK).unwrap(), ns);
    assert_eq!(mounts_on("blue"), 1);
}

#[test]
fn create_with_exist_ok_waits_for_concurrent_bind() {
    let Some(rundir) = testing::world() else { return };
    let theirs = anonymous();
    write("blue", "", 0);
    let found = thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(Duration::from_millis(100));
            bind(&theirs, "blue");
        });
        create(rundir, blue(), CreateFlags::EXIST_OK)
    });
    assert_eq!(found.unwrap(), theirs);
    assert_eq!(mounts_on("blue"), 1);
}

#[test]
fn create_retries_after_placeholder_is_removed() {
    let Some(rundir) = testing::world() else { return };
    write("blue", "", 0);
    let start = Instant::now();
    let made = thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(Duration::from_millis(100));
            fs::remove_file(testing::path("blue")).unwrap();
        });
        create(rundir, blue(), CreateFlags::EXIST_OK)
    });
    assert_eq!(made.unwrap().inode(), inode_of("blue"));
    // Well before the file would be stale.
    assert!(start.elapsed() < entry::STALE_AGE / 2);
}

#[test]
fn create_reuses_placeholder_of_killed_creator() {
    let Some(rundir) = testing::world() else { return };
    for flags in [CreateFlags::empty(), CreateFlags::EXIST_OK] {
        let left = write("blue", "", OUR_MODE);
        let ns = create(rundir, blue(), flags).unwrap();
        assert_eq!(inode_of("blue"), ns.inode());
        assert_eq!(fstat(&left).unwrap().st_nlink, 1);
        remove(rundir, blue(), RemoveFlags::empty()).unwrap();
        assert_eq!(fstat(&left).unwrap().st_nlink, 0);
    }
}

#[test]
fn create_and_attach_reject_name_being_created() {
    let Some(rundir) = testing::world() else { return };
    write("blue", "", 0);
    for result in [
        create(rundir, blue(), CreateFlags::empty()).map(drop),
        attach(rundir, &anonymous(), blue()),
    ] {
        let failure = result.unwrap_err();
        assert_eq!((failure.errno, failure.step), (Errno::EEXIST, Step::BeingCreated));
    }
    assert!(exists("blue"));
}

#[test]
fn unlink_keeps_bound_name() {
    let Some(rundir) = testing::world() else { return };
    create(rundir, blue(), CreateFlags::empty()).unwrap();
    let dir = RunDir::prepare(rundir, None, Wait::AWhile).unwrap();
    assert_eq!(remove::unlink(rundir, &dir, blue()), Ok(false));
    assert_eq!(mounts_on("blue"), 1);
    assert_eq!(remove::unlink(rundir, &dir, Name::new(c"none").unwrap()), Ok(true));
}

/// A file that is not a namespace, on a mount that is not one of the test's, cannot be bound.
fn publish_pipe(rundir: &CStr) -> Result<()> {
    let pipe = nix::unistd::pipe().unwrap();
    let mut dir = RunDir::prepare(rundir, None, Wait::AWhile).unwrap();
    let result = publish_in(&mut dir, rundir, blue(), pipe.0.as_fd(), 0);
    dir.take_mount_back(rundir);
    result
}

#[test]
fn failed_bind_removes_only_its_own_placeholder() {
    let Some(rundir) = testing::world() else { return };
    let failure = publish_pipe(rundir).unwrap_err();
    assert_eq!(failure.step, Step::Bind);
    assert!(!exists("blue"));
    assert_eq!(mounts_on(""), 0, "nor the directory mounted on itself");

    write("blue", "", OUR_MODE);
    publish_pipe(rundir).unwrap_err();
    assert!(exists("blue"), "another's file stays");
}

#[test]
fn failed_bind_keeps_run_directory_mount_in_use() {
    let Some(rundir) = testing::world() else { return };
    let theirs = anonymous();
    write("red", "", 0);
    bind(&theirs, "red");
    publish_pipe(rundir).unwrap_err();
    assert_eq!((mounts_on(""), mounts_on("red")), (1, 1));
    assert_eq!(inode_of("red"), theirs.inode());
}

#[test]
fn take_mount_back_keeps_mount_stacked_on_top() {
    let Some(rundir) = testing::world() else { return };
    let lower = std::fs::File::open(testing::path("")).unwrap();
    let mut dir = RunDir::prepare(rundir, None, Wait::AWhile).unwrap();
    dir.mount_on_itself(rundir).unwrap();
    let user = std::fs::File::open(testing::path("")).unwrap();
    let other = std::thread::spawn(move || {
        rustix::fs::flock(&lower, rustix::fs::FlockOperation::LockExclusive).unwrap();
        mount::mount_new(c"tmpfs", c"test", rundir, nix::mount::MsFlags::empty()).unwrap();
    });
    dir.take_mount_back(rundir);
    other.join().unwrap();
    assert_eq!(mounts_on(""), 2);
    drop(user);
}
