# SPDX-License-Identifier: MIT OR Apache-2.0
"""Measure rows: in every round each tool has its turn, in a newly shuffled order."""

import random
import statistics
import sys
import time

from workers import WorkerError

# The duration in ns of a turn of a fast operation, and the maximum number of operations in it.
TURN = 3_000_000
MOST = 200
LEAST_ROUNDS = 3


class Figures:
    """The results of a row's rounds in us, by tool."""

    def __init__(self, row, others):
        self.row = row
        self.others = others
        self.times = {}
        self.lost = {}

    def quantile(self, tool, share):
        ordered = sorted(self.times[tool])
        return ordered[int(share * (len(ordered) - 1) + 0.5)]

    def median(self, tool):
        return self.quantile(tool, 0.5)

    def ratio(self, tool, beside):
        """The median of the rounds' ratios; None if one of the two has no figures."""
        mine, others = self.times.get(tool), self.times.get(beside)
        if not mine or not others:
            return None
        return statistics.median(a / b for a, b in zip(mine, others))

    def fastest(self, tools):
        return min((tool for tool in tools if tool in self.times), key=self.median, default=None)


class Way:
    """One tool's implementation of a row's operation."""

    def __init__(self, key, worker, operation):
        self.key = key
        self.worker = worker
        self.operation = operation
        self.count = 1


class Bench:
    def __init__(self, workers, seconds, say):
        self.workers = workers
        self.bare = workers["bare"]
        # For a row, before its share is computed.
        self.seconds = seconds
        self.say = say

    def ways(self, operation):
        ways = [
            Way(key, worker, operation)
            for key, worker in self.workers.items()
            if operation in worker.operations
        ]
        if operation == "create":
            ways.append(Way("thread", self.bare, "create-thread"))
        return ways

    def turn(self, row, way, number):
        """Return the ns per operation, and the worker's number."""
        if row.ready:
            self.bare.ask(row.ready, way.count)
        took, answered = way.worker.ask(way.operation, way.count)
        # CNI generates its own names and cleans up by itself.
        if row.undo and not (row.undo == "remove" and way.key == "cni"):
            self.bare.ask(row.undo, way.count)
        if row.rest:
            self.bare.ask("rest", row.rest)
        if None not in (number, answered) and answered != number:
            raise WorkerError(f"{way.key}: {row.operation}: {answered}, and not {number}")
        return took / way.count, answered

    def warm_up(self, row, way, number):
        """The first turn is not counted, but determines the number of operations in the others."""
        way.count = row.count or 1
        took, _ = self.turn(row, way, number)
        if row.count is None:
            took, _ = self.turn(row, way, number)
            way.count = max(1, min(MOST, int(TURN / took)))

    def rounds(self, row, figures, ways, number):
        end = time.monotonic() + self.seconds * row.share
        done = 0
        while done < LEAST_ROUNDS or time.monotonic() < end:
            random.shuffle(ways)
            for way in tuple(ways):
                try:
                    took, answered = self.turn(row, way, number)
                except WorkerError as e:
                    self.leave_out(row, way, e)
                    ways.remove(way)
                    figures.times.pop(way.key, None)
                    continue
                figures.times.setdefault(way.key, []).append(took / 1e3)
                if row.operation == "pairs":
                    figures.lost[way.key] = figures.lost.get(way.key, 0) + answered
            done += 1
            self.say(f"{row.title}, round {done}")

    def leave_out(self, row, way, why):
        """The worker has ended; the tool has no further cells."""
        print(f"\nbench: left out: {row.title}: {why}", file=sys.stderr)
        if way.worker is self.bare:
            raise why
        self.workers = {k: w for k, w in self.workers.items() if w is not way.worker}
        self.bare.ask("clear", way.count)

    def run(self, row, others):
        figures = Figures(row, others)
        number = others + 2 if row.operation == "list" else row.number
        if row.sleepers:
            self.bare.ask("start-sleeper", row.sleepers)
        ways = []
        for way in self.ways(row.operation):
            try:
                self.warm_up(row, way, number)
                ways.append(way)
            except WorkerError as e:
                self.leave_out(row, way, e)
        self.rounds(row, figures, ways, number)
        if row.sleepers:
            self.bare.ask("end-sleeper", row.sleepers)
        return figures
