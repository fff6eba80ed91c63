use super::*;

use std::fs::{self, File, Permissions};
use std::os::fd::AsFd;
use std::os::unix::fs::{PermissionsExt, chown, lchown, symlink};

use crate::testing::{self, anonymous, bind, path, write};

const STRANGER: Option<u32> = Some(1234);

fn followed(name: &CStr) -> Link {
    follow(File::open("/run/netns").unwrap().as_fd(), name).unwrap()
}

fn is_removable(name: &CStr) -> bool {
    check(File::open("/run/netns").unwrap().as_fd(), name).is_ok()
}

#[test]
fn follow_returns_namespace_stale_or_gone() {
    let Some(_) = testing::world() else { return };
    let ns = anonymous();
    write("blue", "", 0);
    bind(&ns, "blue");
    write("file", "text", 0o644);
    for (name, target) in [
        ("beside", "blue"),
        ("absolute", "/run/netns/blue"),
        ("twice", "beside"),
        ("none", "nowhere"),
        ("loop", "loop"),
        ("plain", "file"),
        ("below", "file/x"),
        ("uts", "/proc/self/ns/uts"),
    ] {
        symlink(target, path(name)).unwrap();
    }
    for name in [c"beside", c"absolute", c"twice"] {
        let Link::Namespace(proved) = followed(name) else { panic!("{name:?} leads to blue") };
        assert_eq!(proved.identity().inode, ns.inode(), "{name:?}");
    }
    for name in [c"none", c"loop", c"plain", c"below", c"uts"] {
        assert!(matches!(followed(name), Link::Stale), "{name:?}");
    }
    for name in [c"blue", c"file", c"missing"] {
        assert!(matches!(followed(name), Link::Gone), "{name:?}");
    }
}

#[test]
fn follow_rejects_links_from_untrusted_users() {
    let Some(_) = testing::world() else { return };
    symlink("/proc/self/ns/net", path("link")).unwrap();
    let refused = |why: &str| {
        assert!(!is_removable(c"link"));
        matches!(followed(c"link"), Link::Refused(found) if found == why)
    };
    for mode in [0o1777, 0o775, 0o757] {
        fs::set_permissions("/run/netns", Permissions::from_mode(mode)).unwrap();
        assert!(refused(WRITABLE), "{mode:o}");
    }
    fs::set_permissions("/run/netns", Permissions::from_mode(0o755)).unwrap();
    lchown(path("link"), STRANGER, None).unwrap();
    assert!(refused(FOREIGN));
    lchown(path("link"), Some(0), None).unwrap();
    chown("/run/netns", STRANGER, None).unwrap();
    assert!(refused(FOREIGN_DIRECTORY));
    chown("/run/netns", Some(0), None).unwrap();
    assert!(is_removable(c"link"));
    assert!(matches!(followed(c"link"), Link::Namespace(_)));
}
