"""A mailbox as people write it, `ops@example.org` or `Ops <ops@example.org>`, in its two parts. Pure.

By a grammar of our own, narrower than that of RFC 5322, so that a text is one address or none, in every
version of every library: no comments, no groups, no quoted local parts.
"""

import re
from typing import NamedTuple

EXPECTED = 'expected a mail address, such as "ops@example.org" or "Ops <ops@example.org>"'
LONGEST = 254
"""Of an address, which has angle brackets around it on the wire (RFC 5321, section 4.5.3.1.3)."""
LONGEST_LOCAL = 64
"""RFC 5321, section 4.5.3.1.1."""
LONGEST_LABEL = 63
"""RFC 1035, section 2.3.4."""
_NAMED = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^"<>@,;:]*?))\s*<([^<>]*)>\s*')
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?")
_LITERAL = re.compile(r"\[(?:[0-9.]+|IPv6:[0-9A-Fa-f:.]+)\]")


class Mailbox(NamedTuple):
    """Somebody who gets mails, or sends them."""

    name: str
    """"" where there is none."""
    address: str

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2]


def parse(text: str) -> Mailbox:
    """The two parts of a mailbox. Raises ValueError, with a reason for people, for what is none."""
    named = _NAMED.fullmatch(text)
    quoted, bare, address = named.groups() if named else (None, "", text)
    name = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else bare
    wrong = _wrong(address)
    if wrong is not None:
        raise ValueError(f"{EXPECTED}{wrong}")
    return Mailbox(name, address)


def is_host(name: str) -> bool:
    """Whether a host can have this name: labels, in whatever letters, with single dots between them."""
    try:
        labels = name.encode("idna").decode().split(".")
    except UnicodeError:
        return False
    return all(_LABEL.fullmatch(one) and len(one) <= LONGEST_LABEL for one in labels)


def _wrong(address: str) -> str | None:
    """What is wrong with an address; None where nothing is."""
    if address.lower().startswith("mailto:"):
        return '; leave out "mailto:"'
    if re.search(r"\s", address):
        return "; there is a space in the address"
    if ".." in address:
        return "; there are two dots in a row"
    local, _, domain = address.rpartition("@")
    if len(local) > LONGEST_LOCAL or len(address.encode("utf-8", "replace")) > LONGEST:
        return "; it is too long"
    is_whole = _LOCAL.fullmatch(local) and (_LITERAL.fullmatch(domain) or is_host(domain))
    return None if is_whole else ""
