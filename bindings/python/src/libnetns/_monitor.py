# SPDX-License-Identifier: MIT OR Apache-2.0
"""Monitor, which reports names that are added and removed."""

from __future__ import annotations

import enum
import os
import select
import time
from ctypes import byref, sizeof
from typing import Iterator, List, NamedTuple, Optional

from ._library import (
    MonitorHandle,
    NetnsEvent,
    StrPath,
    check,
    encoded_or_none,
    lib,
)

_MONITOR_SNAPSHOT = 1


class EventType(enum.IntEnum):
    #: The name can be opened from now on.
    ADD = 1
    #: The name was removed or now belongs to another namespace; in the latter case ADD follows.
    REMOVE = 2


class Event(NamedTuple):
    type: EventType
    name: str
    #: The inode number of the namespace that the name refers to or, after a removal, referred to.
    inode: int
    #: 0 if it is unknown, as before Linux 6.18.
    cookie: int


class Monitor:
    """Watches a run directory for names that any process adds or removes.

    Iterating over a monitor waits for the next event each time and never ends. In an event loop,
    wait
    until fileno() is readable, and then call events(). A monitor needs no privilege.
    """

    def __init__(self, rundir: Optional[StrPath] = None, *, snapshot: bool = False) -> None:
        """Open a monitor.

        rundir    the run directory; None is /run/netns
        snapshot  report the names that exist as ADD events first
        """
        handle = MonitorHandle()
        flags = _MONITOR_SNAPSHOT if snapshot else 0
        self._handle: Optional[MonitorHandle] = None
        check(lib.netns_monitor_open(encoded_or_none(rundir), flags, byref(handle)), rundir)
        self._handle = handle

    @property
    def _open(self) -> MonitorHandle:
        handle = self._handle
        if handle is None:
            raise ValueError("the monitor is closed")
        return handle

    def fileno(self) -> int:
        """Return a descriptor that is readable when there may be events. It belongs to the monitor.
        """
        return check(lib.netns_monitor_fd(self._open))

    def events(self) -> List[Event]:
        """Return the pending events without waiting."""
        return [*iter(self._next, None)]

    def wait(self, timeout: Optional[float] = None) -> Optional[Event]:
        """Return the next event; None if there is none within timeout seconds.

        close() on another thread does not wake a thread that waits here.
        """
        # This reference keeps the descriptor from being closed and its number from being reused.
        handle = self._open
        end = None if timeout is None else time.monotonic() + timeout
        poll = select.poll()
        poll.register(check(lib.netns_monitor_fd(handle)), select.POLLIN)
        while True:
            event = self._next()
            if event is not None:
                return event
            left = None if end is None else end - time.monotonic()
            if left is not None and left <= 0:
                return None
            poll.poll(None if left is None else left * 1000)

    def _next(self) -> Optional[Event]:
        event = NetnsEvent(size=sizeof(NetnsEvent))
        while check(lib.netns_monitor_next(self._open, byref(event))) == 1:
            # A later version of the library may report events that this package does not know.
            if event.type in (EventType.ADD, EventType.REMOVE):
                name = os.fsdecode(event.name)
                return Event(EventType(event.type), name, event.inode, event.cookie)
        return None

    def __iter__(self) -> Iterator[Event]:
        return self

    def __next__(self) -> Event:
        event = self.wait()
        assert event is not None
        return event

    def close(self) -> None:
        self._handle = None

    @property
    def closed(self) -> bool:
        return self._handle is None

    def __enter__(self) -> Monitor:
        self._open
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
