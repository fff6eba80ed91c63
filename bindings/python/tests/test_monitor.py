# SPDX-License-Identifier: MIT OR Apache-2.0
"""Test waiting for the monitor in Python; its events are tested in C and by the scenarios."""

import asyncio
import errno
import os
import select
import signal
import threading
import time

import pytest

import libnetns
from libnetns import Event, EventType, Monitor


def brief(events):
    return [(event.type, event.name) for event in events]


def test_event_has_inode_and_cookie_of_namespace():
    with Monitor() as monitor, libnetns.create("blue") as old:
        libnetns.remove("blue")
        with libnetns.create("blue") as new:
            old_inode, new_inode = old.inode, new.inode
            cookies = {0, new.cookie()}
        (added,) = monitor.events()
        assert added[:3] == (EventType.ADD, "blue", new_inode)
        assert added.cookie in cookies
        libnetns.remove("blue")
        (removed,) = monitor.events()
        assert removed == Event(EventType.REMOVE, "blue", new_inode, added.cookie)
        assert old_inode != new_inode


def is_of_monitor(fd):
    try:
        return os.readlink(f"/proc/self/fd/{fd}").startswith("anon_inode:")
    except FileNotFoundError:
        return False


def test_closed_descriptors_fail_with_ebadf():
    # The monitor gets the lowest free numbers.
    first = os.dup(0)
    os.close(first)
    monitor = Monitor()
    fds = [fd for fd in range(first, 64) if is_of_monitor(fd)]
    assert len(fds) == 3
    for fd in fds:
        os.close(fd)
    for call in (monitor.fileno, monitor.events, lambda: monitor.wait(0), lambda: next(monitor)):
        with pytest.raises(OSError) as caught:
            call()
        assert caught.value.errno == errno.EBADF
    monitor.close()


def test_iterating_waits_for_each_event():
    with Monitor() as monitor:
        told = []

        def watch():
            for event in monitor:
                told.append(event)
                if event.type == EventType.REMOVE:
                    return

        thread = threading.Thread(target=watch)
        thread.start()
        libnetns.create("blue").close()
        while not told:
            time.sleep(0.001)
        libnetns.remove("blue")
        thread.join(60)
        assert brief(told) == [(EventType.ADD, "blue"), (EventType.REMOVE, "blue")]


def test_events_returns_pending_events():
    libnetns.create("blue").close()
    with Monitor(snapshot=True) as monitor:
        assert brief(monitor.events()) == [(EventType.ADD, "blue")]
        assert monitor.events() == []
        libnetns.create("red").close()
        libnetns.create(os.fsdecode(b"\xff")).close()
        assert sorted(event.name for event in monitor.events()) == ["red", "\udcff"]


def test_wait_returns_event_or_none_after_timeout():
    with Monitor() as monitor:
        assert monitor.wait(0) is None
        assert monitor.wait(0.01) is None
        libnetns.create("blue").close()
        event = monitor.wait()
        assert (event.type, event.name) == (EventType.ADD, "blue")


def test_descriptor_is_pollable_and_not_inheritable():
    with Monitor() as monitor:
        assert not os.get_inheritable(monitor.fileno())
        monitor.events()
        libnetns.create("blue").close()
        ready, _, _ = select.select([monitor], [], [], 60)
        assert ready == [monitor]
        assert len(monitor.events()) == 1


def test_keyboard_interrupt_ends_wait():
    with Monitor() as monitor, pytest.raises(KeyboardInterrupt):
        timer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        try:
            monitor.wait(60)
        finally:
            timer.join()


def test_asyncio_event_loop_reads_monitor():
    async def watch():
        loop = asyncio.get_running_loop()
        told = asyncio.Queue()
        with Monitor() as monitor:

            def read():
                for event in monitor.events():
                    told.put_nowait(event)

            loop.add_reader(monitor, read)
            try:
                libnetns.create("blue").close()
                added = await asyncio.wait_for(told.get(), 60)
                libnetns.remove("blue")
                return [added, await asyncio.wait_for(told.get(), 60)]
            finally:
                loop.remove_reader(monitor)

    assert brief(asyncio.run(watch())) == [(EventType.ADD, "blue"), (EventType.REMOVE, "blue")]


def test_closed_monitor_raises_value_error():
    monitor = Monitor()
    monitor.close()
    monitor.close()
    assert monitor.closed
    for call in (monitor.fileno, monitor.events, monitor.wait, monitor.__next__, monitor.__enter__):
        with pytest.raises(ValueError, match="closed"):
            call()


def test_error_names_run_directory():
    with pytest.raises(OSError) as caught:
        Monitor("x" * 5000)
    assert caught.value.filename == "x" * 5000
    with pytest.raises(ValueError, match="null byte"):
        Monitor("/run\0/netns")
