# SPDX-License-Identifier: MIT OR Apache-2.0
"""A Python worker's handling of its operations; c/worker.h describes the protocol."""

import os
import socket
import sys
import time

TARGET = "target"
OUTSIDE, INSIDE, FAR = "192.168.1.1", "192.168.1.2", "172.16.0.2"
GUEST = int(os.environ.get("NETNS_BENCH_GUEST", "0"))
SOCKET = (socket.AF_INET, socket.SOCK_DGRAM)


def name_of(i):
    return f"bench{i}"


def time_all(work, undo, count):
    """The nanoseconds, and what the last work returned."""
    begin = time.perf_counter_ns()
    for i in range(count):
        result = work(i)
    took = time.perf_counter_ns() - begin
    if undo:
        undo()
    return took, result


def serve(version, operations):
    """Operations are pairs of work and undo, which reverts everything."""
    print(version, *operations, flush=True)
    for line in sys.stdin:
        name, count = line.split()
        took, result = time_all(*operations[name], int(count))
        print(took, *([] if result is None else [int(result)]), flush=True)
