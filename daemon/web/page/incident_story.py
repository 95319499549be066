"""The story of an incident in words: step by step, and how it stands for each endpoint. Pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from daemon.core.alerts.life import Phase
from daemon.core.delivery.outcome import OPEN, Status
from daemon.core.model import Reason, Severity
from daemon.core.routing import quiet
from daemon.core.routing.ledger import Hold, Standing
from daemon.core.routing.plan import Interest
from daemon.core.timestamps import from_iso
from daemon.operations.explanations import Because
from daemon.schemas.documents import Acknowledgement
from daemon.schemas.explanations import (
    ExplainedDecision,
    ExplainedDelivery,
    ExplainedIncident,
    ExplainedStanding,
    ExplainedStep,
    ExplainedTransition,
    Incident,
)
from daemon.web.page import outcomes, quiet_words, telling
from daemon.web.page.words import Words
from daemon.web.page.writing import Writing, bdi

MOST_STEPS = 200
"""That are shown; of a longer story the newest."""
NOTHING = Because()
LEVELS = {Phase.OK: "well", Phase.PENDING: "pending", Phase.FIRING: "wrong", Phase.RECOVERING: "pending"}


@dataclass(frozen=True)
class Step:
    """One thing that happened."""

    at: str
    level: str
    """The mark that it gets: well, wrong, pending, unknown."""
    said: Markup
    endpoint: str | None = None
    """Whom it concerns; None: it was seen."""
    delivery: int | None = None


@dataclass(frozen=True)
class Stand:
    """How it stands for one endpoint."""

    endpoint: str
    level: str
    said: Markup
    more: list[Markup]
    deliveries: list[ExplainedDelivery]


@dataclass(frozen=True)
class Telling:
    """What is needed to tell it to one visitor."""

    t: Words
    w: Writing
    link: Callable[..., str]
    interests: Mapping[str, Interest] = field(default_factory=dict)
    """What each endpoint of the configuration wants, by name."""
    events: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """The parsed bodies of what was told, by id, as far as they are kept."""

    def steps(self, incident: ExplainedIncident, behind: Mapping[int, Because]) -> list[Step]:
        """All that happened, in order; `behind`: what stood behind the holds, by the decision's place."""
        found = [*self._seen(incident)]
        for place, decided in enumerate(incident.decisions):
            if decided.told is None and decided.held_by == Hold.UNWANTED.value:
                continue  # it never asked to hear of this: said beside its name, and nothing that happened
            because = behind.get(place, NOTHING)
            found.append(Step(decided.at, *self._decided(decided, because), decided.endpoint))
        for delivery in incident.deliveries:
            found += self._attempts(delivery)
        found += [Step(one.at, "pending", self._has(one)) for one in incident.acknowledgements]
        for step in incident.escalation:
            if step.taken_at:
                found.append(
                    Step(step.taken_at, "unknown", self.t("incidents.escalated", to=_listed(step.to)))
                )
        return sorted(found, key=lambda one: one.at)

    def in_hand(self, incident: ExplainedIncident) -> list[Markup]:
        """Who has it, and since when; or who is told, and when, if nobody has."""
        has = incident.acknowledged
        if has is not None:
            said = self.t("incidents.has", by=has.by, at=self.w.exact(has.at))
            until = self.t("incidents.has_until", at=self.w.until(has.until)) if has.until else None
            note = Markup("<q>{}</q>").format(bdi(has.note)) if has.note else None
            return [Markup(", ").join(filter(None, (said, until, note)))]
        if incident.ended_at:
            return [self.t("incidents.is_over")]
        coming = [one for one in incident.escalation if not one.taken_at]
        return [self.t("incidents.nobody_has"), *map(self._coming, coming)]

    def _coming(self, step: ExplainedStep) -> Markup:
        to = _listed(step.to)
        if step.due_at is None:
            return self.t("incidents.coming_sometime", to=to)
        return self.t("incidents.coming", at=self.w.until(step.due_at), to=to)

    def _has(self, one: Acknowledgement) -> Markup:
        said = self.t("incidents.acknowledged", by=one.by)
        said += (
            Markup(", ") + self.t("incidents.has_until", at=self.w.until(one.until))
            if one.until
            else Markup("")
        )
        return said + (Markup(": <q>{}</q>").format(bdi(one.note)) if one.note else Markup(""))

    def stands(self, incident: ExplainedIncident, behind: Mapping[int, Because]) -> list[Stand]:
        """How it stands for each endpoint, with all that was sent there."""
        held = {one.endpoint: place for place, one in enumerate(incident.decisions) if one.held_by}
        sent: dict[str, list[ExplainedDelivery]] = {}
        for delivery in incident.deliveries:
            sent.setdefault(delivery.endpoint, []).append(delivery)
        # Who was told first; who never asked to hear of it last.
        standings = sorted(
            incident.standings,
            key=lambda one: (one.standing == Standing.UNTOLD.value, one.held_by == Hold.UNWANTED.value),
        )
        return [
            self._stand(one, incident, _last_held(one, incident, behind, held), sent.get(one.endpoint, []))
            for one in standings
        ]

    def hold(
        self, held_by: str, because: Because = NOTHING, *, now: tuple[str, ExplainedIncident] | None = None
    ) -> Markup:
        """Why somebody is not told; `now`: an endpoint that it holds at this moment, and what is held."""
        plain = f"incidents.hold.{held_by}"
        if because.silence is not None:
            silence = because.silence
            end = because.until
            values = {"author": silence.author, "comment": silence.comment}
            if end is None:
                return self.t(f"{plain}.open", **values)
            return self.t(f"{plain}.until", until=self.w.until(end), **values)
        if because.instead is not None and f"{plain}.instead" in self.t:
            return self.t(f"{plain}.instead", link=self._linked(because))
        return (now and self._lasting(held_by, *now)) or self.t(plain)

    def _lasting(self, held_by: str, endpoint: str, incident: ExplainedIncident) -> Markup | None:
        """A hold that ends by the clock."""
        interest = self.interests.get(endpoint)
        if interest is None:
            return None
        if held_by == Hold.QUIET.value:
            found = quiet.lasting(interest.quiet, self.w.now, Severity(incident.severity))
            return quiet_words.lasts(self.t, self.w, found) if found else None
        fired = from_iso(incident.fired_at)
        if held_by != Hold.ESCALATION.value or fired is None:
            return None
        if not interest.after:
            return self.t("incidents.hold.escalation.waits")
        return self.t("incidents.hold.escalation.until", until=self.w.until(fired + interest.after))

    def _linked(self, because: Because) -> Markup:
        instead = because.instead
        assert instead is not None  # noqa: S101 - the caller's own
        said = telling.stands(Incident.told(instead), self.t.language, self.w.contacts)
        return Markup('<a href="{}">{}</a>').format(self.link("/incidents/", instead.id), said)

    def _seen(self, incident: ExplainedIncident) -> Iterator[Step]:
        before: ExplainedTransition | None = None
        for one in incident.transitions:
            yield from self._turned(one, before, incident)
            before = one

    def _turned(
        self, one: ExplainedTransition, before: ExplainedTransition | None, incident: ExplainedIncident
    ) -> Iterator[Step]:
        was_blind = before is not None and before.is_blind
        if one.is_blind and not was_blind:
            yield Step(one.at, "unknown", self.t("incidents.unseen"))
        if was_blind and not one.is_blind:
            yield Step(one.at, "pending", self.t("incidents.seen"))
        if before is None or one.phase != before.phase:
            yield Step(one.at, LEVELS[Phase(one.phase)], self._phase(one, before, incident))

    def _phase(
        self, one: ExplainedTransition, before: ExplainedTransition | None, incident: ExplainedIncident
    ) -> Markup:
        if one.phase == Phase.FIRING.value:
            if before is not None and before.phase == Phase.RECOVERING.value:
                return self.t("incidents.phase.again")
            if one.held_seconds and one.held_seconds >= 1:
                return self.t("incidents.phase.firing.held", span=self.w.span(one.held_seconds))
        if one.phase == Phase.OK.value and incident.end == Reason.REMOVED.value:
            return self.t("incidents.phase.gone")
        if one.phase == Phase.OK.value and incident.cause is not None:
            return self.t(f"incidents.phase.{incident.cause}")
        return self.t(f"incidents.phase.{one.phase}")

    def _decided(self, decided: ExplainedDecision, because: Because) -> tuple[str, Markup]:
        if decided.told is not None:
            said = self.t(f"incidents.reason.{decided.told}")
            event = self.events.get(decided.event or "")
            if event is not None:
                said += Markup(": <q>{}</q>").format(telling.told(event, self.t.language, self.w.contacts))
            if decided.held_by:
                said += Markup("; ") + self.t("incidents.was_held", why=self.hold(decided.held_by, because))
            return "pending", said
        if decided.held_by is not None:
            return "unknown", self.t("incidents.held", why=self.hold(decided.held_by, because))
        return "unknown", self.t("incidents.nothing_left")

    def _attempts(self, delivery: ExplainedDelivery) -> Iterator[Step]:
        for one in delivery.attempts:
            said = self.t("deliveries.attempt", n=one.number) + Markup(": ") + outcomes.ended(self.t, one)
            yield Step(one.started_at, outcomes.level(one.outcome), said, delivery.endpoint, delivery.id)

    def _stand(
        self,
        one: ExplainedStanding,
        incident: ExplainedIncident,
        held: tuple[str | None, Because],
        deliveries: list[ExplainedDelivery],
    ) -> Stand:
        said = self.t(f"incidents.standing.{one.standing}")
        if one.told_at:
            said += Markup(", ") + self.w.time(one.told_at)
        more = [self.t.many("incidents.repeats", one.repeats)] if one.repeats else []
        held_by, because = held
        if held_by:
            is_now = (one.endpoint, incident) if one.held_by and not one.is_over else None
            more.append(self.t("incidents.held", why=self.hold(held_by, because, now=is_now)))
        level = "unknown"
        if one.standing != Standing.UNTOLD.value:
            level, became = _became(deliveries)
            more += [self.t(became)] if became else []
        return Stand(one.endpoint, level, said, more, deliveries)


