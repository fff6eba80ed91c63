# SPDX-License-Identifier: MIT OR Apache-2.0
"""Programs in a namespace, as `ip netns exec` runs them."""

from __future__ import annotations

import grp
import operator
import os
import pwd
import signal
import subprocess
import threading
import time
from ctypes import byref, c_char_p, c_int, c_uint32, sizeof
from typing import Any, Iterable, List, Mapping, NoReturn, Optional, Sequence, Union

from ._library import (
    SpawnOptions,
    StrPath,
    check,
    descriptor_of,
    encoded,
    encoded_or_none,
    failure,
    lib,
)
from ._network import Network

_SPAWN_STDIO = 7
_SPAWN_KEEP_SYS = 8
_SPAWN_KEEP_ETC = 16
_SPAWN_USER = 32
_SPAWN_SETSID = 64

# How long wait() with a timeout sleeps between two looks, in seconds.
_FIRST_NAP = 0.0005
_LONGEST_NAP = 0.05


class Process:
    """A program that Namespace.spawn() started; as subprocess.Popen, without its pipes.

    A `with` block waits for it at its end.
    """

    def __init__(self, pid: int, args: List[StrPath]) -> None:
        self.pid = pid
        self.args = args
        #: What the program exited with, or minus the signal that ended it; None: it runs.
        self.returncode: Optional[int] = None
        # Once it is waited for, its pid may be another's: nobody may signal it meanwhile.
        self._lock = threading.Lock()

    def poll(self) -> Optional[int]:
        """Its return code, if it has ended."""
        with self._lock:
            self._reap()
        return self.returncode

    def wait(self, timeout: Optional[float] = None) -> int:
        """Waits until it ends, or raises subprocess.TimeoutExpired after so many seconds."""
        if timeout is None:
            self._await_end()
        else:
            self._await_end_until(time.monotonic() + timeout, timeout)
        code = self.poll()
        assert code is not None
        return code

    def send_signal(self, number: int) -> None:
        """Sends it a signal, unless it has ended."""
        with self._lock:
            self._reap()
            if self.returncode is None:
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _reap(self) -> None:
        if self.returncode is not None:
            return
        try:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
        except ChildProcessError:
            # Somebody else has waited for it, or SIGCHLD is ignored: there is no code to be had.
            self.returncode = 0
            return
        if pid == self.pid:
            self.returncode = os.waitstatus_to_exitcode(status)

    def _await_end(self) -> None:
        try:
            # It is left for poll(), so that signals can be sent meanwhile.
            os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
        except ChildProcessError:
            pass

    def _await_end_until(self, end: float, timeout: float) -> None:
        nap = _FIRST_NAP
        while self.poll() is None:
            left = end - time.monotonic()
            if left <= 0:
                raise subprocess.TimeoutExpired(self.args, timeout)
            time.sleep(min(nap, left))
            nap = min(2 * nap, _LONGEST_NAP)

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        self.wait()

    def __repr__(self) -> str:
        return f"<Process {self.pid} returncode: {self.returncode} args: {self.args!r}>"


class Options:
    """What netns_spawn() is to do; holds what struct netns_spawn_options points to."""

    def __init__(
        self,
        stdin: Any,
        stdout: Any,
        stderr: Any,
        cwd: Optional[StrPath],
        keep_sys: bool,
        keep_etc: bool,
        start_new_session: bool,
    ) -> None:
        files = (stdin, stdout, stderr)
        if subprocess.PIPE in files or subprocess.STDOUT in files:
            raise ValueError("spawn() makes no pipes: libnetns.NSPopen does")
        self.files = files
        flags = _SPAWN_STDIO
        flags |= _SPAWN_KEEP_SYS if keep_sys else 0
        flags |= _SPAWN_KEEP_ETC if keep_etc else 0
        flags |= _SPAWN_SETSID if start_new_session else 0
        self.struct = SpawnOptions(size=sizeof(SpawnOptions), flags=flags, cwd=encoded_or_none(cwd))

    def set_user(
        self,
        user: Union[int, str, None],
        group: Union[int, str, None],
        extra_groups: Optional[Iterable[Union[int, str]]],
    ) -> None:
        """As subprocess has it: what is None stays as this process has it."""
        if user is None and group is None and extra_groups is None:
            return
        groups = os.getgroups() if extra_groups is None else [_gid(one) for one in extra_groups]
        self.struct.flags |= _SPAWN_USER
        self.struct.uid = os.geteuid() if user is None else _uid(user)
        self.struct.gid = os.getegid() if group is None else _gid(group)
        self.struct.groups = (c_uint32 * len(groups))(*groups)
        self.struct.groups_len = len(groups)

    def set_files(self, null: int) -> None:
        fds = [_descriptor_or(file, null) for file in self.files]
        self.struct.stdin_fd, self.struct.stdout_fd, self.struct.stderr_fd = fds


def _id(number: int) -> int:
    # ctypes would cut off what does not fit.
    if not 0 <= number < 2**32 - 1:
        raise ValueError(f"{number} is no user or group id")
    return number


def _uid(user: Union[int, str]) -> int:
    return pwd.getpwnam(user).pw_uid if isinstance(user, str) else _id(operator.index(user))


def _gid(group: Union[int, str]) -> int:
    return grp.getgrnam(group).gr_gid if isinstance(group, str) else _id(operator.index(group))


def _descriptor_or(file: Any, null: int) -> int:
    if file is None:
        return -1
    if isinstance(file, int) and file == subprocess.DEVNULL:
        return null
    return descriptor_of(file)


def _texts(texts: List[bytes]) -> Any:
    """An array of strings with a NULL at its end."""
    return (c_char_p * (len(texts) + 1))(*texts, None)


def _variable(name: StrPath, value: StrPath) -> bytes:
    key = encoded(name)
    if b"=" in key:
        raise ValueError("illegal environment variable name")
    return key + b"=" + encoded(value)


def _environment(env: Optional[Mapping[StrPath, StrPath]]) -> Any:
    """None is the process's, which os.environ keeps up to date."""
    return None if env is None else _texts([_variable(*item) for item in env.items()])


def _arguments(args: Sequence[StrPath]) -> List[bytes]:
    if isinstance(args, (str, bytes)):
        raise TypeError("args must be a sequence of arguments; no shell takes a line apart here")
    return [encoded(arg) for arg in args]


def _file(argv: List[bytes], executable: Optional[StrPath]) -> bytes:
    if executable is not None:
        return encoded(executable)
    if not argv:
        raise ValueError("args must not be empty")
    return argv[0]


def spawn(
    ns: Network,
    options: Options,
    args: Sequence[StrPath],
    executable: Optional[StrPath],
    env: Optional[Mapping[StrPath, StrPath]],
) -> Process:
    argv = _arguments(args)
    file = _file(argv, executable)
    environment = _environment(env)
    pid = c_int()
    null = (
        os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC) if subprocess.DEVNULL in options.files else -1
    )
    try:
        options.set_files(null)
        rc = lib.netns_spawn(
            ns._open, byref(options.struct), file, _texts(argv), environment, byref(pid)
        )
        check(rc, os.fsdecode(file))
    finally:
        if null >= 0:
            os.close(null)
    return Process(pid.value, [*args])


def execute(
    ns: Network,
    args: Sequence[StrPath],
    executable: Optional[StrPath],
    env: Optional[Mapping[StrPath, StrPath]],
) -> NoReturn:
    argv = _arguments(args)
    file = _file(argv, executable)
    rc = lib.netns_exec(ns._open, file, _texts(argv), _environment(env))
    raise failure(-rc, os.fsdecode(file))
