"""`/now`: which phones are off and since when, who waits, who answers, units, the last SMS: what somebody
wants to know who was woken. No bars and no history; all of it is `GET /api/v1/now`, drawn.

Of many systems it shows those in which something is not well; the others are a link away.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from markupsafe import Markup

from daemon.core.timestamps import from_iso
from daemon.core.watches.agents import AgentState
from daemon.operations.now import UNWELL, Asked
from daemon.schemas.campaigns import NowCampaign
from daemon.schemas.fields import Line
from daemon.schemas.now import NowPhone, NowPhones, NowQueue, NowSeen, NowSms, NowSystem, NowUnits
from daemon.schemas.subjects import SubjectStatus
from daemon.web.page.frame import Page
from daemon.web.page.front import sentences
from daemon.web.page.sentences import Sentences, clipped, path_of
from daemon.web.page.visitors import Visitor, joined
from daemon.web.routes.now import now_of

SYSTEMS = 30
"""On one page."""
PHONES, CALLERS, NAMES = 40, 20, 30
"""Of one system, of one queue, and of agents who do the same."""
CAMPAIGNS = 10
"""Of one system."""
LINES = 250
"""On one page: it stays small where everything is wrong at once."""
ORDER = (
    AgentState.FREE,
    AgentState.RINGING,
    AgentState.ON_CALL,
    AgentState.PAUSED,
    AgentState.AWAY,
    AgentState.UNKNOWN,
)
MARKS = {
    AgentState.FREE: "up",
    AgentState.RINGING: "up",
    AgentState.ON_CALL: "up",
    AgentState.PAUSED: "pending",
    AgentState.AWAY: "down",
    AgentState.UNKNOWN: "unknown",
}


@dataclass(frozen=True)
class Part:
    """One thing, and how old it is."""

    state: str
    name: Markup
    path: str
    said: Sequence[Markup]
    seen: Markup
    is_old: bool
    """What stands there may be over."""
    rows: Sequence["Item"] = ()
    more: Markup | None = None
    agents: Sequence["Group"] = ()


@dataclass(frozen=True)
class Item:
    """Somebody who waits, or a phone."""

    key: str
    state: str
    name: Markup
    said: Sequence[Markup]


@dataclass(frozen=True)
class Group:
    """Agents who do the same."""

    state: str
    word: Markup
    names: Markup


@dataclass(frozen=True)
class Section:
    """One system."""

    name: str
    path: str
    api: Markup | None
    """That Yemot is not heard."""
    paused_until: str | None
    parts: Sequence[Part]


@dataclass
class Room:
    """How many lines may come yet."""

    left: int = field(default=LINES)

    def of(self, many: int) -> int:
        """So many of them may be drawn."""
        given = min(many, self.left)
        self.left -= given
        return given


def router(page: Page) -> APIRouter:
    """What is there right now."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/now")
    def show_now(
        request: Request,
        visitor: Annotated[Visitor, page.visit("read")],
        system: Line | None = None,
        after: Line | None = None,
        only: Annotated[Literal["unwell", "all"] | None, Query()] = None,
    ) -> Response:
        say = sentences(page, request, visitor)
        only_unwell = UNWELL if only == UNWELL else None
        found = now_of(page.database, page.live, Asked(system, after, SYSTEMS, only_unwell))
        if only is None and found.next and system is None:
            found = now_of(page.database, page.live, Asked(None, after, SYSTEMS, UNWELL))
        drawing, room = Drawing(say), Room()
        return page.render(
            request,
            visitor,
            "now.html",
            found=found,
            summary=drawing.summary(found.systems),
            sections=[drawing.section(one, room) for one in found.systems],
            onward=found.next,
            only=found.only or only,
            is_alone=system is not None,
        )

    return routes


