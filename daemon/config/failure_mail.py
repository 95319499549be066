"""Who is mailed when the service has failed, and how: by the machine's own sendmail, else by `[smtp]`.

The configuration may be why it failed. So of the file nothing is needed here but `[smtp]`, and the addresses
of `[[emails]]`; what else is wrong with it does not matter.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from daemon.config.load import ConfigError, parsed
from daemon.config.mail import Smtp
from daemon.config.reading import Reading
from daemon.config.secrets import Sources
from daemon.config.wording import lines, translated
from daemon.core.mail_addresses import parse

DEFAULT = "root"
"""As /etc/default/yemotd has it; a name that is no address is one of the machine's own."""
MOST = 20
"""Addresses; a service that fails is no reason to write to a hundred people."""


@dataclass(frozen=True)
class Way:
    """By which server, and to whom."""

    smtp: Smtp
    to: tuple[str, ...]
    """Addresses of the envelope, with their domains in ASCII."""


def way(path: Path, environ: Mapping[str, str], named: str) -> Way:
    """How a mail goes out by `[smtp]` of a configuration, whatever else is wrong with that. `named`: whom
    FAILURE_MAIL names.

    Raises `ConfigError` where there is no `[smtp]`, or it cannot be used.
    """
    document, is_shared = parsed(path)
    table = document.get("smtp")
    if not isinstance(table, dict):
        raise ConfigError(path, ("has no [smtp]",))
    reading = Reading(Sources(path.parent, environ, is_shared))
    cleaned = reading.table(Smtp, table, ("smtp",))
    faults = [*reading.faults]
    try:
        smtp = Smtp.model_validate(cleaned, context={"directory": path.parent})
    except ValidationError as error:
        faults += translated(error, cleaned)
    if faults:
        raise ConfigError(path, lines(document, faults))
    return Way(smtp, recipients(named, _mailboxes(document), smtp.sender))


def recipients(named: str, mailboxes: Sequence[str], sender: str) -> tuple[str, ...]:
    """Whom `[smtp]` is to tell: the addresses that FAILURE_MAIL names; where it names a user of the machine,
    whom no other server knows, those of all `[[emails]]`; without any, whoever the mails come from."""
    given = [one.strip() for one in named.split(",") if "@" in one]
    found = dict.fromkeys(_address(one) for one in given or mailboxes or [sender])
    return tuple(one for one in found if one)[:MOST]


def _mailboxes(document: Mapping[str, Any]) -> list[str]:
    tables = document.get("emails")
    found = []
    for table in tables if isinstance(tables, list) else ():
        to = table.get("to") if isinstance(table, dict) else None
        found += [one for one in (to if isinstance(to, list) else [to]) if isinstance(one, str)]
    return found


def _address(mailbox: str) -> str:
    try:
        return parse(mailbox).wire.address
    except (ValueError, UnicodeError):
        return ""
