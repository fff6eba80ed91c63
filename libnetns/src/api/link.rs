//! List, create, change, move and delete interfaces.
//!
//! Each function takes the network namespace in which it operates, or `None` for the calling thread's. The
//! first call for a [`Namespace`] opens an rtnetlink socket in it, which the handle keeps. The calling thread
//! enters the namespace only to open this socket.
//!
//! # Errors
//!
//! `EPERM` without `CAP_NET_ADMIN` over the namespace or without the capability to enter it, `ENODEV` if
//! there is no interface with this name, `EEXIST` if there is one already, `EINVAL` and `ENAMETOOLONG` for an
//! invalid name, and other errors that the kernel returns. The message contains the kernel's extended ack
//! message, if there is one.
//!
//! # Examples
//!
//! ```
//! # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
//! # fn main() { in_world(example) }
//! # fn example() -> libnetns::Result<()> {
//! use libnetns::{Namespace, address, link};
//! use std::net::Ipv4Addr;
//!
//! let (a, b) = (Namespace::anonymous()?, Namespace::anonymous()?);
//! link::add_veth(&a, "v0", &b, "v0")?; // each end where it belongs, at once
//! address::add(&a, "v0", (Ipv4Addr::new(192, 0, 2, 1), 24))?;
//! link::set_up(&a, "v0")?;
//! link::set_up(&b, "v0")?;
//! # Ok(()) }
//! ```

use std::ffi::{CStr, OsStr, OsString};
use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use crate::error::{Failure, Step};
use crate::namespace::handle;
use crate::rtnl::ip;
use crate::rtnl::link::setup::{self, LinkKind, LinkLocation};
use crate::rtnl::link::{self, LinkName, list as internal};

use super::error::{About, Error, Result};
use super::namespace::Namespace;
use super::subject::{NOTHING, about_namespace, about_setting};
use super::text::{CText, os_string};

/// An interface, as returned by [`list`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Link {
    /// Its index, which is unique in the namespace.
    pub index: u32,
    /// Its name.
    pub name: OsString,
    /// Its kind: `veth`, `bridge` ...; `None` for `lo` and for hardware interfaces.
    pub kind: Option<OsString>,
    /// Its MTU in bytes.
    pub mtu: u32,
    /// The kernel's flags, for example `IFF_UP`, 1.
    pub flags: u32,
    /// Its operational state (RFC 2863).
    pub state: State,
    /// Its link-layer address.
    pub address: Option<LinkAddress>,
    /// The index of the bridge or bond that it is a port of.
    pub master: Option<u32>,
    /// The index of its peer (veth) or parent (macvlan, VLAN).
    pub peer: Option<u32>,
    /// The nsid of the network namespace of the peer or parent; `None` if it is the same namespace.
    pub peer_nsid: Option<i32>,
}

impl Link {
    /// Returns whether it is administratively up.
    pub fn is_up(&self) -> bool {
        self.flags & libc::IFF_UP as u32 != 0
    }
}

/// The operational state of an interface (RFC 2863).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// The driver does not report it, as for `lo`.
    Unknown,
    /// A component is missing.
    NotPresent,
    /// It is down, or has no carrier.
    Down,
    /// The interface below it is down.
    LowerLayerDown,
    /// It is being tested.
    Testing,
    /// It waits for an external event, such as authentication.
    Dormant,
    /// It can pass packets.
    Up,
}

impl State {
    fn new(name: &CStr) -> State {
        match name.to_bytes() {
            b"notpresent" => State::NotPresent,
            b"down" => State::Down,
            b"lowerlayerdown" => State::LowerLayerDown,
            b"testing" => State::Testing,
            b"dormant" => State::Dormant,
            b"up" => State::Up,
            _ => State::Unknown,
        }
    }
}

/// A link-layer address of up to 32 bytes.
///
/// # Examples
///
/// ```
/// use libnetns::link::LinkAddress;
///
/// let address: LinkAddress = "02:00:5E:10:0:1".parse()?;
/// assert_eq!(address, LinkAddress::from([2, 0, 0x5e, 0x10, 0, 1]));
/// assert_eq!(address.to_string(), "02:00:5e:10:00:01");
/// # Ok::<(), libnetns::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LinkAddress(ip::LinkAddress);

impl LinkAddress {
    /// Returns its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// An address of six bytes, as on Ethernet.
impl From<[u8; 6]> for LinkAddress {
    fn from(bytes: [u8; 6]) -> LinkAddress {
        LinkAddress(ip::LinkAddress::from_bytes(&bytes))
    }
}

/// Parses hexadecimal bytes separated by colons.
impl FromStr for LinkAddress {
    type Err = Error;

