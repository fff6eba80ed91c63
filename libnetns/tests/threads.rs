//! The calling thread: Visit, run, switch_to and sockets.

mod world;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use libnetns::{CreateOptions, ErrorKind, Namespace};

/// Returns the current namespace and two others.
fn three() -> Option<[Namespace; 3]> {
    world::enter().then(|| {
        let other = || CreateOptions::new().lo_up(true).anonymous().unwrap();
        [Namespace::current().unwrap(), other(), other()]
    })
}

fn is_in(ns: &Namespace) -> bool {
    ns.is_current().unwrap()
}

#[test]
fn visit_ends_on_drop_and_leave() {
    let Some([home, a, _]) = three() else { return };
    {
        let _visit = a.enter().unwrap();
        assert!(is_in(&a));
    }
    assert!(is_in(&home));
    a.enter().unwrap().leave().unwrap();
    assert!(is_in(&home));
}

#[test]
fn nested_visits_restore_previous_namespace() {
    let Some([home, a, b]) = three() else { return };
    let first = a.enter().unwrap();
    let second = b.enter().unwrap();
    assert!(is_in(&b));
    drop(second);
    assert!(is_in(&a));
    drop(first);
    assert!(is_in(&home));
}

#[test]
fn outer_visit_ends_nested_visits() {
    let Some([home, a, b]) = three() else { return };
    let first = a.enter().unwrap();
    let second = b.enter().unwrap();
    let third = a.enter().unwrap();
    drop(first);
    assert!(is_in(&home));
    // These have ended, so they must not end a visit that begins now.
    let other = b.enter().unwrap();
    drop(third);
    assert!(is_in(&b));
    let error = second.leave().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    let line = "leave: end the visit: Invalid argument \
                (already ended together with an enclosing visit)";
    assert_eq!(error.to_string(), line);
    assert!(is_in(&b));
    other.leave().unwrap();
    assert!(is_in(&home));
}

#[test]
fn forgotten_visit_ends_with_outer_visit() {
    let Some([home, a, b]) = three() else { return };
    let visit = a.enter().unwrap();
    std::mem::forget(b.enter().unwrap());
    assert!(is_in(&b));
    visit.leave().unwrap();
    assert!(is_in(&home));
}

#[test]
fn run_returns_closure_result() {
    let Some([home, a, b]) = three() else { return };
    let text = String::from("moved in and out");
    let (seen, text) = a.run(|| (is_in(&a), text)).unwrap();
    assert!(seen && is_in(&home));
    assert_eq!(text, "moved in and out");
    let inner = a.run(|| b.run(|| is_in(&b)).unwrap() && is_in(&a)).unwrap();
    assert!(inner && is_in(&home));
}

#[test]
fn run_ends_visit_begun_by_closure() {
    let Some([home, a, b]) = three() else { return };
    let visit = a.run(|| b.enter().unwrap()).unwrap();
    assert!(is_in(&home));
    drop(visit);
    assert!(is_in(&home));
}

#[test]
fn run_returns_value_if_closure_ends_outer_visit() {
    let Some([home, a, b]) = three() else { return };
    let outer = a.enter().unwrap();
    let value = b.run(move || {
        drop(outer);
        (is_in(&home), "kept", home)
    });
    let (was_home, value, home) = value.unwrap();
    assert!(was_home && is_in(&home));
    assert_eq!(value, "kept");
}

#[test]
fn panic_restores_original_namespace() {
    let Some([home, a, b]) = three() else { return };
    let panicked = catch_unwind(|| a.run(|| panic!("on purpose")));
    assert_eq!(panicked.unwrap_err().downcast_ref(), Some(&"on purpose"));
    assert!(is_in(&home));
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let _first = a.enter().unwrap();
        let _second = b.enter().unwrap();
        panic!("on purpose");
    }));
    assert!(panicked.is_err() && is_in(&home));
}

#[test]
fn switch_to_affects_only_calling_thread() {
    let Some([home, a, _]) = three() else { return };
    thread::scope(|scope| {
        let switched = scope.spawn(|| {
            a.switch_to().unwrap();
            is_in(&a)
        });
        assert!(switched.join().unwrap());
    });
    assert!(is_in(&home));
}

#[test]
fn calls_without_cap_sys_admin_are_denied() {
    let Some([home, a, _]) = three() else { return };
    use rustix::thread::{CapabilitySet, capabilities, set_capabilities};
    thread::scope(|scope| {
        let without = scope.spawn(|| {
            let mut sets = capabilities(None).unwrap();
            sets.effective.remove(CapabilitySet::SYS_ADMIN);
            set_capabilities(None, sets).unwrap();
            for error in [
                a.enter().unwrap_err(),
                a.run(|| ()).unwrap_err(),
                a.switch_to().unwrap_err(),
                a.socket(libc::AF_INET, libc::SOCK_STREAM, 0).unwrap_err(),
                Namespace::anonymous().unwrap_err(),
            ] {
                assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
            }
        });
        without.join().unwrap();
    });
    assert!(is_in(&home));
}

