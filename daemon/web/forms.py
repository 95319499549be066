"""What a form of the page sends, and whether it was ours: its fields come through here and no other way."""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from fastapi import Request

from daemon.web.problems import Problem
from daemon.web.sessions import Sessions

MEDIA_TYPE = "application/x-www-form-urlencoded"
MOST_FIELDS = 2000
"""Of a form; a campaign's five hundred numbers stand in one."""
PORTS = {"http": 80, "https": 443}
CSRF = "csrf"
"""The hidden field of every form."""


@dataclass(frozen=True)
class Fields:
    """The fields of a form, as they were sent."""

    values: Mapping[str, Sequence[str]]

    def text(self, name: str, default: str = "") -> str:
        """What was typed, without blanks around it."""
        found = self.values.get(name, ())
        return found[-1].strip() if found else default

    def texts(self, name: str) -> list[str]:
        """All that was chosen under a name."""
        return list(self.values.get(name, ()))

    def __contains__(self, name: str) -> bool:
        return bool(self.text(name))


@dataclass(frozen=True)
class Form:
    """A dependency: the fields of a form of which nobody needs to have signed in."""

    async def __call__(self, request: Request) -> Fields:
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != MEDIA_TYPE:
            raise Problem(415, "It is no form", f"Send it as {MEDIA_TYPE}.")
        try:
            body = (await request.body()).decode()
            pairs = parse_qsl(body, keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
        except ValueError:
            raise Problem(422, "The form cannot be read", "It is no UTF-8, or has too many fields.") from None
        values: dict[str, list[str]] = {}
        for name, value in pairs:
            values.setdefault(name, []).append(value)
        return Fields(values)


@dataclass(frozen=True)
class FormOrNothing(Form):
    """The same; and no fields where nothing is sent."""

    async def __call__(self, request: Request) -> Fields:
        if "content-type" not in request.headers and not await request.body():
            return Fields({})
        return await super().__call__(request)


@dataclass(frozen=True)
class Posted(Form):
    """A dependency: the fields of a form that this very session was given."""

    sessions: Sessions

    async def __call__(self, request: Request) -> Fields:
        fields = await super().__call__(request)
        wanted = self.sessions.csrf(request)
        if not wanted or not hmac.compare_digest(wanted.encode(), fields.text(CSRF).encode()):
            detail = "It may have been open for too long. Load the page anew, and send it again."
            raise Problem(403, "The form is not of this session", detail)
        return fields


def is_of_us(request: Request) -> bool:
    """Whether a page of ours asks for it: what a browser says of where a request comes from.

    `Sec-Fetch-Site` where it is sent (over TLS, and on loopback), else `Origin`, which every browser sends
    with a POST.
    """
    sites = request.headers.getlist("sec-fetch-site")
    if sites:
        return sites == ["same-origin"]
    origins = request.headers.getlist("origin")
    if len(origins) != 1 or (request.scope["scheme"] == "https" and not origins[0].startswith("https:")):
        return False
    # Who has https may come through a proxy that does not say so, so the other way round tells nothing.
    return _is_at(origins[0], request.headers.get("host", ""))


def _is_at(origin: str, host: str) -> bool:
    """Whether an origin is that of a host; the port that goes without saying may be said by either."""
    try:
        parts, asked = urlsplit(origin), urlsplit(f"//{host}")
        usual = PORTS[parts.scheme]
        there, here = (parts.hostname, parts.port or usual), (asked.hostname, asked.port or usual)
    except (KeyError, ValueError):
        return False
    return bool(parts.hostname) and "@" not in parts.netloc + asked.netloc and there == here
