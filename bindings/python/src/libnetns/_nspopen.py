# SPDX-License-Identifier: MIT OR Apache-2.0
"""In place of pyroute2's NSPopen."""

from __future__ import annotations

import contextlib
import fcntl
import os
import selectors
import threading
import weakref
from functools import partial
from typing import Any, Callable

from . import netns
from ._namespace import Namespace
from ._programs import Plan, Process

_CONTROLS = (fcntl.fcntl, fcntl.ioctl, fcntl.flock, fcntl.lockf)

# How often release() looks whether the program has ended while others hold its output, in seconds.
_GLANCE = 0.1
_ENOUGH = 65536


def _control(function: Callable[..., Any], file: Any, *args: Any, **kwargs: Any) -> Any:
    return function(file(), *args, **kwargs)


def _add_controls(file: Any) -> None:
    # A weak reference: one that went round would keep the file open until the next collection.
    reference = weakref.ref(file)
    for function in _CONTROLS:
        setattr(file, function.__name__, partial(_control, function, reference))


def call_in(ns: Namespace, start: Callable[[], None]) -> None:
    """Calls it in a namespace: on this thread or, if that could not come back, on another one."""
    begun = False

    def begin() -> None:
        nonlocal begun
        begun = True
        start()

    try:
        ns.run(begin)
    except PermissionError:
        if begun:
            raise
        _call_on_a_thread(ns, start)


def _call_on_a_thread(ns: Namespace, start: Callable[[], None]) -> None:
    errors: list[BaseException] = []

    def go() -> None:
        try:
            ns.setns()
            start()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=go, daemon=True)
    thread.start()
    thread.join()
    if errors:
        raise errors.pop()


class NSPopen(Process):
    """subprocess.Popen in a network namespace.

        with NSPopen("blue", ["ip", "addr"], stdout=subprocess.PIPE) as process:
            print(process.stdout.read())

    The program is this process's child, with nothing in between; what its descriptors are called is
    true here. It has the caller's mounts, as pyroute2's: keep_sys=False and keep_etc=False give it
    the namespace's own /sys and the files of /etc/netns/NAME, as Namespace.spawn() does. Where the
    calling thread could not come back from the namespace, a thread that ends in there starts the
    program: then PR_SET_PDEATHSIG in a preexec_fn means that thread.
    """

    stdin: Any
    stdout: Any
    stderr: Any

    def __init__(self, nsname: Any, *argv: Any, **kwarg: Any) -> None:
        """nsname is a name, a path, a descriptor or an object that has one.

        flags     O_CREAT makes the namespace if there is none; with O_EXCL, there must be none.
        keep_sys  False: a /sys of its own, which shows the namespace's devices.
        keep_etc  False: the files of /etc/netns/NAME in place of those of /etc.
        All else is subprocess.Popen's. Where keep_sys or keep_etc is False, SIGPIPE stays ignored,
        as it is in Python, and preexec_fn, pass_fds, close_fds=False, umask and process_group raise
        ValueError.
        """
        self.released = False
        self.nsname = nsname
        self.flags = kwarg.pop("flags", 0)
        kwarg.pop("libc", None)
        keeps = kwarg.pop("keep_sys", True), kwarg.pop("keep_etc", True)
        ns = netns.namespace_of(nsname, self.flags)
        if all(keeps):
            call_in(ns, partial(super().__init__, None, *argv, **kwarg))
        else:
            super().__init__(Plan(ns, *keeps), *argv, **kwarg)
        for file in filter(None, (self.stdin, self.stdout, self.stderr)):
            _add_controls(file)

    def release(self) -> None:
        """Waits for the program's end and closes its pipes. The object cannot be used afterwards.

        What the program reads is at its end, what it still writes is read and thrown away.
        """
        if self.released:
            return
        if self.stdin is not None:
            # What is still to be written has nobody to read it, perhaps.
            with contextlib.suppress(BrokenPipeError):
                self.stdin.close()
        outputs = [file for file in (self.stdout, self.stderr) if file is not None]
        self._discard([file for file in outputs if not file.closed])
        self.wait()
        for file in outputs:
            file.close()
        self.released = True

    def _discard(self, outputs: list[Any]) -> None:
        """Reads until the program has ended; others may hold what it wrote to."""
        with selectors.DefaultSelector() as selector:
            for file in outputs:
                selector.register(file, selectors.EVENT_READ)
            while selector.get_map() and self.poll() is None:
                for key, _ in selector.select(_GLANCE):
                    if not os.read(key.fd, _ENOUGH):
                        selector.unregister(key.fileobj)

    def __getattribute__(self, name: str) -> Any:
        get = super().__getattribute__
        if not name.startswith("_") and name not in _AFTER_RELEASE and get("released"):
            raise RuntimeError("the object is released")
        return get(name)

    def __del__(self, *args: Any, **kwargs: Any) -> None:
        # Of one that was never started, Popen's has nothing to look at.
        if not self.__dict__.get("released", True):
            super().__del__(*args, **kwargs)


_AFTER_RELEASE = frozenset(("release", "released", "nsname", "flags"))
