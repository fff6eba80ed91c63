# SPDX-License-Identifier: MIT OR Apache-2.0
"""The ctypes interface to libnetns.so.1: the prototypes of netns.h, ownership and errors.

Functions are called through CDLL, which releases the GIL: some wait for a lock or for the kernel,
and netns_run() calls back into Python.
"""

from __future__ import annotations

import ctypes
import operator
import os
from ctypes import (
    CFUNCTYPE,
    POINTER,
    c_char,
    c_char_p,
    c_int,
    c_int32,
    c_size_t,
    c_ssize_t,
    c_uint16,
    c_uint32,
    c_uint64,
    c_void_p,
)
from typing import Any, Mapping, NoReturn, Optional, Union

StrPath = Union[str, bytes, "os.PathLike[str]", "os.PathLike[bytes]"]

SONAME = "libnetns.so.1"


def _load() -> ctypes.CDLL:
    """Load the library that the wheel contains, or else the one that the loader finds."""
    carried = os.path.join(os.path.dirname(os.path.abspath(__file__)), SONAME)
    try:
        return ctypes.CDLL(carried if os.path.exists(carried) else SONAME, use_errno=True)
    except OSError as error:
        raise ImportError(
            f"{error} (install libnetns with `make install` and `ldconfig`, or a wheel with it)",
            name=__package__,
        ) from error


lib = _load()

# --- objects that the library allocates ----------------------------------------------------------


class Owned(c_void_p):
    """A pointer that the library returned, released with the last reference to it.

    A call holds a reference to its arguments. If one thread closes a handle while another one is in
    a
    call with it, the handle is therefore released when that call returns, and not before.
    """

    _end: Any = None

    def __del__(self) -> None:
        if self.value is not None:
            self._end(self)

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        # ctypes would copy the bare pointer, and it would be released twice.
        raise TypeError(f"{type(self).__name__} cannot be copied or pickled")


class NamespaceHandle(Owned):
    _end = lib.netns_close


class MonitorHandle(Owned):
    _end = lib.netns_monitor_close


class NameList(Owned):
    _end = lib.netns_list_free


class HolderList(Owned):
    _end = lib.netns_holder_list_free


class NsidList(Owned):
    _end = lib.netns_nsid_list_free


class LinkList(Owned):
    _end = lib.netns_link_list_free


class AddrList(Owned):
    _end = lib.netns_addr_list_free


class RouteList(Owned):
    _end = lib.netns_route_list_free


class NetnsEvent(ctypes.Structure):
    """struct netns_event"""

    _fields_ = [
        ("size", c_uint32),
        ("type", c_uint32),
        ("name", c_char * 256),
        ("inode", c_uint64),
        ("cookie", c_uint64),
    ]


class SpawnOptions(ctypes.Structure):
    """struct netns_spawn_options"""

    _fields_ = [
        ("size", c_uint32),
        ("flags", c_uint32),
        ("stdin_fd", c_int32),
        ("stdout_fd", c_int32),
        ("stderr_fd", c_int32),
        ("pidfd", POINTER(c_int32)),
        ("cwd", c_char_p),
        ("uid", c_uint32),
        ("gid", c_uint32),
        ("groups", POINTER(c_uint32)),
        ("groups_len", c_size_t),
    ]


# For netns_run() and netns_run_from(): arg is a Python object.
CALLBACK = CFUNCTYPE(c_int, ctypes.py_object)

# --- the functions -------------------------------------------------------------------------------

_NS = NamespaceHandle
_OUT = POINTER(NamespaceHandle)
_TEXTS = POINTER(c_char_p)
_PID = c_int

