"""Pictures of time as inline SVG: a bar of up, down and unseen, and a plot of values. Pure.

Time runs from left to right in every language: hours on an axis are read as numbers are, and Hebrew writes
those from left to right, too. So what is drawn and what stands below it have `direction: ltr` in the style.

Places are whole seconds from the beginning of what is drawn, which is also the unit of the drawing: nothing
is rounded to a pixel here. What would be narrower than one is made visible by its stroke, in the style sheet.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from markupsafe import Markup, escape

UP, DOWN, UNKNOWN = "up", "down", "unknown"
HEIGHT = 24
TALL = {UP: (8, 16), DOWN: (0, 24), UNKNOWN: (19, 5)}
"""Top and height of a segment: the three are told apart by height before they are by colour."""
PLOT_HEIGHT = 1000
STEPS = (1, 2, 4, 5, 6, 8, 10)
"""Where an axis may end, in powers of ten; half of it is a round number, too."""
SPANS = (10, 20, 60, 120, 240, 600, 1200, 3600, 7200, 14_400, 43_200, 86_400)
"""The same for one of seconds."""
FIRST_STRONG, END = "\u2068", "\u2069"


@dataclass(frozen=True)
class Cell:
    """A stretch of time, and for how many of its seconds it was seen to be up and down."""

    start: float
    end: float
    up: float
    down: float


@dataclass(frozen=True)
class Segment:
    """A piece of a bar. It is drawn from `start` to `end`; that many seconds it was so, somewhere from
    `earliest` to `latest`."""

    start: int
    end: int
    state: str
    earliest: int
    latest: int

    @property
    def seconds(self) -> int:
        """For how long it was so."""
        return self.end - self.start

    @property
    def is_exact(self) -> bool:
        """Whether it was so all the time between."""
        return self.seconds == self.latest - self.earliest


@dataclass(frozen=True)
class Point:
    """The values of a stretch of time."""

    start: float
    end: float
    low: float
    mean: float
    high: float


@dataclass(frozen=True)
class Limit:
    """A threshold, and what to call it."""

    value: float
    label: str


@dataclass(frozen=True)
class Shade:
    """A stretch of time that is set apart, and what it was."""

    start: float
    end: float
    label: str


@dataclass(frozen=True)
class Mark:
    """A word on an axis, at a share of its length."""

    share: float
    label: str


class _Tally(NamedTuple):
    start: int
    end: int
    up: int
    down: int

    @property
    def parts(self) -> list[tuple[str, int]]:
        """Its states, with how many seconds of each."""
        unseen = self.end - self.start - self.up - self.down
        return [one for one in ((UP, self.up), (UNKNOWN, unseen), (DOWN, self.down)) if one[1]]


def segments(cells: Iterable[Cell], length: int, most: int) -> list[Segment]:
    """What a bar of so many seconds consists of, from its beginning to its end without a gap.

    What no cell speaks of is unseen. Within a cell the order is not known: what goes on from the cell before,
    or into the one after, stands beside it. Where there are more pieces than `most`, cells are put together.
    """
    tallies = list(_whole(cells, length))
    found = list(_pieces(tallies))
    if len(found) > most:
        found = list(_pieces(_coarser(tallies, max(most // 3, 1))))
    return found


def bar(found: Sequence[Segment], length: int, title: Callable[[Segment], str], label: str) -> Markup:
    """A bar of segments. `title`: what one means, on hover; `label`: what all of it comes to."""
    shapes = "".join(_rect(one, title(one)) for one in found)
    return Markup(  # noqa: S704 - numbers, and words that are escaped
        f'<svg class="bar" viewBox="0 0 {max(length, 1)} {HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(label)}">{shapes}</svg>'
    )


def points(given: Iterable[Point], length: float, most: int) -> list[list[Point]]:
    """The runs of a line: points that follow each other without a gap. Of a run that is long, some are put
    together, as if a line of this length had so many."""
    usable = [one for one in given if _is_drawable(one) and one.end > 0 and one.start < length]
    runs: list[list[Point]] = []
    for one in sorted(usable, key=lambda each: each.start):
        if runs and one.start < runs[-1][-1].end:
            continue  # two speak of one time: the first stands
        if runs and one.start - runs[-1][-1].end < 1:
            runs[-1].append(one)
        else:
            runs.append([one])
    return [_thinned(run, length / max(most, 1)) for run in runs]


def plot(
    runs: Sequence[Sequence[Point]],
    length: float,
    *,
    limits: Sequence[Limit] = (),
    shades: Sequence[Shade] = (),
    marks: Sequence[Mark] = (),
    written: Callable[[float], str] = str,
    is_time: bool = False,
    label: str,
) -> Markup:
    """Lines with their range, thresholds, and times that are set apart; an axis of values from nought.

    The drawing within is stretched to whatever room there is; words beside it keep the size of the page's.
    """
    top = axis_end(
        [*(one.high for run in runs for one in run), *(one.value for one in limits)], is_time=is_time
    )
    inner = Markup("").join(
        [
            *(_shade(one, length) for one in shades),
            *(_range(run, top, length) for run in runs),
            *(_line(run, top, length) for run in runs),
            *(_limit(one, top, length) for one in limits),
        ]
    )
    words = Markup("").join(
        [
            *(_value(share, written(top * share)) for share in (0, 0.5, 1)),
            *(_limit_word(one, top) for one in limits),
            *(_mark(one) for one in marks),
        ]
    )
    return Markup(
        '<svg class="plot" role="img" aria-label="{}">'
        '<svg x="0" y="8%" width="100%" height="80%" viewBox="0 0 {} {}" preserveAspectRatio="none">{}</svg>'
        "{}</svg>"
    ).format(label, _edge(length), PLOT_HEIGHT, _grid(length) + inner, words)


LEAST_POWER = -300
"""Below it there are floats, but no round ones."""


def axis_end(values: Iterable[float], *, is_time: bool = False) -> float:
    """A round number that none of the values is above; where there is none, 1, or the shortest span.
    `is_time`: of seconds."""
    highest = max((one for one in values if math.isfinite(one)), default=0.0)
    if highest <= 0:
        return float(SPANS[0]) if is_time else 1.0
    if is_time and highest <= SPANS[-1]:
        return float(next(one for one in SPANS if one >= highest))
    power = 10.0 ** max(math.floor(math.log10(highest)), LEAST_POWER)
    return next((step * power for step in STEPS if step * power >= highest), 10 * power)


def _whole(cells: Iterable[Cell], length: int) -> Iterator[_Tally]:
    """Cells in whole seconds, one after the other from the beginning to the end, with the unseen between."""
    at = 0
    for one in sorted(filter(_is_usable, cells), key=lambda each: each.start):
        start, end = max(_second(one.start, length), at), _second(one.end, length)
        if end <= start:
            continue
        if start > at:
            yield _Tally(at, start, 0, 0)
        yield _tally(one, start, end)
        at = end
    if at < length:
        yield _Tally(at, length, 0, 0)


def _tally(cell: Cell, start: int, end: int) -> _Tally:
    """Of a cell that reaches beyond what is drawn, its share. Down is never rounded away."""
    room, share = end - start, (end - start) / (cell.end - cell.start)
    down = min(max(round(cell.down * share), int(cell.down > 0)), room)
    return _Tally(start, end, min(max(round(cell.up * share), 0), room - down), down)


def _pieces(tallies: Iterable[_Tally]) -> Iterator[Segment]:
    whole = list(tallies)
    held: Segment | None = None
    for index, now in enumerate(whole):
        at, parts = now.start, now.parts
        if len(parts) > 1:
            after = whole[index + 1].parts if index + 1 < len(whole) else []
            parts = _ordered(parts, held.state if held else "", after[0][0] if len(after) == 1 else "")
        for state, seconds in parts:
            if held and held.state == state:
                held = Segment(held.start, at + seconds, state, held.earliest, now.end)
            else:
                if held:
                    yield held
                held = Segment(at, at + seconds, state, now.start, now.end)
            at += seconds
    if held:
        yield held


def _ordered(parts: list[tuple[str, int]], before: str, last: str) -> list[tuple[str, int]]:
    return sorted(parts, key=lambda one: 0 if one[0] == before else 2 if one[0] == last else 1)


def _coarser(tallies: Sequence[_Tally], most: int) -> Iterator[_Tally]:
    size = -(-len(tallies) // most)
    for at in range(0, len(tallies), size):
        group = tallies[at : at + size]
        yield _Tally(
            group[0].start, group[-1].end, sum(one.up for one in group), sum(one.down for one in group)
        )


def _rect(one: Segment, title: str) -> str:
    top, height = TALL[one.state]
    place = f'x="{one.start}" y="{top}" width="{one.seconds}" height="{height}"'
    return f'<rect class="{one.state}" {place}><title>{escape(title)}</title></rect>'


def _is_usable(cell: Cell) -> bool:
    return all(map(math.isfinite, (cell.start, cell.end, cell.up, cell.down))) and cell.end > cell.start


def _is_drawable(point: Point) -> bool:
    values = (point.start, point.end, point.low, point.mean, point.high)
    return all(map(math.isfinite, values)) and point.end > point.start


def _second(at: float, length: int) -> int:
    return min(max(round(at), 0), length)


def _thinned(run: Sequence[Point], width: float) -> list[Point]:
    found: list[list[Point]] = []
    for one in run:
        if found and one.start // width == found[-1][0].start // width:
            found[-1].append(one)
        else:
            found.append([one])
    return [_together(group) for group in found]


def _together(group: Sequence[Point]) -> Point:
    if len(group) == 1:
        return group[0]
    mean = sum(one.mean for one in group) / len(group)
    low, high = min(one.low for one in group), max(one.high for one in group)
    return Point(group[0].start, group[-1].end, low, mean, high)


def _edge(at: float) -> int:
    return max(round(at), 1)


def _x(at: float, length: float) -> int:
    return round(min(max(at, 0), length))


def _y(value: float, top: float) -> int:
    return round(PLOT_HEIGHT * (1 - min(max(value / top, 0), 1)))


def _line(run: Sequence[Point], top: float, length: float) -> Markup:
    first = run[0]
    parts = [f"M{_x(first.start, length)} {_y(first.mean, top)}H{_x(first.end, length)}"]
    parts += [f"V{_y(one.mean, top)}H{_x(one.end, length)}" for one in run[1:]]
    return Markup('<path class="line" d="{}"/>').format("".join(parts))


def _range(run: Sequence[Point], top: float, length: float) -> Markup:
    forth = "".join(f"V{_y(one.high, top)}H{_x(one.end, length)}" for one in run)
    back = "".join(f"V{_y(one.low, top)}H{_x(one.start, length)}" for one in reversed(run))
    start = f"M{_x(run[0].start, length)} {_y(run[0].low, top)}"
    return Markup('<path class="range" d="{}{}{}z"/>').format(start, forth, back)


def _limit(one: Limit, top: float, length: float) -> Markup:
    return Markup('<path class="limit" d="M0 {}H{}"/>').format(_y(one.value, top), _edge(length))


def _shade(one: Shade, length: float) -> Markup:
    start, end = _x(one.start, length), _x(one.end, length)
    shape = Markup('<rect class="incident" x="{}" y="0" width="{}" height="{}"><title>{}</title></rect>')
    return shape.format(start, max(end - start, 0), PLOT_HEIGHT, one.label)


def _grid(length: float) -> Markup:
    lines = "".join(f"M0 {_y(share, 1)}H{_edge(length)}" for share in (0, 0.5, 1))
    return Markup('<path class="axis" d="{}"/>').format(lines)


def _percent(share: float) -> str:
    """Of the height, at a share of the axis of values."""
    return f"{8 + 80 * (1 - min(max(share, 0), 1)):.1f}%"


def _apart(label: str) -> str:
    """A word in its own direction of reading, whatever that of the drawing."""
    return f"{FIRST_STRONG}{label}{END}"


def _value(share: float, label: str) -> Markup:
    return Markup('<text x="2" y="{}" dy="-3">{}</text>').format(_percent(share), _apart(label))


def _limit_word(one: Limit, top: float) -> Markup:
    word = Markup('<text class="of-limit" x="100%" y="{}" dx="-2" dy="-3" text-anchor="end">{}</text>')
    return word.format(_percent(one.value / top), _apart(one.label))


def _mark(one: Mark) -> Markup:
    anchor = "start" if one.share <= 0 else "end" if one.share >= 1 else "middle"
    word = Markup('<text x="{}%" y="99%" text-anchor="{}">{}</text>')
    return word.format(f"{100 * min(max(one.share, 0), 1):.1f}", anchor, _apart(one.label))
