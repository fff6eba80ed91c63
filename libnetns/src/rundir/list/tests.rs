use super::*;

use nix::errno::Errno;

use std::fs::{self, File};
use std::os::unix::fs::symlink;

use crate::rundir::entry::OUR_MODE;
use crate::testing::{self, anonymous, bind, write};

fn list_of(names: &[(&CStr, u64)]) -> NameList {
    let mut list = NameList::default();
    for (name, inode) in names {
        list.push(name, Identity { inode: *inode, cookie: None }, false).unwrap();
    }
    list.sort();
    list
}

fn names(list: &NameList) -> Vec<&CStr> {
    (0..list.len()).map(|i| list.name(i).unwrap()).collect()
}

#[test]
fn names_are_sorted_as_bytes() {
    let list = list_of(&[
        (c"b", 1),
        (c"\xff", 2),
        (c"a", 3),
        (c"B", 4),
        (c"aa", 5),
        (c"\x80", 6),
        (c"a ", 7),
    ]);
    assert_eq!(names(&list), [c"B", c"a", c"a ", c"aa", c"b", c"\x80", c"\xff"]);
    assert_eq!(list.inode(0), Some(4));
    assert_eq!(list.inode(6), Some(2));
}

#[test]
fn list_removes_duplicate_names() {
    let list = list_of(&[(c"b", 1), (c"a", 2), (c"b", 1), (c"ab", 3), (c"a", 2)]);
    assert_eq!(names(&list), [c"a", c"ab", c"b"]);
}

#[test]
fn index_past_end_returns_none() {
    let list = list_of(&[(c"a", 1)]);
    assert_eq!((list.len(), list.name(1), list.inode(1)), (1, None, None));
    let none = NameList::default();
    assert_eq!((none.len(), none.name(0), none.inode(0)), (0, None, None));
}

#[test]
fn read_of_missing_directory_returns_no_names() {
    for flags in [ListFlags::empty(), ListFlags::STALE] {
        assert_eq!(NameList::read(c"/none/such", flags).unwrap().len(), 0);
    }
}

#[test]
fn read_of_regular_file_fails_with_enotdir() {
    for flags in [ListFlags::empty(), ListFlags::STALE] {
        assert_eq!(NameList::read(c"/etc/passwd", flags).unwrap_err().errno, Errno::ENOTDIR);
    }
}

#[test]
fn for_each_name_skips_directories_and_flags_links() {
    let Some(_) = testing::world() else { return };
    write("file", "", 0);
    fs::create_dir(testing::path("dir")).unwrap();
    symlink("file", testing::path("link")).unwrap();
    let mut seen = Vec::new();
    for_each_name(File::open("/run/netns").unwrap().as_fd(), |name, may_be_link| {
        seen.push((name.to_owned(), may_be_link));
        Ok(())
    })
    .unwrap();
    seen.sort();
    assert_eq!(seen, [(c"file".to_owned(), false), (c"link".to_owned(), true)]);
}

#[test]
fn read_returns_stale_names_only_with_stale_flag() {
    let Some(rundir) = testing::world() else { return };
    let ns = anonymous();
    write("blue", "", 0);
    bind(&ns, "blue");
    write("ours", "", OUR_MODE);
    write("theirs", "", 0);
    write("file", "kept", OUR_MODE);
    let live = NameList::read(rundir, ListFlags::empty()).unwrap();
    assert_eq!(names(&live), [c"blue"]);
    assert_eq!(live.inode(0), Some(ns.inode()));
    let all = NameList::read(rundir, ListFlags::STALE).unwrap();
    assert_eq!(names(&all), [c"blue", c"ours"]);
    assert_eq!((all.inode(0), all.inode(1)), (Some(ns.inode()), Some(NONE.inode)));
}

#[test]
fn names_of_returns_only_names_of_given_namespace() {
    let Some(rundir) = testing::world() else { return };
    let (ns, other) = (anonymous(), anonymous());
    for (name, ns) in [("b", &ns), ("c", &other), ("a", &ns)] {
        write(name, "", 0);
        bind(ns, name);
    }
    assert_eq!(names(&NameList::names_of(rundir, &ns).unwrap()), [c"a", c"b"]);
    assert_eq!(names(&NameList::names_of(rundir, &other).unwrap()), [c"c"]);
    assert_eq!(NameList::names_of(rundir, &anonymous()).unwrap().len(), 0);
}
