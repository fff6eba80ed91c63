//! List, add and delete routes.
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

/// A route to be added or deleted: its destination, gateway and interface.
///
/// It must have a gateway, an interface, or both.
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
    /// Creates a route to this network.
    pub fn to(destination: impl Into<Prefix>) -> Route {
        Route { destination: destination.into(), gateway: None, interface: None }
    }

    /// Creates a default route of the gateway's address family.
    pub fn default_via(gateway: impl Into<IpAddr>) -> Route {
        let gateway = gateway.into();
        Route::to(everything(gateway.is_ipv6())).via(gateway)
    }

    /// Sets the gateway. An IPv4 route may have an IPv6 gateway (Linux 5.2).
    pub fn via(self, gateway: impl Into<IpAddr>) -> Route {
        Route { gateway: Some(gateway.into()), ..self }
    }

    /// Sets the interface.
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

/// A route, or one nexthop of a multipath route, as returned by [`list`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct RouteEntry {
    /// The destination: `0.0.0.0/0` or `::/0` for a default route.
    pub destination: Prefix,
    /// The gateway.
    pub gateway: Option<IpAddr>,
    /// The index of the interface; `None` if there is none, as for a blackhole route.
    pub index: Option<u32>,
    /// The name of the interface; `None` also if it was deleted meanwhile.
    pub interface: Option<OsString>,
    /// Its metric: the kernel prefers the lower one.
    pub metric: u32,
    /// Its table: 254 is the main one.
    pub table: u32,
    /// The origin of the route, as a kernel constant: 2 kernel, 3 boot, 4 static ...
    pub protocol: u8,
    /// The scope of the destination, as a kernel constant.
    pub scope: u8,
    /// Its type, as a kernel constant: 1 unicast, 6 blackhole ...
    pub r#type: u8,
}

/// Adds a route to the main table.
///
/// # Errors
///
/// `EPERM` without `CAP_NET_ADMIN` over the namespace, `EEXIST` if the route exists, `ENODEV` if the
/// interface does not exist, `ENETUNREACH` and `EHOSTUNREACH` if the gateway cannot be reached, `ENETDOWN` if
/// the interface is down, `EINVAL` for an invalid argument.
#[doc(alias = "netns_route_add")]
pub fn add<'a>(ns: impl Into<Option<&'a Namespace>>, route: &Route) -> Result<()> {
    change("add route", handle(ns.into()), route, route::add)
}

/// Deletes a route from the main table.
///
/// # Errors
///
/// `EPERM` without `CAP_NET_ADMIN` over the namespace, `ESRCH` if the route does not exist, `ENODEV` if the
/// interface does not exist, `EINVAL` for an invalid argument.
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
        // Passed as a prefix: "default" would be of the gateway's address family.
        let text = CText::new(route.destination.to_string());
        let to = text.whole(Step::Destination)?;
        change(ns, route::RouteSpec::new(to, route.gateway, interface)?)
    };
    result().about(&about_setting(verb, ns, to.shown(), of))
}

/// Returns the routes of a network namespace's main table, IPv4 first.
///
/// # Errors
///
/// `EPERM` if the calling thread may not enter the namespace and no earlier call has opened an rtnetlink
/// socket in it.
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

/// Returns the routes of all tables of a network namespace.
///
/// # Errors
///
/// Those of [`list`].
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

/// Returns `None` if the route is not an IP route, which does not occur in a list.
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
