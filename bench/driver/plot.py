# SPDX-License-Identifier: MIT OR Apache-2.0
"""Plot growth as an SVG: a small panel for each operation, log axes, a line per tool."""

import math

WIDTH, HEIGHT = 960, 640
COLUMNS = 3
PANEL_WIDTH, PANEL_HEIGHT = 296, 264
LEFT, TOP = 20, 76
# The position of the axes within a panel.
INNER = {"left": 56, "right": 12, "top": 30, "bottom": 44}

# This library's tools share one colour and are drawn last. The colours are distinguishable for
# colour-blind readers; the second is for a dark page.
STYLES = {
    "bare": ("#57606a", "#9da7b3", "2 3", "circle"),
    "netns-rs": ("#b35900", "#ffa657", "", "square"),
    "rtnetlink": ("#8a6d00", "#e3b341", "6 3", "square"),
    "vishvananda": ("#1a7f37", "#56d364", "", "triangle"),
    "cni": ("#0f766e", "#5eead4", "6 3", "triangle"),
    "pyroute2": ("#a8327d", "#ff8ad1", "", "diamond"),
    "ip": ("#cf222e", "#ff7b72", "", "cross"),
    "netns": ("#0969da", "#79c0ff", "1 3", "cross"),
    "python": ("#0969da", "#79c0ff", "3 3", "diamond"),
    "rust": ("#0969da", "#79c0ff", "12 2", "square"),
    "go": ("#0969da", "#79c0ff", "8 3", "triangle"),
    "libnetns": ("#0969da", "#79c0ff", "", "circle"),
}


def style():
    light = dark = ""
    for tool, (on_light, on_dark, dashes, _) in STYLES.items():
        width = 3 if tool == "libnetns" else 1.6
        dashing = f"stroke-dasharray:{dashes};" if dashes else ""
        light += f".{tool}{{stroke:{on_light};fill:none;stroke-width:{width};{dashing}}}\n"
        light += f".m-{tool}{{stroke:{on_light};fill:{on_light}}}\n"
        dark += f".{tool}{{stroke:{on_dark}}}\n.m-{tool}{{stroke:{on_dark};fill:{on_dark}}}\n"
    return (
        "text{font-family:system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif;"
        "font-size:12px;fill:#1f2328}\n"
        ".title{font-size:16px;font-weight:600}.head{font-size:13px;font-weight:600}\n"
        ".faint{fill:#57606a}.page{fill:#ffffff;stroke:#d0d7de}\n"
        ".grid{stroke:#d8dee4;stroke-width:1}.axis{stroke:#57606a;stroke-width:1}\n"
        f"{light}"
        "@media (prefers-color-scheme:dark){\n"
        "text{fill:#e6edf3}.faint{fill:#9da7b3}.page{fill:#0d1117;stroke:#30363d}\n"
        f".grid{{stroke:#21262d}}.axis{{stroke:#9da7b3}}\n{dark}}}\n"
    )


def marker(tool, x, y):
    shape = STYLES[tool][3]
    r = 3.4
    if shape == "circle":
        return f'<circle class="m-{tool}" cx="{x:.1f}" cy="{y:.1f}" r="{r}"/>'
    points = {
        "square": ((-r, -r), (r, -r), (r, r), (-r, r)),
        "triangle": ((0, -r - 1), (r, r - 0.5), (-r, r - 0.5)),
        "diamond": ((0, -r - 1), (r + 1, 0), (0, r + 1), (-r - 1, 0)),
    }.get(shape)
    if points:
        path = " ".join(f"{x + dx:.1f},{y + dy:.1f}" for dx, dy in points)
        return f'<polygon class="m-{tool}" points="{path}"/>'
    return (
        f'<path class="m-{tool}" stroke-width="1.6" d="M{x - r:.1f} {y - r:.1f}l{2 * r} {2 * r}'
        f'm0 {-2 * r}l{-2 * r} {2 * r}"/>'
    )


def text(x, y, words, kind="", anchor="start"):
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{words}</text>'


def rule(kind, x1, y1, x2, y2):
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def duration(us):
    if us >= 1e6:
        return f"{us / 1e6:g} s"
    if us >= 1e3:
        return f"{us / 1e3:g} ms"
    return f"{us:g} µs"


