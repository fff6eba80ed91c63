# SPDX-License-Identifier: MIT OR Apache-2.0
"""The private namespaces in which the tests run, and helpers for checks."""

import contextlib
import ctypes
import os
import signal
import sys
import threading

import pytest

# Before any test counts descriptors, since some versions of the module keep one.
with contextlib.suppress(ImportError):
    import pyroute2  # noqa: F401

CLONE_NEWNS = 0x00020000
CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000
MS_BIND = 4096
MS_REC = 16384
MS_PRIVATE = 1 << 18

libc = ctypes.CDLL(None, use_errno=True)


def system(rc):
    if rc < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def mount(source, target, kind, flags=0, data=None):
    system(libc.mount(source, target, kind, ctypes.c_ulong(flags), data))


def become_root_of_a_user_namespace(more=CLONE_NEWNET):
    uid, gid = os.geteuid(), os.getegid()
    system(libc.unshare(CLONE_NEWUSER | CLONE_NEWNS | more))
    for name, text in ("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1"):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def enter_a_private_world():
    """Mount an empty run directory that is not visible outside."""
    if os.geteuid() != 0:
        become_root_of_a_user_namespace()
    else:
        system(libc.unshare(CLONE_NEWNS))
    mount(b"none", b"/", b"none", MS_REC | MS_PRIVATE)
    mount(b"netns-test", b"/run", b"tmpfs", 0, b"mode=755")
    os.mkdir("/run/netns", 0o755)


def pytest_sessionstart(session):
    # A parent that starts us in the background may ignore the signal, and Python leaves it ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        enter_a_private_world()
    except OSError as error:
        pytest.exit(f"cannot create private namespaces, which requires root or user namespaces: {error}", 77)


def here():
    """The inode of the calling thread's network namespace."""
    return os.stat("/proc/thread-self/ns/net").st_ino


def inode(path):
    return os.stat(path).st_ino


def descriptors():
    return set(os.listdir("/proc/self/fd"))


def settled(holders):
    """Without what passes: another test that lists every namespace has each open for a moment."""
    return [
        holder
        for holder in holders
        if holder.kind.name != "DESCRIPTOR" or holder.pid == os.getpid()
    ]


def on_a_thread(function, *args):
    """Call a function on a separate thread; raise its exception."""
    outcome = []

    def call():
        try:
            outcome.append((function(*args), None))
        except BaseException as error:
            outcome.append((None, error))

    thread = threading.Thread(target=call)
    thread.start()
    thread.join(60)
    value, error = outcome[0]
    if error is not None:
        raise error
    return value


def in_child(function, *args):
    """Call a function in a child; fail unless it returns."""
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            function(*args)
            code = 0
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            sys.stderr.flush()
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def check_that_stays_are_stacked(netns):
    """Switch to two namespaces with pyroute2.netns or its replacement, and back."""
    home = here()
    netns.create("blue")
    netns.create("red")
    blue, red = inode("/run/netns/blue"), inode("/run/netns/red")
    netns.pushns("blue")
    assert here() == blue
    netns.pushns(newns="red", libc=None)
    assert here() == red
    netns.popns()
    assert here() == blue
    netns.pushns()
    assert here() == blue
    netns.setns("red")
    netns.popns()
    assert here() == blue
    netns.pushns("red")
    netns.dropns()
    assert here() == red
    netns.popns(libc=None)
    assert here() == home
    for call in (netns.popns, netns.dropns):
        with pytest.raises(IndexError):
            call()


@pytest.fixture(autouse=True)
def empty_run_directory():
    """Each test has an empty run directory, and must leave no descriptor open and no thread
    elsewhere.
    """
    mount(b"netns-test", b"/run/netns", b"tmpfs", 0, b"mode=755")
    home, before = here(), len(descriptors())
    yield
    assert here() == home
    assert len(descriptors()) == before
    assert threading.active_count() == 1
    system(libc.umount2(b"/run/netns", 2))
    # If the library has made it a mount point, there is another mount below.
    while libc.umount2(b"/run/netns", 2) == 0:
        pass
