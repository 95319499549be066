"""A first `config.toml` with comments, made of what was chosen; and the same as settings, without a file.

Pure. What is written loads without a fault or a warning and says what was chosen: where the two could differ,
`tests/config/test_writing.py` tries. Two things are told all the same: a system of which nothing is watched,
and a token that has yet to be put in its place.
"""

import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import time, timedelta
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from daemon.config.advice import possible
from daemon.config.chosen import (
    Chosen,
    ChosenFolder,
    ChosenMail,
    ChosenQueue,
    ChosenQuiet,
    ChosenSystem,
    ChosenWebhook,
    Watches,
    secret_name,
    token_name,
    url_name,
)
from daemon.config.load import ConfigError
from daemon.config.reading import Reading
from daemon.config.secrets import Sources
from daemon.config.settings import Config
from daemon.config.systems import SystemSettings
from daemon.config.values import queue_key
from daemon.config.wording import lines as worded
from daemon.config.wording import translated
from daemon.core.durations import show
from daemon.core.event_types import matches
from daemon.core.model import Secret
from daemon.core.visible import visible_line
from daemon.yemot.base_urls import BASE_URL, GATEWAY_URL

DEFAULT_BASE_URL = BASE_URL
COLUMN = 40
"""Where comments begin, if the line is not longer."""
Way = Literal["file", "credential"]
Value = bool | int | float | str | timedelta | time | Sequence[str]


@dataclass(frozen=True)
class Named:
    """How the file refers to its secrets."""

    way: Way
    before: str = ""
    """What stands before the name of each: a folder, with its slash."""
    after: str = ""
    """And behind it, where files of these names are there already."""


IN_FILES = Named("file")


@dataclass(frozen=True)
class Line:
    """A key with its value, and what it means."""

    key: str
    value: Value
    comment: str = ""


@dataclass(frozen=True)
class Table:
    """A header with its lines."""

    header: str
    """`[http]`, `[[systems]]`."""
    lines: Sequence[Line]
    comment: str = ""


HEAD = """\
# The configuration of yemotd, made by `yemotd init`. Change what you need, and let `yemotd check` judge it;
# `systemctl reload yemotd`, or SIGHUP, puts it in force. Everything that may stand here is in the documented
# example: https://pypi.org/project/yemotd/ (config.toml). Secrets stand in files of their own, named here.
"""


def written(chosen: Chosen, named: Named) -> str:
    """The text of the file."""
    tables = _tables(chosen, named)
    return HEAD + "".join(f"\n{_shown(one)}" for one in tables)


def pasted(system: ChosenSystem, *, known: Iterable[str] = (), whole: bool) -> str:
    """The tables of what is watched, to be pasted; `known`: keys that stand in the file already, such as
    `sms` or `queues 5`. `whole`: with the head of the system itself."""
    taken = set(known)
    tables = [_system(system, IN_FILES)] if whole else []
    tables += [one for key, one in _watches(system.watches) if key not in taken]
    return "\n".join(map(_shown, tables))


def settings(chosen: Chosen) -> Config:
    """What the file would say, with its secrets, and without a file. Raises `ConfigError` where it has a
    fault."""
    document = tomllib.loads(written(chosen, IN_FILES))
    reading = Reading(_Held(Path(), {}, is_shared=False, given=chosen.secrets()))
    cleaned = reading.table(Config, document)
    faults = [*reading.faults]
    try:
        config = Config.model_validate(cleaned, context={"directory": Path()})
    except ValidationError as error:
        faults += translated(error, cleaned)
    if faults:
        raise ConfigError(Path("config.toml"), worded(document, faults))
    return config


def reached_as(system: ChosenSystem, ca_file: Path | None = None) -> SystemSettings:
    """A system as its client is made of, watches or not."""
    (found,) = settings(Chosen(replace(system, ca_file=None))).systems
    return found.model_copy(update={"ca_file": ca_file})


def reached(patterns: Sequence[str], system: ChosenSystem) -> None:
    """Raises ValueError where no event that these globs name can come of what is watched."""
    found = settings(Chosen(system)).systems
    if not any(matches(patterns, event_type) for event_type in possible(found)):
        raise ValueError("no event can reach it: nothing that is watched gives what it asks for")