class Drawing:
    """For one look."""

    def __init__(self, say: Sentences) -> None:
        self._say = say
        self._words = say.words
        self._writing = say.writing

    def summary(self, systems: Sequence[NowSystem]) -> tuple[str, Markup]:
        """The state of it all, and a sentence: what somebody reads who reads no further. Nothing that is not
        seen is said to be well."""
        phones = [one.phones for one in systems if one.phones]
        queues = [queue for one in systems for queue in one.queues]
        said = [*self._of_phones(phones), *self._of_queues([one for one in queues if one.is_current])]
        is_blind = any(one.api is not None and one.api.state != "up" for one in systems)
        is_blind = is_blind or any(not one.is_current or one.waiting is None or one.unread for one in queues)
        is_blind = is_blind or any(one.unknown or one.seen_at is None for one in phones)
        if is_blind:
            said.append(self._words("now.partly_unknown"))
        if not said:
            return "unknown", self._words("now.nothing")
        state = "wrong" if any(one.off for one in phones) else "unknown" if is_blind else "well"
        return state, self._say.joined(said)

    def _of_phones(self, phones: Sequence[NowPhones]) -> list[Markup]:
        off, unknown = sum(one.off for one in phones), sum(one.unknown for one in phones)
        said = [self._words.many("now.off", off)] if off else []
        if unknown:
            said.append(self._words.many("now.unknown", unknown))
        is_seen = phones and all(one.seen_at for one in phones)
        return said or ([self._words("now.off.none")] if is_seen else [])

    def _of_queues(self, queues: Sequence[NowQueue]) -> list[Markup]:
        known = [one for one in queues if one.waiting is not None]
        said = []
        if known:
            longest = max(one.longest_wait_seconds or 0 for one in known)
            said.append(self._waiting(sum(one.waiting or 0 for one in known), longest))
        free = sum(one.agent_counts.get(AgentState.FREE.value, 0) for one in queues)
        blind = [one for one in queues if AgentState.UNKNOWN.value in one.agent_counts or one.unread]
        if free:
            said.append(self._words.many("now.free", free))
        elif queues and not blind:
            said.append(self._words("now.free.none"))
        return said

    def section(self, one: NowSystem, room: Room) -> Section:
        """One system."""
        parts = [self._phones(one.name, one.phones, room)] if one.phones else []
        parts += [self._queue(one.name, queue, room) for queue in one.queues]
        if one.units:
            parts.append(self._units(one.name, one.units))
        if one.sms:
            parts.append(self._sms(one.sms))
        if one.campaigns:
            listed = one.campaigns.listed
            parts += [self._campaign(each) for each in listed[: room.of(min(len(listed), CAMPAIGNS))]]
        parts += [self._other(one.name, other.subject, other.kind, other.name, other) for other in one.others]
        api = None
        if one.api and one.api.state != "up":
            status = _status("api", "api", None, one.api)
            why = self._say.why(status) or self._say.state(status)
            api = self._words("now.api", why=why, time=self._writing.time(one.api.since))
        return Section(one.name, path_of(one.name), api, one.paused_until, parts)

    def _phones(self, system: str, phones: NowPhones, room: Room) -> Part:
        words = self._words
        said = [words("now.phones.on", n=phones.on)]
        if phones.off:
            said.append(words("now.phones.off", n=phones.off))
        if phones.unknown:
            said.append(words("now.phones.unknown", n=phones.unknown))
        listed = phones.listed
        is_old = bool(phones.unknown and not phones.on and not phones.off)
        if is_old:  # by one cause: it is said once, and beside it only of which somebody may have been told
            said.append(self._why(_status(listed[-1].subject, "sip", None, listed[-1])))
            listed = [one for one in listed if one.incident or one.why.get("was") == "down"]
        shown = listed[: room.of(min(len(listed), PHONES))]
        more = phones.off + phones.unknown - len(shown)
        state = "down" if phones.off else "unknown" if phones.unknown or phones.seen_at is None else "up"
        return Part(
            state=state,
            name=words("now.phones"),
            path=path_of(system),
            said=said,
            seen=self._seen(phones.seen_at),
            is_old=is_old,
            rows=[self._phone(system, one) for one in shown],
            more=words("subjects.more", n=more) if more else None,
        )

    def _phone(self, system: str, one: NowPhone) -> Item:
        status = _status(one.subject, "sip", None, one)
        name = self._say.anchor(path_of(system, one.subject), self._named(one.name))
        said = [self._words("subjects.since", time=self._writing.time(one.since))] if one.since else []
        if one.state == "down":
            said.append(self._between(one))
        else:
            said.append(self._say.why(status) or self._say.state(status))
            said.append(self._seen(one.seen_at))
        return Item(f"{one.subject}/{one.state}", one.state, name, said)

    def _between(self, one: NowPhone) -> Markup:
        """The honest interval, to the second: it may be no more than that long."""
        after, before = one.changed_between or (None, None)
        if after is None:
            return self._words("now.at_the_latest")
        exact = self._writing.exact
        return self._words("now.between", after=exact(after), before=exact(before))

    def _queue(self, system: str, one: NowQueue, room: Room) -> Part:
        status = _status(one.subject, "queue", one.name, one)
        words = self._words
        waiting = self._waiting(one.waiting, one.longest_wait_seconds)
        said = [waiting]
        if not one.is_current:
            said = [words("now.then", said=waiting), self._why(status)]
        elif one.state == "down":
            span = self._writing.span(one.longest_wait_seconds or 0)
            longest = [words("now.longest_wait", span=span)] if one.longest_wait_seconds else []
            said = [self._say.why(status), *longest]
        shown = one.callers[: room.of(min(len(one.callers), CALLERS))]
        more = len(one.callers) - len(shown) + one.callers_more
        return Part(
            state=one.state,
            name=self._say.name(status),
            path=path_of(system, one.subject),
            said=said
            + [words(f"subjects.{each}.unread") for each in one.unread if each in ("callers", "agents")],
            seen=self._seen(one.seen_at),
            is_old=not one.is_current,
            rows=[
                Item(
                    f"{each.phone}/{each.position}",
                    "",
                    self._named(each.phone),
                    [self._say.value("hold_seconds", each.waited_seconds)],
                )
                for each in shown
            ],
            more=words("subjects.more", n=more) if more else None,
            agents=self._agents(one, room),
        )

    def _agents(self, one: NowQueue, room: Room) -> list[Group]:
        groups = []
        for state in ORDER:
            names = [agent.name for agent in one.agents if agent.state == state.value]
            many = one.agent_counts.get(state.value, 0)
            if not many:
                continue
            shown = names[: room.of(min(len(names), NAMES))]
            said = self._say.joined(Markup("<span>{}</span>").format(self._named(each)) for each in shown)
            left = many - len(shown)
            if left > 0:
                said = self._words("front.and_more", names=said, n=left)
            word = self._words("now.agents", n=many, state=self._words(f"now.agent.{state.value}"))
            groups.append(Group(MARKS[state], word, said))
        return groups

    def _units(self, system: str, one: NowUnits) -> Part:
        status = _status("units", "units", None, one)
        words = self._words
        balance = words("now.balance", balance=self._say.value("balance", one.balance))
        said = [balance if one.state != "unknown" else words("now.then", said=balance)]
        if one.expires_on:
            said.append(words("now.valid_until", day=self._writing.date(one.expires_on)))
        if one.state == "unknown":
            said.append(self._why(status))
        return Part(
            one.state,
            words("subjects.units"),
            path_of(system, "units"),
            said,
            self._seen(one.seen_at),
            is_old=one.state == "unknown",
        )

    def _campaign(self, one: NowCampaign) -> Part:
        """One that is followed: what is known of it, and how old that is."""
        words, figure = self._words, self._writing.number
        key = f"campaigns.is.{one.status}"
        stands = words(key) if key in words else words("campaigns.is.none")
        said = [stands if not one.unlearned_seconds else words("campaigns.is.none")]
        if one.answered is not None and one.numbers is not None:
            numbers, answered = figure(one.numbers), figure(one.answered)
            said.append(words("campaigns.now.answered", answered=answered, numbers=numbers))
        if one.dialled is not None:
            said.append(words("campaigns.now.dialled", n=figure(one.dialled)))
        if one.price is not None:
            said.append(words("campaigns.now.price", n=figure(one.price)))
        return Part(
            "unknown" if one.seen_at is None or one.unlearned_seconds else "pending",
            words("campaigns.of"),
            joined(("/commands/", one.command)),
            said,
            self._seen(one.seen_at),
            is_old=one.seen_at is None or bool(one.unlearned_seconds),
        )

    def _sms(self, one: NowSms) -> Part:
        words, last = self._words, one.last
        if last:
            sender, ago = self._named(last.sender), self._writing.ago(last.seen_at)
            said = [words("now.sms.last", sender=sender, ago=ago)]
        elif one.none_since:
            said = [words("now.sms.none_since", time=self._writing.time(one.none_since))]
        else:
            said = [words("now.sms.none")]
        if one.state != "up":
            said.append(self._why(_status("sms", "sms", None, one)))
        return Part(
            one.state,
            words("subjects.sms"),
            "/sms",
            said,
            self._seen(one.seen_at),
            is_old=one.state == "unknown",
        )

    def _other(self, system: str, subject: str, kind: str, name: str | None, one: NowSeen) -> Part:
        status = _status(subject, kind, name, one)
        said = [self._say.state(status), *filter(None, [self._say.why(status)])]
        return Part(
            one.state,
            self._say.name(status),
            path_of(system, subject),
            said,
            self._seen(one.seen_at),
            is_old=one.state == "unknown",
        )

    def _waiting(self, waiting: int | None, longest: float | None) -> Markup:
        words = self._words
        if waiting is None:
            return words("now.waiting.unknown")
        if not waiting:
            return words("now.waiting.none")
        said = words.many("now.waiting", waiting)
        if not longest:
            return said
        return words("now.longest", said=said, span=self._writing.span(longest))

    def _why(self, status: SubjectStatus) -> Markup:
        return self._say.why(status) or self._say.state(status)

    def _seen(self, seen_at: str | None) -> Markup:
        if from_iso(seen_at) is None:
            return self._words("subjects.seen.never")
        return self._words("subjects.seen", ago=self._writing.ago(seen_at))

    def _named(self, number: str) -> Markup:
        """A number, or an agent, with the name before it where it has one; for who has signed in."""
        return self._writing.beside(number, clipped(number))


def _status(subject: str, kind: str, name: str | None, one: NowSeen) -> SubjectStatus:
    """What sentences are made of."""
    return SubjectStatus(
        subject=subject,
        kind=kind,
        name=name,
        state=one.state,
        since=one.since,
        seen_at=one.seen_at,
        why=one.why,
        metrics=None,
        incident=one.incident,
    )
