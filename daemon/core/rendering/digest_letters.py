"""What a digest says, as a value: figures, and bars that are drawn as cells of tables. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Piece:
    """A part of a bar."""

    kind: str
    """`good`, `bad` or `unseen`; `rest` of what is left."""
    percent: int
    """Of the bar, at least 1."""


@dataclass(frozen=True)
class Line:
    """One thing, with what there is to say of it."""

    label: str
    value: str
    bar: tuple[Piece, ...] = ()
    """(): none is drawn."""
    note: str = ""


@dataclass(frozen=True)
class Column:
    """One of several that stand side by side."""

    label: str
    """"": none."""
    value: int
    percent: int
    """Of the highest; 0 where there is nothing."""
    said: str
    """Of what it is, for who reads."""


@dataclass(frozen=True)
class Section:
    """What belongs together."""

    heading: str
    lines: tuple[Line, ...] = ()
    columns: tuple[Column, ...] = ()
    legend: tuple[tuple[str, str], ...] = ()
    """Kinds of pieces, each with what it means."""
    more: str = ""


@dataclass(frozen=True)
class DigestLetter:
    """All that a digest says."""

    title: str
    period: str
    notes: tuple[str, ...]
    """What must be known of the figures: what was not seen."""
    figures: tuple[tuple[str, str], ...]
    """The most important: what it comes to, and what that is."""
    sections: tuple[Section, ...]
