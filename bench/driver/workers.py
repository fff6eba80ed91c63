# SPDX-License-Identifier: MIT OR Apache-2.0
"""The tools, and the processes that perform their operations; c/worker.h describes the protocol."""

import os
import selectors
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

# A worker that has not answered within this many seconds is considered stuck.
PATIENCE = 180


@dataclass(frozen=True)
class Tool:
    key: str
    title: str
    command: tuple
    # This library's tools are compared with others of the same kind.
    ours: bool = False


def all_tools(build, examples, python, here):
    """Every tool, available or not; its program is command[0]."""
    rust, go = str(build / "netns-bench"), str(build / "netns-bench-go")
    worker = here.parent / "python"
    return (
        Tool("bare", "bare calls", (str(build / "bare"),)),
        Tool("libnetns", "**libnetns**", (str(build / "libnetns"),), ours=True),
        Tool("rust", "libnetns, Rust", (rust, "libnetns"), ours=True),
        Tool("go", "libnetns, Go", (go, "libnetns"), ours=True),
        Tool("python", "libnetns, Python", (python, str(worker / "with_libnetns.py")), ours=True),
        Tool("netns", "`netns`", (str(build / "programs"), str(examples / "netns")), ours=True),
        Tool("netns-rs", "netns-rs", (rust, "netns-rs")),
        Tool("rtnetlink", "rtnetlink", (rust, "rtnetlink")),
        Tool("vishvananda", "vishvananda", (go, "vishvananda")),
        Tool("cni", "CNI", (go, "cni")),
        Tool("pyroute2", "pyroute2", (python, str(worker / "with_pyroute2.py"))),
        Tool("ip", "`ip netns`", (str(build / "programs"), "ip")),
    )


class WorkerError(Exception):
    """A worker that could not perform a request."""


class Worker:
    def __init__(self, tool):
        self.tool = tool
        try:
            self.process = subprocess.Popen(
                tool.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        except OSError as e:
            raise WorkerError(f"{tool.command[0]}: {e.strerror}") from e
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.process.stdout, selectors.EVENT_READ)
        self.version, *operations = self._answer().split()
        self.operations = frozenset(operations)

    def _answer(self):
        line = self.process.stdout.readline() if self.selector.select(PATIENCE) else ""
        if not line:
            self.process.kill()
            raise WorkerError(f"{self.tool.key}: no answer")
        return line

    def ask(self, operation, count=1):
        """The nanoseconds for all, and the operation's number if it returns one."""
        try:
            self.process.stdin.write(f"{operation} {count}\n")
            self.process.stdin.flush()
        except BrokenPipeError as e:
            raise WorkerError(f"{self.tool.key}: has ended") from e
        took, *number = self._answer().split()
        return float(took), int(number[0]) if number else None

    def end(self):
        self.process.stdin.close()
        self.process.wait()
        self.selector.close()


def start(tools):
    """The workers by their tool's key, and a message about each that is not available."""
    workers, words = {}, []
    for tool in tools:
        program = Path(tool.command[0])
        if not program.exists():
            words.append(f"{tool.title.strip('*')}: not there")
            continue
        try:
            worker = Worker(tool)
        except WorkerError as e:
            words.append(f"{tool.title.strip('*')}: {e}")
            continue
        workers[tool.key] = worker
        if tool.key == "bare":
            _, guest = worker.ask("guest")
            os.environ["NETNS_BENCH_GUEST"] = str(guest)
    for word in words:
        print(f"bench: left out: {word}", file=sys.stderr)
    return workers, words
