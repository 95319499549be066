"""Values of every kind that a document can hold, none of which is likely to be meant."""

from datetime import date, datetime, time

JSON: tuple[object, ...] = (
    *(None, True, False),
    *(0, -1, 5, 10**400, 0.5, 1e300, float("nan"), float("inf")),
    *("", " ", "x", "a\0b", "5s", "9" * 5000, "x" * 30_000, "2026-01-01", "2026-01-01T00:00:00", "25:00"),
    *([], [[]], [5], ["x"], [True], ["x"] * 600, [{}], [{"x": 1}], {}, {"x": 1}),
)
TOML = (*JSON[1:], datetime(2026, 1, 1), date(2026, 1, 1), time(1, 2))  # noqa: DTZ001 - as TOML has them
