"""What is said of one thing that is watched: what it is called, how it stands, and why.

There is a sentence for each code. Values are those of the status document. What it holds that is not known
here is shown as it stands, rather than left out: a newer store may say more than these words know.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from markupsafe import Markup

from daemon.core.visible import visible_line
from daemon.schemas.subjects import SubjectStatus
from daemon.web.page.visitors import joined
from daemon.web.page.words import COUNTS, Words
from daemon.web.page.writing import Writing, bdi

Link = Callable[..., str]
DURATIONS = frozenset({"longest_wait_seconds", "hold_seconds", "longest_wait_today"})
"""Metrics that are seconds."""
DAYS = frozenset({"expires_on"})
"""Metrics that are days of the calendar."""
SHOWN = {
    "queue": ("calls_waiting", "longest_wait_seconds", "agents_available"),
    "units": ("balance", "days_left"),
    "sms_units": ("balance",),
    "caller_id": ("days_left",),
}
"""Metrics that are said of what is well, by its kind."""
WATCHES = frozenset({"registrations", "sip", "sms", "units", "sms_units", "caller_ids", "pirsumphone", "api"})
PATHS = frozenset({"queue", "queue-log", "callbacks", "directory", "report", "sip"})
"""Watches of which there are several, each of a path."""
OF_QUEUES = frozenset({"queue-log", "callbacks"})
"""Those whose path is that of a queue."""
OF_SEVERAL = {"sip": "registrations_of"}
"""The words of those that are something else without a path: `sip` is all phones, `sip/1` where one is."""
LISTED = 20
"""Watches that a sentence has at most."""
NAMED = 3
"""Names that a sentence has at most."""
LONGEST = 120
"""Characters of somebody's text within a sentence."""
SPAN_BEFORE = "sip"
"""Of what the length is said beside the state: for a phone that is all that there is to say."""


def path_of(system: str, subject: str = "") -> str:
    """Where the page of a system is, or of what is in it."""
    return joined(("/systems/", system, "/", subject) if subject else ("/systems/", system))


def called(one: SubjectStatus) -> str:
    """What people call it: a queue by its configured name, an account by its number."""
    return clipped(one.name or one.subject.partition("/")[2] or one.subject)


def _is_named(one: SubjectStatus) -> bool:
    """Whether the configuration has a name of its own for it, beside its path."""
    return one.name is not None and one.name.strip("/") != one.subject.partition("/")[2]


def clipped(value: object) -> str:
    """Somebody's text for a sentence: no more of it than a name needs."""
    said = str(value)
    return said if len(said) <= LONGEST else f"{said[:LONGEST]}…"


