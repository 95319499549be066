"""JSON of a stranger: what the scan counts is what a decoder finds, and nothing takes more than its bound."""

import gzip
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.core.model import Failure, Unknown
from daemon.yemot import bounded_json
from daemon.yemot.bounded_json import (
    LARGE,
    MAX_BODY,
    MAX_DEPTH,
    MAX_VALUES,
    MAX_WIDE,
    ExcessError,
    Gathering,
    Scan,
    decode,
    is_json,
)
from daemon.yemot.envelope import judge
from daemon.yemot.transport import Reply
from tests.support.bad_server import ScriptedServer, answers

NOW = datetime(2026, 11, 23, 1, 2, 3, tzinfo=UTC)
TEXTS = st.text(st.sampled_from('ab[]{},:"\\/ \n\tא😀\x00'), max_size=6)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)
SPELLINGS = st.sampled_from(
    [
        {},
        {"indent": 2},
        {"indent": "\t\r\n"},
        {"separators": (",", ":")},
        {"separators": (" , ", " :\n"), "ensure_ascii": False},
    ]
)


def truth(value: object) -> tuple[int, int]:
    """How many values a decoded text has, and how deep it goes."""
    inner: list[object] = []
    if isinstance(value, dict):
        inner = list(value.values())
    elif isinstance(value, list):
        inner = value
    else:
        return 1, 0
    counted = [truth(one) for one in inner]
    return 1 + sum(count for count, _ in counted), 1 + max((depth for _, depth in counted), default=0)


def spelled(value: object, how: dict[str, Any]) -> bytes:
    return json.dumps(value, **how).encode("utf-8", "surrogatepass")


def pieces(text: bytes, cuts: list[int]) -> Iterator[bytes]:
    places = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    return (text[start:end] for start, end in pairwise(places))


def scanned(parts: Iterator[bytes]) -> tuple[int, int]:
    scan = Scan()
    for part in parts:
        scan.feed(part)
    return scan.values, scan.deepest


@given(JSON, SPELLINGS, st.lists(st.integers(0, 300), max_size=8))
def test_the_scan_counts_what_a_decoder_finds_however_the_text_is_cut(
    value: object, how: dict[str, Any], cuts: list[int]
) -> None:
    assert scanned(pieces(spelled(value, how), cuts)) == truth(value)


@given(JSON, SPELLINGS)
def test_the_scan_agrees_byte_by_byte(value: object, how: dict[str, Any]) -> None:
    text = spelled(value, how)

    assert scanned(text[at : at + 1] for at in range(len(text))) == truth(value)


@given(JSON, SPELLINGS, st.integers(0), st.sampled_from([b"", b"\\", b'"', b"[", b"}", b",", b"\x00"]))
def test_of_a_text_with_a_mistake_it_is_right_wherever_a_decoder_is_content(
    value: object, how: dict[str, Any], at: int, mistake: bytes
) -> None:
    text = spelled(value, how)
    broken = text[: at % len(text)] + mistake + text[at % len(text) + 1 :]
    try:
        found = json.loads(broken, object_pairs_hook=lambda pairs: [one for _, one in pairs])
    except ValueError:
        scanned(iter([broken]))  # says something, and that is all
    else:
        assert scanned(iter([broken])) == truth(found)


@given(
    st.lists(JSON, max_size=4) | st.dictionaries(TEXTS, JSON, max_size=4),
    st.integers(1, 30),
    st.integers(1, 5),
)
def test_the_verdict_is_that_of_who_counts_afterwards(value: object, most: int, deepest: int) -> None:
    values, depth = truth(value)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bounded_json, "MAX_VALUES", most)
        patch.setattr(bounded_json, "MAX_DEPTH", deepest)
        try:
            decode(spelled(value, {}))
        except ExcessError:
            is_refused = True
        else:
            is_refused = False

    assert is_refused == (values > most or depth > deepest)


