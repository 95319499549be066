"""Mails as they go over the wire: headers, a part in plain text and one in HTML, from templates.

A folder of the administrator's may hold templates of the same names. One that is broken must not cost a
mail: ours takes its place, and the log says so.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

import structlog
from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup, escape

from daemon.core.mail_addresses import parse
from daemon.core.rendering.mails import Mail, Style, Tone
from daemon.core.rendering.phrases import END, FIRST_STRONG
from daemon.senders import mail_head

log = structlog.get_logger()

OURS = Path(__file__).with_name("templates")
NAMES = ("mail.txt", "mail.html", "digest.txt", "digest.html")
MOST_IDS = 50
"""Events that a header names."""
RIGHT_TO_LEFT = "\u200f"
COLOURS = {Tone.BAD: "#c62828", Tone.GOOD: "#2e7d32", Tone.PLAIN: "#5f6b7a"}
BARS = {"good": "#2e7d32", "bad": "#c62828", "unseen": "#9aa4af", "rest": "#e4e8ed"}
MARKS = {Tone.BAD: "●", Tone.GOOD: "✓", Tone.PLAIN: "·"}
LABELS: Mapping[str, Mapping[str, str]] = {
    "en": {"code": "Code", "ids": "Ids"},
    "he": {"code": "קוד", "ids": "מזהים"},
}
_ISOLATE = re.compile(f"{FIRST_STRONG}([^{FIRST_STRONG}{END}]*){END}")


Tried = Callable[[str, Exception | None], None]
"""Hears for which `[[emails]]` a template was used, and what it raised."""


class Letters:
    """Renders mails, with the templates of a folder where it has any."""

    def __init__(self, folder: Path | None, tried: Tried = lambda _list_name, _error: None) -> None:
        """`tried` hears what came of each use of a template of that folder."""
        self._tried = tried
        self._own = _environment(OURS)
        self._theirs = _environment(folder) if folder else None
        self._told: set[str] = set()

    def render(self, mail: Mail, style: Style, *, now: datetime) -> EmailMessage:
        """One mail, complete."""
        sender, recipient = parse(style.sender).wire, parse(style.recipient).wire
        letter = EmailMessage(policy=mail_head.AS_WRITTEN)
        letter["Date"] = format_datetime(now.astimezone(style.zone))
        letter["From"] = mail_head.mailbox("From", *sender)
        letter["To"] = mail_head.mailbox("To", *recipient)
        letter["Subject"] = mail_head.text("Subject", mail.subject)
        letter["Message-ID"] = mail.message_id
        if mail.references:
            letter["In-Reply-To"] = mail.references
            letter["References"] = mail.references
        letter["Auto-Submitted"] = "auto-generated"
        letter["X-Auto-Response-Suppress"] = "All"
        letter["List-Id"] = f"<{style.list_name or 'alerts'}.yemotd.{sender.domain}>"
        events = ", ".join(one.event for one in mail.messages[:MOST_IDS])
        letter["X-Yemotd-Event"] = mail_head.folded("X-Yemotd-Event", events.split(" "))
        name, style = ("mail", style) if mail.digest is None else ("digest", _in_language(style, mail))
        letter.set_content(self._text(f"{name}.txt", mail, style), cte="quoted-printable")
        html = self._text(f"{name}.html", mail, style)
        letter.add_alternative(html, subtype="html", cte="quoted-printable")
        letter["Content-Language"] = style.language  # at the end, else it becomes the part's
        letter.set_boundary(
            f"=_{mail.message_id.strip('<>').partition('@')[0]}"
        )  # the same mail, the same bytes
        return letter

    def _text(self, name: str, mail: Mail, style: Style) -> str:
        if self._theirs and _has(self._theirs, name):
            try:
                written = _rendered(self._theirs, name, mail, style)
            except Exception as error:  # whatever somebody's template does, the mail goes out
                self._tried(style.list_name, error)
                if name not in self._told:
                    self._told.add(name)
                    log.warning("mail.template_broken", template=name, error=str(error))
            else:
                self._tried(style.list_name, None)
                return written
        return _rendered(self._own, name, mail, style)


def bodies(mail: Mail, style: Style) -> tuple[str, str]:
    """Its text and its HTML by our own templates, for who only wants to look."""
    ours, name = _environment(OURS), "mail" if mail.digest is None else "digest"
    shown = _in_language(style, mail)
    return _rendered(ours, f"{name}.txt", mail, shown), _rendered(ours, f"{name}.html", mail, shown)


def _in_language(style: Style, mail: Mail) -> Style:
    return style if mail.language is None else replace(style, language=mail.language)


def faults(folder: Path) -> list[str]:
    """What is wrong with a folder of templates: a line for each that cannot be read."""
    environment = _environment(folder)
    found = []
    for name in NAMES:
        try:
            if _has(environment, name):
                environment.get_template(name)
        except TemplateError as error:
            found.append(f"{folder / name}, line {getattr(error, 'lineno', '?')}: {error}")
    return found


def _environment(folder: Path) -> Environment:
    environment = SandboxedEnvironment(
        loader=FileSystemLoader(folder),
        autoescape=lambda name: bool(name and name.endswith(".html")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["bidi"] = _bidi
    environment.filters["rtl"] = lambda text, direction: _led(str(text), direction)
    return environment


def _has(environment: Environment, name: str) -> bool:
    return environment.loader is not None and name in environment.loader.list_templates()


def _rendered(environment: Environment, name: str, mail: Mail, style: Style) -> str:
    text = environment.get_template(name).render(
        mail=mail,
        style=style,
        direction="rtl" if style.language == "he" else "ltr",
        labels=LABELS[style.language],
        colours={tone.value: colour for tone, colour in COLOURS.items()},
        bars=BARS,
        marks={tone.value: mark for tone, mark in MARKS.items()},
    )
    return text.encode("utf-8", "replace").decode("utf-8")


def _bidi(text: str) -> Markup:
    """Isolates as elements: mail programs that strip the invisible characters keep these."""
    return Markup(_ISOLATE.sub(r"<bdi>\1</bdi>", str(escape(text))))  # noqa: S704 - it is escaped


def _led(text: str, direction: str) -> str:
    """A paragraph of plain text whose first strong character gives it its direction."""
    return RIGHT_TO_LEFT + text if direction == "rtl" else text