# For each name, the type of the result followed by those of the arguments.
PROTOTYPES: dict[str, tuple[Any, ...]] = {
    "netns_create": (c_int, c_char_p, c_uint32, _OUT),
    "netns_create_at": (c_int, c_char_p, c_char_p, c_uint32, _OUT),
    "netns_open": (c_int, c_char_p, c_uint32, _OUT),
    "netns_open_at": (c_int, c_char_p, c_char_p, c_uint32, _OUT),
    "netns_open_pid": (c_int, _PID, _OUT),
    "netns_open_fd": (c_int, c_int, _OUT),
    "netns_open_current": (c_int, _OUT),
    "netns_open_id": (c_int, c_uint64, c_uint64, _OUT),
    "netns_dup": (c_int, _NS, _OUT),
    "netns_close": (None, _NS),
    "netns_attach": (c_int, _NS, c_char_p, c_uint32),
    "netns_attach_at": (c_int, c_char_p, _NS, c_char_p, c_uint32),
    "netns_remove": (c_int, c_char_p, c_uint32),
    "netns_remove_at": (c_int, c_char_p, c_char_p, c_uint32),
    "netns_fd": (c_int, _NS),
    "netns_name": (c_char_p, _NS),
    "netns_path": (c_char_p, _NS),
    "netns_inode": (c_uint64, _NS),
    "netns_device": (c_uint64, _NS),
    "netns_cookie": (c_int, _NS, POINTER(c_uint64)),
    "netns_equal": (c_int, _NS, _NS),
    "netns_is_current": (c_int, _NS),
    "netns_setns": (c_int, _NS),
    "netns_setns_mounts": (c_int, _NS, c_uint32),
    "netns_enter": (c_int, _NS),
    "netns_leave": (c_int, c_int),
    "netns_run": (c_int, _NS, CALLBACK, ctypes.py_object, POINTER(c_int)),
    "netns_run_from": (c_int, _NS, _NS, CALLBACK, ctypes.py_object, POINTER(c_int)),
    "netns_socket": (c_int, _NS, c_int, c_int, c_int),
    "netns_socket_from": (c_int, _NS, _NS, c_int, c_int, c_int),
    "netns_list": (c_int, c_uint32, POINTER(NameList)),
    "netns_list_at": (c_int, c_char_p, c_uint32, POINTER(NameList)),
    "netns_list_len": (c_size_t, NameList),
    "netns_list_name": (c_char_p, NameList, c_size_t),
    "netns_list_inode": (c_uint64, NameList, c_size_t),
    "netns_list_all": (c_int, c_uint32, POINTER(NameList)),
    "netns_list_cookie": (c_uint64, NameList, c_size_t),
    "netns_list_free": (None, NameList),
    "netns_names": (c_int, _NS, c_uint32, POINTER(NameList)),
    "netns_names_at": (c_int, c_char_p, _NS, c_uint32, POINTER(NameList)),
    "netns_holder_list": (c_int, _NS, c_uint32, POINTER(HolderList)),
    "netns_holder_list_len": (c_size_t, HolderList),
    "netns_holder_list_kind": (c_int, HolderList, c_size_t),
    "netns_holder_list_pid": (_PID, HolderList, c_size_t),
    "netns_holder_list_tid": (_PID, HolderList, c_size_t),
    "netns_holder_list_fd": (c_int, HolderList, c_size_t),
    "netns_holder_list_path": (c_char_p, HolderList, c_size_t),
    "netns_holder_list_program": (c_char_p, HolderList, c_size_t),
    "netns_holder_list_unseen": (c_uint32, HolderList),
    "netns_holder_list_free": (None, HolderList),
    "netns_pids": (c_ssize_t, _NS, c_uint32, POINTER(_PID), c_size_t),
    "netns_sysctl_get": (c_ssize_t, _NS, c_char_p, c_char_p, c_size_t),
    "netns_sysctl_set": (c_int, _NS, c_char_p, c_char_p),
    "netns_nsid_get": (c_int, _NS, _NS),
    "netns_nsid_set": (c_int, _NS, _NS, c_int32),
    "netns_nsid_ensure": (c_int, _NS, _NS),
    "netns_nsid_list": (c_int, c_char_p, _NS, c_int32, c_uint32, POINTER(NsidList)),
    "netns_nsid_list_len": (c_size_t, NsidList),
    "netns_nsid_list_id": (c_int32, NsidList, c_size_t),
    "netns_nsid_list_current": (c_int32, NsidList, c_size_t),
    "netns_nsid_list_name": (c_char_p, NsidList, c_size_t),
    "netns_nsid_list_free": (None, NsidList),
    "netns_link_move": (c_int, _NS, c_char_p, _NS, c_char_p),
    "netns_link_add": (c_int, _NS, c_char_p, c_char_p),
    "netns_veth_add": (c_int, _NS, c_char_p, _NS, c_char_p),
    "netns_macvlan_add": (c_int, _NS, c_char_p, _NS, c_char_p, c_char_p),
    "netns_vlan_add": (c_int, _NS, c_char_p, _NS, c_char_p, c_uint16),
    "netns_link_del": (c_int, _NS, c_char_p),
    "netns_link_up": (c_int, _NS, c_char_p),
    "netns_link_down": (c_int, _NS, c_char_p),
    "netns_link_set_mtu": (c_int, _NS, c_char_p, c_uint32),
    "netns_link_set_address": (c_int, _NS, c_char_p, c_char_p),
    "netns_link_set_master": (c_int, _NS, c_char_p, c_char_p),
    "netns_link_list": (c_int, _NS, c_uint32, POINTER(LinkList)),
    "netns_link_list_len": (c_size_t, LinkList),
    "netns_link_list_name": (c_char_p, LinkList, c_size_t),
    "netns_link_list_index": (c_uint32, LinkList, c_size_t),
    "netns_link_list_kind": (c_char_p, LinkList, c_size_t),
    "netns_link_list_mtu": (c_uint32, LinkList, c_size_t),
    "netns_link_list_flags": (c_uint32, LinkList, c_size_t),
    "netns_link_list_state": (c_char_p, LinkList, c_size_t),
    "netns_link_list_address": (c_char_p, LinkList, c_size_t),
    "netns_link_list_master": (c_uint32, LinkList, c_size_t),
    "netns_link_list_peer": (c_uint32, LinkList, c_size_t),
    "netns_link_list_peer_nsid": (c_int32, LinkList, c_size_t),
    "netns_link_list_free": (None, LinkList),
    "netns_addr_add": (c_int, _NS, c_char_p, c_char_p),
    "netns_addr_add_flags": (c_int, _NS, c_char_p, c_char_p, c_uint32),
    "netns_addr_del": (c_int, _NS, c_char_p, c_char_p),
    "netns_addr_list": (c_int, _NS, c_uint32, POINTER(AddrList)),
    "netns_addr_list_len": (c_size_t, AddrList),
    "netns_addr_list_address": (c_char_p, AddrList, c_size_t),
    "netns_addr_list_prefix": (c_uint32, AddrList, c_size_t),
    "netns_addr_list_family": (c_int, AddrList, c_size_t),
    "netns_addr_list_index": (c_uint32, AddrList, c_size_t),
    "netns_addr_list_ifname": (c_char_p, AddrList, c_size_t),
    "netns_addr_list_scope": (c_uint32, AddrList, c_size_t),
    "netns_addr_list_label": (c_char_p, AddrList, c_size_t),
    "netns_addr_list_flags": (c_uint32, AddrList, c_size_t),
    "netns_addr_list_peer": (c_char_p, AddrList, c_size_t),
    "netns_addr_list_broadcast": (c_char_p, AddrList, c_size_t),
    "netns_addr_list_free": (None, AddrList),
    "netns_route_add": (c_int, _NS, c_char_p, c_char_p, c_char_p),
    "netns_route_del": (c_int, _NS, c_char_p, c_char_p, c_char_p),
    "netns_route_list": (c_int, _NS, c_uint32, POINTER(RouteList)),
    "netns_route_list_len": (c_size_t, RouteList),
    "netns_route_list_dst": (c_char_p, RouteList, c_size_t),
    "netns_route_list_family": (c_int, RouteList, c_size_t),
    "netns_route_list_via": (c_char_p, RouteList, c_size_t),
    "netns_route_list_index": (c_uint32, RouteList, c_size_t),
    "netns_route_list_ifname": (c_char_p, RouteList, c_size_t),
    "netns_route_list_metric": (c_uint32, RouteList, c_size_t),
    "netns_route_list_table": (c_uint32, RouteList, c_size_t),
    "netns_route_list_protocol": (c_uint32, RouteList, c_size_t),
    "netns_route_list_scope": (c_uint32, RouteList, c_size_t),
    "netns_route_list_type": (c_uint32, RouteList, c_size_t),
    "netns_route_list_free": (None, RouteList),
    "netns_monitor_open": (c_int, c_char_p, c_uint32, POINTER(MonitorHandle)),
    "netns_monitor_fd": (c_int, MonitorHandle),
    "netns_monitor_next": (c_int, MonitorHandle, POINTER(NetnsEvent)),
    "netns_monitor_close": (None, MonitorHandle),
    "netns_exec": (c_int, _NS, c_char_p, _TEXTS, _TEXTS),
    "netns_spawn": (c_int, _NS, POINTER(SpawnOptions), c_char_p, _TEXTS, _TEXTS, POINTER(_PID)),
    "netns_version": (c_char_p,),
    "netns_errmsg": (c_char_p,),
}


