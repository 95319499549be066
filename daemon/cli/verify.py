"""`yemotd verify`: whether a webhook that somebody received is genuine, and why not.

Secrets come from a file, the environment or the configuration; as an argument anybody could read them in the
list of processes.
"""

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from daemon.cli.opening import HELD, load
from daemon.cli.options import ConfigOption, JsonOption
from daemon.cli.output import Fatal, clock_time, moment_gone, parsed_duration, print_json, say
from daemon.config.secrets import Sources
from daemon.config.wording import is_like_secret
from daemon.core import durations
from daemon.core.model import Json, Secret
from daemon.core.timestamps import iso_or_none
from daemon.core.webhooks import envelope
from daemon.core.webhooks.verification import TOLERANCE, Verification, Verifier
from daemon.core.webhooks.verification import verify as judge
from daemon.core.wording import nearest, quoted
from daemon.host import clock

HEADERS = tuple(envelope.HEADERS.values())
_LINE = re.compile(r"(?:> ?)?([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*:(.*)")
"""A header as a request carries it, or as `curl -v` prints one that it sent."""


def verify(
    config: ConfigOption = None,
    *,
    body: Annotated[
        str,
        typer.Option(
            help="The file with the body, to the byte; - for standard input. Without headers its signature"
            ' stands in it, as signature = "body" has it.'
        ),
    ],
    headers: Annotated[
        Path | None, typer.Option(help='A file with them: "Name: value" lines, or a JSON object.')
    ] = None,
    header: Annotated[list[str] | None, typer.Option(help='One of them, "Name: value"; repeatable.')] = None,
    secret_file: Annotated[
        list[str] | None, typer.Option(help="A file with a secret, whsec_…; repeatable.")
    ] = None,
    secret_env: Annotated[
        list[str] | None, typer.Option(help="An environment variable with one; repeatable.")
    ] = None,
    endpoint: Annotated[
        str | None, typer.Option(help="The webhook whose secrets it is checked with.")
    ] = None,
    public_key: Annotated[list[str] | None, typer.Option(help="Of the sender, whpk_…; repeatable.")] = None,
    now: Annotated[
        str | None,
        typer.Option(
            help="Check as of then: 2026-11-23T18:00, yesterday 8:00, 2h, or seconds since 1970; in the zone"
            " of [daemon] timezone, without --endpoint in this machine's."
        ),
    ] = None,
    tolerance: Annotated[str, typer.Option(help="How old or new it may be.")] = durations.show(TOLERANCE),
    as_json: JsonOption = False,
) -> None:
    """Check a body and headers against a secret. Exit code 65 and the reasons where it is not genuine."""
    if not (secret_file or secret_env or endpoint or public_key):
        raise Fatal("give one of --secret-file, --secret-env, --endpoint and --public-key", os.EX_USAGE)
    secrets, verifiers = _of_endpoint(endpoint, config) if endpoint else ([], [])
    secrets += _secrets("--secret-file", "_file", secret_file or [])
    secrets += _secrets("--secret-env", "_env", secret_env or [])
    verifiers += [_verifier(one) for one in public_key or []]
    at = _moment(now) if now else clock.utcnow()
    message, signed = _received(_read(body), _headers(headers, header or []))
    verification = judge(
        message,
        signed,
        secrets=secrets,
        verifiers=verifiers,
        now=at,
        tolerance=parsed_duration("--tolerance", tolerance),
    )
    if as_json:
        print_json(_document(verification))
    else:
        say(*_lines(verification))
    if not verification.is_genuine:
        raise typer.Exit(os.EX_DATAERR)


def _of_endpoint(name: str, config: Path | None) -> tuple[list[Secret], list[Verifier]]:
    """What checks the webhooks that an endpoint gets."""
    webhooks = {one.name: one for one in load(config).config.webhooks}
    if name not in webhooks:
        shown = "of that name, which looks like a secret" if is_like_secret(name) else quoted(name)
        raise Fatal(f"there is no webhook {shown}{nearest(name, webhooks)}", os.EX_USAGE)
    webhook = webhooks[name]
    if not webhook.secrets and webhook.signing_key is None:
        raise Fatal(f"{name} has no signing secret: nothing that it is sent is signed", os.EX_USAGE)
    if webhook.signing_key is None:
        return [*webhook.secrets], []
    from daemon.senders import ed25519  # noqa: PLC0415 - it takes a while, and few have such a key

    return [*webhook.secrets], [ed25519.verifier(ed25519.public_key(webhook.signing_key))]


