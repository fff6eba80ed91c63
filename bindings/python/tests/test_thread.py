# SPDX-License-Identifier: MIT OR Apache-2.0
"""Test that the calling thread switches and returns, and that sockets are in the requested
namespace.
"""

import asyncio
import contextlib
import errno
import gc
import itertools
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path

import pytest
from conftest import descriptors, here, in_child, on_a_thread

import libnetns


@pytest.fixture
def blue():
    with libnetns.create("blue", lo_up=True) as ns:
        yield ns


# --- run -----------------------------------------------------------------------------------------


def test_run_returns_result_of_function(blue):
    value = object()
    assert blue.run(lambda *args, **kwargs: (args, kwargs), 1, value, a=2) == ((1, value), {"a": 2})
    assert blue.run(lambda: None) is None
    assert blue.run(here) == blue.inode


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, SystemExit, GeneratorExit])
def test_run_propagates_exceptions(blue, kind):
    raised = kind("mine")

    def fail():
        assert here() == blue.inode
        raise raised

    home = here()
    with pytest.raises(kind) as caught:
        blue.run(fail)
    assert caught.value is raised
    assert caught.traceback[-1].name == "fail"
    assert here() == home


def test_run_keeps_no_references(blue):
    class Thing:
        pass

    gc.disable()
    try:
        thing = Thing()
        reference = weakref.ref(thing)
        blue.run(lambda argument: None, thing)
        del thing
        assert reference() is None

        class Wrong(Exception):
            pass

        references = []

        def fail():
            error = Wrong()
            references.append(weakref.ref(error))
            try:
                raise error
            finally:
                del error

        with contextlib.suppress(Wrong):
            blue.run(fail)
        assert references[0]() is None
    finally:
        gc.enable()


def test_run_calls_can_be_nested(blue):
    with libnetns.create() as red:
        inodes = blue.run(lambda: (here(), red.run(lambda: (here(), blue.run(here))), here()))
        assert inodes == (blue.inode, (red.inode, blue.inode), blue.inode)


def test_keyboard_interrupt_ends_run_and_switches_back(blue):
    home = here()

    def wait():
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(60)

    with pytest.raises(KeyboardInterrupt):
        blue.run(wait)
    assert here() == home


def test_run_propagates_signal_handler_exceptions(blue, capfd):
    """The exception is neither lost nor swallowed, on whichever line of run() it is raised."""

    class Bell(Exception):
        pass

    def ring(number, frame):
        raise Bell

    home = here()
    heard = 0
    before = signal.signal(signal.SIGALRM, ring)
    try:
        while heard < 300:
            try:
                # Once, after a number of microseconds that varies over all of run() and beyond its
                # end.
                signal.setitimer(signal.ITIMER_REAL, (1 + heard % 150) / 1e6)
                for _ in range(100):
                    blue.run(int)
                time.sleep(0.05)
                pytest.fail("what the handler raised is lost")
            except Bell:
                heard += 1
            assert here() == home
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert capfd.readouterr().err == ""


def test_run_without_capability_does_not_call_function(blue):
    def refuse():
        os.setgroups([])
        os.setresuid(65534, 65534, 65534)
        with pytest.raises(PermissionError):
            blue.run(pytest.fail, "called")

    if os.geteuid() == 0 and len(Path("/proc/self/uid_map").read_text().split()) == 3:
        size = int(Path("/proc/self/uid_map").read_text().split()[2])
        if size > 65534:
            in_child(refuse)
            return
    pytest.skip("there is nobody else to become")


def test_other_threads_run_during_run(blue):
    with blue.entered():
        pass
    is_in, go_on = threading.Event(), threading.Event()
    thread = threading.Thread(target=blue.run, args=(lambda: (is_in.set(), go_on.wait(60)),))
    thread.start()
    assert is_in.wait(60)
    go_on.set()
    thread.join(60)
    assert not thread.is_alive()


# --- with an open home namespace ------------------------------------------------------------------


def test_run_from_returns_result_and_switches_back(blue):
    with libnetns.current() as home:
        assert blue.run_from(home, lambda *args, **kwargs: (args, kwargs), 1, a=2) == (
            (1,),
            {"a": 2},
        )
        assert blue.run_from(home, here) == blue.inode
        assert here() == home.inode

        def fail():
            raise ValueError("mine")

        with pytest.raises(ValueError, match="mine"):
            blue.run_from(home, fail)
        assert here() == home.inode


