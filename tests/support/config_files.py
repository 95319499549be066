"""Configuration files for tests: written to a directory, loaded, or refused."""

import base64
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import pytest

from daemon.config.load import ConfigError, Loaded, load
from daemon.config.settings import Config
from daemon.config.values import Settings

SIGNING = "whsec_" + base64.b64encode(bytes(range(32))).decode()
ENVIRON = {"TOKEN": "0773137770:secret-of-the-system", "SIGNING": SIGNING}

SYSTEM = """
[[systems]]
name = "main"
token_env = "TOKEN"
"""
SMS = "[systems.sms]\n"
QUIET = "[http]\nlisten = ''\n"
"""With this, a file has nothing to be warned of."""
QUEUE = SYSTEM + '[[systems.queues]]\npath = "/5"\n'
THRESHOLD = QUEUE + '[[systems.queues.thresholds]]\nmetric = "calls_waiting"\n'
WEBHOOK = """
[[webhooks]]
name = "crm"
url = "https://crm.example.org/hook"
secret_env = "SIGNING"
"""


def tables(model: type[Settings] = Config) -> Iterator[type[Settings]]:
    """The models of a table and of those within it."""
    yield model
    for one in model.model_fields.values():
        for inner in _models(one.annotation):
            yield from tables(inner)


def _models(annotation: Any) -> Iterator[type[Settings]]:
    if isinstance(annotation, type) and issubclass(annotation, Settings):
        yield annotation
    for one in get_args(annotation):
        yield from _models(one)


def written(directory: Path, text: str, *, mode: int = 0o600) -> Path:
    """A configuration file that only its owner can read, unless `mode` says otherwise."""
    path = directory / "config.toml"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def loaded(directory: Path, text: str, environ: Mapping[str, str] = ENVIRON) -> Loaded:
    return load(written(directory, text), environ)


def config(directory: Path, text: str) -> Config:
    return loaded(directory, text).config


def faults(directory: Path, text: str, environ: Mapping[str, str] = ENVIRON) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as refused:
        loaded(directory, text, environ)
    return refused.value.faults


def warnings(directory: Path, text: str) -> tuple[str, ...]:
    return loaded(directory, text).warnings


def without_psycopg(monkeypatch: pytest.MonkeyPatch) -> None:
    """The driver of PostgreSQL, which is an extra, as if it were not installed."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
