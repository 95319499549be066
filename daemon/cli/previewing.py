"""What `yemotd endpoints preview` shows: a request as it would be, made of the configuration alone."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from daemon.cli.opening import load
from daemon.cli.output import Fatal
from daemon.config import event_examples, template_trials
from daemon.config.settings import Config
from daemon.config.webhooks import Webhook
from daemon.core.delivery.outcome import Message
from daemon.core.event_types import EVENT_TYPES
from daemon.core.model import Secret
from daemon.core.redaction import redacted
from daemon.core.rendering.formats import Rendered, Shape, render
from daemon.core.templates.faults import TemplateFault
from daemon.core.wording import nearest, quoted
from daemon.host import clock
from daemon.schemas.previews import Preview, PreviewedHeader
from daemon.senders import templated
from daemon.senders.webhook_attempt import Handle
from daemon.wiring.senders import target

HIDDEN = "***"


def preview(path: Path | None, endpoint: str, event_type: str | None) -> Preview:
    """The request that an example of a type (None: the first that goes there) would make."""
    config = load(path).config
    webhook = _webhook(config, endpoint)
    body = _example(config, webhook, event_type)
    zone = ZoneInfo(config.daemon.timezone)
    where = target(webhook, zone, config.http.base)
    message = _message(webhook, body)
    made = _rendered(config, webhook, message, where.shape)
    lines, sent = Handle(where).request(message, clock.utcnow(), made)
    return Preview(
        endpoint=webhook.name,
        type=body["type"],
        format=webhook.format.value,
        template=webhook.template,
        method="POST",
        host=urlsplit(where.url).netloc.rpartition("@")[2],
        headers=list(_headers(lines, {name.lower() for name in webhook.headers}, where.hidden)),
        body=redacted(sent.decode("utf-8", "replace"), where.hidden),
    )


def lines(found: Preview) -> Iterator[str]:
    """The same for people: it looks like what is sent."""
    yield f"{found.method} to {found.host}"
    yield from (f"{one.name}: {one.value}" for one in found.headers)
    yield ""
    yield from found.body.split("\n")


def _webhook(config: Config, endpoint: str) -> Webhook:
    webhooks = {one.name: one for one in config.webhooks}
    if endpoint in webhooks:
        return webhooks[endpoint]
    # One of a table's mailboxes or phones goes by the table's name, a slash and its own.
    if any(one.name in (endpoint, endpoint.partition("/")[0]) for _, one in config.endpoints()):
        raise Fatal(f"{quoted(endpoint)} is no webhook; what it sends is seen by a test of it", os.EX_USAGE)
    raise Fatal(f"there is no webhook {quoted(endpoint)}{nearest(endpoint, webhooks)}", os.EX_USAGE)


def _example(config: Config, webhook: Webhook, event_type: str | None) -> Mapping[str, Any]:
    if event_type is None:
        event_type = next(iter(template_trials.reaching(config, webhook)), EVENT_TYPES[0])
    if event_type not in EVENT_TYPES:
        raise Fatal(
            f"--type: no event has it: {quoted(event_type)}{nearest(event_type, EVENT_TYPES)}", os.EX_USAGE
        )
    return event_examples.examples()[event_type]


def _message(webhook: Webhook, body: Mapping[str, Any]) -> Message:
    spelled = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    return Message(1, "", webhook.name, "", body["data"]["id"], body["type"], spelled, 1)


def _rendered(config: Config, webhook: Webhook, message: Message, wanted: Shape) -> Rendered:
    text = config.templates.text_of(webhook)
    if text is None:
        return render(message.body, wanted)
    values = {name: HIDDEN if isinstance(value, Secret) else value for name, value in webhook.values.items()}
    try:
        return templated.render(text, wanted, message, tuple(values.items()))
    except TemplateFault as fault:
        about = f"the template {quoted(webhook.template or '')} cannot tell {message.event_type}"
        raise Fatal(f"{about}: {fault}", os.EX_DATAERR) from None


def _headers(lines: list[str], own: set[str], hidden: tuple[str, ...]) -> Iterator[PreviewedHeader]:
    for line in lines:
        name, _, value = line.partition(":")
        if value.strip():  # libcurl leaves out what has none
            shown = redacted(value.strip(), hidden)
            yield PreviewedHeader(name=name, value=shown)
