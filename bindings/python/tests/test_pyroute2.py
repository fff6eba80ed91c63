# SPDX-License-Identifier: MIT OR Apache-2.0
"""Test that a program works the same with either import line, if pyroute2 is installed."""

import errno
import importlib
import os
import socket
import subprocess

import pytest
from conftest import check_that_stays_are_stacked, here, in_child, inode


@pytest.fixture(params=["libnetns", "pyroute2"])
def package(request):
    pytest.importorskip(request.param)
    return request.param


def names(netns):
    return sorted(netns.listnetns())


def names_are_created_listed_and_removed(netns, _):
    assert netns.listnetns() == []
    netns.create("blue")
    netns.create("/run/netns/red", libc=None)
    assert names(netns) == ["blue", "red"]
    assert sorted(netns.listnetns("/run/netns")) == ["blue", "red"]
    assert sorted(netns.listnetns(b"/run/netns")) == [b"blue", b"red"]
    assert netns.listnetns(nspath="/run/nowhere") == []
    with pytest.raises(FileExistsError):
        netns.create("blue")
    netns.remove("blue")
    netns.remove("/run/netns/red", libc=None)
    assert netns.listnetns() == []
    with pytest.raises(FileNotFoundError):
        netns.remove("blue")


def netns_run_dir_can_be_changed(netns, _):
    assert netns.NETNS_RUN_DIR == "/var/run/netns"
    netns.create("blue")
    netns.NETNS_RUN_DIR = "/run/another"
    assert netns.listnetns() == []
    netns.create("red")
    assert netns.listnetns() == ["red"]
    assert os.path.exists("/run/another/red")
    netns.setns("red", 0)
    assert here() == inode("/run/another/red")
    netns.remove("red")
    netns.NETNS_RUN_DIR = "/var/run/netns"
    assert netns.listnetns() == ["blue"]


def getnsfd_honors_open_flags(netns, _):
    with pytest.raises(FileNotFoundError):
        netns.getnsfd("blue")
    fd = netns.getnsfd("blue", os.O_CREAT | os.O_EXCL)
    assert os.fstat(fd).st_ino == inode("/run/netns/blue")
    with pytest.raises(FileExistsError) as caught:
        netns.getnsfd("blue", flags=os.O_CREAT | os.O_EXCL)
    assert (caught.value.errno, caught.value.filename) == (errno.EEXIST, "blue")
    again = netns.getnsfd("/run/netns/blue", os.O_CREAT, None, True)
    assert again != fd
    assert os.fstat(again).st_ino == os.fstat(fd).st_ino
    assert netns.getnsfd(fd) == fd
    with open("/run/netns/blue") as file:
        assert netns.getnsfd(file) == file.fileno()
    with pytest.raises(RuntimeError):
        netns.getnsfd(None)


def setns_switches_calling_thread(netns, _):
    home = here()
    netns.create("blue")
    netns.setns("blue")
    assert here() == inode("/run/netns/blue")
    netns.setns(f"/proc/{os.getppid()}/ns/net")
    assert here() == home
    with pytest.raises(FileNotFoundError):
        netns.setns("red", flags=0)
    with pytest.raises(FileExistsError):
        netns.setns("blue", flags=os.O_CREAT | os.O_EXCL)
    assert here() == home
    netns.setns("red")
    assert names(netns) == ["blue", "red"]
    assert here() == inode("/run/netns/red")
    fd = os.open("/run/netns/blue", os.O_RDONLY)
    netns.setns(fd, flags=0)
    assert here() == os.fstat(fd).st_ino


def pushns_and_popns_use_stack(netns, _):
    check_that_stays_are_stacked(netns)


def errors_have_expected_type_and_errno(netns, NSPopen):
    def raised_by(call, *arguments, **keywords):
        with pytest.raises(OSError) as caught:
            call(*arguments, **keywords)
        return type(caught.value), caught.value.errno

    nobody = 2**22 + 1
    assert raised_by(netns.attach, "blue", nobody) == (FileNotFoundError, errno.ENOENT)
    if "blue" not in names(netns):
        netns.create("blue")
    assert raised_by(netns.attach, "blue", os.getpid()) == (FileExistsError, errno.EEXIST)
    with open("/run/netns/plain", "w") as file:
        file.write("text")
    with open("/run/netns/plain") as file:
        assert raised_by(netns.setns, file) == (OSError, errno.EINVAL)
    assert raised_by(netns.setns, "plain") == (OSError, errno.EINVAL)
    assert raised_by(netns.create_socket, "plain") == (OSError, errno.EINVAL)
    assert raised_by(NSPopen, "plain", ["true"]) == (OSError, errno.EINVAL)
    with pytest.raises(AttributeError):
        netns.create("green", libc="nonsense")
    assert netns._get_netnspath("blue") == b"/var/run/netns/blue"


