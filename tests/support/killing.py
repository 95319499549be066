"""A daemon that is killed at any moment, on either engine: what tests of that have in common."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support import stores
from tests.support.process import Process

HEAD = """\
[daemon]
database = "{database}"
drain = "5s"
[http]
listen = "127.0.0.1:0"
token_file = "http-token"
[[systems]]
name = "main"
token_file = "token"
base_url = "{base_url}"
read_timeout = "2s"
deadline = "2s"
"""
"""How its configuration begins; what follows are keys of the system."""


@contextmanager
def killable(folder: Path, configuration: str, **places: str) -> Iterator[Process]:
    """It, not started yet, on a database of its own; `configuration` comes after `HEAD`."""
    one = Process(folder, HEAD + configuration, database=stores.url_at(folder / "yemotd.db"), **places)
    yield one
    one.stop()
