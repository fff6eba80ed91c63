//! The subjects of calls, for error messages.

use std::ffi::CStr;
use std::fmt::Display;

use crate::explain::{Object, Subject};
use crate::namespace::handle;
use crate::rundir::name::DEFAULT_RUN_DIR;

pub fn about<'a>(verb: &'static str, object: Object<'a>) -> Subject<'a> {
    Subject { verb, rundir: DEFAULT_RUN_DIR, object }
}

pub fn about_handle<'a>(verb: &'static str, ns: &'a handle::Namespace) -> Subject<'a> {
    about(verb, Object::Handle(ns))
}

/// `None` is the calling thread's namespace.
pub fn about_namespace<'a>(verb: &'static str, ns: Option<&'a handle::Namespace>) -> Subject<'a> {
    about(verb, ns.map_or(Object::Here, |ns| Object::Handle(ns)))
}

/// An interface, address or route, and the object that it belongs to.
pub fn about_setting<'a>(
    verb: &'static str,
    ns: Option<&'a handle::Namespace>,
    what: &'a CStr,
    of: [(&'static str, Option<&'a CStr>); 2],
) -> Subject<'a> {
    let ns = ns.map(|ns| -> &dyn Display { ns });
    about(verb, Object::Setting { what: Some(what), of, ns })
}

/// For settings that belong to no other object, or to only one.
pub const NOTHING: (&str, Option<&CStr>) = ("", None);
