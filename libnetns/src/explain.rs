//! The error message: the [`Subject`] of a call, and why it failed.
//!
//! This module does not know handles: a namespace is a value that implements [`Display`].

pub mod extended_ack;

use std::cell::RefCell;
use std::ffi::CStr;
use std::fmt::{self, Display, Formatter, Write};

use nix::errno::Errno;

use crate::error::{Failure, Place, Step};
use crate::os::syscalls;
use crate::util::strings::Strings;

use extended_ack::ExtendedAck;

/// The subject of a call: its verb and its object.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    pub verb: &'static str,
    pub rundir: &'a CStr,
    pub object: Object<'a>,
}

#[derive(Clone, Copy)]
pub enum Object<'a> {
    Nothing,
    /// A missing argument, such as NULL in C.
    Missing,
    Name(&'a CStr),
    Path(&'a CStr),
    /// The run directory itself.
    RunDir,
    Pid(i64),
    Descriptor(i32),
    /// A network namespace, which displays its name, path or inode.
    Handle(&'a dyn Display),
    Program(&'a ProgramCall<'a>),
    /// A network namespace, and the item that the call has reached.
    HandleAt(Option<&'a dyn Display>, &'a Detail),
    /// The calling thread's namespace.
    Here,
    /// An interface, address or route (`None` if the argument is missing), the objects that it belongs to,
    /// and its namespace unless that is the calling thread's.
    Setting {
        what: Option<&'a CStr>,
        of: [(&'static str, Option<&'a CStr>); 2],
        ns: Option<&'a dyn Display>,
    },
}

/// A program to be started.
pub struct ProgramCall<'a> {
    pub file: Option<&'a CStr>,
    pub ns: Option<&'a dyn Display>,
    pub detail: Detail,
}

/// The item of several that failed, set by the code that processes them. It is not part of the error, because
/// it would make every `Result` of the library that much larger.
#[derive(Default)]
pub struct Detail(RefCell<Strings>);

impl Detail {
    pub fn set(&self, text: &CStr) {
        let mut strings = Strings::default();
        // If there is no memory for it, the message omits it.
        if strings.push(&[text.to_bytes()]).is_ok() {
            self.0.replace(strings);
        }
    }
}

/// Shown in place of a missing argument.
const MISSING: &str = " (none)";

fn write_text(text: Option<&CStr>, f: &mut Formatter) -> fmt::Result {
    match text {
        Some(text) => write!(f, " \"{}\"", Quoted(text)),
        None => f.write_str(MISSING),
    }
}

/// Writes the text of strerror(3), unless that would be misleading.
fn write_errno(errno: Errno, f: &mut Formatter) -> fmt::Result {
    if errno == Errno::ENOTTY {
        return f.write_str("not a network namespace");
    }
    let mut buffer = [0; 128];
    write_escaped(syscalls::error_text(errno, &mut buffer), f)
}

/// Returns the usual cause of the errno, unless the kernel itself reports another one.
fn advice(failure: &Failure, ack: Option<&ExtendedAck>) -> Option<&'static str> {
    match ack {
        Some(ack) if has_another_cause(failure, ack.as_bytes()) => None,
        _ => failure.step.advice(failure.cause()),
    }
}

fn has_another_cause(failure: &Failure, text: &[u8]) -> bool {
    match (failure.step, failure.cause()) {
        // This advice contains the remedy.
        (Step::SetMtu | Step::MoveLink, Errno::EINVAL) => false,
        // Linux reports this for a kind that it does not have.
        (_, Errno::EOPNOTSUPP) => text != b"Unknown device type",
        (_, errno) => matches!(errno, Errno::EINVAL | Errno::EPERM),
    }
}

/// A line that says why the call for `subject` failed.
pub struct Explanation<'a> {
    subject: &'a Subject<'a>,
    failure: Failure,
}

impl Display for Explanation<'_> {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        self.subject.write(&self.failure, f)
    }
}

