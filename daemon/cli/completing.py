"""What a value may be that somebody begins to type: systems, queues, endpoints, ids; for shells.

Whatever is in the way, as no database or no daemon, there is nothing to propose, at once and in silence.
"""

import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import redirect_stderr
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from daemon.cli.place import Place
    from daemon.cli.sources import There

MOST = 50
"""Ids that are proposed, the newest."""
PATIENCE = timedelta(seconds=2)
"""For a daemon elsewhere; somebody waits with a finger on the key."""
Source = tuple[str, Callable[["Place"], Iterable[str]], Callable[["There"], Iterable[str]]]
"""The verb whose documents have them, how they are had here, and how there."""


def _completing(source: Callable[[], Source]) -> Callable[[typer.Context, str], list[str]]:
    """What typer asks; nothing of it is loaded before."""

    def propose(context: typer.Context, incomplete: str) -> list[str]:
        try:
            with redirect_stderr(io.StringIO()):
                found = _found(context, *source())
        except Exception:
            return []
        return [one for one in dict.fromkeys(found) if one.startswith(incomplete)]

    return propose


def _found(
    context: Any,
    verb: str,
    here: Callable[["Place"], Iterable[str]],
    there: Callable[["There"], Iterable[str]],
) -> list[str]:
    from daemon.cli.place import opened  # noqa: PLC0415 - as above
    from daemon.cli.sources import There, asked  # noqa: PLC0415 - see `_completing`

    path = context.params.get("config")
    with asked(verb, path, PATIENCE) as daemon:
        if isinstance(daemon, There):
            return [*there(daemon)]
    with opened(path) as place:
        return [*here(place)]


def _systems() -> Source:
    return (
        "status",
        lambda place: place.known.systems,
        lambda daemon: _texts(daemon.elsewhere.about().get("systems")),
    )


def _endpoints() -> Source:
    def here(place: "Place") -> Iterable[str]:
        return place.known.endpoints

    return "endpoints list", here, lambda daemon: _keys(daemon.items(), "name")


def _queues() -> Source:
    def here(place: "Place") -> Iterator[str]:
        return (
            "/" + name.removeprefix("queue/") for _, name in place.known.watches if name.startswith("queue/")
        )

    def there(daemon: "There") -> Iterator[str]:
        for system in _dicts(daemon.document({}).get("systems")):
            for name in _keys(_dicts(system.get("watches")), "watch"):
                if name.startswith("queue/"):
                    yield "/" + name.removeprefix("queue/")

    return "status", here, there


def _watches() -> Source:
    return "status", lambda place: [name for _, name in place.known.watches], lambda _daemon: []


def _events() -> Source:
    def here(place: "Place") -> Iterator[str]:
        from daemon.store import events  # noqa: PLC0415 - see `_completing`

        with place.store.read() as db:
            found = events.latest(db, events.Query(limit=MOST))
        return (event.id for _, event in reversed(found))

    def there(daemon: "There") -> Iterator[str]:
        found = daemon.items({"latest": True}, MOST)
        return (str(one["data"]["id"]) for one in reversed(found))

    return "events list", here, there


def _explained() -> Source:
    """Incidents and what is wrong now first: that is what people ask about."""
    _, events_here, _ = _events()

    def here(place: "Place") -> Iterator[str]:
        from daemon.store import views  # noqa: PLC0415 - see `_completing`

        with place.store.read() as db:
            alerts = views.alerts(db)
        yield from (one.incident for one in alerts if one.incident)
        yield from (one.subject for one in alerts)
        yield from events_here(place)

    def there(daemon: "There") -> Iterator[str]:
        alerts = _dicts(daemon.items())
        yield from _keys(alerts, "incident")
        yield from _keys(alerts, "subject")

    return "alerts list", here, there


def _silences() -> Source:
    def here(place: "Place") -> Iterator[str]:
        from daemon.store import silences  # noqa: PLC0415 - see `_completing`

        with place.store.read() as db:
            found = silences.load(db, now=place.look(db), with_ended=False)
        return (one.id for one in reversed(list(found)))

    return "silence list", here, lambda daemon: _keys(daemon.items(), "id")


def _deliveries() -> Source:
    def here(place: "Place") -> Iterator[str]:
        from daemon.store import history  # noqa: PLC0415 - see `_completing`

        with place.store.read() as db:
            found = history.read(db, history.Wanted(limit=MOST))
        return (str(one.id) for one in found)

    return "deliveries list", here, lambda daemon: _keys(daemon.items({}, MOST), "id")


def _commands() -> Source:
    def here(place: "Place") -> Iterator[str]:
        from daemon.store import inbox  # noqa: PLC0415 - see `_completing`

        with place.store.read() as db:
            found = inbox.read(db, inbox.Wanted(limit=MOST))
        return (one.id for one in found)

    return "command list", here, lambda daemon: _keys(daemon.items({}, MOST), "id")


def _dicts(found: Any) -> list[dict[str, Any]]:
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _keys(found: Any, key: str) -> list[str]:
    return [str(one[key]) for one in _dicts(found) if one.get(key) is not None]


def _texts(found: Any) -> list[str]:
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []


SYSTEMS = _completing(_systems)
ENDPOINTS = _completing(_endpoints)
QUEUES = _completing(_queues)
WATCHES = _completing(_watches)
EVENTS = _completing(_events)
EXPLAINED = _completing(_explained)
SILENCES = _completing(_silences)
DELIVERIES = _completing(_deliveries)
COMMANDS = _completing(_commands)
