"""Times as people read them, in a zone that is named: `2026-11-23 03:02:03 (Israel time)`. Pure."""

from datetime import UTC, date, datetime, tzinfo

from daemon.core.timestamps import from_iso, parse_local

NAMES = {"Asia/Jerusalem": ("Israel time", "שעון ישראל"), "Israel": ("Israel time", "שעון ישראל")}
"""Of zones that have a name of their own."""


def clock_time(moment: datetime, zone: tzinfo, language: str) -> str:
    """A moment, with its zone; with the offset, too, in the hour that the clocks show twice."""
    local = moment.astimezone(zone)
    return f"{_stamp(local, language)} ({_zone(local, language)})"


def bare_time(moment: datetime, zone: tzinfo, language: str) -> str:
    """The same where the zone is named beside it already."""
    local = moment.astimezone(zone)
    if local.utcoffset() != local.replace(fold=1 - local.fold).utcoffset():
        return clock_time(moment, zone, language)
    return _stamp(local, language)


def clock_times(first: datetime, last: datetime, zone: tzinfo, language: str) -> tuple[str, str]:
    """Two moments for one sentence: the second, or the first, without what they share."""
    one, other = first.astimezone(zone), last.astimezone(zone)
    if (one.date(), one.utcoffset()) != (other.date(), other.utcoffset()):
        return clock_time(first, zone, language), clock_time(last, zone, language)
    return _stamp(one, language), f"{other:%H:%M:%S} ({_zone(other, language)})"


def told_time(text: object, zone: tzinfo, language: str) -> str | None:
    """The same of a time as events spell it; None where it is none."""
    moment = from_iso(text)
    try:
        return clock_time(moment, zone, language) if moment else None
    except OverflowError:  # at either end of what a calendar has
        return None


def local_time(text: object, language: str) -> str | None:
    """A local time as the platform spells it, `2026-11-23 03:01:48`; None where it is none."""
    local = parse_local(text) if isinstance(text, str) else None
    return _stamp(local, language) if local else None


def day(text: object, language: str) -> str | None:
    """A date as events spell it; None where it is none."""
    try:
        return _date(date.fromisoformat(str(text)), language)
    except ValueError:
        return None


def zone_name(zone: tzinfo, language: str) -> str:
    """What people call a zone."""
    if zone is UTC:
        return "UTC"
    key = str(getattr(zone, "key", zone))
    if key in NAMES:
        return NAMES[key][1 if language == "he" else 0]
    place = key.rpartition("/")[2].replace("_", " ")
    if "/" not in key:
        return place
    return f"שעון {place}" if language == "he" else f"{place} time"


def _stamp(local: datetime, language: str) -> str:
    # A word between the two, for digits alone would be read from left to right, and the time first.
    return f"{_date(local, language)} {'בשעה ' if language == 'he' else ''}{local:%H:%M:%S}"


def _date(local: date, language: str) -> str:
    return local.strftime("%d.%m.%Y" if language == "he" else "%Y-%m-%d")


def _zone(local: datetime, language: str) -> str:
    name = zone_name(local.tzinfo or UTC, language)
    if local.utcoffset() == local.replace(fold=1 - local.fold).utcoffset():
        return name
    offset = local.strftime("%z")
    return f"{name}, UTC{offset[:3]}:{offset[3:5]}"
