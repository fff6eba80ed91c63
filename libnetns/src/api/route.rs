//! Routes: listed, added and deleted.
//!
//! Each function takes the network namespace that it works in, or `None` for the calling thread's, and
//! leaves the calling thread where it is, as those of [`link`](crate::link) do.
//!
//! # Examples
//!
//! ```
//! # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
//! # fn main() { in_world(example) }
//! # fn example() -> libnetns::Result<()> {
//! use libnetns::route::{self, Route};
//! use libnetns::{Namespace, address, link};
//! use std::net::Ipv4Addr;
//!
//! let ns = Namespace::anonymous()?;
//! link::add_veth(&ns, "v0", &ns, "v1")?;
//! link::set_up(&ns, "v0")?;
//! address::add(&ns, "v0", (Ipv4Addr::new(192, 0, 2, 2), 24))?;
//! let gateway = Ipv4Addr::new(192, 0, 2, 1);
//! route::add(&ns, &Route::default_via(gateway))?;
//! route::add(&ns, &Route::to((Ipv4Addr::new(198, 51, 100, 0), 24)).dev("v0"))?;
//! route::delete(&ns, &Route::default_via(gateway))?;
//! # Ok(()) }
//! ```

use std::ffi::{OsStr, OsString};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::error::{Failure, Step};
use crate::namespace::handle;
use crate::rtnl::ip;
use crate::rtnl::route::{self, list as internal, list::RouteListFlags};

use super::address::{Prefix, parse};
use super::error::{About, Result};
use super::link::{handle, link_name};
use super::namespace::Namespace;
use super::subject::{about_namespace, about_setting};
use super::text::{CText, os_string};

/// A route to be added or deleted: where it leads, and through what.
///
/// It needs a gateway, an interface or both.
///
/// # Examples
///
/// ```
/// use libnetns::route::Route;
/// use std::net::Ipv4Addr;
///
/// let gateway = Ipv4Addr::new(192, 0, 2, 1);
/// let network = (Ipv4Addr::new(198, 51, 100, 0), 24);
/// let route = Route::to(network).via(gateway).dev("eth0");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Route {
    destination: Prefix,
    gateway: Option<IpAddr>,
    interface: Option<OsString>,
}

impl Route {
    /// One to this network.
    pub fn to(destination: impl Into<Prefix>) -> Route {
        Route { destination: destination.into(), gateway: None, interface: None }
    }

    /// One to everything of the gateway's family that no other route leads to.
    pub fn default_via(gateway: impl Into<IpAddr>) -> Route {
        let gateway = gateway.into();
        Route::to(everything(gateway.is_ipv6())).via(gateway)
    }

    /// Through this gateway. An IPv4 route may have one of IPv6 (Linux 5.2).
    pub fn via(self, gateway: impl Into<IpAddr>) -> Route {
        Route { gateway: Some(gateway.into()), ..self }
    }

    /// Through this interface.
    pub fn dev(self, interface: impl AsRef<OsStr>) -> Route {
        Route { interface: Some(interface.as_ref().to_owned()), ..self }
    }

    fn is_default(&self) -> bool {
        self.destination == everything(self.destination.address.is_ipv6())
    }
}

fn everything(is_ipv6: bool) -> Prefix {
    let address =
        if is_ipv6 { IpAddr::V6(Ipv6Addr::UNSPECIFIED) } else { IpAddr::V4(Ipv4Addr::UNSPECIFIED) };
    Prefix { address, len: 0 }
}

/// A route, or one of the nexthops of a route that has several, as [`list`] has found it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct RouteEntry {
    /// Where it leads: `0.0.0.0/0` and `::/0` for a default route.
    pub destination: Prefix,
    /// The gateway.
    pub gateway: Option<IpAddr>,
    /// The index of the interface; `None` if it has none, as a blackhole.
    pub index: Option<u32>,
    /// The name of the interface; `None` if it went away meanwhile, too.
    pub interface: Option<OsString>,
    /// Its metric: of two, the lesser one counts.
    pub metric: u32,
    /// Its table: 254 is the main one.
    pub table: u32,
    /// Who made it, by the kernel's numbers: 2 the kernel, 3 at boot, 4 static ...
    pub protocol: u8,
    /// The scope of the destination, by the kernel's numbers.
    pub scope: u8,
    /// Its type, by the kernel's numbers: 1 unicast, 6 blackhole ...
    pub r#type: u8,
}

