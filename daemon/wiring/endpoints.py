"""What the workers need to know of the endpoints, out of the configuration."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from daemon.config.endpoints import EndpointSettings
from daemon.config.mail import Email
from daemon.config.notify import Notify
from daemon.config.quiet import DAYS, QuietSettings
from daemon.config.settings import Config
from daemon.config.webhooks import Webhook
from daemon.core.delivery.route import QUEUED_AT_MOST, Route
from daemon.core.durations import NOTHING
from daemon.core.retention import Retention
from daemon.core.routing.filters import Filter
from daemon.core.routing.plan import Interest
from daemon.core.routing.quiet import Quiet, Weekly, Window
from daemon.core.routing.schedule import Schedule
from daemon.core.wishes import Guard, Kind, Wishes
from daemon.wiring.mailboxes import LETTERS, MOST_IN_ONE, SERVER, Mailbox, mailboxes, mailing, schedule

SETTINGS: Mapping[str, tuple[str, ...]] = {
    "events": ("events", "systems"),
    "filters": ("filters",),
    "retries": ("retries", "schedules", "expires"),
    "rate": ("rate", "recovery_rate"),
    "group_interval": ("group_interval", "most_per_hour"),
    "format": ("format", "payload", "language", "redact", "url", "headers", "to"),
    "delivery": (),
}
"""The wishes of an endpoint beside its quiet windows, by the name under which others hear of them, and what
of the configuration they go by."""


def interests(config: Config, wishes: Wishes | None = None) -> list[Interest]:
    """Which endpoint wants to be told what; `wishes` remember which of it cannot be worked out."""
    known = Wishes() if wishes is None else wishes
    return [
        *(_of_webhook(config, webhook, known) for webhook in config.webhooks),
        *(_of_mailbox(config, mailbox, known) for mailbox in mailboxes(config)),
        *(_of_notice(config, notify, known) for notify in config.notify),
    ]


def guards(config: Config, wishes: Wishes) -> dict[str, Guard]:
    """What tries the wishes of each endpoint. Mailboxes have those of their table together."""
    tables = [one for _, one in config.endpoints()]
    of_table = {one.name: wishes.guard(Kind.ENDPOINT, one.name) for one in tables}
    return of_table | {one.endpoint: of_table[one.email.name] for one in mailboxes(config)}


def enter(config: Config, wishes: Wishes) -> None:
    """Say which wishes the endpoints of a configuration have."""
    of_table = guards(config, wishes)
    for _, one in config.endpoints():
        guard = of_table[one.name]
        for index, window in enumerate(one.quiet):
            guard.add(_place("quiet", index, len(one.quiet)), window)
        for setting in SETTINGS:
            guard.add(setting, [getattr(one, key, None) for key in SETTINGS[setting]])
        if isinstance(one, Email) and config.smtp and config.smtp.templates:
            guard.add("templates", config.smtp.templates)


def _place(key: str, index: int, many: int) -> str:
    """A setting, or one entry of several."""
    return key if many == 1 else f"{key}, entry {index + 1}"


def _of_webhook(config: Config, webhook: Webhook, wishes: Wishes) -> Interest:
    return Interest(
        webhook.name,
        **_wishes(config, webhook, wishes),
        repeat=webhook.repeat,
        order=webhook.order,
        schedules=_schedules(webhook),
    )


def _of_mailbox(config: Config, mailbox: Mailbox, wishes: Wishes) -> Interest:
    email = mailbox.email
    return Interest(
        mailbox.endpoint,
        **_wishes(config, email, wishes),
        repeat=email.repeat,
        schedules=(schedule(email),),
        is_batched=True,
        group_wait=email.group_wait,
        reported_as=SERVER,
    )


def _of_notice(config: Config, notify: Notify, wishes: Wishes) -> Interest:
    return Interest(
        notify.name,
        **_wishes(config, notify, wishes),
        repeat=notify.repeat,
        schedules=(_notify_schedule(notify),),
    )


def _notify_schedule(notify: Notify) -> Schedule:
    return Schedule(("*",), notify.retries, notify.expires or None)


def _wishes(config: Config, one: EndpointSettings, wishes: Wishes) -> dict[str, Any]:
    """What every kind of endpoint has."""
    guard, many = wishes.guard(Kind.ENDPOINT, one.name), len(one.quiet)
    return {
        "events": one.events,
        "systems": one.systems,
        "min_severity": one.min_severity,
        "after": one.after,
        "quiet": tuple(
            _guarded(_quiet(window, config.daemon.timezone), guard, _place("quiet", index, many))
            for index, window in enumerate(one.quiet)
        ),
        "filters": tuple(Filter(each.field, *each.condition) for each in one.filters),
        "guard": guard,
    }


def _guarded(window: Quiet, guard: Guard, setting: str) -> Quiet:
    """A window that holds nothing back at a moment of which it cannot be said whether it lasts."""

    def ends(moment: datetime) -> datetime | None:
        return guard.tried(setting, lambda: window.ends(moment), instead=None)

    def begins(moment: datetime) -> datetime | None:
        return guard.tried(setting, lambda: window.begins(moment), instead=None)

    covers = guard.over(setting, window.covers, instead=False)
    return replace(window, covers=covers, ends=ends, begins=begins)


def _quiet(window: QuietSettings, default_zone: str) -> Quiet:
    zone = ZoneInfo(window.timezone or default_zone)
    if window.start is not None and window.end is not None:
        days = frozenset(DAYS.index(day) for day in window.days)
        weekly = Weekly(days, window.start, window.end, zone)
        said = Window(days=days, start=window.start, end=window.end, zone=zone.key)
        return Quiet(weekly.covers, window.break_through, weekly.ends, said, weekly.begins)
    from daemon.wiring.hebrew_calendar import holy_days  # noqa: PLC0415 - the sun and the calendar, for few

    holy = holy_days(window, zone)
    said = Window(place=window.where, zone=zone.key)
    return Quiet(holy.covers, window.break_through, holy.ends, said, holy.begins)


def _schedules(webhook: Webhook) -> tuple[Schedule, ...]:
    """How long events are tried, the webhook's own last."""
    return (
        *(
            Schedule(
                one.events,
                webhook.retries if one.retries is None else one.retries,
                (webhook.expires if one.expires is None else one.expires) or None,
            )
            for one in webhook.schedules
        ),
        Schedule(("*",), webhook.retries, webhook.expires or None),
    )


