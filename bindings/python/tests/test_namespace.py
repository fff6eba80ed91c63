# SPDX-License-Identifier: MIT OR Apache-2.0
"""Test handles: their lifetime, identity and errors."""

import collections
import copy
import errno
import gc
import os
import pickle
import socket
import threading
import time
from pathlib import Path

import pytest
from conftest import descriptors, here, in_child, settled

import libnetns
from libnetns import _namespace

# --- names ---------------------------------------------------------------------------------------


def test_names_accept_str_bytes_and_path():
    libnetns.create("str").close()
    libnetns.create(b"bytes").close()
    libnetns.create(Path("path")).close()
    assert libnetns.list() == ["bytes", "path", "str"]
    for name in ("str", b"str", Path("/run/netns/str"), b"/run/netns/str"):
        with libnetns.open(name) as ns:
            assert libnetns.names(ns) == ["str"]
    libnetns.remove(b"str")
    assert libnetns.list() == ["bytes", "path"]


def test_names_accept_non_utf8_bytes():
    raw = b"\xff\xfe"
    with libnetns.create(raw) as ns:
        name = os.fsdecode(raw)
        assert libnetns.list() == [name]
        assert ns.name == name
        assert ns.names() == [name]
    libnetns.remove(name)
    # Listed together, but decoded separately: a lead byte at the end does not affect the next name.
    names = [b"a\xc3", b"\xa9", "\N{LATIN SMALL LETTER E WITH ACUTE}".encode()]
    for raw in names:
        libnetns.create(raw).close()
    assert libnetns.list() == [os.fsdecode(raw) for raw in sorted(names)]


def test_custom_run_directory_is_used(tmp_path):
    rundir = "/run/own"
    with libnetns.create("blue", rundir=rundir) as ns:
        assert libnetns.list(rundir=rundir) == ["blue"]
        assert libnetns.list() == []
        ns.attach("green", rundir=rundir)
        assert ns.names(rundir=Path(rundir)) == ["blue", "green"]
        assert libnetns.open("green", rundir=rundir) == ns
    with pytest.raises(FileNotFoundError):
        libnetns.open("blue")
    libnetns.remove("blue", rundir=rundir)
    libnetns.remove("green", rundir=rundir)
    assert libnetns.list(rundir=rundir) == []


@pytest.mark.parametrize("call", [libnetns.create, libnetns.open, libnetns.remove])
def test_calls_reject_names_with_null_byte(call):
    for name in ("blue\0red", b"blue\0"):
        with pytest.raises(ValueError, match="null byte"):
            call(name)
    assert libnetns.list() == []


@pytest.mark.parametrize("wrong", [42, 4.2, ["blue"]])
def test_calls_reject_names_of_wrong_type(wrong):
    for call in (libnetns.create, libnetns.open, libnetns.remove):
        with pytest.raises(TypeError):
            call(wrong)


def test_out_of_range_numbers_raise_overflow_error():
    with libnetns.create() as ns:
        ns.veth_add("v0", ns, "v1")
        mtu = ns.links()[-1].mtu
        for wrong in (2**32 + 1400, -1):
            with pytest.raises(OverflowError):
                ns.link_set_mtu("v0", wrong)
        with pytest.raises(OverflowError):
            ns.vlan_add("v5", ns, "v0", 2**16 + 5)
        with pytest.raises(OverflowError):
            ns.set_nsid(ns, 2**32)
        with pytest.raises(OverflowError):
            ns.socket(2**32 + socket.AF_INET)
        with pytest.raises(OverflowError):
            libnetns.open_pid(2**32 + os.getpid())
        with pytest.raises(OverflowError):
            libnetns.open_fd(2**32)
        with pytest.raises(OverflowError):
            libnetns.open_id(2**64)
        with pytest.raises(OverflowError):
            libnetns.open_id(ns.inode, -1)
        assert ns.links()[-1].mtu == mtu


# --- holders -------------------------------------------------------------------------------------


