# SPDX-License-Identifier: MIT OR Apache-2.0
"""A network namespace, and the ways to get one."""

from __future__ import annotations

import os
import socket as _socket
import subprocess
import threading
from ctypes import byref, c_int, c_size_t, c_uint64, create_string_buffer
from enum import IntEnum
from errno import EEXIST, ENODATA, ENOENT, EPERM
from itertools import repeat
from typing import (
    Any,
    Callable,
    Generator,
    Iterable,
    List,
    Mapping,
    NamedTuple,
    NoReturn,
    Optional,
    Sequence,
    Tuple,
    TypeVar,
    Union,
)

from . import _programs
from ._library import (
    CALLBACK,
    NO_HINTS,
    HolderList,
    NameList,
    NamespaceHandle,
    NsidList,
    StrPath,
    check,
    descriptor_of,
    encoded,
    encoded_or_none,
    failure,
    getter,
    int32,
    lib,
    text_or_none,
    uint64,
)
from ._network import Network, handle_of_one

T = TypeVar("T")

_CREATE_EXIST_OK = 1
_CREATE_LO_UP = 2
_CREATE_NOWAIT = 4
_REMOVE_MISSING_OK = 1
_LIST_STALE = 1
_PIDS_THREADS = 1
_SETNS_KEEP_SYS = 1
_SETNS_KEEP_ETC = 2
_NSID_NONE = -1

# More than nearly all systems run: a second look at /proc would take as long as the first.
_PIDS_ROOM = 16384

#: For Namespace.set_nsid(): the kernel picks the lowest id that is free.
NSID_AUTO = -1


class Nsid(NamedTuple):
    """An id that a namespace has for another."""

    id: int
    #: Of a target's: what the namespace that was asked from calls the same one. None: nothing.
    current: Optional[int]
    #: The first name of that other one; None if it has none.
    name: Optional[str]


class Found(NamedTuple):
    """A network namespace that list_all() has found."""

    #: The first of its names in /run/netns; None if it has none.
    name: Optional[str]
    #: As stat(2) tells it.
    inode: int
    #: The number that no other namespace has until the next boot; None if it is not known.
    cookie: Optional[int]


class HolderKind(IntEnum):
    """What keeps a namespace alive."""

    THREAD = 1
    DESCRIPTOR = 2
    SOCKET = 3
    MOUNT = 4


_HOLDER_KINDS = frozenset(int(kind) for kind in HolderKind)


class Holder(NamedTuple):
    """Something that keeps a namespace alive, which Namespace.holders() has found."""

    kind: HolderKind
    #: None: no process is found to have the socket.
    pid: Optional[int]
    tid: Optional[int]
    #: The number of a descriptor or socket in its process.
    fd: Optional[int]
    #: The mount point of a mount, as its process sees it.
    path: Optional[str]
    #: The program that the thread runs, as /proc/PID/comm has it.
    program: Optional[str]


class Holders(List[Holder]):
    """What Namespace.holders() has found, sorted by kind, then by process."""

    def __init__(self, found: List[Holder], unseen: int) -> None:
        super().__init__(found)
        #: A process that /proc shows was not the caller's to look at.
        self.unseen_processes = bool(unseen & 1)
        #: There may be processes that /proc does not show.
        self.unseen_hidden = bool(unseen & 2)
        #: Not every socket could be asked for its namespace.
        self.unseen_sockets = bool(unseen & 4)


class _Outcome:
    """What came of a function that C calls, through which no exception passes."""

    def __init__(self) -> None:
        self.value: Any = None
        self.error: Optional[BaseException] = None

    def get(self) -> Any:
        """What the function returned or raised."""
        try:
            if self.error is not None:
                raise self.error
            return self.value
        finally:
            # An error's traceback has this frame, which would keep the error alive.
            self.error = None