class Panel:
    """One operation: lines maps a tool to its (size, us)."""

    def __init__(self, place, title, lines, sizes):
        self.title = title
        self.lines = lines
        self.sizes = sizes
        left = LEFT + place % COLUMNS * (PANEL_WIDTH + 16)
        top = TOP + place // COLUMNS * (PANEL_HEIGHT + 16)
        self.x0, self.x1 = left + INNER["left"], left + PANEL_WIDTH - INNER["right"]
        self.y0, self.y1 = top + PANEL_HEIGHT - INNER["bottom"], top + INNER["top"]
        values = [us for line in lines.values() for _, us in line]
        self.low = math.log10(min(values)) - 0.1
        self.high = math.log10(max(values)) + 0.1

    def x(self, size):
        low, high = math.log10(self.sizes[0]), math.log10(self.sizes[-1])
        return self.x0 + (math.log10(size) - low) / ((high - low) or 1) * (self.x1 - self.x0)

    def y(self, us):
        return self.y0 + (math.log10(us) - self.low) / (self.high - self.low) * (self.y1 - self.y0)

    def ticks(self):
        """Round tick values; more per power of ten if the axis spans fewer powers."""
        span = self.high - self.low
        steps = (1, 2, 5) if span < 1.7 else (1, 3) if span < 3 else (1,)
        for power in range(math.floor(self.low), math.ceil(self.high)):
            for step in steps:
                if self.low <= math.log10(step) + power <= self.high:
                    yield step * 10.0**power

    def axes(self):
        yield text(self.x0, self.y1 - 12, self.title, "head")
        yield text(self.x1, self.y1 - 12, "time per call", "faint", "end")
        for us in self.ticks():
            y = self.y(us)
            yield rule("grid", self.x0, y, self.x1, y)
            yield text(self.x0 - 6, y + 4, duration(us), "faint", "end")
        for size in self.sizes:
            yield rule("axis", self.x(size), self.y0, self.x(size), self.y0 + 4)
            yield text(self.x(size), self.y0 + 17, f"{size:,}", "faint", "middle")
        yield rule("axis", self.x0, self.y0, self.x1, self.y0)
        middle = (self.x0 + self.x1) / 2
        yield text(middle, self.y0 + 33, "namespaces that exist", "faint", "middle")

    def draw(self):
        yield from self.axes()
        for tool in STYLES:
            places = [(self.x(size), self.y(us)) for size, us in self.lines.get(tool, ())]
            if not places:
                continue
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
            yield f'<polyline class="{tool}" points="{path}"/>'
            yield from (marker(tool, x, y) for x, y in places)


def legend(place, titles):
    left = LEFT + place % COLUMNS * (PANEL_WIDTH + 16) + INNER["left"]
    top = TOP + place // COLUMNS * (PANEL_HEIGHT + 16) + INNER["top"]
    for i, (tool, title) in enumerate(titles.items()):
        y = top + i * 20
        yield f'<polyline class="{tool}" points="{left},{y} {left + 36},{y}"/>'
        yield marker(tool, left + 18, y)
        yield text(left + 46, y + 4, title, "head" if tool == "libnetns" else "")


def draw(results, tools, head):
    """Return the text of the SVG for the growth results."""
    titles = {t.key: t.title.strip("*").replace("`", "") for t in tools}
    sizes = sorted({figures.others for figures in results})
    operations = dict.fromkeys(figures.row.operation for figures in results)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        "<title>Cost per call by the number of namespaces that exist</title>",
        f"<style>{style()}</style>",
        f'<rect class="page" x="0.5" y="0.5" width="{WIDTH - 1}" height="{HEIGHT - 1}" rx="6"/>',
        text(LEFT + 4, 32, "What a call costs as more namespaces exist", "title"),
        text(LEFT + 4, 52, f"Median time per call, log scales. {head}.", "faint"),
    ]
    shown = set()
    for place, operation in enumerate(operations):
        of_it = sorted((f for f in results if f.row.operation == operation), key=lambda f: f.others)
        lines = {}
        for figures in of_it:
            for tool in figures.times:
                if tool in titles:
                    lines.setdefault(tool, []).append((figures.others, figures.median(tool)))
        shown |= lines.keys()
        title = of_it[0].row.name
        parts += Panel(place, title, lines, sizes).draw()
    # This library's tools come first in the legend, though they are drawn last.
    order = [tool for tool in reversed(STYLES) if tool in shown]
    parts += legend(len(operations), {tool: titles[tool] for tool in order})
    return "\n".join([*parts, "</svg>", ""])
