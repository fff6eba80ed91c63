#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Python's package beside pyroute2: in every round each way has its turn, as bench.h has it.

usage: python.py        (with libnetns and pyroute2 where Python finds them, as root)
"""

import ctypes
import os
import platform
import statistics
import sys
import time

import pyroute2.netns as theirs

import libnetns
from libnetns import netns as ours

CLONE_NEWNS = 0x00020000
MS_REC_PRIVATE = 16384 | 1 << 18
NAME = "target"
MANY = 1200

libc = ctypes.CDLL(None, use_errno=True)


def must(rc):
    if rc < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def enter_a_private_world():
    must(libc.unshare(CLONE_NEWNS))
    must(libc.mount(b"none", b"/", b"none", MS_REC_PRIVATE, None))
    must(libc.mount(b"bench", b"/run", b"tmpfs", 0, b"mode=755"))


# --- ways: each does the work once; i counts up from 0 within a batch ----------------------------


def push_and_pop_theirs(_):
    theirs.pushns(NAME)
    theirs.popns()


def push_and_pop_ours(_):
    ours.pushns(NAME)
    ours.popns()


def enter_and_leave(_):
    with target.entered():
        pass


def socket_theirs(_):
    theirs.create_socket(NAME).close()


def socket_ours(_):
    ours.create_socket(NAME).close()


def socket_of_the_handle(_):
    target.socket().close()


def create_theirs(i):
    theirs.create(f"bench{i}")


def create_ours(i):
    ours.create(f"bench{i}")


def create_by_handle(i):
    libnetns.create(f"bench{i}").close()


def remove_all(count):
    for i in range(count):
        libnetns.remove(f"bench{i}")


def nothing(_):
    pass


def attach_many():
    for i in range(MANY):
        target.attach(f"many{i}")


def remove_many():
    for i in range(MANY):
        libnetns.remove(f"many{i}")


WAYS_IN = (
    ("pyroute2 push/pop", push_and_pop_theirs),
    ("netns push/pop", push_and_pop_ours),
    ("libnetns entered", enter_and_leave),
)

# Name, rounds, batch, at most what share of the first way's time, undo, the ways.
ROWS = (
    # The bare system calls are a quarter of what pyroute2 takes here.
    ("py enter + leave", 200, 100, 0.50, nothing, WAYS_IN),
    (
        "py socket", 20, 20, 0.10, nothing,
        (("pyroute2", socket_theirs), ("netns", socket_ours), ("libnetns", socket_of_the_handle)),
    ),
    (
        "py create", 20, 16, 1.00, remove_all,
        (("pyroute2", create_theirs), ("netns", create_ours), ("libnetns", create_by_handle)),
    ),
)  # fmt: skip
# pyroute2 lists the run directory each time.
AMONG_MANY = ("py enter, 1,200", 60, 20, 0.10, nothing, WAYS_IN)


def time_batch(work, undo, batch):
    """How many microseconds one took."""
    begin = time.perf_counter_ns()
    for i in range(batch):
        work(i)
    took = time.perf_counter_ns() - begin
    undo(batch)
    return took / batch / 1e3


def quantile(times, part):
    ordered = sorted(times)
    return ordered[min(int(len(ordered) * part), len(ordered) - 1)]


def ratio(times, others):
    return statistics.median(time / other for time, other in zip(times, others))


def run_row(row):
    """Times a row and prints it; returns whether its goal was missed."""
    name, rounds, batch, at_most, undo, ways = row
    times = [[] for _ in ways]
    # The first rounds warm caches up, and count for nothing.
    for number in range(-2, rounds):
        for turn in range(len(ways)):
            way = (number + 2 + turn) % len(ways)
            took = time_batch(ways[way][1], undo, batch)
            if number >= 0:
                times[way].append(took)
    for (way, _), mine in zip(ways, times):
        share = ratio(mine, times[0])
        figures = [quantile(mine, part) for part in (0.5, 0.1, 0.9)]
        columns = " | ".join(f"{figure:9.2f}" for figure in figures)
        goal = ""
        if mine is times[-1]:
            word = "within" if share <= at_most else "ABOVE"
            goal = f" {word} {at_most:.2f} of {ways[0][0]}{' !' if share > at_most else ''}"
        print(f"| {name:<18} | {way:<17} | {columns} | {share:5.2f} |{goal} |", flush=True)
    return share > at_most


def main():
    if os.geteuid() != 0:
        print("the benchmark makes network namespaces: run it as root", file=sys.stderr)
        return 77
    global target
    enter_a_private_world()
    target = libnetns.create(NAME)
    print(
        f"libnetns {libnetns.version()} in Python {platform.python_version()} on Linux "
        f"{platform.release()}, beside pyroute2 {pyroute2_version()}; us per call; ratio to the "
        "first way of the row\n"
    )
    header = ("row", "way", "median us", "p10 us", "p90 us", "ratio", "goal")
    print("| {:<18} | {:<17} | {:>9} | {:>9} | {:>9} | {:>5} | {} |".format(*header))
    print("|---|---|---:|---:|---:|---:|---|")
    missed = sum(map(run_row, ROWS))
    attach_many()
    missed += run_row(AMONG_MANY)
    remove_many()
    print(f"\n{missed} goals missed\n")
    return 0


def pyroute2_version():
    from importlib.metadata import version

    return version("pyroute2")


if __name__ == "__main__":
    sys.exit(main())