def _listed(names: Sequence[str]) -> Markup:
    return Markup(", ").join(map(bdi, names))


def _became(deliveries: list[ExplainedDelivery]) -> tuple[str, str | None]:
    """The mark of what somebody was told last, and what is to be said of it where it did not arrive."""
    if not deliveries:
        return "well", "incidents.forgotten"
    status = Status(deliveries[-1].status)
    if status is Status.DEAD:
        return "wrong", "incidents.lost"
    if status is Status.UNKNOWN:
        return "unknown", "deliveries.status.unknown"
    return ("pending", "incidents.on_its_way") if status in OPEN else ("well", None)


def lasted(w: Writing, incident: Incident) -> float:
    """Seconds from when it fired to its end, or to now."""
    fired, ended = from_iso(incident.fired_at), from_iso(incident.ended_at)
    return ((ended or w.now) - fired).total_seconds() if fired else 0.0


def span(w: Writing, t: Words, seconds: float) -> str:
    """How long it lasted; of what was over at once, that."""
    return w.span(seconds) if seconds >= 1 else t.plain("incidents.moment")


def subject_of(incident: Incident, w: Writing) -> Markup:
    """What it is about, as people call it: a queue by its name, a phone by its number, with its owner's."""
    kind, _, rest = incident.subject.partition("/")
    of = incident.data.get(kind)
    name = of.get("name") if isinstance(of, Mapping) else None
    t, key = w.words, f"subjects.{kind}"
    is_named = name not in (None, "", rest, f"/{rest}")
    called = bdi(name) if is_named else w.beside(incident.subject, rest)
    return t(key, name=called) if key in t else w.beside(incident.subject)


def _last_held(
    one: ExplainedStanding,
    incident: ExplainedIncident,
    behind: Mapping[int, Because],
    held: Mapping[str, int],
) -> tuple[str | None, Because]:
    """What holds it back; of what was never told, what held it back last."""
    place = held.get(one.endpoint)
    if place is None:
        return one.held_by, NOTHING
    last = incident.decisions[place].held_by if one.standing == Standing.UNTOLD.value else None
    held_by = one.held_by or last
    return held_by, behind.get(place, NOTHING) if held_by == incident.decisions[place].held_by else NOTHING