def _declare() -> None:
    for name, (result, *arguments) in PROTOTYPES.items():
        try:
            function = getattr(lib, name)
        except AttributeError as error:
            raise ImportError(
                f"{error} (it is older than this package)", name=__package__
            ) from None
        function.restype = result
        function.argtypes = arguments


_declare()

# --- getters, which only read memory -------------------------------------------------------------

_looking = ctypes.PyDLL(lib._name, handle=lib._handle)


def getter(name: str) -> Any:
    """Return a list getter for use in loops: it keeps the GIL and takes arguments of C types.

    Releasing the GIL and converting arguments would take longer than the call itself.
    """
    function = _looking[name]
    function.restype = PROTOTYPES[name][0]
    return function


# --- errors --------------------------------------------------------------------------------------

NO_HINTS: Mapping[int, str] = {}


def message() -> str:
    """Return the message of the calling thread's last failure."""
    text: bytes = lib.netns_errmsg()
    return text.decode("utf-8", "replace")


def failure(
    error: int, filename: Optional[StrPath] = None, hints: Mapping[int, str] = NO_HINTS
) -> OSError:
    """Return the calling thread's last failure as the subclass of OSError that matches its errno.

    hints  by errno, advice for Python users; the library's message is for users of every language
    """
    text = message()
    if error in hints:
        text = f"{text}; {hints[error]}"
    if filename is None:
        return OSError(error, text)
    return OSError(error, text, filename)


