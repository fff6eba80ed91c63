//! Safe conversions of what crosses the ABI: strings, handles passed to C and taken back, flags, and structs to
//! which later versions append members.

use std::ffi::{CStr, c_char};
use std::fmt::Display;
use std::mem::{self, MaybeUninit};
use std::{ptr, slice};

use bitflags::Flags;
use nix::errno::Errno;

use libnetns::error::{Failure, Result, Step};
use libnetns::explain::{Object, Subject};
use libnetns::namespace::handle::Namespace;
use libnetns::rtnl::link::LinkName;
use libnetns::rundir::name::{DEFAULT_RUN_DIR, Name};

use crate::types::Netns;

/// The caller's string. NULL becomes None.
pub unsafe fn text<'a>(pointer: *const c_char) -> Option<&'a CStr> {
    if pointer.is_null() {
        return None;
    }
    // SAFETY: every caller passes a NUL-terminated string that lives as long as the call.
    Some(unsafe { CStr::from_ptr(pointer) })
}

pub fn required<T>(argument: Option<T>, complaint: &'static str) -> Result<T> {
    argument.ok_or(Failure::invalid(complaint))
}

pub fn handle(ns: Option<&Netns>) -> Result<&Netns> {
    required(ns, "no namespace given")
}

/// The network namespace to act in. NULL, the calling thread's, becomes None.
pub fn namespace(ns: Option<&Netns>) -> Option<&Namespace> {
    ns.map(|ns| &ns.0)
}

/// The pointer that receives the result. It is written to on success only.
pub fn out<T>(out: Option<&mut MaybeUninit<T>>) -> Result<&mut MaybeUninit<T>> {
    required(out, "no place for the result given")
}

pub fn name(text: Option<&CStr>) -> Result<Name<'_>> {
    Name::new(required(text, "no name given")?)
}

pub fn link_name(text: Option<&CStr>) -> Result<LinkName<'_>> {
    LinkName::new(required(text, "no interface given")?)
}

pub fn rundir(text: Option<&CStr>) -> Result<&CStr> {
    match text {
        Some(path) if path.is_empty() => {
            Err(Failure::invalid_at(Step::RunDirPath, "the path is empty"))
        }
        path => Ok(path.unwrap_or(DEFAULT_RUN_DIR)),
    }
}

pub fn flags<F: Flags<Bits = u32>>(bits: u32) -> Result<F> {
    required(F::from_bits(bits), "unknown flag")
}

pub fn no_flags(bits: u32) -> Result<()> {
    if bits == 0 { Ok(()) } else { Err(Failure::invalid("unknown flag")) }
}

/// The subject of a call on a name.
pub fn about_name<'a>(
    verb: &'static str,
    rundir: Option<&'a CStr>,
    name: Option<&'a CStr>,
) -> Subject<'a> {
    about_in(rundir, verb, name.map_or(Object::Missing, Object::Name))
}

pub fn about_handle<'a>(verb: &'static str, ns: Option<&'a Netns>) -> Subject<'a> {
    about(verb, handle_object(ns))
}

pub fn handle_object(ns: Option<&Netns>) -> Object<'_> {
    shown(ns).map_or(Object::Missing, Object::Handle)
}

/// The subject of a call on an interface.
pub fn about_link<'a>(
    verb: &'static str,
    ns: Option<&'a Netns>,
    ifname: Option<&'a CStr>,
) -> Subject<'a> {
    about_setting(verb, ns, ifname, ("", None))
}

/// The subject of a call on an interface, an address or a route that also names something else.
pub fn about_setting<'a>(
    verb: &'static str,
    ns: Option<&'a Netns>,
    what: Option<&'a CStr>,
    (word, other): (&'static str, Option<&'a CStr>),
) -> Subject<'a> {
    about(verb, Object::Setting { what, of: [(word, other), ("", None)], ns: shown(ns) })
}

/// The subject of a call on a whole network namespace. NULL means the calling thread's.
pub fn about_namespace<'a>(verb: &'static str, ns: Option<&'a Netns>) -> Subject<'a> {
    about(verb, shown(ns).map_or(Object::Here, Object::Handle))
}

/// A handle, as shown in messages.
pub fn shown(ns: Option<&Netns>) -> Option<&dyn Display> {
    Some(&ns?.0)
}

/// The subject of a call on a run directory, or on something in it. NULL means NETNS_RUN_DIR.
pub fn about_in<'a>(
    rundir: Option<&'a CStr>,
    verb: &'static str,
    object: Object<'a>,
) -> Subject<'a> {
    Subject { verb, rundir: rundir.unwrap_or(DEFAULT_RUN_DIR), object }
}

pub fn about<'a>(verb: &'static str, object: Object<'a>) -> Subject<'a> {
    Subject { verb, rundir: DEFAULT_RUN_DIR, object }
}

