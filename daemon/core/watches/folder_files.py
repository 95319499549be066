"""Which files of a folder are known, compactly: twelve bytes for each, of thousands.

Pure. A file is known again where its name and unique id are those of a known one, and its date, if both have
one. One that a copy or a move beside it has renumbered is known by what does not change with its place: the
minute, the size, the length, the phone; but only in the stead of one that is listed no more, so that a copy
is a file of its own.

What is listed no more stays known as long as there is room: a listing that was wrongly empty makes no news of
everything when it is right again.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from hashlib import blake2b
from typing import NamedTuple

from daemon.core.files import File, Listed, minute

KEPT = 4096
"""Ours. Files that are known of one folder, which has at most 3,000, once all of it was listed."""
MOST = 2 * KEPT
"""Ours. The same in between."""
PLACE, MINUTE, CONTENT = 5, 4, 3
MARK = PLACE + MINUTE + CONTENT
EPOCH = datetime(2000, 1, 1)  # noqa: DTZ001 - of the platform's clocks, as the dates are
UNDATED = 0


class Key(NamedTuple):
    """One file of a folder."""

    place: bytes
    """A digest of its name and its unique id."""
    minute: int
    """Since 2000, by its date; 0: it has none that can be read."""


@dataclass(frozen=True)
class Known:
    """Files by what tells them apart."""

    packed: bytes = b""
    """`MARK` bytes for each."""

    @cached_property
    def newest(self) -> int:
        """The latest minute of any."""
        return max((key.minute for key in _unpacked(self.packed)), default=UNDATED)

    def __len__(self) -> int:
        return len(self.packed) // MARK

    def __contains__(self, file: File) -> bool:
        return not compare(self, [file]).new

    def having(self, files: Iterable[File]) -> "Known":
        """These, too."""
        return _pack(
            {**dict(_unpacked(self.packed).items()), **{key_of(one): _content(one) for one in files}}
        )


NONE = Known()


@dataclass(frozen=True)
class Compared:
    """What a listing holds, beside what is known."""

    new: tuple[File, ...]
    """Those that are not known, in the order of the listing."""
    known: Known
    """As they are listed now; what is not listed is at its end."""
    listed: int
    """How many of them are."""


def compare(known: Known, files: Sequence[File]) -> Compared:
    """Find the known ones among files. Each known one is found once."""
    left = _unpacked(known.packed)
    seen: dict[Key, bytes] = {}
    rest = list(_not_as_they_were(files, left, seen))
    rest = list(_dated_otherwise(rest, left, seen))
    new = tuple(_not_renumbered(rest, left, seen))
    return Compared(new, _pack({**seen, **left}), len(seen))


def forgetting(compared: Compared) -> Known:
    """What stays known once all of a folder was listed: what it holds, and as much else as there is room for,
    the newest."""
    marks = list(_unpacked(compared.known.packed).items())
    present, absent = marks[: compared.listed], marks[compared.listed :]
    absent.sort(key=lambda one: one[0].minute, reverse=True)
    return _pack(dict([*present, *absent[: max(KEPT - len(present), 0)]]))


def is_enough(known: Known, waiting: Iterable[Key], found: Listed) -> bool:
    """Whether older files, which were not listed, cannot be news: the oldest that was listed is of a minute
    before that of the newest known one, and of everything new or waited for. Within one minute nobody knows
    the order."""
    dates = [key_of(one).minute for one in found.files]
    oldest = min(filter(None, dates), default=UNDATED)
    new = compare(known, found.files).new
    wanted = [known.newest, *(key.minute for key in waiting)]
    wanted += [found for found in (key_of(one).minute for one in new) if found != UNDATED]
    return len(known) <= MOST and UNDATED < oldest < min(wanted)


def again(file: File, files: Iterable[File]) -> File | None:
    """A file of before among those of now, by its place or by what does not change with it; None: it is not
    there. What stands in its place may be another by now."""
    listed, key = list(files), key_of(file)
    by_place = [one for one in listed if key_of(one) == key]
    by_id = [one for one in listed if file.unique_id and one.unique_id == file.unique_id]
    same_minute = [one for one in listed if key.minute != UNDATED and key_of(one).minute == key.minute]
    of_id = [one for one in by_id if one in same_minute or key.minute == UNDATED]
    by_content = [one for one in same_minute if _content(one) == _content(file)]
    return next(iter([*by_place, *of_id, *by_content]), None)


def is_past(file: File, found: Listed) -> bool:
    """Whether a listing reaches back behind the minute of a file, so that it would be in it."""
    dates = [key_of(one).minute for one in found.files]
    oldest = min(filter(None, dates), default=UNDATED)
    return UNDATED < oldest < key_of(file).minute


def key_of(file: File) -> Key:
    """What tells a file from its neighbours."""
    made = minute(file.date)
    minutes = int((made - EPOCH).total_seconds()) // 60 if made is not None else UNDATED
    return Key(_digest(PLACE, file.name, file.unique_id), minutes if 0 < minutes < 2**32 else UNDATED)


def _not_as_they_were(
    files: Iterable[File], left: dict[Key, bytes], seen: dict[Key, bytes]
) -> Iterator[File]:
    for file in files:
        key = key_of(file)
        if key in left:
            del left[key]
            seen[key] = _content(file)
        else:
            yield file


def _dated_otherwise(files: Iterable[File], left: dict[Key, bytes], seen: dict[Key, bytes]) -> Iterator[File]:
    """A date may come late, or be left out for once: of the same name and unique id it is the same file."""
    places: defaultdict[bytes, list[Key]] = defaultdict(list)
    for known in left:
        places[known.place].append(known)
    for file in files:
        key = key_of(file)
        same = [one for one in places[key.place] if UNDATED in (one.minute, key.minute) and one in left]
        if not same:
            yield file
            continue
        content = left.pop(same[0])
        seen[max(key, same[0])] = content if key.minute == UNDATED else _content(file)


def _not_renumbered(files: Iterable[File], left: dict[Key, bytes], seen: dict[Key, bytes]) -> Iterator[File]:
    contents: defaultdict[tuple[int, bytes], list[Key]] = defaultdict(list)
    for known, content in left.items():
        contents[known.minute, content].append(known)
    for file in files:
        key, content = key_of(file), _content(file)
        same = contents[key.minute, content]
        if key.minute == UNDATED or file.size_bytes is None or not same:
            yield file
            continue
        del left[same.pop()]
        seen[key] = content


def _content(file: File) -> bytes:
    return _digest(CONTENT, file.size_bytes, file.duration, file.phone, file.source)


def _digest(size: int, *values: object) -> bytes:
    return blake2b(repr(values).encode("utf-8", "replace"), digest_size=size).digest()


def _pack(marks: Mapping[Key, bytes]) -> Known:
    return Known(
        b"".join(key.place + key.minute.to_bytes(MINUTE) + content for key, content in marks.items())
    )


def _unpacked(packed: bytes) -> dict[Key, bytes]:
    """Contents by key. What is no whole mark is passed over."""
    return {
        Key(packed[at : at + PLACE], int.from_bytes(packed[at + PLACE : at + PLACE + MINUTE])): packed[
            at + PLACE + MINUTE : at + MARK
        ]
        for at in range(0, len(packed) - MARK + 1, MARK)
    }
