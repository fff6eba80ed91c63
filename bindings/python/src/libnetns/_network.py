# SPDX-License-Identifier: MIT OR Apache-2.0
"""The network configuration of a namespace: interfaces, addresses and routes."""

from __future__ import annotations

import ipaddress
import socket
from ctypes import byref
from dataclasses import dataclass
from typing import Any, List, Optional, Union

from ._library import (
    AddrList,
    LinkList,
    NamespaceHandle,
    RouteList,
    bounded,
    check,
    encoded,
    encoded_or_none,
    lib,
    text_or_none,
    uint32,
)

IfName = Union[str, bytes]

# The types of ipaddress for an address without and with its network, and for a network.
Address_ = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]
Interface_ = Union[ipaddress.IPv4Interface, ipaddress.IPv6Interface]
Network_ = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]

_IPADDRESS = (
    ipaddress.IPv4Address,
    ipaddress.IPv6Address,
    ipaddress.IPv4Network,
    ipaddress.IPv6Network,
)

_IFF_UP = 1
_ADDR_NODAD = 1
_ROUTE_LIST_ALL_TABLES = 1


@dataclass(frozen=True)
class Link:
    """The state of an interface at one moment."""

    name: str
    index: int
    #: The kind, such as "veth" or "bridge"; None for lo and for hardware interfaces.
    kind: Optional[str]
    mtu: int
    #: IFF_UP, IFF_RUNNING ... of <net/if.h>.
    flags: int
    #: "up", "down", "unknown", "lowerlayerdown", "dormant", "notpresent" or "testing".
    state: Optional[str]
    #: The link-layer address.
    address: Optional[str]
    #: The index of the bridge or bond that it is a port of; 0 if there is none.
    master: int
    #: The index of the other end of a veth, or of the parent of a macvlan or VLAN; 0 if there is
    #: none.
    peer: int
    #: The nsid of the namespace that the index peer belongs to; -1 if it is the same namespace.
    peer_nsid: int

    @property
    def is_up(self) -> bool:
        return bool(self.flags & _IFF_UP)


@dataclass(frozen=True)
class Address:
    """An IP address of an interface at one moment."""

    address: str
    prefix: int
    family: socket.AddressFamily
    index: int
    #: None if the interface was deleted meanwhile.
    ifname: Optional[str]
    #: RT_SCOPE_UNIVERSE (0) ... of <linux/rtnetlink.h>.
    scope: int
    label: Optional[str]
    #: IFA_F_PERMANENT ... of <linux/if_addr.h>.
    flags: int
    peer: Optional[str]
    broadcast: Optional[str]

    @property
    def cidr(self) -> str:
        """The form that addr_add() and addr_del() take, such as "192.0.2.1/24"."""
        return f"{self.address}/{self.prefix}"


@dataclass(frozen=True)
class Route:
    """A route at one moment. A multipath route has one entry per nexthop."""

    #: Such as "192.0.2.0/24", or "default".
    dst: str
    family: socket.AddressFamily
    via: Optional[str]
    index: int
    ifname: Optional[str]
    metric: int
    #: RT_TABLE_MAIN (254) ... of <linux/rtnetlink.h>, like the next three.
    table: int
    protocol: int
    scope: int
    type: int


def _link(links: LinkList, i: int) -> Link:
    return Link(
        text_or_none(lib.netns_link_list_name(links, i)) or "",
        lib.netns_link_list_index(links, i),
        text_or_none(lib.netns_link_list_kind(links, i)),
        lib.netns_link_list_mtu(links, i),
        lib.netns_link_list_flags(links, i),
        text_or_none(lib.netns_link_list_state(links, i)),
        text_or_none(lib.netns_link_list_address(links, i)),
        lib.netns_link_list_master(links, i),
        lib.netns_link_list_peer(links, i),
        lib.netns_link_list_peer_nsid(links, i),
    )