    fn from_str(text: &str) -> Result<LinkAddress> {
        let text = CText::new(text);
        let parse = || ip::LinkAddress::parse(text.whole(Step::LinkAddress)?);
        let subject = about_setting("read the address", None, text.shown(), [NOTHING; 2]);
        Ok(LinkAddress(parse().about(&subject)?))
    }
}

impl Display for LinkAddress {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        Display::fmt(&self.0, f)
    }
}

/// How the macvlans of one parent can reach each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MacvlanMode {
    /// They cannot.
    Private,
    /// Through the switch that the parent is connected to.
    Vepa,
    /// Directly.
    Bridge,
    /// There is only one macvlan, which uses the parent exclusively.
    Passthru,
}

impl MacvlanMode {
    fn internal(self) -> std::result::Result<setup::MacvlanMode, Failure> {
        setup::MacvlanMode::new(match self {
            MacvlanMode::Private => c"private",
            MacvlanMode::Vepa => c"vepa",
            MacvlanMode::Bridge => c"bridge",
            MacvlanMode::Passthru => c"passthru",
        })
    }
}

/// Returns the handle of the namespace in which a call operates.
pub(super) fn handle(ns: Option<&Namespace>) -> Option<&handle::Namespace> {
    ns.map(|ns| &ns.handle)
}

pub(super) fn link_name(name: &CText) -> std::result::Result<LinkName<'_>, Failure> {
    LinkName::new(name.whole(Step::LinkName)?)
}

/// Returns the interfaces of a network namespace, sorted by index.
///
/// # Examples
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
/// # fn main() { in_world(example) }
/// # fn example() -> libnetns::Result<()> {
/// use libnetns::{Namespace, link};
///
/// let lo = &link::list(&Namespace::anonymous()?)?[0];
/// assert_eq!((lo.index, lo.name.to_str()), (1, Some("lo")));
/// for link in link::list(None)? {
///     println!("{}: {:?} {:?}", link.index, link.name, link.state);
/// }
/// # Ok(()) }
/// ```
#[doc(alias = "netns_link_list")]
pub fn list<'a>(ns: impl Into<Option<&'a Namespace>>) -> Result<Vec<Link>> {
    let ns = handle(ns.into());
    let links = internal::list(ns).about(&about_namespace("list the interfaces in", ns))?;
    Ok(links.iter().map(for_caller).collect())
}

fn for_caller(link: &internal::Link) -> Link {
    Link {
        index: link.index,
        name: os_string(link.name.as_c_str()),
        kind: link.kind.non_empty().map(os_string),
        mtu: link.mtu,
        flags: link.flags,
        state: State::new(link.state),
        address: link.address.non_empty().and_then(|text| {
            // The text was generated from such an address.
            ip::LinkAddress::parse(text).ok().map(LinkAddress)
        }),
        master: some_index(link.master),
        peer: some_index(link.peer),
        peer_nsid: link.peer_nsid,
    }
}

fn some_index(index: u32) -> Option<u32> {
    (index != 0).then_some(index)
}

/// Creates an interface of a kind that needs no parameters: `bridge`, `dummy`, `ifb` ...
///
/// # Examples
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
/// # fn main() { in_world(example) }
/// # fn example() -> libnetns::Result<()> {
/// use libnetns::{Namespace, link};
///
/// let ns = Namespace::anonymous()?;
/// # if link::add(&ns, "probe", "bridge").is_err() { return Ok(()) } // not in this kernel
/// link::add(&ns, "br0", "bridge")?;
/// link::delete(&ns, "br0")?;
/// # Ok(()) }
/// ```
#[doc(alias = "netns_link_add")]
pub fn add<'a>(
    ns: impl Into<Option<&'a Namespace>>,
    name: impl AsRef<OsStr>,
    kind: impl AsRef<OsStr>,
) -> Result<()> {
    let (ns, name, kind) = (handle(ns.into()), CText::new(name), CText::new(kind));
    let of = [("of kind", Some(kind.shown())), NOTHING];
    let add = || {
        let kind = LinkKind::new(kind.whole(Step::LinkKind)?)?;
        setup::add(LinkLocation { ns, name: link_name(&name)? }, kind)
    };
    add().about(&about_setting("add interface", ns, name.shown(), of))
}

/// Creates a veth pair. Each end is created in its network namespace.
///
/// # Examples
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
/// # fn main() { in_world(example) }
/// # fn example() -> libnetns::Result<()> {
/// use libnetns::{Namespace, link};
///
/// let (a, b) = (Namespace::anonymous()?, Namespace::anonymous()?);
/// link::add_veth(&a, "to-b", &b, "to-a")?;
/// # Ok(()) }
/// ```
#[doc(alias = "netns_veth_add")]
pub fn add_veth<'a>(
    ns: impl Into<Option<&'a Namespace>>,
    name: impl AsRef<OsStr>,
    peer_ns: impl Into<Option<&'a Namespace>>,
    peer_name: impl AsRef<OsStr>,
) -> Result<()> {
    let ((ns, name), (peer_ns, peer)) = (place(ns, name), place(peer_ns, peer_name));
    let of = [("with", Some(peer.shown())), NOTHING];
    let add = || {
        let place = LinkLocation { ns, name: link_name(&name)? };
        setup::add_veth(place, LinkLocation { ns: peer_ns, name: link_name(&peer)? })
    };
    add().about(&about_setting("add veth", ns, name.shown(), of))
}

