# SPDX-License-Identifier: MIT OR Apache-2.0
"""Linux network namespaces: create, name, find and enter them, and configure their network.

    import libnetns

    with libnetns.create("blue", lo_up=True) as blue:
        server = blue.socket()              # a socket in it; the thread stays where it is
        blue.run(server.bind, ("127.0.0.1", 80))
        with blue.entered():
            ...                             # the calling thread is in it
        blue.veth_add("eth0", libnetns.current(), "blue0")
        blue.addr_add("eth0", "192.0.2.2/24")
        blue.link_up("eth0")
    libnetns.remove("blue")

A call that fails raises the OSError of its errno (FileExistsError, FileNotFoundError,
PermissionError, ProcessLookupError ...), with a message that says what to do. Using a closed handle
raises ValueError. Every call into the kernel releases the GIL.

`libnetns.netns`, `NSPopen`, `NetNS`, `IPRoute` and `AsyncIPRoute` replace those of pyroute2. The
last three need it: `pip install libnetns[pyroute2]`.
"""

from typing import TYPE_CHECKING, Any

from . import netns
from ._library import StrPath
from ._monitor import Event, EventType, Monitor
from ._namespace import (
    NSID_AUTO,
    Found,
    Holder,
    HolderKind,
    Holders,
    Namespace,
    Nsid,
    attach,
    create,
    current,
    list,
    list_all,
    names,
    open,
    open_fd,
    open_id,
    open_pid,
    remove,
    version,
)
from ._network import Address, Link, Route
from ._nspopen import NSPopen
from ._programs import Process

if TYPE_CHECKING:
    from ._iproute import AsyncIPRoute as AsyncIPRoute
    from ._iproute import IPRoute as IPRoute
    from ._iproute import NetNS as NetNS

RUN_DIR = "/run/netns"

__version__ = "1.0.0"

__all__ = [
    "Address",
    "Event",
    "EventType",
    "Found",
    "Holder",
    "HolderKind",
    "Holders",
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
    "list_all",
    "names",
    "netns",
    "open",
    "open_fd",
    "open_id",
    "open_pid",
    "remove",
    "version",
]

_OF_PYROUTE2 = ("AsyncIPRoute", "IPRoute", "NetNS")


def __getattr__(name: str) -> Any:
    # Everything else works without pyroute2.
    if name not in _OF_PYROUTE2:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from . import _iproute
    except ModuleNotFoundError as error:
        if error.name != "pyroute2":
            raise
        raise ImportError(
            f"libnetns.{name} needs pyroute2: pip install 'libnetns[pyroute2]'", name="pyroute2"
        ) from error
    if not hasattr(_iproute, name):
        raise ImportError(f"libnetns.{name} needs pyroute2 0.9 or later", name="pyroute2")
    return getattr(_iproute, name)
