"""Words as people are shown them: in quotes, on one line, and the nearest one that was meant; and what is
said of a wrong value wherever it stands. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

LONGEST_SHOWN = 200
"""Characters of a wrong value that are shown."""
WRONG: Mapping[str, str] = {
    "bool_type": "expected true or false",
    "int_type": "expected a whole number",
    "float_type": "expected a number",
    "enum": "expected {expected}",
}
"""What pydantic finds in the configuration and in requests alike, by its type, in our words. Each of the two
adds what it calls otherwise, or meets alone."""
WITHOUT_WORDS = "cannot be used"
"""Of a type that nobody has put into words, which a test is there to find."""


@dataclass(frozen=True)
class Stranger:
    """A word that means nothing here."""

    name: str
    """Of what it was given as: `type`, `system`, `subject`."""
    word: str
    near: str | None
    """What may have been meant."""

    def __str__(self) -> str:
        """As a sentence."""
        known = {
            "type": f"No event has the type {quoted(self.word)}",
            "system": f"No system is called {quoted(self.word)}",
            "incident": f"No incident {quoted(self.word)} is kept",
        }.get(self.name, f"Nothing is known of {quoted(self.word)}")
        return known + (f"; did you mean {quoted(self.near)}?" if self.near else ".")


def nearest(word: str, words: Iterable[str]) -> str:
    """`; did you mean "every"?`, or "" where no word comes near."""
    near = closest(word, words)
    return f"; did you mean {quoted(near)}?" if near is not None else ""


def closest(word: str, words: Iterable[str]) -> str | None:
    """The word that may have been meant; None where none comes near."""
    return next(iter(get_close_matches(word, sorted(words), n=1)), None)


def quoted(text: str) -> str:
    """A key or a name in double quotes, on one line whatever is in it."""
    return f'"{cut(text)}"'


def cut(text: str) -> str:
    """A text on one line, not too long. Hebrew stays readable; control characters do not stay."""
    shown = "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text[: LONGEST_SHOWN + 1])
    return shown if len(shown) <= LONGEST_SHOWN else shown[:LONGEST_SHOWN] + "…"
