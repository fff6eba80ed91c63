# SPDX-License-Identifier: MIT OR Apache-2.0
"""pyroute2: its netns module, and its NetNS and IPRoute with permanently open sockets."""

import os
from importlib.metadata import version

from pyroute2 import IPRoute, NetNS, NSPopen, netns
from worker import FAR, GUEST, INSIDE, OUTSIDE, SOCKET, TARGET, name_of, serve

here = IPRoute()
outside = NetNS(TARGET)
inside = NetNS("sandbox")
target = os.open("/run/netns/target", os.O_RDONLY)


def create(i):
    netns.create(name_of(i))


def create_up(i):
    netns.create(name_of(i))
    with NetNS(name_of(i)) as ns:
        ns.link("set", index=1, state="up")


def enter(_):
    netns.pushns(TARGET)
    netns.popns()


def make_socket(_):
    netns.create_socket(TARGET, *SOCKET).close()


def list_names(_):
    return len(netns.listnetns())


def find_pids(_):
    return len(netns.ns_pids()[TARGET])


def identify(_):
    return netns.pid_to_ns(GUEST) == TARGET


def get_id(_):
    return here.get_netnsid(fd=target)["nsid"]


def get_id_elsewhere(_):
    return outside.get_netnsid(pid=GUEST)["nsid"]


def attach(i):
    netns.attach(name_of(i), GUEST)


def remove(i):
    netns.remove(name_of(i))


def run_program(_):
    program = NSPopen(TARGET, ["/bin/true"])
    status = program.wait()
    program.release()
    if status != 0:
        raise ChildProcessError("/bin/true")


def set_up_sandbox(_):
    outside.link("add", ifname="v0p0", kind="veth", peer={"ifname": "v0p1", "net_ns_fd": "sandbox"})
    a = outside.link_lookup(ifname="v0p0")[0]
    b = inside.link_lookup(ifname="v0p1")[0]
    outside.addr("add", index=a, address=OUTSIDE, prefixlen=24)
    inside.addr("add", index=b, address=INSIDE, prefixlen=24)
    inside.addr("add", index=b, address=FAR, prefixlen=32)
    outside.link("set", index=a, state="up")
    inside.link("set", index=b, state="up")
    outside.route("add", dst=f"{FAR}/32", gateway=INSIDE)
    inside.route("add", dst="default", gateway=OUTSIDE)


serve(
    version("pyroute2"),
    {
        "create": (create, None),
        "create-up": (create_up, None),
        "enter": (enter, None),
        "socket": (make_socket, None),
        "list": (list_names, None),
        "pids": (find_pids, None),
        "identify": (identify, None),
        "nsid": (get_id, None),
        "nsid-elsewhere": (get_id_elsewhere, None),
        "attach": (attach, None),
        "remove": (remove, None),
        "program": (run_program, None),
        "sandbox": (set_up_sandbox, None),
    },
)
for kept in (here, outside, inside):
    kept.close()
