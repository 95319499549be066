"""`/metrics`: how the daemon is doing, in Prometheus' text format.

One function for each thing that is measured; `FAMILIES` lists them. What is counted, the process counts;
what is read of the store grows with the configuration, with what is watched or with what waits, never with
the past. Labels are words of the configuration and of the code, and names of SIP accounts: no caller, no id.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from fastapi import APIRouter, Depends, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import PlainTextResponse
from prometheus_client import ProcessCollector, generate_latest

from daemon.core.commands.command import Status
from daemon.core.delivery.breaker import HEALTHY, Health
from daemon.core.delivery.outcome import Outcome
from daemon.core.delivery.route import share_of
from daemon.core.ownership import Kind, Share
from daemon.core.routing.plan import DAEMON
from daemon.store import endpoint_health as endpoints
from daemon.store import events, inbox, ownership, views
from daemon.store.database import Database
from daemon.web.auth import Token, require_from_afar
from daemon.web.dependencies import Live
from daemon.web.exposition import Distribution, Family, text
from daemon.web.problems import responses
from daemon.web.routes import phone_metrics as phones
from daemon.web.routes import text_metrics as texts
from daemon.web.scrape import Metric, Scrape

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
ALWAYS_SHOWN = "answered", Outcome.ACCEPTED.value
"""Outcomes that are there from the start, at 0: a share of failures needs something to be a share of."""

STATES = CONNECTED, SILENT, DIFFERS = "connected", "silent", "differs"
"""Of members."""


def router(database: Database, tokens: Callable[[], Sequence[Token]], live: Live, version: str) -> APIRouter:
    """The route; whoever asks from this machine needs no token."""
    routes = APIRouter(tags=["health"])
    process = ProcessCollector(registry=None)

    def scrape() -> bytes:
        with database.read() as db:
            scrape = Scrape(
                db,
                live.now(),
                live.started_at(),
                version,
                live.counts(),
                dict(live.watched()),
                dict(live.last_seen()),
                dict.fromkeys(live.endpoints()),
                {share_of(name, route) for name, route in live.routes().items()},
                live.member(),
                live.silent().keys(),
                live.zone(),
                live.desk.policies(),
            )
            return text(metric for family in FAMILIES for metric in family(scrape)) + generate_latest(process)

    shared = Shared(scrape)

    @routes.get(
        "/metrics",
        summary="Figures for Prometheus",
        description="From this machine itself no token is needed.",
        response_class=PlainTextResponse,
        dependencies=[Depends(require_from_afar("read", tokens))],
        responses=responses(401, 403, 422, 429, 503),
    )
    async def metrics() -> Response:
        return Response(await shared.text(), media_type=CONTENT_TYPE)

    return routes


class Shared:
    """One scrape at a time, in one thread; who asks while one is made gets the next, with all others who do.

    So no number of callers takes the threads and the connections that the daemon works with, and nobody gets
    figures from before he asked.
    """

    def __init__(self, scrape: Callable[[], bytes]) -> None:
        self._scrape = scrape
        self._one_at_a_time = asyncio.Lock()
        self._begun = 0
        self._made: bytes | None = None

    async def text(self) -> bytes:
        """Figures as of now. Raises what the scrape raises."""
        asked = self._begun
        async with self._one_at_a_time:
            if self._made is None or self._begun == asked:
                self._begun, self._made = self._begun + 1, None
                self._made = await run_in_threadpool(self._scrape)
            return self._made


def _daemon(scrape: Scrape) -> Iterator[Metric]:
    yield Family(
        "gauge",
        "yemotd_build_info",
        "Which yemotd this is; always 1.",
        ["version"],
        [((scrape.version,), 1)],
    )
    yield Family(
        "gauge",
        "yemotd_start_time_seconds",
        "When the daemon started, in seconds since 1970.",
        [],
        [((), scrape.started_at.timestamp())],
    )


def _polls(scrape: Scrape) -> Iterator[Metric]:
    first = {(*watch, ALWAYS_SHOWN[0]): 0 for watch in scrape.watches}
    yield Family(
        "counter",
        "yemotd_polls_total",
        "Polls since the start, by what they came to.",
        ["system", "watch", "outcome"],
        [
            (key, many)
            for key, many in (first | dict(scrape.counts.polls)).items()
            if key[:2] in scrape.watches
        ],
    )
    yield Distribution(
        "yemotd_poll_duration_seconds",
        "How long polls took, from the question to the commit.",
        "system",
        {name: took for name, took in scrape.counts.polls_took.items() if name in scrape.systems},
    )


def _watches(scrape: Scrape) -> Iterator[Metric]:
    labels = ["system", "watch"]
    yield Family(
        "gauge",
        "yemotd_watch_interval_seconds",
        "How often a watch is polled.",
        labels,
        [(watch, every.total_seconds()) for watch, every in scrape.watches.items()],
    )
    yield Family(
        "gauge",
        "yemotd_watch_observed_age_seconds",
        "Time since the last answer that was understood; since the start where there was none yet.",
        labels,
        [(key, scrape.age(scrape.observed.get(key, scrape.started_at))) for key in scrape.watches],
    )
    yield Family(
        "gauge",
        "yemotd_watch_failing",
        "Whether the last poll failed, and how; 0 without a failure where it was answered.",
        [*labels, "failure"],
        [((*key, one.failure or ""), int(one.failure is not None)) for key, one in scrape.polled.items()],
    )


def _events(scrape: Scrape) -> Iterator[Metric]:
    written = events.last_sequences(scrape.db)
    yield Family(
        "counter",
        "yemotd_events_total",
        "Events ever written, over all starts; the daemon's own have no system.",
        ["system"],
        [((system,), written.get(system, 0)) for system in (DAEMON, *scrape.systems)],
    )


def _alerts(scrape: Scrape) -> Iterator[Metric]:
    yield Family(
        "gauge",
        "yemotd_alerts",
        "Alerts that are pending, firing or recovering; the daemon's own have no system.",
        ["system", "type", "phase", "severity"],
        [
            ((one.system, one.type, one.phase, one.severity), one.many)
            for one in views.alert_counts(scrape.db)
            if one.system in (DAEMON, *scrape.systems)
        ],
    )


def _deliveries(scrape: Scrape) -> Iterator[Metric]:
    known = {one.endpoint: one for one in views.backlog(scrape.db)}
    backlog = [
        ((name,), known.get(name) or views.EndpointView(name, 0, 0, None)) for name in scrape.endpoints
    ]
    yield Family(
        "gauge",
        "yemotd_deliveries_open",
        "Deliveries not yet made.",
        ["endpoint"],
        [(key, one.open) for key, one in backlog],
    )
    yield Family(
        "gauge",
        "yemotd_deliveries_dead",
        "Deliveries given up, and kept.",
        ["endpoint"],
        [(key, one.dead) for key, one in backlog],
    )
    yield Family(
        "gauge",
        "yemotd_deliveries_oldest_open_age_seconds",
        "Time since the oldest delivery that is not yet made came up; 0 where there is none.",
        ["endpoint"],
        [(key, scrape.age(one.oldest_open_at or scrape.now)) for key, one in backlog],
    )


def _attempts(scrape: Scrape) -> Iterator[Metric]:
    first = {(name, ALWAYS_SHOWN[1]): 0 for name in scrape.endpoints}
    yield Family(
        "counter",
        "yemotd_attempts_total",
        "Attempts to deliver since the start, by how they ended.",
        ["endpoint", "outcome"],
        [(key, n) for key, n in (first | dict(scrape.counts.attempts)).items() if key[0] in scrape.endpoints],
    )
    yield Distribution(
        "yemotd_attempt_duration_seconds",
        "How long attempts to deliver took.",
        "endpoint",
        {name: took for name, took in scrape.counts.attempts_took.items() if name in scrape.endpoints},
    )


def _health(scrape: Scrape) -> Iterator[Metric]:
    known = endpoints.load(scrape.db)
    yield Family(
        "gauge",
        "yemotd_endpoint_health",
        "1 for the health that an endpoint has, 0 for those that it has not.",
        ["endpoint", "health"],
        [
            ((name, health.value), int(known.get(name, HEALTHY).health is health))
            for name in scrape.endpoints
            for health in Health
        ],
    )


def _commands(scrape: Scrape) -> Iterator[Metric]:
    waiting = inbox.counts(scrape.db)
    yield Family(
        "gauge",
        "yemotd_commands",
        "Commands that have not ended.",
        ["system", "status"],
        [
            ((system, status.value), waiting.get((system, status), 0))
            for system in scrape.systems
            for status in (Status.QUEUED, Status.RUNNING)
        ],
    )
    yield Family(
        "counter",
        "yemotd_commands_ended_total",
        "Commands that ended since the start, by how.",
        ["system", "type", "status"],
        [(key, many) for key, many in scrape.counts.commands.items() if key[0] in scrape.systems],
    )


def _recordings(scrape: Scrape) -> Iterator[Metric]:
    """Of systems of which any was to be copied."""
    counts = scrape.counts
    for name, help_, found in (
        ("copied", "Recordings copied to the disk since the start.", counts.recordings),
        ("copied_bytes", "Bytes of recordings copied to the disk since the start.", counts.recording_bytes),
        (
            "failed",
            "Tries to copy a recording to the disk that failed, since the start.",
            counts.recordings_failed,
        ),
    ):
        rows = [((system,), many) for system, many in found.items() if system in scrape.systems]
        yield Family("counter", f"yemotd_recordings_{name}_total", help_, ["system"], rows)


def _members(scrape: Scrape) -> Iterator[Metric]:
    """Nothing of a daemon that has its database to itself."""
    members = views.members(scrape.db)
    states = Counter(_state(one, scrape.silent) for one in members)
    yield Family(
        "gauge",
        "yemotd_members",
        "Daemons that share the database, by how they are.",
        ["state"],
        [((state,), states[state]) for state in STATES if members],
    )
    yield Family(
        "gauge",
        "yemotd_member_info",
        "Which of them this is; always 1.",
        ["member", "version"],
        [((scrape.member, scrape.version), 1)] if scrape.member is not None else [],
    )
    held = next((one.held for one in members if one.name == scrape.member), {})
    yield Family(
        "gauge",
        "yemotd_holdings",
        "What this one has of the work.",
        ["kind"],
        [((kind.value,), held.get(kind, 0)) for kind in Kind if scrape.member is not None],
    )
    names = {one.name for one in members}
    taken = {one.share for one in ownership.holdings(scrape.db) if one.member in names} if members else set()
    yield Family(
        "gauge",
        "yemotd_unowned",
        "What of the work nobody has.",
        ["kind"],
        [
            ((kind.value,), sum(Share(kind, name) not in taken for name in scrape.wanted(kind)))
            for kind in Kind
            if members
        ],
    )


def _state(member: views.MemberView, silent: Collection[str]) -> str:
    """Each is counted once: who is silent may differ as well."""
    if not member.is_connected or member.name in silent:
        return SILENT
    return DIFFERS if member.differs else CONNECTED


FAMILIES: tuple[Callable[[Scrape], Iterable[Metric]], ...] = (
    _daemon,
    _polls,
    _watches,
    _events,
    _alerts,
    _deliveries,
    _attempts,
    _health,
    _commands,
    _recordings,
    _members,
    *phones.FAMILIES,
    *texts.FAMILIES,
)
"""In the order of the text. One more is a function like these, named here and in `docs/monitoring.md`."""
