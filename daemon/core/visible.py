"""Text that others wrote, made fit to be shown: what would be obeyed is seen instead. Pure."""

import re

_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters but for tab and line feed (Unicode's category Cc), separators of lines and paragraphs,
what turns text round (UAX #9, sections 2.1 to 2.5), and halves of surrogate pairs, which nothing encodes."""


def visible(text: str) -> str:
    """The text with a picture, such as `⟨U+202E⟩`, for each sign that a terminal, a mail program or a log
    would obey rather than show. Tabs and line feeds stay, as does all else."""
    return _OBEYED.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", text)