def check(rc: int, filename: Optional[StrPath] = None, hints: Mapping[int, str] = NO_HINTS) -> int:
    """Return the result of a call, or raise its OSError if it failed."""
    if rc < 0:
        raise failure(-rc, filename, hints)
    return rc


# --- arguments: reject what ctypes would silently truncate ---------------------------------------


def encoded(path: StrPath) -> bytes:
    """Return a name or path in the file system encoding."""
    raw = os.fsencode(path)
    if b"\0" in raw:
        raise ValueError("embedded null byte")
    return raw


def encoded_or_none(path: Optional[StrPath]) -> Optional[bytes]:
    return None if path is None else encoded(path)


def bounded(value: Any, low: int, high: int) -> int:
    number = operator.index(value)
    if not low <= number <= high:
        raise OverflowError(f"{number} is not in {low} to {high}")
    return number


def int32(value: Any) -> int:
    return bounded(value, -(2**31), 2**31 - 1)


def uint32(value: Any) -> int:
    return bounded(value, 0, 2**32 - 1)


def uint64(value: Any) -> int:
    return bounded(value, 0, 2**64 - 1)


def descriptor_of(file: Any) -> int:
    """Return a descriptor number, or that of an object with a fileno() method."""
    return int32(file if isinstance(file, int) else file.fileno())


def text_or_none(raw: Optional[bytes]) -> Optional[str]:
    """Decode a string that a call returned."""
    return None if raw is None else os.fsdecode(raw)
