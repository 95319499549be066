"""Where secrets come from: the file itself, another file, systemd's credentials, the environment.

What is read here is checked for being usable as a secret and shown to nobody: no value of a secret is
part of any message.
"""

import base64
import binascii
import os
import re
import stat
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import InstanceOf, PlainValidator

from daemon.config.values import CONTROL, Settings, seen, split_url
from daemon.config.wording import is_like_secret
from daemon.core.headers import unfit
from daemon.core.model import Secret
from daemon.core.webhooks.signing import PREFIX, PRIVATE_PREFIX, PUBLIC_PREFIX
from daemon.core.wording import quoted

WAYS = ("", "_file", "_credential", "_env")
"""What may follow a secret's key, to say where its value stands."""
SYSTEMDS = ("/", "run", "credentials")
"""Where systemd puts what a service has: a copy, made when it starts."""
NEW = (
    "credentials are handed over when the service starts, not at a reload: put the file into "
    "/etc/yemotd/credentials, then `systemctl restart yemotd`"
)
FOLDER = "yemotd_"
"""What stands before the name of a credential that came out of a folder: LoadCredential=yemotd:/etc/…"""
MAX_BYTES = 64 * 1024
"""Ours. Of a file with a secret in it; more is some other file."""
_OTHER_SCHEME = re.compile(r"(?!https?:)[a-z][a-z0-9+.-]*://.")
WEBHOOK_KEY_BYTES = range(24, 65)
"""The length of a symmetric key by Standard Webhooks 1.0.0, "Signature scheme"."""


@dataclass(frozen=True)
class Sources:
    """What the references of one configuration file lead to."""

    directory: Path
    """Of the configuration file: paths in it are relative to here."""
    environ: Mapping[str, str]
    is_shared: bool
    """Whether its group or others can read the configuration file."""
    files: list[Path] = field(default_factory=list, compare=False)
    """Those that were named for a secret, readable or not."""

    def value(self, way: str, given: str) -> str:
        """The secret that `given` is, or leads to. Raises ValueError with the reason there is none."""
        readers: dict[str, Callable[[str], str]] = {
            "": lambda text: text,
            "_file": self._file,
            "_credential": self._handed_over,
            "_env": self._variable,
        }
        try:
            value = readers[way](given)
        except ValueError:
            if way and (is_like_secret(given) or "://" in given):
                raise ValueError("holds the secret itself; it should say where that stands") from None
            raise
        return _checked(_without_newline(value))

    def exposure(self, way: str, given: str) -> str | None:
        """Why others can read this secret; None where they cannot. Raises OSError where its file is gone."""
        if way == "":
            return "stands in a file that its group or others can read: chmod 600" if self.is_shared else None
        if way != "_file" or not self._path(given).stat().st_mode & stat.S_IROTH:
            return None
        return "others can read the file: chmod o-r"

    def _file(self, name: str) -> str:
        path = self._path(name)
        self.files.append(path)
        return _content(path, name)

    def _handed_over(self, name: str) -> str:
        path = self._credential(name)
        try:
            return _content(path, name)
        except ValueError as error:
            if not path.exists() and path.parts[:3] == SYSTEMDS:
                raise ValueError(f"{error}; {NEW}") from None
            raise

    def _path(self, name: str) -> Path:
        if not name or "\0" in name:
            raise ValueError("expected the path of a file")
        return self.directory / name

    def _credential(self, name: str) -> Path:
        if not re.fullmatch(r"[^/\0]+", name) or name in (".", ".."):
            raise ValueError("expected the name of a credential, without slashes")
        directory = self.environ.get("CREDENTIALS_DIRECTORY")
        if not directory:
            raise ValueError("$CREDENTIALS_DIRECTORY is not set; systemd sets it for LoadCredential=")
        path = Path(directory, name)
        of_folder = path.with_name(FOLDER + name)
        return of_folder if os.path.exists(of_folder) and not os.path.exists(path) else path

    def _variable(self, name: str) -> str:
        if not self.environ.get(name):
            raise ValueError("this environment variable is not set, or empty")
        return self.environ[name]


def check_token(text: str) -> None:
    """Raises ValueError for what no HTTP header can carry."""
    reason = unfit(text)
    if reason:
        raise ValueError(reason)


def check_signing(text: str) -> None:
    """Raises ValueError for what is no symmetric secret of Standard Webhooks."""
    seen(text)
    if text.startswith((PRIVATE_PREFIX, PUBLIC_PREFIX)):
        raise ValueError("is a key for asymmetric signatures (v1a); expected a symmetric one, whsec_…")
    if not text.startswith(PREFIX):
        raise ValueError("expected whsec_ and base64")
    try:
        key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("expected base64 after whsec_") from None
    if len(key) not in WEBHOOK_KEY_BYTES:
        least, most = WEBHOOK_KEY_BYTES[0], WEBHOOK_KEY_BYTES[-1]
        raise ValueError(f"expected {least} to {most} bytes in base64 after whsec_, found {len(key)}")


def check_signing_key(text: str) -> None:
    """Raises ValueError for what is no private key of Standard Webhooks' asymmetric signatures."""
    seen(text)
    if text.startswith(PREFIX):
        raise ValueError("is a symmetric secret, which is for `secret`; expected whsk_…")
    from daemon.senders import ed25519  # noqa: PLC0415 - it takes a while, and few have such a key

    ed25519.signer(Secret(text))


