"""What the workers need to know of the endpoints, out of the configuration."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from daemon.config.endpoints import EndpointSettings
from daemon.config.mail import Email
from daemon.config.settings import Config
from daemon.config.webhooks import Webhook
from daemon.core.delivery.route import QUEUED_AT_MOST, Route
from daemon.core.durations import NOTHING
from daemon.core.retention import Retention
from daemon.core.routing.filters import Filter
from daemon.core.routing.plan import Interest
from daemon.core.routing.quiet import Quiet
from daemon.core.routing.schedule import Schedule
from daemon.core.wishes import Guard, Kind, Wishes
from daemon.wiring import phones, windows
from daemon.wiring.mailboxes import LETTERS, MOST_IN_ONE, SERVER, Mailbox, mailboxes, mailing, schedule

SETTINGS: Mapping[str, tuple[str, ...]] = {
    "events": ("events", "systems"),
    "filters": ("filters",),
    "retries": ("retries", "schedules", "expires"),
    "rate": ("rate", "recovery_rate"),
    "group_interval": ("group_interval", "most_per_hour"),
    "format": (
        "format",
        "payload",
        "language",
        "redact",
        "names",
        "url",
        "headers",
        "to",
        "chat_id",
        "topic",
    ),
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
        *(_of_webhook(config, notify.webhook, known) for notify in config.notify),
        *(_of_phone(config, phone, known) for phone in phones.phones(config)),
    ]


def guards(config: Config, wishes: Wishes) -> dict[str, Guard]:
    """What tries the wishes of each endpoint. Mailboxes have those of their table together."""
    tables = [one for _, one in config.endpoints()]
    of_table = {one.name: wishes.guard(Kind.ENDPOINT, one.name) for one in tables}
    mails = {one.endpoint: of_table[one.email.name] for one in mailboxes(config)}
    return of_table | mails | {one.endpoint: of_table[one.text.name] for one in phones.phones(config)}


def enter(config: Config, wishes: Wishes) -> None:
    """Say which wishes the endpoints of a configuration have."""
    of_table = guards(config, wishes)
    for _, one in config.endpoints():
        guard = of_table[one.name]
        for index, window in enumerate(one.quiet):
            guard.add(windows.place("quiet", index, len(one.quiet)), window)
        for setting in SETTINGS:
            guard.add(setting, [getattr(one, key, None) for key in SETTINGS[setting]])
        if isinstance(one, Webhook) and one.template is not None:
            guard.add("template", [one.template, config.templates.text_of(one)])
        if isinstance(one, Email) and config.smtp and config.smtp.templates:
            guard.add("templates", config.smtp.templates)


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


def _of_phone(config: Config, phone: phones.Phone, wishes: Wishes) -> Interest:
    return Interest(
        phone.endpoint,
        **_wishes(config, phone.text, wishes),
        repeat=phone.text.repeat,
        schedules=(phones.schedule(phone.text),),
        reported_as=phone.text.name,
        is_of_alerts=True,
    )


def _wishes(config: Config, one: EndpointSettings, wishes: Wishes) -> dict[str, Any]:
    """What every kind of endpoint has."""
    guard, many = wishes.guard(Kind.ENDPOINT, one.name), len(one.quiet)
    return {
        "events": one.events,
        "systems": one.systems,
        "min_severity": one.min_severity,
        "after": one.after,
        "quiet": tuple(
            windows.guarded(
                windows.window(each, config.daemon.timezone), guard, windows.place("quiet", index, many)
            )
            for index, each in enumerate(one.quiet)
        ),
        "filters": tuple(Filter(each.field, *each.condition) for each in one.filters),
        "guard": guard,
    }


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
            one.at_once,
            one.timeout,
            _schedules(one),
            quiet[one.name],
            one.order,
            one.rate,
            one.recovery_rate,
        )
        for one in config.hooks
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
    deadlines = {one.name: one.deadline for one in config.systems}
    texted = {
        one.endpoint: Route(
            1,
            deadlines[one.text.system] + phones.MARGIN,
            (phones.schedule(one.text),),
            quiet[one.endpoint],
            reported_as=one.text.name,
        )
        for one in phones.phones(config)
    }
    return webhooks | mails | texted


def retention(config: Config) -> Retention:
    """How long what has served is kept."""
    kept = {name: getattr(config.retention, name) or None for name in type(config.retention).model_fields}
    daemon = config.daemon
    return Retention(
        **kept, observations=daemon.keep_observations, observations_bytes=daemon.keep_observations_mib << 20
    )