def _address(addresses: AddrList, i: int) -> Address:
    return Address(
        text_or_none(lib.netns_addr_list_address(addresses, i)) or "",
        lib.netns_addr_list_prefix(addresses, i),
        socket.AddressFamily(lib.netns_addr_list_family(addresses, i)),
        lib.netns_addr_list_index(addresses, i),
        text_or_none(lib.netns_addr_list_ifname(addresses, i)),
        lib.netns_addr_list_scope(addresses, i),
        text_or_none(lib.netns_addr_list_label(addresses, i)),
        lib.netns_addr_list_flags(addresses, i),
        text_or_none(lib.netns_addr_list_peer(addresses, i)),
        text_or_none(lib.netns_addr_list_broadcast(addresses, i)),
    )


def _route(routes: RouteList, i: int) -> Route:
    return Route(
        text_or_none(lib.netns_route_list_dst(routes, i)) or "",
        socket.AddressFamily(lib.netns_route_list_family(routes, i)),
        text_or_none(lib.netns_route_list_via(routes, i)),
        lib.netns_route_list_index(routes, i),
        text_or_none(lib.netns_route_list_ifname(routes, i)),
        lib.netns_route_list_metric(routes, i),
        lib.netns_route_list_table(routes, i),
        lib.netns_route_list_protocol(routes, i),
        lib.netns_route_list_scope(routes, i),
        lib.netns_route_list_type(routes, i),
    )


def _text(value: Any) -> bytes:
    """Convert an address given as text or as an object of ipaddress."""
    if isinstance(value, (str, bytes)):
        return encoded(value)
    if isinstance(value, _IPADDRESS):
        return str(value).encode()
    raise TypeError(f"an address must be a str, bytes, or of ipaddress, not {type(value).__name__}")


def _text_or_none(value: Any) -> Optional[bytes]:
    return None if value is None else _text(value)


def handle_of(ns: Optional[Network]) -> Optional[NamespaceHandle]:
    """Convert a namespace argument; None is the calling thread's namespace."""
    if ns is None:
        return None
    if not isinstance(ns, Network):
        raise TypeError(f"a Namespace is needed, not {type(ns).__name__}")
    return ns._open


def handle_of_one(ns: Network) -> NamespaceHandle:
    """Convert a namespace argument that must not be None."""
    handle = handle_of(ns)
    if handle is None:
        raise TypeError("libnetns.current() is the calling thread's namespace")
    return handle


