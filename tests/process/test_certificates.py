"""TLS of the daemon's own, as a process: a certificate is renewed by what the documentation gives certbot."""

import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from http.client import HTTPSConnection
from pathlib import Path

import pytest

from daemon.simulator.server import Simulator
from tests.support.certificates import Authority
from tests.support.paths import ROOT
from tests.support.process import CONFIGURATION, Process

pytestmark = pytest.mark.slow

HOST = "127.0.0.1"
TLS = 'token_file = "http-token"\ntls_cert = "tls.pem"\ntls_key = "tls.key"'
(HOOK,) = re.findall(r"```sh\n(.*?)```", (ROOT / "docs" / "reaching.md").read_text("utf-8"), re.DOTALL)


class House:
    """The daemon with a certificate, and certbot beside it."""

    def __init__(self, folder: Path, base_url: str) -> None:
        self.folder = folder
        self.authority = Authority(folder)
        self.lineage = folder / "lineage"
        self.lineage.mkdir()
        configuration = CONFIGURATION.replace('token_file = "http-token"', TLS)
        self.daemon = Process(folder, configuration, base_url=base_url, webhook_url="http://127.0.0.1:9/")
        self.issue()
        for of_certbot, ours in (("fullchain.pem", "tls.pem"), ("privkey.pem", "tls.key")):
            shutil.copy(self.lineage / of_certbot, folder / ours)

    def issue(self, *, until: datetime | None = None) -> None:
        """What certbot does before it calls its hooks."""
        issued = self.authority.issue(HOST, until=until) if until else self.authority.issue(HOST)
        for name in ("fullchain.pem", "privkey.pem"):
            (self.lineage / name).write_bytes(issued.read_bytes())

    def deploy(self) -> None:
        """The hook of the page; `systemctl reload` is the signal that it comes to."""
        folder = self.folder / "bin"
        folder.mkdir(exist_ok=True)
        systemctl = folder / "systemctl"
        systemctl.write_text(f'#!/bin/sh\n[ "$*" = "reload yemotd" ] && kill -HUP {self.daemon.pid}\n')
        systemctl.chmod(0o755)
        script = HOOK.replace("-o root -g yemotd ", "").replace("/etc/yemotd/", f"{self.folder}/")
        path = f"{folder}:{os.environ['PATH']}"
        environment = {"PATH": path, "RENEWED_LINEAGE": str(self.lineage)}
        subprocess.run(["/bin/sh", "-c", script], env=environment, check=True)

    def connected(self) -> HTTPSConnection:
        trusting = ssl.create_default_context(cafile=str(self.authority.pem))
        one = HTTPSConnection(HOST, self.daemon.port, timeout=20, context=trusting)
        one.connect()
        return one

    def certificate(self) -> bytes | None:
        """That of whom one reaches now."""
        with closing(self.connected()) as one:
            return certificate_of(one)


def certificate_of(connection: HTTPSConnection) -> bytes | None:
    assert isinstance(connection.sock, ssl.SSLSocket)
    return connection.sock.getpeercert(binary_form=True)


def is_answered(connection: HTTPSConnection) -> bool:
    connection.request("GET", "/livez")
    return connection.getresponse().read() == b"ok\n"


@pytest.fixture
def house(tmp_path: Path, simulator: Simulator) -> Iterator[House]:
    one = House(tmp_path, simulator.base_url)
    yield one
    one.daemon.stop()


def test_a_certificate_is_renewed_by_the_hook_and_cuts_nobody_off(house: House) -> None:
    house.daemon.start()
    with closing(house.connected()) as before:
        assert is_answered(before)
        old = certificate_of(before)
        house.issue()
        house.deploy()
        house.daemon.wait_for("config.reloaded")

        assert house.certificate() != old
        assert is_answered(before)
    assert house.daemon.count("config.needs_restart") == 0


def test_one_that_cannot_be_used_is_refused_and_the_old_one_stays(house: House) -> None:
    house.daemon.start()
    old = house.certificate()
    house.issue(until=datetime(2020, 1, 1, tzinfo=UTC))
    house.deploy()
    refused = house.daemon.wait_for("config.refused")

    assert "[http] tls_cert = 'tls.pem': has expired at 2020-01-01T00:00:00Z" in refused["error"]
    assert house.certificate() == old
    (house.folder / "tls.key").write_text("nothing")
    house.daemon.signal(signal.SIGHUP)
    refused = house.daemon.wait_for("config.refused", count=2)
    assert "[http] tls_key = 'tls.key': holds no private key in PEM form" in refused["error"]
    assert house.certificate() == old


EXPIRED = "has expired at 2020-01-01T00:00:00Z; renew it, and reload"


def test_an_expired_one_is_warned_of_at_the_start_and_phones_are_watched(house: House) -> None:
    house.issue(until=datetime(2020, 1, 1, tzinfo=UTC))
    for name in ("tls.pem", "tls.key"):
        shutil.copy(house.lineage / "fullchain.pem", house.folder / name)
    house.daemon.start()

    house.daemon.wait_until(lambda line: EXPIRED in str(line.get("warning")))
    assert house.daemon.wait_for("daemon.ready")


def test_tls_is_not_turned_off_by_a_reload_and_that_is_said(house: House) -> None:
    house.daemon.start()
    house.daemon.configure(CONFIGURATION)
    house.daemon.signal(signal.SIGHUP)

    assert house.daemon.wait_for("config.needs_restart")["setting"] == "[http] tls_cert"
    assert house.certificate()


def test_plain_http_to_its_port_is_ended_without_a_word(house: House) -> None:
    house.daemon.start()
    with socket.create_connection((HOST, house.daemon.port), timeout=20) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        while plain.recv(4096):
            """An alert of TLS, then the end."""
    house.daemon.stop()

    assert house.daemon.count("raw") == 0
    assert [one for one in house.daemon.lines if one.get("level") in ("error", "critical")] == []
