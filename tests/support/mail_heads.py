"""A strict reader of heads of mails, written from RFC 5322 and RFC 2047: it takes nothing that they forbid.

The witness of `daemon/senders/mail_head.py`, of which it knows nothing; nor does it know the standard
library's own reader, which is the other witness.
"""

import base64
import re

ENCODED = re.compile(r"=\?([^\s?=]+)\?([BbQq])\?([!->@-~]*)\?=")
IN_PHRASE = re.compile(r"(?:[A-Za-z0-9!*+/_-]|=[0-9A-F]{2})*")
IN_TEXT = re.compile(r"(?:[!-<>@-^`-~_]|=[0-9A-F]{2})*")
ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+")
QUOTED = re.compile(r'"(?:[ !#-\[\]-~]|\\[ -~])*"')


class Wrong(Exception):
    """What is no head by the RFCs."""


def unfolded(raw: bytes) -> dict[str, str]:
    """The fields of a head, each whole, by name. `raw` ends before the empty line."""
    fields: dict[str, str] = {}
    name = ""
    for line in raw.decode("utf-8").split("\r\n"):
        _check_line(line)
        if line[:1] in (" ", "\t"):
            fields[name] += line
        else:
            name, colon, value = line.partition(": ")
            if not colon or name in fields or not re.fullmatch("[!-9;-~]+", name):
                raise Wrong(f"no field, or one twice: {line!r}")
            fields[name] = value
    return fields


def text(value: str) -> str:
    """An unstructured value, decoded."""
    return _decoded(re.split("([ \t]+)", value), IN_TEXT)


def mailbox(value: str) -> tuple[str, str]:
    """Name and address of one mailbox."""
    if "<" not in value:
        return "", value
    before, address = re.fullmatch(r"(.*?)[ \t]*<([^<>\s]+)>", value, re.DOTALL).groups()  # type: ignore[union-attr] # a mailbox that is none shall fail
    if before.startswith('"'):
        if not QUOTED.fullmatch(before) or "=?" in before:
            raise Wrong(f"no quoted string, or one that looks encoded: {before!r}")
        return re.sub(r"\\(.)", r"\1", before[1:-1]), address
    words = re.split("([ \t]+)", before)
    if not all(ENCODED.fullmatch(word) or ATOM.fullmatch(word) for word in words[::2]):
        raise Wrong(f"no phrase: {before!r}")
    return _decoded(words, IN_PHRASE), address


def _check_line(line: str) -> None:
    if re.search("[\r\n\0]", line) or not line.strip(" \t"):
        raise Wrong(f"a bare break, or a line of blanks: {line!r}")
    encoded = [word for word in line.split() if "=?" in word]
    # An address cannot be divided, nor what is as long.
    if len(line) > (76 if encoded else 78) and len(line.split()) > 1 + (":" in line.split(maxsplit=1)[0]):
        raise Wrong(f"{len(line)} characters: {line!r}")
    if len(line.encode()) > 998:
        raise Wrong(f"{len(line.encode())} bytes in a line")


def _decoded(words: list[str], form: re.Pattern[str]) -> str:
    """Words and the blanks between them; those between two encoded words are no part of the text."""
    shown, is_after_encoded = "", False
    for index in range(0, len(words), 2):
        found = ENCODED.fullmatch(words[index])
        if "=?" in words[index] and not found:
            raise Wrong(f"neither an encoded word nor none: {words[index]!r}")
        if index and not (found and is_after_encoded):
            shown += words[index - 1]
        shown += _word(found, form) if found else words[index]
        is_after_encoded = found is not None
    return shown


def _word(found: re.Match[str], form: re.Pattern[str]) -> str:
    charset, encoding, content = found.groups()
    if len(found[0]) > 75 or charset.lower() != "utf-8" or not content:
        raise Wrong(f"too long, empty, or in another charset: {found[0]!r}")
    if encoding in "Bb":
        return base64.b64decode(content, validate=True).decode("utf-8")
    if not form.fullmatch(content):
        raise Wrong(f"what may not stand there: {found[0]!r}")
    plain = content.replace("_", "=20")
    return re.sub(
        rb"=([0-9A-F]{2})", lambda one: bytes.fromhex(one[1].decode()), plain.encode("ascii")
    ).decode("utf-8")
