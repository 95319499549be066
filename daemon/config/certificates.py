"""Whether `[http] tls_cert` and `tls_key` can be used: each fault with its place, its value and the way out.

Beside what is wrong for good there is what only the date is against. It is a fault where a file is judged
before it is taken over; a daemon that starts goes on with it, for phones are watched in the meantime.
"""

import ssl
import stat
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from daemon.config.wording import Fault, Location, fault

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

CERT: Location = ("http", "tls_cert")
KEY: Location = ("http", "tls_key")
LARGEST = 1_048_576
"""Bytes of a file; ours: a chain has some thousands."""
ENCRYPTED = (
    "is encrypted, and nobody is there to type its password; take it off: openssl pkey -in {0} -out {0}"
)


def certificates(document: Mapping[str, Any], directory: Path, now: datetime | None) -> Iterator[Fault]:
    """The faults of the pair; `now`: also those of its date. Half a pair is the model's to refuse."""
    http = document.get("http")
    table = http if isinstance(http, dict) else {}
    cert, key = table.get("tls_cert"), table.get("tls_key")
    if not isinstance(cert, str) or not isinstance(key, str):
        return
    found = [*_cert(cert, directory), *_key(key, directory)]
    yield from found or _pair(cert, key, directory, now)


def out_of_date(path: Path, now: datetime) -> str | None:
    """Why the date is against a certificate; None where it is not, or where there is none to read."""
    try:
        first = _parsed(_content(path))[0]
    except (OSError, ValueError):
        return None
    since, until = first.not_valid_before_utc, first.not_valid_after_utc
    if now > until:
        return f"has expired at {until:%Y-%m-%dT%H:%M:%SZ}; renew it, and reload"
    if now < since:
        return f"counts from {since:%Y-%m-%dT%H:%M:%SZ} on; is the clock of this machine right?"
    return None


def _cert(name: str, directory: Path) -> Iterator[Fault]:
    try:
        _parsed(_content(directory / name))
    except OSError as error:
        yield fault(CERT, _unreadable(error), name)
    except ValueError:
        yield fault(CERT, "holds no certificate in PEM form, with its chain below it", name)


def _key(name: str, directory: Path) -> Iterator[Fault]:
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - few have a certificate
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    try:
        load_pem_private_key(_content(directory / name), None)
    except TypeError:
        yield fault(KEY, ENCRYPTED.format(name), name)
    except OSError as error:
        yield fault(KEY, _unreadable(error), name)
    except (ValueError, UnsupportedAlgorithm):
        yield fault(KEY, "holds no private key in PEM form", name)


def _pair(cert: str, key: str, directory: Path, now: datetime | None) -> Iterator[Fault]:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(
            directory / cert, directory / key, password=""
        )
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            yield fault(KEY, "is not the key of the certificate in tls_cert; give those of one order", key)
        else:
            yield fault(CERT, f"cannot be used with its key: {error.reason or 'OpenSSL says not why'}", cert)
    except OSError as error:  # gone since it was read
        yield fault(CERT, _unreadable(error), cert)
    reason = out_of_date(directory / cert, now) if now else None
    if reason:
        yield fault(CERT, reason, cert)


def _content(path: Path) -> bytes:
    """Of a regular file, for a pipe would wait for somebody who writes. Raises OSError or ValueError."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise ValueError
    with path.open("rb") as file:
        return file.read(LARGEST)


def _parsed(content: bytes) -> "list[Certificate]":
    from cryptography.x509 import load_pem_x509_certificates  # noqa: PLC0415 - few have a certificate

    return load_pem_x509_certificates(content)


def _unreadable(error: OSError) -> str:
    return f"cannot be read: {error.strerror}; the user that the daemon runs as has to be able to"
