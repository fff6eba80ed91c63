# SPDX-License-Identifier: MIT OR Apache-2.0
"""Test programs run by spawn() and exec()."""

import errno
import gc
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest
from conftest import CLONE_NEWNS, descriptors, in_child, libc, mount, system

import libnetns


@pytest.fixture
def blue():
    with libnetns.create("blue") as ns:
        yield ns


def output_of(blue, args, **kwargs):
    """Return a program's output and its exit status."""
    readable, writable = os.pipe()
    with open(readable) as reader:
        with open(writable, "w") as writer:
            process = blue.spawn(args, stdout=writer, **kwargs)
        return reader.read(), process.wait()


def test_program_runs_in_namespace(blue):
    assert output_of(blue, ["readlink", "/proc/self/ns/net"]) == (f"net:[{blue.inode}]\n", 0)


def test_program_sees_sys_of_namespace(blue):
    blue.link_add("br0", "bridge")
    assert "br0" in output_of(blue, ["ls", "/sys/class/net"])[0].split()
    if os.path.isdir("/sys/class/net"):
        assert "br0" not in output_of(blue, ["ls", "/sys/class/net"], keep_sys=True)[0].split()


def test_arguments_environment_and_cwd_reach_program(blue):
    script = 'echo "$1 $NAME $(pwd)"; exit 7'
    environment = {"NAME": "value", b"PATH": os.environb[b"PATH"]}
    args = ["sh", "-c", script, "sh", b"an argument"]
    said = output_of(blue, args, env=environment, cwd=Path("/usr"), executable="/bin/sh")
    assert said == ("an argument value /usr\n", 7)
    os.environ["LIBNETNS_TEST"] = "inherited"
    try:
        assert output_of(blue, ["sh", "-c", "echo $LIBNETNS_TEST"])[0] == "inherited\n"
    finally:
        del os.environ["LIBNETNS_TEST"]


def test_standard_streams_are_redirected(blue, tmp_path):
    said, errors = tmp_path / "out", tmp_path / "err"
    with open("/proc/self/comm") as stdin, open(said, "w") as out, open(errors, "w") as err:
        args = ["sh", "-c", "cat; echo wrong >&2"]
        assert blue.spawn(args, stdin=stdin, stdout=out.fileno(), stderr=err).wait() == 0
    assert said.read_text() == Path("/proc/self/comm").read_text()
    assert errors.read_text() == "wrong\n"
    null = subprocess.DEVNULL
    args = ["sh", "-c", "cat; echo nothing; echo nothing >&2"]
    assert blue.spawn(args, stdin=null, stdout=null, stderr=null).wait() == 0


