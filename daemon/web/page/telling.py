"""Sentences of what happened, as mails and Slack have them, for the page."""

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup, escape

from daemon.core.model import Reason
from daemon.core.rendering.phrases import END, FIRST_STRONG, sentence
from daemon.core.visible import visible_line
from daemon.schemas.explanations import Incident


def told(event: Mapping[str, Any], language: str) -> Markup:
    """What an event tells; `event` is its parsed body. Within Hebrew each value stands apart."""
    said = str(escape(sentence(event, language)))
    # Whatever a stranger wrote has none of these left in it (`visible`): those that are there are ours.
    isolated = said.replace(FIRST_STRONG, "<bdi>").replace(END, "</bdi>")
    if isolated.count("<bdi>") != isolated.count("</bdi>"):  # cut in the middle
        return Markup("<bdi>{}</bdi>").format(visible_line(sentence(event, language)))
    return Markup(isolated)  # noqa: S704 - escaped above


def fired(incident: Incident, language: str) -> Markup:
    """What an incident is about: that it fired."""
    alert = {
        "incident": incident.id,
        "status": "firing",
        "severity": incident.severity,
        "reason": Reason.FIRST.value,
    }
    data = {**incident.data, "system": incident.system, "subject": incident.subject, "alert": alert}
    return told({"type": incident.type, "data": data}, language)
