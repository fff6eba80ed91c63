# SPDX-License-Identifier: MIT OR Apache-2.0
"""Test the replacement for pyroute2.netns: it behaves the same, without the defects."""

import errno
import inspect
import os
import socket
import subprocess
import threading
from pathlib import Path

import pytest
from conftest import check_that_stays_are_stacked, descriptors, here, mount, on_a_thread

import libnetns
from libnetns import netns


def exists(name):
    return name in libnetns.list()


@pytest.fixture
def home():
    """Move the thread back after tests that leave it elsewhere; count the started processes."""
    with libnetns.current() as ns:
        yield here()
        ns.setns()


# --- compatible with pyroute2 --------------------------------------------------------------------


SIGNATURES = {
    "listnetns": ["nspath"],
    "ns_pids": ["nspath"],
    "pid_to_ns": ["pid", "nspath"],
    "create": ["netns", "libc"],
    "attach": ["netns", "pid", "libc"],
    "remove": ["netns", "libc"],
    "getnsfd": ["netns", "flags", "libc", "fork"],
    "setns": ["netns", "flags", "libc", "fork"],
    "pushns": ["newns", "libc"],
    "popns": ["libc"],
    "dropns": ["libc"],
    "create_socket": [
        "netns", "family", "socket_type", "proto", "fileno", "flags", "libc", "timeout"
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", SIGNATURES)
def test_signatures_match_pyroute2(name):
    assert [*inspect.signature(getattr(netns, name)).parameters] == SIGNATURES[name]


def test_create_list_remove():
    assert netns.listnetns() == []
    netns.create("blue")
    netns.create(b"red", libc=None)
    netns.create("/run/netns/green")
    assert sorted(netns.listnetns()) == ["blue", "green", "red"]
    with pytest.raises(FileExistsError):
        netns.create("blue")
    netns.remove("blue")
    netns.remove(b"/run/netns/red", libc=None)
    assert netns.listnetns() == ["green"]
    with pytest.raises(FileNotFoundError):
        netns.remove("blue")


def test_calls_use_current_netns_run_dir(monkeypatch):
    netns.create("blue")
    for rundir in ("/run/another", b"/run/another"):
        monkeypatch.setattr(netns, "NETNS_RUN_DIR", rundir)
        assert netns.listnetns() == []
        netns.create("red")
        assert netns.listnetns() == [b"red" if isinstance(rundir, bytes) else "red"]
        netns.pushns("red")
        netns.popns()
        with pytest.raises(FileNotFoundError):
            netns.pushns("blue")
        assert netns.pid_to_ns(os.getpid()) is None
        assert netns.ns_pids() == {}
        netns.remove("red")
    monkeypatch.undo()
    assert netns.listnetns() == ["blue"]
    assert netns.listnetns("/run/another") == []
    assert netns.listnetns("/run/nowhere") == []


def test_ns_pids_and_pid_to_ns_find_processes(home):
    netns.create("blue")
    netns.create("red")
    libnetns.open("blue").attach("also-blue")
    assert netns.ns_pids() == {}
    assert netns.pid_to_ns(os.getpid()) is None
    process = libnetns.NSPopen("blue", ["sleep", "60"])
    try:
        pid = process.pid
        assert netns.ns_pids() == {"also-blue": [pid], "blue": [pid]}
        assert netns.ns_pids(b"/run/netns") == {b"also-blue": [pid], b"blue": [pid]}
        assert netns.pid_to_ns(pid) == "also-blue"
        assert netns.pid_to_ns(str(pid), nspath="/run/netns") == "also-blue"
        assert netns.pid_to_ns(2**22 + 1) is None
        assert netns.pid_to_ns(0) is None
        netns.attach("third", pid)
        assert libnetns.open("third") == libnetns.open("blue")
        netns.attach("/run/netns/fourth", str(pid), libc=None)
        assert libnetns.open("fourth") == libnetns.open("blue")
    finally:
        process.kill()
        process.wait()


def test_symlinks_are_accepted_as_names(home):
    netns.create("blue")
    process = libnetns.NSPopen("blue", ["sleep", "60"])
    with libnetns.open("blue") as blue:
        os.symlink(f"/proc/{process.pid}/ns/net", "/run/netns/web")
        try:
            assert sorted(netns.listnetns()) == ["blue", "web"]
            assert blue.names() == ["blue", "web"]
            with libnetns.open("web") as web:
                assert web == blue and web.name == "web"
            netns.pushns("web")
            assert here() == blue.inode
            netns.popns()
            assert netns.ns_pids() == {"blue": [process.pid], "web": [process.pid]}
            assert libnetns.NSPopen("web", ["true"]).wait() == 0
            with pytest.raises(FileExistsError):
                netns.create("web")
        finally:
            process.kill()
            process.wait()
        assert libnetns.list(stale=True) == ["blue", "web"]
        assert netns.listnetns() == ["blue"]
        with pytest.raises(OSError, match="a symbolic link that does not lead to a network namespace"):
            libnetns.open("web")
        netns.remove("web")
        assert os.listdir("/run/netns") == ["blue"]


def test_getnsfd_accepts_name_path_file_and_descriptor():
    netns.create("blue")
    inode = os.stat("/run/netns/blue").st_ino
    for given in ("blue", b"blue", "/run/netns/blue", "/var/run/netns/blue"):
        fd = netns.getnsfd(given)
        try:
            assert os.fstat(fd).st_ino == inode
            assert not os.get_inheritable(fd)
        finally:
            os.close(fd)
    with open("/run/netns/blue") as file:
        assert netns.getnsfd(file) == file.fileno()
        assert netns.getnsfd(file.fileno()) == file.fileno()
    with pytest.raises(RuntimeError):
        netns.getnsfd(None)


@pytest.mark.parametrize("place", ["", "/run/netns/", "/run/another/"])
@pytest.mark.parametrize("fork", [True, False])
def test_getnsfd_honors_o_creat_and_o_excl(place, fork):
    name = place + "red"
    with pytest.raises(FileNotFoundError):
        netns.getnsfd(name, fork=fork)
    with pytest.raises(FileNotFoundError):
        netns.getnsfd(name, os.O_EXCL, fork=fork)
    assert not os.path.lexists(name)
    os.close(netns.getnsfd(name, os.O_CREAT | os.O_EXCL, None, fork))
    inode = os.stat(os.path.join("/run/netns", name)).st_ino
    with pytest.raises(FileExistsError) as caught:
        netns.getnsfd(name, os.O_CREAT | os.O_EXCL, fork=fork)
    assert caught.value.errno == errno.EEXIST
    fd = netns.getnsfd(name, os.O_CREAT, fork=fork)
    assert os.fstat(fd).st_ino == inode
    os.close(fd)
    netns.remove(name)


def test_getnsfd_does_not_create_in_proc():
    before = Path("/proc/self/mountinfo").read_text()
    os.close(netns.getnsfd("/proc/self/ns/net", os.O_CREAT))
    with pytest.raises(FileExistsError):
        netns.getnsfd("/proc/self/ns/net", os.O_CREAT | os.O_EXCL)
    with pytest.raises(OSError):
        netns.getnsfd("/proc/self/ns/mnt", os.O_CREAT)
    with pytest.raises(OSError):
        netns.getnsfd(f"/proc/{2**22 + 1}/ns/net", os.O_CREAT)
    assert Path("/proc/self/mountinfo").read_text() == before


def test_setns_accepts_name_path_file_and_flags(home):
    netns.create("blue")
    inode = os.stat("/run/netns/blue").st_ino
    before = descriptors()
    with libnetns.NSPopen("/proc/self/ns/net", ["sleep", "60"]) as at_home:
        netns.setns("blue")
        assert here() == inode
        netns.setns(f"/proc/{at_home.pid}/ns/net")
        assert here() == home
        at_home.kill()
    with open("/run/netns/blue") as file:
        netns.setns(file)
        assert here() == inode
        netns.setns("red")
        assert exists("red")
        netns.setns(file.fileno(), 0, None, False)
        assert here() == inode
        assert not file.closed
    with pytest.raises(FileNotFoundError):
        netns.setns("green", flags=0)
    with pytest.raises(FileExistsError):
        netns.setns("red", flags=os.O_CREAT | os.O_EXCL)
    netns.setns("green", flags=os.O_CREAT | os.O_EXCL)
    assert here() == os.stat("/run/netns/green").st_ino
    assert descriptors() == before


def test_pushns_popns_and_dropns_use_stack(home):
    check_that_stays_are_stacked(netns)


def test_create_socket_opens_socket_in_namespace():
    netns.create("blue")
    with netns.create_socket("blue", socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        assert (sock.family, sock.type) == (socket.AF_INET6, socket.SOCK_DGRAM)
        assert libnetns.open_fd(sock) == libnetns.open("blue")
        assert not sock.get_inheritable()
    with netns.create_socket("red", timeout=1) as sock, libnetns.open_fd(sock) as where:
        assert where.names() == ["red"]
    with pytest.raises(FileNotFoundError):
        netns.create_socket("green", flags=0)
    with netns.create_socket() as sock, netns.create_socket(fileno=os.dup(sock.fileno())) as other:
        assert (sock.family, sock.type) == (other.family, other.type)
        with pytest.raises(TypeError):
            netns.create_socket("blue", fileno=other.fileno())


# --- corrected defects ---------------------------------------------------------------------------


def test_popns_returns_to_threads_previous_namespace():
    netns.create("blue")
    netns.create("red")
    red = os.stat("/run/netns/red").st_ino

    def go():
        netns.setns("red")
        netns.pushns("blue")
        netns.popns()
        return here()

    assert on_a_thread(go) == red


def test_pushns_stack_is_per_thread():
    netns.create("blue")
    netns.pushns("blue")
    with pytest.raises(IndexError):
        on_a_thread(netns.popns)
    assert here() == os.stat("/run/netns/blue").st_ino
    netns.popns()


def test_many_threads_push_and_pop():
    names = [f"n{i}" for i in range(4)]
    for name in names:
        netns.create(name)
    wrong = []

    def go(name):
        before, inode = here(), os.stat(f"/run/netns/{name}").st_ino
        for _ in range(100):
            netns.pushns(name)
            if here() != inode:
                wrong.append(name)
            netns.popns()
            if here() != before:
                wrong.append(name)

    threads = [threading.Thread(target=go, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert wrong == []


def test_thread_exit_closes_pushed_namespaces():
    netns.create("blue")
    before = descriptors()
    on_a_thread(netns.pushns, "blue")
    assert descriptors() == before


def test_pushns_does_not_create_missing_name(home):
    with pytest.raises(FileNotFoundError):
        netns.pushns("bleu")
    assert not os.path.lexists("/run/netns/bleu")
    assert here() == home
    with pytest.raises(IndexError):
        netns.popns()


@pytest.mark.parametrize("pid", [2**22 + 1, str(2**22 + 1)])
def test_failed_attach_leaves_no_file(pid):
    with pytest.raises(FileNotFoundError, match="has ended") as caught:
        netns.attach("blue", pid)
    assert caught.value.filename == "blue"
    assert os.listdir("/run/netns") == []


def test_stale_name_is_hidden_and_reused():
    with open("/run/netns/blue", "w"):
        os.chmod("/run/netns/blue", 0o1000)
    assert netns.listnetns() == []
    os.close(netns.getnsfd("blue", os.O_CREAT))
    assert netns.listnetns() == ["blue"]


def test_calls_reject_files_that_are_not_namespaces():
    with open("/run/netns/plain", "w") as file:
        file.write("text")
    for call, number in (
        (netns.remove, errno.ENOTTY),
        (netns.getnsfd, errno.ENOTTY),
        (netns.setns, errno.EINVAL),
        (netns.pushns, errno.EINVAL),
        (netns.create_socket, errno.EINVAL),
    ):
        with pytest.raises(OSError, match="not a network namespace") as caught:
            call("plain")
        assert (caught.value.errno, caught.value.filename) == (number, "plain")
    with open("/run/netns/plain") as file, pytest.raises(OSError) as caught:
        netns.setns(file.fileno())
    assert caught.value.errno == errno.EINVAL
    assert os.path.exists("/run/netns/plain")


def test_invalid_libc_argument_raises_attribute_error():
    for call, *arguments in (
        (netns.create, "blue"),
        (netns.attach, "blue", os.getpid()),
        (netns.remove, "blue"),
        (netns.getnsfd, "blue", os.O_CREAT),
        (netns.setns, "blue"),
        (netns.pushns, "/proc/self/ns/net"),
        (netns.create_socket, "blue"),
    ):
        with pytest.raises(AttributeError):
            call(*arguments, libc="nonsense")
    assert netns.listnetns() == []


def test_private_functions_used_by_pyroute2_work():
    assert netns._get_netnspath("blue") == b"/var/run/netns/blue"
    assert netns._get_netnspath(b"blue") == b"/var/run/netns/blue"
    assert netns._get_netnspath("/proc/1/ns/net") == b"/proc/1/ns/net"
    pytest.importorskip("pyroute2.process", reason="needs pyroute2 0.9")
    arguments = (os.O_CREAT, socket.AF_INET, socket.SOCK_DGRAM, 0)
    payload, (sock,) = netns._create_socket_child("blue", *arguments)
    with sock, libnetns.open_fd(sock) as where:
        assert (payload, where.names()) == (b"", ["blue"])


def test_no_process_is_started(monkeypatch, home):
    def refuse(*args, **kwargs):
        raise AssertionError("a process is started")

    monkeypatch.setattr(os, "fork", refuse)
    monkeypatch.setattr(subprocess, "Popen", refuse)
    netns.create("blue")
    netns.create_socket("blue").close()
    os.close(netns.getnsfd("red", os.O_CREAT))
    netns.attach("green", os.getpid())
    netns.pushns("blue")
    netns.popns()
    netns.remove("green")


def test_custom_netns_run_dir_is_used(monkeypatch, tmp_path):
    """NETNS_RUN_DIR is used as it is."""
    mount(b"netns-test", os.fsencode(tmp_path), b"tmpfs")
    monkeypatch.setattr(netns, "NETNS_RUN_DIR", str(tmp_path / "netns"))
    netns.create("blue")
    assert os.listdir(tmp_path / "netns") == ["blue"]
    assert libnetns.list() == []
    subprocess.run(["umount", "-R", tmp_path], check=True)
