"""`/usr/bin/yemotd` of the package: which verbs run as the service's user, wherever their options stand."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.paths import ROOT

STUBS = {"id": "echo 0", "systemd-run": 'echo as the service "$@"', "yemotd": 'echo as root "$@"'}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("run", "as the service"),
        ("-c x.toml run", "as the service"),
        ("--config x.toml poll --dry-run", "as the service"),
        ("--config=x.toml poll", "as the service"),
        ("db -c x.toml upgrade", "as the service"),
        ("-c run status", "as root"),
        ("--url poll --token-file run status", "as root"),
        ("events list --type poll", "as root"),
        ("db check", "as root"),
        ("", "as root"),
    ],
)
def test_what_makes_files_runs_as_the_user_of_the_service(tmp_path: Path, words: str, said: str) -> None:
    for name, does in STUBS.items():
        stub = tmp_path / name
        stub.write_text(f"#!/bin/sh\n{does}\n")
        stub.chmod(0o755)
    (tmp_path / "credentials").mkdir()
    script = (ROOT / "packaging" / "yemotd").read_text(encoding="utf-8")
    script = script.replace("/opt/yemotd/bin/yemotd", str(tmp_path / "yemotd"))
    script = script.replace("/etc/yemotd/credentials", str(tmp_path / "credentials"))
    ended = subprocess.run(
        ["/bin/sh", "-c", script, "yemotd", *words.split()],
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )

    assert ended.stdout.startswith(said)
    assert ended.stdout.strip().endswith(words.rsplit(maxsplit=1)[-1] if words else "root")
