# SPDX-License-Identifier: MIT OR Apache-2.0
"""The driver: asks the workers in turn, writes results.md and growth.svg, and README's table.

usage: run BUILD STAGE EXAMPLES [--quick] [--only OPERATION,...]
"""

import argparse
import platform
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

import plot
import table
import workers
from measure import Bench
from rows import GROWTH, ROWS, SIZES

HERE = Path(__file__).resolve().parent
# Seconds per row of the table and per row of the growth measurement.
FULL, FULL_GROWTH = 14.0, 10.0
QUICK, QUICK_GROWTH = 0.8, 0.4
# The kernel memory used by a namespace, in kB.
NAMESPACE = 300


def options():
    parser = argparse.ArgumentParser(prog="make bench", description="libnetns beside others.")
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--examples", type=Path, required=True)
    parser.add_argument(
        "--quick", action="store_true", help="under a minute; up to 1,000 namespaces; BUILD only"
    )
    parser.add_argument("--only", default="", help="only these operations, with commas between")
    return parser.parse_args()


class Progress:
    """Show one line on stderr that is overwritten; without a terminal, a line for each row."""

    def __init__(self):
        self.start = time.monotonic()
        self.shown = 0.0

    def clock(self):
        passed = int(time.monotonic() - self.start)
        return f"{passed // 60}:{passed % 60:02}"

    def say(self, words):
        if sys.stderr.isatty() and time.monotonic() - self.shown > 0.2:
            self.shown = time.monotonic()
            print(f"\r\033[Kbench: {self.clock()} {words}", end="", file=sys.stderr, flush=True)

    def tell(self, words):
        start = "\r\033[K" if sys.stderr.isatty() else ""
        print(f"{start}bench: {self.clock()} {words}", file=sys.stderr, flush=True)


def room_for(count):
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) > count * NAMESPACE
    return True


def plan(sizes, only):
    """The rows in order, the number of namespaces then, and whether only the growth measurement
    needs it.
    """
    for size in sizes:
        for row in ROWS:
            if only and row.operation not in only:
                continue
            if row.others == size:
                yield row, size, False
            elif row.operation in GROWTH or (row.operation == "enter" and size <= 1000):
                yield row, size, True


def quicker(row):
    return replace(row, count=2000) if row.operation == "pairs" else row


def measure_all(bench, steps, quick, progress):
    seconds = (QUICK, QUICK_GROWTH) if quick else (FULL, FULL_GROWTH)
    results = []
    there = 0
    for i, (row, size, is_growth) in enumerate(steps):
        if there < size:
            progress.say(f"making {size:,} namespaces")
            bench.bare.ask("others", size)
            there = size
        bench.seconds = seconds[is_growth]
        figures = bench.run(quicker(row) if quick else row, size)
        results.append(figures)
        rounds = len(figures.times["bare"])
        where = f"{row.name}, {size:,} exist" if is_growth else row.title
        progress.tell(f"{i + 1}/{len(steps)} {where}: {rounds} rounds")
    return results


def main():
    given = options()
    tools = workers.all_tools(given.build, given.examples, sys.executable, HERE)
    progress = Progress()
    started, words = workers.start(tools)
    tools = [tool for tool in tools if tool.key in started]
    sizes = [size for size in SIZES if room_for(size) and not (given.quick and size > 1000)]
    if not given.quick and len(sizes) < len(SIZES):
        words.append(f"more than {sizes[-1]:,} namespaces, for which there is no memory")
    bench = Bench(started, FULL, progress.say)
    steps = list(plan(sizes, given.only.split(",") if given.only else ()))
    results = measure_all(bench, steps, given.quick, progress)
    versions = [(tool.key, started[tool.key].version) for tool in tools if tool.key != "bare"]
    for worker in started.values():
        worker.end()

    # Suffixes added by a distributor or the machine's owner do not help a reader.
    release = platform.release().split("-")[0]
    head = f"Linux {release}, {platform.machine()}, {time.strftime('%Y-%m-%d')}"
    if given.quick:
        head += ", a quick run"
    page, missed = table.write(results, tools, versions, head, words)
    whole = not given.quick and not given.only
    where = HERE.parent if whole else given.build
    (where / "results.md").write_text(page)
    of_growth = [figures for figures in results if figures.row.operation in GROWTH]
    if len(sizes) > 1 and of_growth:
        (where / "growth.svg").write_text(plot.draw(of_growth, tools, head))
    if whole:
        table.put_into(HERE.parent.parent / "docs/figures.md", results, tools, head)
    print(page)
    progress.tell(f"done: {where}/results.md and growth.svg; {missed} goals missed")
    return 0


def stop(number, _):
    sys.exit(128 + number)


if __name__ == "__main__":
    # The first process of its pid namespace ignores signals without a handler.
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    sys.exit(main())
