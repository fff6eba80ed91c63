# SPDX-License-Identifier: MIT OR Apache-2.0
"""Names that come and go."""

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
    #: A name can be opened from now on.
    ADD = 1
    #: A name that could be opened is gone, or is another namespace's by now; then ADD follows.
    REMOVE = 2


class Event(NamedTuple):
    type: EventType
    name: str
    #: Of the namespace that the name has got, or had until it was removed.
    inode: int
    #: 0 if it is not known, as before Linux 6.18.
    cookie: int


class Monitor:
    """Watches a run directory for names that come and go, whoever makes and removes them.

    Iterating over it waits for the next event each time, and has no end. In an event loop, wait
    until fileno() can be read, and take what events() gives. It needs no privilege.
    """

    def __init__(self, rundir: Optional[StrPath] = None, *, snapshot: bool = False) -> None:
        """rundir: None is /run/netns. snapshot: the names that exist come first, as ADD."""
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
        """A descriptor that can be read when there may be an event. It stays the monitor's."""
        return check(lib.netns_monitor_fd(self._open))

    def events(self) -> List[Event]:
        """The events that there are by now; does not wait."""
        return [*iter(self._next, None)]

    def wait(self, timeout: Optional[float] = None) -> Optional[Event]:
        """The next event; None if there is none in time (seconds).

        close() on another thread does not wake the one that waits.
        """
        # A reference, lest the descriptor go, and be another's, while it is waited for.
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
            # A later version of the library may tell of what this one does not know.
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
