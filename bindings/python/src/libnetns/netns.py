# SPDX-License-Identifier: MIT OR Apache-2.0
"""In place of pyroute2.netns: the same functions, parameters and results.

    from libnetns import netns        # was: from pyroute2 import netns

A namespace is given by its name in NETNS_RUN_DIR, by a path, or, where it can be, by a descriptor
or an object that has one. No call starts a process: fork= is accepted and ignored. libc= is ignored
as well, except that an object without the functions of a C library raises AttributeError.

What is better here, and may be noticed:

  - pushns(), popns() and dropns() have a stack for each thread, and go back to where it was.
    pushns() first proves that there is a way back, and raises PermissionError where there is none.
  - pushns() of a name that does not exist raises FileNotFoundError, and makes nothing.
  - A call that fails leaves no file, and no thread elsewhere. create() and attach() take over what
    a killed creator left, and listnetns() does not show it.
  - What is no network namespace is refused: remove() takes no other file, setns() enters none.
  - create() and attach() also make the parents of the run directory.

Errors have pyroute2's classes and errno, with two exceptions: remove() and getnsfd() of a file that
is not a network namespace raise OSError (ENOTTY), where pyroute2 deletes or opens the file. Their
`filename` is always what the caller passed; pyroute2 also has bytes, a path or None there.
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

#: Where names live. Each call looks here, unless it is told otherwise.
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
    """The path that a name stands for. Not ours: pyroute2's other modules import it."""
    if not os.path.dirname(name):
        name = f"{os.fsdecode(NETNS_RUN_DIR)}/{os.fsdecode(name)}"
    return os.fsencode(name)


def check_libc(libc: Any) -> None:
    """What is passed for a C library has to look like one, though it is not used."""
    if libc is not None:
        libc.mount


def _place(netns: Any) -> tuple[Any, Any]:
    """The run directory and the name that a name or a path stands for."""
    rundir, name = os.path.split(os.fspath(netns))
    return rundir or NETNS_RUN_DIR, name


def _is_a_name(rundir: Any) -> bool:
    return rundir is NETNS_RUN_DIR or os.fsencode(rundir) == os.fsencode(NETNS_RUN_DIR)


def _open(netns: Any, flags: int) -> Namespace:
    rundir, name = _place(netns)
    creates = bool(flags & os.O_CREAT)
    exclusive = creates and bool(flags & os.O_EXCL)
    # A directory of paths, /proc/1/ns say, is made no run directory for the sake of what is in it.
    if exclusive and not _is_a_name(rundir) and os.path.lexists(netns):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), netns)
    if exclusive:
        return _namespace.create(name, rundir=rundir)
    try:
        if _is_a_name(rundir):
            return _namespace.open(name, rundir=rundir)
        return _namespace.open(netns)
    except OSError as error:
        # A name that is there and cannot be opened may be in the making, or left behind.
        is_in_the_way = error.errno == errno.ENOTTY and _is_a_name(rundir)
        if not creates or not (error.errno == errno.ENOENT or is_in_the_way):
            raise
    return _namespace.create(name, rundir=rundir, exist_ok=True)


def namespace_of(netns: Any, flags: int) -> Namespace:
    """A namespace to enter, however it is given."""
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
        # What setns(2) says of a file that is not a network namespace, and hence pyroute2.
        raise OSError(errno.EINVAL, error.strerror, netns) from None
    raise RuntimeError("netns should be a string or an open fd")


def listnetns(nspath: Any = None) -> List[Any]:
    """The names, sorted; bytes where the directory is given as bytes."""
    rundir = nspath or NETNS_RUN_DIR
    names = _namespace.list(rundir=rundir)
    return [os.fsencode(name) for name in names] if isinstance(rundir, bytes) else names


def create(netns: Any, libc: Any = None) -> None:
    """Makes a network namespace. The calling thread stays where it is."""
    check_libc(libc)
    rundir, name = _place(netns)
    _namespace.create(name, rundir=rundir)


def attach(netns: Any, pid: Union[int, str], libc: Any = None) -> None:
    """Gives the network namespace of a process a name. No such process: FileNotFoundError."""
    check_libc(libc)
    rundir, name = _place(netns)
    try:
        ns = _of_process(pid)
    except (FileNotFoundError, ProcessLookupError) as error:
        raise FileNotFoundError(errno.ENOENT, error.strerror, netns) from None
    ns.attach(name, rundir=rundir)


def remove(netns: Any, libc: Any = None) -> None:
    """Takes a name away."""
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
    """The processes in namespaces that have names, by name; of several, under each.

    Those that cannot be looked at are left out.
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
    """The first name of a process's namespace; None if it has none, or cannot be looked at."""
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
    """A descriptor of a namespace.

    Of a name or a path, it is a new one, and yours to close; with O_CREAT, the namespace is made if
    there is none; with O_CREAT | O_EXCL, there must be none. Of a file or a number, it is its own.
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
    """Moves the calling thread into a namespace, one way; flags are as for getnsfd()."""
    check_libc(libc)
    namespace_of(netns, flags).setns()


class _Saved:
    """A way back, which is a descriptor."""

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
    """Saves where the calling thread is, and moves it to newns if there is one."""
    check_libc(libc)
    ns = _namespace.current() if newns is None else namespace_of(newns, 0)
    _stack.saved.append(_Saved(ns))


def popns(libc: Any = None) -> None:
    """Takes the calling thread back to where it was at its last pushns()."""
    _stack.saved[-1].go_back()
    _stack.saved.pop()


def dropns(libc: Any = None) -> None:
    """Forgets the calling thread's last pushns(): it stays where it is."""
    _stack.saved.pop()


# --- sockets -------------------------------------------------------------------------------------


def _create_socket_child(
    nsname: Any, flags: int, family: int, socket_type: int, proto: int, libc: Any = None
) -> Any:
    """What pyroute2 has a child process do. Not ours: its other modules may import it."""
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
    """A socket in a namespace; flags are as for getnsfd().

    It is not inheritable, as all sockets that Python makes; pyroute2's is. timeout is accepted and
    ignored: there is no other process to wait for.
    """
    check_libc(libc)
    if fileno is not None and netns is not None:
        raise TypeError("you can not specify both fileno and netns")
    if fileno is not None:
        return socket.socket(fileno=fileno)
    if netns is None:
        return socket.socket(family, socket_type, proto)
    return namespace_of(netns, flags).socket(family, socket_type, proto)
