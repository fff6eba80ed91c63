//! Names and handles: RunDir, CreateOptions, Namespace, Monitor and Error.

mod world;

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use libnetns::{
    CreateOptions, Error, ErrorKind, EventKind, ListEntry, Monitor, Namespace, RunDir, Visit, link,
};
use nix::mount::{MsFlags, mount};

fn names(list: &[ListEntry]) -> Vec<&str> {
    list.iter().map(|entry| entry.name.to_str().unwrap()).collect()
}

#[test]
fn a_name_is_created_opened_listed_and_removed() {
    if !world::enter() {
        return;
    }
    let dir = RunDir::default();
    assert!(dir.list().unwrap().is_empty());
    let blue = dir.create("blue").unwrap();
    assert_eq!(blue.name(), Some(OsStr::new("blue")));
    assert_eq!(blue.path(), Some(Path::new("/run/netns/blue")));
    for same in [
        dir.open("blue").unwrap(),
        Namespace::open("blue").unwrap(),
        Namespace::open("/run/netns/blue").unwrap(),
        Namespace::open_path("/run/netns/blue").unwrap(),
        Namespace::of_fd(&blue).unwrap(),
        blue.try_clone().unwrap(),
    ] {
        assert_eq!(same, blue);
        assert_eq!((same.inode(), same.device()), (blue.inode(), blue.device()));
        assert_eq!(same.cookie().unwrap(), blue.cookie().unwrap());
    }
    assert_eq!(names(&dir.list().unwrap()), ["blue"]);
    assert_eq!(dir.list().unwrap()[0].inode, Some(blue.inode()));
    assert_eq!(dir.names(&blue).unwrap(), ["blue"]);
    dir.remove("blue").unwrap();
    assert!(!Path::new("/run/netns/blue").exists());
    // The namespace still exists.
    assert_eq!(link::list(&blue).unwrap().len(), 1);
}

#[test]
fn symlink_is_opened_listed_monitored_and_removed() {
    if !world::enter() {
        return;
    }
    let dir = RunDir::default();
    let blue = dir.create("blue").unwrap();
    let monitor = dir.monitor().unwrap();
    symlink("blue", "/run/netns/web").unwrap();
    symlink("nowhere", "/run/netns/gone").unwrap();
    let web = dir.open("web").unwrap();
    assert_eq!(web, blue);
    assert_eq!(web.name(), Some(OsStr::new("web")));
    assert_eq!(names(&dir.list().unwrap()), ["blue", "web"]);
    assert_eq!(names(&dir.list_with_stale().unwrap()), ["blue", "gone", "web"]);
    assert_eq!(dir.names(&blue).unwrap(), ["blue", "web"]);
    let added = monitor.wait(Duration::from_secs(60)).unwrap().unwrap();
    assert_eq!((added.kind, added.name.to_str()), (EventKind::Added, Some("web")));
    for taken in ["web", "gone"] {
        assert_eq!(dir.create(taken).unwrap_err().errno(), libc::EEXIST);
        assert_eq!(dir.attach(&blue, taken).unwrap_err().errno(), libc::EEXIST);
    }
    assert_eq!(dir.open("gone").unwrap_err().errno(), libc::ENOTTY);
    assert_eq!(CreateOptions::new().exist_ok(true).create("web").unwrap(), blue);
    dir.remove("web").unwrap();
    dir.remove("gone").unwrap();
    assert_eq!(names(&dir.list_with_stale().unwrap()), ["blue"]);
}

#[test]
fn custom_run_directory_is_created_and_used() {
    if !world::enter() {
        return;
    }
    let dir = RunDir::new("/run/a/b/c");
    let blue = CreateOptions::new().lo_up(true).create_in(&dir, "blue").unwrap();
    assert!(link::list(&blue).unwrap()[0].is_up());
    assert_eq!(dir.open("blue").unwrap(), blue);
    assert!(Namespace::open("blue").is_err());
    assert!(!Path::new("/run/netns").exists());
    assert_eq!(dir, RunDir::new(OsString::from("/run/a/b/c")));
}

#[test]
fn prepare_mounts_run_directory_once() {
    if !world::enter() {
        return;
    }
    let mounts = || {
        let table = fs::read_to_string("/proc/thread-self/mountinfo").unwrap();
        let own = table.lines().filter(|line| line.split(' ').nth(4) == Some("/run/a/b"));
        own.map(|line| line.contains(" shared:")).collect::<Vec<_>>()
    };
    let dir = RunDir::new("/run/a/b");
    for _ in 0..2 {
        dir.prepare().unwrap();
        assert_eq!(mounts(), [true]);
    }
    dir.create("blue").unwrap();
    assert_eq!(mounts(), [true]);
    let error = RunDir::new("/proc/none").prepare().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().starts_with("prepare \"/proc/none\": mkdir /proc/none: "), "{error}");
}