def _steps(
    outcome: _Outcome, function: Callable[..., Any], args: Any, kwargs: Any
) -> Generator[int, None, None]:
    """The first step is to be ready, the second to call the function.

    What C calls is next(), which takes the second one inside of the try block: what a signal's
    handler raises at that moment, or when the function has returned, is caught. Of a Python
    function that C called, it would be raised before the first line or after the last, and lost.
    """
    calls = False
    try:
        yield 0
        calls = True
        outcome.value = function(*args, **kwargs)
        calls = False
        yield 0
    except BaseException as error:
        if isinstance(error, GeneratorExit) and not calls:
            # There are no more steps to be taken.
            raise
        outcome.error = error
    yield 0


_next = CALLBACK(next)
_list_name = getter("netns_list_name")
_list_inode = getter("netns_list_inode")
_indices: Tuple[c_size_t, ...] = ()


def _run(
    call: Callable[..., int],
    namespaces: Tuple[Namespace, ...],
    function: Callable[..., T],
    args: Any,
    kwargs: Any,
) -> T:
    """What run() and run_from() have in common: call is the library's."""
    outcome = _Outcome()
    steps = _steps(outcome, function, args, kwargs)
    next(steps)
    if outcome.error is not None:
        outcome.get()
    # No variable has their handles, which the traceback of what is raised would keep open.
    rc = call(*[ns._open for ns in namespaces], _next, steps, None)
    # Here, and not when it is collected: what is raised meanwhile would be lost there.
    steps.close()
    if rc < 0:
        raise failure(-rc, hints=_NO_WAY_BACK) from outcome.error
    result: T = outcome.get()
    return result


def _socket_of(fd: int, family: int, type: int, proto: int) -> _socket.socket:
    try:
        return _socket.socket(family, type, proto, fileno=fd)
    except BaseException:
        os.close(fd)
        raise


_NO_WAY_BACK = {EPERM: "setns(), in a thread that ends in there, may do"}
_EXISTS = {EEXIST: "libnetns.create() opens it with exist_ok=True"}
_MISSING = {ENOENT: "libnetns.remove() lets that pass with missing_ok=True"}
_NOT_YET = {ENOENT: "libnetns.create() with exist_ok=True makes it if it is missing"}
_HAS_ONE = {EEXIST: "ensure_nsid() returns the nsid that it has"}


class _Stays(threading.local):
    """The calling thread's stays, of which the innermost is kept."""

    innermost: Optional[Stay] = None


_stays = _Stays()


class Stay:
    """What Namespace.entered() returns: the calling thread's stay in a namespace."""

    __slots__ = ("_ns", "_token", "_thread", "_outer", "_is_over")

    def __init__(self, ns: Namespace) -> None:
        self._ns = ns
        self._token: Optional[int] = None
        self._thread: Optional[int] = None
        self._outer: Optional[Stay] = None
        # Left before the stays within it: its token is for the one that is left last.
        self._is_over = False

    def __enter__(self) -> Namespace:
        if self._token is not None:
            raise RuntimeError("entered already")
        self._token = check(lib.netns_enter(self._ns._open), hints=_NO_WAY_BACK)
        self._thread = threading.get_ident()
        self._outer, _stays.innermost = _stays.innermost, self
        return self._ns

    def __exit__(self, *_: object) -> None:
        if _stays.innermost is not self:
            self._refuse()
        if self._outer is not None and self._outer._is_over:
            self._drop_what_is_over()
        check(lib.netns_leave(self._token))
        _stays.innermost = self._outer
        self._token = self._thread = self._outer = None

    def _refuse(self) -> NoReturn:
        if self._thread != threading.get_ident():
            raise RuntimeError("a thread leaves what it has entered, and not what another one has")
        self._is_over = True
        raise RuntimeError(
            "entered() blocks are left in another order than they were entered, which happens when "
            "one contains an `await` or a `yield`: the thread goes back when the last one is left"
        )

    def _drop_what_is_over(self) -> None:
        """Goes back to where the stays that were left too early would have gone."""
        while self._outer is not None and self._outer._is_over:
            over, token = self._outer, self._token
            self._token, self._outer = over._token, over._outer
            over._token = over._thread = over._outer = None
            over._is_over = False
            if token is not None:
                os.close(token)


