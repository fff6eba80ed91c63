//! What a call was about, and the line that says why it failed.

use std::cell::RefCell;
use std::ffi::CStr;
use std::fmt::{self, Display, Formatter, Write};

use nix::errno::Errno;

use crate::namespace::Namespace;
use crate::rundir::DEFAULT_RUN_DIR;
use crate::strings::Strings;
use crate::sys;

use super::step::Place;
use super::{Error, KernelText};

/// What a call was about: its verb and its object.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    pub verb: &'static str,
    pub rundir: Option<&'a CStr>,
    pub object: Object<'a>,
}

#[derive(Clone, Copy)]
pub enum Object<'a> {
    Nothing,
    Null,
    Name(&'a CStr),
    Path(&'a CStr),
    Pid(i32),
    Descriptor(i32),
    Handle(&'a Namespace),
    Program(&'a ProgramCall<'a>),
    /// The namespace that the calling thread is in.
    Here,
    /// An interface, address or route (None: NULL was passed), what it is of, and the namespace, where
    /// that is not the calling thread's.
    Setting {
        what: Option<&'a CStr>,
        of: [(&'static str, Option<&'a CStr>); 2],
        ns: Option<&'a Namespace>,
    },
}

/// A program to be started.
pub struct ProgramCall<'a> {
    pub file: Option<&'a CStr>,
    pub ns: Option<&'a Namespace>,
    pub detail: Detail,
}

/// Which of several things has failed, filled in by who knows. Not a part of the error, which would
/// make every `Result` of the library as long.
#[derive(Default)]
pub struct Detail(RefCell<Strings>);

impl Detail {
    pub fn set(&self, text: &CStr) {
        let mut strings = Strings::default();
        // Without memory for it the message does without.
        if strings.push(&[text.to_bytes()]).is_ok() {
            self.0.replace(strings);
        }
    }
}

fn write_handle(ns: &Namespace, f: &mut Formatter) -> fmt::Result {
    match ns.name().or(ns.path()) {
        Some(text) => write!(f, " \"{}\"", Quoted(text)),
        None => write!(f, " net:[{}]", ns.inode()),
    }
}

/// What strerror(3) says, except where that would send nobody the right way.
fn write_errno(errno: Errno, f: &mut Formatter) -> fmt::Result {
    if errno == Errno::ENOTTY {
        return f.write_str("not a network namespace");
    }
    let mut buffer = [0; 128];
    write_escaped(sys::error_text(errno, &mut buffer), f)
}

/// Where the kernel says itself why it does not do a thing, it is not for want of a right or a module.
fn advice(error: &Error, is_explained: bool) -> Option<&'static str> {
    if is_explained && matches!(error.cause, Errno::EPERM | Errno::EOPNOTSUPP) {
        return None;
    }
    error.step.advice(error.cause)
}

/// The line that says why a call about `subject` failed.
pub struct Explanation<'a> {
    subject: &'a Subject<'a>,
    error: Error,
}

impl Display for Explanation<'_> {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        self.subject.write(&self.error, f)
    }
}

impl Subject<'_> {
    /// The one line that explains `error`.
    pub fn explain(&self, error: Error) -> Explanation<'_> {
        Explanation { subject: self, error }
    }

    fn write(&self, error: &Error, f: &mut Formatter) -> fmt::Result {
        f.write_str(self.verb)?;
        self.write_object(f)?;
        f.write_str(": ")?;
        let (text, place) = error.step.text();
        f.write_str(text)?;
        match place {
            Place::Nothing => {}
            Place::RunDir => Quoted(self.rundir()).fmt(f)?,
            Place::Entry => self.write_entry(f)?,
            Place::Detail => self.write_detail(f)?,
        }
        f.write_str(": ")?;
        write_errno(error.cause, f)?;
        let text = KernelText::of(error);
        if let Some(text) = &text {
            f.write_str(": ")?;
            write_escaped(text.as_bytes(), f)?;
        }
        match error.hint.or_else(|| advice(error, text.is_some())) {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }

    fn write_detail(&self, f: &mut Formatter) -> fmt::Result {
        let Object::Program(call) = self.object else { return Ok(()) };
        call.detail.0.borrow().iter().try_for_each(|text| Quoted(text).fmt(f))
    }

    fn rundir(&self) -> &CStr {
        self.rundir.unwrap_or(DEFAULT_RUN_DIR)
    }

    fn write_object(&self, f: &mut Formatter) -> fmt::Result {
        match self.object {
            Object::Nothing => Ok(()),
            Object::Null => f.write_str(" NULL"),
            Object::Name(text) | Object::Path(text) => write!(f, " \"{}\"", Quoted(text)),
            Object::Pid(pid) => write!(f, " pid {pid}"),
            Object::Descriptor(fd) => write!(f, " descriptor {fd}"),
            Object::Handle(ns) => write_handle(ns, f),
            Object::Here => f.write_str(" the thread's namespace"),
            Object::Setting { what, of, ns } => {
                match what {
                    Some(what) => write!(f, " \"{}\"", Quoted(what))?,
                    None => f.write_str(" NULL")?,
                }
                for (of, text) in of {
                    if let Some(text) = text {
                        write!(f, " {of} \"{}\"", Quoted(text))?;
                    }
                }
                let Some(ns) = ns else { return Ok(()) };
                f.write_str(" in")?;
                write_handle(ns, f)
            }
            Object::Program(call) => {
                match call.file {
                    Some(file) => write!(f, " \"{}\" in", Quoted(file))?,
                    None => f.write_str(" NULL in")?,
                }
                match call.ns {
                    Some(ns) => write_handle(ns, f),
                    None => f.write_str(" NULL"),
                }
            }
        }
    }

    /// The path that a name stands for; what is no name or path has shown itself already.
    fn write_entry(&self, f: &mut Formatter) -> fmt::Result {
        match self.object {
            Object::Name(name) => write!(f, "{}/{}", Quoted(self.rundir()), Quoted(name)),
            Object::Path(path) => Quoted(path).fmt(f),
            _ => f.write_str("it"),
        }
    }
}

/// A caller's string on one line and of bounded length: control bytes are shown as `\xNN`, and the
/// middle of a long one is left out.
struct Quoted<'a>(&'a CStr);

/// Of a text as it is, and of one in which each byte may become four.
const LONGEST: usize = 320;
const LONGEST_ESCAPED: usize = LONGEST / 4;

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        let bytes = self.0.to_bytes();
        let plain = bytes.iter().all(|byte| (b' '..=b'~').contains(byte));
        let longest = if plain { LONGEST } else { LONGEST_ESCAPED };
        if bytes.len() <= longest {
            return write_escaped(bytes, f);
        }
        let kept = longest * 2 / 5;
        write_escaped(&bytes[..kept], f)?;
        f.write_str("...")?;
        write_escaped(&bytes[bytes.len() - kept..], f)
    }
}

fn write_escaped(bytes: &[u8], f: &mut Formatter) -> fmt::Result {
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                c if c.is_control() => write!(f, "\\x{:02x}", c as u32)?,
                c => f.write_char(c)?,
            }
        }
        for byte in chunk.invalid() {
            write!(f, "\\x{byte:02x}")?;
        }
    }
    Ok(())
}
