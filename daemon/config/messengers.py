"""What a webhook's settings have to say for its format: a bot's token, a chat, a topic.

Which of them a format needs, and which it has a use for, is said by its file in `core/rendering/wire`.
"""

from collections.abc import Mapping, Set

from daemon.config.secrets import check_apprise
from daemon.config.values import split_url
from daemon.core.rendering.formats import Format, Given

OF_HTTP = {
    name: name
    for name in (
        *("signing_key", "signature", "headers", "accept_redirect", "connect_timeout", "allow", "ca_file"),
        *("certificate", "key", "proxy", "max_in_flight"),
    )
} | {"secrets": "secret"}
"""Settings of the requests that we make ourselves, by the names of their fields."""


def check_settings(form: Format, settings: Mapping[str, str], given: Set[str]) -> None:
    """Raises ValueError for what a format lacks, or has no use for; without a part of a secret. `given`: the
    names of all that the endpoint says."""
    wire, word = form.wire, f'format = "{form.value}"'
    lacking = [f'{word} needs "{name}"' for name in sorted(wire.needs, reverse=True) if name not in settings]
    useless = [f'"{name}" is not for {word}' for name in settings if name not in wire.takes]
    if not wire.is_http:
        useless += [f'"{OF_HTTP[name]}" is not for {word}' for name in OF_HTTP if name in given]
    if lacking or useless:
        raise ValueError("; ".join([*lacking, *useless]))


def check(form: Format, url: str, settings: Mapping[str, str]) -> None:
    """Raises ValueError where nothing can be sent to a URL and a place of a format; without a part of a
    secret."""
    try:
        _judge_url(form, url)
    except ValueError as error:
        raise ValueError(f"url: {error}") from None
    if form.wire.is_http:
        form.wire.place(Given(url, settings))


def check_url(form: object, url: str) -> None:
    """Raises ValueError where a format of this name cannot go there, without a part of it; of a name that is
    none, which has its own fault, anything may be."""
    if form in [one.value for one in Format]:
        _judge_url(Format(form), url)


def check_token(form: object, token: str) -> None:
    """Raises ValueError for what is no token of a format of this name, without a part of it; of a name that
    is none, which has its own fault, anything may be."""
    if form in [one.value for one in Format]:
        Format(form).wire.check_token(token)


def _judge_url(form: Format, url: str) -> None:
    """Raises ValueError where requests cannot go there, or Apprise is not there, or does not know it."""
    judge = split_url if form.wire.is_http else check_apprise
    judge(url)