impl Subject<'_> {
    /// Returns a one-line explanation of `failure`.
    pub fn explain(&self, failure: Failure) -> Explanation<'_> {
        Explanation { subject: self, failure }
    }

    fn write(&self, failure: &Failure, f: &mut Formatter) -> fmt::Result {
        f.write_str(self.verb)?;
        self.write_object(f)?;
        f.write_str(": ")?;
        let (text, place) = failure.step.text();
        f.write_str(text)?;
        match place {
            Place::Nothing => {}
            Place::RunDir => Quoted(self.rundir).fmt(f)?,
            Place::Entry => self.write_entry(f)?,
            Place::Detail => self.write_detail(f)?,
        }
        f.write_str(": ")?;
        write_errno(failure.cause(), f)?;
        let ack = ExtendedAck::of(failure);
        if let Some(ack) = &ack {
            f.write_str(": ")?;
            write_escaped(ack.as_bytes(), f)?;
        }
        match failure.hint.or_else(|| advice(failure, ack.as_ref())) {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }

    fn write_detail(&self, f: &mut Formatter) -> fmt::Result {
        let detail = match self.object {
            Object::Program(call) => &call.detail,
            Object::HandleAt(_, detail) => detail,
            _ => return Ok(()),
        };
        detail.0.borrow().iter().try_for_each(|text| Quoted(text).fmt(f))
    }

    fn write_object(&self, f: &mut Formatter) -> fmt::Result {
        match self.object {
            Object::Nothing => Ok(()),
            Object::Missing => f.write_str(MISSING),
            Object::RunDir => write!(f, " \"{}\"", Quoted(self.rundir)),
            Object::Name(text) | Object::Path(text) => write!(f, " \"{}\"", Quoted(text)),
            Object::Pid(pid) => write!(f, " pid {pid}"),
            Object::Descriptor(fd) => write!(f, " descriptor {fd}"),
            Object::Handle(ns) => write!(f, " {ns}"),
            Object::HandleAt(Some(ns), _) => write!(f, " {ns}"),
            Object::HandleAt(None, _) => f.write_str(MISSING),
            Object::Here => f.write_str(" the calling thread's namespace"),
            Object::Setting { what, of, ns } => {
                write_text(what, f)?;
                for (of, text) in of {
                    if let Some(text) = text {
                        write!(f, " {of} \"{}\"", Quoted(text))?;
                    }
                }
                let Some(ns) = ns else { return Ok(()) };
                f.write_str(" in")?;
                write!(f, " {ns}")
            }
            Object::Program(call) => {
                write_text(call.file, f)?;
                f.write_str(" in")?;
                match call.ns {
                    Some(ns) => write!(f, " {ns}"),
                    None => f.write_str(MISSING),
                }
            }
        }
    }

    /// Writes the path of a name, or the other object that the call examined.
    fn write_entry(&self, f: &mut Formatter) -> fmt::Result {
        match self.object {
            Object::Name(name) => write!(f, "{}/{}", Quoted(self.rundir), Quoted(name)),
            Object::Path(path) => Quoted(path).fmt(f),
            Object::Descriptor(fd) => write!(f, "descriptor {fd}"),
            Object::RunDir => write!(f, "an entry of {}", Quoted(self.rundir)),
            _ => f.write_str("the namespace"),
        }
    }
}

/// A string of the caller, on one line and of bounded length: control characters and quotes are escaped as
/// `\xNN`, and the middle of a long string is omitted.
pub struct Quoted<'a>(pub &'a CStr);

/// The limits for a string without escapes and for one in which each byte may become four.
const LONGEST: usize = 320;
const LONGEST_ESCAPED: usize = LONGEST / 4;

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        let bytes = self.0.to_bytes();
        let plain = bytes.iter().all(|byte| (b' '..=b'~').contains(byte) && *byte != b'"');
        let longest = if plain { LONGEST } else { LONGEST_ESCAPED };
        if bytes.len() <= longest {
            return write_quoted(bytes, f);
        }
        let kept = longest * 2 / 5;
        write_quoted(&bytes[..kept], f)?;
        f.write_str("...")?;
        write_quoted(&bytes[bytes.len() - kept..], f)
    }
}

fn write_quoted(bytes: &[u8], f: &mut Formatter) -> fmt::Result {
    for (i, part) in bytes.split(|&byte| byte == b'"').enumerate() {
        if i > 0 {
            f.write_str("\\x22")?;
        }
        write_escaped(part, f)?;
    }
    Ok(())
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

#[cfg(test)]
mod tests;
#[cfg(test)]
mod words;
