use super::*;

use std::os::fd::AsFd;

use std::fs::File;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;

use nix::unistd::mkfifo;

use crate::testing::{self, anonymous, bind, bind_file, write};

const OLD: Option<Duration> = Some(STALE_AGE);
const YOUNG: Option<Duration> = Some(Duration::from_millis(9999));

fn placeholder(ours: bool, age: Option<Duration>) -> Placeholder {
    Placeholder { ours, age }
}

fn look_at(name: &CStr) -> Entry {
    look(File::open("/run/netns").unwrap().as_fd(), name).unwrap()
}

#[test]
fn age_at_returns_elapsed_time() {
    let s = Duration::from_secs;
    assert_eq!(age_at(s(100), s(90)), Some(s(10)));
    assert_eq!(age_at(s(100), s(100)), Some(s(0)));
    assert_eq!(age_at(s(100), s(0)), Some(s(100)));
}

#[test]
fn age_at_treats_slightly_future_time_as_now() {
    let now = Duration::from_secs(100);
    assert_eq!(age_at(now, now + Duration::from_millis(4)), Some(Duration::ZERO));
    assert_eq!(age_at(now, now + CLOCK_SLACK), Some(Duration::ZERO));
}

#[test]
fn age_at_returns_none_beyond_clock_slack() {
    let now = Duration::from_secs(100);
    assert_eq!(age_at(now, now + CLOCK_SLACK + Duration::from_nanos(1)), None);
    assert_eq!(age_at(now, Duration::from_secs(3600)), None);
}

#[test]
fn own_placeholder_is_stale_under_lock_others_by_age() {
    // ours, age, under the lock: stale
    let table = [
        (true, YOUNG, true, true),
        (true, YOUNG, false, false),
        (true, OLD, false, true),
        (false, YOUNG, true, false),
        (false, YOUNG, false, false),
        (false, OLD, true, true),
        (false, OLD, false, true),
        // If the age is unknown, the time to wait is unknown too, so nothing waits.
        (false, None, false, true),
        (true, None, false, true),
    ];
    for (ours, age, under_lock, stale) in table {
        let file = placeholder(ours, age);
        assert_eq!(file.is_stale(under_lock), stale, "{file:?}, under lock: {under_lock}");
    }
}

#[test]
fn time_left_is_zero_for_stale_placeholder() {
    assert_eq!(placeholder(false, YOUNG).time_left(), Duration::from_millis(1));
    assert_eq!(placeholder(false, OLD).time_left(), Duration::ZERO);
    assert_eq!(placeholder(false, Some(Duration::from_secs(99))).time_left(), Duration::ZERO);
    assert_eq!(placeholder(false, None).time_left(), Duration::ZERO);
}

#[test]
fn look_recognizes_own_placeholder_by_mode() {
    let Some(_) = testing::world() else { return };
    for (name, mode, ours) in [
        (c"ours", OUR_MODE, true),
        (c"theirs", 0, false),
        (c"cni", 0o644, false),
        (c"x", 0o1644, false),
    ] {
        write(name.to_str().unwrap(), "", mode);
        let Entry::Placeholder(found) = look_at(name) else { panic!("{name:?} is a placeholder") };
        assert_eq!(found.is_ours(), ours, "{name:?}");
        assert!(found.time_left() > Duration::from_secs(5), "{name:?} is young");
        assert!(!found.is_stale(false), "{name:?} is young");
    }
}

#[test]
fn look_describes_files_that_are_not_namespaces() {
    let Some(_) = testing::world() else { return };
    write("file", "kept", OUR_MODE);
    std::fs::create_dir(testing::path("dir")).unwrap();
    mkfifo(testing::path("fifo").as_str(), nix::sys::stat::Mode::S_IRUSR).unwrap();
    let _listener = UnixListener::bind(testing::path("socket")).unwrap();
    write("uts", "", 0);
    bind_file("/proc/self/ns/uts", "uts");
    write("empty", "", 0);
    write("source", "", 0);
    bind_file("/run/netns/source", "empty");

    let table = [
        (c"file", "a regular file"),
        (c"dir", "a directory"),
        (c"fifo", "a fifo"),
        (c"socket", "a fifo, socket"),
        (c"uts", "a namespace of another type"),
        (c"empty", "something else is mounted on it"),
    ];
    for (name, what) in table {
        match look_at(name) {
            Entry::Stranger(found) => assert!(found.starts_with(what), "{name:?}: {found}"),
            found => panic!("{name:?} is {found:?}"),
        }
    }
    assert_eq!(look_at(c"none"), Entry::Absent);
}

#[test]
fn look_reports_link_without_following_it() {
    let Some(_) = testing::world() else { return };
    symlink("/proc/self/ns/net", testing::path("link")).unwrap();
    symlink("none", testing::path("dangling")).unwrap();
    assert_eq!(look_at(c"link"), Entry::Link);
    assert_eq!(look_at(c"dangling"), Entry::Link);
}

#[test]
fn look_returns_identity_of_namespace() {
    let Some(_) = testing::world() else { return };
    let ns = anonymous();
    write("blue", "", 0);
    bind(&ns, "blue");
    let Entry::Namespace(found) = look_at(c"blue") else { panic!("blue is a namespace") };
    assert_eq!(found.inode, ns.inode());
}