/// A string for C. It is valid as long as the object that it belongs to.
pub fn pointer(text: Option<&CStr>) -> *const c_char {
    text.map_or(ptr::null(), CStr::as_ptr)
}

/// Memory for an object that is passed to C. It is allocated before the work begins, so that nothing has to be
/// undone if there is none.
pub struct Slot<T>(Vec<T>);

impl<T> Slot<T> {
    pub fn new() -> Result<Slot<T>> {
        let mut memory = Vec::new();
        memory.try_reserve_exact(1).map_err(|_| Failure::no_memory())?;
        Ok(Slot(memory))
    }

    /// C owns the result until it is passed to [`take_back`].
    pub fn give(mut self, value: T) -> *mut T {
        self.0.push(value);
        Box::into_raw(self.0.into_boxed_slice()).cast()
    }
}

/// Frees what [`Slot::give`] returned. NULL is allowed.
pub unsafe fn take_back<T>(pointer: *mut T) {
    if pointer.is_null() {
        return;
    }
    // SAFETY: give() made the pointer from a boxed slice of one element, and C passes it here only once.
    drop(unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(pointer, 1)) });
}

/// A struct that C passes by pointer and to which later versions append members. Its first member is the size that
/// the caller was compiled with.
///
/// It must have no padding at its end: a member that a later version puts there would be within the size that
/// older programs pass, and they do not initialize it ([`has_no_tail_padding`]).
///
/// # Safety
///
/// The type is `repr(C)`, its first member is a `u32`, and any bytes, including zeroes, are a valid value.
pub unsafe trait Growing: Copy {
    /// Its size in the first release that had it, which remains the minimum that a caller may pass.
    const FIRST_SIZE: usize;
    /// The error message for an invalid size.
    const WRONG_SIZE: &'static str;
}

/// Larger than any version of any struct. A caller that passes more has not set the size.
const MOST: usize = 4096;

/// Whether `last` is the last member of a [`Growing`] struct and ends where the struct ends.
macro_rules! has_no_tail_padding {
    ($type:ty, $last:ident: $of:ty) => {
        std::mem::size_of::<$type>()
            == std::mem::offset_of!($type, $last) + std::mem::size_of::<$of>()
    };
}
pub(super) use has_no_tail_padding;

/// The size that the caller has set. The pointer may have only the alignment of an older version of the
/// struct.
unsafe fn size_of_callers<T: Growing>(pointer: *const T) -> Result<usize> {
    // SAFETY: the caller passes a struct that begins with its size.
    let size = unsafe { pointer.cast::<u32>().read_unaligned() } as usize;
    if size < T::FIRST_SIZE {
        return Err(Failure::invalid(T::WRONG_SIZE));
    }
    if size > MOST {
        return Err(Failure::new(Step::Argument, Errno::E2BIG).hint(T::WRONG_SIZE));
    }
    Ok(size)
}

/// Reads a struct that is input. NULL becomes None. Members that the caller's version lacks are zero; those that
/// this version lacks must be zero.
pub unsafe fn input<T: Growing>(pointer: *const T) -> Result<Option<T>> {
    if pointer.is_null() {
        return Ok(None);
    }
    // SAFETY: the caller passes NULL or a struct of the size that its first member has.
    let given = unsafe { slice::from_raw_parts(pointer.cast::<u8>(), size_of_callers(pointer)?) };
    let known = given.len().min(mem::size_of::<T>());
    if given[known..].iter().any(|&byte| byte != 0) {
        return Err(Failure::new(Step::Argument, Errno::E2BIG)
            .hint("the options use members that this version of the library does not know"));
    }
    let mut value = MaybeUninit::<T>::zeroed();
    // SAFETY: both sides have `known` bytes, and any bytes are a valid T.
    unsafe {
        ptr::copy_nonoverlapping(given.as_ptr(), value.as_mut_ptr().cast(), known);
        Ok(Some(value.assume_init()))
    }
}

/// The caller's struct that receives output.
pub struct Output<T> {
    pointer: *mut T,
    size: usize,
}

impl<T: Growing> Output<T> {
    /// Only the size has to be initialized. The struct must live as long as the result.
    pub unsafe fn new(pointer: *mut T, is_null: &'static str) -> Result<Output<T>> {
        if pointer.is_null() {
            return Err(Failure::invalid(is_null));
        }
        // SAFETY: the caller passes NULL or a struct of the size that its first member has.
        Ok(Output { pointer, size: unsafe { size_of_callers(pointer) }? })
    }

