"""Words as people are shown them: in quotes, on one line, and the nearest one that was meant. Pure."""

from collections.abc import Iterable
from difflib import get_close_matches

LONGEST_SHOWN = 200


def nearest(word: str, words: Iterable[str]) -> str:
    """`; did you mean "every"?`, or "" where no word comes near."""
    near = get_close_matches(word, sorted(words), n=1)
    return f"; did you mean {quoted(near[0])}?" if near else ""


def quoted(text: str) -> str:
    """A key or a name in double quotes, on one line whatever is in it."""
    return f'"{cut(text)}"'


def cut(text: str) -> str:
    """A text on one line, not too long. Hebrew stays readable; control characters do not stay."""
    shown = "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text[: LONGEST_SHOWN + 1])
    return shown if len(shown) <= LONGEST_SHOWN else shown[:LONGEST_SHOWN] + "…"
