"""Commands: giving one by a form. What there is of them, and what came of each, is `commands_shown.py`.

The form is drawn from the models that check it (`inputs.py`). What it gives, it gives once, however often it
is sent (`drawn.py`); what costs is shown with its price and asked once more, and what is then sent has to be
exactly what was shown.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from markupsafe import Markup
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from daemon.core import amounts
from daemon.core.commands.command import Status
from daemon.core.commands.command_types import BUDGETS
from daemon.core.refusals import Refused, Why
from daemon.operations import commands
from daemon.operations.commands import Accepted
from daemon.schemas import command_requests
from daemon.schemas.command_requests import PARAMS, REQUESTS, units_of
from daemon.schemas.fields import Line
from daemon.schemas.wording import faults
from daemon.store import inbox
from daemon.web.audit import audited
from daemon.web.auth import Token
from daemon.web.forms import Fields
from daemon.web.page import inputs
from daemon.web.page.commands_shown import add_reading, field_name, given
from daemon.web.page.drawn import agreement, drawn, is_agreed, to_make
from daemon.web.page.faults import ODD, by_field, worded
from daemon.web.page.frame import Page
from daemon.web.page.inputs import Input, Kind
from daemon.web.page.visitors import Visitor
from daemon.web.page.words import Words
from daemon.web.problems import REFUSALS

LONGEST_PREFILL = 20_000
"""Characters of one field of a link."""
TIMES = ("not_before", "expires_at")
KEY, AGREED, CHANGE = "key", "agreed", "change"
"""Fields beside those of the command: what the form will give, what was agreed to, and that it is to be
changed first."""
OF_REQUEST = ("type", "system", "params")
_NAMES = {
    name: (str | None, Field(None, alias=one.alias))
    for model in PARAMS.values()
    for name, one in model.model_fields.items()
}


class _Prefill(BaseModel):
    """What a link may fill in."""

    model_config = ConfigDict(frozen=True, str_max_length=LONGEST_PREFILL)

    type: str = ""
    system: str = ""


Prefill: Any = create_model("Prefill", __base__=_Prefill, **_NAMES)  # type: ignore[call-overload]


@dataclass
class Draft:
    """A command on its way to be given: what it is to be, what was typed, and what is wrong with that."""

    type: str
    system: str
    fields: Fields
    fields_of_type: Sequence[Input]
    fields_of_time: Sequence[Input]
    faults: dict[str, list[Markup]] = field(default_factory=dict)
    notices: list[Markup] = field(default_factory=list)
    request: command_requests.Request | None = None
    """None: it is no command yet."""

    @property
    def all(self) -> list[Input]:
        """Every field."""
        return [*self.fields_of_type, *self.fields_of_time]

    @property
    def about(self) -> str:
        """What its form is of."""
        return f"{self.type}\0{self.system}"

    def typed(self, one: Input) -> str:
        """What stands in a field."""
        return self.fields.text(one.name, one.default)

    def sent(self) -> list[tuple[str, str]]:
        """Every field with what stands in it, to be sent once more."""
        names = [name for one in self.all for name in (one.name, one.name + inputs.SIDE)]
        found = [("type", self.type), ("system", self.system)]
        return found + [(name, self.fields.text(name)) for name in names if name in self.fields]

    def wrong(self, name: str, words: Markup) -> None:
        """Say what is wrong with a field; "" for the whole."""
        known = {one.name for one in self.all}
        self.faults.setdefault(name if name in known else "", []).append(words)


def router(page: Page) -> APIRouter:
    """`/commands…`."""
    routes = APIRouter(include_in_schema=False)
    _add_giving(routes, page)  # first, for `new` is no id
    _add_cancelling(routes, page)
    add_reading(routes, page)
    return routes


def _add_giving(routes: APIRouter, page: Page) -> None:
    giver = page.visit("command")

    @routes.get("/commands/new")
    def new(
        request: Request,
        prefill: Annotated[Prefill, Query()],
        visitor: Visitor = giver,
    ) -> Response:
        offered = commands.offered(page.live.desk.policies())
        if prefill.type not in offered.get(prefill.system, ()):
            return page.render(request, visitor, "command_types.html", offered=offered)
        given = {inputs.PARAMS + name: one for name, one in prefill.model_dump(by_alias=True).items() if one}
        draft = _draft(prefill.type, prefill.system, Fields({name: [one] for name, one in given.items()}))
        return _form(page, request, visitor, draft)

    @routes.post("/commands/new")
    def give(request: Request, fields: Fields = page.posted, visitor: Visitor = giver) -> Response:
        draft = _draft(fields.text("type"), fields.text("system"), fields)
        key = to_make(visitor, fields.text(KEY), page.now(), about=draft.about)
        if key is None:
            draft.notices.append(Words(visitor.language)("commands.stale"))
            return _form(page, request, visitor, draft)
        if CHANGE in fields:
            return _form(page, request, visitor, draft, key=fields.text(KEY))
        _check(draft, Words(visitor.language), page.zone())
        if draft.request is None:
            return _form(page, request, visitor, draft, key=fields.text(KEY))
        if AGREED not in fields and units_of(draft.request) is not None:
            return _ask_first(page, request, visitor, draft, draft.request, key)
        return _give(page, request, visitor, draft, draft.request, key)


def _add_cancelling(routes: APIRouter, page: Page) -> None:
    giver = page.visit("command")

    @routes.post("/commands/{command_id}/cancel")
    def cancel(
        request: Request,
        command_id: Line,
        fields: Fields = page.posted,
        visitor: Visitor = giver,
    ) -> Response:
        with audited(_token(visitor), "command.cancel", command_id, status=303):
            with page.database.write() as db:
                found = commands.cancel(db, command_id, page.now())
            if found is None:
                raise Refused(Why.MISSING, f"no command {command_id!r} is kept")
        page.live.desk.endings.ring()
        is_done = found.status is Status.CANCELLED
        said = "commands.cancelled" if is_done else "commands.too_late_to_cancel"
        return page.redirect(request, "/commands/", command_id, said=said)


def _ask_first(
    page: Page,
    request: Request,
    visitor: Visitor,
    draft: Draft,
    wanted: command_requests.Request,
    key: str,
) -> Response:
    """Nothing is given yet; but where this form has given it already, there is nothing to ask."""
    policies, token, now = page.live.desk.policies(), _token(visitor), page.now()
    try:
        with page.database.read() as db:
            found = commands.rehearse(
                db, wanted, policies, by=token.name, key=key, now=now, contacts=page.live.contacts()
            )
    except Refused as refused:
        return _refused(page, request, visitor, draft, refused, key)
    if found.is_repeat:
        return page.redirect(request, "/commands/", found.command.id, said="commands.given_before")
    return _ask(page, request, visitor, draft, found, key)


def _give(
    page: Page,
    request: Request,
    visitor: Visitor,
    draft: Draft,
    wanted: command_requests.Request,
    key: str,
) -> Response:
    """Give it, ask once more, or say why not."""
    token, desk = _token(visitor), page.live.desk
    try:
        with audited(token, "command.add", status=303) as entry:
            with page.database.write() as db:
                seen = desk.look(db) if desk.look else None
                now = seen.wall if seen else page.now()
                about: dict[str, Any] = {
                    "by": token.name,
                    "key": key,
                    "now": now,
                    "contacts": desk.contacts(),
                }
                found = commands.rehearse(db, wanted, desk.policies(), **about)
                is_open = not found.is_repeat and not _is_agreed(page, visitor, draft, found, key)
                if not is_open:
                    found = commands.accept(
                        db, wanted, desk.policies(), **about, new_id=desk.new_id, clock=seen
                    )
            entry.target, entry.status = found.command.id or None, 409 if is_open else 303
    except Refused as refused:
        return _refused(page, request, visitor, draft, refused, key)
    if is_open:
        return _ask(page, request, visitor, draft, found, key)
    desk.wake()
    said = "commands.given_before" if found.is_repeat else "commands.given"
    return page.redirect(request, "/commands/", found.command.id, said=said)


def _is_agreed(page: Page, visitor: Visitor, draft: Draft, found: Accepted, key: str) -> bool:
    """Whether it may be given without another question: it costs nothing, or just this was agreed to."""
    if found.command.estimate is None:
        return True
    return is_agreed(visitor, draft.fields.text(AGREED), _shown(found, key), page.now())


def _shown(found: Accepted, key: str) -> str:
    """All that somebody agrees to, as text: the command, its price, the budget, and under which key."""
    command = found.command
    like = found.like.id if found.like else None
    times = [
        at.isoformat() if is_given else None
        for at, is_given in (
            (command.not_before, command.is_start_given),
            (command.expires_at, command.is_end_given),
        )
    ]
    # Times that nobody gave follow from when it is asked: of these it is agreed that they do.
    said = {name: one for name, one in commands.rehearsed(found).items() if name not in TIMES}
    return json.dumps([key, said, times, command.on_holiday.value, like], sort_keys=True)


def _ask(page: Page, request: Request, visitor: Visitor, draft: Draft, found: Accepted, key: str) -> Response:
    """The second page of what costs: everything once more in words, and whether it is right so."""
    t = Words(visitor.language)
    command, cost = found.command, commands.rehearsed(found)["cost"]
    is_changed = AGREED in draft.fields
    left = amounts.left(cost["budget_left"] + cost["units"])
    return page.render(
        request,
        visitor,
        "command_confirm.html",
        draft=draft,
        command=command,
        cost=cost,
        left=left,
        like=found.like,
        is_changed=is_changed,
        params=[(field_name(t, name), given(t, one)) for name, one in command.params.items()],
        key=draft.fields.text(KEY),
        agreed=agreement(visitor, _shown(found, key), page.now()),
    )


def _refused(
    page: Page, request: Request, visitor: Visitor, draft: Draft, refused: Refused, key: str
) -> Response:
    """What stands against it, at its field; a form that has given something else is drawn anew."""
    t, status = Words(visitor.language), REFUSALS[refused.why][0]
    if refused.why is not Why.KEY_IN_USE:
        for name in refused.fields or ("",):
            draft.wrong(name, worded(t, str(refused)))
        return _form(page, request, visitor, draft, key=draft.fields.text(KEY), code=status)
    with page.database.read() as db:
        known = inbox.find_by_key(db, draft.system, key)
    link = Markup('<a href="{}"><bdi>{}</bdi></a>')
    made = known[0].id if known else "?"
    draft.notices.append(
        t("commands.used", command=link.format(page.link(request)("/commands/", made), made))
    )
    return _form(page, request, visitor, draft, code=status)


def _form(
    page: Page,
    request: Request,
    visitor: Visitor,
    draft: Draft,
    *,
    key: str | None = None,
    code: int | None = None,
) -> Response:
    """The form; `key`: what it carries already, None: a new one."""
    if draft.type not in PARAMS:
        offered = commands.offered(page.live.desk.policies())
        return page.render(request, visitor, "command_types.html", offered=offered, code=422)
    t, is_wrong = Words(visitor.language), bool(draft.faults or draft.notices)
    repeated = {
        one.name: inputs.sides(draft.typed(one), page.zone())
        for one in draft.all
        if one.kind is Kind.MOMENT and _is_repeated(draft.typed(one), page.zone())
    }
    return page.render(
        request,
        visitor,
        "command_new.html",
        code=code or (422 if is_wrong else 200),
        draft=draft,
        key=key or drawn(visitor, page.live.desk.new_id("form"), page.now(), about=draft.about),
        repeated=repeated,
        many=sum(map(len, draft.faults.values())),
        zone=str(page.zone()),
        costs=draft.type in BUDGETS,
        labels={one.name: field_name(t, one.word) for one in draft.all},
        choices={one.name: _choices(t, one) for one in draft.all},
    )


def _draft(type_: str, system: str, fields: Fields) -> Draft:
    if type_ not in PARAMS:
        return Draft(type_, system, fields, (), ())
    of_type = inputs.inputs(PARAMS[type_], before=inputs.PARAMS)
    of_time = inputs.inputs(REQUESTS[type_], without=OF_REQUEST)
    return Draft(type_, system, fields, of_type, of_time)


def _check(draft: Draft, t: Words, zone: tzinfo) -> None:
    """Read what was typed by the models; what is wrong goes to its field."""
    params, _ = inputs.document(draft.fields, draft.fields_of_type, zone)
    rest, odd = inputs.document(draft.fields, draft.fields_of_time, zone)
    for name, why in odd.items():
        draft.wrong(name, t(ODD[why]))
    try:
        found = command_requests.parse({"type": draft.type, "system": draft.system, "params": params, **rest})
    except ValidationError as error:
        told = faults(error.errors(), command_requests.TAGS)
        for name, words in by_field(t, told, [one.name for one in draft.all]).items():
            draft.faults.setdefault(name, []).extend(words)
    else:
        draft.request = found if not draft.faults else None


def _is_repeated(typed: str, zone: tzinfo) -> bool:
    return inputs.local_moment(typed, "", zone) is inputs.Odd.TWICE


def _choices(t: Words, one: Input) -> dict[str, Markup]:
    """What may be chosen, in words."""
    keys = {each: f"commands.choice.{one.word}.{each}" for each in one.choices}
    return {each: t(key) for each, key in keys.items() if key in t}


def _token(visitor: Visitor) -> Token:
    assert visitor.token is not None  # noqa: S101 - only who has signed in comes here
    return visitor.token
