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
from daemon.core.differences import Parts
from daemon.core.model import Secret
from daemon.wiring.mailboxes import mailboxes
from daemon.wiring.watches import rows

UNSHOWN = frozenset({"headers"})
"""Fields of which the names alone are shown: a value may be a credential."""


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
            **{one.name: one for one in (*config.webhooks, *config.notify)},
            **{one.endpoint: (one.recipient, one.email) for one in mailboxes(config)},
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
        "settings": {name: one for name, one in tables.items() if isinstance(one, BaseModel)},
    }


def digests(described: Parts) -> dict[str, dict[str, str]]:
    """The same for the store, where no secret may be and no setting need be: only whether it was changed."""
    return {
        kind: {
            name: blake2b(json.dumps(_shown(one), sort_keys=True).encode(), digest_size=8).hexdigest()
            for name, one in by_name.items()
        }
        for kind, by_name in described.items()
    }


def _shown(value: Any) -> Any:
    """Without secrets; and without what is as by default, so that a new release changes nothing by itself."""
    if isinstance(value, Secret):
        return "***"
    if isinstance(value, BaseModel):
        return {
            name: _field(name, getattr(value, name))
            for name, field in type(value).model_fields.items()
            if getattr(value, name) != field.get_default(call_default_factory=True, validated_data={})
        }
    if isinstance(value, Mapping):
        return {str(name): _shown(one) for name, one in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_shown(one) for one in value]
    return str(value)


def _field(name: str, value: Any) -> Any:
    return sorted(value) if name in UNSHOWN else _shown(value)
