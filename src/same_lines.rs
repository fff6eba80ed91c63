//! Tests that a Rust error displays the same line as netns_errmsg() for the same failure.

use std::ffi::{CStr, CString, c_char, c_int};
use std::fs;
use std::mem::MaybeUninit;
use std::net::Ipv4Addr;
use std::os::fd::AsRawFd;
use std::ptr;

use libnetns::route::Route;
use libnetns::{Error, Namespace, RunDir, address, link, nsid, route};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

use crate::addresses::{netns_addr_add, netns_addr_del};
use crate::ids::netns_nsid_set;
use crate::lifecycle::{
    netns_attach, netns_close, netns_create, netns_create_at, netns_open, netns_open_at,
    netns_open_fd, netns_open_pid, netns_remove,
};
use crate::links::{
    netns_link_add, netns_link_del, netns_link_move, netns_link_set_mtu, netns_veth_add,
};
use crate::message;
use crate::programs::netns_spawn;
use crate::routes::netns_route_add;
use crate::thread::netns_socket;
use crate::types::Netns;

/// Returns whether the thread has its own namespaces, with an empty /run.
fn world() -> bool {
    if let Err(errno) = unshare(CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWNET) {
        eprintln!("skipped: namespaces of its own: {errno}");
        return false;
    }
    let none = None::<&CStr>;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none).unwrap();
    mount(Some("netns-test"), "/run", Some("tmpfs"), MsFlags::empty(), Some("mode=755")).unwrap();
    true
}

/// Compares the messages of C and Rust for a failure that both have just had.
fn same<T: std::fmt::Debug>(c: c_int, rust: Result<T, Error>) {
    let error = rust.unwrap_err();
    assert_eq!(error.to_string(), message::text().to_str().unwrap());
    assert_eq!(-error.errno(), c, "{error}");
}

/// Calls a C function that returns a handle and is expected to fail.
fn opened(open: impl FnOnce(Option<&mut MaybeUninit<*mut Netns>>) -> c_int) -> c_int {
    let mut out = MaybeUninit::uninit();
    open(Some(&mut out))
}

fn handle(name: &CStr) -> &'static Netns {
    let mut out = MaybeUninit::uninit();
    // SAFETY: the arguments are a string and space for a pointer; if the call succeeds, the handle is leaked.
    unsafe {
        assert_eq!(netns_open(name.as_ptr(), 0, Some(&mut out)), 0);
        &*out.assume_init()
    }
}

#[test]
fn c_and_rust_report_same_errors_for_names() {
    if !world() {
        return;
    }
    let dir = RunDir::default();
    let blue = dir.create("blue").unwrap();
    fs::write("/run/netns/file", "not empty").unwrap();
    let long = CString::new("x".repeat(256)).unwrap();
    let elsewhere = RunDir::new("/run/elsewhere");
    for name in [c"none", c"file", c"", c"..", c"a\nb", long.as_c_str()] {
        let text = name.to_str().unwrap();
        let pointer = name.as_ptr();
        // SAFETY: the arguments are strings and space for pointers.
        unsafe {
            same(opened(|out| netns_open(pointer, 0, out)), Namespace::open(text));
            let at = c"/run/elsewhere".as_ptr();
            same(opened(|out| netns_open_at(at, pointer, 0, out)), elsewhere.open(text));
            same(netns_remove(pointer, 0), dir.remove(text));
        }
    }
    // SAFETY: see above; one of the arguments is a handle.
    unsafe {
        let name = c"blue".as_ptr();
        same(opened(|out| netns_create(name, 0, out)), dir.create("blue"));
        same(netns_attach(Some(handle(c"blue")), name, 0), dir.attach(&blue, "blue"));
        let path = c"/dev/null".as_ptr();
        same(opened(|out| netns_open(path, 0, out)), Namespace::open("/dev/null"));
        let path = c"/proc/0/ns/net".as_ptr();
        same(opened(|out| netns_open(path, 0, out)), Namespace::open("/proc/0/ns/net"));
        let at = c"/proc/no".as_ptr();
        same(
            opened(|out| netns_create_at(at, name, 0, out)),
            RunDir::new("/proc/no").create("blue"),
        );
        let at = c"".as_ptr();
        same(opened(|out| netns_create_at(at, name, 0, out)), RunDir::new("").create("blue"));
        same(opened(|out| netns_open_pid(i32::MAX, out)), Namespace::of_pid(i32::MAX as u32));
        same(opened(|out| netns_open_pid(0, out)), Namespace::of_pid(0));
        let null = fs::File::open("/dev/null").unwrap();
        same(opened(|out| netns_open_fd(null.as_raw_fd(), out)), Namespace::of_fd(&null));
        netns_close(ptr::null_mut());
    }
}