def check_url(text: str) -> None:
    """Raises ValueError for what is no URL."""
    split_url(text)


def check_address(text: str) -> None:
    """Raises ValueError for what is no URL, of whatever scheme: which of them may be goes by the format."""
    if _OTHER_SCHEME.match(text):
        seen(text)
    else:
        split_url(text)


def check_apprise(text: str) -> None:
    """Raises ValueError for what is no URL of Apprise's, or where Apprise is not installed."""
    seen(text)
    from daemon.senders import notify  # noqa: PLC0415 - few have such an endpoint

    if not notify.is_available():
        raise ValueError('needs Apprise: pip install "yemotd[apprise]"')
    wrong = notify.fault(text)
    if wrong:
        raise ValueError(wrong)


@dataclass(frozen=True)
class SecretKind:
    """What a secret must be, beside the type of a field that holds it."""

    check: Callable[[str], None]
    """Raises ValueError, without a part of it, for what it is not."""
    may_have_blanks: bool = False
    """Whether one at its ends may be meant, as in a password. Elsewhere it is an editor's."""
    is_open_here: bool = False
    """Whether what stands in the configuration itself is a plain setting, and a secret only elsewhere."""
    check_beside: Callable[[str, Mapping[str, Any]], None] = lambda _text, _table: None
    """The same as `check`, by what else its table says, which nobody has judged yet."""

    def taken(self, value: str, way: str) -> str:
        """The secret that was found: of what stands in a place of its own, without blanks around it."""
        return value if self.may_have_blanks or not way else value.strip()


AnySecret = InstanceOf[Secret]
"""Nothing more than what every secret must be."""
Token = Annotated[AnySecret, SecretKind(check_token)]
SigningSecret = Annotated[AnySecret, SecretKind(check_signing)]
SigningKey = Annotated[AnySecret, SecretKind(check_signing_key)]
SecretUrl = Annotated[AnySecret, SecretKind(check_url)]
AppriseUrl = Annotated[AnySecret, SecretKind(check_apprise)]


def held(settings: Settings) -> list[str]:
    """Every secret of a table and of those within it: what no log may show."""
    return [*_within(settings)]


def revealed(value: Secret | str) -> str:
    """What a setting says that may be a secret."""
    return value.value if isinstance(value, Secret) else value


def _open_url(value: object) -> Secret | str:
    if isinstance(value, Secret):
        return value  # judged where it was fetched
    text = _text(value)
    check_address(text)
    return text


def _open_header(value: object) -> Secret | str:
    return value if isinstance(value, Secret) else _text(value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("expected text in quotes")
    return value


def _by_format(url: str, table: Mapping[str, Any]) -> None:
    form = table.get("format", "standard")
    if form == "standard":
        split_url(url)
        return
    from daemon.config.messengers import check_url  # noqa: PLC0415 - a cold start is measured

    check_url(form, url)


def _token_by_format(token: str, table: Mapping[str, Any]) -> None:
    if table.get("format", "standard") == "standard":
        return
    from daemon.config.messengers import check_token as check  # noqa: PLC0415 - a cold start is measured

    check(table["format"], token)


WebhookToken = Annotated[AnySecret, SecretKind(check_token, check_beside=_token_by_format)]
"""Of a bot, or of an account, as its format has them."""
WebhookUrl = Annotated[
    Secret | str,
    SecretKind(check_address, is_open_here=True, check_beside=_by_format),
    PlainValidator(_open_url),
]
"""As text where it stands in the configuration, and a secret where it comes from elsewhere."""
HeaderValue = Annotated[
    Secret | str, SecretKind(check_token, is_open_here=True), PlainValidator(_open_header)
]
"""The same."""


TemplateValue = Annotated[
    Secret | str,
    SecretKind(lambda _text: None, may_have_blanks=True, is_open_here=True),
    PlainValidator(_open_header),
]
"""The same, of whatever kind."""


def _within(value: object) -> Iterator[str]:
    if isinstance(value, Secret):
        yield value.value
    elif isinstance(value, Settings):
        yield from value.credentials()
        for name in type(value).model_fields:
            yield from _within(getattr(value, name))
    elif isinstance(value, tuple):
        for one in value:
            yield from _within(one)


def _content(path: Path, given: str) -> str:
    try:
        content = _bytes(path)
    except OSError as error:
        where = "" if str(path) == given else f"{quoted(str(path))} "
        raise ValueError(f"{where}cannot be read: {error.strerror}") from None
    if len(content) > MAX_BYTES:
        raise ValueError("is too large a file for a secret")
    try:
        return content.removeprefix(BOM_UTF8).decode()
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8 text") from None


def _bytes(path: Path) -> bytes:
    """Of a regular file, `MAX_BYTES` and one more at most: a pipe or a terminal would wait for somebody who
    writes, and would have it once. Raises OSError or ValueError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise ValueError("is a folder; give the name of a file in it")
        if not stat.S_ISREG(mode):
            raise ValueError("is a pipe, a device or a socket; a secret stands in a file")
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(MAX_BYTES + 1)
    finally:
        os.close(descriptor)


def _without_newline(text: str) -> str:
    return text.removesuffix("\n").removesuffix("\r")


def _checked(text: str) -> str:
    if not text.strip():
        raise ValueError("is empty")
    if CONTROL.search(text):
        raise ValueError("has a NUL, a line break or another control character in it")
    return text
