# SPDX-License-Identifier: MIT OR Apache-2.0
"""Test the replacement for pyroute2's NSPopen."""

import fcntl
import gc
import io
import os
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from conftest import descriptors, here

import libnetns
from libnetns import NSPopen

# A user namespace may map only one user.
CAN_CHANGE_USER = int(Path("/proc/self/uid_map").read_text().split()[2]) >= 65536


@pytest.fixture
def blue():
    with libnetns.create("blue") as ns:
        yield ns


def test_program_runs_in_namespace_and_thread_stays(blue):
    home = here()
    args = ["readlink", "/proc/self/ns/net"]
    for where in ("blue", b"blue", "/run/netns/blue", blue, blue.fileno()):
        process = NSPopen(where, args, stdout=subprocess.PIPE)
        assert process.communicate() == (f"net:[{blue.inode}]\n".encode(), None)
        assert process.wait() == process.returncode == 0
        process.release()
    assert here() == home


def test_nspopen_behaves_like_popen(blue):
    with NSPopen("blue", ["sh", "-c", "exit 3"]) as process:
        assert isinstance(process, subprocess.Popen)
    assert process.returncode == 3
    assert set(dir(subprocess.Popen)) <= set(dir(NSPopen))
    with NSPopen("blue", "echo $0", shell=True, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.read() == "/bin/sh\n"
    with pytest.raises(subprocess.TimeoutExpired), NSPopen("blue", ["sleep", "60"]) as process:
        try:
            process.wait(0.01)
        finally:
            process.kill()


def test_program_is_child_of_caller(blue):
    with NSPopen("blue", ["sh", "-c", "echo $PPID"], stdout=subprocess.PIPE) as process:
        assert int(process.stdout.read()) == os.getpid()


def test_nspopen_honors_o_creat_and_o_excl():
    with pytest.raises(FileNotFoundError):
        NSPopen("red", ["true"])
    assert libnetns.list() == []
    NSPopen("red", ["true"], flags=os.O_CREAT, libc=None).release()
    assert libnetns.list() == ["red"]
    with pytest.raises(FileExistsError):
        NSPopen("red", ["true"], flags=os.O_CREAT | os.O_EXCL)


def test_failed_start_raises_and_leaks_nothing(blue):
    home = here()
    before = descriptors()
    with pytest.raises(FileNotFoundError):
        NSPopen("blue", ["/nonexistent"], stdout=subprocess.PIPE)
    with pytest.raises(TypeError):
        NSPopen("blue")
    with pytest.raises(ValueError):
        NSPopen("blue", ["true"], bufsize=1, universal_newlines=False, pass_fds=(-1,))
    gc.collect()
    assert descriptors() == before
    assert here() == home


@pytest.mark.parametrize("options", [{}, {"bufsize": 0}, {"text": True}])
def test_streams_have_fcntl_ioctl_and_flock(blue, options):
    pipe = subprocess.PIPE
    process = NSPopen("blue", ["sleep", "60"], stdin=pipe, stdout=pipe, stderr=pipe, **options)
    try:
        assert isinstance(process.stdout, io.IOBase)
        assert process.stdout.fcntl(fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY
        assert process.stdin.fcntl(fcntl.F_GETFL) & os.O_ACCMODE == os.O_WRONLY
        flags = process.stderr.fcntl(fcntl.F_GETFL)
        process.stderr.fcntl(fcntl.F_SETFL, flags | os.O_NONBLOCK)
        assert not os.get_blocking(process.stderr.fileno())
        waiting = process.stdout.ioctl(termios.FIONREAD, b"\0\0\0\0")
        assert struct.unpack("i", waiting) == (0,)
        with pytest.raises(OSError):
            process.stdin.ioctl(termios.TIOCGWINSZ, b"\0" * 8)
        process.stdin.flock(fcntl.LOCK_EX)
        process.stdin.flock(fcntl.LOCK_UN)
        with pytest.raises(OSError):
            process.stdout.lockf(fcntl.LOCK_EX)
    finally:
        process.kill()
        process.release()


def test_deleting_nspopen_closes_streams(blue):
    before = descriptors()
    gc.disable()
    try:
        process = NSPopen("blue", ["true"], stdout=subprocess.PIPE)
        process.wait()
        del process
        assert descriptors() == before
    finally:
        gc.enable()


def test_release_waits_and_invalidates_object(blue, tmp_path):
    done = tmp_path / "done"
    script = f"cat; head -c 1000000 /dev/zero; touch {done}"
    before = descriptors()
    process = NSPopen("blue", ["sh", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.release()
    process.release()
    assert done.exists()
    assert descriptors() == before
    for name in ("returncode", "stdout", "poll", "wait", "communicate", "pid"):
        with pytest.raises(RuntimeError, match="released"):
            getattr(process, name)
    assert process.nsname == "blue"


def test_release_accepts_undecodable_output(blue):
    process = NSPopen("blue", ["printf", "\\377"], stdout=subprocess.PIPE, text=True)
    process.release()


def test_release_does_not_wait_for_background_children(blue):
    script = "sleep 60 & echo $!"
    process = NSPopen("blue", ["sh", "-c", script], stdout=subprocess.PIPE)
    pid = int(process.stdout.readline())
    process.release()
    os.kill(pid, 9)


def test_preexec_fn_runs_in_namespace(blue, tmp_path):
    said = tmp_path / "inode"

    def look():
        said.write_text(str(here()))

    NSPopen("blue", ["true"], preexec_fn=look).release()
    assert said.read_text() == str(blue.inode)


def test_keep_sys_false_shows_sys_of_namespace(blue):
    blue.link_add("br0", "bridge")
    for args in (["ls", "/sys/class/net"], "ls /sys/class/net"):
        options = {"shell": isinstance(args, str), "text": True}
        with NSPopen("blue", args, stdout=-1, keep_sys=False, **options) as process:
            assert "br0" in process.communicate()[0].split()
            assert process.stdout.closed
    process = NSPopen("blue", ["cat"], stdin=-1, stdout=-1, keep_sys=False, keep_etc=False)
    assert process.stdout.fcntl(fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY
    process.release()
    with pytest.raises(RuntimeError, match="released"):
        process.returncode
    with pytest.raises(FileNotFoundError):
        NSPopen("blue", ["/nonexistent"], stdout=-1, keep_etc=False)
    options = {"preexec_fn": print, "pass_fds": (0,), "close_fds": False, "umask": 0}
    if sys.version_info >= (3, 11):
        options["process_group"] = 0
    for name, value in options.items():
        with pytest.raises(ValueError, match=name):
            NSPopen("blue", ["true"], keep_sys=False, **{name: value})


@pytest.mark.skipif(os.geteuid() != 0 or not CAN_CHANGE_USER, reason="needs real root")
@pytest.mark.parametrize("keep_sys", [True, False])
def test_user_and_group_apply_to_program(blue, keep_sys):
    args = ["sh", "-c", "id -u; id -g"]
    with NSPopen("blue", args, stdout=-1, user=12345, group=23456, keep_sys=keep_sys) as process:
        assert process.stdout.read() == b"12345\n23456\n"


def test_interpreter_exits_without_warnings():
    code = (
        "import subprocess, libnetns\n"
        "process = libnetns.NSPopen('/proc/self/ns/net', ['true'], stdout=subprocess.PIPE)\n"
        "process.release()\n"
        "ns, monitor = libnetns.current(), libnetns.Monitor()\n"
        "try:\n"
        "    libnetns.NSPopen('nowhere', ['true'])\n"
        "except FileNotFoundError:\n"
        "    pass\n"
    )
    command = [sys.executable, "-X", "dev", "-c", code]
    done = subprocess.run(command, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