#[test]
fn run_fails_with_enotrecoverable_if_capability_dropped() {
    let Some([_, a, _]) = three() else { return };
    use rustix::thread::{CapabilitySet, capabilities, set_capabilities};
    thread::scope(|scope| {
        let lost = scope.spawn(|| {
            let result = a.run(|| {
                let mut sets = capabilities(None).unwrap();
                sets.effective.remove(CapabilitySet::SYS_ADMIN);
                set_capabilities(None, sets).unwrap();
            });
            let error = result.unwrap_err();
            assert_eq!(
                (error.kind(), error.errno()),
                (ErrorKind::ThreadLost, libc::ENOTRECOVERABLE)
            );
        });
        lost.join().unwrap();
    });
}

#[test]
fn sockets_open_in_namespace_and_thread_stays() {
    let Some([home, a, b]) = three() else { return };
    let socket = a.socket(libc::AF_UNIX, libc::SOCK_DGRAM, 0).unwrap();
    assert_eq!(Namespace::of_fd(&socket).unwrap(), a);
    let flags = nix::fcntl::fcntl(&socket, nix::fcntl::FcntlArg::F_GETFD).unwrap();
    assert_eq!(flags, libc::FD_CLOEXEC);
    assert!(is_in(&home));
    let error = a.socket(libc::AF_INET, 99, 0).unwrap_err();
    assert_eq!(error.errno(), libc::EINVAL);
    // The same address and port in both namespaces.
    for ns in [&a, &b] {
        for address in
            [SocketAddr::from((Ipv4Addr::LOCALHOST, 80)), (Ipv6Addr::LOCALHOST, 80).into()]
        {
            let listener = ns.tcp_listener(address).unwrap();
            let mut stream = ns.tcp_stream(address).unwrap();
            stream.write_all(b"hello").unwrap();
            drop(stream);
            let mut text = String::new();
            listener.accept().unwrap().0.read_to_string(&mut text).unwrap();
            assert_eq!(text, "hello");
            let error = ns.tcp_listener(address).unwrap_err();
            assert_eq!(error.errno(), libc::EADDRINUSE, "{error}");
            assert_eq!(error.kind(), ErrorKind::AddrInUse);
            drop(listener);
            let error = ns.tcp_stream(address).unwrap_err();
            assert_eq!(error.errno(), libc::ECONNREFUSED);
            assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        }
        let server = ns.udp_socket((Ipv4Addr::LOCALHOST, 53)).unwrap();
        let client = ns.run(|| UdpSocket::bind("127.0.0.1:0")).unwrap().unwrap();
        client.send_to(b"?", server.local_addr().unwrap()).unwrap();
        let mut byte = [0];
        assert_eq!(server.recv(&mut byte).unwrap(), 1);
        assert_eq!(
            ns.udp_socket((Ipv4Addr::new(192, 0, 2, 1), 53)).unwrap_err().errno(),
            libc::EADDRNOTAVAIL
        );
    }
    assert!(a.as_raw_fd() != b.as_raw_fd());
}

#[test]
fn run_from_restores_home_after_panic_or_visit() {
    let Some([home, a, b]) = three() else { return };
    assert!(a.run_from(&home, || is_in(&a)).unwrap());
    assert!(is_in(&home));
    let panicked = catch_unwind(AssertUnwindSafe(|| a.run_from(&home, || panic!("mine"))));
    assert!(panicked.is_err());
    assert!(is_in(&home));
    // A visit that began inside it has ended with it.
    let visit = a.run_from(&home, || b.enter().unwrap()).unwrap();
    assert!(is_in(&home));
    assert_eq!(visit.leave().unwrap_err().kind(), ErrorKind::InvalidInput);
    assert!(is_in(&home));
}

#[test]
fn run_from_restores_home_if_closure_ends_visit() {
    let Some([home, a, b]) = three() else { return };
    let visit = a.enter().unwrap();
    b.run_from(&a, || drop(visit)).unwrap();
    assert!(is_in(&a));
    home.switch_to().unwrap();
}

#[test]
fn socket_from_opens_in_namespace_and_thread_stays() {
    let Some([home, a, _]) = three() else { return };
    for _ in 0..3 {
        let socket = a.socket_from(&home, libc::AF_INET, libc::SOCK_STREAM, 0).unwrap();
        assert_eq!(Namespace::of_fd(&socket).unwrap(), a);
        assert!(is_in(&home));
    }
    let error = a.socket_from(&home, 9999, libc::SOCK_STREAM, 0).unwrap_err();
    assert_eq!(error.errno(), libc::EAFNOSUPPORT);
    assert!(is_in(&home));
}

#[test]
fn sysctl_acts_in_given_namespace() {
    let Some([home, a, b]) = three() else { return };
    let name = "net.ipv4.ip_forward";
    a.set_sysctl(name, "1").unwrap();
    b.set_sysctl(name, "0").unwrap();
    assert_eq!(a.sysctl(name).unwrap(), "1");
    assert_eq!(b.sysctl("net/ipv4/ip_forward").unwrap(), "0");
    assert!(is_in(&home));
    let error = a.sysctl("vm.swappiness").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("only sysctls whose names begin with net"), "{error}");
    assert_eq!(a.set_sysctl(name, "yes").unwrap_err().errno(), libc::EINVAL);
    assert_eq!(a.sysctl("net.\0").unwrap_err().errno(), libc::EINVAL);
    assert_eq!(a.set_sysctl(name, "1\0").unwrap_err().errno(), libc::EINVAL);
}
