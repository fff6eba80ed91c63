//! The sysctls of a namespace.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStringExt;

use crate::error::Step;
use crate::namespace::sysctl::{self, NameBuffer, SysctlName};

use super::error::{About, Result};
use super::namespace::Namespace;
use super::subject::{NOTHING, about_setting};
use super::text::CText;

/// Sysctls. The calling thread stays in its own namespace.
impl Namespace {
    /// Returns the value of a sysctl of the namespace, without the trailing newline.
    ///
    /// The name has a form that `sysctl(8)` accepts and begins with `net`: `net.ipv4.ip_forward` or
    /// `net/ipv4/ip_forward`. If the separators are dots, a dot in an interface name is written as a slash,
    /// `net.ipv4.conf.eth0/10.forwarding`; if they are slashes, it stays a dot.
    ///
    /// # Errors
    ///
    /// `ENOENT` if the namespace has no such sysctl, if the name does not begin with `net`, or if `/proc` is
    /// not mounted; `EINVAL` and `ENAMETOOLONG` for an invalid name; `EISDIR` if the name is that of a
    /// directory of sysctls; `EACCES` if the sysctl cannot be read; `EPERM` if the thread may not enter the
    /// namespace.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
    /// # fn main() { in_world(example) }
    /// # fn example() -> libnetns::Result<()> {
    /// let sandbox = libnetns::Namespace::anonymous()?;
    /// sandbox.set_sysctl("net.ipv4.ip_forward", "1")?;
    /// assert_eq!(sandbox.sysctl("net.ipv4.ip_forward")?, "1");
    /// # Ok(()) }
    /// ```
    #[doc(alias = "netns_sysctl_get")]
    pub fn sysctl(&self, name: impl AsRef<OsStr>) -> Result<OsString> {
        let mut buffer = NameBuffer::default();
        let name = CText::new(name);
        let subject = about_setting("read sysctl", Some(&self.handle), name.shown(), [NOTHING; 2]);
        let value = name
            .whole(Step::SysctlName)
            .and_then(|name| SysctlName::new(name, &mut buffer))
            .and_then(|name| sysctl::get(Some(self.handle.proved()), name));
        value.map(OsString::from_vec).about(&subject)
    }

    /// Sets a sysctl of the namespace.
    ///
    /// # Errors
    ///
    /// Those of [`Namespace::sysctl`]; `EINVAL` and other errors of `write(2)` if the kernel rejects the
    /// value; `E2BIG` if the value is longer than 4094 bytes; `EACCES` if the sysctl cannot be written;
    /// `EROFS` if `/proc/sys` is mounted read-only.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
    /// # fn main() { in_world(example) }
    /// # fn example() -> libnetns::Result<()> {
    /// let sandbox = libnetns::Namespace::anonymous()?;
    /// sandbox.set_sysctl("net.ipv4.ip_local_port_range", "40000 50000")?;
    /// assert!(sandbox.set_sysctl("net.ipv4.ip_forward", "yes").is_err());
    /// # Ok(()) }
    /// ```
    #[doc(alias = "netns_sysctl_set")]
    pub fn set_sysctl(&self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Result<()> {
        let mut buffer = NameBuffer::default();
        let name = CText::new(name);
        let value = CText::new(value);
        let subject = about_setting("set sysctl", Some(&self.handle), name.shown(), [NOTHING; 2]);
        let ns = Some(self.handle.proved());
        let set = name
            .whole(Step::SysctlName)
            .and_then(|name| SysctlName::new(name, &mut buffer))
            .and_then(|name| sysctl::set(ns, name, value.whole(Step::WriteSysctl)?.to_bytes()));
        set.about(&subject)
    }
}
