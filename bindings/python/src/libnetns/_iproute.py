# SPDX-License-Identifier: MIT OR Apache-2.0
"""Replacements for pyroute2's IPRoute, AsyncIPRoute and NetNS, with sockets created by libnetns.

pyroute2 starts a process to get a netlink socket in another namespace, and versions 0.7 and 0.8
keep one running for each NetNS. These classes inherit from pyroute2's and create their sockets with
libnetns.netns.create_socket().

This module needs pyroute2. It is imported only when one of its classes is used.
"""

from __future__ import annotations

import inspect
import os
import socket
import threading
from functools import partial
from types import FunctionType
from typing import Any, Optional

import pyroute2
from pyroute2.netlink import rtnl
from pyroute2.netlink.rtnl import iprsocket

from . import netns
from ._namespace import Namespace
from ._nspopen import call_in
from .netns import create_socket

#: From 0.9 on, pyroute2 is based on asyncio and creates one socket per thread.
_IS_ASYNC = hasattr(pyroute2, "AsyncIPRoute")

_NETNS = """pyroute2's NetNS, without its child process: all that IPRoute does, in a namespace.

    with NetNS("blue") as ns:
        ns.link("set", index=ns.link_lookup(ifname="lo")[0], state="up")

flags  O_CREAT, the default: the namespace is made if there is none. O_CREAT | O_EXCL: there must be
       none. 0: there must be one.
"""


class _There:
    """The namespace that a class works in, opened or created when its first socket is.

    It provides create_socket() like libnetns.netns. All sockets are in the same namespace, whatever
    happens to its name, and O_EXCL applies only to the first of them.
    """

    def __init__(self, given: Any) -> None:
        self._given = given.dup() if isinstance(given, Namespace) else given
        self._ns: Optional[Namespace] = None
        self._lock = threading.Lock()

    @property
    def name(self) -> Any:
        """The value to pass to pyroute2 as netns=."""
        if not isinstance(self._given, Namespace):
            return self._given
        return self._given.path or f"/proc/self/fd/{self._given.fileno()}"

    def open(self, flags: int, libc: Any) -> Namespace:
        with self._lock:
            if self._ns is None:
                netns.check_libc(libc)
                self._ns = netns.namespace_of(self._given, flags)
            return self._ns

    def create_socket(
        self,
        netns: Any = None,
        family: int = socket.AF_INET,
        socket_type: int = socket.SOCK_STREAM,
        proto: int = 0,
        fileno: Optional[int] = None,
        flags: int = os.O_CREAT,
        libc: Any = None,
    ) -> socket.socket:
        if netns is None or fileno is not None:
            return create_socket(netns, family, socket_type, proto, fileno, flags, libc)
        return self.open(flags, libc).socket(family, socket_type, proto)

    def call(self, function: Any, *args: Any) -> Any:
        """Call a function that does not use the socket; a tun device is created by ioctl(2)."""
        outcome = []
        call_in(self.open(0, None), lambda: outcome.append(function(*args)))
        return outcome[0]

    def close(self) -> None:
        if self._ns is not None:
            self._ns.close()


def _rebound(function: Any, **names: Any) -> Any:
    """Copy one of pyroute2's functions, with other values for some of the names in its module."""
    missing = set(names) - set(function.__code__.co_names)
    if missing:
        raise ImportError(f"pyroute2 {pyroute2.__version__} is not supported: {missing}")
    scope = {**function.__globals__, **names}
    copy = FunctionType(
        function.__code__, scope, function.__name__, function.__defaults__, function.__closure__
    )
    copy.__kwdefaults__ = function.__kwdefaults__
    copy.__doc__ = function.__doc__
    return copy


