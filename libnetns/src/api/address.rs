//! List, add and delete the IP addresses of interfaces.
//!
//! Each function takes the network namespace in which it operates, or `None` for the calling thread's. The
//! calling thread stays in its own namespace, as for the functions of [`link`](crate::link).
//!
//! # Examples
//!
//! ```
//! # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
//! # fn main() { in_world(example) }
//! # fn example() -> libnetns::Result<()> {
//! use libnetns::{CreateOptions, address};
//! use std::net::{IpAddr, Ipv4Addr};
//!
//! let ns = CreateOptions::new().lo_up(true).anonymous()?;
//! let own = Ipv4Addr::new(192, 0, 2, 1);
//! address::add(&ns, "lo", (own, 24))?;
//! assert!(address::list(&ns)?.iter().any(|address| address.address == IpAddr::V4(own)));
//! address::delete(&ns, "lo", (own, 24))?;
//! # Ok(()) }
//! ```

use std::ffi::{CStr, OsStr, OsString};
use std::fmt::{self, Display, Formatter};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use crate::error::{Failure, Step};
use crate::rtnl::address::{self, AddressFlags, list as internal};
use crate::rtnl::ip;
use crate::rtnl::link::LinkName;

use super::error::{About, Error, Result};
use super::link::{handle, link_name};
use super::namespace::Namespace;
use super::subject::{NOTHING, about_namespace, about_setting};
use super::text::{CText, os_string};

/// An IP address and its prefix length in bits.
///
/// # Examples
///
/// ```
/// use libnetns::Prefix;
/// use std::net::Ipv4Addr;
///
/// let prefix: Prefix = "192.0.2.1/24".parse()?;
/// assert_eq!(prefix, Prefix::from((Ipv4Addr::new(192, 0, 2, 1), 24)));
/// assert_eq!("192.0.2.1".parse::<Prefix>()?.to_string(), "192.0.2.1/32");
/// # Ok::<(), libnetns::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prefix {
    /// The address.
    pub address: IpAddr,
    /// The prefix length: 0 to 32 for IPv4, 0 to 128 for IPv6. Calls fail with `EINVAL` if it is greater.
    pub len: u8,
}

impl<T: Into<IpAddr>> From<(T, u8)> for Prefix {
    fn from((address, len): (T, u8)) -> Prefix {
        Prefix { address: address.into(), len }
    }
}

/// A single address: the prefix length is 32 or 128.
impl From<IpAddr> for Prefix {
    fn from(address: IpAddr) -> Prefix {
        Prefix { address, len: ip::Prefix::host(address).len }
    }
}

/// A single address: the prefix length is 32.
impl From<Ipv4Addr> for Prefix {
    fn from(address: Ipv4Addr) -> Prefix {
        IpAddr::V4(address).into()
    }
}

/// A single address: the prefix length is 128.
impl From<Ipv6Addr> for Prefix {
    fn from(address: Ipv6Addr) -> Prefix {
        IpAddr::V6(address).into()
    }
}

/// Parses `192.0.2.1/24` or, for a single address, `192.0.2.1`.
impl FromStr for Prefix {
    type Err = Error;

    fn from_str(text: &str) -> Result<Prefix> {
        let text = CText::new(text);
        let parse = || ip::Prefix::parse(text.whole(Step::Address)?);
        let subject = about_setting("read the address", None, text.shown(), [NOTHING; 2]);
        let ip::Prefix { address, len } = parse().about(&subject)?;
        Ok(Prefix { address, len })
    }
}

impl Display for Prefix {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.len)
    }
}

/// An IP address of an interface, as returned by [`list`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Address {
    /// The address.
    pub address: IpAddr,
    /// The prefix length.
    pub prefix_len: u8,
    /// The index of the interface.
    pub index: u32,
    /// The name of the interface; `None` if it was deleted meanwhile.
    pub interface: Option<OsString>,
    /// The address of the other end of a point-to-point interface.
    pub peer: Option<IpAddr>,
    /// The broadcast address.
    pub broadcast: Option<IpAddr>,
    /// The scope, as a kernel constant: 0 is universe (valid everywhere), 253 link, 254 host.
    pub scope: u8,
    /// The label: an alias name for one of several addresses.
    pub label: Option<OsString>,
    /// The kernel's flags, for example `IFA_F_TENTATIVE`, 0x40.
    pub flags: u32,
}

/// Options for adding an address.
///
/// # Examples
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
/// # fn main() { in_world(example) }
/// # fn example() -> libnetns::Result<()> {
/// use libnetns::{Namespace, address::AddOptions, link};
///
/// let ns = Namespace::anonymous()?;
/// link::add_veth(&ns, "v0", &ns, "v1")?;
/// AddOptions::new().nodad(true).add(&ns, "v0", "2001:db8::1/64".parse::<libnetns::Prefix>()?)?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, Default)]
pub struct AddOptions {
    nodad: bool,
}

