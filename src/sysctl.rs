//! Gets and sets the sysctls of a network namespace.

use std::ffi::{CStr, c_char, c_int};
use std::ptr;

use libnetns::error::{Failure, Result};
use libnetns::explain::Subject;
use libnetns::namespace::handle::Namespace;
use libnetns::namespace::sysctl::{self, NameBuffer, SysctlName};

use crate::boundary;
use crate::convert::{self, text};
use crate::types::Netns;

/// Reads a sysctl of a network namespace, such as net.ipv4.ip_forward. The calling thread's network
/// namespace does not change.
///
/// ns     the network namespace to act in; NULL means the calling thread's.
/// name   as for sysctl(8): "net.ipv4.ip_forward" or "net/ipv4/ip_forward". Write a dot in an
///        interface's name as a slash if dots separate ("net.ipv4.conf.eth0/10.forwarding"), and as
///        it is if slashes do ("net/ipv4/conf/eth0.10/forwarding"). The name has to begin with net,
///        because other sysctls do not belong to a network namespace. The initial network namespace
///        also has system-wide sysctls under net; in others they are missing or read-only.
/// value  receives the value without the trailing newline, truncated to fit, and a terminating NUL;
///        may be NULL if size is 0.
/// size   the size of value in bytes.
///
/// Capabilities: none if ns is NULL, except what the sysctl itself requires. With a handle, even of
/// the calling thread's network namespace: CAP_SYS_ADMIN, in the user namespace that owns the
/// network namespace and in the caller's own.
///
/// Returns the length of the whole value without the NUL; if that is not less than size, the value
/// was truncated. Or
///   -EINVAL     name is NULL or not the name of a sysctl, or value is NULL and size is not 0
///   -ENAMETOOLONG  name is longer than 255 bytes
///   -ENOENT     the network namespace has no such sysctl, name does not begin with net, or /proc
///               or /proc/sys is not mounted
///   -EISDIR     name names a directory of sysctls, such as "net.ipv4"
///   -EACCES     the sysctl cannot be read, or not by the caller
///   -EIO        the sysctl has no value yet, such as net.ipv6.conf.all.stable_secret
///   -EPERM      a capability is missing (see Capabilities)
///   -EAGAIN     cannot start a helper thread (see netns_create())
///   -EMFILE, -ENFILE, -ENOMEM  out of file descriptors or memory
///   -ENOTRECOVERABLE  cannot switch the calling thread back: it is left in ns
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
        let mut buffer = NameBuffer::default();
        let name = sysctl_name(name, &mut buffer)?;
        if value.is_null() && size != 0 {
            return Err(Failure::invalid("no place for the value given"));
        }
        let found = sysctl::get(convert::namespace(ns).map(Namespace::proved), name)?;
        // SAFETY: the caller passes room for size bytes.
        unsafe { store(&found, value, size) }
    })
}

unsafe fn store(found: &[u8], value: *mut c_char, size: usize) -> Result<usize> {
    let Some(most) = size.checked_sub(1) else { return Ok(found.len()) };
    let len = found.len().min(most);
    // SAFETY: the caller has room for size bytes, which len and the NUL do not exceed.
    unsafe {
        ptr::copy_nonoverlapping(found.as_ptr(), value.cast(), len);
        value.add(len).write(0);
    }
    Ok(found.len())
}

/// Sets a sysctl of a network namespace. The calling thread's network namespace does not change.
///
/// ns, name  as for netns_sysctl_get().
/// value     the value, written with a trailing newline in a single write(2).
///
/// Capabilities: CAP_NET_ADMIN in the user namespace that owns the network namespace; root in the
/// initial user namespace can set without it the sysctls that do not check for it themselves, as
/// net.ipv4.ip_forward does since Linux 5.15. With a handle, even of the calling thread's network
/// namespace, also CAP_SYS_ADMIN, in the user namespace that owns the network namespace and in the
/// caller's own.
///
/// Returns 0, or
///   -EINVAL     name or value is NULL, name is not the name of a sysctl, or the kernel rejects the
///               value. If only the beginning of the value is valid, the kernel may have stored
///               that
///   -E2BIG      value is longer than 4094 bytes
///   -ENAMETOOLONG, -ENOENT, -EISDIR  as for netns_sysctl_get(); -ENOENT also if what the value
///               names does not exist
///   -EACCES     the sysctl cannot be written, or not in this network namespace, or not by the
///               caller
///   -EROFS      /proc/sys is mounted read-only, as in containers
///   -EPERM      a capability is missing (see Capabilities)
///   -EAGAIN     cannot start a helper thread (see netns_create())
///   -EMFILE, -ENFILE, -ENOMEM  out of file descriptors or memory
///   -ENOTRECOVERABLE  cannot switch the calling thread back: it is left in ns, and the value may
///               be set
/// or another errno of write(2) for the value.
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
        let mut buffer = NameBuffer::default();
        let name = sysctl_name(name, &mut buffer)?;
        let value = convert::required(value, "no value given")?;
        sysctl::set(convert::namespace(ns).map(Namespace::proved), name, value.to_bytes())
    })
}

fn about<'a>(verb: &'static str, ns: Option<&'a Netns>, name: Option<&'a CStr>) -> Subject<'a> {
    convert::about_setting(verb, ns, name, ("", None))
}

fn sysctl_name<'a>(name: Option<&CStr>, buffer: &'a mut NameBuffer) -> Result<SysctlName<'a>> {
    SysctlName::new(convert::required(name, "no sysctl given")?, buffer)
}
