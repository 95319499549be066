"""The listening socket: bound before anything is promised, and free again afterwards."""

import socket

import pytest
import requests
from fastapi import FastAPI, Request

from daemon.web.server import Server


def app() -> FastAPI:
    one = FastAPI()
    one.get("/")(lambda: "here")
    return one


def test_it_answers_on_the_port_that_it_names_and_then_no_more() -> None:
    server = Server(app(), "127.0.0.1", 0)
    server.start()
    url = f"http://127.0.0.1:{server.port}/"
    answer = requests.get(url, timeout=10)
    server.stop(timeout=10)

    assert answer.json() == "here"
    assert "server" not in answer.headers
    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=10)


def test_a_port_in_use_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        server = Server(app(), "127.0.0.1", port)

        with pytest.raises(OSError, match=f"127.0.0.1:{port}"):
            server.start()
        server.stop(timeout=1)


def test_nobody_is_believed_about_who_asks_not_even_on_this_machine() -> None:
    one = FastAPI()

    @one.get("/")
    def asks(request: Request) -> list[str]:
        assert request.client
        return [request.client.host, request.url.scheme]

    server = Server(one, "127.0.0.1", 0)
    server.start()
    said = {"x-forwarded-for": "203.0.113.9", "x-forwarded-proto": "https"}
    answer = requests.get(f"http://127.0.0.1:{server.port}/", headers=said, timeout=10)
    server.stop(timeout=10)

    assert answer.json() == ["127.0.0.1", "http"]