def test_holders_lists_sockets_and_mounts():
    with libnetns.create("blue") as blue, blue.socket() as sock:
        found = blue.holders()
        held = settled(found)
        kinds = [each.kind for each in held]
        assert kinds == [libnetns.HolderKind.SOCKET, libnetns.HolderKind.MOUNT]
        assert (held[0].pid, held[0].tid, held[0].fd) == (os.getpid(), os.getpid(), sock.fileno())
        assert held[0].program and held[0].path is None
        assert (held[1].path, held[1].fd) == ("/run/netns/blue", None)
        # Which of them are set depends on the machine.
        assert {found.unseen_processes, found.unseen_hidden, found.unseen_sockets} <= {False, True}
    with libnetns.create() as lost:
        assert settled(lost.holders()) == []


# --- without a name ------------------------------------------------------------------------------


def test_unnamed_namespace_is_listed_opened_and_named():
    with libnetns.create("blue") as blue, libnetns.create() as lost:
        blue.attach("azure")
        found = libnetns.list_all()
        assert found[0] == ("azure", blue.inode, found[0].cookie)
        assert [each.inode for each in found].count(blue.inode) == 1
        (it,) = [each for each in found if each.inode == lost.inode]
        assert it.name is None
        for each in (it, found[0]):
            if each.cookie is not None:
                assert each.cookie == (lost if each is it else blue).cookie()
        with libnetns.open_id(it.inode, it.cookie) as same, libnetns.open_id(it.inode) as again:
            assert same == lost == again
            same.attach("found")
        inode, cookie = lost.inode, it.cookie
    assert "found" in [each.name for each in libnetns.list_all()]
    libnetns.remove("found")
    if cookie is None:
        wait_until_gone(inode, None, errno.ENOENT)
    else:
        wait_until_gone(inode, cookie, errno.ESTALE)


def wait_until_gone(inode, cookie, error):
    """Another program that lists every namespace may have it open for a moment."""
    for _ in range(1000):
        try:
            libnetns.open_id(inode, cookie).close()
        except OSError as caught:
            assert caught.errno == error
            return
        time.sleep(0.005)
    pytest.fail("the namespace is still there")


# --- errors --------------------------------------------------------------------------------------


def test_errors_use_oserror_subclasses_with_remedy():
    libnetns.create("blue").close()
    with pytest.raises(FileExistsError) as caught:
        libnetns.create("blue")
    error = caught.value
    assert error.errno == errno.EEXIST
    assert error.filename == "blue"
    assert error.strerror.startswith('create "blue": ')
    assert "exist" in error.strerror.lower()
    assert error.strerror.endswith("; use exist_ok=True of libnetns.create() to open it")
    with pytest.raises(FileNotFoundError, match=r"; use missing_ok=True of libnetns.remove\(\)"):
        libnetns.remove("red")
    with pytest.raises(FileNotFoundError) as caught:
        libnetns.open(b"red")
    assert caught.value.errno == errno.ENOENT
    assert caught.value.filename == b"red"
    with pytest.raises(ProcessLookupError) as caught:
        libnetns.open_pid(2**22 + 1)
    assert caught.value.errno == errno.ESRCH
    assert caught.value.filename is None
    with pytest.raises(OSError) as caught:
        libnetns.open("/proc/uptime")
    assert caught.value.errno == errno.ENOTTY
    with pytest.raises(OSError) as caught:
        libnetns.create("..")
    assert caught.value.errno == errno.EINVAL
    with pytest.raises(NotADirectoryError):
        libnetns.list(rundir="/proc/uptime")


def test_messages_name_python_remedy():
    with libnetns.create("blue") as blue:
        with pytest.raises(FileExistsError, match=r"use exist_ok=True of libnetns.create\(\)"):
            libnetns.create("blue")
        with pytest.raises(FileNotFoundError, match=r"create\(\) with exist_ok=True to create it"):
            libnetns.open("red")
        with pytest.raises(FileNotFoundError) as caught:
            libnetns.open("/run/netns/red")
        assert "create()" not in caught.value.strerror
        with pytest.raises(
            FileNotFoundError, match=r"use missing_ok=True of libnetns.remove\(\)"
        ):
            libnetns.remove("red")
        blue.ensure_nsid(blue)
        with pytest.raises(FileExistsError, match=r"use ensure_nsid\(\) to get its nsid"):
            blue.set_nsid(blue, 7)