#[test]
fn c_and_rust_report_same_errors_for_networks() {
    if !world() {
        return;
    }
    let blue = RunDir::default().create("blue").unwrap();
    let c_blue = Some(handle(c"blue"));
    let red = RunDir::default().create("red").unwrap();
    let (v0, v1, none) = (c"v0".as_ptr(), c"v1".as_ptr(), c"none".as_ptr());
    let own = Ipv4Addr::new(192, 0, 2, 1);
    // SAFETY: the arguments are handles and strings.
    unsafe {
        same(netns_link_add(c_blue, v0, c"veth".as_ptr()), link::add(&blue, "v0", "veth"));
        same(netns_link_add(c_blue, v0, c"no-kind".as_ptr()), link::add(&blue, "v0", "no-kind"));
        same(netns_link_add(None, c"a/b".as_ptr(), v0), link::add(None, "a/b", "v0"));
        link::add_veth(&blue, "v0", &blue, "v1").unwrap();
        same(netns_veth_add(c_blue, v0, c_blue, v1), link::add_veth(&blue, "v0", &blue, "v1"));
        same(netns_link_del(c_blue, none), link::delete(&blue, "none"));
        same(netns_link_del(None, c"lo".as_ptr()), link::delete(None, "lo"));
        same(netns_link_set_mtu(c_blue, v0, 1), link::set_mtu(&blue, "v0", 1));
        let c_red = Some(handle(c"red"));
        same(
            netns_link_move(c_blue, c"lo".as_ptr(), c_red, none),
            link::move_to(&blue, "lo", &red, Some("none")),
        );
        let cidr = c"192.0.2.1/24".as_ptr();
        same(netns_addr_del(c_blue, v0, cidr), address::delete(&blue, "v0", (own, 24)));
        same(netns_addr_add(c_blue, none, cidr), address::add(&blue, "none", (own, 24)));
        let cidr = c"192.0.2.1/33".as_ptr();
        same(netns_addr_add(c_blue, v0, cidr), address::add(&blue, "v0", (own, 33)));
        let (default, via) = (c"default".as_ptr(), c"192.0.2.1".as_ptr());
        let route = Route::default_via(own).dev("v0");
        same(netns_route_add(c_blue, default, via, v0), route::add(&blue, &route));
        let host = c"192.0.2.1/32".as_ptr();
        let route = Route::to(own);
        same(netns_route_add(c_blue, host, ptr::null(), ptr::null()), route::add(&blue, &route));
        nsid::set(&blue, &red, 7).unwrap();
        same(netns_nsid_set(c_blue, c_red, 8), nsid::set(&blue, &red, 8));
        same(netns_nsid_set(c_blue, c_red, -2), nsid::set(&blue, &red, -2));
    }
}

#[test]
fn c_and_rust_report_same_errors_for_programs() {
    if !world() {
        return;
    }
    let blue = RunDir::default().create("blue").unwrap();
    let c_blue = Some(handle(c"blue"));
    // SAFETY: the arguments are a handle and strings.
    unsafe {
        same(netns_socket(c_blue, libc::AF_INET, 99, 0), blue.socket(libc::AF_INET, 99, 0));
        for file in [c"/nowhere/program", c"/etc/passwd", c"/", c""] {
            let text = file.to_str().unwrap();
            let argv: [*mut c_char; 2] = [file.as_ptr().cast_mut(), ptr::null_mut()];
            let mut pid = 0;
            let status = netns_spawn(
                c_blue,
                ptr::null(),
                file.as_ptr(),
                argv.as_ptr(),
                ptr::null(),
                &mut pid,
            );
            same(status, blue.command(text).spawn());
        }
    }
}
