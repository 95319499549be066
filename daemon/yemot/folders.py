"""GetIVR2Dir: what a folder of the tree holds, as far as it says which extensions there are.

The answer lists files as well, up to 3,000, which are passed over. It is asked for whole: whether its paging
counts folders, too, is documented nowhere, and half a list would read as a whole one.
"""

from dataclasses import dataclass

from daemon.core.model import Failure, Unknown
from daemon.yemot.answers import Data
from daemon.yemot.reads import Read
from daemon.yemot.scalars import Fields, listed, name

LONGEST = 255
"""Ours. Characters of a name, as file systems have it; of a title and a type, what is kept."""


@dataclass(frozen=True)
class Folder:
    """One folder within another."""

    name: str
    type: str | None
    """`extType`; None: it is no extension, but data, such as one folder for each caller."""
    title: str | None


@dataclass(frozen=True)
class Listing:
    """What one folder holds."""

    type: str | None
    """Of the folder itself, out of its own settings; None where it has none."""
    folders: tuple[Folder, ...]
    problems: tuple[str, ...] = ()


def folder(path: str) -> Read[Listing]:
    """GetIVR2Dir: `/` is the main extension, `1` or `ext/1` an inner one."""
    return Read("GetIVR2Dir", {"path": path}, listing)


def listing(data: Data) -> Listing | Unknown:
    """The folders of an answer. One without a readable name is left out, and told in `problems`."""
    if "dirs" not in data:
        return Unknown(Failure.MALFORMED, "dirs: missing")
    entries = listed(data["dirs"])
    if entries is None:
        return Unknown(Failure.MALFORMED, "dirs: no list")
    fields = Fields()
    folders = []
    for entry in entries:
        called = fields.take("dirs[].", entry, "name", name)
        kind = fields.take_optional("dirs[].", entry, "extType", name)
        title = fields.take_optional("dirs[].", entry, "extTitle", name)
        if called is not None and _is_one_folder(called):
            folders.append(Folder(called, kind and kind.lower()[:LONGEST], title and title[:LONGEST]))
    if fields.has_none("dirs[].name"):
        return Unknown(Failure.MALFORMED, "; ".join(fields.problems()))
    own = fields.take_optional("extIni.", data.get("extIni"), "type", name)
    return Listing(own and own.lower(), tuple(folders), fields.problems())


def _is_one_folder(called: str) -> bool:
    """Whether a name leads one step down: one that does not could lead round in a circle."""
    return "/" not in called and called not in (".", "..") and len(called) <= LONGEST