@dataclass(frozen=True)
class _Held(Sources):
    """Where secrets are that stand in no file yet."""

    given: Mapping[str, Secret] = field(default_factory=dict)

    def value(self, way: str, given: str) -> str:
        name = given.rpartition("/")[2]
        return self.given[name].value if name in self.given else "not-there-yet"

    def exposure(self, way: str, given: str) -> str | None:
        return None


def _tables(chosen: Chosen, named: Named) -> Iterator[Table]:
    yield _daemon(chosen)
    yield _http(chosen, named)
    yield _system(chosen.system, named)
    yield from (table for _, table in _watches(chosen.system.watches))
    if chosen.webhook is not None:
        yield _webhook(chosen.webhook, named)
        yield from _quiet("webhooks", chosen.quiet) if chosen.quiet.for_webhook else ()
    if chosen.mail is not None:
        yield _smtp(chosen.mail, named)
        yield _emails(chosen.mail)
        yield from _quiet("emails", chosen.quiet)


def _daemon(chosen: Chosen) -> Table:
    key = chosen.key_file
    return Table(
        "[daemon]",
        [
            Line("database", chosen.database, "one file; it is made at the first start"),
            *([Line("key_file", key, "key of this installation, made likewise")] if key else []),
        ],
    )


def _http(chosen: Chosen, named: Named) -> Table:
    if not chosen.listen:
        return Table("[http]", [Line("listen", "", "the page and the API are off")])
    lines = [
        Line("listen", chosen.listen, "the page and the API; docs/reaching.md says how others get there")
    ]
    if chosen.http_token is not None:
        lines.append(_secret("token", "http-token", named, "its bearer token, for everything"))
    return Table("[http]", lines)


def _system(system: ChosenSystem, named: Named) -> Table:
    lines = [
        Line("name", system.name, "how events, endpoints and commands call it"),
        _secret("token", token_name(system), named, "an API key, or number:password"),
    ]
    if system.base_url is not None or system.switch_id is not None:
        lines.append(Line("base_url", system.base_url or GATEWAY_URL, "of the API"))
    if system.switch_id is not None:
        lines.append(Line("authorization", "bearer", "the newer gateway's header"))
        lines.append(Line("switch_id", system.switch_id, "which system there"))
    if system.ca_file is not None:
        lines.append(Line("ca_file", system.ca_file, "certificates to trust as well"))
    return Table("[[systems]]", lines)


def _watches(watches: Watches) -> Iterator[tuple[str, Table]]:
    """Each with its key, as `pasted` knows it."""
    if watches.sms:
        yield "sms", Table("[systems.sms]", [Line("every", "15s", "how often to ask")], "received messages")
    if watches.sip_for is not None:
        yield (
            "sip",
            Table(
                "[systems.sip]",
                [
                    Line("every", "30s", "how often to ask"),
                    Line("for", watches.sip_for, "a phone that is off for so long is told"),
                ],
                "phones that register, and drop off",
            ),
        )
    for queue in watches.queues:
        key = f"queues {queue_key(queue.path)}"
        yield key, _queue(queue, watches.queue_every)
        yield from ((key, one) for one in _thresholds(queue))
    for one in watches.folders:
        yield f"directories {queue_key(one.path)}", _folder(one, watches.folder_every)
    if watches.pirsumphone:
        yield (
            "pirsumphone",
            Table(
                "[systems.pirsumphone]",
                [Line("every", "5m", "how often to ask")],
                "whether it is registered to PirsumPhone",
            ),
        )
    if watches.has_units:
        yield "units", _units(watches)


def _queue(queue: ChosenQueue, every: timedelta) -> Table:
    name = [] if queue.name is None else [Line("name", queue.name, "how people call it")]
    return Table(
        "[[systems.queues]]",
        [
            Line("path", queue.path, "its extension, as the platform knows it"),
            *name,
            Line("every", every, "how often to ask"),
        ],
    )


