# SPDX-License-Identifier: MIT OR Apache-2.0
"""A replacement for pyroute2.netns, with the same functions, parameters and results.

    from libnetns import netns        # was: from pyroute2 import netns

A namespace is given by its name in NETNS_RUN_DIR, by a path or, where pyroute2 accepts it, by a
descriptor or an object with a fileno() method. No call starts a process: fork= is accepted and
ignored. libc= is ignored as well, except that an object that lacks the functions of a C library
raises AttributeError.

Differences from pyroute2:

  - pushns(), popns() and dropns() use one stack per thread, and popns() returns to the namespace
    that the thread was in. pushns() first verifies that the thread can switch back, and raises
    PermissionError if it cannot.
  - pushns() of a name that does not exist raises FileNotFoundError and creates nothing.
  - A call that fails leaves no file behind, and leaves the thread in its namespace. create() and
    attach() take over what a killed creator left, and listnetns() does not list it.
  - A file that is not a network namespace is rejected: remove() does not delete it, and setns()
    does not enter it.
  - create() and attach() also create the parent directories of the run directory.

Errors have the same class and errno as in pyroute2, with two exceptions: remove() and getnsfd() of
a file that is not a network namespace raise OSError (ENOTTY), where pyroute2 deletes or opens the
file. The `filename` of an error is always what the caller passed; in pyroute2 it can also be bytes,
a path or None.
"""

from __future__ import annotations

import errno
import os
import socket
import threading
from typing import Any, Dict, List, Optional, Union

from . import _namespace
from ._library import check, lib
from ._namespace import Namespace

#: The default run directory. Every call reads this variable unless it is given a directory.
NETNS_RUN_DIR: Union[str, bytes] = "/var/run/netns"

CLONE_NEWNET = 0x40000000
MNT_DETACH = 0x00000002
MS_BIND = 4096
MS_REC = 16384
MS_SHARED = 1 << 20

__all__ = [
    "CLONE_NEWNET",
    "MNT_DETACH",
    "MS_BIND",
    "MS_REC",
    "MS_SHARED",
    "NETNS_RUN_DIR",
    "attach",
    "create",
    "create_socket",
    "dropns",
    "getnsfd",
    "listnetns",
    "ns_pids",
    "pid_to_ns",
    "popns",
    "pushns",
    "remove",
    "setns",
]

# --- names and paths -----------------------------------------------------------------------------


def _get_netnspath(name: Any) -> Any:
    """Return the path of a name. Not part of the API: pyroute2's other modules import it."""
    if not os.path.dirname(name):
        name = f"{os.fsdecode(NETNS_RUN_DIR)}/{os.fsdecode(name)}"
    return os.fsencode(name)


def check_libc(libc: Any) -> None:
    """Check that libc= looks like a C library, although it is not used."""
    if libc is not None:
        libc.mount


def _place(netns: Any) -> tuple[Any, Any]:
    """Return the run directory and the name that a name or path refers to."""
    rundir, name = os.path.split(os.fspath(netns))
    return rundir or NETNS_RUN_DIR, name


def _is_a_name(rundir: Any) -> bool:
    return rundir is NETNS_RUN_DIR or os.fsencode(rundir) == os.fsencode(NETNS_RUN_DIR)


def _open(netns: Any, flags: int) -> Namespace:
    rundir, name = _place(netns)
    creates = bool(flags & os.O_CREAT)
    exclusive = creates and bool(flags & os.O_EXCL)
    # Do not turn a directory of paths, such as /proc/1/ns, into a run directory because of one of
    # them.
    if exclusive and not _is_a_name(rundir) and os.path.lexists(netns):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), netns)
    if exclusive:
        return _namespace.create(name, rundir=rundir)
    try:
        if _is_a_name(rundir):
            return _namespace.open(name, rundir=rundir)
        return _namespace.open(netns)
    except OSError as error:
        # A name that exists but cannot be opened may be under construction or stale.
        is_in_the_way = error.errno == errno.ENOTTY and _is_a_name(rundir)
        if not creates or not (error.errno == errno.ENOENT or is_in_the_way):
            raise
    return _namespace.create(name, rundir=rundir, exist_ok=True)


def namespace_of(netns: Any, flags: int) -> Namespace:
    """Return the namespace to enter, whichever way it is given."""
    try:
        if isinstance(netns, (str, bytes, os.PathLike)):
            return _open(netns, flags)
        if isinstance(netns, Namespace):
            return netns
        if isinstance(netns, int) or hasattr(netns, "fileno"):
            return _namespace.open_fd(netns)
    except OSError as error:
        if error.errno != errno.ENOTTY:
            raise
        # setns(2), and therefore pyroute2, reports EINVAL for a file that is not a network
        # namespace.
        raise OSError(errno.EINVAL, error.strerror, netns) from None
    raise RuntimeError("netns should be a string or an open fd")


def listnetns(nspath: Any = None) -> List[Any]:
    """Return the names, sorted; as bytes if the directory is given as bytes."""
    rundir = nspath or NETNS_RUN_DIR
    names = _namespace.list(rundir=rundir)
    return [os.fsencode(name) for name in names] if isinstance(rundir, bytes) else names


def create(netns: Any, libc: Any = None) -> None:
    """Create a network namespace. The calling thread stays in its own."""
    check_libc(libc)
    rundir, name = _place(netns)
    _namespace.create(name, rundir=rundir)


def attach(netns: Any, pid: Union[int, str], libc: Any = None) -> None:
    """Give the network namespace of a process a name; FileNotFoundError if there is no such
    process.
    """
    check_libc(libc)
    rundir, name = _place(netns)
    try:
        ns = _of_process(pid)
    except (FileNotFoundError, ProcessLookupError) as error:
        raise FileNotFoundError(errno.ENOENT, error.strerror, netns) from None
    ns.attach(name, rundir=rundir)


