# SPDX-License-Identifier: MIT OR Apache-2.0
"""Programs in a namespace, started like `ip netns exec` does."""

from __future__ import annotations

import inspect
import os
import subprocess
from ctypes import byref, c_char_p, c_int, c_uint32, sizeof
from typing import TYPE_CHECKING, Any, List, Mapping, NoReturn, Optional, Sequence, Tuple

from ._library import (
    SpawnOptions,
    StrPath,
    check,
    encoded,
    encoded_or_none,
    failure,
    lib,
    message,
)
from ._network import Network

_SPAWN_STDIO = 7
_SPAWN_KEEP_SYS = 8
_SPAWN_KEEP_ETC = 16
_SPAWN_USER = 32
_SPAWN_SETSID = 64
_SPAWN_STRICT_ETC = 128
_SPAWN_TELL_ETC = 256
_SPAWN_PIN_ETC = 512

if TYPE_CHECKING:

    class _Popen(subprocess.Popen[Any]):
        """The members that typeshed leaves out."""

        _child_created: bool

        def _execute_child(self, *given: Any) -> None: ...
        def _close_pipe_fds(self, *ends: int) -> None: ...

else:
    _Popen = subprocess.Popen

# Undocumented, but the same from Python 3.9 to 3.14, except for what follows these names.
_EXECUTE = inspect.signature(_Popen._execute_child)
_ENDS = ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite")


class Process(_Popen):
    """A program started by Namespace.spawn(): a subprocess.Popen.

    A `with` block closes its pipes and waits for it at the end.
    """

    def __init__(self, plan: Optional[Plan], *args: Any, **kwargs: Any) -> None:
        """plan says how to start the program; None: like subprocess.Popen."""
        self._plan = plan
        #: The reason why the first file of /etc/netns/NAME without a counterpart in /etc was left
        #: out, and the remedy; None if no file was left out. spawn(strict_etc=True) makes this an
        #: error.
        self.left_out: Optional[str] = None
        super().__init__(*args, **kwargs)

    def _execute_child(self, *given: Any) -> None:
        """Start the program; Popen calls this after creating the pipes and looking up the users."""
        if self._plan is None:
            super()._execute_child(*given)
            return
        call = _EXECUTE.bind(self, *given).arguments
        self.pid, self.left_out = self._plan.start(call)
        self._child_created = True
        self._close_pipe_fds(*(call[name] for name in _ENDS))


class Plan:
    """The parameters with which netns_spawn() starts a program."""

    def __init__(
        self,
        ns: Network,
        keep_sys: bool,
        keep_etc: bool,
        strict_etc: bool = False,
        pin_etc: bool = False,
    ) -> None:
        self._ns = ns
        self._flags = _SPAWN_STDIO
        self._flags |= _SPAWN_KEEP_SYS if keep_sys else 0
        self._flags |= _SPAWN_KEEP_ETC if keep_etc else 0
        self._flags |= _SPAWN_STRICT_ETC if strict_etc else _SPAWN_TELL_ETC
        self._flags |= _SPAWN_PIN_ETC if pin_etc else 0

    def start(self, call: Mapping[str, Any]) -> Tuple[int, Optional[str]]:
        """Start what Popen has prepared; return the pid, and the message about files that were left
        out.
        """
        _refuse_what_is_popens(call)
        args, executable = _command(call)
        argv = [encoded(arg) for arg in args]
        options = SpawnOptions(
            size=sizeof(SpawnOptions),
            flags=self._flags | (_SPAWN_SETSID if call["start_new_session"] else 0),
            stdin_fd=call["p2cread"],
            stdout_fd=call["c2pwrite"],
            stderr_fd=call["errwrite"],
            cwd=encoded_or_none(call["cwd"]),
        )
        _set_user(options, call["uid"], call["gid"], call["gids"])
        file, environment, pid = encoded(executable), _environment(call["env"]), c_int()
        rc = lib.netns_spawn(
            self._ns._open, byref(options), file, _texts(argv), environment, byref(pid)
        )
        left_out = message() if check(rc, os.fsdecode(file)) > 0 else None
        return pid.value, left_out


def _refuse_what_is_popens(call: Mapping[str, Any]) -> None:
    given = {
        "preexec_fn": call["preexec_fn"] is not None,
        "pass_fds": bool(call["pass_fds"]),
        "close_fds": not call["close_fds"],
        "umask": call["umask"] >= 0,
        "process_group": call.get("process_group", -1) >= 0,
    }
    for name in (name for name, is_given in given.items() if is_given):
        raise ValueError(f"{name} needs keep_sys=True and keep_etc=True")


def _command(call: Mapping[str, Any]) -> Tuple[List[StrPath], StrPath]:
    """Return the arguments and the program file in the way of subprocess.Popen."""
    args, executable = call["args"], call["executable"]
    args = [args] if isinstance(args, (str, bytes, os.PathLike)) else [*args]
    if not args:
        raise ValueError("args must not be empty")
    if call["shell"]:
        args = [executable or "/bin/sh", "-c", *args]
    return args, executable or args[0]


def _set_user(
    options: SpawnOptions, uid: Optional[int], gid: Optional[int], gids: Optional[List[int]]
) -> None:
    """Set the user in the way of subprocess: an id that is None is that of this process."""
    if uid is None and gid is None and gids is None:
        return
    groups = [*map(_id, os.getgroups() if gids is None else gids)]
    options.flags |= _SPAWN_USER
    options.uid = os.geteuid() if uid is None else _id(uid)
    options.gid = os.getegid() if gid is None else _id(gid)
    options.groups = (c_uint32 * len(groups))(*groups)
    options.groups_len = len(groups)


def _id(number: int) -> int:
    # ctypes would truncate a value that is too large.
    if not 0 <= number < 2**32 - 1:
        raise ValueError(f"{number} is not a valid user or group ID")
    return number


def _texts(texts: List[bytes]) -> Any:
    """Return a NULL-terminated array of strings."""
    return (c_char_p * (len(texts) + 1))(*texts, None)


def _variable(name: StrPath, value: StrPath) -> bytes:
    key = encoded(name)
    if b"=" in key:
        raise ValueError("illegal environment variable name")
    return key + b"=" + encoded(value)


def _environment(env: Optional[Mapping[StrPath, StrPath]]) -> Any:
    """Return the environment; None is that of the process, which os.environ keeps up to date."""
    return None if env is None else _texts([_variable(*item) for item in env.items()])


def refuse_a_line(args: Any) -> None:
    if isinstance(args, (str, bytes, os.PathLike)):
        raise TypeError("args must be a sequence of arguments; pass a list, no shell parses it")


def _arguments(args: Sequence[StrPath]) -> List[bytes]:
    refuse_a_line(args)
    return [encoded(arg) for arg in args]


def _file(argv: List[bytes], executable: Optional[StrPath]) -> bytes:
    if executable is not None:
        return encoded(executable)
    if not argv:
        raise ValueError("args must not be empty")
    return argv[0]


def run(
    process: Process, input: Any, timeout: Optional[float], check: bool
) -> subprocess.CompletedProcess[Any]:
    """Do what subprocess.run() does with a Popen."""
    with process:
        try:
            stdout, stderr = process.communicate(input, timeout)
        except BaseException as error:
            process.kill()
            if isinstance(error, subprocess.TimeoutExpired):
                process.wait()
            raise
    done = subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)
    if check:
        done.check_returncode()
    return done


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