class Sentences:
    """For one look."""

    def __init__(self, words: Words, writing: Writing, link: Link) -> None:
        self.words = words
        self.writing = writing
        self.link = link

    def name(self, one: SubjectStatus) -> Markup:
        """`Phone 0773137770`, with the name of whose it is."""
        key = f"subjects.{one.kind}"
        return (
            self.words(key, name=self.called(one)) if key in self.words else self.writing.beside(one.subject)
        )

    def called(self, one: SubjectStatus) -> Markup:
        """What people call it, within a sentence that says what it is."""
        return self.apart(called(one)) if _is_named(one) else self.writing.beside(one.subject, called(one))

    def plain_name(self, one: SubjectStatus) -> str:
        """The same within an attribute or a title."""
        key = f"subjects.{one.kind}"
        name = called(one) if _is_named(one) else self.writing.plain_beside(one.subject, called(one))
        return self.words.plain(key, name=name) if key in self.words else visible_line(clipped(one.subject))

    def short(self, system: str, one: SubjectStatus) -> Markup:
        """What it is called, as a link to its page: for a sentence that says already what it is."""
        return self.anchor(path_of(system, one.subject), self.called(one))

    def linked(self, system: str, one: SubjectStatus) -> Markup:
        """Its whole name, as a link to its page."""
        return self.anchor(path_of(system, one.subject), self.name(one))

    def anchor(self, path: str, said: Markup) -> Markup:
        """A link to a path of the page that is quoted already."""
        return Markup('<a href="{}">{}</a>').format(self.link("") + path, said)

    def watch(self, watch: object) -> Markup:
        """What a watch looks at: `phones`, `Queue 5`."""
        kind, _, name = str(watch).partition("/")
        if kind in WATCHES and not name:
            return self.words(f"subjects.{kind}" if kind != "sip" else "subjects.phones")
        return (
            self.words(f"subjects.{OF_SEVERAL.get(kind, kind)}", name=self._path(kind, name))
            if kind in PATHS and name
            else self.apart(watch)
        )

    def _path(self, kind: str, name: str) -> Markup:
        """The path of a watch, beside its name where somebody gave it one."""
        subject = f"queue/{name}" if kind in OF_QUEUES else f"{kind}/{name}"
        return self.writing.beside(subject, clipped(name))

    def apart(self, value: object) -> Markup:
        """Somebody's text."""
        return bdi(clipped(value))

    def state(self, one: SubjectStatus) -> Markup:
        """How it stands, in a word or two."""
        return self.words(self.state_key(one.kind, one.state))

    def state_key(self, kind: str, state: str) -> str:
        """The key of that word."""
        key = f"subjects.{kind}.{state}"
        return key if key in self.words else f"subjects.api.{state}"

    def why(self, one: SubjectStatus) -> Markup:
        """Why, and what else there is to say: `7 waiting, limit 5`. Empty, where there is nothing."""
        said = {"down": self._down, "unknown": self._unknown}.get(one.state, self._up)(one)
        return self.joined([*said, *self._alert(one)])

    def joined(self, parts: Iterable[Markup]) -> Markup:
        """Parts of a sentence, with commas."""
        return self.words("front.comma").join(parts)

    def names(self, parts: list[Markup], more: str) -> Markup:
        """The first of many names; `more`: where all of them are."""
        said = self.joined(parts[:NAMED])
        left = len(parts) - NAMED
        return self.words("front.and_more", names=said, n=self.anchor(more, bdi(left))) if left > 0 else said

    def failure(self, code: str) -> Markup:
        """How a poll failed."""
        key = f"subjects.failure.{code}"
        return (
            self.words(key)
            if key in self.words
            else self.words("subjects.failure.other", failure=clipped(code))
        )

    def measured(self, metric: str, value: Any) -> Markup:
        """`7 waiting`."""
        key = f"subjects.metric.{metric}"
        said = self.value(metric, value)
        counted = f"{key}.{COUNTS.get(value)}"
        if counted in self.words:
            return self.words(counted, value=said)
        if key in self.words:
            return self.words(key, value=said)
        return self.words("subjects.metric.other", metric=clipped(metric), value=said)

    def value(self, metric: str, value: Any) -> Markup:
        """A number, or a span where the metric is one."""
        if value is None:
            return self.words("subjects.api.unknown")
        if metric in DAYS and isinstance(value, str):
            return bdi(self.writing.date(value))
        if isinstance(value, bool) or not isinstance(value, int | float):
            return self.apart(value)
        return bdi(self.writing.span(value)) if metric in DURATIONS else self.writing.number(value)

    def label(self, metric: str) -> str:
        """What a metric is called."""
        key = f"subjects.label.{metric}"
        return self.words.plain(key) if key in self.words else visible_line(clipped(metric))

    def crossed(self, said: Mapping[str, Any]) -> Markup:
        """`7 waiting, limit 5`."""
        metric = str(said.get("metric", "?"))
        measured = self.measured(metric, said.get("value"))
        for side in ("above", "below", "at_most"):
            if said.get(side) is not None:
                return self.words(f"subjects.{side}", said=measured, limit=self.value(metric, said[side]))
        return measured

    def _down(self, one: SubjectStatus) -> list[Markup]:
        why = one.why
        if "metric" in why:
            crossed = why.get("crossed")
            return [self.crossed(each) for each in (crossed if isinstance(crossed, list) else [why])]
        said = [self.failure(str(why["failure"]))] if "failure" in why else []
        if isinstance(why.get("watches"), list):
            said.append(
                self.words(
                    "subjects.blind_watches", watches=self.joined(map(self.watch, why["watches"][:LISTED]))
                )
            )
        if one.kind == SPAN_BEFORE and one.since:
            said.append(self.words("subjects.for", span=self.writing.span(self.writing.since(one.since))))
        return said

    def _unknown(self, one: SubjectStatus) -> list[Markup]:
        if "failure" in one.why:
            return [self.failure(str(one.why["failure"]))]
        return [self.reason(str(one.why["reason"]))] if "reason" in one.why else []

    def reason(self, code: str) -> Markup:
        """Why nobody knows."""
        key = f"subjects.reason.{code}"
        return (
            self.words(key)
            if key in self.words
            else self.words("subjects.reason.other", reason=clipped(code))
        )

    def _up(self, one: SubjectStatus) -> list[Markup]:
        metrics = one.metrics or {}
        said = [
            self.measured(name, metrics[name])
            for name in SHOWN.get(one.kind, ())
            if metrics.get(name) is not None
        ]
        if isinstance(metrics.get("content_files"), int):
            said.append(self.words.many("subjects.files", metrics["content_files"]))
        if isinstance(metrics.get("rows"), int):
            said.append(self.words.many("subjects.rows", metrics["rows"]))
        if metrics.get("newest"):
            said.append(self.words("subjects.newest", name=clipped(metrics["newest"])))
        return said

    def _alert(self, one: SubjectStatus) -> list[Markup]:
        phase = str(one.why.get("phase", ""))
        said = []
        if phase == "pending" or (phase == "recovering" and one.state == "up"):
            said.append(self.words(f"subjects.phase.{phase}"))
        if phase == "firing" and one.state == "unknown":
            said += [self.words("subjects.phase.firing"), self.words("subjects.blind")]
        return [*said, *([self.words("subjects.flapping")] if one.why.get("flapping") else [])]
