"""A template, tried with an example of every event type that may come to its webhook."""

import json
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

from daemon.config import event_examples
from daemon.config.settings import Config
from daemon.config.webhooks import Webhook
from daemon.core import own_events
from daemon.core.contacts import NOBODY
from daemon.core.digests import digest
from daemon.core.event_types import ALERT_TYPES, EVENT_TYPES, matches
from daemon.core.rendering.formats import Shape, prepared
from daemon.core.routing import quiet
from daemon.core.templates.faults import TemplateFault
from daemon.core.wording import quoted
from daemon.senders.templating.finds import finds
from daemon.senders.templating.template import Template, compiled

MOST_SAID = 5
"""Ours. Of the types that a template cannot tell, those that are named; the others are counted."""


def reaching(config: Config, webhook: Webhook) -> list[str]:
    """The event types that may come to a webhook, by its `events` and by what else it is sent."""
    first = {one.name: one.events for one in config.escalations if one.events}
    also = [first.get(one.name, ()) for one in config.escalations if webhook.name in one.to]
    wanted = {one for one in EVENT_TYPES if any(matches(each, one) for each in (webhook.events, *also))}
    if wanted & ALERT_TYPES:
        wanted.add(own_events.ACKNOWLEDGED)  # whoever knows of an alert is told who has it
    if webhook.quiet:
        wanted.add(quiet.ENDED)
    else:
        wanted.discard(quiet.ENDED)
    if any(webhook.name in one.to for one in config.digests):
        wanted.add(digest.MADE)
    wanted.discard(own_events.PING)
    return [one for one in EVENT_TYPES if one in wanted]


def faults(config: Config, webhook: Webhook, text: str) -> Iterator[str]:
    """Why a template cannot be a webhook's."""
    shape = shape_of(config, webhook)
    template = compiled(text, shape.zone, shape.language)
    known = {name.lower() for name in webhook.headers}
    for name, _ in template.headers:
        if name.lower() in known:
            yield f"has the header {quoted(name)}, which stands in [webhooks.headers] as well"
    said = [
        one
        for event_type in reaching(config, webhook)
        for one in _of_type(template, webhook, shape, event_type)
    ]
    yield from said[:MOST_SAID]
    if len(said) > MOST_SAID:
        yield f"and of {len(said) - MOST_SAID} more types"


def is_testable(config: Config, webhook: Webhook, text: str) -> bool:
    """Whether it can tell what `yemotd endpoints test` sends."""
    shape = shape_of(config, webhook)
    return not list(_of_type(compiled(text, shape.zone, shape.language), webhook, shape, own_events.PING))


def shape_of(config: Config, webhook: Webhook) -> Shape:
    """What a webhook with a template wants of an event."""
    return Shape(
        is_thin=webhook.payload == "thin",
        redact=webhook.redact,
        language=webhook.language,
        has_names=webhook.names,
        zone=ZoneInfo(config.daemon.timezone),
        is_templated=True,
    )


def _of_type(template: Template, webhook: Webhook, shape: Shape, event_type: str) -> Iterator[str]:
    """Why it cannot tell one type; nothing where it can, whatever comes of that type."""
    for about, body in event_examples.variants(event_type):
        try:
            template.render(_found(body, webhook, shape))
        except TemplateFault as error:
            yield f"cannot tell {event_type}{about and ' '}{about}: {error}"
            return


def _found(body: dict[str, Any], webhook: Webhook, shape: Shape) -> Any:
    event, _ = prepared(json.dumps(body).encode(), shape)
    values = {name: "x" for name in webhook.values}
    return finds(event, NOBODY, values, language=shape.language, zone=shape.zone, is_thin=shape.is_thin)
