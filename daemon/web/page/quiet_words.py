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
    if window.place is not None:
        known = f"quiet.place.{window.place}"
        place = t(known) if known in t else t("quiet.place.elsewhere", where=window.place)
        return t("quiet.shabbat", place=place)
    hours = {
        name: f"{at:%H:%M}" if at else "?" for name, at in (("start", window.start), ("end", window.end))
    }
    if len(window.days) == WEEK:
        return t("quiet.daily", **hours)
    days = ", ".join(str(t(f"quiet.day.{day}")) for day in SUNDAY_FIRST if day in window.days)
    return t("quiet.weekly", **hours, days=days or "?")
