"""Who looks at the page: what they may do, and how they want to see it."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from fastapi import Request

from daemon.web.auth import Guard, Token
from daemon.web.forms import is_of_us
from daemon.web.gate import SAFE
from daemon.web.problems import Problem
from daemon.web.sessions import Session, Sessions

LANGUAGES = ("en", "he")
THEMES = ("auto", "light", "dark")
LONGEST_PATH = 2000
OLD_HEBREW = "iw"
"""What some phones call Hebrew yet (ISO 639 before 1989)."""


@dataclass(frozen=True)
class Visitor:
    """One look at the page."""

    language: str = "en"
    theme: str = "auto"
    token: Token | None = None
    """Of the session; None: nobody has signed in."""
    csrf: str = ""
    renewed: str | None = None
    """The cookie of the session, where it is to be another one from now on."""

    @property
    def direction(self) -> str:
        """`rtl` or `ltr`, as HTML spells it."""
        return "rtl" if self.language == "he" else "ltr"

    def may(self, scope: str) -> bool:
        """Whether the session's token opens what needs this scope."""
        return self.token is not None and self.token.allows(scope)


@dataclass(frozen=True)
class Visit(Guard):
    """A dependency that lets in who has signed in with a token of this scope; others are led to the door."""

    sessions: Sessions

    async def __call__(self, request: Request) -> Visitor:  # type: ignore[override] # of a page, whoever looks
        if request.method not in SAFE and not is_of_us(request):
            raise Problem(403, "The form is of another site", "Only a page of this daemon may send it.")
        session = self.sessions.of(request)
        if session is None:
            raise to_the_door(request)
        if not session.token.allows(self.scope):
            request.state.lacks = self.scope
            raise Problem(403, "The token is not allowed to do this", f"It needs the scope {self.scope!r}.")
        return visitor_of(request, self.sessions, session)


@dataclass(frozen=True)
class VisitOrLook(Visit):
    """A dependency that also lets in who has not signed in, where there is something for strangers to see."""

    is_open: Callable[[], bool]

    async def __call__(self, request: Request) -> Visitor:  # type: ignore[override] # as above
        if self.is_open() and self.sessions.of(request) is None:
            return visitor_of(request, self.sessions, None)
        return await super().__call__(request)


def lacking(request: Request) -> str | None:
    """The scope for want of which a request was refused; None: that was not why."""
    found: str | None = getattr(request.state, "lacks", None)
    return found


def visitor_of(request: Request, sessions: Sessions, session: Session | None) -> Visitor:
    """Whoever it is, signed in or not."""
    theme = request.cookies.get("theme", "")
    return Visitor(
        language=language_of(request),
        theme=theme if theme in THEMES else THEMES[0],
        token=session.token if session else None,
        csrf=sessions.form_of(session) if session else "",
        renewed=sessions.renewed(session) if session and request.method in SAFE else None,
    )


def language_of(request: Request) -> str:
    """What was chosen, else what the browser asks for first, else English."""
    chosen = request.cookies.get("language")
    return chosen if chosen in LANGUAGES else wished(request.headers.get("accept-language", ""))


def wished(accept: str) -> str:
    """The language that an `Accept-Language` wants most of those that there are. RFC 9110, 12.5.4."""
    best, most = LANGUAGES[0], 0.0
    for part in accept.split(",")[:20]:
        name, _, rest = part.strip().partition(";")
        language = name.lower().partition("-")[0].replace(OLD_HEBREW, "he")
        found = re.fullmatch(r"\s*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*", rest)
        weight = float(found[1]) if found else 1.0 if not rest else 0.0
        if language in LANGUAGES and weight > most:
            best, most = language, weight
    return best


def to_the_door(request: Request) -> Problem:
    """Leads to where one signs in, and from there back."""
    root = request.scope.get("root_path", "")
    here = request.url.path.removeprefix(root) if request.method in SAFE else "/"
    query = request.url.query if request.method in SAFE else ""
    back = f"{here}?{query}" if query else here
    where = f"{root}/sign-in" + ("" if back == "/" else "?" + urlencode({"next": back}))
    return Problem(303, "Sign in first", headers={"location": where})


def local(path: str) -> str:
    """A path of this site to go to next; `/` for whatever leads elsewhere."""
    is_local = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    is_local = is_local and len(path) <= LONGEST_PATH
    return quote(path, safe="/?=&%:@+,;~-._!$'()*") if is_local else "/"


def joined(parts: Sequence[str]) -> str:
    """A path of these parts, in which what is in a name stays in it; slashes stay slashes."""
    return "".join(quote(one, safe="/@:+,;~") for one in parts)
