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
_AMBIGUOUS = re.compile("[\u00df\u1e9e\u03c2\u200c\u200d]")
"""What IDNA 2003, the standard library's, drops or makes others of, and IDNA 2008 keeps: another domain
(RFC 5894, section 7.2)."""
_LITERAL = re.compile(r"\[(?:[0-9.]+|IPv6:[0-9A-Fa-f:.]+)\]")


class Mailbox(NamedTuple):
    """Somebody who gets mails, or sends them."""

    name: str
    """"" where there is none."""
    address: str

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2]

    @property
    def wire(self) -> "Mailbox":
        """The same with its domain in ASCII, `xn--…`, as every server takes it (RFC 5891, section 4.4)."""
        local, _, domain = self.address.rpartition("@")
        if domain.isascii():
            return self
        return self._replace(address=f"{local}@{domain.encode('idna').decode()}")


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
    if len(local) > LONGEST_LOCAL or len(address) > LONGEST:
        return "; it is too long"
    return _wrong_domain(local, domain) if _LOCAL.fullmatch(local) else ""


def _wrong_domain(local: str, domain: str) -> str | None:
    """What is wrong with the domain of an address; None where nothing is."""
    refusal = None if domain.isascii() else _refusal(domain)
    if refusal is not None:
        return f"; its domain has no form in ASCII: {refusal}. Write the one that was registered, xn--…"
    if not _LITERAL.fullmatch(domain) and not is_host(domain):
        return ""
    return "; it is too long" if len(Mailbox("", f"{local}@{domain}").wire.address) > LONGEST else None


def _refusal(domain: str) -> str | None:
    """Why IDNA does not take a domain; None where it does."""
    try:
        domain.encode("idna")
    except UnicodeError as error:
        # Some versions of Python wrap it in a sentence about the codec.
        cause = error.__cause__ or error
        return cause.reason if isinstance(cause, UnicodeEncodeError) else str(cause)
    found = _AMBIGUOUS.search(domain)
    return f"U+{ord(found[0]):04X} stands for different letters in IDNA 2003 and 2008" if found else None
