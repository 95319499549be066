"""A digest as its reader sees it: figures, and bars that are drawn as cells of tables. Pure.

Every word is there in text as well: a bar only shows what stands beside it.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from daemon.core.contacts import NOBODY, Contacts
from daemon.core.durations import MINUTE
from daemon.core.numbers import shown
from daemon.core.rendering import clock_words, machine_words
from daemon.core.rendering.digest_letters import Column, DigestLetter, Line, Piece, Section
from daemon.core.rendering.digest_summary import figures, found_in, language_of, title
from daemon.core.rendering.digest_words import WORDS
from daemon.core.rendering.lasting import duration
from daemon.core.rendering.mails import Style
from daemon.core.rendering.phrases import Told, one_line
from daemon.core.timestamps import from_iso

MOST_QUEUES = 15
MOST_CALLBACKS = 12
MOST_OUTAGES = 12
MOST_UNITS = 10
MOST_UNSEEN = 5
MOST_ENDPOINTS = 10
"""Ours. Of each, so that a mail program shows all of the mail."""
LONGEST_NAME = 40
"""Ours. Characters of a name; the event has it whole."""
MOST_COLUMNS = 32
"""Ours. Narrower ones could not be told apart on a phone."""
LABELLED = 6
"""Ours. Columns between two that are labelled."""
BY_HOURS = timedelta(days=2)
"""What is longer comes by days."""
LATE = 10 * MINUTE
"""Ours. What is made within that is not said to be late."""
WORTH = 5 * 60
"""Seconds unseen that are worth a word."""
WHOLE = 100


def letter(data: Mapping[str, Any], style: Style, contacts: Contacts = NOBODY) -> DigestLetter:
    """Of `data.digest` of an event, in the language that the digest has, or else its mailbox."""
    return _Writer(data, style, contacts).letter()


class _Writer:
    """Writes one."""

    def __init__(self, data: Mapping[str, Any], style: Style, contacts: Contacts) -> None:
        self._data, self._said = data, found_in(data)
        self._language = language_of(data, style.language)
        self._words, self._zone, self._contacts = WORDS[self._language], style.zone, contacts
        self._told = Told(data, self._language)
        self._span = float(self._said.get("span_seconds") or 0) or 1.0
        self._systems: Sequence[Mapping[str, Any]] = self._said.get("systems") or ()
        self._is_one = len(self._systems) == 1

    def letter(self) -> DigestLetter:
        sections = tuple(
            one
            for one in (
                self._busy(),
                self._queues(),
                self._callbacks(),
                self._outages(),
                self._units(),
                self._happened(),
                self._deliveries(),
            )
            if one.lines or one.columns
        )
        counted = tuple(figures(self._said, self._language))
        notes = tuple(self._notes())
        if not sections and not counted:
            notes = (*notes, self._words["nothing"])
        return DigestLetter(title(self._told), self._period(), notes, counted, sections)

    def _say(self, word: str, *values: str) -> str:
        return self._words[word].format(*map(self._told.isolated, values))

    def _named(self, text: str, system: str) -> str:
        """With its system, where there are several."""
        said = self._told.isolated(_short(text))
        return said if self._is_one else f"{said} · {self._told.isolated(_short(system))}"

    def _period(self) -> str:
        begin, end = (from_iso(self._said.get(key)) for key in ("from", "to"))
        if begin is None or end is None:
            return ""
        zone = clock_words.zone_name(self._zone, self._language)
        said = self._words["period"].format(
            self._told.isolated(self._moment(begin)), self._told.isolated(self._moment(end))
        )
        return f"{said} ({self._told.isolated(zone)})"

    def _moment(self, moment: datetime) -> str:
        local = moment.astimezone(self._zone)
        day = clock_words.day(local.date().isoformat(), self._language) or ""
        return self._words["at"].format(day, f"{local:%H:%M}")

    def _notes(self) -> Iterator[str]:
        due, made = from_iso(self._said.get("due_at")), from_iso(self._said.get("to"))
        if due is not None and made is not None and made - due > LATE:
            yield self._say("late", self._moment(due))
        unseen = [one for one in self._systems if one.get("unseen_seconds", 0) >= WORTH]
        for one in sorted(unseen, key=lambda one: -one["unseen_seconds"])[:MOST_UNSEEN]:
            share, lasted = (
                self._share(one["unseen_seconds"]),
                duration(one["unseen_seconds"], self._language),
            )
            if self._is_one:
                yield self._say("unseen", share, lasted)
            else:
                yield self._say("unseen_of", _short(one["system"]), share, lasted)

    def _share(self, seconds: float) -> str:
        """Of the whole time; what is not all is not said to be."""
        percent = seconds / self._span * WHOLE
        if percent < 1:
            return "<1%"
        return f"{min(round(percent), WHOLE if seconds >= self._span - 1 else WHOLE - 1)}%"

    def _busy(self) -> Section:
        rows = [one for one in self._said.get("busy") or () if from_iso(one.get("from")) is not None]
        highest = max((one["sms"] for one in rows), default=0)
        if not highest or not 1 < len(rows) <= MOST_COLUMNS:
            return Section("")
        starts = [from_iso(one["from"]) for one in rows]
        known = [one.astimezone(self._zone) for one in starts if one is not None]
        is_by_days = known[-1] - known[0] > BY_HOURS
        columns = [
            Column(
                self._label(at, is_by_days),
                one["sms"],
                _percent(one["sms"], highest),
                self._column(at, is_by_days),
            )
            for at, one in zip(known, rows, strict=True)
        ]
        shown = [
            one if is_by_days or index % LABELLED == 1 else Column("", one.value, one.percent, one.said)
            for index, one in enumerate(columns)
        ]
        return Section(self._words["busy_days" if is_by_days else "busy_hours"], columns=tuple(shown))

    def _label(self, at: datetime, is_by_days: bool) -> str:
        return f"{at.day}.{at.month}" if is_by_days else f"{at:%H}"

    def _column(self, at: datetime, is_by_days: bool) -> str:
        return (clock_words.day(at.date().isoformat(), self._language) or "") if is_by_days else f"{at:%H:%M}"

    def _queues(self) -> Section:
        rows = [(one["system"], queue) for one in self._systems for queue in one.get("queues") or ()]
        if len(rows) > MOST_QUEUES:  # of many, those in which most happened
            rows.sort(key=lambda row: -((row[1].get("missed") or 0) + (row[1].get("answered") or 0)))
        lines = tuple(self._queue(system, queue) for system, queue in rows[:MOST_QUEUES])
        legend = tuple((kind, self._words[word]) for kind, word in _CALLS)
        has_bars = any(one.bar for one in lines)
        return Section(
            self._words["queues"],
            lines,
            legend=legend if has_bars else (),
            more=self._more(len(rows), MOST_QUEUES),
        )

    def _queue(self, system: str, queue: Mapping[str, Any]) -> Line:
        answered, missed = queue.get("answered"), queue.get("missed")
        if answered is None or missed is None:
            value, bar = self._words["calls_unknown"], _bar((), 1)
        else:
            told = [self._counted(one, queue.get("is_exact")) for one in (answered, missed)]
            value, bar = (
                self._say("of_calls", *told),
                _bar([("good", answered), ("bad", missed)], answered + missed),
            )
        return Line(
            self._named(str(queue.get("name")), system), value, bar, " · ".join(self._of_queue(queue))
        )

    def _counted(self, many: object, is_exact: object) -> str:
        return str(many) if is_exact or not many else self._words["about"].format(many)

    def _of_queue(self, queue: Mapping[str, Any]) -> Iterator[str]:
        for name, word in _MORE_CALLS:
            if queue.get(name):
                yield self._many(word, queue[name])
        if queue.get("longest_wait_seconds"):
            yield self._say("waited", duration(queue["longest_wait_seconds"], self._language))
        if queue.get("most_waiting"):
            yield self._say("waiting", shown(queue["most_waiting"]))
        fewest, most = queue.get("fewest_agents"), queue.get("most_agents")
        if fewest is not None and most is not None:
            same = fewest == most
            yield (
                self._say("agents_same", shown(most))
                if same
                else self._say("agents", shown(fewest), shown(most))
            )
        if queue.get("most_paused"):
            yield self._say("paused", shown(queue["most_paused"]))
        if queue.get("unseen_seconds", 0) >= WORTH:
            yield self._say("not_seen", duration(queue["unseen_seconds"], self._language))

    def _many(self, word: str, many: int) -> str:
        return self._say(f"{word}.{_NUMBERS.get(many, 'many')}", str(many))

    def _callbacks(self) -> Section:
        rows = [(one["system"], caller) for one in self._systems for caller in one.get("callbacks") or ()]
        many = sum(one.get("callbacks_open") or 0 for one in self._systems)
        lines = tuple(self._caller(system, one) for system, one in rows[:MOST_CALLBACKS])
        return Section(self._words["callbacks"], lines, more=self._more(many, len(lines)))

    def _caller(self, system: str, one: Mapping[str, Any]) -> Line:
        last_at = from_iso(one.get("last_at"))
        said = [] if last_at is None else [self._say("called_last", self._moment(last_at))]
        phone = self._contacts.beside(one_line(str(one.get("phone"))))
        note = " · ".join([self._told.isolated(_short(one.get("queue"))), *said])
        return Line(self._named(phone, system), self._many("called", int(one.get("calls") or 1)), (), note)

    def _outages(self) -> Section:
        listed = self._said.get("outages") or ()
        rows = listed[:MOST_OUTAGES]
        lines = tuple(map(self._outage, rows))
        legend = tuple((kind, self._words[word]) for kind, word in _DOWN)
        many = len(listed) + int(self._said.get("more_outages") or 0)
        return Section(
            self._words["down"], lines, legend=legend if lines else (), more=self._more(many, len(rows))
        )

    def _outage(self, one: Mapping[str, Any]) -> Line:
        down, unseen = float(one.get("down_seconds") or 0), float(one.get("unseen_seconds") or 0)
        about = machine_words.thing(one_line(str(one.get("subject"))), self._language, self._contacts)
        notes = [self._say("not_seen", duration(unseen, self._language))] if unseen >= WORTH else []
        notes = [self._words["still_down"], *notes] if one.get("is_down") else notes
        bar = _bar([("bad", down), ("unseen", unseen if unseen >= WORTH else 0)], self._span)
        value = self._say("down_for", duration(down, self._language))
        return Line(self._named(about, str(one.get("system"))), value, bar, " · ".join(notes))

    def _units(self) -> Section:
        rows = [(one["system"], one["units"]) for one in self._systems if one.get("units")]
        lines = tuple(self._balance(system, one) for system, one in rows[:MOST_UNITS])
        return Section(self._words["units"], lines, more=self._more(len(rows), MOST_UNITS))

    def _balance(self, system: str, one: Mapping[str, Any]) -> Line:
        used, pace, until = one.get("used"), one.get("per_day"), one.get("runs_out_on")
        said = [
            *([] if used is None else [self._say("used", shown(used))]),
            *([] if not pace else [self._say("per_day", shown(pace))]),
            *([] if not until else [self._say("runs_out", clock_words.day(until, self._language) or "?")]),
        ]
        label = self._words["units"] if self._is_one else self._told.isolated(_short(system))
        left = one.get("balance")
        return Line(label, "?" if left is None else self._say("left", shown(left)), (), " · ".join(said))

    def _happened(self) -> Section:
        said = {name: self._sum(name) for name in _HAPPENED}
        priced = "campaigns" if said["campaigns"] else "campaigns_unknown"
        said |= {name: int(self._said.get(name) or 0) for name in ("alerts", "open_alerts")}
        lines = [
            Line(
                self._words[name],
                self._told.isolated(str(many)),
                (),
                self._price() if name == priced else "",
            )
            for name, many in said.items()
            if many
        ]
        return Section(self._words["happened"], tuple(lines))

    def _sum(self, name: str) -> int:
        return sum(one.get(name) or 0 for one in self._systems)

    def _price(self) -> str:
        """Of the campaigns; where it is not known of all, that is said."""
        known = [one["campaign_units"] for one in self._systems if one.get("campaign_units") is not None]
        if not known:
            return self._words["price_unknown"]
        return self._say(
            "units_at_least" if self._sum("campaigns_unpriced") else "units_of", shown(sum(known))
        )

    def _deliveries(self) -> Section:
        rows = self._said.get("deliveries") or ()
        lines = tuple(
            Line(self._told.isolated(_short(one["endpoint"])), self._told.isolated(str(one["failed"])))
            for one in rows[:MOST_ENDPOINTS]
        )
        return Section(self._words["deliveries"], lines, more=self._more(len(rows), MOST_ENDPOINTS))

    def _more(self, many: int, most: int) -> str:
        return self._say("more", str(many - most)) if many > most else ""


_MORE_CALLS = (
    ("unknown", "unknown"),
    ("unseen", "unseen_calls"),
    ("kicked", "kicked"),
    ("withheld", "withheld"),
)
_NUMBERS = {1: "one", 2: "two"}
_HAPPENED = ("recordings", "campaigns", "campaigns_unknown", "callbacks_due", "callbacks_done")
_CALLS = (("good", "legend_answered"), ("bad", "legend_missed"))
_DOWN = (("bad", "legend_down"), ("unseen", "legend_unseen"))


def _short(text: object) -> str:
    """A name on one line, cut."""
    line = one_line(str(text))
    return line if len(line) <= LONGEST_NAME else line[: LONGEST_NAME - 1] + "…"


def _percent(part: float, whole: float) -> int:
    """What is more than nothing is seen."""
    return 0 if part <= 0 or whole <= 0 else min(max(round(part / whole * WHOLE), 1), WHOLE)


def _bar(pieces: Sequence[tuple[str, float]], whole: float) -> tuple[Piece, ...]:
    """Pieces of a whole, in order, and what is left of it; (): there is nothing to show."""
    found = [Piece(kind, percent) for kind, part in pieces if (percent := _percent(part, whole))]
    if not found:
        return ()
    while sum(one.percent for one in found) > WHOLE:  # of what is rounded up, the largest gives way
        at = max(range(len(found)), key=lambda index: found[index].percent)
        found[at] = Piece(found[at].kind, found[at].percent - 1)
    rest = WHOLE - sum(one.percent for one in found)
    return (*found, *([Piece("rest", rest)] if rest else []))