impl AddOptions {
    /// Creates a set of options that are all off.
    pub fn new() -> AddOptions {
        AddOptions::default()
    }

    /// Sets whether duplicate address detection is skipped, so that an IPv6 address can be used at once.
    pub fn nodad(&mut self, nodad: bool) -> &mut AddOptions {
        self.nodad = nodad;
        self
    }

    /// Adds an address to an interface.
    ///
    /// # Errors
    ///
    /// Those of [`add`].
    #[doc(alias = "netns_addr_add_flags")]
    pub fn add<'a>(
        &self,
        ns: impl Into<Option<&'a Namespace>>,
        interface: impl AsRef<OsStr>,
        prefix: impl Into<Prefix>,
    ) -> Result<()> {
        let flags = if self.nodad { AddressFlags::NODAD } else { AddressFlags::empty() };
        change("add address", ns.into(), interface.as_ref(), prefix.into(), |ns, name, prefix| {
            address::add(ns, name, prefix, flags)
        })
    }
}

/// Adds an address to an interface.
///
/// # Errors
///
/// `EPERM` without `CAP_NET_ADMIN` over the namespace, `ENODEV` if the interface does not exist, `EEXIST` if
/// it already has the address, `EADDRNOTAVAIL` for the all-zero address, `EINVAL` for an invalid argument.
#[doc(alias = "netns_addr_add")]
pub fn add<'a>(
    ns: impl Into<Option<&'a Namespace>>,
    interface: impl AsRef<OsStr>,
    prefix: impl Into<Prefix>,
) -> Result<()> {
    AddOptions::new().add(ns, interface, prefix)
}

/// Deletes an address from an interface.
///
/// # Errors
///
/// `EPERM` without `CAP_NET_ADMIN` over the namespace, `ENODEV` if the interface does not exist,
/// `EADDRNOTAVAIL` if it does not have the address, `EINVAL` for an invalid argument.
#[doc(alias = "netns_addr_del")]
pub fn delete<'a>(
    ns: impl Into<Option<&'a Namespace>>,
    interface: impl AsRef<OsStr>,
    prefix: impl Into<Prefix>,
) -> Result<()> {
    change("delete address", ns.into(), interface.as_ref(), prefix.into(), address::delete)
}

type Handle = crate::namespace::handle::Namespace;

fn change(
    verb: &'static str,
    ns: Option<&Namespace>,
    interface: &OsStr,
    prefix: Prefix,
    change: impl FnOnce(Option<&Handle>, LinkName, ip::Prefix) -> std::result::Result<(), Failure>,
) -> Result<()> {
    let (ns, name) = (handle(ns), CText::new(interface));
    let text = CText::new(prefix.to_string());
    let result = link_name(&name).and_then(|name| {
        // Parsed as text, so that an invalid length is reported in the same way everywhere.
        change(ns, name, ip::Prefix::parse(text.whole(Step::Address)?)?)
    });
    result.about(&about_setting(verb, ns, text.shown(), [("on", Some(name.shown())), NOTHING]))
}

/// Returns the IP addresses of all interfaces of a network namespace, IPv4 first.
///
/// # Errors
///
/// `EPERM` if the calling thread may not enter the namespace and no earlier call has opened an rtnetlink
/// socket in it.
///
/// # Examples
///
/// ```
/// for address in libnetns::address::list(None)? {
///     println!("{}/{} on {:?}", address.address, address.prefix_len, address.interface);
/// }
/// # Ok::<(), libnetns::Error>(())
/// ```
#[doc(alias = "netns_addr_list")]
pub fn list<'a>(ns: impl Into<Option<&'a Namespace>>) -> Result<Vec<Address>> {
    let ns = handle(ns.into());
    let found = internal::list(ns).about(&about_namespace("list the addresses in", ns))?;
    Ok(found.iter().filter_map(for_caller).collect())
}

/// Returns `None` if the text is not an address, which does not occur in a list.
fn for_caller(address: &internal::Address) -> Option<Address> {
    Some(Address {
        address: parse(address.address.non_empty())?,
        prefix_len: address.prefix,
        index: address.index,
        interface: address.interface.non_empty().map(os_string),
        peer: parse(address.peer.non_empty()),
        broadcast: parse(address.broadcast.non_empty()),
        scope: address.scope,
        label: address.label.non_empty().map(os_string),
        flags: address.flags,
    })
}

/// Parses an address that came from the kernel and was converted to text.
pub(super) fn parse(text: Option<&CStr>) -> Option<IpAddr> {
    ip::parse(text?).ok()
}
