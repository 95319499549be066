"""What of a webhook may be said over HTTP, judged as the file's, all faults at once.

Whoever has an admin's token may not read the machine by it: no key names a file, a variable or a credential,
and none opens a way inside. What may lead inside, `[http] endpoints_allow` says, in the file.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from daemon.config.kept_endpoints import KeptWebhook, Opened, made, names_of_file
from daemon.config.reading import secrets_of
from daemon.config.secrets import WAYS
from daemon.config.settings import Config
from daemon.config.webhooks import Webhook
from daemon.core.webhooks.addresses import Network, refusal
from daemon.core.wording import nearest
from daemon.schemas.kept_endpoints import NAME
from daemon.schemas.wording import faults as worded

MOST = 100
"""Ours: each is asked of each event, and has a queue of its own."""
LARGEST = 32 * 1024
"""Bytes of one's settings as JSON."""
TAKEN = (
    "name", "url", "format", "template", "values", "signature", "accept_redirect", "payload", "language",
    "names", "headers",
    "timeout", "connect_timeout", "order", "max_in_flight", "rate", "recovery_rate", "retries", "schedules",
    "repeat", "events", "systems", "filters", "redact", "expires", "min_severity", "after", "quiet",
)  # fmt: skip
"""The keys of `[[webhooks]]` that may be given over HTTP. A new one is refused until it stands here."""
OURS = "is made by yemotd: leave it out, and the answer has it"
OF_THE_FILE = "is for the configuration file: it cannot be given over HTTP"
INSIDE = "leads inside, which [http] endpoints_allow has to permit"

Fault = tuple[str, str]
"""The path of a field, and what is wrong with it."""


class WrongError(ValueError):
    """What somebody gave cannot be kept; every fault of it."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(f"{at}: {reason}" for at, reason in faults))
        self.faults = list(faults)


def judged(settings: Mapping[str, Any], secrets: tuple[str, ...], config: Config) -> KeptWebhook:
    """What somebody wants to be kept, judged as the file's. Raises `WrongError` with all that is wrong."""
    faults = [*_strange(settings), *_within(settings), *_beside(settings, config)]
    if len(json.dumps(settings)) > LARGEST:
        faults.append(("body", f"is larger than {LARGEST // 1024} KiB"))
    known = {key: _whole(value) for key, value in settings.items() if key in TAKEN}
    found = None
    try:
        found = made(Opened(known, secrets), config)
        faults += _trials(found, config)
    except ValidationError as error:
        faults += worded(error.errors(include_url=False, include_input=False))
    if faults or found is None:
        raise WrongError(list(dict.fromkeys(faults)))
    return found


def literal_inside(url: str, allow: Collection[Network]) -> bool:
    """Whether a URL names an address inside itself that is not permitted; of a name nobody knows yet."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False  # told by the model
    bare = host.rstrip(".").lower()
    if bare == "localhost" or bare.endswith(".localhost"):
        return all(refusal(host, one, [*allow], trusts_host=False) for one in ("127.0.0.1", "::1"))
    try:
        ip_address(bare.partition("%")[0])
    except ValueError:
        return False
    return refusal(host, bare, [*allow], trusts_host=False) is not None


def _whole(value: Any) -> Any:
    """8.0 is a whole number in JSON, which knows no other kind."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _strange(settings: Mapping[str, Any]) -> Iterator[Fault]:
    """Keys that are not for HTTP, or for nobody."""
    fields = {str(one.validation_alias or name) for name, one in Webhook.model_fields.items()}
    secret = {held.key for held in secrets_of(Webhook)}
    for key in settings:
        if key in TAKEN and key in fields:
            continue
        base = next((key.removesuffix(way) for way in WAYS[1:] if key.endswith(way)), key)
        if key == "secret" or (base == "secret" and base in secret):
            yield key[:100], OURS
        elif key in fields or base in secret or base == "url":
            yield key[:100], OF_THE_FILE
        else:
            yield key[:100], f"is not known here{nearest(key[:100], [one for one in TAKEN if one in fields])}"


def _within(settings: Mapping[str, Any]) -> Iterator[Fault]:
    """Names in its tables that lead elsewhere, in the file."""
    for table in ("headers", "values"):
        entries = settings.get(table)
        for key in entries if isinstance(entries, dict) else ():
            if key.endswith(WAYS[1:]):
                yield f"{table}.{key[:100]}", OF_THE_FILE


def _trials(webhook: KeptWebhook, config: Config) -> Iterator[Fault]:
    """What its template cannot tell of what may come to it."""
    text = config.templates.text_of(webhook)
    if text is not None:
        from daemon.config import template_trials  # noqa: PLC0415 - it brings Jinja and every word there is

        yield from (("template", reason) for reason in template_trials.faults(config, webhook, text))


def _beside(settings: Mapping[str, Any], config: Config) -> Iterator[Fault]:
    """What the rest of the configuration says to it."""
    name, url, systems = settings.get("name"), settings.get("url"), settings.get("systems")
    if isinstance(name, str):
        if name in names_of_file(config):
            yield "name", "an endpoint of the configuration file has this name"
        elif not re.fullmatch(NAME, name) and name:
            yield "name", 'expected letters, digits, "_", "." and "-", a letter or digit first, at most 100'
    if isinstance(url, str) and literal_inside(url, config.http.endpoints_allow):
        yield "url", INSIDE
    template = settings.get("template")
    if isinstance(template, str) and template not in config.templates.texts:
        near = nearest(template, config.templates.texts)
        yield "template", f"no template in [templates] of the file has this name{near}"
    known = [one.name for one in config.systems]
    for index, one in enumerate(systems if isinstance(systems, list) else []):
        if isinstance(one, str) and one not in known:
            yield f"systems.{index}", f"no system has this name{nearest(one, known)}"