def test_pipes_behave_like_subprocess(blue):
    before = descriptors()
    args = ["sh", "-c", "cat; readlink /proc/self/ns/net; echo wrong >&2; exit 3"]
    pipe = subprocess.PIPE
    with blue.spawn(args, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        assert isinstance(process, subprocess.Popen)
        said, errors = process.communicate("input\n", 60)
    assert (said, errors) == (f"input\nnet:[{blue.inode}]\n", "wrong\n")
    assert process.returncode == 3
    with blue.spawn(
        args, stdin=subprocess.DEVNULL, stdout=pipe, stderr=subprocess.STDOUT
    ) as process:
        assert process.stdout.read() == f"net:[{blue.inode}]\nwrong\n".encode()
    with blue.spawn(["printf", "\\351"], stdout=pipe, encoding="latin-1", bufsize=0) as process:
        assert process.stdout.read() == "\N{LATIN SMALL LETTER E WITH ACUTE}"
    with pytest.raises(FileNotFoundError):
        blue.spawn(["/nonexistent"], stdin=pipe, stdout=pipe, stderr=pipe)
    gc.collect()
    assert descriptors() == before


def test_run_program_behaves_like_subprocess_run(blue):
    done = blue.run_program(["cat"], input=b"hello", capture_output=True)
    assert (done.args, done.returncode, done.stdout, done.stderr) == (["cat"], 0, b"hello", b"")
    done = blue.run_program(["sh", "-c", "exit 3"])
    assert (done.returncode, done.stdout) == (3, None)
    with pytest.raises(subprocess.CalledProcessError) as caught:
        blue.run_program(
            ["sh", "-c", "echo $0; exit 3"], capture_output=True, text=True, check=True
        )
    assert (caught.value.returncode, caught.value.stdout) == (3, "sh\n")
    with pytest.raises(subprocess.TimeoutExpired):
        blue.run_program(["sleep", "60"], timeout=0.01)
    assert blue.pids() == []
    with pytest.raises(ValueError, match="stdout"):
        blue.run_program(["true"], capture_output=True, stdout=subprocess.DEVNULL)
    with pytest.raises(ValueError, match="stdin"):
        blue.run_program(["true"], input=b"", stdin=subprocess.DEVNULL)


def with_files_of_its_own(start):
    """Call the function with different files as /etc/hosts for "blue" and for all others."""

    def see():
        system(libc.unshare(CLONE_NEWNS))
        mount(b"netns-test", b"/etc", b"tmpfs")
        os.makedirs("/etc/netns/blue")
        Path("/etc/hosts").write_text("everybody's\n")
        Path("/etc/netns/blue/hosts").write_text("blue's\n")
        start()

    in_child(see)


@pytest.mark.parametrize("keep_etc", [False, True])
def test_program_sees_etc_files_unless_keep_etc(blue, keep_etc):
    wanted = "everybody's\n" if keep_etc else "blue's\n"

    def see():
        done = blue.run_program(
            ["cat", "/etc/hosts"], capture_output=True, text=True, keep_etc=keep_etc
        )
        assert (done.stdout, done.stderr) == (wanted, "")
        with libnetns.NSPopen(
            "blue", ["cat", "/etc/hosts"], stdout=-1, keep_etc=keep_etc
        ) as process:
            assert process.stdout.read().decode() == wanted

    with_files_of_its_own(see)


def test_spawn_and_exec_raise_cause_of_failure(blue):
    with pytest.raises(FileNotFoundError) as caught:
        blue.spawn(["/nonexistent"])
    assert caught.value.filename == "/nonexistent"
    with pytest.raises(PermissionError):
        blue.spawn(["/proc/self/comm"])
    with pytest.raises(FileNotFoundError):
        blue.spawn(["true"], cwd="/nonexistent")
    with pytest.raises(FileNotFoundError):
        blue.exec(["/nonexistent"])
    with pytest.raises(ValueError):
        blue.spawn([])
    with pytest.raises(ValueError, match="null byte"):
        blue.spawn(["true", "a\0b"])
    with pytest.raises(ValueError, match="environment"):
        blue.spawn(["true"], env={"a=b": "c"})
    for line in ("true", b"true"):
        with pytest.raises(TypeError):
            blue.spawn(line)
    with pytest.raises(TypeError):
        blue.spawn(["true", 42])


def test_wait_poll_and_terminate_report_exit_code(blue):
    with blue.spawn(["sleep", "60"]) as process:
        assert process.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.01)
        process.send_signal(0)
        process.terminate()
        assert process.wait(60) == -signal.SIGTERM
        # Its pid may belong to another process by now.
        process.kill()
    assert process.returncode == -signal.SIGTERM
    assert process.wait() == -signal.SIGTERM


def test_kill_works_while_other_threads_wait(blue):
    process = blue.spawn(["sleep", "60"])
    codes = []
    threads = [threading.Thread(target=lambda: codes.append(process.wait())) for _ in range(3)]
    for thread in threads:
        thread.start()
    time.sleep(0.01)
    process.kill()
    for thread in threads:
        thread.join(60)
    assert codes == [-signal.SIGKILL] * 3


def test_wait_returns_zero_if_child_was_already_reaped(blue):
    process = blue.spawn(["true"])
    os.waitpid(process.pid, 0)
    assert process.wait(1) == 0
    assert process.wait() == 0


@pytest.fixture
def etc():
    """Create a private /etc, and a resolv.conf for blue."""
    subprocess.run(["mount", "-t", "tmpfs", "none", "/etc"], check=True)
    try:
        os.makedirs("/etc/netns/blue")
        Path("/etc/netns/blue/resolv.conf").write_text("blue's")
        yield Path("/etc/resolv.conf")
    finally:
        subprocess.run(["umount", "-l", "/etc"], check=True)


