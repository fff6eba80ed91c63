//! What crosses the ABI, made safe: strings, handles given away and taken back, flags.

use std::ffi::{CStr, c_char};
use std::mem::MaybeUninit;
use std::ptr;

use bitflags::Flags;

use crate::entry::Name;
use crate::error::{Error, Object, Result, Subject};
use crate::link::LinkName;
use crate::namespace::Namespace;
use crate::rundir::DEFAULT_RUN_DIR;

use super::types::Netns;

/// The caller's string; NULL is None.
pub unsafe fn text<'a>(pointer: *const c_char) -> Option<&'a CStr> {
    if pointer.is_null() {
        return None;
    }
    // SAFETY: every caller passes a NUL-terminated string that lives as long as the call.
    Some(unsafe { CStr::from_ptr(pointer) })
}

pub fn required<T>(argument: Option<T>, complaint: &'static str) -> Result<T> {
    argument.ok_or(Error::invalid(complaint))
}

pub fn handle(ns: Option<&Netns>) -> Result<&Netns> {
    required(ns, "the handle is NULL")
}

/// The namespace that a call is to work in; NULL is the calling thread's, which is None.
pub fn namespace(ns: Option<&Netns>) -> Option<&Namespace> {
    ns.map(|ns| &ns.0)
}

/// Where the result goes: the pointer that C passed, which is written to on success only.
pub fn out<T>(out: Option<&mut MaybeUninit<T>>) -> Result<&mut MaybeUninit<T>> {
    required(out, "the pointer to the result is NULL")
}

pub fn name(text: Option<&CStr>) -> Result<Name<'_>> {
    Name::new(required(text, "the name is NULL")?)
}

pub fn link_name(text: Option<&CStr>) -> Result<LinkName<'_>> {
    LinkName::new(required(text, "the interface's name is NULL")?)
}

pub fn rundir(text: Option<&CStr>) -> Result<&CStr> {
    match text {
        Some(path) if path.is_empty() => Err(Error::invalid("the run directory's path is empty")),
        path => Ok(path.unwrap_or(DEFAULT_RUN_DIR)),
    }
}

pub fn flags<F: Flags<Bits = u32>>(bits: u32) -> Result<F> {
    required(F::from_bits(bits), "an unknown flag")
}

pub fn no_flags(bits: u32) -> Result<()> {
    if bits == 0 { Ok(()) } else { Err(Error::invalid("an unknown flag: none is defined here")) }
}

/// What a call about a name is about.
pub fn about_name<'a>(
    verb: &'static str,
    rundir: Option<&'a CStr>,
    name: Option<&'a CStr>,
) -> Subject<'a> {
    Subject { verb, rundir, object: name.map_or(Object::Null, Object::Name) }
}

pub fn about_handle<'a>(verb: &'static str, ns: Option<&'a Netns>) -> Subject<'a> {
    about(verb, ns.map_or(Object::Null, |ns| Object::Handle(&ns.0)))
}

/// What a call about an interface is about.
pub fn about_link<'a>(
    verb: &'static str,
    ns: Option<&'a Netns>,
    ifname: Option<&'a CStr>,
) -> Subject<'a> {
    about_setting(verb, ns, ifname, ("", None))
}

/// What a call about an interface, an address or a route is about that names something else as well.
pub fn about_setting<'a>(
    verb: &'static str,
    ns: Option<&'a Netns>,
    what: Option<&'a CStr>,
    (word, other): (&'static str, Option<&'a CStr>),
) -> Subject<'a> {
    about(verb, Object::Setting { what, of: [(word, other), ("", None)], ns: namespace(ns) })
}

/// What a call about all of a namespace is about; NULL is the calling thread's.
pub fn about_namespace<'a>(verb: &'static str, ns: Option<&'a Netns>) -> Subject<'a> {
    about(verb, namespace(ns).map_or(Object::Here, Object::Handle))
}

pub fn about<'a>(verb: &'static str, object: Object<'a>) -> Subject<'a> {
    Subject { verb, rundir: None, object }
}

/// A text for C that lives as long as what it is of.
pub fn pointer(text: Option<&CStr>) -> *const c_char {
    text.map_or(ptr::null(), CStr::as_ptr)
}

/// Memory for something that is given to C, taken before the work begins so that nothing has to be
/// undone for want of it.
pub struct Slot<T>(Vec<T>);

impl<T> Slot<T> {
    pub fn new() -> Result<Slot<T>> {
        let mut memory = Vec::new();
        memory.try_reserve_exact(1).map_err(|_| Error::no_memory())?;
        Ok(Slot(memory))
    }

    /// C owns the result until it gives it to [`take_back`].
    pub fn give(mut self, value: T) -> *mut T {
        self.0.push(value);
        Box::into_raw(self.0.into_boxed_slice()).cast()
    }
}

/// Frees what [`Slot::give`] gave; NULL is nothing.
pub unsafe fn take_back<T>(pointer: *mut T) {
    if pointer.is_null() {
        return;
    }
    // SAFETY: the pointer is one that give() made of a boxed slice of one, and C gives it back once.
    drop(unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(pointer, 1)) });
}
