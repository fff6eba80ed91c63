use super::*;
use std::ffi::CStr;

fn named(verb: &'static str, name: &CStr, error: Error) -> String {
    let subject = Subject { verb, rundir: None, object: Object::Name(name) };
    subject.explain(error).to_string()
}

#[test]
fn a_message_names_object_step_cause_and_remedy() {
    let error = Error::new(Step::Bind, Errno::EPERM);
    assert_eq!(
        named("create", c"blue", error),
        "create \"blue\": bind on /run/netns/blue: Operation not permitted \
         (needs CAP_SYS_ADMIN over the mount namespace)"
    );
}

#[test]
fn a_message_is_one_line_of_valid_text() {
    let error = Error::new(Step::Look, Errno::EIO);
    assert_eq!(
        named("open", c"a\n\"b\xff", error),
        "open \"a\\x0a\\x22b\\xff\": stat /run/netns/a\\x0a\\x22b\\xff: Input/output error"
    );
}

#[test]
fn a_long_path_keeps_both_ends() {
    let path = std::ffi::CString::new([&[b'a'; 2000][..], b"/end"].concat()).unwrap();
    let subject = Subject { verb: "open", rundir: None, object: Object::Path(&path) };
    let text = subject.explain(Error::new(Step::Open, Errno::EIO)).to_string();
    assert!(text.len() < 700, "{}", text.len());
    assert!(text.contains("...") && text.contains("/end:"), "{text}");
}

#[test]
fn the_kernel_has_its_say() {
    let refused = |request, text: &[u8]| {
        let error = Error::new(Step::SetId, Errno::EIO);
        named("id", c"blue", error.kernel(request, text))
    };
    let plain = "id \"blue\": assign the nsid: Input/output error";
    assert_eq!(refused(1, b"Peer\nhas one\0garbage"), format!("{plain}: Peer\\x0ahas one"));
    assert_eq!(refused(2, &[b'x'; 500]), format!("{plain}: {}", "x".repeat(80)));
    assert_eq!(refused(3, b""), plain);
    // Nor does it speak for another error.
    assert_eq!(named("id", c"blue", Error::new(Step::SetId, Errno::EIO)), plain);
    let first = Error::new(Step::SetId, Errno::EIO).kernel(4, b"first");
    refused(5, b"second");
    assert_eq!(named("id", c"blue", first), plain);
}

#[test]
fn no_advice_contradicts_the_kernel() {
    for (errno, advised) in [
        (
            Errno::EOPNOTSUPP,
            "Operation not supported (this kernel has no such kind of interface; \
             is its module missing?)",
        ),
        (Errno::EPERM, "Operation not permitted (needs CAP_NET_ADMIN over the namespace)"),
    ] {
        let error = Error::new(Step::MakeLink, errno);
        assert_eq!(
            named("add", c"x", error),
            format!("add \"x\": create the interface: {advised}")
        );
        let explained = named("add", c"x", error.kernel(1, b"not while it rains"));
        assert!(explained.ends_with(": not while it rains"), "{explained}");
    }
    // But for this one, by which it says that it lacks the kind.
    let error = Error::new(Step::MakeLink, Errno::EOPNOTSUPP).kernel(3, b"Unknown device type");
    assert!(
        named("add", c"x", error)
            .ends_with("type (this kernel has no such kind of interface; is its module missing?)")
    );
    // Of what to do about other things the kernel's word says little.
    let error = Error::new(Step::AddRoute, Errno::ENETDOWN).kernel(2, b"Nexthop device is not up");
    assert!(named("add", c"x", error).ends_with("up (the interface has to be up)"));
}

#[test]
fn not_a_namespace_says_so_instead_of_enotty() {
    let error = Error::not_a_namespace("a directory");
    assert_eq!(
        named("open", c"d", error),
        "open \"d\": identify /run/netns/d: not a network namespace (a directory)"
    );
}
