"""Endpoints that are kept in the store as JSON: how they are asked for, and what is shown of them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

from pydantic import Field, WithJsonSchema

from daemon.core.timestamps import iso, iso_or_none
from daemon.schemas.documents import AT, Document
from daemon.schemas.fields import DURATION, Duration
from daemon.schemas.requests import Request

if TYPE_CHECKING:
    from daemon.store.kept_endpoints import Kept

NAME = "^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$"
NEW: dict[str, dict[str, Any]] = {
    "Messages, signed": {
        "name": "n8n",
        "url": "https://n8n.example.org/webhook/yemot",
        "events": ["sms.received"],
    },
    "What is wrong with one system": {
        "name": "alerts",
        "url": "https://hooks.example.org/services/x",
        "events": ["sip.*", "queue.*", "api.*"],
        "systems": ["main"],
        "min_severity": "warning",
    },
}
CHANGES: dict[str, dict[str, Any]] = {
    "Other events": {"events": ["sms.*", "sip.*"]},
    "Another address, and all systems": {"url": "https://new.example.org/yemot", "systems": None},
}
ROTATIONS: dict[str, dict[str, Any]] = {
    "Both sign for a day": {},
    "The old one is known to others": {"overlap": "0s"},
}
_TEXTS = {"type": "array", "items": {"type": "string"}}
_SETTINGS: dict[str, Any] = {
    "url": {
        "type": "string",
        "description": "https:// or http://, leading inside only where the file lets it",
    },
    "events": {**_TEXTS, "description": "Globs on the type"},
    "systems": {**_TEXTS, "description": "Default: all"},
    "payload": {"type": "string", "enum": ["full", "thin"]},
    "language": {"type": "string", "enum": ["he", "en"]},
    "names": {"type": "boolean"},
    "order": {"type": "string", "enum": ["strict", "best_effort", "latest"]},
    "max_in_flight": {"type": "integer", "minimum": 1, "maximum": 1000},
    "expires": {"type": "string", "pattern": DURATION},
    "min_severity": {"type": "string", "enum": ["info", "warning", "error", "critical"]},
}
_ABOUT = (
    "As a table of `[[webhooks]]`, with the same rules; every key but `secret`, `signing_key`, `allow`, "
    "`proxy`, `ca_file`, `certificate`, `key`, a messenger's `token`, `chat_id` and `topic`, and those that "
    "name a file, a variable or a credential; and every `format` but apprise"
)
CREATE: dict[str, Any] = {
    "type": "object",
    "description": _ABOUT,
    "required": ["name", "url"],
    "properties": {"name": {"type": "string", "pattern": NAME}, **_SETTINGS},
    "additionalProperties": False,
}
PATCH: dict[str, Any] = {
    "type": "object",
    "description": f"{_ABOUT}. A key takes the place of what was there; null: as by default (RFC 7396)",
    "properties": _SETTINGS,
    "additionalProperties": False,
}


Overlap = Annotated[
    Duration,
    WithJsonSchema(
        {"type": "string", "pattern": "^(([12]?[0-9]|30)d|([1-6]?[0-9]{1,2}|7[01][0-9]|720)h)$|^0s$"}
    ),
]
"""At most 30 days. What else comes to no more is taken, too."""


class RotateRequest(Request):
    """For how long the secret that there was signs beside the new one."""

    overlap: Overlap | None = Field(
        default=None, description="At most 30d, 1d by default; 0s: it ends at once", examples=["7d"]
    )


class KeptEndpoint(Document):
    """An endpoint that is kept in the store. Of its address the host alone is shown, of headers and
    values the names."""

    name: str = Field(examples=["n8n"])
    host: str = Field(examples=["n8n.example.org"])
    settings: dict[str, Any] = Field(
        description="What was given, without `url`; of `headers` and `values` the names"
    )
    author: str = Field(examples=["admin"])
    made_at: str = Field(examples=[AT])
    changed_at: str = Field(examples=[AT])
    overlap_until: str | None = Field(description="So long the secret before signs, too", examples=[AT])
    is_hidden: bool = Field(description="The configuration file has one of its name, which counts")
    fault: str | None = Field(description="Why nothing is sent to it, or what of it does not count")

    @classmethod
    def of(
        cls, kept: "Kept", settings: Mapping[str, Any], *, is_hidden: bool = False, fault: str | None = None
    ) -> "KeptEndpoint":
        return cls(**_fields(kept, settings), is_hidden=is_hidden, fault=fault)


class KeptSecret(KeptEndpoint):
    """The same, with the secret that signs from now on. It is shown this once."""

    secret: str | None = Field(
        description="whsec_…; None: the same `Idempotency-Key` came again, and it was shown before"
    )

    @classmethod
    def shown(cls, kept: "Kept", settings: Mapping[str, Any], secret: str | None) -> "KeptSecret":
        """What is answered to who made it, or rotated it."""
        return cls(**_fields(kept, settings), is_hidden=False, fault=None, secret=secret)


def _fields(kept: "Kept", settings: Mapping[str, Any]) -> dict[str, Any]:
    url = str(settings.get("url", ""))
    shown = {key: one for key, one in settings.items() if key not in ("name", "url")}
    for table in ("headers", "values"):  # which may hold credentials
        if isinstance(shown.get(table), dict):
            shown[table] = sorted(shown[table])
    return {
        "name": kept.name,
        "host": urlsplit(url).hostname or "",
        "settings": shown,
        "author": kept.author,
        "made_at": iso(kept.made_at),
        "changed_at": iso(kept.changed_at),
        "overlap_until": iso_or_none(kept.overlap_until),
    }
