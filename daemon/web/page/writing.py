"""How times, spans and numbers are written on the page, each apart from the text around it."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from markupsafe import Markup, escape

from daemon.core.contacts import NOBODY, Contacts
from daemon.core.numbers import shown
from daemon.core.timestamps import from_iso
from daemon.core.visible import visible, visible_line
from daemon.web.page.words import END, FIRST_STRONG, Words, apart

ALL = 10_000
"""Hundredths of a percent."""
MINUTE, DAYS_OF_A_WEEK = timedelta(minutes=1), 7
UNITS = (("days", 86_400), ("hours", 3_600), ("minutes", 60), ("seconds", 1))


class Writing:
    """For one look: its language, its zone, its moment."""

    def __init__(self, words: Words, zone: tzinfo, now: datetime, contacts: Contacts = NOBODY) -> None:
        self.words = self._words = words
        self._zone = zone
        self.now = now
        self.contacts = contacts
        """Who is called how, to who looks: nobody, where strangers do."""

    def beside(self, what: object, written: object = None) -> Markup:
        """A number or a subject with its name before it, where it has one; `written`: how the number is."""
        shown = bdi(what if written is None else written)
        name = self.contacts.name_of(str(what))
        return shown if name is None else Markup("{} ({})").format(bdi(name), shown)

    def plain_beside(self, what: object, written: object = None) -> str:
        """The same as plain text, for attributes and titles."""
        shown = str(what if written is None else written)
        name = self.contacts.name_of(str(what))
        return shown if name is None else f"{name} ({shown})"

    def time(self, moment: str | datetime | None) -> Markup:
        """`14:02`, with the day where it is another one; the whole of it on hover and for programs."""
        at = _moment(moment)
        return self._words("frame.never") if at is None else self._element(at, self.clock(at))

    def clock(self, at: datetime) -> str:
        """The same as plain text."""
        local, today = at.astimezone(self._zone), self.now.astimezone(self._zone).date()
        return f"{local:%H:%M}" if local.date() == today else f"{self._day(local)} {local:%H:%M}"

    def hour(self, at: datetime) -> str:
        """`14:02`, whatever the day."""
        return f"{at.astimezone(self._zone):%H:%M}"

    def day(self, at: datetime) -> str:
        """`23 Nov`, in plain text."""
        return self._day(at.astimezone(self._zone))

    def exact(self, moment: str | datetime | None) -> Markup:
        """With the seconds: `14:02:05`, or with the day."""
        at = _moment(moment)
        if at is None:
            return self._words("frame.never")
        local, today = at.astimezone(self._zone), self.now.astimezone(self._zone).date()
        short = f"{local:%H:%M:%S}" if local.date() == today else f"{self._day(local)} {local:%H:%M:%S}"
        return self._element(at, short)

    def until(self, moment: str | datetime | None) -> Markup:
        """`17:12`, or `Saturday 17:12` in the week to come: rounded up, for it is not over before."""
        at = _moment(moment)
        if at is None:
            return self._words("frame.never")
        whole = at if not (at.second or at.microsecond) else at.replace(second=0, microsecond=0) + MINUTE
        local = whole.astimezone(self._zone)
        days = (local.date() - self.now.astimezone(self._zone).date()).days
        if not 0 < days < DAYS_OF_A_WEEK:
            return self.time(whole)
        day = self._words.plain(f"quiet.day.{local.weekday()}")
        return self._element(whole, self._words.plain("quiet.at", day=day, time=f"{local:%H:%M}"))

    def ago(self, moment: str | datetime | None) -> Markup:
        """`12 s ago`, `just now`, or in how long; `live.js` keeps it true."""
        at = _moment(moment)
        if at is None:
            return self._words("frame.never")
        seconds = (self.now - at).total_seconds()
        key = "frame.ago" if seconds >= 0 else "frame.ahead"
        is_now = abs(seconds) < 1
        said = self._words.plain("frame.just_now" if is_now else key, span=self.span(abs(seconds)))
        return self._element(at, said, ticking=True)

    def span(self, seconds: float) -> str:
        """`2 h 5 min`: the two largest units; in plain text."""
        left, parts = max(int(seconds), 0), []
        for unit, size in UNITS:
            many, left = divmod(left, size)
            if many:
                parts.append(self._words.plain(f"frame.{unit}", n=many))
        said = " ".join(parts[:2]) or self._words.plain("frame.seconds", n=0)
        # A number before its unit needs no signs of its own, and within a sentence they would be shown.
        return said.replace(FIRST_STRONG, "").replace(END, "")

    def since(self, moment: str | datetime) -> float:
        """Seconds since then; 0 for what is yet to come."""
        at = _moment(moment)
        return max((self.now - at).total_seconds(), 0) if at else 0

    def full(self, moment: str | datetime) -> str:
        """The day, the time and the zone's offset, in plain text."""
        at = _moment(moment)
        if at is None:
            return "?"
        local = at.astimezone(self._zone)
        offset = local.strftime("%z")
        return f"{self._day(local, year=True)} {local:%H:%M:%S} (UTC{offset[:3]}:{offset[3:5]})"

    def number(self, value: float | None) -> Markup:
        """A number as people write it; `?` where it is not known."""
        return apart("?" if value is None else shown(value))

    def date(self, day: str) -> str:
        """`2026-11-23` as people write it, in plain text; what is no day as it stands."""
        try:
            return self._day(datetime.fromisoformat(day), year=True)
        except ValueError:
            return visible_line(day)

    def percent(self, share: float) -> Markup:
        """`99.6%`; never 100 for less than all, nor 0 for more than nothing."""
        hundredths = min(max(round(share * ALL), share > 0), ALL - (share < 1))
        return Markup('<bdi dir="ltr">{}%</bdi>').format(shown(hundredths / 100))

    def _day(self, local: datetime, *, year: bool = False) -> str:
        is_hebrew = self._words.language == "he"
        if year or local.year != self.now.astimezone(self._zone).year:
            return local.strftime("%d.%m.%Y" if is_hebrew else "%Y-%m-%d")
        return local.strftime("%d.%m" if is_hebrew else "%d %b")

    def _element(self, at: datetime, said: str, *, ticking: bool = False) -> Markup:
        more = Markup(" data-ago") if ticking else Markup("")
        element = Markup('<time datetime="{}" title="{}"{}><bdi>{}</bdi></time>')
        return element.format(at.astimezone(UTC).isoformat(), self.full(at), more, said)


def bdi(value: object) -> Markup:
    """Somebody's text on one line, apart from what stands around it."""
    return apart(visible_line(str(value)))


def text(value: object) -> Markup:
    """Somebody's text of several lines, as it was written."""
    return Markup('<bdi class="text">{}</bdi>').format(visible(str(value)))


def plain(value: object) -> Markup:
    """Somebody's text within an attribute."""
    return escape(visible_line(str(value)))


FILTERS: Mapping[str, Callable[..., Any]] = {"bdi": bdi, "text": text, "plain": plain}


def _moment(moment: str | datetime | None) -> datetime | None:
    return moment if isinstance(moment, datetime) or moment is None else from_iso(moment)
