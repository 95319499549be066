"""Whether a webhook that was received is genuine; and where it is not, precisely why, for people. Pure.

It judges as a receiver does by Standard Webhooks: three headers, a time within the tolerance, and one
signature of a known version that matches, compared in constant time. Where none does, `mistakes.py` looks
for what was done wrong.
"""

import base64
import hmac
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from math import ceil

from daemon.core import durations
from daemon.core.model import Secret
from daemon.core.webhooks.mistakes import Check, Mistake, Request, explain, mistaken_keys
from daemon.core.webhooks.signing import PREFIX, PRIVATE_PREFIX, PUBLIC_PREFIX, keyed

TOLERANCE = timedelta(minutes=5)
"""How old or new a timestamp may be: what the libraries of Standard Webhooks allow."""
REACH = timedelta(days=1)
"""How far away another attempt of a message is looked for, whose timestamp was signed. Takes a moment."""
ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
ASYMMETRIC = (PRIVATE_PREFIX, PUBLIC_PREFIX)

MILLISECONDS_FROM = 10**11
"""So many seconds would lie in the year 5138."""
LAST_SECOND = 253_402_300_799
"""Of the year 9999, where the calendar ends."""

Verifier = Callable[[bytes, str], bool]
"""Of a public key: whether a signature, `v1a,…`, was made over the content, `id.timestamp.body`."""


