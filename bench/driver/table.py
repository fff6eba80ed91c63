# SPDX-License-Identifier: MIT OR Apache-2.0
"""Format figures as Markdown."""

from pathlib import Path

from rows import GOALS, GROWTH, GROWTH_GOALS

# A complete run replaces the text between these marks in docs/figures.md.
BEGIN, END = "<!-- make bench -->", "<!-- end of make bench -->"
NOTES = Path(__file__).with_name("notes.md").read_text()


def number(us):
    if us < 10:
        return f"{us:.2f}"
    if us < 100:
        return f"{us:.1f}"
    return f"{us:,.0f}"


def cell(figures, tool):
    if tool not in figures.times:
        return "-"
    share = figures.ratio(tool, "bare")
    text = number(figures.median(tool))
    return text if tool == "bare" or share is None else f"{text} ({number(share)})"


def line(cells):
    return "| " + " | ".join(cells) + " |"


def compact(results, tools):
    """A line per row, a column per tool: the median, and its ratio to the bare calls."""
    yield line(["us per call", *(tool.title for tool in tools)])
    yield "|---|" + "---:|" * len(tools)
    for figures in results:
        yield line([figures.row.title, *(cell(figures, tool.key) for tool in tools)])


def details(results, titles):
    yield line(["row", "tool", "median us", "10 %", "90 %", "ratio", "rounds"])
    yield "|---|---|" + "---:|" * 5
    for figures in results:
        for tool in titles:
            if tool not in figures.times:
                continue
            share = figures.ratio(tool, "bare")
            yield line(
                [
                    figures.row.title,
                    titles[tool],
                    *(number(figures.quantile(tool, part)) for part in (0.5, 0.1, 0.9)),
                    "" if share is None else f"{share:.2f}",
                    str(len(figures.times[tool])),
                ]
            )


def growth(results, tools):
    """A line per operation and tool, a column per size."""
    sizes = sorted({figures.others for figures in results}, key=int)
    yield line(["us per call", "tool", *(f"{size:,}" for size in sizes)])
    yield "|---|---|" + "---:|" * len(sizes)
    by_place = {(figures.row.operation, figures.others): figures for figures in results}
    for operation in dict.fromkeys(figures.row.operation for figures in results):
        for tool in tools:
            places = [by_place.get((operation, size)) for size in sizes]
            if not any(place and tool.key in place.times for place in places):
                continue
            row = next(place for place in places if place)
            cells = [cell(place, tool.key) if place else "-" for place in places]
            yield line([row.row.name, tool.title, *cells])


def verdict(is_missed):
    return "**above**" if is_missed else "within"


def judge(title, tool, beside, measured, at_most):
    """A goal's line, and whether it is missed."""
    is_missed = round(measured, 2) > at_most
    cells = [title, tool, beside, f"{measured:.2f}", f"{at_most:.2f}", verdict(is_missed)]
    return line(cells), is_missed


def shares(results, peers, titles):
    """The goals relative to other tools, if both are available."""
    by_place = {(figures.row.operation, figures.others): figures for figures in results}
    first = {figures.row.operation: figures for figures in reversed(results)}
    for goal in GOALS:
        place = (goal.operation, goal.others)
        figures = by_place.get(place) if goal.others else first.get(goal.operation)
        if not figures:
            continue
        beside = figures.fastest(peers) if goal.beside == "peers" else goal.beside
        measured = figures.ratio(goal.tool, beside)
        if measured is None:
            continue
        title = figures.row.title
        if goal.others and figures.row.others != goal.others:
            title = f"{figures.row.name}, {goal.others:,} exist"
        name = titles[beside] + (", the fastest other" if goal.beside == "peers" else "")
        yield judge(title, titles[goal.tool], name, measured, goal.at_most)


def flatness(results, titles):
    """The goals relative to the library with fewer namespaces."""
    by_place = {(figures.row.operation, figures.others): figures for figures in results}
    for goal in GROWTH_GOALS:
        few = by_place.get((goal.operation, goal.few))
        many = by_place.get((goal.operation, goal.many))
        if not few or not many:
            continue
        measured = many.median("libnetns") / few.median("libnetns")
        beside = f"itself, {goal.few:,} exist"
        if goal.by_bare:
            measured /= many.median("bare") / few.median("bare")
            beside += ", by the bare calls' growth"
        title = f"{few.row.name}, {goal.many:,} exist"
        yield judge(title, titles["libnetns"], beside, measured, goal.at_most)


def losses(results, titles):
    for figures in results:
        if "libnetns" not in figures.lost:
            continue
        events = 2 * figures.row.count * len(figures.times["libnetns"])
        lost = figures.lost["libnetns"]
        yield judge("events lost", titles["libnetns"], f"of {events:,}", lost, 0)


def of_the_page(results):
    """The rows of the page's table, each at the number of namespaces that it requires."""
    return [figures for figures in results if figures.others == figures.row.others]


def write(results, tools, versions, head, words):
    """The whole page, and the number of missed goals."""
    titles = {tool.key: tool.title for tool in tools} | {"thread": "a thread per create"}
    rows = of_the_page(results)
    sizes = [figures for figures in results if figures.row.operation in GROWTH]
    peers = [tool.key for tool in tools if not tool.ours and tool.key != "bare"]
    judged = [
        *shares(results, peers, titles),
        *flatness(results, titles),
        *losses(results, titles),
    ]
    used = ", ".join(f"{titles[key].strip('*')} {text}" for key, text in versions)
    missed = sum(is_missed for _, is_missed in judged)
    parts = [
        "# What it costs\n",
        f"{head}. Written by `make bench`; [README.md](README.md) says how it measures.\n",
        "The median, in us per call; in brackets, the median of the ratios to the bare calls.\n",
        *compact(rows, tools),
        NOTES,
        f"Versions: {used}.",
        *(f"Left out: {word}." for word in words),
        "\n## As more namespaces exist\n",
        "![Cost by the number of namespaces](growth.svg)\n",
        *growth(sizes, tools),
        f"\n## Goals\n\n{missed} missed of {len(judged)}. A share of the other's time.\n",
        line(["row", "tool", "beside", "share", "at most", ""]),
        "|---|---|---|---:|---:|---|",
        *(text for text, _ in judged),
        "\n## All figures\n",
        *details(rows, titles),
        "",
    ]
    return "\n".join(parts), missed


def put_into(page, results, tools, head):
    """Write the library and the others between the marks in the page, if it has them."""
    text = page.read_text()
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        return
    shown = [tool for tool in tools if tool.key == "libnetns" or not tool.ours]
    lines = "\n".join([f"{head}:", "", *compact(of_the_page(results), shown)])
    page.write_text(f"{before}{begin}\n{lines}\n{end}{after}")
