# SPDX-License-Identifier: MIT OR Apache-2.0
"""Test NetNS, IPRoute and AsyncIPRoute in place of pyroute2's: the same programs with either
import.
"""

import asyncio
import importlib
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from conftest import here, in_child, on_a_thread

import libnetns
from libnetns import netns

NAMES = ("NetNS", "IPRoute", "AsyncIPRoute")


@pytest.fixture
def pyroute2():
    return pytest.importorskip("pyroute2")


def needs_asyncio():
    """From 0.9 on, pyroute2 is based on asyncio."""
    if not hasattr(importlib.import_module("pyroute2"), "AsyncIPRoute"):
        pytest.skip("needs pyroute2 0.9")


def names_of(links):
    return [link.get_attr("IFLA_IFNAME") for link in links]


# --- without pyroute2 ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_import_error_without_pyroute2_names_package(name):
    code = (
        "import sys\n"
        "sys.modules['pyroute2'] = None\n"
        "import libnetns\n"
        "libnetns.create('blue').close()\n"
        "try:\n"
        f"    from libnetns import {name}\n"
        "except ImportError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True)
    wanted = f"libnetns.{name} needs pyroute2: pip install 'libnetns[pyroute2]'\n"
    assert done.stdout.decode() == wanted


def test_unknown_attribute_raises_attribute_error():
    with pytest.raises(AttributeError, match="NetNs"):
        libnetns.NetNs
    assert not hasattr(libnetns, "__path_of_nothing__")


# --- one program, two packages -------------------------------------------------------------------


def netns_creates_or_opens_namespace(package):
    with package.NetNS("blue") as ns:
        assert names_of(ns.get_links()) == ["lo"]
        with package.NetNS("blue", flags=0) as again:
            assert names_of(again.link("dump")) == ["lo"]
    assert package.netns.listnetns() == ["blue"]
    with pytest.raises(FileNotFoundError):
        package.NetNS("red", flags=0)
    with pytest.raises(FileExistsError):
        package.NetNS("blue", flags=os.O_CREAT | os.O_EXCL)
    ns = package.NetNS("red", flags=os.O_CREAT | os.O_EXCL)
    ns.close()
    ns.remove()
    assert package.netns.listnetns() == ["blue"]


def veth_ends_are_configured(package):
    package.netns.create("blue")
    with package.IPRoute() as ip, package.NetNS("blue") as ns:
        ip.link("add", ifname="v0p0", kind="veth", peer="v0p1")
        ip.link("set", index=ip.link_lookup(ifname="v0p1")[0], net_ns_fd="blue")
        assert ip.link_lookup(ifname="v0p1") in ([], ())
        for end, name, address in (ip, "v0p0", "192.0.2.1"), (ns, "v0p1", "192.0.2.2"):
            (index,) = end.link_lookup(ifname=name)
            end.link("set", index=index, state="up")
            end.addr("add", index=index, address=address, prefixlen=24)
        ns.route("add", dst="198.51.100.0/24", gateway="192.0.2.1")
        gateways = [route.get_attr("RTA_GATEWAY") for route in ns.get_routes(table=254)]
        assert "192.0.2.1" in gateways
        addresses = [address.get_attr("IFA_ADDRESS") for address in ns.get_addr(family=2)]
        assert "192.0.2.2" in addresses
        ip.link("del", index=ip.link_lookup(ifname="v0p0")[0])
        assert names_of(ns.get_links()) == ["lo"]


def bind_receives_link_changes(package):
    with package.NetNS("blue") as ns, package.NetNS("blue") as other:
        ns.bind()
        other.link("add", ifname="br0", kind="bridge")
        told = []
        while "br0" not in told:
            told.extend(names_of(ns.get()))


def threads_use_separate_netns_objects(package):
    names = ["n0", "n1", "n2"]
    seen = {}

    def make(name):
        with package.NetNS(name) as ns:
            ns.link("add", ifname=f"br-{name}", kind="bridge")
            seen[name] = names_of(ns.get_links())

    threads = [threading.Thread(target=make, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert seen == {name: ["lo", f"br-{name}"] for name in names}


def two_threads_share_one_object(package):
    with package.NetNS("blue") as ns:
        ns.link("add", ifname="br0", kind="bridge")
        assert on_a_thread(lambda: names_of(ns.get_links())) == ["lo", "br0"]


def async_iproute_works_in_namespace(package):
    needs_asyncio()

    async def link_names():
        async with package.AsyncIPRoute(netns="blue") as ip:
            await ip.link("add", ifname="br0", kind="bridge")
            return [link.get("ifname") async for link in await ip.link("dump")]

    assert asyncio.run(link_names()) == ["lo", "br0"]
    assert package.netns.listnetns() == ["blue"]

    async def refused():
        async with package.AsyncIPRoute(netns="red", flags=0) as ip:
            await ip.link_lookup(ifname="lo")

    with pytest.raises(FileNotFoundError):
        asyncio.run(refused())


def iproute_accepts_namespace_name(package):
    needs_asyncio()
    with package.IPRoute(netns="blue") as ip:
        assert ip.status["netns"] == "blue"
        assert names_of(ip.get_links()) == ["lo"]


@pytest.mark.parametrize("package", ["libnetns", "pyroute2"])
@pytest.mark.parametrize(
    "program",
    [
        netns_creates_or_opens_namespace,
        veth_ends_are_configured,
        bind_receives_link_changes,
        threads_use_separate_netns_objects,
        two_threads_share_one_object,
        async_iproute_works_in_namespace,
        iproute_accepts_namespace_name,
    ],
    ids=lambda program: program.__name__,
)
def test_program_works_with_either_package(pyroute2, package, program):
    def run():
        try:
            program(importlib.import_module(package))
        except pytest.skip.Exception:
            pass

    in_child(run)


# --- improvements --------------------------------------------------------------------------------


@pytest.fixture
def no_processes(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("a process is started")

    monkeypatch.setattr(os, "fork", refuse)
    monkeypatch.setattr(subprocess, "Popen", refuse)


def test_netns_starts_no_process_and_leaves_nothing_open(pyroute2, no_processes):
    with libnetns.NetNS("blue") as ns:
        assert names_of(ns.get_links()) == ["lo"]
    with pytest.raises(FileNotFoundError):
        libnetns.NetNS("red", flags=0)
    libnetns.NetNS("blue").remove()
    assert libnetns.list() == []


def test_sockets_stay_in_namespace_after_name_removal(pyroute2):
    def run():
        first = libnetns.NetNS("blue", flags=os.O_CREAT | os.O_EXCL)
        first.link("add", ifname="br0", kind="bridge")
        libnetns.remove("blue")
        libnetns.create("blue").close()
        assert on_a_thread(lambda: names_of(first.get_links())) == ["lo", "br0"]
        first.close()

    in_child(run)


@pytest.mark.parametrize("name", ["NetNS", "IPRoute"])
def test_clone_uses_same_namespace_after_name_removal(pyroute2, name):
    if not hasattr(getattr(pyroute2, name), "clone"):
        pytest.skip("pyroute2 0.9 has no clone()")

    def run():
        first = getattr(libnetns, name)(netns="blue")
        first.link("add", ifname="br0", kind="bridge")
        libnetns.remove("blue")
        second = first.clone()
        libnetns.create("blue").close()
        first.close()
        with second, second.clone() as third:
            for clone in second, third:
                assert names_of(clone.get_links()) == ["lo", "br0"]
                assert clone.target == first.target
                assert name == "IPRoute" or clone.netns == "blue"

    in_child(run)


def test_iproute_accepts_handle_and_descriptor(pyroute2):
    with libnetns.create() as ns:
        ip = libnetns.IPRoute(netns=ns)
    with ip:
        ip.link("add", ifname="br0", kind="bridge")
        assert names_of(ip.get_links()) == ["lo", "br0"]
    with libnetns.create("blue") as ns, libnetns.IPRoute(netns=ns.fileno()) as ip:
        assert names_of(ip.get_links()) == ["lo"]


@pytest.mark.skipif(not os.path.exists("/dev/net/tun"), reason="needs /dev/net/tun")
def test_tun_device_is_created_in_namespace(pyroute2, no_processes):
    home = here()
    with libnetns.create("blue") as blue, libnetns.NetNS("blue") as ns:
        ns.link("add", ifname="tun7", kind="tuntap", mode="tun")
        assert [link.name for link in blue.links()] == ["lo", "tun7"]
        assert libnetns.current() != blue
    assert here() == home


def test_classes_derive_from_pyroute2_classes(pyroute2):
    for name in NAMES:
        if hasattr(pyroute2, name):
            base = "IPRoute" if name == "NetNS" else name
            assert issubclass(getattr(libnetns, name), getattr(pyroute2, base))


def test_classes_can_replace_pyroute2_classes(pyroute2, monkeypatch):
    def run():
        for name in NAMES:
            if hasattr(pyroute2, name):
                monkeypatch.setattr(pyroute2, name, getattr(libnetns, name))
        with pyroute2.NetNS("blue") as ns:
            assert names_of(ns.get_links()) == ["lo"]

    in_child(run)


def test_netns_works_without_right_to_switch_back(pyroute2):
    """Where the calling thread could not switch back from a namespace."""
    code = (
        "import conftest, libnetns\n"
        "conftest.become_root_of_a_user_namespace(more=0)\n"
        "conftest.mount(b'netns-test', b'/run', b'tmpfs')\n"
        "home = conftest.here()\n"
        "with libnetns.NetNS('blue') as ns:\n"
        "    ns.link('add', ifname='br0', kind='bridge')\n"
        "    print([link.get_attr('IFLA_IFNAME') for link in ns.get_links()])\n"
        "assert conftest.here() == home\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parent, stdout=subprocess.PIPE, check=True
    )
    assert done.stdout == b"['lo', 'br0']\n"


def test_iproute_uses_socket_passed_as_fileno(pyroute2):
    with libnetns.create() as ns:
        made = ns.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, socket.NETLINK_ROUTE)
        with libnetns.IPRoute(fileno=made.detach()) as ip:
            ip.link("add", ifname="br0", kind="bridge")
        assert [link.name for link in ns.links()] == ["lo", "br0"]


def test_ndb_works_with_libnetns_netns(pyroute2):
    """pyroute2's other modules use libnetns.netns instead of pyroute2.netns."""
    needs_asyncio()
    code = (
        "import sys, os, importlib.util\n"
        "from libnetns import netns\n"
        "home = importlib.util.find_spec('pyroute2').submodule_search_locations[0]\n"
        "netns.__path__ = [os.path.join(home, 'netns')]\n"
        "sys.modules['pyroute2.netns'] = netns\n"
        "import pyroute2\n"
        "with pyroute2.NDB() as ndb:\n"
        "    ndb.sources.add(netns='blue')\n"
        "    links = ndb.interfaces.dump()\n"
        "    print([link.ifname for link in links if link.target == 'blue'])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True)
    assert done.stdout == b"['lo']\n"
    assert netns.listnetns() == ["blue"]
