"""`yemotd status`: what is watched, what is wrong, what waits to be told; from the store."""

from collections.abc import Iterator

from daemon.cli.kept_texts import KEEPS_TEXTS
from daemon.cli.opening import load, open_store
from daemon.cli.options import ConfigOption, JsonOption
from daemon.cli.output import age, clock_time, print_json, say
from daemon.core.own_events import MISCONFIGURED
from daemon.core.timestamps import from_iso
from daemon.host import clock
from daemon.schemas.status import Configured, Running, SetAside, Status
from daemon.schemas.subjects import SubjectStatus
from daemon.store import locking, views
from daemon.store.in_force import InForce
from daemon.store.views import AlertView, EndpointView, WatchView
from daemon.wiring.endpoints import interests
from daemon.wiring.watches import plan


def status(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Show what the daemon knows, whether it runs or not."""
    loaded = load(config).config
    holder = locking.holder(loaded.daemon.database)
    failing = locking.failing(loaded.daemon.database) if holder else None
    store = open_store(loaded)
    with store.read() as db:
        seen = views.read(db)
    store.close()
    configured = Configured(
        {watch.id: watch.every for system in loaded.systems for watch in plan(system)},
        [one.endpoint for one in interests(loaded)],
    )
    shown = Status.of(seen, configured, Running(holder, failing=failing), clock.utcnow())
    if as_json:
        print_json(shown.model_dump())
        return
    watches = [watch for watch in seen.watches if (watch.system, watch.name) in configured.watches]
    say(f"daemon    {f'running, process {holder}' if holder else 'not running'}; {seen.events} events so far")
    if failing:
        say(f"database  cannot be written since {failing[0]}: {failing[1]}")
    say(*(_configuration(seen.configuration) if seen.configuration else ()))
    say(*map(_token, seen.keeps_content))
    set_aside = [one for one in seen.alerts if one.type == MISCONFIGURED.fires]
    alerts = [one for one in seen.alerts if one not in set_aside]
    say(*map(_watch, watches))
    say(
        *(
            _subject(system.name, one)
            for system in shown.systems
            for one in system.subjects
            if one.state != "up"
        )
    )
    say(*map(_alert, alerts), *map(_set_aside, set_aside))
    say(*map(_endpoint, seen.backlog))


def _configuration(kept: InForce) -> Iterator[str]:
    how = "reloaded" if kept.reloaded_at else "in force since the start"
    yield f"config    {how} {clock_time(kept.since)}"
    for line in kept.difference.lines() if kept.difference else ():
        yield f"            {line}"


def _token(token: str) -> str:
    return f"token     {token}: {KEEPS_TEXTS}"


def _watch(watch: WatchView) -> str:
    seen = f"seen {age(watch.observed_at, clock.utcnow())}"
    trouble = f"; {watch.failure}: {watch.failure_message}" if watch.failure else ""
    return f"watch     {watch.system}/{watch.name}: {seen}{trouble}"


def _subject(system: str, subject: SubjectStatus) -> str:
    since = f" since {clock_time(from_iso(subject.since))}" if subject.since else ""
    why = "; ".join(f"{key} {_said(value)}" for key, value in subject.why.items())
    return f"subject   {system}/{subject.subject}: {subject.state}{since}{f' ({why})' if why else ''}"


def _said(value: object) -> str:
    if isinstance(value, list):
        return f"{len(value)}" if any(isinstance(one, dict) for one in value) else ", ".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _alert(alert: AlertView) -> str:
    since = f"{alert.phase} since {clock_time(alert.started_at)}"
    blind = ", not seen at present" if alert.is_blind else ""
    return f"alert     {alert.system} {alert.type} {alert.subject}: {since}{blind}"


def _set_aside(alert: AlertView) -> str:
    wish = SetAside.of(alert)
    since = f"since {clock_time(alert.started_at)}"
    return f"set aside {alert.subject}: {wish.setting} ({wish.error}) {since}; {wish.instead}"


def _endpoint(endpoint: EndpointView) -> str:
    return f"endpoint  {endpoint.endpoint}: {endpoint.open} to send, {endpoint.dead} given up"
