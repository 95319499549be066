"""Strangers' text where people read it: what would move a cursor, clear a screen or turn the direction of
reading is shown, not obeyed. Pure.

Whatever an SMS, the subject of a mail or the answer of a receiver holds goes through here on its way to a
terminal, the log or the body of a mail. What stays is what makes text: letters of every script, their marks,
joiners, the marks of direction that embed nothing (U+200E, U+200F, U+061C), emoji.
"""

import re

_OBEYED = (
    r"\x00-\x08\x0b-\x1f"  # C0: ESC begins what a terminal obeys, CR writes over the line, BS takes away
    r"\x7f-\x9f"  # DEL, and C1: U+009B is ESC and "[" in one
    r"\u2028\u2029"  # lines that some readers break, and others do not
    r"\u202a-\u202e\u2066-\u2069"  # embeddings, overrides and isolates: they reorder what stands beside them
    r"\ud800-\udfff"  # halves of surrogates: no encoding has them
)
NUL = "\u2400"
"""A picture of it, "␀", which stands for each in what strangers say: PostgreSQL's texts hold none."""
_IN_TEXT = re.compile(f"[{_OBEYED}]")
_IN_LINE = re.compile(rf"[\t\n{_OBEYED}]")


def visible(text: str) -> str:
    """A text of several lines, with each control but the newline and the tab as `⟨U+202E⟩`."""
    return _IN_TEXT.sub(_shown, text)


def visible_line(text: str) -> str:
    """A text for one line, such as the cell of a table or the value of a log line: newlines and tabs are
    shown, too."""
    return _IN_LINE.sub(_shown, text)


def without_nul(text: str) -> str:
    """The same with a picture for each NUL."""
    return text.replace("\0", NUL)


def escaped(document: str) -> str:
    """JSON, as `json.dumps` gives it, that says the same and holds none of these: one is `\\u202e`."""
    return _IN_TEXT.sub(lambda found: f"\\u{ord(found[0]):04x}", document)


def _shown(found: re.Match[str]) -> str:
    return f"⟨U+{ord(found[0]):04X}⟩"
