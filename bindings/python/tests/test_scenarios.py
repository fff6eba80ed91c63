# SPDX-License-Identifier: MIT OR Apache-2.0
"""Run bindings/scenarios.txt, which describes its own syntax; C, Rust and Go run the same file."""

import errno
import os
import re
import socket
from pathlib import Path

import pytest
from conftest import settled

import libnetns

FILE = Path(__file__).resolve().parents[2] / "scenarios.txt"
ERRNO = {value: name for name, value in vars(errno).items() if name.startswith("E")}
# For errnos with two names, the one that strerrorname_np() returns.
ERRNO.update({errno.EOPNOTSUPP: "EOPNOTSUPP", errno.EAGAIN: "EAGAIN"})


def scenarios():
    found = []
    for number, line in enumerate(FILE.read_text().splitlines(), 1):
        if line.startswith("scenario "):
            found.append((line[9:], []))
        elif line and not line.startswith("#"):
            found[-1][1].append((number, line))
    return found


def text(word):
    """Convert a word to an argument."""
    if word == "-":
        return None
    if word == "''":
        return ""
    repeated = re.fullmatch(r"(.)\*(\d+)", word)
    return repeated[1] * int(repeated[2]) if repeated else word


def socket_of(domain, kind):
    domains = {"inet": socket.AF_INET, "inet6": socket.AF_INET6, "unix": socket.AF_UNIX}
    kinds = {"stream": socket.SOCK_STREAM, "dgram": socket.SOCK_DGRAM}
    return domains[domain] if domain in domains else int(domain), kinds[kind]


def joined(items):
    return ",".join(items) or "-"