def test_socket_from_opens_socket_in_namespace(blue):
    with libnetns.current() as home:
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            with blue.socket_from(home, socket.AF_INET, kind) as made:
                assert made.type == kind and not made.get_inheritable()
                with libnetns.open_fd(made) as its:
                    assert its == blue
        assert here() == home.inode
        with pytest.raises(OSError) as caught:
            blue.socket_from(home, 9999)
        assert caught.value.errno == errno.EAFNOSUPPORT


def test_run_from_leaves_thread_in_given_home(blue):
    def stray():
        with libnetns.create() as elsewhere:
            elsewhere.setns()
            assert blue.run_from(home, here) == blue.inode
            return here()

    with libnetns.current() as home:
        assert on_a_thread(stray) == home.inode


def test_closed_home_raises_value_error(blue):
    home = libnetns.current()
    home.close()
    with pytest.raises(ValueError):
        blue.run_from(home, pytest.fail, "called")
    with pytest.raises(ValueError):
        blue.socket_from(home)


# --- entering ------------------------------------------------------------------------------------


def test_entered_switches_for_with_block(blue):
    home = here()
    with blue.entered() as ns:
        assert ns is blue
        assert here() == blue.inode
        assert blue.is_current()
        with libnetns.create() as red, red.entered():
            assert here() == red.inode
        assert here() == blue.inode
    assert here() == home


def test_entered_switches_back_after_exception(blue):
    home = here()
    with pytest.raises(KeyError), blue.entered():
        raise KeyError
    assert here() == home


def test_entered_is_bound_to_one_thread(blue):
    stay = blue.entered()
    with stay:
        with pytest.raises(RuntimeError):
            stay.__enter__()
        home = on_a_thread(here)
        with pytest.raises(RuntimeError, match="can only leave"):
            on_a_thread(stay.__exit__, None, None, None)
        assert on_a_thread(here) == home
        assert here() == blue.inode
    with stay:
        assert here() == blue.inode
    with pytest.raises(RuntimeError):
        stay.__exit__(None, None, None)


def test_leaving_out_of_order_raises_and_restores_thread(blue):
    home, before = here(), descriptors()
    with libnetns.create() as red, libnetns.create() as green:
        namespaces = [blue, red, green]
        stays = [ns.entered() for ns in namespaces]
        for order in itertools.permutations(range(3)):
            for stay in stays:
                stay.__enter__()
            remaining = [*range(3)]
            for number in order:
                if number == remaining[-1]:
                    stays[number].__exit__(None, None, None)
                else:
                    with pytest.raises(RuntimeError, match="reverse order"):
                        stays[number].__exit__(None, None, None)
                remaining.remove(number)
                assert here() == (namespaces[remaining[-1]].inode if remaining else home)
    assert descriptors() == before


def test_interleaved_tasks_raise_and_restore_thread(blue):
    async def first(both_are_in, one_is_out):
        try:
            with blue.entered():
                await both_are_in.wait()
        finally:
            one_is_out.set()

    async def second(red, both_are_in, one_is_out):
        with red.entered():
            both_are_in.set()
            await one_is_out.wait()

    async def both(red):
        events = asyncio.Event(), asyncio.Event()
        return await asyncio.gather(first(*events), second(red, *events), return_exceptions=True)

    home = here()
    with libnetns.create() as red:
        outcomes = asyncio.run(both(red))
    assert [type(outcome) for outcome in outcomes] == [RuntimeError, type(None)]
    assert here() == home


def test_entered_affects_only_calling_thread(blue):
    inodes = []
    is_in, looked = threading.Event(), threading.Event()

    def go():
        with blue.entered():
            is_in.set()
            looked.wait(60)
            inodes.append(here())

    thread = threading.Thread(target=go)
    thread.start()
    is_in.wait(60)
    assert here() != blue.inode
    looked.set()
    thread.join(60)
    assert inodes == [blue.inode]


