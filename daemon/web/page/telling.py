"""Sentences of what happened, as mails and Slack have them, for the page."""

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup, escape

from daemon.core.contacts import NOBODY, Contacts
from daemon.core.model import Reason
from daemon.core.rendering.phrases import END, FIRST_STRONG, sentence
from daemon.core.visible import visible_line
from daemon.schemas.explanations import Incident


def told(event: Mapping[str, Any], language: str, contacts: Contacts = NOBODY) -> Markup:
    """What an event tells; `event` is its parsed body. Within Hebrew each value stands apart."""
    said = str(escape(sentence(event, language, contacts)))
    # Whatever a stranger wrote has none of these left in it (`visible`): those that are there are ours.
    isolated = said.replace(FIRST_STRONG, "<bdi>").replace(END, "</bdi>")
    if isolated.count("<bdi>") != isolated.count("</bdi>"):  # cut in the middle
        return Markup("<bdi>{}</bdi>").format(visible_line(sentence(event, language, contacts)))
    return Markup(isolated)  # noqa: S704 - escaped above


def stands(incident: Incident, language: str, contacts: Contacts = NOBODY) -> Markup:
    """How an incident stands: that it fires, or that it is over, for what is known of it is as of its end."""
    alert = {
        "incident": incident.id,
        "status": "resolved" if incident.ended_at else "firing",
        "severity": incident.severity,
        "reason": incident.end or Reason.FIRST.value,
        **({"cause": incident.cause} if incident.cause else {}),
    }
    data = {**incident.data, "system": incident.system, "subject": incident.subject, "alert": alert}
    type_ = incident.resolves if incident.ended_at else incident.type
    return told({"type": type_, "data": data}, language, contacts)