class Namespace(Network):
    """A network namespace: an open handle, which keeps it alive whatever becomes of its names.

    create(), open() and their like make one. A `with` block closes it at its end; so does the end
    of the last reference. It may be used by several threads at once, and closed while they do.
    Those of one namespace are equal, however they were opened.
    """

    __slots__ = ("_handle", "_identity", "__weakref__")

    def __init__(self, handle: NamespaceHandle) -> None:
        if not isinstance(handle, NamespaceHandle):
            raise TypeError("libnetns.create() and libnetns.open() make namespaces")
        self._handle: Optional[NamespaceHandle] = handle
        self._identity: Optional[Tuple[int, int]] = None

    @property
    def _open(self) -> NamespaceHandle:
        handle = self._handle
        if handle is None:
            raise ValueError("the namespace's handle is closed")
        return handle

    # --- the handle ------------------------------------------------------------------------------

    def close(self) -> None:
        """Ends the handle. The namespace lives on as long as it has a name, a socket, a thread."""
        self._handle = None

    @property
    def closed(self) -> bool:
        return self._handle is None

    def __enter__(self) -> Namespace:
        self._open
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def fileno(self) -> int:
        """The handle's descriptor, good for setns(2). It stays the handle's."""
        return check(lib.netns_fd(self._open))

    # --- identity --------------------------------------------------------------------------------

    @property
    def name(self) -> Optional[str]:
        """The name that it was created with or opened by; None if there is none."""
        return text_or_none(lib.netns_name(self._open))

    @property
    def path(self) -> Optional[str]:
        """The path that it was opened by, or that its name stands for; None if there is none."""
        return text_or_none(lib.netns_path(self._open))

    @property
    def inode(self) -> int:
        """The N of the net:[N] that /proc/PID/ns/net shows."""
        return int(lib.netns_inode(self._open))

    @property
    def device(self) -> int:
        """What goes with the inode, as stat(2) has it."""
        return int(lib.netns_device(self._open))

    def cookie(self) -> int:
        """A number that no other namespace gets until the next boot, unlike the inode's."""
        cookie = c_uint64()
        check(lib.netns_cookie(self._open, byref(cookie)))
        return cookie.value

    def is_current(self) -> bool:
        """Whether the calling thread is in it."""
        return bool(check(lib.netns_is_current(self._open)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Namespace):
            return NotImplemented
        mine, others = self._handle, other._handle
        if mine is None or others is None:
            return self is other
        return bool(lib.netns_equal(mine, others))

    def __hash__(self) -> int:
        # Kept: one that is in a set can be taken out of it when it is closed.
        if self._identity is None:
            self._identity = (self.device, self.inode)
        return hash(self._identity)

    def __repr__(self) -> str:
        handle = self._handle
        if handle is None:
            return "<Namespace closed>"
        what = text_or_none(lib.netns_name(handle)) or text_or_none(lib.netns_path(handle))
        shown = "" if what is None else f"{what!r} "
        return f"<Namespace {shown}net:[{lib.netns_inode(handle)}]>"

    def dup(self) -> Namespace:
        """A second handle of it, with its name and path; either may be closed first."""
        handle = NamespaceHandle()
        check(lib.netns_dup(self._open, byref(handle)))
        return Namespace(handle)

    # --- names -----------------------------------------------------------------------------------

    def attach(self, name: StrPath, *, rundir: Optional[StrPath] = None) -> None:
        """Gives it one more name."""
        check(lib.netns_attach_at(encoded_or_none(rundir), self._open, encoded(name), 0), name)

    def names(self, *, rundir: Optional[StrPath] = None) -> List[str]:
        """The names that it has, sorted bytewise."""
        found = NameList()
        where = encoded_or_none(rundir)
        check(lib.netns_names_at(where, self._open, 0, byref(found)), rundir)
        return _names_in(found)

    # --- the calling thread ----------------------------------------------------------------------

    def setns(self) -> None:
        """Moves the calling thread into it, one way. Threads that it starts are in there, too."""
        check(lib.netns_setns(self._open))

    def setns_mounts(self, *, keep_sys: bool = False, keep_etc: bool = False) -> None:
        """Moves the calling thread into it, one way, with a /sys and an /etc that go with it.

        The thread gets a mount namespace of its own, as spawn() gives one to a program, and its
        root and working directory become its own. After an error it is in the namespaces that it
        was in, unless that is ENOTRECOVERABLE.
        """
        flags = (_SETNS_KEEP_SYS if keep_sys else 0) | (_SETNS_KEEP_ETC if keep_etc else 0)
        check(lib.netns_setns_mounts(self._open, flags))

    def entered(self) -> Stay:
        """The calling thread is in it for a `with` block, and afterwards where it was.

        Threads that are started in the block stay in there. Do not await in it: what else the
        event loop runs meanwhile would be in there. Blocks that are left in another order than the
        reverse of that in which they were entered, as tasks that await do, raise RuntimeError; the
        thread is back when the last of them is left. Where a signal's handler raises exceptions, as
        Ctrl-C does in the main thread, run() comes back whenever that happens.
        """
        return Stay(self)

    def run(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Calls a function with the calling thread in it, and returns what that returned.

        The thread comes back whatever the function does; what it raises is raised.
        """
        return _run(lib.netns_run, (self,), function, args, kwargs)

    def run_from(self, home: Namespace, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """The same for a thread whose own namespace the caller keeps open, without /proc.

        home is libnetns.current(), opened once. The thread is in home afterwards, whether or not
        it was there before, which is not checked.
        """
        return _run(lib.netns_run_from, (home, self), function, args, kwargs)

    def socket(
        self,
        family: int = _socket.AF_INET,
        type: int = _socket.SOCK_STREAM,
        proto: int = 0,
    ) -> _socket.socket:
        """A socket that is in it, for a thread that stays where it is."""
        fd = check(lib.netns_socket(self._open, int32(family), int32(type), int32(proto)))
        return _socket_of(fd, family, type, proto)

    def socket_from(
        self,
        home: Namespace,
        family: int = _socket.AF_INET,
        type: int = _socket.SOCK_STREAM,
        proto: int = 0,
    ) -> _socket.socket:
        """The same for a thread whose own namespace the caller keeps open, without /proc.

        home is libnetns.current(), opened once. The thread is in home afterwards, whether or not
        it was there before, which is not checked.
        """
        wanted = (int32(family), int32(type), int32(proto))
        fd = check(lib.netns_socket_from(home._open, self._open, *wanted), hints=_NO_WAY_BACK)
        return _socket_of(fd, family, type, proto)

    # --- processes -------------------------------------------------------------------------------

    def pids(self, *, threads: bool = False) -> List[int]:
        """The processes whose main thread is in it, or every thread that is, ascending."""
        flags = _PIDS_THREADS if threads else 0
        room = _PIDS_ROOM
        while True:
            found = (c_int * room)()
            count = lib.netns_pids(self._open, flags, found, room)
            if check(count) <= room:
                return found[:count]
            # There may be some more by then.
            room = count + count // 8

    def holders(self) -> Holders:
        """What keeps it alive: threads in it, descriptors of it, sockets that live in it, and mounts of it.

        What could not be looked at is told by the members of the result that begin with "unseen".
        """
        found = HolderList()
        check(lib.netns_holder_list(self._open, 0, byref(found)))
        # A later library may tell of kinds that this package does not know.
        known = [
            _holder(found, i)
            for i in range(lib.netns_holder_list_len(found))
            if lib.netns_holder_list_kind(found, i) in _HOLDER_KINDS
        ]
        return Holders(known, lib.netns_holder_list_unseen(found))

    # --- sysctls ---------------------------------------------------------------------------------

    def sysctl(self, name: StrPath) -> str:
        """The value of a sysctl, such as "net.ipv4.ip_forward", without the newline at its end.

        As sysctl(8) has it, a dot in an interface's name is a slash among dots:
        "net.ipv4.conf.eth0/10.forwarding".
        """
        path = encoded(name)
        room = 4096
        while True:
            value = create_string_buffer(room)
            length = check(lib.netns_sysctl_get(self._open, path, value, room))
            if length < room:
                return os.fsdecode(value.raw[:length])
            room = length + 1024

    def set_sysctl(self, name: StrPath, value: Union[str, int]) -> None:
        """Sets a sysctl, which the kernel may refuse with any OSError."""
        check(lib.netns_sysctl_set(self._open, encoded(name), encoded(str(value))))

    # --- programs --------------------------------------------------------------------------------

    def spawn(
        self,
        args: Sequence[StrPath],
        *,
        executable: Optional[StrPath] = None,
        env: Optional[Mapping[StrPath, StrPath]] = None,
        stdin: Any = None,
        stdout: Any = None,
        stderr: Any = None,
        cwd: Optional[StrPath] = None,
        keep_sys: bool = False,
        keep_etc: bool = False,
        strict_etc: bool = False,
        pin_etc: bool = False,
        start_new_session: bool = False,
        user: Union[int, str, None] = None,
        group: Union[int, str, None] = None,
        extra_groups: Optional[Iterable[Union[int, str]]] = None,
        text: Optional[bool] = None,
        encoding: Optional[str] = None,
        errors: Optional[str] = None,
        bufsize: int = -1,
    ) -> _programs.Process:
        """Starts a program in it, with a /sys of its own and the files of /etc/netns/NAME.

        keep_sys and keep_etc leave /sys and /etc alone. A file with nothing to cover in /etc is
        left out, as left_out of what it returns tells; with strict_etc it is a FileNotFoundError or
        a NotADirectoryError. With pin_etc the files stay, whatever the host replaces in /etc, which
        is read-only for the program then: see netns_spawn(3). All else is subprocess.Popen's, and
        so is what it returns, with pipes and communicate(); but cwd is entered with the user's
        rights.
        """
        _programs.refuse_a_line(args)
        return _programs.Process(
            _programs.Plan(self, keep_sys, keep_etc, strict_etc, pin_etc),
            args,
            executable=executable,
            env=env,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            cwd=cwd,
            start_new_session=start_new_session,
            user=user,
            group=group,
            extra_groups=extra_groups,
            text=text,
            encoding=encoding,
            errors=errors,
            bufsize=bufsize,
        )

    def run_program(
        self,
        args: Sequence[StrPath],
        *,
        input: Union[str, bytes, None] = None,
        capture_output: bool = False,
        timeout: Optional[float] = None,
        check: bool = False,
        **options: Any,
    ) -> subprocess.CompletedProcess[Any]:
        """Runs a program in it and waits for its end, as subprocess.run() does.

            print(blue.run_program(["ip", "addr"], capture_output=True, text=True).stdout)

        options are spawn()'s. After timeout seconds the program is killed, and
        subprocess.TimeoutExpired raised; with check, an exit status other than 0 raises
        subprocess.CalledProcessError.
        """
        for given, names in (
            (input is not None, ("stdin",)),
            (capture_output, ("stdout", "stderr")),
        ):
            for name in names if given else ():
                if options.get(name) is not None:
                    raise ValueError(f"{name} goes neither with input nor with capture_output")
                options[name] = subprocess.PIPE
        process = self.spawn(args, **options)
        return _programs.run(process, input, timeout, check)

    def exec(
        self,
        args: Sequence[StrPath],
        *,
        executable: Optional[StrPath] = None,
        env: Optional[Mapping[StrPath, StrPath]] = None,
    ) -> None:
        """Becomes the program, in it, as os.execvp() does: flush files first."""
        _programs.execute(self, args, executable, env)

    # --- ids -------------------------------------------------------------------------------------

    def nsid_of(self, ns: Namespace) -> Optional[int]:
        """The id that it has for ns; None: it has none."""
        nsid = lib.netns_nsid_get(self._open, handle_of_one(ns))
        return None if nsid == -ENODATA else check(nsid)

    def set_nsid(self, ns: Namespace, nsid: int = NSID_AUTO) -> int:
        """Gives ns an id in it, for good; returns the id."""
        return check(lib.netns_nsid_set(self._open, handle_of_one(ns), int32(nsid)), hints=_HAS_ONE)

    def ensure_nsid(self, ns: Namespace) -> int:
        """The id that it has for ns, or a new one."""
        return check(lib.netns_nsid_ensure(self._open, handle_of_one(ns)))

    def nsids(
        self, target: Optional[int] = None, *, rundir: Optional[StrPath] = None
    ) -> List[Nsid]:
        """The ids that it has for others, or that the one has which it calls target, ascending."""
        found = NsidList()
        which = _NSID_NONE if target is None else int32(target)
        where = encoded_or_none(rundir)
        check(lib.netns_nsid_list(where, self._open, which, 0, byref(found)))
        return [_nsid(found, i) for i in range(lib.netns_nsid_list_len(found))]


def _holder(holders: HolderList, i: int) -> Holder:
    fd = lib.netns_holder_list_fd(holders, i)
    return Holder(
        HolderKind(lib.netns_holder_list_kind(holders, i)),
        lib.netns_holder_list_pid(holders, i) or None,
        lib.netns_holder_list_tid(holders, i) or None,
        None if fd < 0 else fd,
        text_or_none(lib.netns_holder_list_path(holders, i)),
        text_or_none(lib.netns_holder_list_program(holders, i)),
    )


def _nsid(nsids: NsidList, i: int) -> Nsid:
    current = lib.netns_nsid_list_current(nsids, i)
    return Nsid(
        lib.netns_nsid_list_id(nsids, i),
        None if current == _NSID_NONE else current,
        text_or_none(lib.netns_nsid_list_name(nsids, i)),
    )


def _entries(found: NameList) -> Tuple[Iterable[NameList], Iterable[c_size_t]]:
    """What the getters of a list take, for each of its entries.

    The indices are kept: to make one takes as long as to call a getter with it.
    """
    global _indices
    count = lib.netns_list_len(found)
    if len(_indices) < count:
        _indices = tuple(map(c_size_t, range(count)))
    return repeat(found, count), _indices


def _names_in(found: NameList) -> List[str]:
    """The names of a list."""
    # Decoded at once, which is quicker; a name has no NUL.
    names = b"\0".join(map(_list_name, *_entries(found)))
    return os.fsdecode(names).split("\0") if names else []


def _inodes_in(found: NameList) -> List[int]:
    return [*map(_list_inode, *_entries(found))]


# --- the ways to get one -------------------------------------------------------------------------


def create(
    name: Optional[StrPath] = None,
    *,
    exist_ok: bool = False,
    lo_up: bool = False,
    nowait: bool = False,
    rundir: Optional[StrPath] = None,
) -> Namespace:
    """Makes a network namespace. With a name, it is there under that name when it can be opened.

    name      None: an anonymous one, which lives as long as its handle, its sockets, its threads.
    exist_ok  where the name exists, open it.
    lo_up     lo is up in it.
    nowait    wait for nobody: BlockingIOError (EAGAIN) where another process holds the run
              directory's lock or is making the name.
    rundir    where names live; None is /run/netns.
    """
    handle = NamespaceHandle()
    flags = (_CREATE_EXIST_OK if exist_ok else 0) | (_CREATE_LO_UP if lo_up else 0)
    flags |= _CREATE_NOWAIT if nowait else 0
    where = encoded_or_none(rundir)
    rc = lib.netns_create_at(where, encoded_or_none(name), flags, byref(handle))
    check(rc, name, {} if exist_ok else _EXISTS)
    return Namespace(handle)


def open(name: StrPath, *, rundir: Optional[StrPath] = None) -> Namespace:
    """Opens one by its name or, without a rundir and if it has a '/' in it, by its path."""
    handle = NamespaceHandle()
    if rundir is None:
        rc = lib.netns_open(encoded(name), 0, byref(handle))
    else:
        rc = lib.netns_open_at(encoded(rundir), encoded(name), 0, byref(handle))
    is_name = rundir is not None or b"/" not in encoded(name)
    check(rc, name, _NOT_YET if is_name else NO_HINTS)
    return Namespace(handle)


def open_pid(pid: int) -> Namespace:
    """Opens the one that a process, or a thread, is in."""
    handle = NamespaceHandle()
    check(lib.netns_open_pid(int32(pid), byref(handle)))
    return Namespace(handle)


def open_fd(file: Any) -> Namespace:
    """Opens the one of a descriptor or an object that has one: a namespace's, a socket, a pidfd."""
    handle = NamespaceHandle()
    check(lib.netns_open_fd(descriptor_of(file), byref(handle)))
    return Namespace(handle)


def open_id(inode: int, cookie: Optional[int] = None) -> Namespace:
    """Opens the one that has this inode number and, where one is given, this cookie.

    It needs no name. FileNotFoundError (ENOENT) where there is none that the caller may look at,
    OSError (ESTALE) where the one with this cookie is gone.
    """
    handle = NamespaceHandle()
    check(lib.netns_open_id(uint64(inode), 0 if cookie is None else uint64(cookie), byref(handle)))
    return Namespace(handle)


def current() -> Namespace:
    """Opens the one that the calling thread is in."""
    handle = NamespaceHandle()
    check(lib.netns_open_current(byref(handle)))
    return Namespace(handle)


# --- names ---------------------------------------------------------------------------------------


def attach(ns: Namespace, name: StrPath, *, rundir: Optional[StrPath] = None) -> None:
    """Gives a namespace one more name."""
    ns.attach(name, rundir=rundir)


def remove(name: StrPath, *, missing_ok: bool = False, rundir: Optional[StrPath] = None) -> None:
    """Takes a name away. The namespace lives on as long as something else holds it."""
    flags = _REMOVE_MISSING_OK if missing_ok else 0
    check(lib.netns_remove_at(encoded_or_none(rundir), encoded(name), flags), name, _MISSING)


def _found(rundir: Optional[StrPath], stale: bool) -> NameList:
    found = NameList()
    flags = _LIST_STALE if stale else 0
    check(lib.netns_list_at(encoded_or_none(rundir), flags, byref(found)), rundir)
    return found


def names_and_inodes(rundir: Optional[StrPath]) -> List[Tuple[str, int]]:
    found = _found(rundir, stale=False)
    return [*zip(_names_in(found), _inodes_in(found))]


def list(*, stale: bool = False, rundir: Optional[StrPath] = None) -> List[str]:
    """The names that are network namespaces at this moment, sorted bytewise.

    stale  the stale names as well: empty files that killed creators left, names that are live in
           another mount namespace, and symbolic links that lead to no network namespace.
    """
    return _names_in(_found(rundir, stale))


def list_all() -> List[Found]:
    """Every network namespace of the system that the caller can find, each of them once.

    Those that have a name in /run/netns come first, by the first one, then those without, by inode
    number.
    """
    found = NameList()
    check(lib.netns_list_all(0, byref(found)))
    return [
        Found(
            os.fsdecode(lib.netns_list_name(found, i)) or None,
            lib.netns_list_inode(found, i),
            lib.netns_list_cookie(found, i) or None,
        )
        for i in range(lib.netns_list_len(found))
    ]


def names(ns: Namespace, *, rundir: Optional[StrPath] = None) -> List[str]:
    """The names that a namespace has, sorted bytewise."""
    return ns.names(rundir=rundir)


def version() -> str:
    """The version of the library that is loaded."""
    return str(lib.netns_version().decode())