def ns_pids_and_pid_to_ns_find_processes(netns, NSPopen):
    netns.create("blue")
    netns.create("red")
    assert netns.ns_pids() == {}
    assert netns.pid_to_ns(os.getpid()) is None
    assert netns.pid_to_ns(2**22 + 1) is None
    pid = os.fork()
    if pid == 0:
        netns.setns("blue")
        os.execvp("sleep", ["sleep", "60"])
    while netns.pid_to_ns(pid) is None:
        pass
    try:
        assert netns.pid_to_ns(pid) == "blue"
        assert netns.pid_to_ns(str(pid), nspath="/run/netns") == "blue"
        assert netns.ns_pids() == {"blue": [pid]}
        assert netns.ns_pids(nspath="/run/netns") == {"blue": [pid]}
        netns.attach("green", pid)
        assert inode("/run/netns/green") == inode("/run/netns/blue")
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)


def create_socket_opens_in_namespace(netns, _):
    netns.create("blue")
    home = here()
    with netns.create_socket("blue", socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        assert (sock.family, sock.type) == (socket.AF_INET6, socket.SOCK_DGRAM)
    listener = netns.create_socket("blue")
    assert isinstance(listener, socket.socket)
    # lo is down in the namespace; in this one it is up, or at least nothing listens.
    with pytest.raises(OSError) as caught:
        netns.create_socket("blue").connect(("127.0.0.1", 1))
    assert caught.value.errno == errno.ENETUNREACH
    netns.create_socket("red", flags=os.O_CREAT).close()
    assert names(netns) == ["blue", "red"]
    assert here() == home
    with netns.create_socket() as own, pytest.raises(TypeError):
        netns.create_socket("blue", fileno=own.fileno())


def nspopen_runs_program_in_namespace(netns, NSPopen):
    args = ["readlink", "/proc/self/ns/net"]
    process = NSPopen("blue", args, stdout=subprocess.PIPE, flags=os.O_CREAT)
    wanted = f"net:[{inode('/run/netns/blue')}]\n".encode()
    assert process.communicate() == (wanted, None)
    assert process.wait() == process.returncode == 0
    process.release()
    with pytest.raises(RuntimeError):
        process.returncode
    process.release()
    process = NSPopen("blue", ["sh", "-c", "cat; exit 3"], stdin=-1, stdout=-1)
    assert process.stdout.fcntl(3) & os.O_ACCMODE == os.O_RDONLY
    process.stdin.write(b"hello")
    process.stdin.close()
    assert process.stdout.read() == b"hello"
    assert process.wait() == 3
    process.release()
    with pytest.raises(FileExistsError):
        NSPopen("blue", ["true"], flags=os.O_CREAT | os.O_EXCL)
    with pytest.raises(FileNotFoundError):
        NSPopen("red", ["true"])


# Missing in older versions of pyroute2.netns.
NEEDS = {
    getnsfd_honors_open_flags: "getnsfd",
    errors_have_expected_type_and_errno: "create_socket",
    create_socket_opens_in_namespace: "create_socket",
}


@pytest.mark.parametrize(
    "program",
    [
        names_are_created_listed_and_removed,
        netns_run_dir_can_be_changed,
        getnsfd_honors_open_flags,
        setns_switches_calling_thread,
        pushns_and_popns_use_stack,
        errors_have_expected_type_and_errno,
        ns_pids_and_pid_to_ns_find_processes,
        create_socket_opens_in_namespace,
        nspopen_runs_program_in_namespace,
    ],
    ids=lambda program: program.__name__,
)
def test_program_works_with_either_package(package, program):
    netns = importlib.import_module(f"{package}.netns")
    if not hasattr(netns, NEEDS.get(program, "create")):
        pytest.skip(f"needs a newer {package}")

    def run():
        program(netns, importlib.import_module(package).NSPopen)

    in_child(run)
