"""A badge: a small picture that says what a subject is and how it stands, in words. Pure.

It is drawn with nothing but attributes, so a policy that forbids styles leaves it whole; the state is a word
and a shape first, and a colour only then: blue, orange and grey, which every eye tells apart.
"""

import unicodedata

from markupsafe import Markup

from daemon.core.visible import visible_line

COLOURS = {"up": "#0b62a3", "down": "#a83a00", "unknown": "#5a6470"}
"""White text is read on each (contrast of 4.5 and more)."""
SHAPES = {"up": "●", "down": "▲", "unknown": "?"}
GROUND = "#2b333b"
HEIGHT, MARGIN, SIZE = 20, 6, 11
LONGEST = 60
"""Characters of a label."""
NARROW, WIDE = frozenset("ijl|!.,:;'`\"()[]{}ftr־וזןיג׳״ "), frozenset("mwMWOQ@%&—…●▲שםאט")
_UNFIT = dict.fromkeys((0x2068, 0x2069, 0xFFFE, 0xFFFF))
"""Isolates, and what is no character."""
_FONT = "Verdana, DejaVu Sans, Arial Hebrew, Arial, sans-serif"


def width(text: str) -> int:
    """About as many pixels as a text takes; readers squeeze or stretch it to just so many."""
    return sum(_width(sign) for sign in text)


def badge(label: str, state: str, word: str, *, is_hebrew: bool) -> str:
    """The picture, as SVG. `state` is `up`, `down` or `unknown`; `word`: what that is called."""
    left, said = _cut(_line(label)), _line(word)
    right = f"{SHAPES[state]} {said}"
    first, second = width(left) + 2 * MARGIN, width(right) + 2 * MARGIN
    values = {
        "whole": first + second,
        "first": first,
        "second": second,
        "height": HEIGHT,
        "label": left,
        "said": right,
        "title": f"{left}: {said}",
        "language": "he" if is_hebrew else "en",
        "direction": "rtl" if is_hebrew else "ltr",
        "colour": COLOURS[state],
        "ground": GROUND,
        "font": _FONT,
        "size": SIZE,
        "label_at": first / 2,
        "label_width": first - 2 * MARGIN,
        "said_at": first + second / 2,
        "said_width": second - 2 * MARGIN,
    }
    return str(_PICTURE.format(**values))


def _width(sign: str) -> int:
    if unicodedata.combining(sign) or unicodedata.category(sign) in ("Mn", "Me", "Cf"):
        return 0
    if unicodedata.east_asian_width(sign) in ("W", "F"):
        return 13
    if sign in NARROW:
        return 5
    return 10 if sign in WIDE else 7


def _line(text: str) -> str:
    """With nothing in it that XML has not, or that a picture of one line has no use for."""
    return visible_line(text.translate(_UNFIT))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


_PICTURE = Markup(
    '<svg xmlns="http://www.w3.org/2000/svg" width="{whole}" height="{height}" role="img" '
    'aria-label="{title}" lang="{language}"><title>{title}</title>'
    '<rect width="{whole}" height="{height}" rx="3" fill="{ground}"/>'
    '<rect x="{first}" width="{second}" height="{height}" rx="3" fill="{colour}"/>'
    '<rect x="{first}" width="4" height="{height}" fill="{colour}"/>'
    '<g fill="#fff" text-anchor="middle" font-family="{font}" font-size="{size}" direction="{direction}">'
    '<text x="{label_at}" y="14" textLength="{label_width}" lengthAdjust="spacingAndGlyphs">{label}</text>'
    '<text x="{said_at}" y="14" textLength="{said_width}" lengthAdjust="spacingAndGlyphs">{said}</text>'
    "</g></svg>"
)