class World:
    """A scenario's handles, and its operations: each is a method that takes the words of its line.
    """

    def __init__(self):
        self.handles = {}
        self.message = ""

    def ns(self, name):
        return None if name == "-" else self.handles[name]

    def must_be(self, name):
        """The namespace whose methods are called: the calling thread's if there is no handle."""
        return libnetns.current() if name == "-" else self.handles[name]

    def keep(self, name, handle):
        if name in self.handles:
            self.handles[name].close()
        self.handles[name] = handle

    def close_all(self):
        for handle in self.handles.values():
            handle.close()

    # --- lifecycle and identity

    def create(self, a, name, flags):
        given = {} if flags == "-" else {flags: True}
        ns = libnetns.create(text(name), **given)
        if a == "-":
            ns.close()
        else:
            self.keep(a, ns)

    def open(self, a, name):
        self.keep(a, libnetns.open(text(name)))

    def open_pid(self, a, pid):
        self.keep(a, libnetns.open_pid(os.getpid() if pid == "self" else int(pid)))

    def open_fd(self, a, path):
        with open(os.open(path, os.O_RDONLY), closefd=True) as file:
            self.keep(a, libnetns.open_fd(file))

    def open_fd_of(self, a, b):
        self.keep(a, libnetns.open_fd(self.ns(b)))

    def open_socket(self, a, b):
        with self.ns(b).socket() as sock:
            self.keep(a, libnetns.open_fd(sock))

    def open_id(self, a, b):
        # Before Linux 5.14 there is no cookie.
        try:
            cookie = self.ns(b).cookie()
        except OSError:
            cookie = None
        self.keep(a, libnetns.open_id(self.ns(b).inode, cookie))

    def current(self, a):
        self.keep(a, libnetns.current())

    def dup(self, a, b):
        self.keep(a, self.ns(b).dup())

    def close(self, a):
        self.handles.pop(a).close()

    def attach(self, a, name):
        libnetns.attach(self.ns(a), text(name))

    def remove(self, name, flags):
        libnetns.remove(text(name), missing_ok=flags == "missing_ok")

    def list(self, flags):
        return joined(libnetns.list(stale=flags == "stale"))

    def names(self, a):
        return joined(libnetns.names(self.ns(a)))

    def name(self, a):
        return self.ns(a).name or "-"

    def path(self, a):
        return self.ns(a).path or "-"

    def equal(self, a, b):
        return int(self.ns(a) == self.ns(b))

    def here(self, a):
        return int(self.ns(a).is_current())

    def run(self, a, b):
        return int(self.ns(a).run(self.ns(b).is_current))

    def run_value(self, a, number):
        return self.ns(a).run(lambda value: value, int(number))

    def socket(self, a, domain, kind):
        return self.told_of(self.ns(a).socket(*socket_of(domain, kind)), a)

    def socket_from(self, a, home, domain, kind):
        made = self.ns(a).socket_from(self.ns(home), *socket_of(domain, kind))
        return self.told_of(made, a)

    def told_of(self, made, a):
        with made as sock, libnetns.open_fd(sock) as of_socket:
            return "ok" if of_socket == self.ns(a) else "elsewhere"

    def run_from(self, a, home, b):
        return int(self.ns(a).run_from(self.ns(home), self.ns(b).is_current))

    def sysctl(self, a, name):
        return self.ns(a).sysctl(text(name))

    def set_sysctl(self, a, name, value):
        self.ns(a).set_sysctl(text(name), text(value))

    def holders(self, a):
        return joined(holder.kind.name.lower() for holder in settled(self.ns(a).holders()))

    def found(self, a):
        names = [found.name for found in libnetns.list_all() if found.inode == self.ns(a).inode]
        return (names[0] or "-") if names else "missing"

    def pids(self, a):
        return len(self.ns(a).pids())

    def nsid_get(self, a, b):
        nsid = self.ns(a).nsid_of(self.ns(b))
        return "ENODATA" if nsid is None else nsid

    def nsid_ensure(self, a, b):
        return self.ns(a).ensure_nsid(self.ns(b))

    def nsid_set(self, a, b, nsid):
        number = libnetns.NSID_AUTO if nsid == "auto" else int(nsid)
        return self.ns(a).set_nsid(self.ns(b), number)

    def monitor(self, m, flags):
        self.keep(m, libnetns.Monitor(snapshot=flags == "snapshot"))

    def event(self, m):
        event = self.handles[m].wait(0)
        return f"{event.type.name.lower()}:{event.name}" if event else "none"

    # --- the network

    def link_add(self, a, ifname, kind):
        self.must_be(a).link_add(text(ifname), text(kind))

    def veth_add(self, a, ifname, b, peer):
        self.must_be(a).veth_add(text(ifname), self.ns(b), text(peer))

    def macvlan_add(self, a, ifname, b, parent, mode):
        self.must_be(a).macvlan_add(text(ifname), self.ns(b), text(parent), text(mode))

    def vlan_add(self, a, ifname, b, parent, tag):
        self.must_be(a).vlan_add(text(ifname), self.ns(b), text(parent), int(tag))

    def link_del(self, a, ifname):
        self.must_be(a).link_del(text(ifname))

    def link_up(self, a, ifname):
        self.must_be(a).link_up(text(ifname))

    def link_down(self, a, ifname):
        self.must_be(a).link_down(text(ifname))

    def link_set_mtu(self, a, ifname, mtu):
        self.must_be(a).link_set_mtu(text(ifname), int(mtu))

    def link_set_address(self, a, ifname, lladdr):
        self.must_be(a).link_set_address(text(ifname), text(lladdr))

    def link_set_master(self, a, ifname, master):
        self.must_be(a).link_set_master(text(ifname), text(master))

    def link_move(self, a, ifname, b, newname):
        self.must_be(a).link_move(text(ifname), self.must_be(b), text(newname))

    def addr_add(self, a, ifname, cidr, flags):
        self.must_be(a).addr_add(text(ifname), text(cidr), nodad=flags == "nodad")

    def addr_del(self, a, ifname, cidr):
        self.must_be(a).addr_del(text(ifname), text(cidr))

    def route_add(self, a, dst, via, ifname):
        self.must_be(a).route_add(text(dst), text(via), text(ifname))

    def route_del(self, a, dst, via, ifname):
        self.must_be(a).route_del(text(dst), text(via), text(ifname))

    def links(self, a):
        return joined(link.name for link in self.ns(a).links())

    def link(self, a, ifname, field):
        links = {link.name: link for link in self.ns(a).links()}
        names = {link.index: link.name for link in links.values()}
        link = links[ifname]
        values = {
            "kind": link.kind or "-",
            "mtu": link.mtu,
            "address": link.address or "-",
            "up": int(link.is_up),
            "master": names.get(link.master, "-"),
        }
        return values[field]

    def addrs(self, a, ifname):
        return joined(found.cidr for found in self.ns(a).addresses() if found.ifname == ifname)

    def routes(self, a, ifname):
        return joined(
            f"{route.dst}@{route.via}" if route.via else route.dst
            for route in self.ns(a).routes()
            if route.ifname == ifname and route.family == socket.AF_INET
        )

    # --- files and words

    def file(self, path, word):
        Path(path).write_text(text(word) or "")

    def stale(self, path):
        Path(path).touch()
        os.chmod(path, 0o1000)

    def symlink(self, path, target):
        os.symlink(target, path)

    def says(self, word):
        return int(word in self.message)

    # --- lines

    def result(self, words):
        """The result of a call, as written in the file."""
        try:
            given = getattr(self, words[0])(*words[1:])
        except OSError as error:
            self.message = error.strerror
            return ERRNO[error.errno]
        return "ok" if given is None else str(given)


@pytest.mark.parametrize("lines", [pytest.param(lines, id=title) for title, lines in scenarios()])
def test_scenario(lines):
    world = World()
    try:
        for number, line in lines:
            call, wanted = line.split(" -> ")
            may_differ = call.startswith("? ")
            given = world.result(call[2 * may_differ :].split(" "))
            if may_differ and given != wanted:
                pytest.skip("the kernel lacks something")
            assert given == wanted, f"{FILE.name}:{number}: {line} ({world.message})"
    finally:
        world.close_all()
