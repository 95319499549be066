"""What every page of the page shares: who looks, in which words, in which frame.

A page is one file of this folder with `router(page)`, one row in `pages.py`, one template, its words in
`words/`, and one test. It reads what HTTP and the command line read (`operations/`, the documents of
`schemas/`), knows no table, and acts through the same operations. Its routes take the visitor from
`page.visit("read")`; one that changes something also takes the fields of its form from `page.posted`, and
answers with `page.redirect`, so that a reload sends nothing twice.

What is live on a page stands in an element with an id and `data-live`: `live.js` fetches the page anew when
something happens, and puts what changed in its place. Without JavaScript the page is whole, only still.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

from fastapi import Depends, Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from daemon.core.contacts import NOBODY
from daemon.store.database import Database
from daemon.web import cookies
from daemon.web.attempts import Attempts
from daemon.web.auth import Tokens
from daemon.web.dependencies import Live
from daemon.web.forms import CSRF, Form, Posted
from daemon.web.gate import SAFE
from daemon.web.page.refused import in_words
from daemon.web.page.static import LINKS
from daemon.web.page.visitors import Visit, Visitor, VisitOrLook, joined, visitor_of
from daemon.web.page.words import Words
from daemon.web.page.writing import FILTERS, Writing
from daemon.web.problems import ProblemDocument
from daemon.web.protection import NOTHING
from daemon.web.sessions import Sessions
from daemon.web.shown import Look, look

TEMPLATES = Path(__file__).with_name("templates")
POLICY = NOTHING.replace("form-action 'none'", "form-action 'self'") + (
    "; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; manifest-src 'self'"
)
"""Files of our own and nothing else: nothing inline, nothing of a foreign network."""
SAID = "said"
"""The cookie of what is said once, on the page that comes next."""
NAV = (
    ("frame.now", "/"),
    ("now.nav", "/now"),
    ("missed.nav", "/missed"),
    ("frame.incidents", "/incidents"),
    ("frame.events", "/events"),
    ("frame.sms", "/sms"),
    ("frame.endpoints", "/endpoints"),
    ("frame.commands", "/commands"),
    ("frame.silences", "/silences"),
    ("frame.digests", "/digests"),
    ("frame.contacts", "/contacts"),
)
"""The pages that the frame leads to, in their order."""
GROUNDS = {"light": "#f6f7f9", "dark": "#10161d"}
"""The colour behind the page, as its style has it, for the bar that a phone draws above."""
HEADERS = {
    "content-security-policy": POLICY,
    "cache-control": "no-store",
    # `no-referrer` would have browsers hide even from us that a form is ours.
    "referrer-policy": "same-origin",
    "vary": "cookie, accept-language",
}


@dataclass(frozen=True)
class Page:
    """What the routes of the page are handed."""

    database: Database
    live: Live
    tokens: Tokens
    sessions: Sessions
    attempts: Attempts
    version: str
    environment: Environment = field(init=False)
    look: Look = field(init=False)
    """What strangers may see of the subjects."""

    def __post_init__(self) -> None:
        environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        environment.filters |= FILTERS
        object.__setattr__(self, "environment", environment)
        object.__setattr__(self, "look", look(self.database, self.live, self.version))

    @property
    def form(self) -> Any:
        """The default of a parameter `fields: Fields` of a form that needs no session."""
        return Depends(Form())

    @property
    def posted(self) -> Any:
        """The default of a parameter `fields: Fields`: the form of this very session."""
        return Depends(Posted(self.sessions))

    def visit(self, scope: str) -> Any:
        """The default of a parameter `visitor: Visitor`: somebody whose token has this scope."""
        return Depends(Visit(scope, self.tokens, self.sessions))

    def visit_or_look(self, scope: str) -> Any:
        """The same; and a visitor without a token, where strangers are shown something."""
        return Depends(VisitOrLook(scope, self.tokens, self.sessions, lambda: bool(self.live.reach().shown)))

    def visitor(self, request: Request) -> Visitor:
        """Whoever it is, signed in or not."""
        return visitor_of(request, self.sessions, self.sessions.of(request))

    def render(
        self, request: Request, visitor: Visitor, template: str, *, code: int = 200, **values: Any
    ) -> Response:
        """A template as the answer; in it are the `values`, and what `_context` has."""
        context = self._context(request, visitor)
        html = self.environment.get_template(template).render(**context, **values)
        answer = HTMLResponse(html, code, HEADERS)
        if SAID in request.cookies:
            cookies.drop(request, answer, SAID)
        if visitor.renewed:
            self.sessions.put(request, answer, visitor.renewed)
        return answer

    def redirect(self, request: Request, *path: str, said: str = "") -> Response:
        """On to a path of the page; `said` is the key of a sentence that is shown there once."""
        answer = self.onward(request, joined(path))
        if said:
            cookies.put(request, answer, SAID, said, seconds=60)
        return answer

    def onward(self, request: Request, path: str) -> Response:
        """On to a path of the page that is one already, as `visitors.local` gives it."""
        where = request.scope.get("root_path", "") + path
        return Response(status_code=303, headers={"location": where, **HEADERS})

    def problem(self, request: Request, document: ProblemDocument) -> Response:
        """A problem as a page."""
        visitor = self.visitor(request)
        said = in_words(request, visitor, document)
        return self.render(request, visitor, "problem.html", code=document.status, problem=document, why=said)

    def link(self, request: Request) -> Callable[..., str]:
        """What makes addresses of this site: `link("/systems/", name)`."""
        root = request.scope.get("root_path", "")
        return lambda *parts: root + joined(parts)

    def now(self) -> datetime:
        """The daemon's time."""
        return self.live.now()

    def zone(self) -> tzinfo:
        """In which times are shown."""
        return self.live.zone()

    def writing(self, words: Words, visitor: Visitor) -> Writing:
        """How times, numbers and names are written for somebody; names only for who has signed in."""
        contacts = self.live.contacts() if visitor.token else NOBODY
        return Writing(words, self.zone(), self.now(), contacts)

    def _context(self, request: Request, visitor: Visitor) -> dict[str, Any]:
        words = Words(visitor.language)
        said = request.cookies.get(SAID, "")
        return {
            "visitor": visitor,
            "t": words,
            "w": self.writing(words, visitor),
            "link": self.link(request),
            "static": lambda name: self.link(request)(LINKS[name]),
            "path": request.url.path.removeprefix(request.scope.get("root_path", "")),
            "query": request.url.query,
            "is_posted": request.method not in SAFE,
            "version": self.version,
            "said": said if said in words else "",
            "nav": NAV,
            "grounds": GROUNDS,
            "csrf": Markup('<input type="hidden" name="{}" value="{}">').format(CSRF, visitor.csrf),
        }