/// Adds a route to the main table.
///
/// # Errors
///
/// `EPERM` without `CAP_NET_ADMIN` over the namespace, `EEXIST` if there is such a route, `ENODEV` if there
/// is no such interface, `ENETUNREACH` and `EHOSTUNREACH` if the gateway cannot be reached, `ENETDOWN` if
/// the interface is down, `EINVAL` for an invalid argument.
#[doc(alias = "netns_route_add")]
pub fn add<'a>(ns: impl Into<Option<&'a Namespace>>, route: &Route) -> Result<()> {
    change("add route", handle(ns.into()), route, route::add)
}

/// Deletes a route of the main table.
///
/// # Errors
///
/// `EPERM` without `CAP_NET_ADMIN` over the namespace, `ESRCH` if there is no such route, `ENODEV` if
/// there is no such interface, `EINVAL` for an invalid argument.
#[doc(alias = "netns_route_del")]
pub fn delete<'a>(ns: impl Into<Option<&'a Namespace>>, route: &Route) -> Result<()> {
    change("delete route", handle(ns.into()), route, route::delete)
}

fn change(
    verb: &'static str,
    ns: Option<&handle::Namespace>,
    route: &Route,
    change: impl FnOnce(
        Option<&handle::Namespace>,
        route::RouteSpec,
    ) -> std::result::Result<(), Failure>,
) -> Result<()> {
    let to = route.is_default().then(|| CText::new("default"));
    let to = to.unwrap_or_else(|| CText::new(route.destination.to_string()));
    let via = route.gateway.map(|gateway| CText::new(gateway.to_string()));
    let name = route.interface.as_ref().map(CText::new);
    let of = [("via", via.as_ref().map(CText::shown)), ("on", name.as_ref().map(CText::shown))];
    let result = || {
        let interface = name.as_ref().map(link_name).transpose()?;
        // As a prefix: "default" alone would be that of the gateway's family.
        let text = CText::new(route.destination.to_string());
        let to = text.whole(Step::Destination)?;
        change(ns, route::RouteSpec::new(to, route.gateway, interface)?)
    };
    result().about(&about_setting(verb, ns, to.shown(), of))
}

/// The routes of a network namespace's main table: those of IPv4 first.
///
/// # Errors
///
/// `EPERM` if the namespace may not be entered, and no other call has opened an rtnetlink socket in it.
///
/// # Examples
///
/// ```
/// for route in libnetns::route::list(None)? {
///     println!("{} via {:?} dev {:?}", route.destination, route.gateway, route.interface);
/// }
/// # Ok::<(), libnetns::Error>(())
/// ```
#[doc(alias = "netns_route_list")]
pub fn list<'a>(ns: impl Into<Option<&'a Namespace>>) -> Result<Vec<RouteEntry>> {
    list_with(handle(ns.into()), RouteListFlags::empty())
}

/// The routes of all tables of a network namespace.
///
/// # Errors
///
/// As for [`list`].
///
/// # Examples
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
/// # fn main() { in_world(example) }
/// # fn example() -> libnetns::Result<()> {
/// use libnetns::{CreateOptions, route};
///
/// let ns = CreateOptions::new().lo_up(true).anonymous()?;
/// assert!(route::list_all_tables(&ns)?.iter().any(|route| route.table == 255)); // local
/// # Ok(()) }
/// ```
#[doc(alias = "netns_route_list")]
pub fn list_all_tables<'a>(ns: impl Into<Option<&'a Namespace>>) -> Result<Vec<RouteEntry>> {
    list_with(handle(ns.into()), RouteListFlags::ALL_TABLES)
}

fn list_with(ns: Option<&handle::Namespace>, flags: RouteListFlags) -> Result<Vec<RouteEntry>> {
    let found = internal::list(ns, flags).about(&about_namespace("list the routes in", ns))?;
    Ok(found.iter().filter_map(for_caller).collect())
}

/// None: it is none of IP, of which the list has none.
fn for_caller(route: &internal::Route) -> Option<RouteEntry> {
    let destination = match route.destination.as_c_str() {
        text if text == c"default" => everything(i32::from(route.family) == libc::AF_INET6),
        text => {
            let ip::Prefix { address, len } = ip::Prefix::parse(text).ok()?;
            Prefix { address, len }
        }
    };
    Some(RouteEntry {
        destination,
        gateway: parse(route.gateway.non_empty()),
        index: (route.index != 0).then_some(route.index),
        interface: route.interface.non_empty().map(os_string),
        metric: route.metric,
        table: route.table,
        protocol: route.protocol,
        scope: route.scope,
        r#type: route.route_type,
    })
}
