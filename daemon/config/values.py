"""The kinds of value that a setting can be: how each is read from TOML, and what is refused.

No table and no file is known here. A validator raises ValueError with a message for people, which
follows the key and its value: `every = '10ms': at least 200ms`.
"""

import re
from collections.abc import Callable, Iterable
from datetime import time, timedelta
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationInfo,
)
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from daemon.core import durations, mail_addresses
from daemon.core.headers import unfit
from daemon.core.hidden import hidden
from daemon.core.wording import quoted
from daemon.store.location import CHECKPOINT

SHORTEST_INTERVAL = timedelta(milliseconds=200)
"""Ours: a poll more often would begin before the one before has ended."""
LONGEST_TIMEOUT = timedelta(hours=1)
"""Ours: nobody waits for an answer so long, and what waits in the kernel counts milliseconds in 32 bits."""
MOST_DIGITS = 9
LARGEST = 10**12
"""Ours: of any number; a sum of such is still exact in the store and in JSON."""
DATABASES = frozenset({"sqlite", "postgresql"})
HIGHEST_PORT = 65535
"""Of TCP: 16 bits (RFC 9293, section 3.1)."""
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
"""ASCII's control characters (RFC 20)."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_LISTEN = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\s:\[\]\x00-\x1f\x7f]+)):([0-9]{1,5})")


class Settings(BaseModel):
    """What all tables share."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, defer_build=True)

    def credentials(self) -> Iterable[str]:
        """What is secret in a table's texts, beside those that are secrets as a whole."""
        return ()


def listen_address(listen: str) -> tuple[str, int] | None:
    """Host, without brackets, and port (0: any that is free) of `host:port`; None for "", which is off.

    Raises ValueError for what is neither.
    """
    if not listen:
        return None
    written = _LISTEN.fullmatch(listen)
    if written is None or int(written[3]) > HIGHEST_PORT:
        raise ValueError('expected host:port, such as "127.0.0.1:8470" or "[::1]:8470"; "" turns it off')
    if written[1]:
        _ip(written[1])
    else:
        _host_name(written[2])
    return written[1] or written[2], int(written[3])


def split_url(url: str) -> SplitResult:
    """The parts of an http or https URL that names a host, and no user or password.

    Raises ValueError for any other, without a part of it that is seen.
    """
    seen(url)
    if not url.isascii() or re.search(r"[\x00-\x20\x7f\\]", url):
        raise ValueError("has a space, a backslash or a sign that is not ASCII; percent-encode it")
    try:
        parts = urlsplit(url)
        _ = parts.port  # read for its ValueError
        if "[" in parts.netloc:
            ip_address(parts.hostname or "")
    except ValueError:
        raise ValueError("its host or port is not one") from None
    if parts.scheme not in ("http", "https"):
        raise ValueError('expected a URL that starts with "https://" or "http://"')
    if "@" in parts.netloc:
        raise ValueError("must not hold a user name or password: URLs end up in logs")
    if not parts.hostname:
        raise ValueError("names no host")
    _host_name(parts.hostname)
    return parts