def remove(netns: Any, libc: Any = None) -> None:
    """Remove a name."""
    check_libc(libc)
    rundir, name = _place(netns)
    _namespace.remove(name, rundir=rundir)


# --- processes -----------------------------------------------------------------------------------


def _of_process(pid: Union[int, str]) -> Namespace:
    if isinstance(pid, int):
        return _namespace.open_pid(pid)
    return _namespace.open(f"/proc/{pid}/ns/net")


def _inode_of_process(pid: str) -> Optional[tuple[int, int]]:
    try:
        status = os.stat(f"/proc/{pid}/ns/net")
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ESRCH, errno.EACCES, errno.EPERM):
            return None
        raise
    return status.st_dev, status.st_ino


def ns_pids(nspath: Any = None) -> Dict[Any, List[int]]:
    """Map each name to the processes in its namespace; a namespace with several names is under
    each.

    Processes that the caller may not inspect are left out.
    """
    rundir = nspath or NETNS_RUN_DIR
    device = _namespace.current().device
    names: Dict[tuple[int, int], List[Any]] = {}
    for name, inode in _namespace.names_and_inodes(rundir):
        key = os.fsencode(name) if isinstance(rundir, bytes) else name
        names.setdefault((device, inode), []).append(key)
    pids: Dict[Any, List[int]] = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        where = _inode_of_process(pid)
        for name in names.get(where, []) if where else []:
            pids.setdefault(name, []).append(int(pid))
    return pids


def pid_to_ns(pid: Union[int, str] = 1, nspath: Any = None) -> Optional[Any]:
    """Return the first name of a process's namespace; None if it has none or cannot be inspected.
    """
    rundir = nspath or NETNS_RUN_DIR
    try:
        names = _of_process(pid).names(rundir=rundir)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ESRCH, errno.EACCES, errno.EPERM, errno.EINVAL):
            return None
        raise
    if not names:
        return None
    return os.fsencode(names[0]) if isinstance(rundir, bytes) else names[0]


# --- the calling thread --------------------------------------------------------------------------


def getnsfd(netns: Any, flags: int = 0, libc: Any = None, fork: bool = True) -> int:
    """Return a descriptor of a namespace.

    For a name or a path, this is a new descriptor, which the caller must close. O_CREAT creates the
    namespace if it does not exist; with O_CREAT | O_EXCL, it must not exist. For a file object or a
    number, the existing descriptor is returned.
    """
    check_libc(libc)
    if isinstance(netns, (str, bytes, os.PathLike)):
        with _open(netns, flags) as ns:
            return os.dup(ns.fileno())
    if isinstance(netns, int):
        return netns
    if hasattr(netns, "fileno"):
        return int(netns.fileno())
    raise RuntimeError("netns should be a string or an open fd")


def setns(netns: Any, flags: int = os.O_CREAT, libc: Any = None, fork: bool = True) -> None:
    """Move the calling thread into a namespace permanently; flags are those of getnsfd()."""
    check_libc(libc)
    namespace_of(netns, flags).setns()


class _Saved:
    """The token for switching back, which is a descriptor."""

    def __init__(self, ns: Namespace) -> None:
        self._token = -1
        self._token = check(lib.netns_enter(ns._open))

    def go_back(self) -> None:
        check(lib.netns_leave(self._token))
        self._token = -1

    def __del__(self) -> None:
        if self._token >= 0:
            os.close(self._token)


class _Stack(threading.local):
    def __init__(self) -> None:
        self.saved: List[_Saved] = []


_stack = _Stack()


def pushns(newns: Any = None, libc: Any = None) -> None:
    """Save the calling thread's namespace, and move the thread to newns unless it is None."""
    check_libc(libc)
    ns = _namespace.current() if newns is None else namespace_of(newns, 0)
    _stack.saved.append(_Saved(ns))


def popns(libc: Any = None) -> None:
    """Return the calling thread to the namespace saved by its last pushns()."""
    _stack.saved[-1].go_back()
    _stack.saved.pop()


def dropns(libc: Any = None) -> None:
    """Discard the namespace saved by the calling thread's last pushns(); the thread stays where it
    is.
    """
    _stack.saved.pop()


# --- sockets -------------------------------------------------------------------------------------


def _create_socket_child(
    nsname: Any, flags: int, family: int, socket_type: int, proto: int, libc: Any = None
) -> Any:
    """Do what pyroute2 does in a child process. Not part of the API: its other modules import it.
    """
    from pyroute2.process import ChildProcessReturnValue

    return ChildProcessReturnValue(
        b"", [create_socket(nsname, family, socket_type, proto, flags=flags, libc=libc)]
    )


def create_socket(
    netns: Any = None,
    family: int = socket.AF_INET,
    socket_type: int = socket.SOCK_STREAM,
    proto: int = 0,
    fileno: Optional[int] = None,
    flags: int = os.O_CREAT,
    libc: Any = None,
    timeout: Optional[float] = None,
) -> socket.socket:
    """Return a socket in a namespace; flags are those of getnsfd().

    The socket is not inheritable, like every socket that Python creates; pyroute2's is. timeout is
    accepted and ignored, because there is no other process to wait for.
    """
    check_libc(libc)
    if fileno is not None and netns is not None:
        raise TypeError("you can not specify both fileno and netns")
    if fileno is not None:
        return socket.socket(fileno=fileno)
    if netns is None:
        return socket.socket(family, socket_type, proto)
    return namespace_of(netns, flags).socket(family, socket_type, proto)
