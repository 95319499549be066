"""A bar chart as SVG, by hand. Pure."""

from collections.abc import Sequence
from xml.sax.saxutils import escape

from bench.names import RACED
from bench.results import Results

WIDTH, LABEL, ROW, TOP, BAR = 860, 300, 28, 48, 18
ROOM = WIDTH - LABEL - 90
"""For the longest bar; the rest is for its number."""
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
