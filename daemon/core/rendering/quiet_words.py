"""A window of time in words, and what it holds back: "quiet until Sat 17:12, Shabbat in Jerusalem; 3 wait".

In English and Hebrew. Pure.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo

from daemon.core.routing.quiet import Window

WEEK = timedelta(days=6)
"""Within so long the name of a day says which it is."""
ALL_DAYS = 7
SUNDAY_FIRST = (6, 0, 1, 2, 3, 4, 5)
"""As a week is told in Israel; 0 is Monday."""
DAYS = {
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    "he": ("יום ב׳", "יום ג׳", "יום ד׳", "יום ה׳", "יום ו׳", "שבת", "יום א׳"),
}
PLACES = {
    "jerusalem": ("Jerusalem", "בירושלים"),
    "tel-aviv": ("Tel Aviv", "בתל אביב"),
    "haifa": ("Haifa", "בחיפה"),
    "beer-sheva": ("Beer Sheva", "בבאר שבע"),
    "bnei-brak": ("Bnei Brak", "בבני ברק"),
    "petah-tikva": ("Petah Tikva", "בפתח תקווה"),
    "eilat": ("Eilat", "באילת"),
}
WORDS: Mapping[str, tuple[str, str]] = {
    "both": ("Shabbat or Yom Tov in {place}", "שבת או יום טוב {place}"),
    "neither": ("Shabbat and Yom Tov in {place}", "שבת ויום טוב {place}"),
    "shabbat": ("Shabbat in {place}", "שבת {place}"),
    "holidays": ("Yom Tov in {place}", "יום טוב {place}"),
    "elsewhere": ("{place}", "ב-{place}"),
    "daily": ("every day {start} to {end}", "בכל יום, {start} עד {end}"),
    "weekly": ("{days} {start} to {end}", "{days}, {start} עד {end}"),
    "but": ("{window}, except {holy}", "{window}, מלבד {holy}"),
    "until": ("quiet until {until}, {window}", "שקט עד {until}, {window}"),
    "open": ("quiet with no end in sight, {window}", "שקט שסופו אינו ידוע, {window}"),
    "one_waits": ("1 waits", "הודעה אחת ממתינה"),
    "wait": ("{n} wait", "{n} ממתינות"),
}


def lasts(window: Window, until: datetime | None, now: datetime, zone: tzinfo, language: str = "en") -> str:
    """That it is quiet, until when, and by which window."""
    said = which(window, language)
    if until is None:
        return _word("open", language).format(window=said)
    return _word("until", language).format(until=at(until, now, zone, language), window=said)


def wait(many: int, language: str = "en") -> str:
    """How many messages wait for its end; "" for none."""
    if not many:
        return ""
    return _word("one_waits" if many == 1 else "wait", language).format(n=many)


def which(window: Window, language: str = "en") -> str:
    """Which window it is: by its name, where it has one, and by what it is."""
    said = _holy(window, language) if window.start is None else hours(window, language)
    return f"{window.name}: {said}" if window.name else said


def hours(window: Window, language: str = "en") -> str:
    """The hours of a window, and what is taken out of them."""
    start, end = (f"{one:%H:%M}" if one else "?" for one in (window.start, window.end))
    if len(window.days) == ALL_DAYS:
        said = _word("daily", language).format(start=start, end=end)
    else:
        names = DAYS[_known(language)]
        days = ", ".join(names[day] for day in SUNDAY_FIRST if day in window.days) or "?"
        said = _word("weekly", language).format(days=days, start=start, end=end)
    return (
        _word("but", language).format(window=said, holy=_holy(window, language, "neither"))
        if window.holy
        else said
    )


def at(moment: datetime, now: datetime, zone: tzinfo, language: str = "en") -> str:
    """A time that is to come, as people say it: `17:12`, `Sat 17:12`, `2026-12-24 17:12`; to the minute after
    which it is over."""
    whole = _next_minute(moment).astimezone(zone)
    today = now.astimezone(zone).date()
    if whole.date() == today:
        return f"{whole:%H:%M}"
    if timedelta(0) < whole.date() - today <= WEEK:
        return f"{DAYS[_known(language)][whole.weekday()]} {whole:%H:%M}"
    return f"{whole:%Y-%m-%d %H:%M}"


def _next_minute(moment: datetime) -> datetime:
    whole = moment.replace(second=0, microsecond=0)
    return whole if whole == moment else whole + timedelta(minutes=1)


def _holy(window: Window, language: str, both: str = "both") -> str:
    place = window.place or "?"
    known = PLACES.get(place)
    where = known[_index(language)] if known else _word("elsewhere", language).format(place=place)
    kind = next(iter(window.holy)) if len(window.holy) == 1 else both
    return _word(kind, language).format(place=where)


def _word(key: str, language: str) -> str:
    return WORDS[key][_index(language)]


def _index(language: str) -> int:
    return 1 if language == "he" else 0


def _known(language: str) -> str:
    return "he" if language == "he" else "en"
