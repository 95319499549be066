"""Silences: those in force, to come and over, added and ended; and the quiet windows of the configuration.

A silence gets the id that its form carried when it was drawn (`drawn.py`), so that a form that is sent twice
makes one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from markupsafe import Markup
from pydantic import ValidationError

from daemon.core.alerts.incidents import Incident
from daemon.core.refusals import Refused, Why
from daemon.core.routing.quiet import Window
from daemon.core.routing.silences import Silence, Wish
from daemon.operations import quiet_windows, silences
from daemon.operations.quiet_windows import Standing
from daemon.schemas.documents import DAYS
from daemon.schemas.fields import Line
from daemon.schemas.requests import SilenceRequest
from daemon.schemas.wording import faults
from daemon.web.audit import audited
from daemon.web.auth import Token
from daemon.web.forms import Fields
from daemon.web.page import inputs, quiet_words
from daemon.web.page.drawn import drawn, to_make
from daemon.web.page.faults import ODD, by_field, worded
from daemon.web.page.frame import Page
from daemon.web.page.inputs import Input, Kind, Odd
from daemon.web.page.visitors import Visitor
from daemon.web.page.words import Words
from daemon.web.problems import REFUSALS

MOST = 50
"""Silences that are over, of one page of the list."""
MOST_MUTED = 20
"""Of what a silence mutes; the rest is counted."""
KEY, END, LOOK = "key", "end", "look"
"""Fields beside those of the silence: which it will be, how its end is given, that it is only tried."""
GLOBS = ("type", "system", "subject")
WEEKLY = "weekly"
"""The end of one that comes back: it has hours."""
ENDS = ("for", "ends_at", "until_resolved", WEEKLY)
HOURS = ("from", "to", "days")
LENGTHS = ("30m", "1h", "2h", "4h", "8h", "1d", "3d", "7d")
USUAL = "2h"
INPUTS = {one.name: one for one in inputs.inputs(SilenceRequest)}


@dataclass
class Draft:
    """A silence on its way: what was typed, what is wrong with it, and what it would mute."""

    fields: Fields
    faults: dict[str, list[Markup]] = field(default_factory=dict)
    notices: list[Markup] = field(default_factory=list)
    would: Sequence[Incident] | None = None
    """None: nobody has asked."""

    def typed(self, name: str) -> str:
        """What stands in a field."""
        return self.fields.text(name, INPUTS[name].default)

    @property
    def end(self) -> str:
        """How its end is given."""
        return self.fields.text(END, ENDS[0])

    @property
    def days(self) -> list[str]:
        """On which it begins."""
        return self.fields.texts("days")

    @property
    def lengths(self) -> list[str]:
        """How long it may last, with what was asked for."""
        return list(dict.fromkeys([*LENGTHS, *filter(None, [self.fields.text("for")])]))

    @property
    def length(self) -> str:
        """Which of them is chosen."""
        return self.fields.text("for", USUAL)

    def wrong(self, name: str, words: Markup) -> None:
        """Say what is wrong with a field."""
        self.faults.setdefault(name if name in INPUTS else "", []).append(words)


def router(page: Page) -> APIRouter:
    """`/silences…`."""
    routes = APIRouter(include_in_schema=False)
    _add_reading(routes, page)
    _add_adding(routes, page)
    _add_ending(routes, page)
    return routes


def _add_reading(routes: APIRouter, page: Page) -> None:
    reader = page.visit("read")

    @routes.get("/silences")
    def listing(
        request: Request,
        type: Line = "",
        system: Line = "",
        subject: Line = "",
        lasts: Annotated[Line, Query(alias="for")] = "",
        comment: Line = "",
        before: Line = "",
        visitor: Visitor = reader,
    ) -> Response:
        given = {"type": type, "system": system, "subject": subject, "for": lasts, "comment": comment}
        draft = Draft(Fields({name: [one] for name, one in given.items() if one}))
        if any(given[name] for name in GLOBS):
            draft.would = _would(page, draft)
        return _render(page, request, visitor, draft, before=before)


def _add_adding(routes: APIRouter, page: Page) -> None:
    admin = page.visit("admin")

    @routes.post("/silences")
    def add(request: Request, fields: Fields = page.posted, visitor: Visitor = admin) -> Response:
        t, draft = Words(visitor.language), Draft(fields)
        silence = to_make(visitor, fields.text(KEY), page.now())
        if silence is None:
            draft.notices.append(t("commands.stale"))
            return _render(page, request, visitor, draft, code=422)
        if LOOK in fields:
            draft.would = _would(page, draft)
            return _render(page, request, visitor, draft, key=fields.text(KEY))
        wish = _wish(draft, t, _token(visitor), page.zone())
        if wish is None:
            return _render(page, request, visitor, draft, key=fields.text(KEY), code=422)
        return _add(page, request, visitor, draft, wish, silence)


def _add_ending(routes: APIRouter, page: Page) -> None:
    admin = page.visit("admin")

    @routes.post("/silences/{silence_id}/expire")
    def expire(
        request: Request,
        silence_id: Line,
        fields: Fields = page.posted,
        visitor: Visitor = admin,
    ) -> Response:
        said = "silences.expired"
        with audited(_token(visitor), "silence.expire", silence_id, status=303):
            try:
                with page.database.write() as db:
                    silences.unmute(db, silence_id, page.now())
            except Refused as refused:
                if refused.why is not Why.CONFLICT:
                    raise
                said = "silences.over_already"
        page.live.wake()
        return page.redirect(request, "/silences", said=said)


def _add(page: Page, request: Request, visitor: Visitor, draft: Draft, wish: Wish, silence: str) -> Response:
    """Add it, or say why not."""
    t = Words(visitor.language)
    try:
        with audited(_token(visitor), "silence.add", silence, status=303), page.database.write() as db:
            _, is_repeat = silences.mute_once(db, wish, silence, page.now(), page.live.contacts())
    except Refused as refused:
        status = REFUSALS[refused.why][0]
        if refused.why is Why.KEY_IN_USE:
            draft.notices.append(t("silences.used"))
            return _render(page, request, visitor, draft, code=status)
        # Where several fields are to blame, it is said once.
        draft.wrong(next(iter(refused.fields), ""), worded(t, str(refused)))
        return _render(page, request, visitor, draft, key=draft.fields.text(KEY), code=status)
    page.live.wake()
    return page.redirect(
        request, "/silences", said="silences.added_before" if is_repeat else "silences.added"
    )


def _wish(draft: Draft, t: Words, token: Token, zone: tzinfo) -> Wish | None:
    """What was typed, read by the model; None, with what is wrong at its field, where it is no silence."""
    wanted = [INPUTS[name] for name in (*GLOBS, "starts_at", "comment", *_end_fields(draft.end))]
    document, odd = inputs.document(draft.fields, wanted, zone)
    for name, why in odd.items():
        draft.wrong(name, t(ODD[why]))
    if draft.end == "until_resolved":
        document["until_resolved"] = True
    if draft.end == WEEKLY and draft.days:
        document["days"] = draft.days
    unasked = [] if draft.end in ("ends_at", WEEKLY) else ["ends_at"]
    for name in [*unasked, *(HOURS if draft.end != WEEKLY else ())]:
        if name in draft.fields:
            draft.wrong(name, t("fault.one_end"))
    try:
        body = SilenceRequest.model_validate(document)
    except ValidationError as error:
        for name, words in by_field(t, faults(error.errors()), list(INPUTS)).items():
            draft.faults.setdefault(name, []).extend(words)
        return None
    return None if draft.faults else body.wish(token.name, zone)


def _end_fields(end: str) -> Iterable[str]:
    return ["from", "to", "ends_at"] if end == WEEKLY else [end] if end in ("for", "ends_at") else []


def _would(page: Page, draft: Draft) -> list[Incident]:
    """What fires now and would be muted by these globs, whenever it begins and ends."""
    with page.database.read() as db:
        globs = {name: draft.typed(name) for name in GLOBS}
        return silences.matching(db, globs["type"], globs["system"], globs["subject"], page.live.contacts())


def _render(
    page: Page,
    request: Request,
    visitor: Visitor,
    draft: Draft,
    *,
    key: str | None = None,
    before: str = "",
    code: int = 200,
) -> Response:
    t, now = Words(visitor.language), page.now()
    with page.database.read() as db:
        found = silences.listed(db, now, before=before or None, limit=MOST)
        quiet = quiet_windows.windows(db, page.live.interests(), now)
    return page.render(
        request,
        visitor,
        "silences.html",
        code=code,
        draft=draft,
        key=key or drawn(visitor, page.live.new_id("sil"), now),
        found=found,
        older=found.over[-1].id if found.has_more else None,
        hours=lambda silence: _weekly(t, silence),
        now=now,
        days=[DAYS[day] for day in quiet_words.SUNDAY_FIRST],
        windows=[(one, [_window(t, each) for each in one.windows]) for one in quiet],
        most_counted=quiet_windows.MOST,
        inputs=INPUTS,
        labels={name: t(f"silences.field.{name}") for name in INPUTS},
        repeated=_repeated(draft, page.zone()),
        many=sum(map(len, draft.faults.values())),
        most_muted=MOST_MUTED,
        ends=ENDS,
        zone=str(page.zone()),
        is_open=bool(draft.faults or draft.notices or draft.would is not None),
    )


def _repeated(draft: Draft, zone: tzinfo) -> Mapping[str, list[str]]:
    """The times that there are twice, with the offsets of the two."""
    times = [one for one in INPUTS.values() if one.kind is Kind.MOMENT]
    return {
        one.name: inputs.sides(draft.typed(one.name), zone) for one in times if _is_repeated(one, draft, zone)
    }


def _is_repeated(one: Input, draft: Draft, zone: tzinfo) -> bool:
    return inputs.local_moment(draft.typed(one.name), "", zone) is Odd.TWICE


def _window(t: Words, one: Standing) -> tuple[Standing, Markup]:
    """One window with its words: "nights 22:00 to 07:00, but critical alerts break through"."""
    passes = f"windows.passes.{one.break_through.value}" if one.break_through else "windows.passes_none"
    return one, Markup(", ").join((_hours(t, one.window), t(passes)))


def _hours(t: Words, window: Window) -> Markup:
    if window.start is None or window.end is None:
        return quiet_words.which(t, window)
    key = "windows.nights" if window.start >= window.end else "windows.days"
    days = [t(f"quiet.day.{day}") for day in quiet_words.SUNDAY_FIRST if day in window.days]
    is_daily = len(days) == quiet_words.WEEK
    hours = {"start": f"{window.start:%H:%M}", "end": f"{window.end:%H:%M}"}
    said = t(key, **hours) if is_daily else t(f"{key}_on", **hours, days=Markup(", ").join(days))
    return quiet_words.named(
        t, window, t("windows.zone", window=quiet_words.but(t, window, said), zone=window.zone)
    )


def _weekly(t: Words, silence: Silence) -> Markup | None:
    """When one that comes back mutes; None: all the time."""
    weekly = silence.weekly
    if weekly is None:
        return None
    return quiet_words.which(t, Window(days=weekly.days, start=weekly.start, end=weekly.end))


def _token(visitor: Visitor) -> Token:
    assert visitor.token is not None  # noqa: S101 - only who has signed in comes here
    return visitor.token
