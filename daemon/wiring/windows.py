"""From windows as they are configured to what can be asked whether it lasts: quiet windows, and hours."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from daemon.config.quiet import DAYS, QuietSettings
from daemon.config.windows import WindowSettings
from daemon.core.alerts.hours import Hours
from daemon.core.routing import quiet
from daemon.core.routing.quiet import Excepted, Quiet, Weekly, Window
from daemon.core.wishes import Guard

ACTIVE = "active"
"""The wish of a watch that its alerts count at some hours only, as others hear of it."""


def place(key: str, index: int, many: int) -> str:
    """A setting, or one entry of several."""
    return key if many == 1 else f"{key}, entry {index + 1}"


def window(settings: QuietSettings, default_zone: str) -> Quiet:
    """A window, by the clock of its zone."""
    zone = ZoneInfo(settings.timezone or default_zone)
    if settings.start is None or settings.end is None:
        holy = _holy_days(settings, zone)
        return Quiet(holy.covers, settings.break_through, holy.ends, _said(settings, zone), holy.begins)
    days = frozenset(DAYS.index(day) for day in settings.days)
    weekly = Weekly(days, settings.start, settings.end, zone)
    hours: Weekly | Excepted = Excepted(weekly, _holy_days(settings, zone)) if settings.excepted else weekly
    said = replace(_said(settings, zone), days=days, start=settings.start, end=settings.end)
    return Quiet(hours.covers, settings.break_through, hours.ends, said, hours.begins)


def _holy_days(settings: QuietSettings, zone: ZoneInfo) -> quiet.Calendar:
    from daemon.wiring.hebrew_calendar import holy_days  # noqa: PLC0415 - the sun and the calendar, for few

    return holy_days(settings, zone)


def _said(settings: QuietSettings, zone: ZoneInfo) -> Window:
    has_shabbat, has_holidays = settings.holy
    kinds = {"shabbat": has_shabbat, "holidays": has_holidays}
    holy = frozenset(kind for kind, is_meant in kinds.items() if is_meant)
    return Window(
        place=settings.where if holy else None,
        zone=zone.key,
        name=settings.name if isinstance(settings, WindowSettings) else None,
        holy=holy,
    )


def guarded(one: Quiet, guard: Guard, setting: str, *, lasts_instead: bool = False) -> Quiet:
    """A window of which it cannot be said at a moment whether it lasts: then it does not, or does."""

    def ends(moment: datetime) -> datetime | None:
        return guard.tried(setting, lambda: one.ends(moment), instead=None)

    def begins(moment: datetime) -> datetime | None:
        return guard.tried(setting, lambda: one.begins(moment), instead=None)

    covers = guard.over(setting, one.covers, instead=lasts_instead)
    return replace(one, covers=covers, ends=ends, begins=begins)


def hours(active: Sequence[WindowSettings], default_zone: str, guard: Guard) -> Hours | None:
    """While any of these windows lasts; None: always. Where that cannot be said, it does: an alert too many
    is less bad than one that nobody gets."""
    if not active:
        return None
    lasting = [guarded(window(one, default_zone), guard, ACTIVE, lasts_instead=True) for one in active]

    def covers(moment: datetime) -> bool:
        return any(one.covers(moment) for one in lasting)

    def begins(moment: datetime) -> datetime | None:
        known = [one.begins(moment) for one in lasting]
        return min((at for at in known if at is not None), default=None)

    def ends(moment: datetime) -> datetime | None:
        found = quiet.lasting(lasting, moment)
        return found.until if found is not None else None

    return Hours(tuple(one.name for one in active), covers, begins, ends)


def by_key(found: Mapping[str, Hours | None]) -> dict[str, Hours]:
    """Hours by the key of their condition, without those that are always."""
    return {key: one for key, one in found.items() if one is not None}