#[test]
fn owned_fd_from_namespace_keeps_descriptor() {
    if !world::enter() {
        return;
    }
    let ns = Namespace::anonymous().unwrap();
    let (inode, number) = (ns.inode(), ns.as_fd().as_raw_fd());
    link::list(&ns).unwrap();
    let fd = OwnedFd::from(ns);
    assert_eq!(fd.as_raw_fd(), number);
    assert_eq!(Namespace::of_fd(&fd).unwrap().inode(), inode);
}

#[test]
fn a_namespace_may_have_several_names_or_none() {
    if !world::enter() {
        return;
    }
    let dir = RunDir::default();
    let ns = Namespace::anonymous().unwrap();
    assert_eq!((ns.name(), ns.path()), (None, None));
    assert_eq!(ns.to_string(), format!("net:[{}]", ns.inode()));
    dir.attach(&ns, "one").unwrap();
    dir.attach(&ns, "another").unwrap();
    assert_eq!(dir.names(&ns).unwrap(), ["another", "one"]);
    assert_eq!(dir.attach(&ns, "one").unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert_eq!(dir.open("one").unwrap().to_string(), "\"one\"");
}

#[test]
fn names_accept_non_utf8_bytes() {
    if !world::enter() {
        return;
    }
    let (dir, name) = (RunDir::default(), OsStr::from_bytes(b"\xff \n\"x"));
    dir.create(name).unwrap();
    assert_eq!(dir.list().unwrap()[0].name, name);
    assert_eq!(dir.open(name).unwrap().name(), Some(name));
    dir.remove(name).unwrap();
}

#[test]
fn create_and_remove_honor_their_options() {
    if !world::enter() {
        return;
    }
    let dir = RunDir::default();
    let blue = CreateOptions::default().create("blue").unwrap();
    assert_eq!(CreateOptions::new().create("blue").unwrap_err().errno(), libc::EEXIST);
    assert_eq!(CreateOptions::new().exist_ok(true).create("blue").unwrap(), blue);
    CreateOptions::new().nowait(true).create("red").unwrap();
    let held = File::open("/run/netns").unwrap();
    rustix::fs::flock(&held, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let error = CreateOptions::new().nowait(true).create("green").unwrap_err();
    assert_eq!((error.errno(), error.kind()), (libc::EAGAIN, ErrorKind::Busy));
    drop(held);
    dir.remove_if_exists("blue").unwrap();
    dir.remove_if_exists("blue").unwrap();
    assert_eq!(dir.remove("blue").unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn list_with_stale_includes_stale_names() {
    if !world::enter() {
        return;
    }
    let dir = RunDir::default();
    dir.create("blue").unwrap();
    // The file that a killed creator of this library leaves.
    use std::os::unix::fs::PermissionsExt;
    File::create("/run/netns/stale").unwrap();
    fs::set_permissions("/run/netns/stale", fs::Permissions::from_mode(0o1000)).unwrap();
    assert_eq!(names(&dir.list().unwrap()), ["blue"]);
    let all = dir.list_with_stale().unwrap();
    assert_eq!(names(&all), ["blue", "stale"]);
    assert_eq!(all[1].inode, None);
    dir.remove("stale").unwrap();
    assert_eq!(dir.list_with_stale().unwrap().len(), 1);
}

#[test]
fn current_namespace_opens_by_pid_and_path() {
    if !world::enter() {
        return;
    }
    let current = Namespace::current().unwrap();
    assert!(current.is_current().unwrap());
    let tid = u32::try_from(nix::unistd::gettid().as_raw()).unwrap();
    assert_eq!(Namespace::of_pid(tid).unwrap(), current);
    assert_eq!(Namespace::open("/proc/thread-self/ns/net").unwrap(), current);
    assert!(current.threads().unwrap().contains(&tid));
    let other = Namespace::anonymous().unwrap();
    assert!(!other.is_current().unwrap() && other.pids().unwrap().is_empty());
    assert_eq!(Namespace::of_pid(0).unwrap_err().kind(), ErrorKind::InvalidInput);
    let error = Namespace::of_pid(u32::MAX).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    let line =
        "open pid 4294967295: invalid process ID: Invalid argument (the process ID is too large)";
    assert_eq!(error.to_string(), line);
    assert_eq!(Namespace::of_pid(i32::MAX as u32).unwrap_err().errno(), libc::ESRCH);
    let file = File::open("/dev/null").unwrap();
    assert_eq!(Namespace::of_fd(file).unwrap_err().kind(), ErrorKind::NotANamespace);
}

#[test]
// The inode, which is all that is hashed and compared, does not change.
#[expect(clippy::mutable_key_type)]
fn equal_namespaces_have_equal_hashes() {
    if !world::enter() {
        return;
    }
    let (a, b) = (Namespace::anonymous().unwrap(), Namespace::anonymous().unwrap());
    let mut set = HashSet::from([a.try_clone().unwrap()]);
    assert!(set.contains(&a) && !set.contains(&b));
    assert!(!set.insert(a) && set.insert(b));
}

#[test]
fn types_implement_send_sync_debug_and_as_fd() {
    fn is_both<T: Send + Sync + 'static>() {}
    is_both::<Namespace>();
    is_both::<RunDir>();
    is_both::<Monitor>();
    is_both::<Error>();
    fn is_debug<T: std::fmt::Debug>() {}
    is_debug::<Visit>();
    fn is_fd<T: AsFd>() {}
    is_fd::<Namespace>();
    is_fd::<Monitor>();
}

#[test]
fn errors_convert_to_std_and_io_errors() {
    let error = Namespace::open("/no such file").unwrap_err();
    let line = "open \"/no such file\": open /no such file: No such file or directory";
    assert_eq!(error.to_string(), line);
    assert_eq!((error.errno(), error.kind()), (libc::ENOENT, ErrorKind::NotFound));
    assert_eq!(format!("{error:?}"), format!("Error {{ errno: 2, message: {line:?} }}"));
    let converted = io::Error::from(error.clone());
    assert_eq!((converted.kind(), converted.to_string()), (io::ErrorKind::NotFound, line.into()));
    assert_eq!(converted.downcast::<Error>().unwrap().errno(), libc::ENOENT);
    let boxed: Box<dyn std::error::Error + Send + Sync> = error.into();
    assert_eq!(boxed.to_string(), line);
}

#[test]
fn create_in_read_only_directory_fails_with_erofs() {
    if !world::enter() {
        return;
    }
    fs::create_dir("/run/fixed").unwrap();
    mount(Some("tmpfs"), "/run/fixed", Some("tmpfs"), MsFlags::MS_RDONLY, None::<&str>).unwrap();
    let error = RunDir::new("/run/fixed").create("blue").unwrap_err();
    assert_eq!((error.errno(), error.kind()), (libc::EROFS, ErrorKind::ReadOnlyFilesystem));
}

#[test]
fn invalid_names_and_paths_are_rejected() {
    let kind = |result: libnetns::Result<Namespace>| result.unwrap_err().kind();
    for name in ["", ".", "..", "a\0b"] {
        assert_eq!(kind(Namespace::open(name)), ErrorKind::InvalidInput, "{name:?}");
        assert_eq!(kind(RunDir::new("/nowhere").create(name)), ErrorKind::InvalidInput);
    }
    assert_eq!(kind(RunDir::default().open("a/b")), ErrorKind::InvalidInput);
    let long = "x".repeat(256);
    assert_eq!(Namespace::open(long).unwrap_err().errno(), libc::ENAMETOOLONG);
    let error = RunDir::new("").open("blue").unwrap_err();
    assert_eq!(
        error.to_string(),
        "open \"blue\": invalid run directory: Invalid argument (the path is empty)"
    );
    let error = RunDir::new("a\0b").create("blue").unwrap_err();
    assert_eq!(
        error.to_string(),
        "create \"blue\": invalid run directory: Invalid argument (it contains a NUL byte)"
    );
    let error = Namespace::open_path("/run\0/x").unwrap_err();
    assert!(error.to_string().starts_with("open \"/run\": "), "{error}");
    assert!(RunDir::new("/run\0").list().is_err());
    assert!(RunDir::new("").monitor().is_err());
}

#[test]
fn monitor_reports_each_name_once() {
    if !world::enter() {
        return;
    }
    let dir = RunDir::default();
    let before = dir.create("before").unwrap();
    let mut monitor = dir.monitor_with_snapshot().unwrap();
    let from_now_on = dir.monitor().unwrap();
    let event = monitor.next().unwrap().unwrap();
    assert_eq!((event.kind, event.name.to_str()), (EventKind::Added, Some("before")));
    assert_eq!(event.inode, before.inode());
    assert!(event.cookie.is_none_or(|cookie| cookie == before.cookie().unwrap()));
    assert!(monitor.next().is_none());
    assert_eq!(monitor.wait(Duration::ZERO).unwrap(), None);
    dir.remove("before").unwrap();
    for monitor in [&monitor, &from_now_on] {
        let event = monitor.wait(Duration::from_secs(60)).unwrap().unwrap();
        assert_eq!((event.kind, event.inode), (EventKind::Removed, before.inode()));
        assert_eq!(monitor.try_next().unwrap(), None);
    }
}

#[test]
fn create_wakes_thread_waiting_on_monitor() {
    if !world::enter() {
        return;
    }
    let monitor = RunDir::default().monitor().unwrap();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| monitor.wait(None).unwrap().unwrap().name);
        RunDir::default().create("blue").unwrap();
        assert_eq!(waiting.join().unwrap(), "blue");
    });
}
