//! The sysctls of a namespace.

use std::ffi::{CStr, c_char, c_int};
use std::ptr;

use libnetns::error::{Failure, Result};
use libnetns::explain::Subject;
use libnetns::namespace::handle::Namespace;
use libnetns::namespace::sysctl::{self, SysctlName};

use crate::boundary;
use crate::convert::{self, text};
use crate::types::Netns;

/// Reads a sysctl of a namespace, such as net.ipv4.ip_forward. The thread stays where it is.
///
/// ns     NULL is the namespace that the thread is in.
/// name   as sysctl(8) takes it: "net.ipv4.ip_forward" or "net/ipv4/ip_forward". A dot in an interface's
///        name is written as a slash among dots: "net.ipv4.conf.eth0/10.forwarding", or left as it is among
///        slashes: "net/ipv4/conf/eth0.10/forwarding". It begins with net: others belong to no network
///        namespace. The initial namespace also has those of the whole system that stand below net; in
///        others they are missing, or cannot be written.
/// value  receives the value without the newline at its end, cut to fit, with a NUL; NULL if size is 0.
/// size   how many bytes value has room for.
///
/// Returns the length of the whole value without the NUL, which was cut if that is not less than size; or
///   -EINVAL     name is NULL or no sysctl's, or value is NULL and size is not 0
///   -ENAMETOOLONG  name has more than 255 bytes
///   -ENOENT     the namespace has no such sysctl, name does not begin with net, or /proc or /proc/sys is
///               not there
///   -EISDIR     name is that of several, such as "net.ipv4"
///   -EACCES     it cannot be read, at all or by the caller
///   -EIO        it has no value, such as net.ipv6.conf.all.stable_secret
///   -EPERM      CAP_SYS_ADMIN to enter is missing
///   -EAGAIN     no helper thread could be started, where one is needed (see netns_create())
///   -EMFILE, -ENFILE, -ENOMEM  no descriptor or memory to be had
///   -ENOTRECOVERABLE  the thread could not go back: it is in the namespace
///
/// Since 1.0.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn netns_sysctl_get(
    ns: Option<&Netns>,
    name: *const c_char,
    value: *mut c_char,
    size: usize,
) -> libc::ssize_t {
    // SAFETY: the caller passes NULL or a string.
    let name = unsafe { text(name) };
    boundary::call(about("read sysctl", ns, name), || {
        let name = sysctl_name(name)?;
        if value.is_null() && size != 0 {
            return Err(Failure::invalid("no place for the value given"));
        }
        let found = sysctl::get(convert::namespace(ns).map(Namespace::proved), &name)?;
        // SAFETY: the caller passes room for size bytes.
        unsafe { store(&found, value, size) }
    })
}

unsafe fn store(found: &[u8], value: *mut c_char, size: usize) -> Result<usize> {
    let Some(most) = size.checked_sub(1) else { return Ok(found.len()) };
    let len = found.len().min(most);
    // SAFETY: the caller says that there is room for size bytes, which len and the NUL do not exceed.
    unsafe {
        ptr::copy_nonoverlapping(found.as_ptr(), value.cast(), len);
        value.add(len).write(0);
    }
    Ok(found.len())
}

/// Sets a sysctl of a namespace. The thread stays where it is.
///
/// ns, name  as for netns_sysctl_get().
/// value     is written at once, with a newline at its end.
///
/// Returns 0, or
///   -EINVAL     name or value is NULL, name is no sysctl's, or the kernel does not accept the value. Of one
///               that begins with what it accepts, it may have taken the beginning
///   -E2BIG      value has more than 4094 bytes
///   -ENAMETOOLONG, -ENOENT, -EISDIR  as for netns_sysctl_get(). -ENOENT may be what the value names
///   -EACCES     it cannot be written, at all, in this namespace or by the caller
///   -EROFS      /proc/sys is mounted read-only, as in containers
///   -EPERM      CAP_SYS_ADMIN to enter, or what this sysctl needs, is missing
///   -EAGAIN     no helper thread could be started, where one is needed (see netns_create())
///   -EMFILE, -ENFILE, -ENOMEM  no descriptor or memory to be had
///   -ENOTRECOVERABLE  the thread could not go back: it is in the namespace, and the value may be set
/// or what else write(2) says of the value.
///
/// Since 1.0.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn netns_sysctl_set(
    ns: Option<&Netns>,
    name: *const c_char,
    value: *const c_char,
) -> c_int {
    // SAFETY: the caller passes NULL or strings.
    let (name, value) = unsafe { (text(name), text(value)) };
    boundary::call(about("set sysctl", ns, name), || {
        let name = sysctl_name(name)?;
        let value = convert::required(value, "no value given")?;
        sysctl::set(convert::namespace(ns).map(Namespace::proved), &name, value.to_bytes())
    })
}

fn about<'a>(verb: &'static str, ns: Option<&'a Netns>, name: Option<&'a CStr>) -> Subject<'a> {
    convert::about_setting(verb, ns, name, ("", None))
}

fn sysctl_name(name: Option<&CStr>) -> Result<SysctlName> {
    SysctlName::new(convert::required(name, "no sysctl given")?)
}