def test_error_message_is_per_thread():
    with pytest.raises(FileNotFoundError, match="mine"):
        libnetns.open("mine")
    both = threading.Barrier(2, timeout=60)
    messages = {}

    def fail(name):
        for _ in range(200):
            both.wait()
            try:
                libnetns.open(name)
            except FileNotFoundError as error:
                if name not in error.strerror:
                    messages[name] = error.strerror

    threads = [threading.Thread(target=fail, args=(name,)) for name in ("red", "green")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert messages == {}


def without_privilege():
    # In a user namespace with one mapped user there is no other user to become.
    try:
        os.setgroups([])
        os.setresuid(65534, 65534, 65534)
    except OSError:
        return
    with pytest.raises(PermissionError) as caught:
        libnetns.create("red")
    assert caught.value.errno in (errno.EPERM, errno.EACCES)
    with libnetns.open("blue") as ns, pytest.raises(PermissionError, match="CAP_SYS_ADMIN"):
        ns.setns()


def test_unprivileged_calls_raise_permission_error():
    libnetns.create("blue").close()
    in_child(without_privilege)


# --- the handle's life ---------------------------------------------------------------------------


def test_a_with_block_closes_the_handle():
    with libnetns.create("blue") as ns:
        assert not ns.closed
    assert ns.closed
    ns.close()
    assert libnetns.list() == ["blue"]


def test_deleting_last_reference_closes_handle():
    before = descriptors()
    ns = libnetns.create("blue")
    assert descriptors() != before
    del ns
    assert descriptors() == before


def test_closed_handle_raises_value_error():
    with libnetns.create("blue") as other:
        ns = libnetns.create("red")
        ns.close()
        calls = [
            ns.fileno, ns.cookie, ns.is_current, ns.names, ns.setns, ns.socket, ns.pids,
            ns.dup, ns.nsids, ns.links, ns.addresses, ns.routes,
            ns.__enter__, ns.__hash__,
        ]  # fmt: skip
        for call in calls:
            with pytest.raises(ValueError, match="closed"):
                call()
        for name in ("name", "path", "inode", "device"):
            with pytest.raises(ValueError, match="closed"):
                getattr(ns, name)
        for call, *arguments in (
            (ns.run, print),
            (ns.nsid_of, other),
            (ns.set_nsid, other),
            (ns.ensure_nsid, other),
            (other.nsid_of, ns),
            (ns.attach, "green"),
            (ns.link_add, "br0", "bridge"),
            (ns.veth_add, "v0", other, "v1"),
            (other.veth_add, "v0", ns, "v1"),
            (other.link_move, "lo", ns),
            (ns.spawn, ["true"]),
            (ns.exec, ["true"]),
            (libnetns.open_fd, ns),
        ):
            with pytest.raises(ValueError, match="closed"):
                call(*arguments)
        with pytest.raises(ValueError, match="closed"), ns.entered():
            pass
        assert repr(ns) == "<Namespace closed>"


def test_close_during_call_takes_effect_after_return():
    before = descriptors()
    ns = libnetns.create()
    is_in, closed = threading.Event(), threading.Event()
    answers = []

    def stay():
        is_in.set()
        assert closed.wait(60)
        answers.append(here())

    inode = ns.inode
    thread = threading.Thread(target=ns.run, args=(stay,))
    thread.start()
    assert is_in.wait(60)
    ns.close()
    gc.collect()
    closed.set()
    thread.join(60)
    assert answers == [inode]
    assert descriptors() == before


def test_concurrent_close_and_use_is_safe():
    for _ in range(50):
        ns = libnetns.create()
        start = threading.Barrier(4, timeout=60)
        wrong = []

        def use(ns=ns, start=start, wrong=wrong):
            start.wait()
            try:
                for _ in range(5):
                    ns.socket().close()
            except ValueError:
                pass
            except BaseException as error:
                wrong.append(error)

        threads = [threading.Thread(target=use) for _ in range(3)]
        for thread in threads:
            thread.start()
        start.wait()
        ns.close()
        for thread in threads:
            thread.join(60)
        assert wrong == []


def test_copy_shares_handle_and_pickle_is_rejected():
    with libnetns.create() as ns:
        other = copy.copy(ns)
        inode = ns.inode
    assert other.inode == inode
    other.close()
    with libnetns.create() as ns, libnetns.Monitor() as monitor:
        for call in (pickle.dumps, copy.deepcopy):
            for thing in (ns, ns._handle, monitor):
                with pytest.raises(TypeError):
                    call(thing)


def test_forked_child_can_use_handles():
    with libnetns.create("blue") as ns:

        def look():
            assert ns.run(here) == ns.inode
            ns.link_add("br0", "bridge")
            ns.close()

        in_child(look)
        assert [link.name for link in ns.links()] == ["lo", "br0"]


# --- identity ------------------------------------------------------------------------------------


def test_handles_of_same_namespace_are_equal():
    with libnetns.create("blue") as a, libnetns.open("blue") as b, libnetns.create("red") as c:
        assert a == b
        assert hash(a) == hash(b)
        assert a != c
        assert a != "blue"
        assert len({a, b, c}) == 2
        assert {a: "yes"}[b] == "yes"


def test_closed_handle_equals_only_itself():
    with libnetns.create("blue") as other:
        ns = libnetns.open("blue")
        kept = {ns}
        ns.close()
        assert ns == ns
        assert ns != other
        kept.remove(ns)
        assert kept == set()


def test_identity_matches_stat_and_cookie():
    with libnetns.create("blue") as ns:
        status = os.stat("/run/netns/blue")
        assert (ns.device, ns.inode) == (status.st_dev, status.st_ino)
        assert os.fstat(ns.fileno()).st_ino == ns.inode
        assert not os.get_inheritable(ns.fileno())
        assert f"net:[{ns.inode}]" in repr(ns)
        assert "'blue'" in repr(ns)
        try:
            cookie = ns.cookie()
        except OSError as error:
            assert error.errno == errno.EOPNOTSUPP
        else:
            with libnetns.create() as another:
                assert cookie != another.cookie()
                assert cookie == libnetns.open("blue").cookie()


def test_ctypes_errno_is_set_by_failed_call():
    import ctypes

    with pytest.raises(FileNotFoundError):
        libnetns.open("blue")
    assert ctypes.get_errno() == errno.ENOENT


# --- the network, in addition to the scenarios ---------------------------------------------------


def test_records_describe_links_addresses_and_routes():
    import ipaddress

    with libnetns.create(lo_up=True) as a, libnetns.create() as b:
        a.veth_add("v0", b, "v1")
        a.addr_add("v0", ipaddress.ip_interface("192.0.2.1/24"))
        a.link_up("v0")
        b.link_up("v1")
        a.route_add(ipaddress.ip_network("198.51.100.0/24"), ipaddress.ip_address("192.0.2.254"))
        lo, v0 = a.links()
        assert (lo.name, lo.index, lo.kind, lo.is_up) == ("lo", 1, None, True)
        assert (v0.kind, v0.is_up, v0.master) == ("veth", True, 0)
        assert v0.peer == b.links()[1].index
        assert v0.peer_nsid == a.nsid_of(b)
        found = next(address for address in a.addresses() if address.ifname == "v0")
        assert (found.cidr, found.family) == ("192.0.2.1/24", socket.AF_INET)
        assert (found.index, found.label) == (v0.index, "v0")
        route = next(route for route in a.routes() if route.via)
        assert (route.dst, route.via, route.ifname) == ("198.51.100.0/24", "192.0.2.254", "v0")
        assert (route.table, route.type, route.index) == (254, 1, v0.index)
        assert len(a.routes(all_tables=True)) > len(a.routes())
        a.addr_del("v0", "192.0.2.1/24")
        for wrong in (None, 42, 1.5):
            with pytest.raises(TypeError):
                a.addr_add("v0", wrong)


def test_none_means_calling_threads_namespace():
    with libnetns.create() as a, libnetns.create() as b:

        def make():
            a.veth_add("v0", None, "v1")

        b.run(make)
        assert [link.name for link in b.links()] == ["lo", "v1"]
        home = b.run(libnetns.current)
        assert home.nsid_of(a) == b.nsid_of(a)
        home.close()


def test_dup_outlives_original_handle():
    with libnetns.create("blue") as blue:
        copy = blue.dup()
        assert (copy.name, copy.path, copy == blue) == ("blue", blue.path, True)
        assert copy.fileno() != blue.fileno()
    with copy:
        assert [link.name for link in copy.links()] == ["lo"]
    with pytest.raises(ValueError, match="closed"):
        blue.dup()


def test_ensure_nsid_returns_existing_or_new_id():
    with libnetns.create() as a, libnetns.create() as b, libnetns.create() as c:
        assert b.set_nsid(a, 5) == 5
        assert b.ensure_nsid(a) == 5
        assert b.ensure_nsid(c) == 0 == b.ensure_nsid(c)
        assert b.nsid_of(c) == 0


def test_nsids_lists_ids_with_names():
    with libnetns.create("a") as a, libnetns.create("b") as b:
        assert a.nsid_of(b) is None
        assert a.set_nsid(b, nsid=5) == 5
        assert a.nsids() == [libnetns.Nsid(5, None, "b")]
        assert b.set_nsid(a) == 0
        assert [found.id for found in a.nsids(target=5)] == [0]


def test_pids_lists_processes_in_namespace():
    with libnetns.create() as ns, ns.spawn(["sleep", "60"], keep_sys=True) as process:
        assert ns.pids() == [process.pid]
        assert ns.pids(threads=True) == [process.pid]
        assert os.getpid() not in ns.pids()
        with libnetns.current() as home:
            assert os.getpid() in home.pids()
        process.kill()


class CountedCalls:
    """The library, and the number of calls of each of its functions."""

    def __init__(self, lib):
        self.lib = lib
        self.calls = collections.Counter()

    def __getattr__(self, name):
        self.calls[name] += 1
        return getattr(self.lib, name)


def test_pids_retries_with_larger_buffer(monkeypatch):
    counted = CountedCalls(_namespace.lib)
    monkeypatch.setattr(_namespace, "lib", counted)
    with libnetns.create() as ns:
        processes = [ns.spawn(["sleep", "60"], keep_sys=True, keep_etc=True) for _ in range(70)]
        assert ns.pids() == sorted(process.pid for process in processes)
        assert counted.calls["netns_pids"] == 1
        monkeypatch.setattr(_namespace, "_PIDS_ROOM", 64)
        assert ns.pids() == sorted(process.pid for process in processes)
        assert counted.calls["netns_pids"] == 3
        for process in processes:
            process.kill()
            process.wait()


def test_failed_calls_leak_no_descriptors():
    before = descriptors()
    for _ in range(20):
        with pytest.raises(OSError):
            libnetns.open("/proc/self/ns/mnt")
        with pytest.raises(OSError):
            libnetns.create("a/b")
    assert descriptors() == before


# --- sysctls -------------------------------------------------------------------------------------


def test_sysctl_acts_in_given_namespace():
    with libnetns.create() as a, libnetns.create() as b:
        a.set_sysctl("net.ipv4.ip_forward", 1)
        b.set_sysctl("net/ipv4/ip_forward", "0")
        assert a.sysctl("net.ipv4.ip_forward") == "1"
        assert b.sysctl("net.ipv4.ip_forward") == "0"
        ports = ",".join(str(port) for port in range(10001, 11300, 2))
        a.set_sysctl("net.ipv4.ip_local_reserved_ports", ports)
        assert a.sysctl("net.ipv4.ip_local_reserved_ports") == ports


@pytest.mark.parametrize(
    "name, value, number",
    [
        ("vm.swappiness", "1", errno.ENOENT),
        ("net.ipv4.no_such", "1", errno.ENOENT),
        ("net/../kernel/hostname", "x", errno.EINVAL),
        ("net.ipv4.ip_forward", "yes", errno.EINVAL),
        ("net.ipv4.ip_forward", "1" * 5000, errno.E2BIG),
    ],
)
def test_invalid_set_sysctl_fails_with_errno(name, value, number):
    with libnetns.create() as ns:
        with pytest.raises(OSError) as caught:
            ns.set_sysctl(name, value)
        assert caught.value.errno == number
