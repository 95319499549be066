"""Receivers with the official JavaScript libraries accept what we sign and send, and nothing else.

The libraries are installed by the lock file in `npm/`, outside the repository, once for all tests here.
"""

import base64
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from daemon.core.model import Secret
from daemon.senders import ed25519
from tests.support.fakes import Received
from tests.support.signing import BODIES, FOREIGN, OLD, SECRET, SIGN, SIGN_OLD, sent, tampered

HERE = Path(__file__).parent / "npm"
Verdict = dict[str, Any]
Ask = Callable[..., list[Verdict]]

pytestmark = [pytest.mark.slow, pytest.mark.needs("npm", "node")]
libraries = pytest.mark.parametrize("library", ["standardwebhooks", "svix"])


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the libraries as they are locked."""
    directory = tmp_path_factory.mktemp("npm")
    for name in ("package.json", "package-lock.json", "verify.mjs"):
        shutil.copy(HERE / name, directory)
    install = ("ci", "--ignore-scripts", "--no-audit", "--no-fund")
    run("npm", *install, directory=directory, timeout=300)
    return directory


@pytest.fixture
def ask(installed: Path) -> Ask:
    """What a library says of requests, each with the one secret that the receiver has."""

    def verdicts(library: str, *requests: tuple[Secret, Received]) -> list[Verdict]:
        questions = [
            {
                "library": library,
                "secret": secret.value,
                "headers": request.headers,
                "body": base64.b64encode(request.body).decode(),
            }
            for secret, request in requests
        ]
        said = run("node", "verify.mjs", directory=installed, text=json.dumps(questions), timeout=60)
        return list(json.loads(said))

    return verdicts


def run(program: str, *words: str, directory: Path, text: str = "", timeout: float) -> str:
    """What a program prints; where it fails, the test shows what it complained of."""
    path = shutil.which(program)
    assert path
    ended = subprocess.run(
        [path, *words],
        cwd=directory,
        input=text,
        capture_output=True,
        encoding="utf-8",
        timeout=timeout,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@libraries
def test_what_we_send_is_accepted(ask: Ask, library: str) -> None:
    requests = [sent(SIGN, body=body) for body in BODIES.values()]

    assert ask(library, *((SECRET, request) for request in requests)) == [
        {"accepted": True, "parsed": json.loads(request.body)} for request in requests
    ]


@libraries
def test_either_secret_of_a_rotation_is_enough(ask: Ask, library: str) -> None:
    request = sent(SIGN, SIGN_OLD)

    assert [one["accepted"] for one in ask(library, (SECRET, request), (OLD, request))] == [True, True]


@libraries
def test_an_asymmetric_signature_beside_it_disturbs_nobody(ask: Ask, library: str) -> None:
    request = sent(ed25519.signer(Secret(ed25519.generate())), SIGN)

    assert [one["accepted"] for one in ask(library, (SECRET, request))] == [True]


@libraries
def test_what_was_touched_on_the_way_or_signed_by_another_is_refused(ask: Ask, library: str) -> None:
    request = sent(SIGN)
    said = ask(library, *((SECRET, one) for one in tampered(request).values()), (FOREIGN, request))

    assert [one["accepted"] for one in said] == [False] * 6
    assert not any(one["error"].startswith("unexpected") for one in said)