    /// Writes everything except the size, which does not change. Members that the caller's struct lacks are
    /// omitted; those that this version lacks are set to zero.
    pub fn write(self, value: T) {
        const START: usize = mem::size_of::<u32>();
        let known = self.size.min(mem::size_of::<T>());
        let from: *const T = &value;
        // SAFETY: the caller passed `size` bytes to new(), and T has the first `known` of them, too.
        unsafe {
            let (from, to) = (from.cast::<u8>(), self.pointer.cast::<u8>());
            ptr::copy_nonoverlapping(from.add(START), to.add(START), known - START);
            to.add(known).write_bytes(0, self.size - known);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A struct of three releases: 8, 16 and 24 bytes.
    #[repr(C)]
    #[derive(Clone, Copy, Debug, PartialEq)]
    struct Grown {
        size: u32,
        first: u32,
        second: u64,
        third: u64,
    }

    // SAFETY: it begins with its size and is made of integers.
    unsafe impl Growing for Grown {
        const FIRST_SIZE: usize = 8;
        const WRONG_SIZE: &'static str = "size is not sizeof(struct grown)";
    }

    const _: () = assert!(has_no_tail_padding!(Grown, third: u64));

    const FILL: u8 = 0xa5;

    /// A caller's struct of `size` bytes, with one more byte on both sides, as badly aligned as possible.
    fn callers(size: u32, fill: u8) -> Vec<u8> {
        let mut bytes = vec![fill; 1 + (size as usize).max(4) + 1];
        bytes[1..5].copy_from_slice(&size.to_ne_bytes());
        bytes
    }

    fn read(bytes: &[u8]) -> Result<Grown> {
        // SAFETY: callers() made it as large as it says.
        unsafe { input(bytes[1..].as_ptr().cast::<Grown>()) }.map(Option::unwrap)
    }

    #[test]
    fn input_zeroes_members_beyond_caller_size() {
        let whole = u64::from_ne_bytes([1; 8]);
        for size in 8..=24 {
            let value = read(&callers(size, 1)).unwrap();
            assert_eq!((value.size, value.first), (size, whole as u32));
            let mut expected = [0; 16];
            expected[..size as usize - 8].fill(1);
            let members = [value.second.to_ne_bytes(), value.third.to_ne_bytes()].concat();
            assert_eq!(members, expected, "{size}");
        }
    }

    #[test]
    fn input_rejects_nonzero_bytes_beyond_known_size() {
        for size in 25..=MOST as u32 {
            let mut bytes = callers(size, 0);
            assert_eq!(read(&bytes).map(|value| value.size), Ok(size));
            *bytes.last_mut().unwrap() = 1; // behind the struct
            assert!(read(&bytes).is_ok());
            for at in [25, size as usize] {
                bytes[at] = 1;
                assert_eq!(read(&bytes).unwrap_err().errno, Errno::E2BIG, "{size}, {at}");
                bytes[at] = 0;
            }
        }
    }

    #[test]
    fn output_fills_exactly_caller_size() {
        let value = Grown { size: 7, first: !0, second: !0, third: !0 };
        for size in (8..100).chain([MOST as u32]) {
            let mut bytes = callers(size, FILL);
            let pointer = bytes[1..].as_mut_ptr().cast::<Grown>();
            // SAFETY: callers() made it as large as it says.
            unsafe { Output::new(pointer, "NULL") }.unwrap().write(value);
            let (size, end) = (size as usize, 1 + size as usize);
            assert_eq!((bytes[0], bytes[end]), (FILL, FILL), "{size}");
            assert_eq!(bytes[1..5], (size as u32).to_ne_bytes());
            let known = 1 + size.min(24);
            assert!(bytes[5..known].iter().all(|&byte| byte == !0), "{size}");
            assert!(bytes[known..end].iter().all(|&byte| byte == 0), "{size}");
        }
    }

    #[test]
    fn input_and_output_reject_invalid_sizes() {
        let sizes = (0..8).map(|size| (size, Errno::EINVAL));
        for (size, errno) in sizes.chain([(4097, Errno::E2BIG), (u32::MAX, Errno::E2BIG)]) {
            let mut bytes = callers(size.min(8), FILL);
            bytes[1..5].copy_from_slice(&size.to_ne_bytes());
            assert_eq!(read(&bytes).unwrap_err().errno, errno, "{size}");
            let pointer = bytes[1..].as_mut_ptr().cast::<Grown>();
            // SAFETY: the size is looked at, and nothing is written.
            let output = unsafe { Output::new(pointer, "NULL") };
            assert_eq!(output.err().map(|failure| failure.errno), Some(errno), "{size}");
        }
    }

    #[test]
    fn input_accepts_null_and_output_rejects_it() {
        // SAFETY: NULL is allowed.
        unsafe {
            assert_eq!(input(ptr::null::<Grown>()), Ok(None));
            let output = Output::new(ptr::null_mut::<Grown>(), "NULL");
            assert_eq!(output.err().map(|failure| failure.errno), Some(Errno::EINVAL));
        }
    }
}
