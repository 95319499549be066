"""The page on how the daemon is reached, taken at its word: its recipes are run, by real proxies."""

import json
import re
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from http.client import HTTPConnection, HTTPSConnection
from ipaddress import ip_network
from pathlib import Path
from typing import IO

import pytest
from fastapi.responses import StreamingResponse
from structlog.testing import capture_logs

from daemon.config.load import load
from daemon.web.reach import Reach
from daemon.web.server import Server
from tests.support import stores
from tests.support.certificates import Authority
from tests.support.config_files import ENVIRON, SMS, SYSTEM
from tests.support.http_app import ADMIN, READER, Setting
from tests.support.paths import ROOT
from tests.support.process import free_port

PAGE = (ROOT / "docs" / "reaching.md").read_text(encoding="utf-8")
PROXY, CLIENT, STRANGER = "127.0.0.1", "127.0.0.3", "127.0.0.2"
HOST = "localhost"
STARTED = {"nginx": "epoll", "caddy": "serving initial configuration"}
"""What each says once it listens."""
NGINX = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr notice;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    {site}
}}
"""
CADDY = "{{\n\tadmin off\n\tauto_https off\n\tstorage file_system {folder}/caddy\n}}\n{site}"


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)


def where(program: str, host: str) -> str:
    """The recipe for a program and a name of a host."""
    (found,) = (one for one in blocks(program) if host in one)
    return found


class Behind:
    """The daemon's HTTP side, as the recipes want it, and what stands in front of it."""

    def __init__(self, folder: Path, prefix: str, cleanups: ExitStack) -> None:
        database = stores.on_file(folder / "web.db")
        cleanups.callback(database.close)
        reach = Reach(trusted_proxies=(ip_network(PROXY),))
        self.setting = Setting(database, prefix=prefix, reach=lambda: reach)
        self.is_seen = threading.Event()
        self.setting.app.get("/trickle", include_in_schema=False)(self.trickle)
        server = Server(self.setting.app, PROXY, 0)
        server.start()
        cleanups.callback(server.stop, timeout=10)
        cleanups.callback(self.is_seen.set)
        assert server.port
        self.daemon, self.port = server.port, free_port()
        self.prefix = prefix
        self._folder, self._cleanups = folder, cleanups
        self._pem = Authority(folder).issue(HOST)
        self._trusting = ssl.create_default_context(cafile=str(folder / "authority.pem"))

    def trickle(self) -> StreamingResponse:
        """The second half of the answer goes out only when the first one was seen."""

        def pieces() -> Iterator[bytes]:
            yield b"first\n"
            assert self.is_seen.wait(20)
            yield b"second\n"

        return StreamingResponse(pieces(), media_type="text/event-stream")

    def start(self, program: str, recipe: str) -> None:
        """Run a proxy by a recipe, of which only names, ports and files of this machine are others."""
        write = {"nginx": self._nginx, "caddy": self._caddy}[program]
        site = recipe.replace("127.0.0.1:8470", f"{PROXY}:{self.daemon}")
        running = subprocess.Popen(
            write(site), cwd=self._folder, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        self._cleanups.callback(running.wait, 20)
        self._cleanups.callback(running.terminate)
        assert running.stderr
        said: list[str] = []
        for line in running.stderr:
            said.append(line)
            if STARTED[program] in line:
                break
        else:
            raise AssertionError(said)
        reader = threading.Thread(target=_drained, args=(running.stderr,), daemon=True)
        reader.start()

    def _nginx(self, site: str) -> list[str]:
        site = re.sub(r"listen \[::\].*", "", site).replace("listen 443 ", f"listen {PROXY}:{self.port} ")
        site = re.sub(r"/etc/letsencrypt/\S+(?=;)", str(self._pem), site)
        path = self._folder / "nginx.conf"
        path.write_text(NGINX.format(folder=self._folder, site=site))
        return ["nginx", "-p", str(self._folder), "-c", str(path), "-e", "stderr"]

    def _caddy(self, site: str) -> list[str]:
        here = f"https://{HOST}:{self.port} {{\n\ttls {self._pem} {self._pem}"
        path = self._folder / "Caddyfile"
        path.write_text(CADDY.format(folder=self._folder, site=re.sub(r"^\S+ \{", here, site)))
        return ["caddy", "run", "--config", str(path), "--adapter", "caddyfile"]

    def through(self, client: str = CLIENT) -> HTTPSConnection:
        """A connection of somebody at this address to the proxy."""
        return HTTPSConnection(
            HOST, self.port, timeout=20, context=self._trusting, source_address=(client, 0)
        )

    def ask(self, path: str, token: str | None = READER, **headers: str) -> tuple[int, str]:
        given = {"authorization": f"Bearer {token}"} if token else {}
        with closing(self.through()) as connection:
            said = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request("GET", self.prefix + path, headers={**given, **said})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()


def _drained(stream: IO[str]) -> None:
    for _ in stream:
        """Nobody waits for it."""
    stream.close()


RECIPES = [
    pytest.param(program, host, prefix, marks=pytest.mark.needs(program), id=f"{program} at {host}{prefix}")
    for program in ("caddy", "nginx")
    for host, prefix in (("phones.example.org", ""), ("office.example.org", "/yemotd"))
]


@pytest.fixture
def behind(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Behind]:
    program, host, prefix = request.param
    with ExitStack() as cleanups:
        one = Behind(tmp_path, prefix, cleanups)
        one.start(program, where(program, host))
        yield one


def by_recipe(test: object) -> object:
    params = [pytest.param(one.values, marks=one.marks, id=one.id) for one in RECIPES]
    mark = pytest.mark.parametrize("behind", params, indirect=True)
    return pytest.mark.slow(mark(test))


@by_recipe
def test_the_api_and_the_page_are_reached_through_it(behind: Behind) -> None:
    status, text = behind.ask("/api/v1/status")
    assert (status, json.loads(text)["version"]) == (200, "1.2.3")
    assert behind.ask("/livez", token=None) == (200, "ok\n")
    with closing(behind.through()) as connection:
        connection.request("GET", behind.prefix + "/", headers={"accept": "text/html"})
        answer = connection.getresponse()
        assert (answer.status, answer.headers["location"]) == (303, behind.prefix + "/sign-in")


@by_recipe
def test_what_comes_in_pieces_arrives_in_pieces(behind: Behind) -> None:
    with closing(behind.through()) as connection:
        connection.request("GET", behind.prefix + "/trickle")
        answer = connection.getresponse()
        assert answer.readline() == b"first\n"
        behind.is_seen.set()
        assert answer.readline() == b"second\n"


@by_recipe
def test_the_log_says_who_asked_the_proxy_and_nothing_that_was_invented(behind: Behind) -> None:
    path = behind.prefix + "/api/v1/endpoints/crm/disable"
    headers = {"authorization": f"Bearer {ADMIN}", "content-type": "application/json"}
    invented = {"x-forwarded-for": "203.0.113.9", "forwarded": "for=203.0.113.9;proto=https"}
    with capture_logs() as lines:
        with closing(behind.through(CLIENT)) as connection:
            connection.request("POST", path, headers={**headers, **invented})
            assert connection.getresponse().status == 200
        # Past the proxy, from somebody who is none.
        with closing(
            HTTPConnection(PROXY, behind.daemon, timeout=20, source_address=(STRANGER, 0))
        ) as connection:
            connection.request("POST", path, headers={**headers, **invented})
            assert connection.getresponse().status in (200, 409)

    assert [one["client"] for one in lines if one["event"] == "http.audit"] == [CLIENT, STRANGER]


@by_recipe
def test_who_comes_through_it_is_no_program_of_this_machine(behind: Behind) -> None:
    assert behind.ask("/metrics", token=None)[0] == 401
    assert behind.ask("/metrics")[0] == 200
    with closing(HTTPConnection(PROXY, behind.daemon, timeout=20)) as connection:
        connection.request("GET", "/metrics")
        assert connection.getresponse().status == 200


@by_recipe
def test_the_cookie_of_a_session_is_for_tls_alone(behind: Behind) -> None:
    form = {"content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin"}
    with closing(behind.through()) as connection:
        connection.request("POST", behind.prefix + "/sign-in", f"token={READER}", form)
        answer = connection.getresponse()
        assert (answer.status, answer.headers["location"]) == (303, behind.prefix + "/")
        assert "; Secure" in answer.headers["set-cookie"]


def test_every_recipe_is_run_and_there_is_one_for_each() -> None:
    assert {program: len(blocks(program)) for program in ("caddy", "nginx")} == {"caddy": 2, "nginx": 2}
    assert len(RECIPES) == 4


@pytest.mark.parametrize("settings", blocks("toml"))
def test_the_settings_can_be_used_and_nothing_is_odd_about_them(settings: str, tmp_path: Path) -> None:
    pem = Authority(tmp_path).issue("phones.example.org").read_bytes()
    for name in ("tls.pem", "tls.key"):
        (tmp_path / name).write_bytes(pem)
    path = tmp_path / "config.toml"
    path.write_text(f'{settings}\ntoken_env = "TOKEN"\n' + SYSTEM + SMS)
    path.chmod(0o600)

    assert load(path, ENVIRON).warnings == ()
