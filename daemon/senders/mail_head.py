"""The head of a mail as it stands on the wire: RFC 5322, with the encoded words of RFC 2047. Pure.

Written once and never parsed again: what somebody wrote may look like an encoded word, an address or a
header, and the standard library, which reads what it is given, would take it for one. Nothing here raises:
what no header can carry is shown.
"""

import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from email.policy import EmailPolicy
from typing import Any

from daemon.core.visible import visible

LONGEST_LINE = 76
"""Of a line that holds an encoded word (RFC 2047, section 2); others may have two characters more (RFC 5322,
section 2.1.1)."""
LONGEST_WORD = 75
"""An encoded word, all of it (RFC 2047, section 2)."""
_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_PHRASE = re.compile(rf"{_ATEXT}(?: {_ATEXT})*")
"""What may stand before an address as it is (RFC 5322, section 3.2.3)."""
_PLAIN = re.compile("[!-~]+(?: [!-~]+)*")
_SAFE = re.compile(rb"[A-Za-z0-9!*+/-]")
"""What stands for itself in a Q word wherever that is (RFC 2047, section 5, rule 3)."""
_ISOLATE = re.compile("([\u2068\u2069])")
"""Our own, around the values of a Hebrew sentence; those of others are shown before they come here."""
_BREAKS = re.compile(r"[\t\r\n]+")


class AsWritten(EmailPolicy):
    """Headers go out as they were set, each with its own folds; the library's own come without any."""

    def header_store_parse(self, name: str, value: Any) -> tuple[str, Any]:
        return name, value

    def header_fetch_parse(self, name: str, value: Any) -> Any:
        return value

    def fold(self, name: str, value: Any) -> str:
        words = value.split(" ") if self.linesep not in value else (value,)
        return f"{name}: {folded(name, words)}{self.linesep}"

    def fold_binary(self, name: str, value: Any) -> bytes:
        return self.fold(name, value).encode()


AS_WRITTEN = AsWritten(linesep="\r\n", cte_type="7bit")


def text(header: str, value: str) -> str:
    """A text of whatever signs as the value of this header, such as a subject."""
    shown = fit(value)
    first = LONGEST_LINE - len(f"{header}: ")
    words = shown.split(" ")
    if not shown or (_is_plain(shown, _PLAIN) and max(map(len, words)) <= first):
        return folded(header, words)
    return folded(header, _encoded(shown, first))


def mailbox(header: str, name: str, address: str) -> str:
    """Whom a mail is from, or goes to; the name may be any text, and "" is none."""
    shown = " ".join(fit(name).split())
    # No other header may hide in it.
    where = "".join(visible(address).split())
    if not shown:
        return where
    first = LONGEST_LINE - len(f"{header}: ")
    quoted = '"' + re.sub(r'(["\\])', r"\\\1", shown) + '"'
    if _is_plain(shown, _PHRASE) and max(map(len, shown.split(" "))) <= first:
        words: Iterable[str] = shown.split(" ")
    elif _is_plain(shown, _PLAIN) and len(quoted) <= first:
        words = (quoted,)
    else:
        words = _encoded(shown, first)
    return folded(header, (*words, f"<{where}>"))


def folded(header: str, words: Iterable[str]) -> str:
    """Words with a blank between them, on as many lines as it takes."""
    lines = [f"{header}:"]
    for word in words:
        is_full = len(lines[-1]) + 1 + len(word) > LONGEST_LINE
        # A first line of nothing but the name is lost on some programs.
        if is_full and lines != [f"{header}:"]:
            lines.append("")
        lines[-1] += f" {word}"
    return "\r\n".join(lines).removeprefix(f"{header}:").removeprefix(" ")


def fit(value: str) -> str:
    """A text on one line, of what a header can carry: the very text that its reader decodes."""
    parts = _ISOLATE.split(_BREAKS.sub(" ", value))
    return "".join(part if _ISOLATE.fullmatch(part) else visible(part) for part in parts)


def _is_plain(shown: str, form: re.Pattern[str]) -> bool:
    """Whether a text can stand as it is, and nobody decodes any of it."""
    return form.fullmatch(shown) is not None and "=?" not in shown


def _encoded(shown: str, first: int) -> Iterator[str]:
    """Encoded words, no character divided, each blank within one of them: what stands between two is not
    read. The first word has at most `first` characters."""
    word = min(_base64, _quoted, key=lambda one: len(one(shown.encode())))
    raw, room = b"", min(first, LONGEST_WORD)
    for part in _parts(shown, word, room):
        more = raw + part.encode()
        if raw and len(word(more)) > room:
            yield word(raw)
            more, room = part.encode(), LONGEST_WORD
        raw = more
    yield word(raw)


def _parts(shown: str, word: Callable[[bytes], str], room: int) -> Iterator[str]:
    """What is not divided: words with the blanks behind them, since some programs read what stands between
    two encoded words all the same; signs, where a word is too long for that."""
    for part in re.findall("[^ ]+ *| +", shown):
        yield from (part,) if len(word(part.encode())) <= room else part


def _base64(raw: bytes) -> str:
    return f"=?utf-8?b?{b64encode(raw).decode()}?="


def _quoted(raw: bytes) -> str:
    return f"=?utf-8?q?{''.join(map(_Q.__getitem__, raw))}?="


def _q(byte: int) -> str:
    """One byte within a Q word."""
    if byte == ord(" "):
        return "_"
    return chr(byte) if _SAFE.fullmatch(bytes([byte])) else f"={byte:02X}"


_Q: tuple[str, ...] = tuple(map(_q, range(256)))
