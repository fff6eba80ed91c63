# SPDX-License-Identifier: MIT OR Apache-2.0
"""Linux network namespaces: make them, name them, find them, enter them and come back.

    import libnetns

    with libnetns.create("blue", lo_up=True) as blue:
        server = blue.socket()              # in there, for a thread that stays here
        blue.run(server.bind, ("127.0.0.1", 80))
        with blue.entered():
            ...                             # the calling thread is in there
        blue.veth_add("eth0", libnetns.current(), "blue0")
        blue.addr_add("eth0", "192.0.2.2/24")
        blue.link_up("eth0")
    libnetns.remove("blue")

What fails raises the OSError of its errno (FileExistsError, FileNotFoundError, PermissionError,
ProcessLookupError ...), which says what to do. A handle that is closed raises ValueError. Every
call releases the GIL. `libnetns.netns` and `libnetns.NSPopen` stand in for those of pyroute2.
"""

from . import netns
from ._library import StrPath
from ._monitor import Event, EventType, Monitor
from ._namespace import (
    NSID_AUTO,
    Namespace,
    Nsid,
    attach,
    create,
    current,
    list,
    names,
    open,
    open_fd,
    open_pid,
    remove,
    version,
)
from ._network import Address, Link, Route
from ._nspopen import NSPopen
from ._programs import Process

RUN_DIR = "/run/netns"

__version__ = "1.0.0"

__all__ = [
    "Address",
    "Event",
    "EventType",
    "Link",
    "Monitor",
    "NSID_AUTO",
    "NSPopen",
    "Namespace",
    "Nsid",
    "Process",
    "RUN_DIR",
    "Route",
    "StrPath",
    "attach",
    "create",
    "current",
    "list",
    "names",
    "netns",
    "open",
    "open_fd",
    "open_pid",
    "remove",
    "version",
]
