"""A quiet window in words: `quiet until Saturday 17:12, Shabbat or Yom Tov in Jerusalem`."""

from markupsafe import Markup

from daemon.core.routing.quiet import QuietNow, Window
from daemon.web.page.words import Words
from daemon.web.page.writing import Writing

WEEK = 7
SUNDAY_FIRST = (6, 0, 1, 2, 3, 4, 5)
"""As a week is told in Israel; 0 is Monday."""


def lasts(t: Words, w: Writing, found: QuietNow) -> Markup:
    """That an endpoint is in a quiet window, and until when."""
    window = which(t, found.window)
    if found.until is None:
        return t("quiet.open", window=window)
    return t("quiet.until", until=w.until(found.until), window=window)


def which(t: Words, window: Window) -> Markup:
    """Which window it is."""
    if window.start is None and window.place is not None:
        return named(t, window, _holy(t, window))
    return named(t, window, but(t, window, _hours(t, window)))


def named(t: Words, window: Window, said: Markup) -> Markup:
    """With the name by which the configuration has it."""
    return said if window.name is None else t("quiet.named", name=window.name, window=said)


def but(t: Words, window: Window, said: Markup) -> Markup:
    """With what is taken out of its hours."""
    return (
        t("quiet.but", window=said, holy=_holy(t, window, "quiet.neither"))
        if window.holy and window.start
        else said
    )


def _holy(t: Words, window: Window, of_both: str = "quiet.shabbat") -> Markup:
    known = f"quiet.place.{window.place}"
    place = t(known) if known in t else t("quiet.place.elsewhere", where=window.place or "?")
    both = len(window.holy) != 1
    return t(of_both if both else f"quiet.only.{next(iter(window.holy))}", place=place)


def _hours(t: Words, window: Window) -> Markup:
    hours = {
        name: f"{at:%H:%M}" if at else "?" for name, at in (("start", window.start), ("end", window.end))
    }
    if len(window.days) == WEEK:
        return t("quiet.daily", **hours)
    days = ", ".join(str(t(f"quiet.day.{day}")) for day in SUNDAY_FIRST if day in window.days)
    return t("quiet.weekly", **hours, days=days or "?")
