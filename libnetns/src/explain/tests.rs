use super::*;
use extended_ack::explained;
use std::ffi::CStr;

fn named(verb: &'static str, name: &CStr, failure: Failure) -> String {
    let subject = Subject { verb, rundir: c"/run/netns", object: Object::Name(name) };
    subject.explain(failure).to_string()
}

#[test]
fn a_message_names_object_step_cause_and_remedy() {
    let failure = Failure::new(Step::Bind, Errno::EPERM);
    assert_eq!(
        named("create", c"blue", failure),
        "create \"blue\": bind on /run/netns/blue: Operation not permitted \
         (needs CAP_SYS_ADMIN over the mount namespace)"
    );
}

#[test]
fn message_escapes_newlines_quotes_and_invalid_utf8() {
    let failure = Failure::new(Step::Look, Errno::EIO);
    assert_eq!(
        named("open", c"a\n\"b\xff", failure),
        "open \"a\\x0a\\x22b\\xff\": stat /run/netns/a\\x0a\\x22b\\xff: Input/output error"
    );
}

#[test]
fn message_abbreviates_long_path() {
    let path = std::ffi::CString::new([&[b'a'; 2000][..], b"/end"].concat()).unwrap();
    let subject = Subject { verb: "open", rundir: c"/run/netns", object: Object::Path(&path) };
    let text = subject.explain(Failure::new(Step::Open, Errno::EIO)).to_string();
    assert!(text.len() < 700, "{}", text.len());
    assert!(text.contains("...") && text.contains("/end:"), "{text}");
}

#[test]
fn message_includes_extended_ack() {
    let refused = |request, text: &[u8]| {
        let failure = Failure::new(Step::SetId, Errno::EIO);
        named("id", c"blue", explained(failure, request, text))
    };
    let plain = "id \"blue\": assign the nsid: Input/output error";
    assert_eq!(refused(1, b"Peer\nhas one\0garbage"), format!("{plain}: Peer\\x0ahas one"));
    assert_eq!(refused(2, &[b'x'; 500]), format!("{plain}: {}", "x".repeat(80)));
    assert_eq!(refused(3, b""), plain);
    // It is not shown for another error.
    assert_eq!(named("id", c"blue", Failure::new(Step::SetId, Errno::EIO)), plain);
    let first = explained(Failure::new(Step::SetId, Errno::EIO), 4, b"first");
    refused(5, b"second");
    assert_eq!(named("id", c"blue", first), plain);
}

#[test]
fn message_prefers_extended_ack_to_remedy() {
    for (errno, advised) in [
        (
            Errno::EOPNOTSUPP,
            "Operation not supported (the kernel does not support this kind of interface, \
             or its module is missing)",
        ),
        (Errno::EPERM, "Operation not permitted (needs CAP_NET_ADMIN over the namespace)"),
    ] {
        let failure = Failure::new(Step::MakeLink, errno);
        assert_eq!(
            named("add", c"x", failure),
            format!("add \"x\": create the interface: {advised}")
        );
        let explained = named("add", c"x", explained(failure, 1, b"not while it rains"));
        assert!(explained.ends_with(": not while it rains"), "{explained}");
    }
    // Except for this one, which means that the kernel lacks the kind.
    let failure =
        explained(Failure::new(Step::MakeLink, Errno::EOPNOTSUPP), 3, b"Unknown device type");
    assert!(named("add", c"x", failure).ends_with(
        "type (the kernel does not support this kind of interface, or its module is missing)"
    ));
    // Some extended acks do not contain the remedy.
    let failure =
        explained(Failure::new(Step::AddRoute, Errno::ENETDOWN), 2, b"Nexthop device is not up");
    assert!(named("add", c"x", failure).ends_with("up (bring the interface up first)"));
}

#[test]
fn message_says_not_a_namespace_instead_of_enotty() {
    let failure = Failure::not_a_namespace("a directory");
    assert_eq!(
        named("open", c"d", failure),
        "open \"d\": identify /run/netns/d: not a network namespace (a directory)"
    );
}

#[test]
fn message_explains_concurrent_creation() {
    for errno in [Errno::EEXIST, Errno::EAGAIN] {
        let text = named("create", c"blue", Failure::new(Step::BeingCreated, errno));
        assert!(text.starts_with("create \"blue\": create /run/netns/blue: "), "{text}");
        let remedy = "(another process is creating this name; try again, or remove the name if \
             that process has ended)";
        assert!(text.ends_with(remedy), "{text}");
    }
    let text = named("create", c"blue", Failure::new(Step::MountedTwice, Errno::EAGAIN));
    let step = "create \"blue\": make a shared mount point of /run/netns: ";
    let remedy = "(another process is setting up the run directory; try again)";
    assert!(text.starts_with(step) && text.ends_with(remedy), "{text}");
}
