"""A request to the simulator as it came: where its parameters are, and in which form. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from daemon.core.model import Json


@dataclass(frozen=True)
class Incoming:
    """A request that was read whole."""

    verb: str
    path: str
    query: Mapping[str, str]
    content_type: str
    body: bytes
    authorization: str
    switch_id: str = ""
    """Of the newer gateway's header."""

    @property
    def is_json(self) -> bool:
        """Whether the parameters are in a JSON body."""
        return self.verb == "POST" and self.content_type == "application/json"

    def params(self) -> dict[str, Json]:
        """Of the query and of the body, which goes before. Raises ValueError where JSON is no object."""
        if self.is_json:
            return {**self.query, **self._object()}
        form = parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True)
        return {**self.query, **dict(form)}

    def _object(self) -> dict[str, Json]:
        decoded = decoded_json(self.body)
        if not isinstance(decoded, dict):
            raise ValueError("the JSON is no object")
        return decoded


def decoded_json(body: bytes) -> object:
    """Raises ValueError, also where the nesting is too deep."""
    try:
        return json.loads(body)
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None