class Network:
    """The methods of Namespace for network configuration."""

    __slots__ = ()

    @property
    def _open(self) -> NamespaceHandle:
        raise NotImplementedError

    # --- interfaces ------------------------------------------------------------------------------

    def link_add(self, ifname: IfName, kind: IfName) -> None:
        """Create an interface of a kind that needs no parameters: "bridge", "dummy", "ifb" ..."""
        check(lib.netns_link_add(self._open, encoded(ifname), encoded(kind)))

    def veth_add(self, ifname: IfName, peer_ns: Optional[Network], peer_ifname: IfName) -> None:
        """Create a veth pair with one end here and the peer in peer_ns (None: the calling
        thread's).
        """
        peer = handle_of(peer_ns), encoded(peer_ifname)
        check(lib.netns_veth_add(self._open, encoded(ifname), *peer))

    def macvlan_add(
        self,
        ifname: IfName,
        parent_ns: Optional[Network],
        parent: IfName,
        mode: Optional[IfName] = None,
    ) -> None:
        """Create a macvlan here, on an interface of parent_ns (None: the calling thread's).

        mode is "private", "vepa", "bridge" or "passthru"; None is the kernel's default, "vepa".
        """
        on = handle_of(parent_ns), encoded(parent)
        check(lib.netns_macvlan_add(self._open, encoded(ifname), *on, encoded_or_none(mode)))

    def vlan_add(
        self, ifname: IfName, parent_ns: Optional[Network], parent: IfName, id: int
    ) -> None:
        """Create a VLAN interface here, on an interface of parent_ns (None: the calling thread's).
        """
        on = handle_of(parent_ns), encoded(parent)
        tag = bounded(id, 0, 2**16 - 1)
        check(lib.netns_vlan_add(self._open, encoded(ifname), *on, tag))

    def link_del(self, ifname: IfName) -> None:
        """Delete an interface and, for a veth, its peer."""
        check(lib.netns_link_del(self._open, encoded(ifname)))

    def link_up(self, ifname: IfName) -> None:
        check(lib.netns_link_up(self._open, encoded(ifname)))

    def link_down(self, ifname: IfName) -> None:
        check(lib.netns_link_down(self._open, encoded(ifname)))

    def link_set_mtu(self, ifname: IfName, mtu: int) -> None:
        check(lib.netns_link_set_mtu(self._open, encoded(ifname), uint32(mtu)))

    def link_set_address(self, ifname: IfName, lladdr: IfName) -> None:
        """Set the link-layer address, such as "02:00:5e:10:00:01"."""
        check(lib.netns_link_set_address(self._open, encoded(ifname), encoded(lladdr)))

    def link_set_master(self, ifname: IfName, master: Optional[IfName]) -> None:
        """Make an interface a port of a bridge or bond; None removes it from its bridge or bond."""
        check(lib.netns_link_set_master(self._open, encoded(ifname), encoded_or_none(master)))

    def link_move(self, ifname: IfName, to: Network, newname: Optional[IfName] = None) -> None:
        """Move an interface from here to another namespace, optionally under a new name."""
        there = handle_of_one(to), encoded_or_none(newname)
        check(lib.netns_link_move(self._open, encoded(ifname), *there))

    def links(self) -> List[Link]:
        """Return the interfaces, sorted by index."""
        found = LinkList()
        check(lib.netns_link_list(self._open, 0, byref(found)))
        return [_link(found, i) for i in range(lib.netns_link_list_len(found))]

    # --- addresses -------------------------------------------------------------------------------

    def addr_add(
        self, ifname: IfName, cidr: Union[str, bytes, Address_, Interface_], *, nodad: bool = False
    ) -> None:
        """Add an address, such as "192.0.2.1/24", to an interface.

        nodad  skip duplicate address detection, so that an IPv6 address can be used at once
        """
        flags = _ADDR_NODAD if nodad else 0
        check(lib.netns_addr_add_flags(self._open, encoded(ifname), _text(cidr), flags))

    def addr_del(self, ifname: IfName, cidr: Union[str, bytes, Address_, Interface_]) -> None:
        """Delete an address from an interface; the prefix length must match."""
        check(lib.netns_addr_del(self._open, encoded(ifname), _text(cidr)))

    def addresses(self) -> List[Address]:
        """Return the IP addresses of all interfaces: IPv4 first, then by interface."""
        found = AddrList()
        check(lib.netns_addr_list(self._open, 0, byref(found)))
        return [_address(found, i) for i in range(lib.netns_addr_list_len(found))]

    # --- routes ----------------------------------------------------------------------------------

    def route_add(
        self,
        dst: Union[str, bytes, Address_, Network_],
        via: Optional[Union[str, bytes, Address_]] = None,
        ifname: Optional[IfName] = None,
    ) -> None:
        """Add a route to the main table. dst may be "default"; via or ifname is required."""
        check(
            lib.netns_route_add(self._open, _text(dst), _text_or_none(via), encoded_or_none(ifname))
        )

    def route_del(
        self,
        dst: Union[str, bytes, Address_, Network_],
        via: Optional[Union[str, bytes, Address_]] = None,
        ifname: Optional[IfName] = None,
    ) -> None:
        """Delete the first matching route from the main table."""
        check(
            lib.netns_route_del(self._open, _text(dst), _text_or_none(via), encoded_or_none(ifname))
        )

    def routes(self, *, all_tables: bool = False) -> List[Route]:
        """Return the routes of the main table, or of every table: IPv4 first."""
        found = RouteList()
        flags = _ROUTE_LIST_ALL_TABLES if all_tables else 0
        check(lib.netns_route_list(self._open, flags, byref(found)))
        return [_route(found, i) for i in range(lib.netns_route_list_len(found))]