def test_many_threads_switch_concurrently():
    wrong = []
    namespaces = [libnetns.create() for _ in range(4)]

    def go(ns):
        home, inode = here(), ns.inode
        for _ in range(100):
            with ns.entered():
                if here() != inode:
                    wrong.append(here())
            if ns.run(here) != inode or here() != home:
                wrong.append(here())

    threads = [threading.Thread(target=go, args=(ns,)) for ns in namespaces * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert wrong == []


def test_setns_switches_calling_thread(blue):
    def go():
        blue.setns()
        return here()

    assert on_a_thread(go) == blue.inode


@pytest.mark.parametrize("keep_sys", [False, True])
def test_setns_mounts_switches_sys_unless_keep_sys(blue, keep_sys):
    blue.link_add("only-here", "bridge")

    def move():
        blue.setns_mounts(keep_sys=keep_sys)
        return here(), os.path.exists("/sys/class/net/only-here")

    home = here()
    assert on_a_thread(move) == (blue.inode, not keep_sys)
    assert here() == home
    assert not os.path.exists("/sys/class/net/only-here")


def test_forked_child_inherits_entered_namespace(blue):
    home = here()
    with blue.entered():

        def look():
            assert here() == blue.inode

        in_child(look)
    assert here() == home


def test_forked_child_works_while_threads_switch(blue):
    """Threads switch continuously; their children find everything usable."""
    stop = threading.Event()

    def busy():
        while not stop.is_set():
            with blue.entered():
                pass
            libnetns.create().close()

    threads = [threading.Thread(target=busy) for _ in range(3)]
    for thread in threads:
        thread.start()

    def look():
        assert here() != blue.inode
        assert blue.run(here) == blue.inode
        libnetns.create("of-the-child", exist_ok=True).close()
        assert "of-the-child" in libnetns.list()
        with blue.socket():
            pass

    try:
        for _ in range(20):
            in_child(look)
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)


def test_entered_and_run_fail_without_right_to_return():
    code = """
import libnetns, conftest
conftest.become_root_of_a_user_namespace(more=0)
conftest.mount(b"none", b"/run/netns", b"tmpfs")
ns = libnetns.create("blue", lo_up=True)
home = conftest.here()
for call in (ns.entered().__enter__, lambda: ns.run(print)):
    try:
        call()
    except PermissionError as error:
        assert "use setns() in a thread that ends there" in str(error), error
    else:
        raise SystemExit("went there without a way back")
assert conftest.here() == home
with ns.socket() as sock:
    assert libnetns.open_fd(sock) == ns
ns.link_add("br0", "bridge")
from libnetns import NSPopen, netns
import subprocess
process = NSPopen("blue", ["readlink", "/proc/self/ns/net"], stdout=subprocess.PIPE)
assert process.communicate()[0] == f"net:[{ns.inode}]\\n".encode()
try:
    NSPopen("blue", ["/nonexistent"])
except FileNotFoundError:
    pass
else:
    raise SystemExit("ran what is not there")
with netns.create_socket("blue") as sock:
    assert libnetns.open_fd(sock) == ns
try:
    netns.pushns("blue")
except PermissionError:
    assert conftest.here() == home
else:
    raise SystemExit("pushed without a way back")
def go():
    ns.setns()
    return conftest.here()
assert conftest.on_a_thread(go) == ns.inode
print("done")
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parent, stdout=subprocess.PIPE, check=False
    )
    assert (done.returncode, done.stdout) == (0, b"done\n")


# --- sockets -------------------------------------------------------------------------------------


def test_socket_returns_python_socket_in_namespace(blue):
    with blue.socket() as server, blue.socket() as client:
        assert type(server) is socket.socket
        assert (server.family, server.type) == (socket.AF_INET, socket.SOCK_STREAM)
        assert not server.get_inheritable()
        server.bind(("127.0.0.1", 0))
        server.listen()
        client.connect(server.getsockname())
        accepted, _ = server.accept()
        with accepted, libnetns.open_fd(accepted) as where:
            accepted.sendall(b"hello")
            assert client.recv(5) == b"hello"
            assert where == blue


def test_socket_accepts_arguments_of_socket_socket(blue):
    with blue.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sock:
        assert (sock.family, sock.type) == (socket.AF_UNIX, socket.SOCK_DGRAM)
        assert sock.gettimeout() == 0
    socket.setdefaulttimeout(3)
    try:
        with blue.socket() as sock:
            assert sock.gettimeout() == 3
    finally:
        socket.setdefaulttimeout(None)
    with blue.socket(proto=socket.IPPROTO_TCP) as sock:
        assert sock.proto == socket.IPPROTO_TCP
    with pytest.raises(OSError):
        blue.socket(socket.AF_INET, 99)


def test_asyncio_serves_in_a_namespace(blue):
    """The event loop stays in its namespace; its socket is in the other."""

    async def echo(reader, writer):
        writer.write(await reader.read(100))
        await writer.drain()
        writer.close()

    async def talk():
        listener = blue.socket()
        listener.bind(("127.0.0.1", 0))
        server = await asyncio.start_server(echo, sock=listener)
        client = blue.socket()
        client.setblocking(False)
        await asyncio.get_running_loop().sock_connect(client, listener.getsockname())
        reader, writer = await asyncio.open_connection(sock=client)
        writer.write(b"hello")
        answer = await reader.read(100)
        writer.close()
        server.close()
        await server.wait_closed()
        return answer

    assert asyncio.run(talk()) == b"hello"