@pytest.mark.parametrize(
    ("text", "is_refused"),
    [
        (b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, False),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), True),
        (b"[" + b"1," * (MAX_VALUES - 2) + b"1]", False),
        (b"[" + b"1," * (MAX_VALUES - 1) + b"1]", True),
        (b"[" + b"{}," * (MAX_VALUES - 2) + b"[ ]]", False),
        (b'["' + b"[{,:" * 1000 + rb"\"[" * 1000 + b'"]', False),
        (b'["' + b"x" * (MAX_BODY - 4) + b'"]', False),
        (b'["' + b"x" * (MAX_BODY - 3) + b'"]', True),
        (b'["' + "😀".encode() * (MAX_WIDE // 4 - 1) + b'"]', False),
        (b'["' + "😀".encode() * (MAX_WIDE // 4) + b'"]', True),
    ],
)
def test_the_bounds_are_what_they_say(text: bytes, *, is_refused: bool) -> None:
    if is_refused:
        with pytest.raises(ExcessError):
            decode(text)
    else:
        assert decode(text) == json.loads(text)


def test_large_bodies_are_decoded_one_at_a_time_and_small_ones_beside_them() -> None:
    large, decoded = b'["' + b"x" * LARGE + b'"]', threading.Event()

    def decode_large() -> None:
        decode(large)
        decoded.set()

    thread = threading.Thread(target=decode_large)
    with bounded_json._ONE_AT_A_TIME:
        thread.start()
        assert decode(b"[1]") == [1]
        assert not decoded.wait(0.2)
    thread.join(10)

    assert decoded.is_set()


@pytest.mark.parametrize("text", [b"[1" + b",1" * (MAX_VALUES + LARGE), b"[" * (LARGE + 100_000)])
def test_what_is_large_is_refused_while_it_arrives(text: bytes) -> None:
    body, taken = Gathering(), 0
    with pytest.raises(ExcessError):
        for start in range(0, len(text), 4096):
            body.add(text[start : start + 4096])
            taken += 4096

    assert taken <= LARGE + 4096


def test_a_page_that_is_no_json_is_gathered_up_to_its_size() -> None:
    body, page = Gathering(), b"<html>" + b"[," * LARGE
    for start in range(0, len(page), 65_536):
        body.add(page[start : start + 65_536])

    assert body.whole() == page
    with pytest.raises(ExcessError):
        body.add(bytes(MAX_BODY))


@pytest.mark.parametrize(
    ("text", "is_begun"),
    [
        (b"\xef\xbb\xbf \r\n{", True),
        (b"[", True),
        (b" " * 5_000_000 + b"[", False),
        (b"", False),
        (b'"[', False),
    ],
)
def test_json_begins_as_it_does(text: bytes, *, is_begun: bool) -> None:
    assert is_json(text) is is_begun


def test_an_answer_beyond_the_bounds_is_none() -> None:
    answer = judge(Reply(200, b'{"responseStatus":"OK","rows":' + b"[" * 40 + b"]" * 40 + b"}"), NOW)

    assert isinstance(answer, Unknown)
    assert (answer.failure, answer.message) == (
        Failure.MALFORMED,
        f"the answer is nested deeper than {MAX_DEPTH} levels",
    )


def one_answer(rows: bytes) -> bytes:
    return b'{"responseStatus":"OK","rows":[' + rows + b"]}"


def many(row: Callable[[int], str], most: int, size: int = MAX_BODY) -> bytes:
    """As many rows as fit into an answer that is believed."""
    rows: list[bytes] = []
    left = size - 100
    while left > 0 and len(rows) < most:
        rows.append(row(len(rows)).encode())
        left -= len(rows[-1]) + 1
    return one_answer(b",".join(rows[:-1]))


HOSTILE: dict[str, Callable[[], bytes]] = {
    "lists": lambda: one_answer(b"[]," * (16 * 2**20 // 3) + b"[]"),
    "lists in the bounds": lambda: many(lambda _: "[]", MAX_VALUES - 10),
    "objects": lambda: many(lambda n: f'{{"{n}":{{"{n}":{{}}}}}}', MAX_VALUES // 3 - 10),
    "deep": lambda: many(lambda n: f'{{"{n}":' * 28 + "1" + "}" * 28, MAX_VALUES // 29 - 10),
    "long keys": lambda: many(lambda n: f'{{"{n}{"x" * 150}":1}}', MAX_VALUES // 2 - 10),
    "hebrew": lambda: many(lambda _: '"' + "א" + "x" * 200 + '"', MAX_VALUES),
    "one hebrew text": lambda: one_answer('"א'.encode() + b"x" * (MAX_BODY - 100) + b'"'),
    "emoji": lambda: many(lambda _: '"😀' + "x" * 100 + '"', MAX_VALUES, MAX_WIDE),
    "one emoji beyond": lambda: one_answer('"😀'.encode() + b"x" * (MAX_BODY - 100) + b'"'),
    "escapes": lambda: many(lambda _: '"' + r"\ud83d\ude00" * 20 + '"', MAX_VALUES),
    "numbers": lambda: many(lambda n: str(n) + "1" * 70, MAX_VALUES),
    "blanks": lambda: b" " * (MAX_BODY - 10),
    "quotes": lambda: one_answer(b'"",' * (16 * 2**20 // 3)),
    "no json": lambda: b'"' * MAX_BODY,
}
ASKING = """
import resource, sys
from datetime import UTC, datetime
from daemon.core.model import Unknown
from daemon.host.clock import monotonic
from daemon.yemot.envelope import judge
from daemon.yemot.transport import Request, Timeouts, Transport

def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))

transport = Transport(Timeouts(), monotonic=monotonic)
before = peak()
for url in sys.argv[1:]:
    reply = transport.send(Request("GET", url, {}), repeatable=True)
    if not isinstance(reply, Unknown):
        judge(reply, datetime.now(UTC))
print((peak() - before) // 1024)
"""
MOST_MIB = 64
"""What no input from outside may take."""


@pytest.mark.slow
@pytest.mark.parametrize("is_gzipped", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("shape", HOSTILE)
def test_no_answer_takes_more_than_its_bound(shape: str, *, is_gzipped: bool) -> None:
    body = HOSTILE[shape]()
    headers = ("Content-Encoding: gzip",) if is_gzipped else ()
    sent = gzip.compress(body, 1) if is_gzipped else body
    with ScriptedServer(answers(sent, *headers)) as server:
        asked = subprocess.run(
            [sys.executable, "-c", ASKING, server.url], capture_output=True, text=True, check=True
        )

    print(shape, "gzip" if is_gzipped else "plain", asked.stdout.strip(), "MiB")
    assert int(asked.stdout) <= MOST_MIB
