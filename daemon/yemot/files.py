"""GetIVR2Dir: which files a folder holds, newest first, without asking for three thousand each time.

Its `filesLimit` is by its page an end position, not a count; asked from 0 both are the same. Whether it
heeds the order is seen in the answer, and where it does not, all files are asked for. Whether paging leaves
folders alone does not matter here: they are passed over.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from daemon.core.files import Listed, is_newest_first, newest_first
from daemon.core.model import Failure, Unknown
from daemon.yemot.answers import Data, file
from daemon.yemot.reads import Read
from daemon.yemot.scalars import Fields, boolean, listed, name

FIRST = 16
"""Ours. Files that are asked for at first; some 7 KB."""
MOST = 3000
"""Files and folders in one folder, at most, by its documents."""
LONGEST_NAME = 255
"""Ours. Characters of a name, as file systems have it."""
ARRAYS = ("dirs", "files", "ini", "messages", "html")
"""What a folder holds, by its page."""

Ask = Callable[[Read[Listed]], Listed | Unknown]


def listing(path: str, limit: int | None = None) -> Read[Listed]:
    """GetIVR2Dir: the newest `limit` files by their dates, all of them if None. `/` is the main extension,
    `1`, `ext/1` or `Log` an inner folder."""
    if limit is None:
        return Read("GetIVR2Dir", {"path": path}, files_of)
    params: dict[str, str | int]
    params = {"path": path, "filesFrom": 0, "filesLimit": limit, "orderBy": "date", "orderDir": "desc"}
    return Read("GetIVR2Dir", params, lambda data: _page(files_of(data), data, limit))


def newest(ask: Ask, path: str, is_enough: Callable[[Listed], bool], first: int = FIRST) -> Listed | Unknown:
    """The newest files of a folder, and so many older ones that they are enough, or all.

    `ask`: one question, so as many calls as it takes: each asks for twice as many as the one before.
    `is_enough` is asked of what came in order and is not all; a known file alone is not enough where another
    of the same minute may follow it.
    """
    limit = first
    while limit < MOST:
        found = ask(listing(path, limit))
        if isinstance(found, Unknown) or found.is_whole or (found.is_sorted and is_enough(found)):
            return found
        if not found.is_sorted:
            break
        limit *= 2
    return ask(listing(path))


def widened(
    ask: Ask, path: str, found: Listed, is_enough: Callable[[Listed], bool], first: int = FIRST
) -> Listed | Unknown:
    """The same, where the first question was answered with `found`."""
    if found.is_whole or (found.is_sorted and is_enough(found)):
        return found
    return newest(ask, path, is_enough, 2 * first) if found.is_sorted else ask(listing(path))


def files_of(data: Data) -> Listed | Unknown:
    """The files of an answer, newest first. One without a readable name is left out, and told in
    `problems`; a list that is absent is no empty one."""
    if "files" not in data:
        return Unknown(Failure.MALFORMED, "files: missing")
    entries = listed(data["files"])
    if entries is None or data["files"] is None:
        return Unknown(Failure.MALFORMED, "files: no list")
    fields = Fields()
    # What is said not to exist is left out.
    taken = [file(fields, "files[].", entry) for entry in entries if not _is_gone(entry)]
    files = [one for one in taken if one is not None and _is_one_step(one.name)]
    if fields.has_none("files[].name"):
        return Unknown(Failure.MALFORMED, "; ".join(fields.problems()))
    own = fields.take_optional("extIni.", data.get("extIni"), "type", name)
    return Listed(
        tuple(newest_first(files)),
        is_whole=True,
        is_sorted=is_newest_first(files),
        type=own and own.lower(),
        this_path=fields.take_optional("", data, "thisPath", name),
        parent_path=fields.take_optional("", data, "parentPath", name),
        problems=fields.problems(),
    )


def _page(found: Listed | Unknown, data: Data, limit: int) -> Listed | Unknown:
    """The files of an answer that may not be all. Were folders counted, too, as many as were asked for would
    be files and folders together."""
    if isinstance(found, Unknown):
        return found
    entries = [listed(data.get(key)) or () for key in ARRAYS]
    files = listed(data["files"]) or ()
    return replace(found, is_whole=limit not in (len(files), sum(map(len, entries))))


def _is_gone(entry: object) -> bool:
    return isinstance(entry, Mapping) and boolean(entry.get("exists")) is False


def _is_one_step(called: str) -> bool:
    """Whether a name leads to a file of this folder, and nowhere else."""
    return "/" not in called and called not in (".", "..") and len(called) <= LONGEST_NAME
