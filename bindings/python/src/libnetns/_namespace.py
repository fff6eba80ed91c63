# SPDX-License-Identifier: MIT OR Apache-2.0
"""Namespace, the handle of a network namespace, and the functions that create or open one."""

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

# More than nearly all systems run: a second scan of /proc would take as long as the first.
_PIDS_ROOM = 16384

#: For Namespace.set_nsid(): let the kernel choose the lowest free nsid.
NSID_AUTO = -1


class Nsid(NamedTuple):
    """The nsid that a namespace has assigned to another one."""

    id: int
    #: For nsids of a target: the nsid that the queried namespace has for the same namespace; None
    #: if it has none.
    current: Optional[int]
    #: The first name of the other namespace; None if it has none.
    name: Optional[str]


class Found(NamedTuple):
    """A network namespace found by list_all()."""

    #: Its first name in /run/netns; None if it has none.
    name: Optional[str]
    #: As reported by stat(2).
    inode: int
    #: A number that is unique until the next boot; None if it is unknown.
    cookie: Optional[int]


class HolderKind(IntEnum):
    """The kind of object that keeps a namespace alive."""

    THREAD = 1
    DESCRIPTOR = 2
    SOCKET = 3
    MOUNT = 4


_HOLDER_KINDS = frozenset(int(kind) for kind in HolderKind)


class Holder(NamedTuple):
    """An object that keeps a namespace alive, found by Namespace.holders()."""

    kind: HolderKind
    #: None if no process was found for the socket.
    pid: Optional[int]
    tid: Optional[int]
    #: The number of a descriptor or socket in its process.
    fd: Optional[int]
    #: The mount point of a mount, as its process sees it.
    path: Optional[str]
    #: The name of the thread's program, from /proc/PID/comm.
    program: Optional[str]


class Holders(List[Holder]):
    """The result of Namespace.holders(), sorted by kind, then by process."""

    def __init__(self, found: List[Holder], unseen: int) -> None:
        super().__init__(found)
        #: At least one process in /proc could not be inspected for lack of privilege.
        self.unseen_processes = bool(unseen & 1)
        #: There may be processes that /proc does not show.
        self.unseen_hidden = bool(unseen & 2)
        #: The namespace of at least one socket could not be determined.
        self.unseen_sockets = bool(unseen & 4)


class _Outcome:
    """The outcome of a function that C calls; no exception can pass through C."""

    def __init__(self) -> None:
        self.value: Any = None
        self.error: Optional[BaseException] = None

    def get(self) -> Any:
        """Return what the function returned, or raise what it raised."""
        try:
            if self.error is not None:
                raise self.error
            return self.value
        finally:
            # The traceback of an exception refers to this frame, which would keep the exception
            # alive.
            self.error = None


def _steps(
    outcome: _Outcome, function: Callable[..., Any], args: Any, kwargs: Any
) -> Generator[int, None, None]:
    """Prepare in the first step, and call the function in the second.

    C calls next(), which executes the second step inside the try block, so an exception that a
    signal
    handler raises at that moment, or when the function has returned, is caught. In a Python
    function
    called directly by C, it would be raised before the first line or after the last, and would be
    lost.
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
            # close() was called, and there are no more steps.
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
    """Implement run() and run_from(); call is the library function."""
    outcome = _Outcome()
    steps = _steps(outcome, function, args, kwargs)
    next(steps)
    if outcome.error is not None:
        outcome.get()
    # Do not store the handles in a variable: the traceback of an exception would keep them open.
    rc = call(*[ns._open for ns in namespaces], _next, steps, None)
    # Close it here and not on garbage collection, where an exception raised meanwhile would be
    # lost.
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


_NO_WAY_BACK = {EPERM: "use setns() in a thread that ends there"}
_EXISTS = {EEXIST: "use exist_ok=True of libnetns.create() to open it"}
_MISSING = {ENOENT: "use missing_ok=True of libnetns.remove() to ignore that"}
_NOT_YET = {ENOENT: "use libnetns.create() with exist_ok=True to create it"}
_HAS_ONE = {EEXIST: "use ensure_nsid() to get its nsid"}


class _Stays(threading.local):
    """The calling thread's innermost stay."""

    innermost: Optional[Stay] = None


