"""What holds something back, and until when, as the command line says it; from the documents alone."""

from datetime import datetime, tzinfo

from daemon.core.rendering import quiet_words
from daemon.core.routing.ledger import Hold
from daemon.core.timestamps import from_iso
from daemon.schemas.documents import HeldBackStatus, QuietStatus


def quiet(status: QuietStatus, now: datetime, zone: tzinfo) -> str:
    """`quiet until Sat 17:12, Shabbat in Jerusalem; 3 wait`."""
    said = quiet_words.lasts(status.window.window(), from_iso(status.until), now, zone)
    passes = f"{status.break_through} alerts and worse break through" if status.break_through else ""
    return "; ".join(filter(None, (said, quiet_words.wait(status.waits), passes)))


def held(status: HeldBackStatus, now: datetime, zone: tzinfo) -> str:
    """`held: quiet until 07:00, nights: every day 22:00 to 07:00`."""
    until = from_iso(status.until)
    if status.by == Hold.QUIET.value and status.window is not None:
        return f"held: {quiet_words.lasts(status.window.window(), until, now, zone)}"
    by = f"{status.by} by {status.silence}" if status.silence else status.by
    end = f" until {quiet_words.at(until, now, zone)}" if until is not None else ""
    return f"held: {by}{end}"
