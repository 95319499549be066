"""The demo as a program: its page can be entered by what it prints, and stays for who asked for that."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.support.process import inherited

pytestmark = pytest.mark.slow


@pytest.fixture
def demo(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        [sys.executable, "-m", "daemon", "demo", "--stay", "--no-kill", "--speed", "20"],
        stdout=subprocess.PIPE,
        text=True,
        env={**inherited(), "TMPDIR": str(tmp_path)},
    ) as running:
        yield running
        running.kill()


def said(demo: "subprocess.Popen[str]", pattern: str) -> "re.Match[str]":
    """The next thing that it says and that matches."""
    assert demo.stdout
    for line in demo.stdout:
        if found := re.search(pattern, line):
            return found
    raise AssertionError(pattern)


def test_the_page_is_entered_by_what_the_demo_prints_and_stays(
    demo: "subprocess.Popen[str]", tmp_path: Path
) -> None:
    url, token = said(demo, r"The page: (\S+/)  sign in with the token (\S+)").groups()
    said(demo, "runs on until Ctrl-C")

    with requests.Session() as browser:
        browser.headers.update({"accept": "text/html", "origin": url.rstrip("/")})
        page = browser.post(f"{url}sign-in", data={"token": token}, timeout=10)
        assert (page.status_code, page.url) == (200, url)

    demo.send_signal(signal.SIGINT)
    assert demo.wait(30) == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGHUP])
def test_whatever_ends_the_demo_ends_all_that_it_started(
    demo: "subprocess.Popen[str]", tmp_path: Path, end: signal.Signals
) -> None:
    (url,) = said(demo, r"The page: (\S+/)  sign in").groups()
    assert requests.get(f"{url}livez", timeout=10).status_code == 200

    demo.send_signal(end)
    assert demo.stdout
    demo.stdout.read()
    assert demo.wait(30) == 130
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{url}livez", timeout=10)
    assert list(tmp_path.iterdir()) == []
