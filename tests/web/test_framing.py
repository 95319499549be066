"""Where a request ends: what can be read in two ways is refused, and its connection is not used again."""

import re
import socket
from collections.abc import Iterator

import h11
import pytest
from fastapi import FastAPI, Request
from hypothesis import given
from hypothesis import strategies as st

from daemon.web.framing import FREE_CHUNKS, LEAST_CHUNK, Wire, ambiguity
from daemon.web.server import Server

HEAD = b"POST /length HTTP/1.1\r\nHost: x\r\n"
NEXT = b"GET /next HTTP/1.1\r\nHost: x\r\n\r\n"
"""What a second reader would take for a request of its own."""
LAST = NEXT.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
AMBIGUOUS = {
    "both": HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "both, the other way round": HEAD + b"Transfer-Encoding: chunked\r\ncontent-length: 3\r\n\r\n0\r\n\r\n",
    "two lengths": HEAD + b"Content-Length: 3\r\nContent-Length: 5\r\n\r\n12345",
    "the same length twice": HEAD + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\n123",
    "a list of lengths": HEAD + b"Content-Length: 3, 3\r\n\r\n123",
    "a sign": HEAD + b"Content-Length: +3\r\n\r\n123",
    "a negative length": HEAD + b"Content-Length: -3\r\n\r\n123",
    "a length in hexadecimal": HEAD + b"Content-Length: 0x3\r\n\r\n123",
    "a length in other digits": HEAD + "Content-Length: ٣\r\n\r\n123".encode(),
    "no length": HEAD + b"Content-Length: \r\n\r\n123",
    "a length without an end": HEAD + b"Content-Length: " + b"9" * 30 + b"\r\n\r\n123",
    "a blank before the colon": HEAD + b"Content-Length : 3\r\n\r\n123",
    "a folded header": HEAD + b"X: y\r\n Content-Length: 3\r\n\r\n123",
    "a folded coding": HEAD + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "an unknown coding": HEAD + b"Transfer-Encoding: identity\r\n\r\n",
    "a coding before chunked": HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "a coding that looks like chunked": HEAD + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a coding behind a control character": HEAD + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "two codings": HEAD + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a coding in HTTP/1.0": HEAD.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "no host": b"POST /length HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
    "two hosts": HEAD + b"Host: y\r\nContent-Length: 0\r\n\r\n",
    "a carriage return alone": HEAD + b"X: a\rContent-Length: 3\r\n\r\n123",
    "a NUL": HEAD + b"X: a\0b\r\nContent-Length: 0\r\n\r\n",
}
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
BAD_CHUNKS = {
    "no number": b"x\r\n123\r\n0\r\n\r\n",
    "a sign": b"+3\r\n123\r\n0\r\n\r\n",
    "a prefix": b"0x3\r\n123\r\n0\r\n\r\n",
    "an underscore": b"1_0\r\n123\r\n0\r\n\r\n",
    "a blank before": b" 3\r\n123\r\n0\r\n\r\n",
    "too large a number": b"f" * 30 + b"\r\n123\r\n0\r\n\r\n",
    "no end of the chunk": b"3\r\n123XX0\r\n\r\n",
    "an extension without an end": b"3;" + b"x" * 20_000,
    "a trailer that is none": b"0\r\nno colon\r\n\r\n",
}


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    app = FastAPI()
    app.get("/next")(lambda: "next")

    @app.post("/length")
    async def length(request: Request) -> int:
        return len(await request.body())

    server = Server(app, "127.0.0.1", 0)
    server.start()
    assert server.port
    yield server.port
    server.stop(timeout=10)


