"""The tallies of one system in one bucket, as bytes: a few for each stretch of alike subjects. Pure.

    version      1
    then for each stretch of subjects with following numbers and equal tallies:
    gap          numbers between it and the end of the stretch before
    many         of them, twice; and 1, where there are samples
    up, down     milliseconds
    [length]     bytes of the samples, so that who wants none of them need not read them; then each:
                 metric x 4, + 1 seen as long as up and down are, + 2 always the same;
                 [seen], least, [most - least, total - least x seen]

All are numbers of seven bits a byte, the lowest first; what may be negative is folded (0, -1, 1, -2, …).
"""

from collections.abc import Iterator, Mapping

from daemon.core.history.tally import Sample, Tally

VERSION = 1
_WHOLE, _STEADY = 1, 2
_LOW, _MORE = 0x7F, 0x80
ALIKE = 1_000_000
"""Subjects in one stretch; what says more is damaged, and would fill the memory."""


def pack(tallies: Mapping[int, Tally]) -> bytes:
    """Tallies by the numbers of their subjects, which are positive."""
    out, end = bytearray([VERSION]), 0
    for first, many, tally in _stretches(tallies):
        _number(out, first - end)
        _number(out, many << 1 | bool(tally.samples))
        _number(out, tally.up)
        _number(out, tally.down)
        if tally.samples:
            _samples(out, tally)
        end = first + many
    return bytes(out)


def unpack(packed: bytes, only: int | None = None, *, with_samples: bool = True) -> dict[int, Tally]:
    """What `pack` packed; of one subject `only`. Raises ValueError for what it did not."""
    try:
        if packed[0] != VERSION:
            raise ValueError(f"version {packed[0]}")
        if only is None:
            return dict(_unpacked(packed, with_samples=with_samples))
        found = _found(packed, only)
        return {only: _tally(packed, *found, with_samples=with_samples)} if found else {}
    except IndexError:
        raise ValueError("cut short") from None


def _found(packed: bytes, only: int) -> tuple[int, int] | None:
    """The word of the stretch of one subject, how many with its flag, and where its tally begins; None: it
    has none.

    There are a thousand buckets of which one subject is wanted, so nothing of the others is made a number
    of that need not be.
    """
    at, end, size = 1, 0, len(packed)
    while at < size:
        gap, word, at = packed[at], packed[at + 1], at + 2
        if gap > _LOW or word > _LOW:
            gap, at = _read(packed, at - 2)
            word, at = _read(packed, at)
        if only < end + gap:
            return None
        if only < end + gap + (word >> 1):
            return word, at
        end += gap + (word >> 1)
        at = _after(packed, at, 2)
        if word & 1:
            length, at = _read(packed, at)
            at += length
    if at > size:
        raise ValueError("cut short")
    return None


def _after(packed: bytes, at: int, many: int) -> int:
    """Where so many numbers end."""
    for _ in range(many):
        while packed[at] > _LOW:
            at += 1
        at += 1
    return at


def _tally(packed: bytes, word: int, at: int, *, with_samples: bool) -> Tally:
    """That of one stretch alone."""
    if word >> 1 > ALIKE:
        raise ValueError("too many")
    up, at = _read(packed, at)
    down, at = _read(packed, at)
    if not word & 1:
        return Tally(up, down)
    length, at = _read(packed, at)
    if at + length > len(packed):
        raise ValueError("cut short")
    return Tally(up, down, _read_samples(packed[at : at + length], length, up + down) if with_samples else {})


def _unpacked(packed: bytes, *, with_samples: bool) -> Iterator[tuple[int, Tally]]:
    at, end = 1, 0
    while at < len(packed):
        gap, at = _read(packed, at)
        word, at = _read(packed, at)
        up, at = _read(packed, at)
        down, at = _read(packed, at)
        first, end = end + gap, end + gap + (word >> 1)
        if end - first > ALIKE:
            raise ValueError("too many")
        samples: dict[int, Sample] = {}
        if word & 1:
            length, at = _read(packed, at)
            if with_samples:
                samples = _read_samples(packed[at : at + length], length, up + down)
            at += length
        if at > len(packed):
            raise ValueError("cut short")
        tally = Tally(up, down, samples)
        for number in range(first, end):
            yield number, tally


def _stretches(tallies: Mapping[int, Tally]) -> Iterator[tuple[int, int, Tally]]:
    """First number, how many, and the tally of each."""
    numbers = iter(sorted(tallies))
    first = next(numbers, None)
    if first is None:
        return
    many, tally = 1, tallies[first]
    for number in numbers:
        if number == first + many and (tallies[number] is tally or tallies[number] == tally):
            many += 1
            continue
        yield first, many, tally
        first, many, tally = number, 1, tallies[number]
    yield first, many, tally


def _samples(out: bytearray, tally: Tally) -> None:
    inner = bytearray()
    for metric, one in sorted(tally.samples.items()):
        is_whole, is_steady = one.seen == tally.seen, one.least == one.most
        _number(inner, metric << 2 | is_whole * _WHOLE | is_steady * _STEADY)
        if not is_whole:
            _number(inner, one.seen)
        _number(inner, _folded(one.least))
        if not is_steady:
            _number(inner, one.most - one.least)
            _number(inner, one.total - one.least * one.seen)
    _number(out, len(inner))
    out += inner


def _read_samples(packed: bytes, length: int, whole: int) -> dict[int, Sample]:
    if len(packed) < length:
        raise ValueError("cut short")
    numbers = iter(_numbers(packed))
    found = {}
    try:
        for word in numbers:
            seen = whole if word & _WHOLE else next(numbers)
            folded = next(numbers)  # not `_unfolded`: a day of a queue has 13,000 of these
            least = -(folded + 1) // 2 if folded & 1 else folded // 2
            if word & _STEADY:
                found[word >> 2] = Sample(seen, least * seen, least, least)
            else:
                most = least + next(numbers)
                found[word >> 2] = Sample(seen, least * seen + next(numbers), least, most)
    except StopIteration:
        raise ValueError("cut short") from None
    return found


def _numbers(packed: bytes) -> list[int]:
    """All that there are."""
    found, value, shift = [], 0, 0
    for byte in packed:
        if byte <= _LOW:
            found.append(value | byte << shift if shift else byte)
            value = shift = 0
        else:
            value |= (byte & _LOW) << shift
            shift += 7
    if shift:
        raise ValueError("cut short")
    return found


def _folded(value: int) -> int:
    return -2 * value - 1 if value < 0 else 2 * value


def _number(out: bytearray, value: int) -> None:
    while value > _LOW:
        out.append(value & _LOW | _MORE)
        value >>= 7
    out.append(value)


def _read(packed: bytes, at: int) -> tuple[int, int]:
    byte = packed[at]
    value, shift = byte & _LOW, 7
    while byte & _MORE:
        at += 1
        byte = packed[at]
        value |= (byte & _LOW) << shift
        shift += 7
    return value, at + 1
