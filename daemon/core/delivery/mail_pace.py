"""When each mailbox was written to, and when it may be again. Pure but for its own memory."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from daemon.core.delivery.route import Mailing, Route
from daemon.core.durations import HOUR


class MailPace:
    """How often mailboxes were written to in the last hour, by endpoint. One thread adds to it, every
    thread may ask."""

    def __init__(self) -> None:
        self._at: dict[str, tuple[datetime, ...]] = {}

    def add(self, endpoint: str, now: datetime) -> None:
        """An endpoint is mailed now."""
        self._at[endpoint] = (*self._recent(endpoint, now), now)

    def take_up(self, endpoint: str, times: Iterable[datetime]) -> None:
        """An endpoint was mailed by another, at these times."""
        self._at[endpoint] = tuple(sorted({*self._at.get(endpoint, ()), *times}))

    def follow(self, step: timedelta) -> None:
        """The clock was set: the last mailings are as long ago as before."""
        self._at = {endpoint: tuple(at + step for at in times) for endpoint, times in self._at.items()}

    def rests_until(self, endpoint: str, mailing: Mailing, now: datetime) -> datetime | None:
        """When there may be mailings again, where there were as many as there may be in an hour; None:
        there may be more."""
        recent = self._recent(endpoint, now)
        return recent[-mailing.most_per_hour] + HOUR if len(recent) >= mailing.most_per_hour else None

    def free_at(self, endpoint: str, mailing: Mailing, now: datetime) -> datetime:
        """From when on there may be a mailing."""
        recent = self._recent(endpoint, now)
        rested = recent[-1] + mailing.interval if recent else now
        return max(rested, self.rests_until(endpoint, mailing, now) or rested)

    def resting(self, routes: Mapping[str, Route], now: datetime) -> dict[str, datetime]:
        """Those that were mailed as often as may be in an hour, and until when they rest."""
        mailed = {name: route.mailing for name, route in routes.items() if route.mailing is not None}
        until = {name: self.rests_until(name, mailing, now) for name, mailing in mailed.items()}
        return {name: at for name, at in until.items() if at is not None}

    def _recent(self, endpoint: str, now: datetime) -> tuple[datetime, ...]:
        return tuple(at for at in self._at.get(endpoint, ()) if at > now - HOUR)
