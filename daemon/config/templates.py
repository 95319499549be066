"""`[templates]`: bodies of webhooks by names of one's own, each in a file beside the configuration.

A template is judged here as far as it can be before it is used: its file, its language, and, for each webhook
that names it, what it makes of an example of every event type that may come to that webhook.
"""

import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from daemon.config.values import is_name, seen
from daemon.config.webhooks import OUR_PREFIXES, OURS, Webhook
from daemon.config.wording import Fault, fault, is_like_secret
from daemon.core.wording import nearest, quoted

if TYPE_CHECKING:
    from daemon.config.settings import Config
    from daemon.core.templates.source import Source

TABLE = "templates"
MOST_TEMPLATES = 100
"""Ours."""
_CALLED = r"passw\w*|pwd|secret\w*|token\w*|api[_-]?key|credentials?|authorization"
_SECRET_IN_BODY = re.compile(
    rf"\b(?:{_CALLED})\b[\"']?\s*[=:>]\s*[\"']?(?!\s*(?:\{{\{{|\{{%|null\b|true\b|false\b))[^\s\"'<&,{{}}]+",
    re.IGNORECASE,
)
_SECRET_HEADER = re.compile(r"auth|token|key|secret|passw|cookie|credential", re.IGNORECASE)
NOT_HERE = "no secret may stand in a template, which the store keeps"


class TemplateSettings(BaseModel):
    """The texts of templates by their names."""

    model_config = ConfigDict(frozen=True)

    texts: dict[str, str] = {}

    def __hash__(self) -> int:
        return hash(tuple(sorted(self.texts.items())))

    def text_of(self, webhook: Webhook) -> str | None:
        """The template of a webhook; None: it has none."""
        return None if webhook.template is None else self.texts.get(webhook.template)


@dataclass(frozen=True)
class Read:
    """What a configuration says of templates."""

    settings: TemplateSettings
    faults: tuple[Fault, ...] = ()
    files: tuple[Path, ...] = ()


def read(document: Mapping[str, Any], directory: Path) -> Read:
    """The templates of a configuration; `directory` is that of its file, beside which theirs lie."""
    if TABLE not in document:
        return Read(TemplateSettings())
    from daemon.core.templates.source import decoded  # noqa: PLC0415 - few have templates

    table = document[TABLE]
    if not isinstance(table, dict):
        return Read(TemplateSettings(), (fault((TABLE,), "write it as [templates], with one bracket"),))
    texts: dict[str, str] = {}
    faults: list[Fault] = []
    files: list[Path] = []
    if len(table) > MOST_TEMPLATES:
        faults.append(fault((TABLE,), f"has more than {MOST_TEMPLATES} templates"))
        table = {}
    for name, path in table.items():
        try:
            files.append(_path(name, path, directory))
            text = decoded(_bytes(files[-1]))
            _judge(text)
            texts[name] = text
        except ValueError as error:
            faults.append(fault((TABLE, name), str(error), path))
    return Read(TemplateSettings(texts=texts), tuple(faults), tuple(files))


def unknown(document: Mapping[str, Any]) -> Iterator[Fault]:
    """Webhooks that name templates which are none, and templates that no webhook names."""
    table, webhooks = document.get(TABLE, {}), document.get("webhooks", [])
    known = list(table) if isinstance(table, dict) else []
    for index, one in enumerate(webhooks if isinstance(webhooks, list) else []):
        name = one.get("template") if isinstance(one, dict) else None
        if isinstance(name, str) and name not in known:
            reason = f"no template in [templates] has this name{nearest(name, known)}"
            yield fault(("webhooks", index, "template"), reason, name)


def unfit(config: "Config") -> Iterator[Fault]:
    """What templates cannot tell of what may come to the webhooks that name them."""
    if not any(one.template for one in config.webhooks):
        return
    from daemon.config import template_trials  # noqa: PLC0415 - it brings Jinja and every word there is

    for index, webhook in enumerate(config.webhooks):
        text = config.templates.text_of(webhook)
        if text is not None:
            for reason in template_trials.faults(config, webhook, text):
                yield fault(("webhooks", index, "template"), reason, webhook.template)


def unused(config: "Config") -> Iterator[Fault]:
    """Templates that no webhook names, and webhooks that cannot be tested; warnings."""
    named = {one.template for one in config.webhooks}
    for name in config.templates.texts:
        if name not in named:
            yield fault((TABLE, name), 'no webhook has it as its "template"')
    if named == {None} or not named:
        return
    from daemon.config import template_trials  # noqa: PLC0415 - as above

    for index, webhook in enumerate(config.webhooks):
        text = config.templates.text_of(webhook)
        if text is not None and not template_trials.is_testable(config, webhook, text):
            way_out = 'ask first, as in {% if type == "test.ping" %}'
            reason = f"cannot tell test.ping, so `yemotd endpoints test` fails: {way_out}"
            yield fault(("webhooks", index, "template"), reason, webhook.template)


def _path(name: str, path: Any, directory: Path) -> Path:
    is_name(name)
    if not isinstance(path, str) or not path.strip() or "\0" in path:
        raise ValueError("expected the path of a file")
    return directory / seen(path)


def _bytes(path: Path) -> bytes:
    from daemon.core.templates.source import MOST_BYTES  # noqa: PLC0415 - as above

    try:
        # Not opened before it is known to be one: to open a pipe would wait for whoever writes.
        if not stat.S_ISREG(path.stat().st_mode):
            raise ValueError("is no file")
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror or type(error).__name__}") from None


def _judge(text: str) -> None:
    """Raises TemplateFault for what no webhook can use."""
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - as above

    from daemon.core.templates.faults import TemplateFault  # noqa: PLC0415 - as above
    from daemon.core.templates.source import parsed  # noqa: PLC0415 - as above
    from daemon.senders.templating.template import compiled  # noqa: PLC0415 - as above

    source = parsed(text)
    _judge_headers(source)
    found = _SECRET_IN_BODY.search(source.body)
    if found:
        line = source.line + source.body.count("\n", 0, found.start())
        way_out = "write {{ values.password }}, and say under [webhooks.values] where it stands"
        raise TemplateFault(f"{NOT_HERE}: {way_out}", line)
    compiled(text, ZoneInfo("UTC"), "en")


def _judge_headers(source: "Source") -> None:
    from daemon.core.templates.faults import TemplateFault  # noqa: PLC0415 - as above

    for one in source.headers:
        if one.name.lower() in OURS or one.name.lower().startswith(OUR_PREFIXES):
            raise TemplateFault(f"{quoted(one.name)} is set by yemotd itself", one.line)
        if _SECRET_HEADER.search(one.name) or is_like_secret(one.value):
            raise TemplateFault(f"{quoted(one.name)}: {NOT_HERE}; give it under [webhooks.headers]", one.line)
