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
fn a_name_that_was_read_twice_is_there_once() {
    let list = list_of(&[(c"b", 1), (c"a", 2), (c"b", 1), (c"ab", 3), (c"a", 2)]);
    assert_eq!(names(&list), [c"a", c"ab", c"b"]);
}

#[test]
fn past_the_end_there_is_nothing() {
    let list = list_of(&[(c"a", 1)]);
    assert_eq!((list.len(), list.name(1), list.inode(1)), (1, None, None));
    let none = NameList::default();
    assert_eq!((none.len(), none.name(0), none.inode(0)), (0, None, None));
}

#[test]
fn a_directory_that_does_not_exist_has_no_names_in_it() {
    for flags in [ListFlags::empty(), ListFlags::STALE] {
        assert_eq!(NameList::read(c"/none/such", flags).unwrap().len(), 0);
    }
}

#[test]
fn one_that_cannot_be_read_is_an_error() {
    for flags in [ListFlags::empty(), ListFlags::STALE] {
        assert_eq!(NameList::read(c"/etc/passwd", flags).unwrap_err().errno, Errno::ENOTDIR);
    }
}

#[test]
fn directories_cannot_be_names_and_links_can() {
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
fn stale_names_are_read_on_request_with_no_inode() {
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
fn the_names_of_a_namespace_are_its_own() {
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
