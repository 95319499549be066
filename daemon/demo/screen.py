"""What the demo shows: a live screen on a terminal, plain lines everywhere else."""

import json
import threading
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from typing import Any

from rich.console import Console, Group
from rich.layout import Layout
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from daemon.core.rendering.body import summary
from daemon.core.rendering.phrases import END, FIRST_STRONG
from daemon.core.visible import visible_line
from daemon.demo.receiver import Received
from daemon.host import clock

LINES = 200
"""Kept of each column; more than a terminal has."""
ISOLATES = dict.fromkeys(map(ord, (FIRST_STRONG, END)))
"""Our own marks around what somebody wrote, which a terminal does not know."""
COLOURS = {"firing": "red", "resolved": "green"}


@dataclass
class Screen:
    """Lines as they come, and tables as they are; safe to feed from any thread."""

    console: Console
    title: str = "yemotd demo"
    page: str = ""
    """Where the daemon's page is, and how it is entered."""
    status: dict[str, Any] | None = None
    """The daemon's own `/api/v1/status`; None while it does not answer."""
    footer: str = ""
    last_delivery: float = 0.0
    """When a webhook last arrived, by the monotonic clock."""
    _steps: deque[Text] = field(default_factory=lambda: deque(maxlen=LINES))
    _deliveries: deque[Text] = field(default_factory=lambda: deque(maxlen=LINES))
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _live: Live | None = None

    def __enter__(self) -> "Screen":
        if self.console.is_terminal:
            self._live = Live(self._render(), console=self.console, refresh_per_second=8, screen=True)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def happened(self, text: str, style: str = "cyan") -> None:
        """Something happened on the phone system, or to the daemon."""
        self._add(self._steps, Text.assemble((_now(), "dim"), "  ", (visible_line(text), style)), "happened ")

    def delivered(self, received: Received) -> None:
        """A verified webhook arrived."""
        self.last_delivery = clock.monotonic()
        body = json.loads(received.body)
        status = (body["data"].get("alert") or {}).get("status", "")
        line = Text.assemble(
            (_now(), "dim"),
            "  ",
            (body["type"], COLOURS.get(status, "bold")),
            f"  {visible_line(summary(body))}",
            ("  again, same id" if received.is_repeat else "", "yellow"),
        )
        self._add(self._deliveries, line, "delivered")

    def mailed(self, mail: EmailMessage) -> None:
        """A mail arrived."""
        line = Text.assemble(
            (_now(), "dim"),
            "  ",
            ("mail", "bold magenta"),
            visible_line(f"  {str(mail['subject']).translate(ISOLATES)}  to {mail['to']}{_with(mail)}"),
        )
        self._add(self._deliveries, line, "mailed   ")

    def texted(self, recipient: str, text: str) -> None:
        """An SMS left for somebody's phone."""
        line = Text.assemble(
            (_now(), "dim"),
            "  ",
            ("SMS", "bold magenta"),
            visible_line(f"  {' '.join(text.translate(ISOLATES).split())}  to {recipient}"),
        )
        self._add(self._deliveries, line, "texted   ")

    def opened(self, page: str, token: str) -> None:
        """The page can be looked at from now on."""
        self.page = f"The page: {page}  sign in with the token {token}"
        if not self._live:
            self.console.print(Text(self.page, "bold"), soft_wrap=True)

    def waiting(self, what: str) -> None:
        """What is waited for from now on, where there is no foot of a screen that says so all the time."""
        if not self._live:
            self.console.print(Text(what, "dim"), soft_wrap=True)

    def refresh(self, status: dict[str, Any] | None, footer: str) -> None:
        """Show how the daemon is now."""
        self.status, self.footer = status, footer
        if self._live:
            self._live.update(self._render())

    def _add(self, lines: deque[Text], line: Text, label: str) -> None:
        with self._lock:
            lines.append(line)
            if not self._live:
                self.console.print(Text.assemble((f"{label}  ", "dim"), line), soft_wrap=True)

    def _render(self) -> Layout:
        height = max(self.console.size.height - 16, 6)
        with self._lock:
            steps = list(self._steps)[-height:]
            deliveries = list(self._deliveries)[-height:]
        layout = Layout()
        layout.split_column(Layout(name="above", size=12), Layout(name="below"), Layout(name="foot", size=4))
        layout["above"].update(
            Panel(self._watches(), title=f"{self.title}: what is polled", title_align="left")
        )
        layout["below"].split_row(
            Layout(Panel(_lines(steps), title="what happens on the phone system", title_align="left")),
            Layout(
                Panel(_lines(deliveries), title="webhooks received, signature verified", title_align="left"),
                ratio=2,
            ),
        )
        layout["foot"].update(Panel(Text.assemble((self.page, "bold"), "\n", self.footer)))
        return layout

    def _watches(self) -> Table | Text:
        if self.status is None:
            return Text("the daemon does not answer", style="bold red")
        table = Table(expand=True, box=None, pad_edge=False)
        for name in ("watch", "every", "last seen", "trouble"):
            table.add_column(name)
        for system in self.status["systems"]:
            for watch in system["watches"]:
                failure = watch["failure"]
                trouble = f"{failure['class']}: {failure['message']}" if failure else ""
                age = watch["age_seconds"]
                table.add_row(
                    Text(visible_line(f"{system['name']}/{watch['watch']}")),
                    f"{watch['every_seconds']:g} s",
                    "never" if age is None else f"{age:.1f} s ago",
                    Text(visible_line(trouble), style="red"),
                )
        return table


def _lines(lines: list[Text]) -> Group:
    for line in lines:
        line.no_wrap, line.overflow = True, "ellipsis"
    return Group(*lines)


def _now() -> str:
    moment: datetime = clock.utcnow().astimezone()
    return moment.strftime("%H:%M:%S")


def _with(mail: EmailMessage) -> str:
    """The recordings in a mail, in words; nothing where there are none."""
    names = [str(one.get_filename()) for one in mail.iter_attachments()]
    return f", with {', '.join(names)}" if names else ""
