"""How a value of ours stands in a column: times and durations as integers, enums as their words.

Times are milliseconds since 1970 in UTC, and aware datetimes outside of SQL.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator

Read = Callable[[Any], Any]
"""What makes our value of a column's: called for each of thousands, so nothing stands around it."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)


def millis(moment: datetime) -> int:
    """A time as its column holds it."""
    return (moment - EPOCH) // MILLISECOND


class UtcTime(TypeDecorator[datetime]):
    """An aware datetime, kept as milliseconds since 1970."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> int | None:
        return None if value is None else millis(value)

    def process_result_value(self, value: int | None, dialect: sa.Dialect) -> datetime | None:
        return moment(value)

    def result_processor(self, dialect: sa.Dialect, coltype: object) -> Read:
        return moment


class LocalDay(TypeDecorator[date]):
    """A day of the calendar, kept as `2026-11-23`."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: date | None, dialect: sa.Dialect) -> str | None:
        return None if value is None else value.isoformat()

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> date | None:
        return None if value is None else date.fromisoformat(value)


class Milliseconds(TypeDecorator[timedelta]):
    """A duration, kept as milliseconds."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: timedelta | None, dialect: sa.Dialect) -> int | None:
        return None if value is None else value // MILLISECOND

    def process_result_value(self, value: int | None, dialect: sa.Dialect) -> timedelta | None:
        return None if value is None else value * MILLISECOND


class Word(TypeDecorator[Any]):
    """An enum, kept as its value: a word that reads well in a SQL shell and survives renames of code."""

    impl = sa.Text
    cache_ok = True

    def __init__(self, words: type[Enum]) -> None:
        super().__init__()
        self.words = words
        self._by_value = {None: None, **{one.value: one for one in words}}

    def process_bind_param(self, value: Enum | None, dialect: sa.Dialect) -> str | None:
        return None if value is None else str(value.value)

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> Any:
        return None if value is None else self.words(value)

    def result_processor(self, dialect: sa.Dialect, coltype: object) -> Read:
        known, words = self._by_value, self.words
        return lambda value: known[value] if value in known else words(value)  # which says what is wrong


def moment(value: int | None) -> datetime | None:
    return None if value is None else EPOCH + value * MILLISECOND
