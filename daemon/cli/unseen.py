"""Packages that others would load for what we never ask of them, kept out of their sight.

Each is one that its user looks for and does without: a daemon would keep its memory for all its life.
"""

import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

WHILE_LOADING: Mapping[str, str] = {
    "rich": "structlog, to show tracebacks in colours",
    "greenlet": "structlog, to tell green threads apart; it brings the runtime of C++",
    "chardet": "requests, to guess how a text is encoded; what we read is JSON",
    "charset_normalizer": "the same",
}
"""By name, who wants them for what, while a verb is loaded."""
WHILE_BUILDING: Mapping[str, str] = {"pydantic.v1": "FastAPI, for models of pydantic's first version"}
"""The same, while the daemon is put together."""
_TOLD = "Unable to find acceptable character detection dependency"
"""How requests says that it does without."""


@contextmanager
def out_of_sight(packages: Mapping[str, str]) -> Iterator[None]:
    """Meanwhile none of these can be imported that nobody has imported yet."""
    hidden = [one for one in packages if one not in sys.modules]
    # docs.python.org/3/reference/import.html#the-module-cache
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", _TOLD)
            yield
    finally:
        for one in hidden:
            del sys.modules[one]
