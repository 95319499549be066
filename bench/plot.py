"""A bar chart, and curves, as SVG, by hand. Pure."""

import math
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

from bench.names import RACED
from bench.results import Results

WIDTH, LABEL, ROW, TOP, BAR = 860, 300, 28, 48, 18
ROOM = WIDTH - LABEL - 90
"""For the longest bar; the rest is for its number."""
WIDE, PLOT, LEAST = 1160, 760, 0.01
"""Of curves: with their names to the right; and the least that is told from nothing."""
OURS, THEIRS = "#1f6f54", "#9aa5b1"
FONT = "font-family='system-ui, sans-serif' font-size='14' fill='#1b1f24'"


def deliveries(measured: Results) -> str:
    """Who delivers how many a second, as SVG; "" where nobody did."""
    rates = [(one.title, one.value) for one in measured.figures if one.name in RACED and one.value]
    return bars("Deliveries per second, one core", rates) if rates else ""


def bars(title: str, values: Sequence[tuple[str, float]]) -> str:
    """One bar for each value, the largest first; ours in a colour of their own."""
    ordered = sorted(values, key=lambda pair: pair[1], reverse=True)
    largest = ordered[0][1]
    height = TOP + ROW * len(ordered) + 12
    drawn = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {height}' role='img'>",
        f"<title>{escape(title)}</title>",
        f"<rect width='{WIDTH}' height='{height}' fill='#ffffff'/>",
        f"<text x='16' y='28' {FONT} font-weight='600'>{escape(title)}</text>",
    ]
    for index, (label, value) in enumerate(ordered):
        drawn += _bar(label, value, TOP + ROW * index, ROOM * value / largest)
    return "\n".join([*drawn, "</svg>\n"])


def _bar(label: str, value: float, top: int, length: float) -> list[str]:
    colour = OURS if label.startswith("yemotd") else THEIRS
    base = top + BAR - 4
    return [
        f"<text x='{LABEL - 10}' y='{base}' {FONT} text-anchor='end'>{escape(label)}</text>",
        f"<rect x='{LABEL}' y='{top}' width='{max(length, 1):.1f}' height='{BAR}' rx='2' fill='{colour}'/>",
        f"<text x='{LABEL + max(length, 1) + 8:.1f}' y='{base}' {FONT}>{value:,.0f}</text>",
    ]


def curves(title: str, values: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    """A line for each name, over logarithms on both sides: what does not grow is flat. Values below a
    hundredth are drawn as that."""
    points = [point for line in values.values() for point in line]
    across = [math.log10(x) for x, _ in points]
    up = [math.log10(max(y, LEAST)) for _, y in points]
    left, width = min(across), (max(across) - min(across)) or 1
    low, height = math.floor(min(up)), max(math.ceil(max(up)) - math.floor(min(up)), 1)
    tall = max(ROW * len(values) + TOP, 360)

    def place(x: float, y: float) -> tuple[float, float]:
        rise = (math.log10(max(y, LEAST)) - low) / height
        return 60 + (PLOT - 60) * (math.log10(x) - left) / width, tall - 30 - (tall - TOP - 30) * rise

    drawn = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDE} {tall}' role='img'>",
        f"<title>{escape(title)}</title>",
        f"<rect width='{WIDE}' height='{tall}' fill='#ffffff'/>",
        f"<text x='16' y='28' {FONT} font-weight='600'>{escape(title)}</text>",
    ]
    for power in range(low, low + height + 1):
        _, y = place(10**left, 10**power)
        drawn.append(f"<path d='M60 {y:.1f}H{PLOT}' stroke='#e3e7eb'/>")
        drawn.append(f"<text x='52' y='{y + 5:.1f}' {FONT} text-anchor='end'>{10.0**power:g}</text>")
    for x in sorted({x for x, _ in points}):
        drawn.append(
            f"<text x='{place(x, 1)[0]:.1f}' y='{tall - 8}' {FONT} text-anchor='middle'>{x:,.0f}</text>"
        )
    for index, (name, line) in enumerate(values.items()):
        colour = f"hsl({360 * index // len(values)} 60% 40%)"
        path = " ".join("{:.1f},{:.1f}".format(*place(*point)) for point in line)
        drawn.append(f"<polyline points='{path}' fill='none' stroke='{colour}' stroke-width='2'/>")
        drawn.append(
            f"<text x='{PLOT + 24}' y='{TOP + ROW * index + BAR - 4}' {FONT} style='fill:{colour}'>"
            f"{escape(name)}: {line[-1][1]:,.3g}</text>"
        )
    return "\n".join([*drawn, "</svg>\n"])
