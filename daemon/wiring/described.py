"""A configuration by the names of its parts, to tell what lies between two of them."""

import json
from collections.abc import Mapping, Sequence
from functools import partial
from hashlib import blake2b
from typing import Any, get_args

from pydantic import BaseModel

from daemon.config.settings import Config
from daemon.config.systems import SystemSettings
from daemon.config.watches import WatchSettings
from daemon.config.webhooks import Webhook
from daemon.core.differences import READERS, Parts
from daemon.core.model import Secret
from daemon.core.templates.planned import Planned
from daemon.wiring.mailboxes import endpoint_names, mailboxes
from daemon.wiring.phones import phones
from daemon.wiring.watches import plan, rows

UNSHOWN = frozenset({"headers", "values"})
"""Fields of which the names alone are shown: a value may be a credential."""
OWN_OF_DAEMON = ("database", "key_file", "member")
OWN_OF_HTTP = ("listen", "tls_cert", "tls_key")
"""Settings that each of several daemons has for itself: how it reaches the database, and is reached."""


WATCH_TABLES = tuple(
    key
    for key, field in SystemSettings.model_fields.items()
    if any(isinstance(one, type) and issubclass(one, WatchSettings) for one in get_args(field.annotation))
)
"""Of a system: what is watched of it has names of its own."""


def parts(config: Config) -> Parts:
    """Its endpoints, watches, systems and single tables, each as it is configured; with secrets."""
    tables = {name: getattr(config, name) for name in type(config).model_fields}
    return {
        "endpoints": {
            **{one.name: _with_template(config, one) for one in config.webhooks},
            **{one.name: one for one in config.notify},
            **{one.endpoint: (one.recipient, one.email) for one in mailboxes(config)},
            **{one.endpoint: (one.to, one.text) for one in phones(config)},
        },
        "watches": {
            "/".join((description.system, description.name)): (
                description.every,
                make.keywords.get("settings"),
                make.keywords.get("number"),
            )
            for system in config.systems
            for description, make in rows(system)
            if isinstance(make, partial)
        },
        "systems": {one.name: one.model_copy(update=dict.fromkeys(WATCH_TABLES)) for one in config.systems},
        "settings": {
            **{name: one for name, one in tables.items() if isinstance(one, BaseModel)},
            **({"escalations": config.escalations} if config.escalations else {}),
            **({"digests": config.digests} if config.digests else {}),
        },
    }


def templates_of(config: Config) -> dict[str, Planned]:
    """The template that each webhook has."""
    return {one.name: Planned(config.templates.text_of(one), one.template) for one in config.webhooks}


def _with_template(config: Config, webhook: Webhook) -> object:
    """A webhook whose template says something else is another one."""
    return webhook if webhook.template is None else (webhook, config.templates.text_of(webhook))


def digests(described: Parts) -> dict[str, dict[str, str]]:
    """The same for the store, where no secret may be and no setting need be: only whether it was changed."""
    return {
        kind: {
            name: blake2b(json.dumps(_shown(one), sort_keys=True).encode(), digest_size=8).hexdigest()
            for name, one in by_name.items()
        }
        for kind, by_name in described.items()
    }


def kept(config: Config) -> dict[str, dict[str, Any]]:
    """What the store keeps of the configuration that is taken over: digests of its parts, and for readers the
    names of its endpoints and watches in their order, how often these are polled (in seconds), and the
    zone."""
    watched = [one for system in config.systems for one in plan(system)]
    return {
        **digests(parts(config)),
        READERS: {
            "endpoints": endpoint_names(config),
            "watches": [[one.system, one.name, one.every.total_seconds()] for one in watched],
            "timezone": config.daemon.timezone,
        },
    }


def fingerprint(config: Config, key: bytes) -> str:
    """Of all that several daemons have to agree on, secrets included; without what each has for itself, and
    without what is kept in the store, which they have from there. By
    the key that they share, so that nobody who reads it can try what the secrets may be."""
    from daemon.config.kept_endpoints import of_file  # noqa: PLC0415 - a cold start is measured

    file = of_file(config)
    shared = file.model_copy(
        update={
            "daemon": file.daemon.model_copy(update=dict.fromkeys(OWN_OF_DAEMON)),
            "http": file.http.model_copy(update=dict.fromkeys(OWN_OF_HTTP)),
            # A file is brought to each machine in its time; nobody is to stand still for an address book.
            "contacts": file.contacts.model_copy(update={"file": {}}),
            "contacts_file": None,
        }
    )
    said = json.dumps(_shown(shared, reveals=True), sort_keys=True)
    return blake2b(said.encode(), key=key[:64], digest_size=12).hexdigest()


def _shown(value: Any, *, reveals: bool = False) -> Any:
    """Without secrets; and without what is as by default, so that a new release changes nothing by itself."""
    if isinstance(value, Secret):
        return value.value if reveals else "***"
    if isinstance(value, BaseModel):
        return {
            name: _field(name, getattr(value, name), reveals=reveals)
            for name, field in type(value).model_fields.items()
            if getattr(value, name) != field.get_default(call_default_factory=True, validated_data={})
        }
    if isinstance(value, Mapping):
        return {str(name): _shown(one, reveals=reveals) for name, one in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_shown(one, reveals=reveals) for one in value]
    return str(value)


def _field(name: str, value: Any, *, reveals: bool) -> Any:
    return sorted(value) if name in UNSHOWN and not reveals else _shown(value, reveals=reveals)
