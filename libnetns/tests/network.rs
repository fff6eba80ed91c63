//! Interfaces, addresses, routes and nsids.

mod world;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use libnetns::link::{LinkAddress, MacvlanMode, State};
use libnetns::route::Route;
use libnetns::{ErrorKind, Namespace, Prefix, RunDir, address, link, nsid, route};

const OWN: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
const GATEWAY: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

fn two() -> Option<[Namespace; 2]> {
    world::enter().then(|| [Namespace::anonymous().unwrap(), Namespace::anonymous().unwrap()])
}

fn find(ns: &Namespace, name: &str) -> Option<link::Link> {
    link::list(ns).unwrap().into_iter().find(|link| link.name == name)
}

fn errno<T: std::fmt::Debug>(result: libnetns::Result<T>) -> i32 {
    result.unwrap_err().errno()
}

#[test]
fn veth_addresses_and_routes_are_added_and_deleted() {
    let Some([a, b]) = two() else { return };
    link::add_veth(&a, "v0", &b, "v1").unwrap();
    link::set_up(&a, "v0").unwrap();
    link::set_up(&b, "v1").unwrap();
    let v0 = find(&a, "v0").unwrap();
    assert_eq!(v0.kind.as_deref(), Some("veth".as_ref()));
    assert!(v0.is_up() && v0.peer.is_some() && v0.peer_nsid.is_some());
    assert_eq!((v0.master, find(&a, "lo").unwrap().peer), (None, None));
    assert_eq!(find(&a, "lo").unwrap().state, State::Down);
    assert_eq!(find(&a, "lo").unwrap().address, Some(LinkAddress::from([0; 6])));

    address::add(&a, "v0", (OWN, 24)).unwrap();
    assert_eq!(errno(address::add(&a, "v0", (OWN, 24))), libc::EEXIST);
    address::add(&a, "v0", "2001:db8::2/64".parse::<Prefix>().unwrap()).unwrap();
    let found = address::list(&a).unwrap();
    let own = found.iter().find(|found| found.address == IpAddr::V4(OWN)).unwrap();
    assert_eq!((own.prefix_len, own.index), (24, v0.index));
    assert_eq!(own.interface.as_deref(), Some("v0".as_ref()));
    assert_eq!((own.peer, own.scope, own.broadcast), (None, 0, None));

    let network = (Ipv4Addr::new(198, 51, 100, 0), 24);
    route::add(&a, &Route::default_via(GATEWAY)).unwrap();
    route::add(&a, &Route::to(network).via(GATEWAY).dev("v0")).unwrap();
    route::add(&a, &Route::to(Ipv4Addr::new(203, 0, 113, 1)).dev("v0")).unwrap();
    assert_eq!(errno(route::add(&a, &Route::default_via(GATEWAY))), libc::EEXIST);
    let found = route::list(&a).unwrap();
    let default = found.iter().find(|route| route.destination.len == 0).unwrap();
    assert_eq!(default.destination.address, IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    assert_eq!((default.gateway, default.index), (Some(GATEWAY.into()), Some(v0.index)));
    assert_eq!((default.table, default.protocol, default.r#type), (254, 3, 1));
    let other = found.iter().find(|route| route.destination == network.into()).unwrap();
    assert_eq!(other.interface.as_deref(), Some("v0".as_ref()));
    assert!(route::list_all_tables(&a).unwrap().len() > found.len());
    route::delete(&a, &Route::default_via(GATEWAY)).unwrap();
    assert_eq!(errno(route::delete(&a, &Route::default_via(GATEWAY))), libc::ESRCH);

    address::delete(&a, "v0", (OWN, 24)).unwrap();
    assert_eq!(errno(address::delete(&a, "v0", (OWN, 24))), libc::EADDRNOTAVAIL);
    link::set_down(&a, "v0").unwrap();
    assert!(!find(&a, "v0").unwrap().is_up());
    link::delete(&a, "v0").unwrap();
    assert!(find(&a, "v0").is_none());
    assert_eq!(errno(link::delete(&a, "v0")), libc::ENODEV);
}

#[test]
fn ipv6_default_route_is_added_and_deleted() {
    let Some([a, b]) = two() else { return };
    link::add_veth(&a, "v0", &b, "v1").unwrap();
    link::set_up(&a, "v0").unwrap();
    link::set_up(&b, "v1").unwrap();
    let own: Ipv6Addr = "2001:db8::2".parse().unwrap();
    let gateway: Ipv6Addr = "2001:db8::1".parse().unwrap();
    address::AddOptions::new().nodad(true).add(&a, "v0", (own, 64)).unwrap();
    route::add(&a, &Route::default_via(gateway)).unwrap();
    let found = route::list(&a).unwrap();
    let default = found.iter().find(|route| route.gateway == Some(gateway.into())).unwrap();
    assert_eq!(default.destination, Prefix::from((Ipv6Addr::UNSPECIFIED, 0)));
    // A route to all of IPv6 with only an interface; "default" in C would be an IPv4 route.
    let by_interface = Route::to((Ipv6Addr::UNSPECIFIED, 0)).dev("v0");
    route::delete(&a, &Route::default_via(gateway)).unwrap();
    route::add(&a, &by_interface).unwrap();
    assert!(route::list(&a).unwrap().iter().any(|route| {
        route.destination == Prefix::from((Ipv6Addr::UNSPECIFIED, 0)) && route.gateway.is_none()
    }));
    route::delete(&a, &by_interface).unwrap();
}

#[test]
fn interface_mtu_and_address_change_and_it_moves() {
    let Some([a, b]) = two() else { return };
    link::add_veth(&a, "v0", &a, "v1").unwrap();
    link::set_mtu(&a, "v0", 1400).unwrap();
    let ethernet = LinkAddress::from([2, 0, 0x5e, 0x10, 0, 1]);
    link::set_address(&a, "v0", ethernet).unwrap();
    let v0 = find(&a, "v0").unwrap();
    assert_eq!((v0.mtu, v0.address), (1400, Some(ethernet)));
    assert_eq!(v0.peer_nsid, None);
    let short: LinkAddress = "02:00".parse().unwrap();
    assert_eq!(errno(link::set_address(&a, "v0", short)), libc::EINVAL);
    assert_eq!(errno(link::set_mtu(&a, "lo0", 1400)), libc::ENODEV);

    link::move_to(&a, "v0", &b, None::<&str>).unwrap();
    link::move_to(&a, "v1", &b, Some("renamed")).unwrap();
    assert!(find(&b, "v0").is_some() && find(&b, "renamed").is_some());
    assert_eq!(errno(link::move_to(&b, "lo", &a, None::<&str>)), libc::EINVAL);
    link::move_to(&b, "v0", &a, None::<&str>).unwrap();
    let taken = link::move_to(&b, "renamed", &a, Some("v0")).unwrap_err();
    assert_eq!(taken.kind(), ErrorKind::AlreadyExists);
}

/// Returns whether this kernel has interfaces of this kind: the module may be missing on a test machine.
fn has_kind(ns: &Namespace, kind: &str) -> bool {
    let Err(error) = link::add(ns, "probe", kind) else {
        link::delete(ns, "probe").unwrap();
        return true;
    };
    assert_eq!(error.errno(), libc::EOPNOTSUPP, "{error}");
    eprintln!("skipped: no {kind} in this kernel");
    false
}

#[test]
fn set_master_attaches_and_detaches_bridge_port() {
    let Some([a, _]) = two() else { return };
    assert_eq!(errno(link::add(&a, "x", "no-such-kind")), libc::EOPNOTSUPP);
    assert_eq!(errno(link::add(&a, "x", "veth")), libc::EINVAL);
    assert_eq!(errno(link::add(&a, "too long for a name", "dummy")), libc::EINVAL);
    if !has_kind(&a, "bridge") {
        return;
    }
    link::add(&a, "br0", "bridge").unwrap();
    link::add_veth(&a, "v0", &a, "v1").unwrap();
    link::set_master(&a, "v0", Some("br0")).unwrap();
    assert_eq!(find(&a, "v0").unwrap().master, Some(find(&a, "br0").unwrap().index));
    assert_eq!(errno(link::set_master(&a, "v0", Some("none"))), libc::ENODEV);
    link::set_master(&a, "v0", None::<&str>).unwrap();
    assert_eq!(find(&a, "v0").unwrap().master, None);
}

#[test]
fn macvlan_and_vlan_are_created_on_parent() {
    let Some([a, b]) = two() else { return };
    link::add_veth(&a, "v0", &a, "v1").unwrap();
    let skip = |result: libnetns::Result<()>| match result {
        Err(error) if error.kind() == ErrorKind::Unsupported => eprintln!("skipped: {error}"),
        result => result.unwrap(),
    };
    skip(link::add_macvlan(&b, "m0", &a, "v0", None));
    for (name, mode) in
        [("m1", MacvlanMode::Bridge), ("m2", MacvlanMode::Vepa), ("m3", MacvlanMode::Private)]
    {
        skip(link::add_macvlan(&b, name, &a, "v1", mode));
    }
    skip(link::add_vlan(&b, "v0.7", &a, "v0", 7));
    assert_eq!(errno(link::add_vlan(&b, "x", &a, "v0", 4095)), libc::EINVAL);
    assert_eq!(errno(link::add_vlan(&b, "x", &a, "none", 7)), libc::ENODEV);
    assert_eq!(errno(link::add_macvlan(&b, "x", &a, "none", MacvlanMode::Passthru)), libc::ENODEV);
}

#[test]
fn none_means_calling_threads_namespace() {
    if !world::enter() {
        return;
    }
    let here = Namespace::current().unwrap();
    assert_eq!(link::list(None).unwrap(), link::list(&here).unwrap());
    link::set_up(None, "lo").unwrap();
    assert!(link::list(&here).unwrap()[0].is_up());
    address::add(None, "lo", OWN).unwrap();
    assert!(address::list(&here).unwrap().iter().any(|own| own.address == IpAddr::V4(OWN)));
    route::add(None, &Route::to((Ipv4Addr::new(198, 51, 100, 0), 24)).dev("lo")).unwrap();
    assert_eq!(route::list(&here).unwrap().len(), route::list(None).unwrap().len());
    let other = Namespace::anonymous().unwrap();
    link::add_veth(None, "v0", &other, "v0").unwrap();
    assert_eq!(link::list(&other).unwrap().len(), 2);
    assert!(nsid::get(None, &other).unwrap().is_some());
}

#[test]
fn invalid_arguments_are_rejected() {
    let Some([a, _]) = two() else { return };
    for (prefix, expected) in [
        (Prefix::from((OWN, 33)), libc::EINVAL),
        (Prefix::from((Ipv6Addr::LOCALHOST, 129)), libc::EINVAL),
        (Prefix::from(Ipv4Addr::UNSPECIFIED), libc::EADDRNOTAVAIL),
    ] {
        assert_eq!(errno(address::add(&a, "lo", prefix)), expected, "{prefix}");
    }
    assert_eq!(errno(address::add(&a, "a\0b", OWN)), libc::EINVAL);
    assert_eq!(errno(address::add(&a, "none", OWN)), libc::ENODEV);
    assert_eq!(errno(route::add(&a, &Route::to((OWN, 24)).dev("lo"))), libc::EINVAL);
    assert_eq!(errno(route::add(&a, &Route::to(OWN))), libc::EINVAL);
    assert_eq!(errno("02:0x".parse::<LinkAddress>()), libc::EINVAL);
    let error = "10.0.0.0/33".parse::<Prefix>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "read the address \"10.0.0.0/33\": invalid address: Invalid argument \
         (the prefix length must be 0 to 32 for IPv4, 0 to 128 for IPv6)"
    );
}

#[test]
fn nsids_are_set_assigned_and_listed() {
    let Some([within, other]) = two() else { return };
    let third = RunDir::default().create("third").unwrap();
    assert_eq!(nsid::get(&within, &other).unwrap(), None);
    nsid::set(&within, &other, 7).unwrap();
    assert_eq!(nsid::get(&within, &other).unwrap(), Some(7));
    assert_eq!(nsid::ensure(&within, &other).unwrap(), 7);
    assert_eq!(errno(nsid::set(&within, &other, 8)), libc::EEXIST);
    assert_eq!(errno(nsid::set(&within, &third, -1)), libc::EINVAL);
    assert_eq!(errno(nsid::assign(&within, &other)), libc::EEXIST);
    let id = nsid::assign(&within, &third).unwrap();
    let found = nsid::list(&within).unwrap();
    let of_third = found.iter().find(|found| found.id == id).unwrap();
    assert_eq!(of_third.name.as_deref(), Some("third".as_ref()));
    assert_eq!((found.len(), of_third.current), (2, None));
    // Lists the nsids of the namespace with nsid 7: one of them is 3, which has another nsid here.
    nsid::set(&other, &third, 3).unwrap();
    let found = nsid::ListOptions::new().target(7).list(&within).unwrap();
    assert_eq!((found[0].id, found[0].current), (3, Some(id)));
    let elsewhere = RunDir::new("/run/elsewhere");
    let found = nsid::ListOptions::new().run_dir(&elsewhere).list(&within).unwrap();
    assert!(found.iter().all(|found| found.name.is_none()));
    assert_eq!(errno(nsid::ListOptions::new().target(99).list(&within)), libc::EINVAL);
}
