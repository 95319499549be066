"""What two tables say of each other: names taken twice, systems that do not exist. Faults only.

It looks at the document rather than at the models, so that a fault elsewhere hides none of these; what
has not the right shape is left to the models.
"""

import ssl
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping
from pathlib import Path
from typing import Any

from daemon.config import digests, escalations, expectations
from daemon.config.secrets import WAYS
from daemon.config.settings import ENDPOINT_TABLES
from daemon.config.systems import SystemSettings
from daemon.config.values import queue_key
from daemon.config.wording import Fault, Location, fault, missing, of_table
from daemon.core.rendering.formats import Format
from daemon.core.wording import nearest

SMTP = "smtp"
Found = tuple[Location, Mapping[str, Any]]
"""A table, and where it stands."""


def between_tables(document: Mapping[str, Any], directory: Path) -> Iterator[Fault]:
    """All faults of this kind; `directory` is the configuration file's."""
    systems = list(_tables(document, ("systems",)))
    endpoints = [found for kind in ENDPOINT_TABLES for found in _tables(document, (kind,))]
    if document.get("systems", []) == []:
        yield of_table((), "there is no [[systems]]: nothing to watch")
    if any(at[0] == "emails" for at, _ in endpoints) and "smtp" not in document:
        yield of_table(("emails", 0), "needs [smtp], the server that takes the mails")
    yield from _twice(systems, "name", "another system has this name")
    yield from _twice(endpoints, "name", "another endpoint has this name")
    for at, endpoint in endpoints:
        if endpoint.get("name") == SMTP:
            yield fault((*at, "name"), "stands for the mail server in the events about endpoints", SMTP)
    yield from _twice(_tokens(document), "name", "another token has this name")
    yield from _twice(list(_tables(document, ("windows",))), "name", "another window has this name")
    names = [endpoint.get("name") for _, endpoint in endpoints]
    yield from escalations.faults(list(_tables(document, ("escalations",))), names)
    yield from digests.faults(
        list(_tables(document, ("digests",))), names, [table.get("name") for _, table in systems]
    )
    yield from _twice(list(_tables(document, ("digests",))), "name", "another digest has this name")
    yield from _unknown_systems(endpoints, [table.get("name") for _, table in systems])
    for at, system in systems:
        yield from _within(at, system, directory)
    smtp = document.get("smtp")
    if isinstance(smtp, dict):
        yield from _bundle(("smtp", "ca_file"), smtp.get("ca_file"), directory)
        yield from _templates(("smtp", "templates"), smtp.get("templates"), directory)
    for at, webhook in _tables(document, ("webhooks",)):
        yield from _unsigned(at, webhook)
        yield from _bundle((*at, "ca_file"), webhook.get("ca_file"), directory)
        yield from _chain((*at, "certificate"), webhook, directory)


def _within(at: Location, system: Mapping[str, Any], directory: Path) -> Iterator[Fault]:
    """What the tables of one system say of each other."""
    yield from _bundle((*at, "ca_file"), system.get("ca_file"), directory)
    queues = [((*at, *where), table) for where, table in _tables(system, ("queues",))]
    directories = [((*at, *where), table) for where, table in _tables(system, ("directories",))]
    yield from _twice(queues, "path", "another queue of this system has this path", queue_key)
    yield from _twice(directories, "path", "another directory of this system has this path", queue_key)
    yield from _same_report([((*at, *where), table) for where, table in _tables(system, ("reports",))])
    for where, queue in queues:
        yield from _same_alert(where, queue)
    yield from expectations.faults(at, system, expectations.tables(SystemSettings))


def _same_report(reports: list[Found]) -> Iterator[Fault]:
    """Reports whose rows could not be told apart."""
    seen = set[tuple[str, str]]()
    for at, table in reports:
        path, file = table.get("path"), table.get("file")
        if not isinstance(path, str) or not isinstance(file, str):
            continue
        key = queue_key(path), file.removesuffix(".ymgr")
        if key in seen:
            yield fault((*at, "file"), "another report of this system has this path and file", file)
        seen.add(key)