/// Creates a macvlan on a parent interface, which may be in another network namespace. Without a mode, the
/// kernel's default is used, [`MacvlanMode::Vepa`].
///
/// # Examples
///
/// ```no_run
/// use libnetns::{Namespace, link};
///
/// let blue = Namespace::open("blue")?;
/// link::add_macvlan(&blue, "eth0", None, "eth0", link::MacvlanMode::Bridge)?;
/// # Ok::<(), libnetns::Error>(())
/// ```
#[doc(alias = "netns_macvlan_add")]
pub fn add_macvlan<'a>(
    ns: impl Into<Option<&'a Namespace>>,
    name: impl AsRef<OsStr>,
    parent_ns: impl Into<Option<&'a Namespace>>,
    parent: impl AsRef<OsStr>,
    mode: impl Into<Option<MacvlanMode>>,
) -> Result<()> {
    let ((ns, name), (parent_ns, parent)) = (place(ns, name), place(parent_ns, parent));
    let of = [("on", Some(parent.shown())), NOTHING];
    let mode = mode.into();
    let add = || {
        let mode = mode.map(MacvlanMode::internal).transpose()?;
        let place = LinkLocation { ns, name: link_name(&name)? };
        setup::add_macvlan(place, LinkLocation { ns: parent_ns, name: link_name(&parent)? }, mode)
    };
    add().about(&about_setting("add macvlan", ns, name.shown(), of))
}

/// Creates a VLAN interface (802.1Q) with this id on a parent interface, which may be in another network
/// namespace.
///
/// # Examples
///
/// ```no_run
/// use libnetns::{Namespace, link};
///
/// link::add_vlan(&Namespace::open("blue")?, "eth0.7", None, "eth0", 7)?;
/// # Ok::<(), libnetns::Error>(())
/// ```
#[doc(alias = "netns_vlan_add")]
pub fn add_vlan<'a>(
    ns: impl Into<Option<&'a Namespace>>,
    name: impl AsRef<OsStr>,
    parent_ns: impl Into<Option<&'a Namespace>>,
    parent: impl AsRef<OsStr>,
    id: u16,
) -> Result<()> {
    let ((ns, name), (parent_ns, parent)) = (place(ns, name), place(parent_ns, parent));
    let of = [("on", Some(parent.shown())), NOTHING];
    let add = || {
        let place = LinkLocation { ns, name: link_name(&name)? };
        setup::add_vlan(place, LinkLocation { ns: parent_ns, name: link_name(&parent)? }, id)
    };
    add().about(&about_setting("add vlan", ns, name.shown(), of))
}

fn place<'a>(
    ns: impl Into<Option<&'a Namespace>>,
    name: impl AsRef<OsStr>,
) -> (Option<&'a handle::Namespace>, CText) {
    (handle(ns.into()), CText::new(name))
}

/// Moves an interface to another network namespace and, if a new name is given, renames it.
///
/// # Examples
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
/// # fn main() { in_world(example) }
/// # fn example() -> libnetns::Result<()> {
/// use libnetns::{Namespace, link};
///
/// let (a, b) = (Namespace::anonymous()?, Namespace::anonymous()?);
/// link::add_veth(&a, "v0", &a, "v1")?;
/// link::move_to(&a, "v1", &b, Some("eth0"))?;
/// link::move_to(&a, "v0", &b, None::<&str>)?;
/// assert_eq!(link::list(&b)?.len(), 3);
/// # Ok(()) }
/// ```
#[doc(alias = "netns_link_move")]
pub fn move_to<'a>(
    from: impl Into<Option<&'a Namespace>>,
    name: impl AsRef<OsStr>,
    to: &Namespace,
    new_name: Option<impl AsRef<OsStr>>,
) -> Result<()> {
    let ((from, name), new_name) = (place(from, name), new_name.map(CText::new));
    let of = [("as", new_name.as_ref().map(CText::shown)), NOTHING];
    let move_to = || {
        let new_name = new_name.as_ref().map(link_name).transpose()?;
        link::move_to(from, link_name(&name)?, &to.handle, new_name)
    };
    move_to().about(&about_setting("move interface", from, name.shown(), of))
}

