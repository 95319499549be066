"""Signs that nobody sees in what is compared, dialled or sent: a path with one is another path. Pure."""

import unicodedata

_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")
"""Letters and marks without a picture (Unicode's Default_Ignorable_Code_Point; U+2800 is an empty cell)."""
_JOINERS = frozenset("\u200d\ufe0e\ufe0f") | frozenset(map(chr, range(0xE0020, 0xE0080)))
"""What makes one picture of several (UTS #51, section 1.4.2), and is nothing without one before it."""
MARKS = frozenset({"Cf", "Zs"})
"""Categories of what comes along with a text that is copied: marks of direction, blanks of other kinds."""
_HIDDEN = MARKS | {"Cc", "Cs", "Zl", "Zp"}


def hidden(text: str, *, tolerated: frozenset[str] = frozenset()) -> str | None:
    """The first sign of a text that is not seen, as `U+200E (LEFT-TO-RIGHT MARK)`; None where all are.

    The blank is seen. `tolerated`: Unicode's categories that are no matter.
    """
    is_picture = False
    for sign in text:
        is_joined = is_picture and sign in _JOINERS
        category = unicodedata.category(sign)
        is_picture = is_joined or category in ("So", "Sk")
        is_hidden = category in _HIDDEN - tolerated or sign in _BLANK or sign in _JOINERS
        if is_hidden and not is_joined and sign != " ":
            return f"U+{ord(sign):04X} ({unicodedata.name(sign, 'a control character')})"
    return None
