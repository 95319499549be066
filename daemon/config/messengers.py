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


def check(form: Format, url: str, settings: Mapping[str, str], given: Set[str]) -> None:
    """Raises ValueError for what a format lacks, or has no use for; without a part of a secret. `given`: the
    names of all that the endpoint says."""
    wire, word = form.wire, f'format = "{form.value}"'
    lacking = [f'{word} needs "{name}"' for name in sorted(wire.needs, reverse=True) if name not in settings]
    useless = [f'"{name}" is not for {word}' for name in settings if name not in wire.takes]
    if not wire.is_http:
        useless += [f'"{OF_HTTP[name]}" is not for {word}' for name in OF_HTTP if name in given]
    if lacking or useless:
        raise ValueError("; ".join([*lacking, *useless]))
    if wire.is_http:
        _judge_url(url)
        wire.place(Given(url, settings))
    else:
        _judge_apprise(url)


def _judge_url(url: str) -> None:
    """Raises ValueError where requests cannot go there."""
    try:
        split_url(url)
    except ValueError as error:
        raise ValueError(f"url: {error}") from None


def _judge_apprise(url: str) -> None:
    """Raises ValueError where Apprise is not there, or does not know it."""
    try:
        check_apprise(url)
    except ValueError as error:
        raise ValueError(f"url: {error}") from None