if _IS_ASYNC:

    class _Proxy(iprsocket.IPRouteProxy):  # type: ignore[misc]
        """Do what netlink cannot do by a call in the namespace, without a child process."""

        def __init__(self, there: _There) -> None:
            super().__init__(None)
            self._there = there

        def handle(self, msg: Any) -> Any:
            if msg["header"]["type"] not in self.route:
                return b""
            return self._there.call(super().handle, msg)

    class AsyncIPRoute(pyroute2.AsyncIPRoute):  # type: ignore[misc]
        """pyroute2's AsyncIPRoute. With netns=, its sockets are created in the namespace by this
        process.

        netns  a name, a path, a descriptor or a Namespace; None is the calling thread's namespace
        flags  as for libnetns.netns.getnsfd()
        """

        request_proxy: Any
        # The function itself, because a program may substitute this class for pyroute2's.
        _pyroute2s_setup_socket = staticmethod(pyroute2.AsyncIPRoute.setup_socket)

        def __init__(self, *args: Any, netns: Any = None, **kwargs: Any) -> None:
            self._there = _There(netns)
            super().__init__(*args, netns=self._there.name, **kwargs)
            if netns is not None and self.request_proxy is not None:
                self.request_proxy = _Proxy(self._there)

        def setup_socket(self) -> Any:
            """Set up a socket; pyroute2 calls this in each thread."""
            return _rebound(self._pyroute2s_setup_socket, netns=self._there)(self)

        def close(self, *args: Any, **kwargs: Any) -> None:
            super().close(*args, **kwargs)
            self._there.close()

    class IPRoute(pyroute2.IPRoute):  # type: ignore[misc]
        """pyroute2's IPRoute. With netns=, its sockets are created in the namespace by this
        process.

        netns  a name, a path, a descriptor or a Namespace; None is the calling thread's namespace
        flags  as for libnetns.netns.getnsfd()
        """

        __signature__ = inspect.signature(pyroute2.IPRoute)
        _init = _rebound(pyroute2.IPRoute.__init__, AsyncIPRoute=AsyncIPRoute)

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            try:
                self._init(*args, **kwargs)
            except BaseException:
                # pyroute2 would leave its event loop open.
                if "asyncore" in vars(self):
                    self.asyncore.close()
                raise

    class NetNS(IPRoute, pyroute2.NetNS):  # type: ignore[misc]
        __doc__ = _NETNS

        def __init__(
            self,
            netns: Any = None,
            flags: int = os.O_CREAT,
            target: str = "localhost",
            libc: Any = None,
            groups: int = rtnl.RTMGRP_DEFAULTS,
        ) -> None:
            super().__init__(target=target, netns=netns, flags=flags, libc=libc, groups=groups)

        def remove(self) -> None:
            """Close the sockets and remove the name."""
            self.close()
            netns.remove(self.status["netns"])

else:

    class IPRoute(pyroute2.IPRoute):  # type: ignore[misc, no-redef]
        """pyroute2's IPRoute. With netns=, its socket is created in the namespace by this process.

        netns  a name, a path, a descriptor or a Namespace; None is the calling thread's namespace
        flags  as for libnetns.netns.getnsfd()
        """

        def __init__(
            self,
            *args: Any,
            netns: Any = None,
            flags: int = os.O_CREAT,
            libc: Any = None,
            **kwargs: Any,
        ) -> None:
            self._there = _There(netns)
            self._flags, self._libc = flags, libc
            if netns is not None:
                # Fail before pyroute2 opens files that it would not close.
                self._there.open(flags, libc)
            super().__init__(*args, **kwargs)
            if netns is None:
                return
            plugins = self._sproxy.pmap
            self._sproxy.pmap = {
                kind: partial(self._there.call, plugin) for kind, plugin in plugins.items()
            }
            # The arguments that clone() passes. The name may mean another namespace by then.
            self.config.update(netns=self._there.open(flags, libc), flags=0)

        def post_init(self) -> None:
            """Set up a new socket; pyroute2 calls this for each one."""
            if self._there.name is not None:
                kind = socket.AF_NETLINK, socket.SOCK_DGRAM, self.family
                made = self._there.create_socket(
                    self._there.name, *kind, flags=self._flags, libc=self._libc
                )
                self._fileno = made.detach()
            super().post_init()

        def close(self, *args: Any, **kwargs: Any) -> None:
            super().close(*args, **kwargs)
            self._there.close()

    class NetNS(IPRoute):  # type: ignore[no-redef]
        __doc__ = _NETNS

        def __init__(
            self,
            netns: Any,
            flags: int = os.O_CREAT,
            target: Any = None,
            libc: Any = None,
            **kwargs: Any,
        ) -> None:
            self.netns = netns
            self.flags = flags
            target = target or netns
            super().__init__(target=target, netns=netns, flags=flags, libc=libc, **kwargs)

        def clone(self) -> Any:
            """Return a new object for the same namespace, whatever has happened to its name."""
            clone = type(self)(self._there.open(0, None), 0)
            clone.netns, clone.target = self.netns, self.target
            return clone

        def remove(self) -> None:
            """Close the socket and remove the name."""
            self.close()
            netns.remove(self.netns)
