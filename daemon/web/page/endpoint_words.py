"""How an endpoint is doing in words: its health, what holds it back, and its last attempts. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from markupsafe import Markup

from daemon.core.delivery.breaker import DisabledBy, Health
from daemon.core.delivery.route import Route
from daemon.core.numbers import shown
from daemon.core.routing.quiet import QuietNow
from daemon.core.timestamps import from_iso
from daemon.schemas.documents import Attempt, Endpoint
from daemon.schemas.status import SetAside
from daemon.web.page import outcomes, quiet_words, spark
from daemon.web.page.words import Words
from daemon.web.page.writing import Writing

LEVELS = {
    Health.HEALTHY.value: "well",
    Health.DEGRADED.value: "pending",
    Health.SUSPENDED.value: "wrong",
    Health.DISABLED.value: "unknown",
}


def is_faltering(one: Endpoint) -> bool:
    """Whether its last messages failed, though not for long enough to be treated otherwise."""
    return one.health == Health.HEALTHY.value and one.failing_since is not None


def level(one: Endpoint) -> str:
    """The mark that goes with how it is doing: nothing that fails is shown as well."""
    return "pending" if is_faltering(one) else LEVELS[one.health]


@dataclass(frozen=True)
class Tried:
    """One attempt, and of which delivery."""

    delivery: int
    attempt: Attempt


@dataclass(frozen=True)
class Saying:
    """What is needed to say it to one visitor."""

    t: Words
    w: Writing
    quiet: Mapping[str, QuietNow] = field(default_factory=dict)
    rests: Mapping[str, datetime] = field(default_factory=dict)
    routes: Mapping[str, Route] = field(default_factory=dict)

    def health(self, one: Endpoint) -> Markup:
        """`takes what it is sent`, `an operator disabled it, since 14:02`."""
        if is_faltering(one):
            said = self.t("endpoints.health.faltering")
            return said + Markup(", ") + self.t("endpoints.since", at=self.w.time(one.failing_since))
        by, health = f"endpoints.by.{one.disabled_by}", f"endpoints.health.{one.health}"
        said = self.t(by if one.disabled_by else health)
        if one.since is None or one.health == Health.HEALTHY.value:
            return said
        return said + Markup(", ") + self.t("endpoints.since", at=self.w.time(one.since))

    def waiting(self, one: Endpoint) -> Markup:
        """`3 messages wait`."""
        return self.t.many("endpoints.waits", one.open) if one.open else self.t("endpoints.waits.none")

    def dead(self, one: Endpoint) -> Markup:
        """`2 dead letters`."""
        return self.t.many("endpoints.dead", one.dead) if one.dead else self.t("endpoints.dead.none")

    def holds(
        self, one: Endpoint, set_aside: Sequence[SetAside] = (), *, is_catching_up: bool = False
    ) -> list[Markup]:
        """Everything that keeps messages from going out at once."""
        return [
            *([self.t("endpoints.template", name=one.template)] if one.template else []),
            *self._by_hand(one),
            *self._by_the_clock(one),
            *self._by_pace(one, is_catching_up=is_catching_up),
            *(
                self.t("endpoints.holds.set_aside", **each.model_dump(exclude={"since"}))
                for each in set_aside
            ),
        ]

    def last(self, tried: Sequence[Tried]) -> Markup:
        """How the newest attempt ended."""
        if not tried:
            return self.t("endpoints.last.none")
        newest = tried[-1].attempt
        return self.w.time(newest.started_at) + Markup(": ") + outcomes.ended(self.t, newest)

    def picture(self, tried: Sequence[Tried]) -> Markup:
        """A picture of the last attempts."""
        if not tried:
            return self.t("endpoints.spark.none")
        bars = [self._bar(one.attempt) for one in tried]
        well = sum(one.is_well for one in bars)
        values = {"n": len(bars), "well": well, "wrong": len(bars) - well}
        return spark.spark(bars, self.t.plain("endpoints.spark", **values))

    def _bar(self, attempt: Attempt) -> spark.Bar:
        is_well = outcomes.level(attempt.outcome) == "well"
        words = f"{self.w.full(attempt.started_at)}: {outcomes.ended(self.t, attempt).striptags()}"
        return spark.Bar(is_well, attempt.microseconds.total, words)

    def _by_hand(self, one: Endpoint) -> Iterator[Markup]:
        if one.asked is not None:
            yield self.t(f"endpoints.asked.{one.asked}")
        if not one.is_configured:
            yield self.t("endpoints.left")
        if one.health == Health.DISABLED.value:
            yield self.t(f"endpoints.by.{one.disabled_by or DisabledBy.OPERATOR.value}")
            yield self.t("endpoints.until_enabled")

    def _by_the_clock(self, one: Endpoint) -> Iterator[Markup]:
        until = from_iso(one.not_before)
        if until is not None and until > self.w.now and one.health != Health.DISABLED.value:
            is_asked = one.health == Health.HEALTHY.value
            yield self.t(f"endpoints.holds.{'pause' if is_asked else 'until'}", until=self.w.exact(until))
        if (found := self.quiet.get(one.name)) is not None:
            waits = Markup("; ") + self.t.many("quiet.waits", one.open) if one.open else Markup("")
            yield quiet_words.lasts(self.t, self.w, found) + waits
            if found.break_through is not None:
                severity = self.t(f"incidents.severity.{found.break_through.value}")
                yield self.t("quiet.break_through", severity=severity)
        if (rests := self.rests.get(one.name)) is not None:
            yield self.t("endpoints.holds.rests", until=self.w.until(rests))

    def _by_pace(self, one: Endpoint, *, is_catching_up: bool) -> Iterator[Markup]:
        route = self.routes.get(one.name)
        if route is None:
            return
        if is_catching_up and not route.mailing:
            rate = min(route.rate or route.recovery_rate, route.recovery_rate)
            yield self.t("endpoints.holds.catching_up", rate=shown(rate))
        elif route.rate is not None:
            yield self.t("endpoints.holds.rate", rate=shown(route.rate))
        if route.mailing is not None and route.mailing.interval:
            yield self.t("endpoints.holds.interval", span=self.w.span(route.mailing.interval.total_seconds()))
