# SPDX-License-Identifier: MIT OR Apache-2.0
"""The library's Python package."""

from worker import FAR, GUEST, INSIDE, OUTSIDE, SOCKET, TARGET, name_of, serve

import libnetns

target = libnetns.open(TARGET)
home = libnetns.current()
sandbox = libnetns.open("sandbox")
made = []


def create(i):
    made.append(libnetns.create(name_of(i)))


def create_up(i):
    made.append(libnetns.create(name_of(i), lo_up=True))


def create_anonymous(_):
    made.append(libnetns.create())


def close_made():
    while made:
        made.pop().close()


def open_and_close(_):
    libnetns.open(TARGET).close()


def enter(_):
    with target.entered():
        pass


def nothing():
    pass


def run(_):
    target.run(nothing)


def run_by_path(_):
    with libnetns.open(f"/run/netns/{TARGET}") as ns:
        ns.run(nothing)


def make_socket(_):
    target.socket(*SOCKET).close()


def list_names(_):
    return len(libnetns.list())


def find_pids(_):
    return len(target.pids())


def identify(_):
    with libnetns.open_pid(GUEST) as ns:
        return len(ns.names())


def get_id(_):
    return home.nsid_of(target)


def get_id_elsewhere(_):
    return target.nsid_of(target)


def attach(i):
    target.attach(name_of(i))


def remove(i):
    libnetns.remove(name_of(i))


def run_program(_):
    if target.spawn(["/bin/true"]).wait() != 0:
        raise ChildProcessError("/bin/true")


def set_up_sandbox(_):
    target.veth_add("v0p0", sandbox, "v0p1")
    target.addr_add("v0p0", f"{OUTSIDE}/24")
    sandbox.addr_add("v0p1", f"{INSIDE}/24")
    sandbox.addr_add("v0p1", FAR)
    target.link_up("v0p0")
    sandbox.link_up("v0p1")
    target.route_add(FAR, via=INSIDE)
    sandbox.route_add("default", via=OUTSIDE)


serve(
    libnetns.version(),
    {
        "create": (create, close_made),
        "create-up": (create_up, close_made),
        "create-anonymous": (create_anonymous, close_made),
        "open": (open_and_close, None),
        "enter": (enter, None),
        "run": (run, None),
        "run-path": (run_by_path, None),
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