def test_missing_etc_file_is_skipped_and_reported(blue, etc):
    with blue.spawn(["true"], keep_sys=True) as process:
        assert "skip the file for /etc/resolv.conf: No such file" in process.left_out
    with pytest.raises(FileNotFoundError, match="bind on /etc/resolv.conf: .*create an empty file"):
        blue.spawn(["true"], keep_sys=True, strict_etc=True)
    etc.write_text("")
    with blue.spawn(["true"], keep_sys=True, strict_etc=True) as process:
        assert process.left_out is None
    with blue.spawn(["true"], keep_sys=True) as process:
        assert process.left_out is None


def test_pin_etc_keeps_file_after_target_is_removed(blue, etc, tmp_path):
    etc.write_text("host's")
    ours, theirs = os.pipe()
    with open(tmp_path / "out", "w") as out:
        args = ["sh", "-c", "read line; cat /etc/resolv.conf"]
        try:
            process = blue.spawn(args, keep_sys=True, pin_etc=True, stdin=ours, stdout=out)
        except OSError as error:
            if error.errno not in (errno.ENODEV, errno.EPERM):
                raise
            pytest.skip(str(error))
        finally:
            os.close(ours)
    etc.unlink()
    os.close(theirs)
    assert process.wait() == 0
    assert (tmp_path / "out").read_text() == "blue's"


def test_exec_replaces_process(blue, tmp_path):
    said = tmp_path / "out"

    def become():
        os.dup2(os.open(said, os.O_WRONLY | os.O_CREAT, 0o600), 1)
        blue.exec(["sh", "-c", "readlink /proc/self/ns/net"])

    in_child(become)
    assert said.read_text() == f"net:[{blue.inode}]\n"


IDS = "id -u; id -g; id -G"

# A user namespace may map only one user.
needs_all_ids = pytest.mark.skipif(
    os.geteuid() != 0 or int(Path("/proc/self/uid_map").read_text().split()[2]) < 65536,
    reason="needs real root",
)


@needs_all_ids
def test_user_and_groups_apply_to_program(blue):
    here = f"{os.getegid()}\n"
    args = ["sh", "-c", IDS]
    said = output_of(blue, args, user=12345, group=23456, extra_groups=[7, 8])
    assert said == ("12345\n23456\n23456 7 8\n", 0)
    said = output_of(blue, args, user=12345, group=23456, extra_groups=())
    assert said == ("12345\n23456\n23456\n", 0)
    # Arguments that are not passed have subprocess's defaults.
    assert output_of(blue, args, user=12345)[0].startswith("12345\n" + here)
    assert output_of(blue, args, group=23456)[0].startswith(f"{os.geteuid()}\n23456\n")
    assert output_of(blue, args, user="root", group="root", extra_groups=["root"])[0] == "0\n0\n0\n"
    for user in (12345, "root"):
        kwargs = {"user": user, "group": 23456, "extra_groups": [7, 8], "text": True}
        expected = subprocess.run(args, stdout=subprocess.PIPE, check=True, **kwargs).stdout
        del kwargs["text"]
        assert output_of(blue, args, **kwargs)[0] == expected


@needs_all_ids
def test_cwd_is_checked_with_users_permissions(blue, tmp_path):
    tmp_path.chmod(0o700)
    with pytest.raises(PermissionError):
        blue.spawn(["true"], user=12345, cwd=tmp_path)


def test_spawn_rejects_invalid_user_and_group(blue):
    for number in (-1, 2**32 - 1, 2**32):
        with pytest.raises(ValueError):
            blue.spawn(["true"], user=number)
        with pytest.raises(ValueError):
            blue.spawn(["true"], group=number)
        with pytest.raises(ValueError):
            blue.spawn(["true"], extra_groups=[number])
    with pytest.raises(KeyError):
        blue.spawn(["true"], user="no-such-user")
    with pytest.raises(TypeError):
        blue.spawn(["true"], user=1.5)


def test_start_new_session_creates_session(blue):
    for own in (False, True):
        process = blue.spawn(["sleep", "1000"], start_new_session=own)
        assert os.getsid(process.pid) == (process.pid if own else os.getsid(0))
        process.kill()
        process.wait()
