//! Messages are written for operators: no text in them names a function, flag or constant of this library or
//! a kernel constant, and every message has the same form. These tests check every text that a message may
//! contain, so that new ones are checked as well.

use std::fs;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use proc_macro2::{Delimiter, TokenStream, TokenTree};

use super::{Detail, Object, ProgramCall, Subject};
use crate::error::{Failure, Place, Step};

/// Substrings that must not occur in a message: terms of the C API, and prefixes of kernel and libc
/// constants.
const FORBIDDEN: [&str; 24] = [
    "netns_", "NETNS_", "pass ", "Pass ", "sizeof", "struct ", "NULL", "->", "AF_", "AT_",
    "CLONE_", "F_", "IFA_", "IFF_", "IFLA_", "MS_", "NLM_", "NLMSG_", "O_", "PR_", "RTA_", "RTM_",
    "SIOC", "SOCK_",
];

/// Returns the forbidden substring that `text` contains.
fn fault(text: &str) -> Option<&'static str> {
    FORBIDDEN.into_iter().find(|word| {
        text.match_indices(word).any(|(at, _)| {
            let is_word =
                |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
            // "->" occurs between words, the others at the beginning of one.
            is_word(text[..at].chars().next_back()) != is_word(word.chars().next())
        })
    })
}

#[test]
fn fault_finds_programmer_terms() {
    for (text, expected) in [
        ("open it with netns_open", Some("netns_")),
        ("pass NETNS_CREATE_EXIST_OK", Some("NETNS_")),
        ("unshare(CLONE_NEWNET)", Some("CLONE_")),
        ("RTM_NEWLINK", Some("RTM_")),
        ("prctl(PR_SET_PDEATHSIG)", Some("PR_")),
        ("opened with O_PATH", Some("O_")),
        ("ev->size", Some("->")),
        ("Bind a -> b", None),
        ("the name is NULL", Some("NULL")),
        ("pass one", Some("pass ")),
        ("needs CAP_SYS_ADMIN, see /proc/sys/fs/file-max and RLIMIT_NOFILE", None),
        ("bypass it; the mode is passthru", None),
        ("/etc/netns", None),
    ] {
        assert_eq!(fault(text), expected, "{text}");
    }
}

/// Collects the string literals in `tokens`, except for those in attributes (which include doc comments) and
/// in unit tests.
fn literals(tokens: TokenStream, found: &mut Vec<String>) {
    let mut is_test = false;
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(punct) if punct.as_char() == '#' => {
                tokens.next_if(
                    |next| matches!(next, TokenTree::Punct(next) if next.as_char() == '!'),
                );
                if let Some(TokenTree::Group(attribute)) = tokens.next() {
                    is_test |= attribute.stream().to_string().replace(' ', "") == "cfg(test)";
                }
            }
            TokenTree::Group(group) => {
                let is_body = group.delimiter() == Delimiter::Brace;
                if !(is_test && is_body) {
                    literals(group.stream(), found);
                }
                is_test &= !is_body;
            }
            TokenTree::Punct(punct) if punct.as_char() == ';' => is_test = false,
            TokenTree::Literal(literal) => {
                let text = literal.to_string();
                if text.contains('"') {
                    found.push(text);
                }
            }
            _ => {}
        }
    }
}

/// Collects the source files that create messages, except for test files.
fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_str().unwrap();
        if path.is_dir() {
            sources(&path, found);
        } else if name.ends_with(".rs") && !["tests.rs", "testing.rs", "words.rs"].contains(&name) {
            found.push(path);
        }
    }
}

#[test]
fn source_strings_contain_no_programmer_terms() {
    let (mut files, mut texts) = (Vec::new(), 0);
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    // This includes the C library's sources, unless this package is on its own.
    for dir in [package.join("src"), package.join("../src")].iter().filter(|dir| dir.is_dir()) {
        sources(dir, &mut files);
    }
    let mut faults = Vec::new();
    for file in files {
        let mut found = Vec::new();
        literals(fs::read_to_string(&file).unwrap().parse().unwrap(), &mut found);
        texts += found.len();
        for text in found {
            if let Some(fault) = fault(&text) {
                faults.push(format!("{}: {fault:?} in {text}", file.display()));
            }
        }
    }
    assert!(texts > 300, "only {texts} texts were found");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Returns whether `text` has the form `verb object: step: reason (cause or remedy)`.
fn has_the_form(text: &str) -> bool {
    let mut parts = text.splitn(3, ": ");
    let (Some(call), Some(step), Some(reason)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let is_verb = call.starts_with(|c: char| c.is_ascii_lowercase());
    let is_plain = |c: char| !c.is_control();
    let has_blanks =
        [call, step, reason].iter().any(|part| part.trim() != *part || part.is_empty());
    let balanced = text.matches('(').count() == text.matches(')').count();
    is_verb && !has_blanks && balanced && text.chars().all(is_plain) && !text.contains("  ")
}

#[test]
fn every_step_and_errno_gives_well_formed_message() {
    let call = ProgramCall { file: Some(c"true"), ns: None, detail: Detail::default() };
    call.detail.set(c"/sys/fs/cgroup");
    let objects = [
        Object::Program(&call),
        Object::Name(c"blue"),
        Object::Path(c"/run/a"),
        Object::RunDir,
        Object::Missing,
        Object::Nothing,
        Object::Pid(1),
        Object::Descriptor(3),
        Object::Here,
        Object::Setting { what: None, of: [("of", Some(c"v0")), ("", None)], ns: None },
    ];
    for &step in Step::ALL {
        // Only the call for a program can name the item that failed.
        let count = if let Place::Detail = step.text().1 { 1 } else { objects.len() };
        for errno in (1..134).map(Errno::from_raw).filter(|errno| *errno != Errno::UnknownErrno) {
            for &object in &objects[..count] {
                let subject = Subject { verb: "do", rundir: c"/run/netns", object };
                let text = subject.explain(Failure::new(step, errno)).to_string();
                assert!(has_the_form(&text), "{text}");
                assert_eq!(fault(&text), None, "{text}");
            }
        }
    }
}
