"""How well a token of the HTTP side withstands guessing. Pure.

Ours. Nobody can see how a secret was made; but one that a person made up shows it: by words, by rows of keys,
by what repeats, by few kinds of signs. What a program makes at random has none of that.
"""

import re
from itertools import pairwise
from math import log2

LEAST_BITS = 64
"""Of a token whose signs were drawn at random: so many guesses nobody makes over a network."""
LEAST_SIGNS = 8
"""Different ones. Among 24 hexadecimal digits at random there are fewer once in a hundred thousand times."""
LEAST_BESIDE_WORDS = 12
"""Characters that must be left of it without words, years and what is written between them."""
MOST_IN_A_ROW = 0.6
"""The share of its characters that may follow the one before as in an alphabet, or be the same."""
WORDS = (
    "password", "passwort", "passphrase", "secret", "token", "yemotd", "yemot", "hamashiach",
    "administrator", "admin", "letmein", "changeme", "change", "default", "welcome", "qwertyuiop",
    "qwerty", "asdfghjkl", "asdf", "zxcvbnm", "example", "office", "phone", "http", "https", "api", "key",
    "bearer", "test", "demo", "monitor", "reader", "root", "user", "login", "shalom", "israel",
    "jerusalem", "this", "that", "very", "long", "good", "please", "replace", "insert", "here", "your",
    "the", 
)  # fmt: skip
_KINDS = ((r"[0-9]", 10), (r"[a-z]", 26), (r"[A-Z]", 26), (r"[^0-9A-Za-z]", 32))
_WORD = re.compile("|".join(sorted(WORDS, key=len, reverse=True)))
_FILLER = re.compile(r"(?:19|20)\d\d|[\W_]+")


def weakness(token: str) -> str | None:
    """Why a token can be guessed, to go on `the token …`; None: nothing shows that it can."""
    if len(set(token)) < LEAST_SIGNS:
        return f"has only {len(set(token))} different characters"
    if token in (token + token)[1:-1]:
        return "is a piece of itself, repeated"
    if _bits(token) < LEAST_BITS:
        return f"has only {len(token)} characters of few kinds"
    in_a_row = sum(ord(after) - ord(before) in (-1, 0, 1) for before, after in pairwise(token))
    if in_a_row > MOST_IN_A_ROW * len(token):
        return "is a row of characters one after the other"
    if len(_FILLER.sub("", _WORD.sub(" ", token.lower()))) < LEAST_BESIDE_WORDS:
        return "is made of words"
    return None


def _bits(token: str) -> float:
    """Of one that was drawn at random from the kinds of signs that it has; of hexadecimal digits, by 16."""
    if re.fullmatch(r"[0-9a-f]*|[0-9A-F]*", token):
        signs = 10 if token.isdigit() else 16
    else:
        signs = sum(many for kind, many in _KINDS if re.search(kind, token))
    return len(token) * log2(signs)