def _same_alert(at: Location, queue: Mapping[str, Any]) -> Iterator[Fault]:
    """Thresholds whose alerts could not be told apart."""
    seen = set[tuple[Hashable, ...]]()
    for where, threshold in _tables(queue, ("thresholds",)):
        severity = threshold.get("severity", "warning")
        key = (threshold.get("metric"), "above" in threshold, severity)
        if not isinstance(key[0], str) or not isinstance(severity, str):
            continue
        if key in seen:
            yield of_table((*at, *where), "another threshold has this metric, direction and severity")
        seen.add(key)


def _unsigned(at: Location, webhook: Mapping[str, Any]) -> Iterator[Fault]:
    """A webhook whose receivers look for a signature, and that has nothing to sign with. Of a format that is
    none nobody knows."""
    form = next((one for one in Format if one.value == webhook.get("format", Format.STANDARD.value)), None)
    is_signed = form is not None and form.wire.is_signed and "template" not in webhook
    if is_signed and not any(f"secret{way}" in webhook for way in WAYS):
        yield missing((*at, "secret"), "give secret_file, secret_credential or secret_env")


def _bundle(at: Location, name: object, directory: Path) -> Iterator[Fault]:
    """Certificate authorities that cannot be loaded."""
    if not isinstance(name, str):
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(directory / name)
    except ssl.SSLError:
        yield fault(at, "holds no certificate in PEM form", name)
    except OSError as error:
        yield fault(at, f"cannot be read: {error.strerror}", name)
    except ValueError:
        yield fault(at, "expected the path of a file", name)


def _templates(at: Location, name: object, directory: Path) -> Iterator[Fault]:
    """A folder that is none, and templates that cannot be read."""
    if not isinstance(name, str):
        return
    if not (directory / name).is_dir():
        yield fault(at, "is no folder", name)
        return
    from daemon.senders import letters  # noqa: PLC0415 - it takes a while, and few have templates

    for line in letters.faults(directory / name):
        yield fault(at, line, name)


def _chain(at: Location, webhook: Mapping[str, Any], directory: Path) -> Iterator[Fault]:
    """A certificate of our own that cannot be loaded with its key."""
    name, key = webhook.get("certificate"), webhook.get("key")
    if not isinstance(name, str) or not isinstance(key, str | None):
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(
            directory / name, directory / key if key else None, password=""
        )
    except ssl.SSLError:
        yield fault(at, "is no certificate in PEM form with its key, unencrypted", name)
    except OSError as error:
        yield fault(at, f"it, or its key, cannot be read: {error.strerror}", name)
    except ValueError:
        yield fault(at, "expected the path of a file", name)


def _unknown_systems(endpoints: list[Found], names: list[object]) -> Iterator[Fault]:
    known = [name for name in names if isinstance(name, str)]
    for at, endpoint in endpoints:
        wanted = endpoint.get("systems")
        for index, name in enumerate(wanted if isinstance(wanted, list) else []):
            if isinstance(name, str) and name not in known:
                reason = f"no system has this name{nearest(name, known)}"
                yield fault((*at, "systems", index), reason, name)


def _twice(
    tables: list[Found], key: str, reason: str, same: Callable[[str], str] = lambda text: text
) -> Iterator[Fault]:
    """Every table whose `key` another one had before it."""
    counted = Counter[str]()
    for at, table in tables:
        value = table.get(key)
        if not isinstance(value, str):
            continue
        counted[same(value)] += 1
        if counted[same(value)] > 1:
            yield fault((*at, key), reason, value)


def _tokens(document: Mapping[str, Any]) -> list[Found]:
    tokens = list(_tables(document.get("http"), ("http", "tokens")))
    http = document.get("http")
    has_single = isinstance(http, dict) and any(key.startswith("token") and key != "tokens" for key in http)
    return [(("http",), {"name": "token"}), *tokens] if has_single else tokens


def _tables(document: Any, at: tuple[str, ...]) -> Iterator[Found]:
    """The tables of the list at the last key of `at`."""
    entries = document.get(at[-1]) if isinstance(document, dict) else None
    for index, entry in enumerate(entries if isinstance(entries, list) else []):
        if isinstance(entry, dict):
            yield (*at, index), entry
