"""What a configuration comes to, as one value: a reload puts another in its place, whole.

Whoever writes takes what is in force when its transaction begins, and goes by that to the end; so nothing
that is written stands half on the old configuration and half on the new.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property, partial
from zoneinfo import ZoneInfo

import structlog

from daemon.app.subscribed import NOTHING, Subscribed
from daemon.config.kept_endpoints import effective
from daemon.config.settings import Config
from daemon.core.allowance import Allowances
from daemon.core.commands.policy import Policy
from daemon.core.contacts import NOBODY, Contacts
from daemon.core.delivery.route import Route
from daemon.core.digests.schedule import Digest
from daemon.core.retention import Retention
from daemon.core.watches.expectations import Expectation
from daemon.core.watches.watch import AnyWatch
from daemon.core.wishes import Kind, Wish, Wishes
from daemon.host import clock
from daemon.pipeline.events import Recorder
from daemon.pipeline.handover import Handover
from daemon.wiring import expectations
from daemon.wiring import watches as watched
from daemon.wiring.campaigns import asks_of
from daemon.wiring.clients import TracedOf, clients_of
from daemon.wiring.commands import policies, systems_of
from daemon.wiring.digests import digests_of
from daemon.wiring.endpoints import enter, interests, retention, routes
from daemon.wiring.escalations import ladders
from daemon.wiring.senders import tells_names
from daemon.wiring.texts import logs, recipients
from daemon.wiring.watches import watches
from daemon.workers.commander import System
from daemon.workers.follower import Ask
from daemon.workers.names import Names
from daemon.workers.text_follower import ReadLog
from daemon.workers.texter import Recipient
from daemon.yemot.client import Client, Heard

log = structlog.get_logger()


@dataclass(frozen=True)
class InForce:
    """A configuration, and all that follows from it."""

    config: Config
    clients: tuple[Client, ...]
    watches: tuple[AnyWatch, ...]
    systems: Mapping[str, System]
    """What carries commands out, by system."""
    campaigns: Mapping[str, Ask]
    """What looks at campaigns, by system."""
    texts: Mapping[str, Recipient]
    """The phones that are told alerts, by endpoint."""
    text_logs: Mapping[str, ReadLog]
    """What asks for the SMS that were sent, by system."""
    policies: Mapping[str, Policy]
    """What each system allows."""
    recorder: Recorder
    """What writes events, for the endpoints there are."""
    routes: Mapping[str, Route]
    retention: Retention
    wishes: Wishes
    """What the endpoints ask for and what is watched, and which of it is set aside."""
    contacts: Callable[[], Contacts]
    """Who is called how, by this configuration and by the store."""
    expected: Mapping[str, tuple[Expectation, ...]]
    """What is expected, by system."""
    digests: tuple[Digest, ...]
    subscribed: Subscribed = NOTHING
    """What the store keeps of whom to tell; of `config`, the endpoints are those of both."""

    @cached_property
    def watches_by_id(self) -> Mapping[tuple[str, str], AnyWatch]:
        """The same watches, by system and name."""
        return {watch.id: watch for watch in self.watches}

    @cached_property
    def intervals(self) -> Mapping[tuple[str, str], timedelta]:
        """How often they are polled."""
        return {watch.id: watch.every for watch in self.watches}

    def close(self) -> None:
        """Close the connections to the systems."""
        for client in self.clients:
            client.close()


def in_force(
    config: Config,
    heard: Heard,
    handover: Handover,
    names: Names,
    traced: TracedOf | None = None,
    allowances: Allowances | None = None,
    subscribed: Subscribed = NOTHING,
) -> InForce:
    """All that follows from a configuration; `heard` is told what time it is at the API, `handover` what is
    to be sent, `names` are those of the store, `traced` is told of each question to the API, `allowances` are
    what was read of the systems' files so far, and `subscribed` is what the store keeps of whom to tell.

    Raises OSError where a file of authorities cannot be read any more.
    """
    config = effective(config, subscribed.endpoints)
    clients, zone = clients_of(config, heard, traced, allowances), ZoneInfo(config.daemon.timezone)
    wishes = wishes_of(config)
    contacts = partial(names.under, config.contacts.book)
    recorder = Recorder(
        interests(config, wishes),
        clock.new_id,
        handover,
        escalations=ladders(config.escalations),
        readers=[one.interest for one in subscribed.feeds],
    )
    return InForce(
        config=config,
        clients=tuple(clients),
        watches=tuple(
            watch
            for system, client in zip(config.systems, clients, strict=True)
            for watch in watches(system, client, zone, wishes)
        ),
        systems=systems_of(config, clients),
        campaigns=asks_of(config, clients),
        texts=recipients(config, clients),
        text_logs=logs(config, clients),
        policies=policies(config),
        recorder=replace(recorder, contacts=contacts) if tells_names(config) else recorder,
        routes=routes(config, wishes),
        retention=retention(config),
        wishes=wishes,
        contacts=contacts,
        expected=expectations.expected(config, wishes),
        digests=tuple(digests_of(config)),
        subscribed=subscribed,
    )


def resubscribed(before: InForce, subscribed: Subscribed) -> InForce:
    """The same configuration, with what the store keeps by now; what is watched goes on as it does."""
    config, wishes = effective(before.config, subscribed.endpoints), before.wishes
    old, new = ({one.name: one for one in known.webhooks} for known in (before.config, config))
    wishes.forget(Kind.ENDPOINT, {name for name in {*old, *new} if old.get(name) != new.get(name)})
    enter(config, wishes)
    recorder = replace(
        before.recorder,
        interests=interests(config, wishes),
        readers=[one.interest for one in subscribed.feeds],
        contacts=before.contacts if tells_names(config) else lambda: NOBODY,
    )
    tried = routes(config, wishes)
    return replace(before, config=config, recorder=recorder, routes=tried, subscribed=subscribed)


def wishes_of(config: Config) -> Wishes:
    """All that is asked for; the log hears of what cannot be worked out."""
    wishes = Wishes(_raised)
    enter(config, wishes)
    for system in config.systems:
        watched.enter(system, wishes)
    expectations.enter(config, wishes)
    return wishes


def _raised(wish: Wish, error: Exception) -> None:
    log.error("wish.set_aside", of=wish.kind.value, name=wish.name, setting=wish.setting, exc_info=error)


class Current:
    """What is in force now. Safe to call from any thread."""

    def __init__(self, first: InForce) -> None:
        self._now = first

    def __call__(self) -> InForce:
        return self._now

    def recorder(self) -> Recorder:
        """What writes events at this moment."""
        return self._now.recorder

    def contacts(self) -> Contacts:
        """Who is called how at this moment."""
        return self._now.contacts()

    def swap(self, other: InForce) -> InForce:
        """Put another in force. Returns the one that was."""
        before, self._now = self._now, other
        return before