_stays = _Stays()


class Stay:
    """The calling thread's stay in a namespace, returned by Namespace.entered()."""

    __slots__ = ("_ns", "_token", "_thread", "_outer", "_is_over")

    def __init__(self, ns: Namespace) -> None:
        self._ns = ns
        self._token: Optional[int] = None
        self._thread: Optional[int] = None
        self._outer: Optional[Stay] = None
        # True if it was left before the stays inside it: the last one to be left uses its token.
        self._is_over = False

    def __enter__(self) -> Namespace:
        if self._token is not None:
            raise RuntimeError("already entered")
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
            raise RuntimeError("a thread can only leave what it has entered itself")
        self._is_over = True
        raise RuntimeError(
            "entered() blocks must be left in reverse order, which an `await` or a `yield` in one of "
            "them can prevent; the thread switches back when the last one is left"
        )

    def _drop_what_is_over(self) -> None:
        """Switch back to where the stays that were left too early would have switched back."""
        while self._outer is not None and self._outer._is_over:
            over, token = self._outer, self._token
            self._token, self._outer = over._token, over._outer
            over._token = over._thread = over._outer = None
            over._is_over = False
            if token is not None:
                os.close(token)


class Namespace(Network):
    """An open handle of a network namespace, which keeps it alive whatever happens to its names.

    create(), open() and similar functions return one. It is closed at the end of a `with` block, or
    with the last reference to it. Several threads may use it at the same time, and it may be closed
    meanwhile. Handles of the same namespace compare equal, however they were opened.
    """

    __slots__ = ("_handle", "_identity", "__weakref__")

    def __init__(self, handle: NamespaceHandle) -> None:
        if not isinstance(handle, NamespaceHandle):
            raise TypeError("use libnetns.create() or libnetns.open() to get a Namespace")
        self._handle: Optional[NamespaceHandle] = handle
        self._identity: Optional[Tuple[int, int]] = None

    @property
    def _open(self) -> NamespaceHandle:
        handle = self._handle
        if handle is None:
            raise ValueError("the handle of the namespace is closed")
        return handle

    # --- the handle ------------------------------------------------------------------------------

    def close(self) -> None:
        """Close the handle. The namespace lives as long as a name, a socket or a thread refers to
        it.
        """
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
        """Return the handle's descriptor, which setns(2) accepts. It belongs to the handle."""
        return check(lib.netns_fd(self._open))

    # --- identity --------------------------------------------------------------------------------

    @property
    def name(self) -> Optional[str]:
        """The name that it was created with or opened by; None if there is none."""
        return text_or_none(lib.netns_name(self._open))

    @property
    def path(self) -> Optional[str]:
        """The path that it was opened by, or the path of its name; None if there is none."""
        return text_or_none(lib.netns_path(self._open))

    @property
    def inode(self) -> int:
        """The number N of "net:[N]" in /proc/PID/ns/net."""
        return int(lib.netns_inode(self._open))

    @property
    def device(self) -> int:
        """The device that belongs to the inode, as in stat(2)."""
        return int(lib.netns_device(self._open))

    def cookie(self) -> int:
        """Return its cookie, which, unlike the inode number, is not reused until the next boot."""
        cookie = c_uint64()
        check(lib.netns_cookie(self._open, byref(cookie)))
        return cookie.value

    def is_current(self) -> bool:
        """Return whether the calling thread is in it."""
        return bool(check(lib.netns_is_current(self._open)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Namespace):
            return NotImplemented
        mine, others = self._handle, other._handle
        if mine is None or others is None:
            return self is other
        return bool(lib.netns_equal(mine, others))

    def __hash__(self) -> int:
        # Cached, so that a handle in a set can still be removed from it after it is closed.
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
        """Return a second handle, with the same name and path; either may be closed first."""
        handle = NamespaceHandle()
        check(lib.netns_dup(self._open, byref(handle)))
        return Namespace(handle)

    # --- names -----------------------------------------------------------------------------------

    def attach(self, name: StrPath, *, rundir: Optional[StrPath] = None) -> None:
        """Give it an additional name."""
        check(lib.netns_attach_at(encoded_or_none(rundir), self._open, encoded(name), 0), name)

    def names(self, *, rundir: Optional[StrPath] = None) -> List[str]:
        """Return its names, sorted bytewise."""
        found = NameList()
        where = encoded_or_none(rundir)
        check(lib.netns_names_at(where, self._open, 0, byref(found)), rundir)
        return _names_in(found)

    # --- the calling thread ----------------------------------------------------------------------

    def setns(self) -> None:
        """Move the calling thread into it permanently. Threads that it starts are in it as well."""
        check(lib.netns_setns(self._open))

    def setns_mounts(self, *, keep_sys: bool = False, keep_etc: bool = False) -> None:
        """Move the calling thread into it permanently, with a matching /sys and /etc.

        The thread gets its own mount namespace, like a program started by spawn(), and its own root
        and
        working directory. After an error the thread is in its original namespaces, unless the error
        is
        ENOTRECOVERABLE.
        """
        flags = (_SETNS_KEEP_SYS if keep_sys else 0) | (_SETNS_KEEP_ETC if keep_etc else 0)
        check(lib.netns_setns_mounts(self._open, flags))

    def entered(self) -> Stay:
        """Return a context manager that switches the calling thread into it for a `with` block.

        Threads that are started in the block stay in the namespace. Do not await in the block:
        everything
        else that the event loop runs meanwhile would run in the namespace. Blocks that are not left
        in the
        reverse order in which they were entered, which happens with tasks that await, raise
        RuntimeError;
        the thread switches back when the last of them is left. If a signal handler may raise
        exceptions,
        as Ctrl-C does in the main thread, use run(): it switches back whenever that happens.
        """
        return Stay(self)

    def run(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Call a function with the calling thread in the namespace, and return its result.

        The thread always switches back. An exception raised by the function is passed on.
        """
        return _run(lib.netns_run, (self,), function, args, kwargs)

    def run_from(self, home: Namespace, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Do the same as run(), but switch back to home, a handle that the caller keeps; needs no
        /proc.

        home is libnetns.current(), opened once. The thread is in home afterwards. Whether it was in
        home
        before is not checked.
        """
        return _run(lib.netns_run_from, (home, self), function, args, kwargs)

    def socket(
        self,
        family: int = _socket.AF_INET,
        type: int = _socket.SOCK_STREAM,
        proto: int = 0,
    ) -> _socket.socket:
        """Return a socket in the namespace; the calling thread stays in its own."""
        fd = check(lib.netns_socket(self._open, int32(family), int32(type), int32(proto)))
        return _socket_of(fd, family, type, proto)

    def socket_from(
        self,
        home: Namespace,
        family: int = _socket.AF_INET,
        type: int = _socket.SOCK_STREAM,
        proto: int = 0,
    ) -> _socket.socket:
        """Do the same as socket(), but switch back to home, a handle that the caller keeps; needs
        no /proc.

        home is libnetns.current(), opened once. The thread is in home afterwards. Whether it was in
        home
        before is not checked.
        """
        wanted = (int32(family), int32(type), int32(proto))
        fd = check(lib.netns_socket_from(home._open, self._open, *wanted), hints=_NO_WAY_BACK)
        return _socket_of(fd, family, type, proto)

    # --- processes -------------------------------------------------------------------------------

    def pids(self, *, threads: bool = False) -> List[int]:
        """Return the processes whose main thread is in it, or all threads in it, in ascending
        order.
        """
        flags = _PIDS_THREADS if threads else 0
        room = _PIDS_ROOM
        while True:
            found = (c_int * room)()
            count = lib.netns_pids(self._open, flags, found, room)
            if check(count) <= room:
                return found[:count]
            # More may have been started since.
            room = count + count // 8

    def holders(self) -> Holders:
        """Return what keeps it alive: its threads, its descriptors, its sockets and its mounts.

        The attributes of the result that begin with "unseen" report what could not be inspected.
        """
        found = HolderList()
        check(lib.netns_holder_list(self._open, 0, byref(found)))
        # A later version of the library may report kinds that this package does not know.
        known = [
            _holder(found, i)
            for i in range(lib.netns_holder_list_len(found))
            if lib.netns_holder_list_kind(found, i) in _HOLDER_KINDS
        ]
        return Holders(known, lib.netns_holder_list_unseen(found))

    # --- sysctls ---------------------------------------------------------------------------------

    def sysctl(self, name: StrPath) -> str:
        """Return the value of a sysctl, such as "net.ipv4.ip_forward", without the trailing
        newline.

        As in sysctl(8), write a dot in an interface name as a slash if the separators are dots:
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
        """Set a sysctl. The kernel may reject the value with any OSError."""
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
        """Start a program in it, with its own /sys and the files of /etc/netns/NAME.

        keep_sys and keep_etc keep the caller's /sys and /etc. A file that has no counterpart in
        /etc is
        left out, and the result's left_out reports it; with strict_etc it raises FileNotFoundError
        or
        NotADirectoryError. With pin_etc the files stay in place whatever the host replaces in /etc,
        and
        /etc is read-only for the program: see netns_spawn(3). All other parameters are those of
        subprocess.Popen, which the result is an instance of, with pipes and communicate(); but cwd
        is
        entered with the permissions of the user.
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
        """Run a program in it and wait for it to end, like subprocess.run().

            print(blue.run_program(["ip", "addr"], capture_output=True, text=True).stdout)

        options are those of spawn(). After timeout seconds the program is killed and
        subprocess.TimeoutExpired is raised. With check, an exit status other than 0 raises
        subprocess.CalledProcessError.
        """
        for given, names in (
            (input is not None, ("stdin",)),
            (capture_output, ("stdout", "stderr")),
        ):
            for name in names if given else ():
                if options.get(name) is not None:
                    raise ValueError(f"{name} cannot be combined with input or capture_output")
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
        """Replace the calling process with a program in the namespace, like os.execvp(); flush
        files first.
        """
        _programs.execute(self, args, executable, env)

    # --- ids -------------------------------------------------------------------------------------

    def nsid_of(self, ns: Namespace) -> Optional[int]:
        """Return the nsid that it has assigned to ns; None if there is none."""
        nsid = lib.netns_nsid_get(self._open, handle_of_one(ns))
        return None if nsid == -ENODATA else check(nsid)

    def set_nsid(self, ns: Namespace, nsid: int = NSID_AUTO) -> int:
        """Assign an nsid to ns, which cannot be changed later, and return it."""
        return check(lib.netns_nsid_set(self._open, handle_of_one(ns), int32(nsid)), hints=_HAS_ONE)

    def ensure_nsid(self, ns: Namespace) -> int:
        """Return the nsid that it has assigned to ns, and assign one first if there is none."""
        return check(lib.netns_nsid_ensure(self._open, handle_of_one(ns)))

    def nsids(
        self, target: Optional[int] = None, *, rundir: Optional[StrPath] = None
    ) -> List[Nsid]:
        """Return its nsids, or those of the namespace to which it has assigned target, in ascending
        order.
        """
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
    """Return the arguments of a list's getters, for all of its entries.

    The indices are cached: creating one takes as long as a call of a getter.
    """
    global _indices
    count = lib.netns_list_len(found)
    if len(_indices) < count:
        _indices = tuple(map(c_size_t, range(count)))
    return repeat(found, count), _indices


def _names_in(found: NameList) -> List[str]:
    """Return the names in a list."""
    # Decoding them all at once is faster; a name cannot contain a NUL.
    names = b"\0".join(map(_list_name, *_entries(found)))
    return os.fsdecode(names).split("\0") if names else []


def _inodes_in(found: NameList) -> List[int]:
    return [*map(_list_inode, *_entries(found))]


# --- creating and opening ------------------------------------------------------------------------


def create(
    name: Optional[StrPath] = None,
    *,
    exist_ok: bool = False,
    lo_up: bool = False,
    nowait: bool = False,
    rundir: Optional[StrPath] = None,
) -> Namespace:
    """Create a network namespace. A name appears only once the namespace can be opened by it.

    name      None: an anonymous namespace, which lives as long as its handle, sockets and threads
    exist_ok  open the namespace if the name exists
    lo_up     set the interface lo up
    nowait    do not wait: raise BlockingIOError (EAGAIN) if another process holds the lock of the
              run
              directory or is creating the name
    rundir    the run directory; None is /run/netns
    """
    handle = NamespaceHandle()
    flags = (_CREATE_EXIST_OK if exist_ok else 0) | (_CREATE_LO_UP if lo_up else 0)
    flags |= _CREATE_NOWAIT if nowait else 0
    where = encoded_or_none(rundir)
    rc = lib.netns_create_at(where, encoded_or_none(name), flags, byref(handle))
    check(rc, name, {} if exist_ok else _EXISTS)
    return Namespace(handle)


def open(name: StrPath, *, rundir: Optional[StrPath] = None) -> Namespace:
    """Open a namespace by its name or, if it contains a '/' and there is no rundir, by its path."""
    handle = NamespaceHandle()
    if rundir is None:
        rc = lib.netns_open(encoded(name), 0, byref(handle))
    else:
        rc = lib.netns_open_at(encoded(rundir), encoded(name), 0, byref(handle))
    is_name = rundir is not None or b"/" not in encoded(name)
    check(rc, name, _NOT_YET if is_name else NO_HINTS)
    return Namespace(handle)


def open_pid(pid: int) -> Namespace:
    """Open the namespace of a process or thread."""
    handle = NamespaceHandle()
    check(lib.netns_open_pid(int32(pid), byref(handle)))
    return Namespace(handle)


def open_fd(file: Any) -> Namespace:
    """Open the namespace of a descriptor or file object: a namespace file, a socket or a pidfd."""
    handle = NamespaceHandle()
    check(lib.netns_open_fd(descriptor_of(file), byref(handle)))
    return Namespace(handle)


def open_id(inode: int, cookie: Optional[int] = None) -> Namespace:
    """Open the namespace that has this inode number and, if given, this cookie.

    It does not need a name. FileNotFoundError (ENOENT) is raised if the caller can see no such
    namespace, and OSError (ESTALE) if the one with this cookie no longer exists.
    """
    handle = NamespaceHandle()
    check(lib.netns_open_id(uint64(inode), 0 if cookie is None else uint64(cookie), byref(handle)))
    return Namespace(handle)


def current() -> Namespace:
    """Open the calling thread's namespace."""
    handle = NamespaceHandle()
    check(lib.netns_open_current(byref(handle)))
    return Namespace(handle)


# --- names ---------------------------------------------------------------------------------------


def attach(ns: Namespace, name: StrPath, *, rundir: Optional[StrPath] = None) -> None:
    """Give a namespace an additional name."""
    ns.attach(name, rundir=rundir)


def remove(name: StrPath, *, missing_ok: bool = False, rundir: Optional[StrPath] = None) -> None:
    """Remove a name. The namespace lives as long as something else refers to it."""
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
    """Return the names that are network namespaces at this moment, sorted bytewise.

    stale  include stale names: empty files left by killed creators, names that are live in another
           mount namespace, and symbolic links that do not lead to a network namespace
    """
    return _names_in(_found(rundir, stale))


def list_all() -> List[Found]:
    """Return every network namespace of the system that the caller can find, each of them once.

    Namespaces with names in /run/netns come first, sorted by their first name, then those without,
    sorted by inode number.
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
    """Return the names of a namespace, sorted bytewise."""
    return ns.names(rundir=rundir)


def version() -> str:
    """Return the version of the loaded library."""
    return str(lib.netns_version().decode())