/// Deletes an interface and, for a veth, its peer.
///
/// # Examples
///
/// See [`add`].
#[doc(alias = "netns_link_del")]
pub fn delete<'a>(ns: impl Into<Option<&'a Namespace>>, name: impl AsRef<OsStr>) -> Result<()> {
    change("delete interface", place(ns, name), NOTHING, setup::delete)
}

/// Sets an interface up.
///
/// # Examples
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
/// # fn main() { in_world(example) }
/// # fn example() -> libnetns::Result<()> {
/// use libnetns::{Namespace, link};
///
/// let ns = Namespace::anonymous()?;
/// link::set_up(&ns, "lo")?;
/// link::set_down(&ns, "lo")?;
/// assert!(!link::list(&ns)?[0].is_up());
/// # Ok(()) }
/// ```
#[doc(alias = "netns_link_up")]
pub fn set_up<'a>(ns: impl Into<Option<&'a Namespace>>, name: impl AsRef<OsStr>) -> Result<()> {
    change("bring up", place(ns, name), NOTHING, |place| setup::set_up(place, true))
}

/// Sets an interface down.
///
/// # Examples
///
/// See [`set_up`].
#[doc(alias = "netns_link_down")]
pub fn set_down<'a>(ns: impl Into<Option<&'a Namespace>>, name: impl AsRef<OsStr>) -> Result<()> {
    change("bring down", place(ns, name), NOTHING, |place| setup::set_up(place, false))
}

/// Sets the MTU of an interface.
///
/// # Examples
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
/// # fn main() { in_world(example) }
/// # fn example() -> libnetns::Result<()> {
/// use libnetns::{Namespace, link};
///
/// let ns = Namespace::anonymous()?;
/// link::set_mtu(&ns, "lo", 1500)?;
/// assert_eq!(link::list(&ns)?[0].mtu, 1500);
/// # Ok(()) }
/// ```
#[doc(alias = "netns_link_set_mtu")]
pub fn set_mtu<'a>(
    ns: impl Into<Option<&'a Namespace>>,
    name: impl AsRef<OsStr>,
    mtu: u32,
) -> Result<()> {
    change("set the MTU of", place(ns, name), NOTHING, |place| setup::set_mtu(place, mtu))
}

/// Sets the link-layer address of an interface.
///
/// # Examples
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
/// # fn main() { in_world(example) }
/// # fn example() -> libnetns::Result<()> {
/// use libnetns::{Namespace, link};
///
/// let ns = Namespace::anonymous()?;
/// link::add_veth(&ns, "v0", &ns, "v1")?;
/// link::set_address(&ns, "v0", [2, 0, 0x5e, 0x10, 0, 1])?;
/// # Ok(()) }
/// ```
#[doc(alias = "netns_link_set_address")]
pub fn set_address<'a>(
    ns: impl Into<Option<&'a Namespace>>,
    name: impl AsRef<OsStr>,
    address: impl Into<LinkAddress>,
) -> Result<()> {
    let address = address.into();
    let text = CText::new(address.to_string());
    change("set the address of", place(ns, name), ("to", Some(text.shown())), |place| {
        setup::set_address(place, address.0)
    })
}

/// Makes an interface a port of another one, such as a bridge; `None` removes it from that one.
///
/// # Examples
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
/// # fn main() { in_world(example) }
/// # fn example() -> libnetns::Result<()> {
/// use libnetns::{Namespace, link};
///
/// let ns = Namespace::anonymous()?;
/// # if link::add(&ns, "probe", "bridge").is_err() { return Ok(()) } // not in this kernel
/// link::add(&ns, "br0", "bridge")?;
/// link::add_veth(&ns, "v0", &ns, "v1")?;
/// link::set_master(&ns, "v0", Some("br0"))?;
/// link::set_master(&ns, "v0", None::<&str>)?;
/// # Ok(()) }
/// ```
#[doc(alias = "netns_link_set_master")]
pub fn set_master<'a>(
    ns: impl Into<Option<&'a Namespace>>,
    name: impl AsRef<OsStr>,
    master: Option<impl AsRef<OsStr>>,
) -> Result<()> {
    let master = master.map(CText::new);
    let shown = master.as_ref().map(CText::shown);
    change("set the master of", place(ns, name), ("to", shown), |place| {
        setup::set_master(place, master.as_ref().map(link_name).transpose()?)
    })
}

/// Changes one interface.
fn change(
    verb: &'static str,
    (ns, name): (Option<&handle::Namespace>, CText),
    of: (&'static str, Option<&CStr>),
    change: impl FnOnce(LinkLocation) -> std::result::Result<(), Failure>,
) -> Result<()> {
    let result = link_name(&name).and_then(|name| change(LinkLocation { ns, name }));
    result.about(&about_setting(verb, ns, name.shown(), [of, NOTHING]))
}
