"""What the workers need to know of the endpoints, out of the configuration."""

from typing import Any
from zoneinfo import ZoneInfo

from daemon.config.endpoints import EndpointSettings
from daemon.config.notify import Notify
from daemon.config.quiet import DAYS, QuietSettings
from daemon.config.settings import Config
from daemon.config.webhooks import Webhook
from daemon.core.delivery.route import Route
from daemon.core.durations import NOTHING
from daemon.core.retention import Retention
from daemon.core.routing.filters import Filter
from daemon.core.routing.plan import Interest
from daemon.core.routing.quiet import Quiet, Weekly
from daemon.core.routing.schedule import Schedule
from daemon.senders.mail import QUEUED_AT_MOST
from daemon.wiring.hebrew_calendar import holy_days
from daemon.wiring.mailboxes import LETTERS, MOST_IN_ONE, SERVER, Mailbox, mailboxes, mailing, schedule


def interests(config: Config) -> list[Interest]:
    """Which endpoint wants to be told what."""
    return [
        *(_of_webhook(config, webhook) for webhook in config.webhooks),
        *(_of_mailbox(config, mailbox) for mailbox in mailboxes(config)),
        *(_of_notice(config, notify) for notify in config.notify),
    ]


def _of_webhook(config: Config, webhook: Webhook) -> Interest:
    return Interest(
        webhook.name,
        **_wishes(config, webhook),
        repeat=webhook.repeat,
        order=webhook.order,
        schedules=_schedules(webhook),
    )


def _of_mailbox(config: Config, mailbox: Mailbox) -> Interest:
    email = mailbox.email
    return Interest(
        mailbox.endpoint,
        **_wishes(config, email),
        repeat=email.repeat,
        schedules=(schedule(email),),
        is_batched=True,
        group_wait=email.group_wait,
        reported_as=SERVER,
    )


def _of_notice(config: Config, notify: Notify) -> Interest:
    return Interest(
        notify.name, **_wishes(config, notify), repeat=notify.repeat, schedules=(_notify_schedule(notify),)
    )


def _notify_schedule(notify: Notify) -> Schedule:
    return Schedule(("*",), notify.retries, notify.expires or None)


def _wishes(config: Config, one: EndpointSettings) -> dict[str, Any]:
    """What every kind of endpoint has."""
    return {
        "events": one.events,
        "systems": one.systems,
        "min_severity": one.min_severity,
        "after": one.after,
        "quiet": tuple(_quiet(window, config.daemon.timezone) for window in one.quiet),
        "filters": tuple(Filter(each.field, *each.condition) for each in one.filters),
    }


def _quiet(window: QuietSettings, default_zone: str) -> Quiet:
    zone = ZoneInfo(window.timezone or default_zone)
    if window.start is not None and window.end is not None:
        days = frozenset(DAYS.index(day) for day in window.days)
        return Quiet(Weekly(days, window.start, window.end, zone).covers, window.break_through)
    return Quiet(holy_days(window, zone).covers, window.break_through)


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


def routes(config: Config) -> dict[str, Route]:
    """How each endpoint's deliveries are tried."""
    quiet = {one.endpoint: one.quiet for one in interests(config)}
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