def answers(port: int, said: bytes) -> list[int]:
    """The status of every answer until the connection ends."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as caller:
        caller.sendall(said)
        text = b""
        try:
            while piece := caller.recv(65536):
                text += piece
        except ConnectionResetError:
            pass
    return [int(one) for one in re.findall(rb"HTTP/1\.1 (\d+)", text)]


@pytest.mark.parametrize("said", AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_an_ambiguous_head_is_refused_and_nothing_behind_it_is_read(port: int, said: bytes) -> None:
    assert answers(port, said + NEXT) == [400]


@pytest.mark.parametrize("chunks", BAD_CHUNKS.values(), ids=BAD_CHUNKS)
def test_a_bad_chunk_is_refused_and_nothing_behind_it_is_read(port: int, chunks: bytes) -> None:
    assert answers(port, CHUNKED + chunks + NEXT) == [400]


def chunks(*sizes: int) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (size, b"x" * size) for size in sizes) + b"0\r\n\r\n"


def test_a_body_in_crumbs_is_refused(port: int) -> None:
    few, large = [1] * FREE_CHUNKS, [LEAST_CHUNK] * 5000
    paid = [1] * (FREE_CHUNKS // LEAST_CHUNK)

    assert answers(port, CHUNKED + chunks(*few, *paid) + LAST) == [200, 200]
    assert answers(port, CHUNKED + chunks(*large, *few) + LAST) == [200, 200]
    assert answers(port, CHUNKED + chunks(*few, *paid, 1) + NEXT) == [400]
    assert answers(port, CHUNKED + chunks(*few) + (CHUNKED + chunks(*few)) * 2 + LAST) == [200] * 4


@pytest.mark.parametrize(
    "said",
    [
        HEAD + b"Content-Length: 3\r\n\r\n123",
        CHUNKED + b"3\r\n123\r\n0\r\n\r\n",
        CHUNKED + b"3;name=value\r\n123\r\n0\r\nX: y\r\n\r\n",
        HEAD + b"X-Content-Length: 9\r\nContent-Length:3\r\n\r\n123",
        HEAD + b"transfer-encoding: Chunked\r\n\r\n0\r\n\r\n",
    ],
)
def test_what_is_clear_is_answered_and_so_is_what_follows(port: int, said: bytes) -> None:
    assert answers(port, said + NEXT + LAST) == [200, 200, 200]


NAMES = st.sampled_from(
    [
        b"Content-Length",
        b"content-length",
        b"Transfer-Encoding",
        b"TRANSFER-ENCODING",
        b"X",
        b"Content-Lengthy",
    ]
)
VALUES = st.sampled_from([b"3", b" 3", b"3,3", b"chunked", b" chunked", b"x", b""])


@given(st.lists(st.tuples(NAMES, VALUES), max_size=4), st.sampled_from([b"1.0", b"1.1"]))
def test_whatever_is_let_through_says_once_at_most_how_it_ends(
    headers: list[tuple[bytes, bytes]], version: bytes
) -> None:
    wire = Wire()
    lines = b"".join(b"%s:%s\r\n" % one for one in headers)
    wire.receive_data(b"POST / HTTP/%s\r\nHost: x\r\n%s\r\n" % (version, lines))
    framing = [
        name.lower() for name, _ in headers if name.lower() in (b"content-length", b"transfer-encoding")
    ]
    try:
        event = wire.next_event()
    except h11.RemoteProtocolError:
        return

    assert isinstance(event, h11.Request)
    assert len(framing) <= 1
    assert version == b"1.1" or b"transfer-encoding" not in framing


def test_what_comes_in_pieces_is_judged_as_a_whole() -> None:
    wire = Wire()
    for byte in AMBIGUOUS["the same length twice"][:-4]:
        wire.receive_data(bytes([byte]))
        assert wire.next_event() is h11.NEED_DATA
    wire.receive_data(b"\n123")

    with pytest.raises(h11.RemoteProtocolError, match="more than once"):
        wire.next_event()


def test_each_request_of_a_connection_is_judged_by_its_own_head() -> None:
    assert ambiguity([b"Content-Length: 3\r"], b"1.1") is None

    wire = Wire()
    wire.receive_data(NEXT * 2)
    for _ in range(2):
        assert isinstance(wire.next_event(), h11.Request)
        assert isinstance(wire.next_event(), h11.EndOfMessage)
        wire.send(h11.Response(status_code=200, headers=[("content-length", "0")]))
        wire.send(h11.EndOfMessage())
        wire.start_next_cycle()
