"""Small pictures of attempts, as inline SVG: how the last ones ended, and what took how long. Pure.

Nothing in them goes by colour alone: an attempt that failed hangs from the top, one that was taken stands on
the ground. Every part has its words, for a pointer that rests on it and for a screen reader.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log10

from markupsafe import Markup

HEIGHT, STEP, BAR, LOWEST = 32, 8, 6, 4
SLOWEST = 60_000_000
"""Microseconds: a bar of all the height."""
WIDTH, THINNEST = 100, 0.4
SPARK = Markup('<svg class="spark" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>')
BARS = Markup('<rect class="{}" x="{}" y="{:.1f}" width="{}" height="{:.1f}"><title>{}</title></rect>')
WHOLE = Markup(
    '<svg class="stretches" viewBox="0 0 {} 8" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>'
)
PART = Markup('<rect class="part {}" x="{:.2f}" y="0" width="{:.2f}" height="8"><title>{}</title></rect>')


@dataclass(frozen=True)
class Bar:
    """One attempt."""

    is_well: bool
    microseconds: int
    words: str


@dataclass(frozen=True)
class Stretch:
    """One part of an attempt."""

    name: str
    begins: int
    lasts: int
    words: str


def spark(bars: Sequence[Bar], words: str) -> Markup:
    """The oldest at the left; `words` say it as a whole."""
    drawn = Markup("").join(_bar(place, one) for place, one in enumerate(bars))
    return SPARK.format(max(len(bars), 1) * STEP, HEIGHT, words, drawn)


def stretches(parts: Sequence[Stretch], words: str) -> Markup:
    """The parts of one attempt beside each other, by how long they took."""
    whole = max((one.begins + one.lasts for one in parts), default=0) or 1
    drawn = Markup("").join(_stretch(one, whole) for one in parts)
    return WHOLE.format(WIDTH, words, drawn)


def _stretch(one: Stretch, whole: int) -> Markup:
    left, width = WIDTH * one.begins / whole, max(WIDTH * one.lasts / whole, THINNEST)
    return PART.format(one.name, left, width, one.words)


def _bar(place: int, one: Bar) -> Markup:
    height = LOWEST + (HEIGHT - LOWEST) * log10(1 + min(one.microseconds, SLOWEST)) / log10(1 + SLOWEST)
    top = HEIGHT - height if one.is_well else 0.0
    return BARS.format("well" if one.is_well else "wrong", place * STEP, top, BAR, height, one.words)