class Problem(Enum):
    """What is wrong, for programs; why no signature matches, `Mistake` says."""

    HEADER_MISSING = "header_missing"
    TIMESTAMP_UNREADABLE = "timestamp_unreadable"
    TOO_OLD = "too_old"
    TOO_NEW = "too_new"
    SECRET_UNUSABLE = "secret_unusable"  # noqa: S105 - a name, no password
    LIST_MALFORMED = "list_malformed"
    VERSION_UNKNOWN = "version_unknown"
    KEY_MISSING = "key_missing"
    NO_MATCH = "no_match"
    UNEXPLAINED = "unexplained"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong."""

    problem: Problem | Mistake
    text: str
    """For people; no secret is part of it."""


@dataclass(frozen=True)
class Verification:
    """What came of a check."""

    is_genuine: bool
    findings: tuple[Finding, ...]
    """In the order of the check. Of a genuine webhook: what is odd, and other receivers may refuse."""
    id: str | None
    signed_at: datetime | None
    """None where no readable timestamp says it."""


@dataclass(frozen=True)
class _Signatures:
    """The well-formed ones, by version."""

    symmetric: tuple[str, ...]
    asymmetric: tuple[str, ...]
    unknown: tuple[str, ...]
    """Versions that nobody here can check."""

    @classmethod
    def of(cls, listed: str) -> "_Signatures":
        whole = [one for one in listed.split(" ") if one.count(",") == 1]
        versions = {one.partition(",")[0] for one in whole}
        return cls(
            tuple(one for one in whole if one.startswith("v1,")),
            tuple(one for one in whole if one.startswith("v1a,")),
            tuple(sorted(versions - {"v1", "v1a"})),
        )

    def checkable(self, keys: Sequence[bytes], verifiers: Sequence[Verifier]) -> list[str]:
        """The versions that are there and that something was given to check with."""
        able = {"v1": self.symmetric and keys, "v1a": self.asymmetric and verifiers}
        return [version for version, is_able in able.items() if is_able]

    def by_keys(self, keys: Sequence[bytes]) -> Check:
        signers = [keyed(key) for key in keys]
        given = [one.encode() for one in self.symmetric]

        def is_signed(content: bytes) -> bool:
            signed = [sign(content).encode() for sign in signers]
            return any([hmac.compare_digest(ours, theirs) for ours in signed for theirs in given])

        return is_signed

    def by_any(self, keys: Sequence[bytes], verifiers: Sequence[Verifier]) -> Check:
        by_keys = self.by_keys(keys)

        def is_signed(content: bytes) -> bool:
            return by_keys(content) or any(
                verify(content, one) for verify in verifiers for one in self.asymmetric
            )

        return is_signed


def verify(
    body: bytes,
    headers: Mapping[str, str],
    *,
    secrets: Sequence[Secret],
    verifiers: Sequence[Verifier] = (),
    now: datetime,
    tolerance: timedelta = TOLERANCE,
    reach: timedelta = REACH,
) -> Verification:
    """Judge a body and its headers, whose names may be in any case.

    One secret (`v1`) or one verifier (`v1a`) that matches one signature is enough, as in a rotation.
    """
    given = {name.lower(): _encodable(value.strip()) for name, value in headers.items()}
    request = Request(given.get(ID, ""), given.get(TIMESTAMP, ""), body)
    listed = given.get(SIGNATURE, "")
    has_all = bool(request.id and request.timestamp and listed)
    refusals = (*_missing(given), *_timing(request.timestamp, now, tolerance))
    remarks = (*_unusable(secrets), *_malformed(listed))
    signatures = _Signatures.of(listed)
    unsigned = tuple(_unsigned(request, signatures, secrets, verifiers, reach)) if has_all else ()
    return Verification(
        is_genuine=not refusals and not unsigned,
        findings=(*refusals, *remarks, *unsigned),
        id=request.id or None,
        signed_at=_moment(request.timestamp),
    )


def _encodable(text: str) -> str:
    """Half a surrogate pair, which JSON can say, has no bytes that anybody could have signed."""
    return text.encode(errors="replace").decode()


def _missing(given: Mapping[str, str]) -> Iterator[Finding]:
    for name in (ID, TIMESTAMP, SIGNATURE):
        if not given.get(name):
            how = "is empty" if name in given else "is missing"
            yield Finding(Problem.HEADER_MISSING, f"the header {name} {how}")


def _timing(timestamp: str, now: datetime, tolerance: timedelta) -> Iterator[Finding]:
    if not timestamp:
        return
    seconds = _seconds(timestamp)
    if seconds is None or seconds >= MILLISECONDS_FROM:
        hint = "not a whole number" if seconds is None else "in milliseconds, it seems"
        expected = f"expected seconds since 1970, such as {int(now.timestamp())}"
        yield Finding(Problem.TIMESTAMP_UNREADABLE, f"{TIMESTAMP} is {hint}; {expected}")
        return
    age = now.timestamp() - seconds
    if abs(age) <= tolerance.total_seconds():
        return
    away, allowed = durations.show(timedelta(seconds=ceil(abs(age)))), durations.show(tolerance)
    if age > 0:
        why = "it came late, or is a replay, or this clock is ahead, or the sender's is behind"
        yield Finding(Problem.TOO_OLD, f"{TIMESTAMP} is {away} ago, more than {allowed}: {why}")
    else:
        why = "this clock is behind, or the sender's is ahead"
        yield Finding(Problem.TOO_NEW, f"{TIMESTAMP} is {away} ahead, more than {allowed}: {why}")


def _seconds(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else None


def _moment(text: str) -> datetime | None:
    seconds = _seconds(text)
    if seconds is None or seconds > LAST_SECOND:
        return None
    return datetime.fromtimestamp(seconds, UTC)


def _unusable(secrets: Sequence[Secret]) -> Iterator[Finding]:
    for number, secret in enumerate(secrets, 1):
        which = f"secret {number}" if len(secrets) > 1 else "the secret"
        if secret.value.startswith(ASYMMETRIC):
            text = f"{which} is a key of v1a, {secret.value[:5]}…; the secret of v1 begins with {PREFIX}"
            yield Finding(Problem.SECRET_UNUSABLE, text)
        elif _key(secret) is None:
            yield Finding(Problem.SECRET_UNUSABLE, f"{which} is not {PREFIX} and base64")


def _key(secret: Secret) -> bytes | None:
    """What a secret encodes; None where that can be no key. No other prefix is base64."""
    with suppress(ValueError):
        return base64.b64decode(secret.value.removeprefix(PREFIX), validate=True) or None
    return None


def _malformed(listed: str) -> Iterator[Finding]:
    entries = listed.split(" ") if listed else []
    if "" in entries:
        text = f"{SIGNATURE} has more than one space between two signatures; some receivers fail on it"
        yield Finding(Problem.LIST_MALFORMED, text)
    for number, entry in enumerate(filter(None, entries), 1):
        if (commas := entry.count(",")) != 1:
            found = f"{commas} commas" if commas else "no comma"
            text = f"{SIGNATURE}, entry {number}: {found}; expected one, between version and base64"
            yield Finding(Problem.LIST_MALFORMED, text)


def _unsigned(
    request: Request,
    signatures: _Signatures,
    secrets: Sequence[Secret],
    verifiers: Sequence[Verifier],
    reach: timedelta,
) -> Iterator[Finding]:
    """Why no signature holds; nothing where one does."""
    if not signatures.symmetric and not signatures.asymmetric:
        found = f"; found {', '.join(map(repr, signatures.unknown))}" if signatures.unknown else ""
        text = f"{SIGNATURE} has no signature of a known version, v1 or v1a{found}"
        yield Finding(Problem.VERSION_UNKNOWN, text)
        return
    keys = [key for key in map(_key, secrets) if key]
    check = signatures.by_any(keys, verifiers)
    if check(request.content):
        return
    checked = signatures.checkable(keys, verifiers)
    yield _mismatch(signatures, checked)
    others = [(mistake, signatures.by_keys([key])) for one in secrets for mistake, key in mistaken_keys(one)]
    quick = signatures.by_keys(keys) if "v1" in checked else None
    explanation = explain(request, [(None, check), *others], quick=quick, reach=reach)
    yield from (Finding(one.mistake, one.text) for one in explanation)
    if checked and not explanation:
        text = "no usual mistake explains it: another secret signed it, or it was changed on the way"
        yield Finding(Problem.UNEXPLAINED, text)


def _mismatch(signatures: _Signatures, checked: Sequence[str]) -> Finding:
    if checked:
        return Finding(Problem.NO_MATCH, f"no signature matches ({', '.join(checked)} checked)")
    wanted = f"a secret, {PREFIX}…" if signatures.symmetric else "a public key, whpk_…"
    return Finding(Problem.KEY_MISSING, f"nothing was given that can check its signatures: {wanted}")