def routes(config: Config, wishes: Wishes | None = None) -> dict[str, Route]:
    """How each endpoint's deliveries are tried; `wishes` as with `interests`."""
    wanted = {one.endpoint: one for one in interests(config, wishes)}
    tried = _routes(config, {name: one.quiet for name, one in wanted.items()})
    return {name: replace(route, guard=wanted[name].guard) for name, route in tried.items()}


def _routes(config: Config, quiet: Mapping[str, tuple[Quiet, ...]]) -> dict[str, Route]:
    webhooks = {
        one.name: Route(
            one.max_in_flight,
            one.timeout,
            _schedules(one),
            quiet[one.name],
            one.order,
            one.rate,
            one.recovery_rate,
        )
        for one in config.webhooks
    }
    mail_timeout = config.smtp.timeout if config.smtp else NOTHING
    timeout = max(mail_timeout * LETTERS, QUEUED_AT_MOST + mail_timeout)
    mails = {
        one.endpoint: Route(
            MOST_IN_ONE,
            timeout,
            (schedule(one.email),),
            quiet[one.endpoint],
            mailing=mailing(one.email),
            reported_as=SERVER,
        )
        for one in mailboxes(config)
    }
    notified = {
        one.name: Route(1, one.timeout, (_notify_schedule(one),), quiet[one.name]) for one in config.notify
    }
    return webhooks | mails | notified


def retention(config: Config) -> Retention:
    """How long what has served is kept."""
    kept = {name: getattr(config.retention, name) or None for name in type(config.retention).model_fields}
    return Retention(**kept)