def _secrets(option: str, way: str, given: Sequence[str]) -> Iterator[Secret]:
    sources = Sources(Path(), os.environ, is_shared=False)
    for one in given:
        shown = "" if is_like_secret(one) else f" {quoted(one)}"
        try:
            value = sources.value(way, one).strip()
        except ValueError as error:
            raise Fatal(f"{option}{shown}: {error}", os.EX_USAGE) from None
        HELD.add(value)
        yield Secret(value)


def _verifier(public: str) -> Verifier:
    from daemon.senders import ed25519  # noqa: PLC0415 - it takes a while, and few have such a key

    try:
        return ed25519.verifier(public)
    except ValueError as error:
        raise Fatal(f"--public-key: {error}", os.EX_USAGE) from None


def _moment(text: str) -> datetime:
    """A time as people write it, or seconds as `webhook-timestamp` has them."""
    if not re.fullmatch(r"[0-9]{9,12}", text):
        return moment_gone("--now", text, clock.utcnow())
    try:
        return datetime.fromtimestamp(int(text), UTC)
    except (ValueError, OverflowError):
        raise Fatal(f"--now {text!r}: expected a time such as 2026-11-23T18:00", os.EX_USAGE) from None


def _read(body: str) -> bytes:
    if body == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(body).read_bytes()
    except OSError as error:
        raise Fatal(f"--body {quoted(body)}: cannot be read: {error.strerror}", os.EX_USAGE) from None


def _received(body: bytes, given: Mapping[str, str]) -> tuple[bytes, Mapping[str, str]]:
    """The message and what signs it: where no header does, that may stand in the body
    (`signature = "body"`)."""
    inside = None if any(name in given for name in HEADERS) else envelope.opened(body)
    return (body, given) if inside is None else (inside[1], {**given, **inside[0]})


def _headers(path: Path | None, single: Sequence[str]) -> dict[str, str]:
    """The headers by their names in lower case; those that nobody asks for may be there several times."""
    pairs = [*_of_file(path), *map(_of_option, single)] if path else [*map(_of_option, single)]
    found: dict[str, str] = {}
    for name, value in pairs:
        key = name.lower()
        if key in HEADERS and found.get(key, value) != value:
            raise Fatal(f"there are two different {key} among the headers; which one was it?", os.EX_USAGE)
        found[key] = value
    return found


def _of_option(text: str) -> tuple[str, str]:
    line = _LINE.fullmatch(text)
    if line is None:
        raise Fatal('--header: expected "Name: value"', os.EX_USAGE)
    return line[1], line[2].strip()


def _of_file(path: Path) -> list[tuple[str, str]]:
    try:
        text = path.read_bytes().decode("utf-8-sig", "replace")
    except OSError as error:
        raise Fatal(f"--headers {quoted(str(path))}: cannot be read: {error.strerror}", os.EX_USAGE) from None
    if not text.lstrip().startswith("{"):
        return [*_of_lines(text)]
    try:
        return [*_of_json(json.loads(text))]
    except (ValueError, RecursionError):
        message = 'is no JSON object of texts, nor lines such as "webhook-id: evt_…"'
        raise Fatal(f"--headers {quoted(str(path))}: {message}", os.EX_USAGE) from None


def _of_lines(text: str) -> Iterator[tuple[str, str]]:
    """Headers of a request; what else a capture shows is passed over, and its body is not read."""
    is_inside = False
    for line in text.splitlines():
        found = _LINE.fullmatch(line.rstrip())
        if found:
            is_inside = True
            yield found[1], found[2].strip()
        elif is_inside and line.strip() in ("", ">"):
            return


def _of_json(document: Any) -> Iterator[tuple[str, str]]:
    """Headers as programs print them: each a text, a number, or a list of such."""
    for name, value in document.items():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, bool) or not isinstance(one, str | int):
                raise ValueError(name)
            yield name, str(one)


def _lines(verification: Verification) -> Iterator[str]:
    signed = f", signed {clock_time(verification.signed_at)}" if verification.signed_at else ""
    what = f"{quoted(verification.id) if verification.id else 'a webhook without an id'}{signed}"
    yield f"Genuine: {what}" if verification.is_genuine else f"Not genuine: {what}"
    for finding in verification.findings:
        yield f"  {finding.text}"


def _document(verification: Verification) -> Json:
    return {
        "is_genuine": verification.is_genuine,
        "id": verification.id,
        "signed_at": iso_or_none(verification.signed_at),
        "findings": [{"problem": one.problem.value, "text": one.text} for one in verification.findings],
    }
