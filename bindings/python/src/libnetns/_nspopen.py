# SPDX-License-Identifier: MIT OR Apache-2.0
"""A replacement for pyroute2's NSPopen."""

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

# The interval, in seconds, at which release() checks whether the program has ended while other
# processes hold its output.
_GLANCE = 0.1
_ENOUGH = 65536


def _control(function: Callable[..., Any], file: Any, *args: Any, **kwargs: Any) -> Any:
    return function(file(), *args, **kwargs)


def _add_controls(file: Any) -> None:
    # A weak reference: a reference cycle would keep the file open until the next collection.
    reference = weakref.ref(file)
    for function in _CONTROLS:
        setattr(file, function.__name__, partial(_control, function, reference))


def call_in(ns: Namespace, start: Callable[[], None]) -> None:
    """Call a function in a namespace: on this thread or, if it could not switch back, on a new one.
    """
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

    The program is a direct child of this process, and the numbers of its descriptors are valid
    here.
    Like pyroute2's, it keeps the caller's mounts; keep_sys=False and keep_etc=False give it the
    namespace's own /sys and the files of /etc/netns/NAME, like Namespace.spawn(). If the calling
    thread
    could not switch back from the namespace, another thread starts the program and then ends in the
    namespace: in that case PR_SET_PDEATHSIG in a preexec_fn refers to that thread.
    """

    stdin: Any
    stdout: Any
    stderr: Any

    def __init__(self, nsname: Any, *argv: Any, **kwarg: Any) -> None:
        """nsname is a name, a path, a descriptor or an object with a fileno() method.

        flags     O_CREAT creates the namespace if it does not exist; with O_EXCL, it must not exist
        keep_sys  False: a separate /sys, which shows the namespace's interfaces
        keep_etc  False: the files of /etc/netns/NAME in place of those in /etc

        All other arguments are those of subprocess.Popen. If keep_sys or keep_etc is False, SIGPIPE
        stays
        ignored, as it is in Python, and preexec_fn, pass_fds, close_fds=False, umask and
        process_group
        raise ValueError.
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
        """Wait for the program to end and close its pipes. The object cannot be used afterwards.

        The program's input is closed, and everything that it still writes is read and discarded.
        """
        if self.released:
            return
        if self.stdin is not None:
            # The program may no longer read what is still buffered.
            with contextlib.suppress(BrokenPipeError):
                self.stdin.close()
        outputs = [file for file in (self.stdout, self.stderr) if file is not None]
        self._discard([file for file in outputs if not file.closed])
        self.wait()
        for file in outputs:
            file.close()
        self.released = True

    def _discard(self, outputs: list[Any]) -> None:
        """Read until the program has ended; other processes may hold the write end."""
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
        # Popen.__del__() cannot handle an object that was never started.
        if not self.__dict__.get("released", True):
            super().__del__(*args, **kwargs)


_AFTER_RELEASE = frozenset(("release", "released", "nsname", "flags"))
