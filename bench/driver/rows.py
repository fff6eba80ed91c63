# SPDX-License-Identifier: MIT OR Apache-2.0
"""What is measured, and the goals."""

from dataclasses import dataclass
from typing import Optional

# The numbers of other existing namespaces at which GROWTH is measured.
SIZES = (10, 100, 1000, 10000)
GROWTH = ("create", "open", "enter", "list", "remove")


@dataclass(frozen=True)
class Row:
    operation: str
    title: str
    # The number of operations in one turn; None: as many as fill TURN.
    count: Optional[int] = None
    # What the worker of the bare calls does, as often, before and after a turn; neither is timed.
    ready: Optional[str] = None
    undo: Optional[str] = None
    # How many ms the kernel gets after each turn to finish its cleanup.
    rest: int = 0
    # The number of other existing namespaces.
    others: int = SIZES[0]
    # The number that every worker that returns one must return.
    number: Optional[int] = None
    # What else exists meanwhile.
    sleepers: int = 0
    # A part of the time of another row.
    share: float = 1.0

    @property
    def name(self):
        """The title without a number of namespaces."""
        return self.title.split(" of ")[0]


ROWS = (
    Row("create", "create", 8, undo="remove", rest=10),
    Row("create-up", "create, lo up", 8, undo="remove", rest=10),
    Row("create-anonymous", "create, anonymous", 8, rest=10),
    Row("open", "open + close"),
    Row("enter", "enter + leave"),
    Row("run", "run"),
    Row("run-path", "open, run, close"),
    Row("socket", "socket"),
    Row("run-from", "run, from a kept home"),
    Row("socket-from", "socket, from a kept home"),
    Row("sysctl", "set a sysctl"),
    Row("list", "list of 1,000", others=1000),
    Row("nsid", "nsid", number=7),
    Row("nsid-elsewhere", "nsid in another one", number=7),
    Row("attach", "attach", 16, undo="remove"),
    Row("remove", "remove", 16, ready="attach"),
    Row("program", "start `true` in it", 4),
    Row("true", "start `true` here", 8, share=0.3),
    Row("event", "monitor: bind to event", 5),
    Row("pairs", "monitor: 10,000 added, removed", 10000, share=0.7),
    Row("sandbox", "sandbox", 1, undo="delete-veth"),
    Row("load", "dlopen", 3),
    Row("pids", "pids of 5,000", sleepers=5000, number=101),
    Row("holders", "holders among 650", sleepers=650),
    Row("list-all", "list of all, 1,000", others=1000),
    Row("identify", "identify among 1,000", others=1000, number=1),
)


@dataclass(frozen=True)
class Goal:
    """The largest allowed ratio of a tool's time to another's; "peers" is the fastest of all
    others.
    """

    operation: str
    tool: str
    beside: str
    at_most: float
    others: Optional[int] = None


GOALS = (
    Goal("create", "libnetns", "bare", 1.10),
    Goal("create", "libnetns", "thread", 0.95),
    Goal("open", "libnetns", "bare", 2.20),
    Goal("enter", "libnetns", "bare", 1.25),
    Goal("enter", "libnetns", "peers", 0.50),
    Goal("run", "libnetns", "bare", 1.25),
    Goal("socket", "libnetns", "bare", 1.35),
    Goal("run-from", "libnetns", "bare", 1.30),
    Goal("socket-from", "libnetns", "bare", 1.25),
    Goal("sysctl", "libnetns", "bare", 1.30),
    Goal("nsid", "libnetns", "bare", 1.50),
    Goal("nsid-elsewhere", "libnetns", "bare", 1.00),
    Goal("remove", "libnetns", "bare", 1.50),
    Goal("list", "libnetns", "bare", 1.40, others=1000),
    Goal("pids", "libnetns", "bare", 1.30),
    Goal("holders", "libnetns", "bare", 1.30),
    Goal("list-all", "libnetns", "bare", 1.50, others=1000),
    Goal("sandbox", "libnetns", "bare", 1.25),
    Goal("create", "libnetns", "bare", 1.10, others=10000),
    Goal("create", "libnetns", "thread", 0.95, others=10000),
    Goal("open", "libnetns", "bare", 2.20, others=10000),
    Goal("remove", "libnetns", "bare", 1.50, others=10000),
    Goal("list", "libnetns", "bare", 1.40, others=10000),
    # Faster than every peer: in C, and each language's package among those in its language.
    *(
        Goal(operation, "libnetns", "peers", 1.00)
        for operation in (
            "create", "create-up", "create-anonymous", "open", "run", "run-path", "socket", "nsid",
            "nsid-elsewhere", "attach", "remove", "program", "event", "sandbox", "pids",
        )
    ),
    Goal("list", "libnetns", "peers", 1.00, others=1000),
    Goal("identify", "libnetns", "peers", 1.00, others=1000),
    Goal("create", "go", "cni", 1.00),
    Goal("create", "go", "vishvananda", 1.10),
    Goal("create-anonymous", "go", "cni", 1.00),
    Goal("create-anonymous", "go", "vishvananda", 1.10),
    Goal("run", "go", "cni", 1.00),
    Goal("run-path", "go", "cni", 1.00),
    Goal("sandbox", "go", "vishvananda", 1.00),
    Goal("create", "python", "pyroute2", 1.00),
    Goal("enter", "python", "pyroute2", 0.50),
    Goal("enter", "python", "pyroute2", 0.10, others=1000),
    Goal("socket", "python", "pyroute2", 0.10),
    Goal("sandbox", "python", "pyroute2", 1.00),
    Goal("list", "python", "libnetns", 1.50, others=1000),
    Goal("pids", "python", "libnetns", 1.10),
    Goal("pids", "go", "libnetns", 1.10),
    Goal("create", "netns", "ip", 1.00),
    Goal("remove", "netns", "ip", 1.00),
    Goal("program", "netns", "ip", 1.00),
    Goal("identify", "netns", "ip", 1.00, others=1000),
    Goal("list", "netns", "ip", 1.00, others=10000),
)  # fmt: skip


@dataclass(frozen=True)
class Growth:
    """The library's time at one size relative to another, optionally compared with the growth of
    the bare calls.
    """

    operation: str
    few: int
    many: int
    at_most: float
    by_bare: bool = False


GROWTH_GOALS = (
    Growth("create", 10, 10000, 1.25),
    # Each additional namespace needs another memory access, which is slow for all tools when caches
    # are full.
    Growth("list", 1000, 10000, 1.10, by_bare=True),
)
