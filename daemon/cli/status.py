"""`yemotd status`: what is watched, what is wrong, what waits to be told; from the store."""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime

import sqlalchemy as sa

from daemon.cli.kept_texts import KEEPS_TEXTS
from daemon.cli.names import beside
from daemon.cli.options import ConfigOption, JsonOption
from daemon.cli.output import age, clock_time, counted, people_zone, print_json, say
from daemon.cli.place import Place
from daemon.cli.sources import asked
from daemon.core.differences import KINDS, Difference
from daemon.core.own_events import MISCONFIGURED
from daemon.core.routing.plan import endpoint_subject
from daemon.core.timestamps import from_iso
from daemon.host import clock
from daemon.schemas.documents import AlertStatus, QuietStatus
from daemon.schemas.status import (
    Changes,
    ConfigurationStatus,
    Configured,
    EndpointStatus,
    MemberStatus,
    Running,
    SetAside,
    Status,
    SystemStatus,
    WatchStatus,
)
from daemon.schemas.subjects import SubjectStatus
from daemon.store import locking, views


def status(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Show what the daemon knows, whether it runs or not."""
    with asked("status", config) as daemon:
        shown = daemon.one(Status, status_of)
        if as_json:
            print_json(shown.model_dump())
            return
        say(*_lines(shown))


def status_of(place: Place, *, with_details: bool = False) -> Status:
    """How the daemon of a place stands, as its store says."""
    holder = locking.holder(place.url)
    failing = locking.failing(place.url) if holder else None
    with place.store.read() as db:
        seen, now = views.read(db, with_details=with_details), place.look(db)
        quiet = _quiet(db, place, now)
    configured = Configured(place.known.watches, place.known.endpoints, quiet)
    running = Running(holder, failing=failing, timezone=place.known.timezone)
    return Status.of(seen, configured, running, now)


def _quiet(db: sa.Connection, place: Place, now: datetime) -> dict[str, QuietStatus]:
    """The endpoints that are in a quiet window."""
    if not place.known.has_windows:
        return {}
    from daemon.operations import quiet_windows  # noqa: PLC0415 - a cold start is measured

    found = quiet_windows.lasting(db, place.known.interests, now)
    return {name: QuietStatus.of(one.now, one.waits) for name, one in found.items()}


def _quiet_lines(shown: Status, now: datetime) -> Iterator[str]:
    quiet = [(one.name, one.quiet) for one in shown.endpoints if one.quiet is not None]
    if not quiet:
        return
    from daemon.cli import quiet_words  # noqa: PLC0415 - as above

    zone = people_zone()
    yield from (f"endpoint  {name}: {quiet_words.quiet(one, now, zone)}" for name, one in quiet)


def _lines(shown: Status) -> Iterator[str]:
    now = from_iso(shown.now) or clock.utcnow()
    yield f"daemon    {_daemon(shown)}; {shown.events} events so far"
    yield from map(_member, shown.members)
    if shown.store:
        yield f"database  cannot be written since {shown.store.failing_since}: {shown.store.error}"
    if shown.configuration:
        yield from _configuration(shown.configuration)
    yield from map(_token, shown.keeps_content)
    if shown.timezone:
        yield f"times     {shown.timezone}; now {clock_time(now)}"
    if shown.members:
        connected = {one.name for one in shown.members if one.is_connected}
        yield from (_poller(one, connected) for one in shown.systems)
    for system in shown.systems:
        yield from (_watch(system.name, one, now) for one in system.watches)
    for system in shown.systems:
        yield from (_subject(system.name, one) for one in system.subjects if one.state != "up")
    yield from (_alert(one) for one in shown.alerts if one.type != MISCONFIGURED.fires)
    yield from dict.fromkeys(_set_aside(shown))
    yield from map(_endpoint, shown.endpoints)
    yield from _quiet_lines(shown, now)


def _daemon(shown: Status) -> str:
    """Whether one runs: who has the file, or how many have a session with the server."""
    members = shown.members
    if not members:
        return f"running, process {shown.process}" if shown.process else "not running"
    connected, many = sum(one.is_connected for one in members), counted(len(members), "member")
    if connected == len(members):
        return f"running, {many}"
    if connected:
        return f"running, {connected} of {many} connected"
    return f"not running: {many}, {'none of them' if len(members) > 1 else 'not'} connected"


def _member(member: MemberStatus) -> str:
    how = "connected" if member.is_connected else "not connected"
    if member.differs:
        how += f", takes nothing ({member.differs})"
    held = member.holds
    parts = [counted(held.systems, "system"), counted(held.endpoints, "endpoint")]
    parts += ["the duties of the house"] if held.is_house else []
    since = clock_time(from_iso(member.since))
    return f"member    {member.name}: {how}, since {since}, version {member.version}; {', '.join(parts)}"


def _poller(system: SystemStatus, connected: Collection[str]) -> str:
    of = system.member
    if of is None:
        return f"system    {system.name}: polled by nobody"
    since = clock_time(from_iso(of.since))
    if of.name not in connected:
        return f"system    {system.name}: polled by nobody; {of.name} had it since {since}"
    return f"system    {system.name}: polled by {of.name} since {since}"


def _configuration(kept: ConfigurationStatus) -> Iterator[str]:
    how = "reloaded" if kept.reloaded_at else "in force since the start"
    yield f"config    {how} {clock_time(from_iso(kept.since))}"
    if kept.changes:
        changes = kept.changes
        difference = Difference(
            *(_named(one) for one in (changes.added, changes.removed, changes.changed)),
        )
        yield from (f"            {line}" for line in difference.lines())


def _named(changes: Changes) -> Mapping[str, tuple[str, ...]]:
    return {kind: tuple(getattr(changes, kind)) for kind in KINDS}


def _token(token: str) -> str:
    return f"token     {token}: {KEEPS_TEXTS}"


def _watch(system: str, watch: WatchStatus, now: datetime) -> str:
    seen = f"seen {age(from_iso(watch.observed_at), now)}"
    trouble = f"; {watch.failure.kind}: {watch.failure.message}" if watch.failure else ""
    return f"watch     {system}/{watch.watch}: {seen}{trouble}"


def _subject(system: str, subject: SubjectStatus) -> str:
    since = f" since {clock_time(from_iso(subject.since))}" if subject.since else ""
    why = "; ".join(f"{key} {_said(value)}" for key, value in subject.why.items())
    called = beside(f"{system}/{subject.subject}", subject.subject)
    return f"subject   {called}: {subject.state}{since}{f' ({why})' if why else ''}"


def _said(value: object) -> str:
    if isinstance(value, list):
        return f"{len(value)}" if any(isinstance(one, dict) for one in value) else ", ".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _alert(alert: AlertStatus) -> str:
    since = f"{alert.phase} since {clock_time(from_iso(alert.started_at))}"
    blind = ", not seen at present" if alert.is_blind else ""
    return f"alert     {alert.system} {alert.type} {beside(alert.subject)}: {since}{blind}"


def _set_aside(shown: Status) -> Iterator[str]:
    """Wishes that cannot be worked out: of watches, and of endpoints, where those of one table share them."""
    for system in shown.systems:
        for watch in system.watches:
            yield from (_wish(f"watch/{system.name}/{watch.watch}", one) for one in watch.set_aside)
    for endpoint in shown.endpoints:
        subject = endpoint_subject(endpoint.name.partition("/")[0])
        yield from (_wish(subject, one) for one in endpoint.set_aside)


def _wish(subject: str, wish: SetAside) -> str:
    since = f"since {clock_time(from_iso(wish.since))}"
    return f"set aside {subject}: {wish.setting} ({wish.error}) {since}; {wish.instead}"


def _endpoint(endpoint: EndpointStatus) -> str:
    return f"endpoint  {endpoint.name}: {endpoint.open} to send, {endpoint.dead} given up"