def _thresholds(queue: ChosenQueue) -> Iterator[Table]:
    if queue.waiting_above is not None:
        yield Table(
            "[[systems.queues.thresholds]]",
            [
                Line("metric", "calls_waiting"),
                Line("above", queue.waiting_above, "fires when more callers wait"),
                Line("for", queue.waiting_for, "so long"),
            ],
        )
    if queue.no_agent_for is not None:
        yield Table(
            "[[systems.queues.thresholds]]",
            [
                Line("metric", "agents_available"),
                Line("below", 1, "fires when nobody can take a call"),
                Line("for", queue.no_agent_for, "so long"),
            ],
        )


def _folder(folder: ChosenFolder, every: timedelta) -> Table:
    lines = [Line("path", folder.path, "the extension"), Line("every", every, "how often to ask")]
    return Table(
        "[[systems.directories]]", lines, f"recordings: {folder.title}" if folder.title else "recordings"
    )


def _units(watches: Watches) -> Table:
    lines: list[Line] = [Line("every", "1h", "how often to ask")]
    if watches.units_below is not None:
        lines.append(Line("below", watches.units_below, "alert when fewer are left"))
    if watches.units_expire_within is not None:
        lines.append(Line("expires_within", watches.units_expire_within, "alert when they expire so soon"))
    return Table("[systems.units]", lines, "the prepaid balance")


def _webhook(webhook: ChosenWebhook, named: Named) -> Table:
    return Table(
        "[[webhooks]]",
        [
            Line("name", webhook.name, "how the page and the command line call it"),
            _secret("url", url_name(webhook), named, "its address, which is a secret")
            if webhook.has_secret_url
            else Line("url", webhook.url),
            _secret("secret", secret_name(webhook), named, "what the receiver verifies signatures by"),
            Line("events", webhook.events, "globs of event types"),
        ],
        "a receiver of signed requests",
    )


def _smtp(mail: ChosenMail, named: Named) -> Table:
    lines = [
        Line("host", mail.host),
        Line("port", mail.port),
        Line("security", mail.security, "starttls | tls | none"),
    ]
    if mail.username is not None:
        lines.append(Line("username", mail.username))
        lines.append(_secret("password", "smtp-password", named))
    lines.append(Line("from", mail.sender, "the sender, which bounces come back to"))
    return Table("[smtp]", lines, "the server that takes the mails")


def _emails(mail: ChosenMail) -> Table:
    return Table(
        "[[emails]]",
        [
            Line("name", mail.name),
            Line("to", mail.to, "each address is told for itself"),
            Line("events", mail.events, "globs of event types"),
            Line("language", mail.language, "he | en"),
        ],
        "who is told by mail",
    )


def _quiet(endpoints: str, quiet: ChosenQuiet) -> Iterator[Table]:
    if quiet.place is not None:
        yield Table(
            f"[[{endpoints}.quiet]]",
            [Line("shabbat", True, "Shabbat and Yom Tov"), Line("place", quiet.place, "by its times")],
            "told nothing then, and afterwards what is still true",
        )
    if quiet.hours is not None:
        start, end = quiet.hours
        yield Table(
            f"[[{endpoints}.quiet]]", [Line("from", start), Line("to", end, "by the clock on the wall")]
        )


def _secret(key: str, name: str, named: Named, comment: str = "") -> Line:
    return Line(f"{key}_{named.way}", f"{named.before}{name}{named.after}", comment)


def _shown(table: Table) -> str:
    lines = [_aligned(table.header, table.comment), *(_line(one) for one in table.lines)]
    return "".join(f"{one}\n" for one in lines)


def _line(one: Line) -> str:
    return _aligned(f"{one.key} = {_value(one.value)}", one.comment)


def _aligned(text: str, comment: str) -> str:
    if not comment:
        return text
    return f"{text:<{COLUMN - 1}} # {visible_line(comment)}"


def _value(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"[{', '.join(map(_text, value))}]"
    return _text(value if isinstance(value, str) else _time(value))


def _time(value: timedelta | time) -> str:
    return show(value) if isinstance(value, timedelta) else f"{value:%H:%M}"


def _text(value: str) -> str:
    """A basic string of TOML 1.0: JSON's, but that it has no bare DEL."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