def is_loopback(host: str) -> bool:
    """Whether a URL's host is this machine itself, without asking any name server."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def queue_key(path: str) -> str:
    """What makes two paths the same extension: `/5`, `5` and `5/`; `/` and `.` are the main one."""
    return path.strip("/") or "."


def once(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """A list without its like twice, or a ValueError."""
    if len(set(values)) < len(values):
        raise ValueError("names one of its entries twice")
    return values


def some(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """A list with at least one entry, or a ValueError; not asked where an entry has a fault already."""
    if not values:
        raise ValueError("must not be empty")
    return values


def _duration(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    # Anything but text gets the same answer as a text that is no duration.
    return durations.parse(value if isinstance(value, str) else "")


def _at_least(least: timedelta) -> Callable[[timedelta], timedelta]:
    def check(value: timedelta) -> timedelta:
        if value < least:
            raise ValueError(f"at least {durations.show(least)}")
        return value

    return check


def seen(value: str, *, tolerated: frozenset[str] = frozenset()) -> str:
    """A text that is compared, dialled or sent, all of which is seen, or a ValueError. `tolerated`: Unicode's
    categories of signs that are no matter."""
    found = hidden(value, tolerated=tolerated)
    if found:
        raise ValueError(f"has {found} in it, which nobody sees")
    return value


def at_most(most: timedelta) -> Callable[[timedelta], timedelta]:
    """A validator of durations."""

    def check(value: timedelta) -> timedelta:
        if value > most:
            raise ValueError(f"at most {durations.show(most)}")
        return value

    return check


def _rate(value: float) -> float:
    from daemon.core.delivery import rate  # noqa: PLC0415 - a cold start is measured

    if reason := rate.fault(value):
        raise ValueError(reason)
    return value


def _text(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be empty")
    if value != value.strip():
        raise ValueError("begins or ends with a blank")
    return value


def _word(value: str) -> str:
    if " " in _text(value):
        raise ValueError("has a blank in it")
    return value


def _header_text(value: str) -> str:
    reason = unfit(value)
    if reason:
        raise ValueError(reason)
    return value


def is_name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise ValueError('expected letters, digits, "_", "." and "-", a letter or digit first')
    return value


def _url(value: str) -> str:
    split_url(value)
    return value


def _base_url(value: str) -> str:
    parts = split_url(value)
    if parts.query or parts.fragment:
        raise ValueError('must end with the path, without "?" or "#"')
    return value.rstrip("?#/") + "/"


def _listen(value: str) -> str:
    listen_address(value)
    return value


def _database(value: str) -> str:
    scheme, separator, _ = value.partition("://")
    is_ours = separator and scheme.partition("+")[0] in DATABASES
    if not is_ours or not _is_read(value):
        raise ValueError('expected "sqlite:///yemotd.db" or "postgresql+psycopg://host/name"')
    url = make_url(value)
    _find_driver(url)
    if url.get_backend_name() == "sqlite":
        _check_file(url)
    return value


def _check_file(url: URL) -> None:
    """A file, and nothing that leads to it by another way: who has it is known by its name."""
    if not url.database or url.database.startswith(":memory:"):
        raise ValueError('expected the path of a file, as in "sqlite:///yemotd.db"')
    unknown = sorted(set(url.query) - {CHECKPOINT})
    if unknown:
        named = ", ".join(map(quoted, unknown))
        raise ValueError(f"has {named} behind the path; expected {CHECKPOINT} at most")
    pages = url.query.get(CHECKPOINT, "0")
    if not (isinstance(pages, str) and pages.isascii() and pages.isdecimal() and len(pages) <= MOST_DIGITS):
        raise ValueError(f"{CHECKPOINT} has to be a number of pages; 0: never")


def _find_driver(url: URL) -> None:
    """What the program would find out at its start."""
    try:
        dialect = url.get_dialect()
        dialect.import_dbapi()
    except NoSuchModuleError:
        raise ValueError(f"there is no {quoted(url.drivername)}; expected postgresql+psycopg") from None
    except ImportError:
        way_out = 'pip install "yemotd[postgres]"'
        raise ValueError(f"needs {url.get_driver_name()}, which is not installed: {way_out}") from None
    if dialect.is_async:
        raise ValueError(f"{quoted(url.drivername)} cannot be used; expected postgresql+psycopg")


def _is_read(database: str) -> bool:
    try:
        make_url(database)
    except (ArgumentError, ValueError):  # ValueError: a port that is no number
        return False
    return True


def _timezone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise ValueError('expected the name of a time zone, such as "Asia/Jerusalem"') from None
    return value


def _mailbox(value: str) -> str:
    mail_addresses.parse(value)
    return value


def _host(value: str) -> str:
    if not value or re.search(r"[\s/@\[\]]", value):
        raise ValueError('expected the name or address of a host, such as "mail.example.org"')
    _host_name(value)
    return value


def _host_name(value: str) -> None:
    """Raises ValueError for what is neither an address nor a name; a dot may end it."""
    if not _is_ip(value) and not mail_addresses.is_host(value.removesuffix(".")):
        dots = ": there are two dots in a row" if ".." in value else ""
        raise ValueError(f"{quoted(value)} is no name that a host can have{dots}")


def _is_ip(value: str) -> bool:
    try:
        ip_address(value)
    except ValueError:
        return False
    return True


def _ip(value: str) -> None:
    if not _is_ip(value):
        raise ValueError(f'"{value}" is not an IP address')


def _network(value: object) -> IPv4Network | IPv6Network:
    try:
        # Numbers would be taken for addresses.
        return ip_network(str(value) if not isinstance(value, int) else "")
    except ValueError:
        raise ValueError('expected an address or a network, such as "10.0.0.5" or "10.0.0.0/8"') from None


def _path(value: object, info: ValidationInfo) -> Path:
    """A path beside the configuration file; the context says where that is."""
    if not isinstance(value, str | Path):
        raise ValueError("expected the path of a file")
    return Path((info.context or {}).get("directory", "")) / value


def _file(value: object) -> Path:
    """A path that is relative to the working directory."""
    if isinstance(value, Path):
        return value
    if not isinstance(value, str) or not value.strip() or value.endswith("/"):
        raise ValueError("expected the path of a file")
    return Path(seen(value))


def _clock_time(value: object) -> time:
    if isinstance(value, time):
        return value.replace(tzinfo=None)
    if isinstance(value, str) and re.fullmatch(r"[0-9]{2}:[0-9]{2}", value):
        try:
            return time.fromisoformat("00:00" if value == "24:00" else value)
        except ValueError:
            pass
    raise ValueError('expected a time of day such as "22:00"')


ClockTime = Annotated[time, BeforeValidator(_clock_time)]
Duration = Annotated[timedelta, BeforeValidator(_duration)]
Wait = Annotated[Duration, AfterValidator(_at_least(timedelta(milliseconds=1)))]
Timeout = Annotated[Wait, AfterValidator(at_most(LONGEST_TIMEOUT))]
Drain = Annotated[Duration, AfterValidator(at_most(LONGEST_TIMEOUT))]
Every = Annotated[Duration, AfterValidator(_at_least(SHORTEST_INTERVAL))]
Whole = Annotated[int, Field(strict=True, ge=-LARGEST, le=LARGEST)]
Port = Annotated[int, Field(strict=True, ge=1, le=HIGHEST_PORT)]
# Of whatever kind a text is, it is one of these first.
Seen = Annotated[str, AfterValidator(seen)]
Text = Annotated[Seen, AfterValidator(_text)]
Word = Annotated[Seen, AfterValidator(_word)]
"""A text without a blank in it: a path, or a pattern of names."""
Number = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=-LARGEST, le=LARGEST)]
Rate = Annotated[Number, AfterValidator(_rate)]
HeaderText = Annotated[Text, AfterValidator(_header_text)]
Name = Annotated[Seen, AfterValidator(is_name)]
Url = Annotated[Seen, AfterValidator(_url)]
BaseUrl = Annotated[Seen, AfterValidator(_base_url)]
Listen = Annotated[Seen, AfterValidator(_listen)]
# A password may stand in it, so it is not shown.
DatabaseUrl = Annotated[Seen, AfterValidator(_database), Field(repr=False)]
Timezone = Annotated[Seen, AfterValidator(_timezone)]
Mailbox = Annotated[Seen, AfterValidator(_mailbox)]
Host = Annotated[Seen, AfterValidator(_host)]
Block = Annotated[IPv4Network | IPv6Network, PlainValidator(_network)]
BesideConfig = Annotated[Path, BeforeValidator(_path)]
LocalFile = Annotated[Path, BeforeValidator(_file)]
