"""`[http]`: by which name, path, proxy and certificate it is reached, and what strangers see."""

import os
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat
from cryptography.hazmat.primitives.serialization import load_pem_private_key as private_key

from daemon.config.certificates import out_of_date
from daemon.config.load import ConfigError, load
from daemon.config.settings import Http
from tests.support.certificates import Authority
from tests.support.config_files import ENVIRON, SMS, SYSTEM, config, faults, warnings, written

NOW = datetime(2026, 11, 23, tzinfo=UTC)
TLS = 'tls_cert = "cert.pem"\ntls_key = "key.pem"\n'
EVERYTHING = TLS + (
    'url = "https://phones.example.org/yemotd/"\nprefix = "/yemotd/"\n'
    'trusted_proxies = ["127.0.0.1", "10.0.0.0/8"]\n'
    'visitors = "status"\npublic = ["main/queue/*"]\nbadges = ["*/*"]\nfeed = true\n'
)


def http(settings: str) -> str:
    return f'[http]\nlisten = "127.0.0.1:0"\ntoken_env = "TOKEN"\n{settings}' + SYSTEM + SMS


def other_key(folder: Path) -> bytes:
    content = Authority(folder, "other").issue("other.example.org").read_bytes()
    return content[content.index(b"-----BEGIN PRIVATE KEY") :]


def expired(cert: Path, key: Path) -> None:
    until = datetime(2026, 1, 1, tzinfo=UTC)
    content = Authority(cert.parent, "old").issue("phones.example.org", until=until).read_bytes()
    cert.write_bytes(content)
    key.write_bytes(content)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def pair(tmp_path: Path, authority: Authority) -> tuple[Path, Path]:
    """A certificate and its key, where `TLS` looks for them."""
    content = authority.issue("phones.example.org").read_bytes()
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    end = content.index(b"-----BEGIN PRIVATE KEY")
    cert.write_bytes(content[:end])
    key.write_bytes(content[end:])
    return cert, key


def test_all_of_it_is_read(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    found = config(tmp_path, http(EVERYTHING)).http

    assert (found.prefix, found.base) == ("/yemotd", "https://phones.example.org/yemotd")
    assert found.trusted_proxies == (ip_network("127.0.0.1"), ip_network("10.0.0.0/8"))
    assert found.certificate == pair
    assert (found.visitors, found.public) == ("status", ("main/queue/*",))
    assert (found.badges, found.feed) == (("*/*",), True)


def test_nothing_of_it_is_on_by_default() -> None:
    found = Http()

    assert (found.base, found.prefix, found.trusted_proxies, found.certificate) == (None, "", (), None)
    assert (found.visitors, found.public, found.badges, found.feed) == ("nothing", (), (), False)


@pytest.mark.parametrize(
    ("url", "prefix", "base"),
    [
        ("https://phones.example.org", "", "https://phones.example.org"),
        ("https://phones.example.org/", "/yemotd", "https://phones.example.org/yemotd"),
        ("https://phones.example.org/yemotd", "/yemotd", "https://phones.example.org/yemotd"),
        ("https://phones.example.org/a", "/b/c", "https://phones.example.org/a/b/c"),
    ],
)
def test_links_begin_with_the_url_and_the_prefix_once(url: str, prefix: str, base: str) -> None:
    assert Http(url=url, prefix=prefix).base == base


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ('url = "phones.example.org"\n', '[http] url: expected a URL that starts with "https://"'),
        ('url = "https://a.example.org/?q"\n', '[http] url: must end with the host or the path, without "?"'),
        ('url = "https://a:b@a.example.org/"\n', "[http] url: must not hold a user name or password"),
        ('prefix = "yemotd"\n', "[http] prefix = 'yemotd': expected a path such as \"/yemotd\""),
        ('prefix = "/a//b"\n', "[http] prefix = '/a//b': expected a path"),
        ('prefix = "/a/../b"\n', "[http] prefix = '/a/../b': expected a path"),
        ('prefix = "/a?b"\n', "[http] prefix = '/a?b': expected a path"),
        ('prefix = "/livez"\n', "[http] prefix = '/livez': is where a probe answers"),
        (
            'trusted_proxies = ["nginx"]\n',
            "[http] trusted_proxies = 'nginx': expected an address or a network",
        ),
        ('tls_cert = "cert.pem"\n', '[http] "tls_cert" goes with "tls_key": give both, or none'),
        ('tls_key = "key.pem"\n', '[http] "tls_key" goes with "tls_cert": give both, or none'),
        ('visitors = "all"\n', "[http] visitors = 'all': expected 'nothing' or 'status'"),
        ('visitors = "status"\n', '[http] visitors = "status" needs public, the subjects to show'),
        ('badges = ["main"]\n', "[http] badges = 'main': expected \"system/subject\""),
        ('public = ["/queue/5"]\n', "[http] public = '/queue/5': expected \"system/subject\""),
        ('feed = "yes"\n', "[http] feed = 'yes': expected true or false"),
    ],
)
def test_what_is_wrong_is_said_with_the_way_out(tmp_path: Path, settings: str, told: str) -> None:
    (found,) = faults(tmp_path, http(settings))

    assert found.startswith(told)


def test_a_pair_that_can_be_used_has_no_fault(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    assert load(written(tmp_path, http(TLS)), ENVIRON, now=NOW).warnings == ()


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda cert, _: cert.unlink(), "[http] tls_cert = 'cert.pem': cannot be read: No such file"),
        (lambda _, key: key.unlink(), "[http] tls_key = 'key.pem': cannot be read: No such file"),
        (lambda cert, _: cert.write_text("no"), "[http] tls_cert = 'cert.pem': holds no certificate in PEM"),
        (lambda _, key: key.write_text("no"), "[http] tls_key = 'key.pem': holds no private key in PEM"),
        (lambda cert, key: cert.write_bytes(key.read_bytes()), "[http] tls_cert = 'cert.pem': holds no cert"),
        (
            lambda cert, key: key.write_bytes(cert.read_bytes()),
            "[http] tls_key = 'key.pem': holds no private",
        ),
        (
            lambda _, key: key.write_bytes(
                private_key(key.read_bytes(), None).private_bytes(
                    Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")
                )
            ),
            "[http] tls_key = 'key.pem': is encrypted, and nobody is there to type its password; take it "
            "off: openssl pkey -in key.pem -out key.pem",
        ),
        (
            lambda _, key: key.write_bytes(other_key(key.parent)),
            "[http] tls_key = 'key.pem': is not the key of the certificate in tls_cert",
        ),
        (
            expired,
            "[http] tls_cert = 'cert.pem': has expired at 2026-01-01T00:00:00Z; renew it, and reload",
        ),
    ],
)
def test_a_pair_that_cannot_be_used_is_a_fault(
    tmp_path: Path, pair: tuple[Path, Path], spoil: object, told: str
) -> None:
    assert callable(spoil)
    spoil(*pair)

    with pytest.raises(ConfigError) as refused:
        load(written(tmp_path, http(TLS)), ENVIRON, now=NOW)
    (found,) = refused.value.faults
    assert found.startswith(told)


def test_a_pipe_in_place_of_a_file_holds_nobody_up(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    pair[0].unlink()
    os.mkfifo(pair[0])

    (found,) = faults(tmp_path, http(TLS))
    assert found.startswith("[http] tls_cert = 'cert.pem': holds no certificate")


def test_the_date_alone_keeps_no_daemon_from_its_start(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    expired(*pair)

    assert config(tmp_path, http(TLS)).http.certificate == pair
    assert (out_of_date(pair[0], NOW) or "").startswith("has expired")
    assert (out_of_date(pair[0], datetime(1999, 1, 1, tzinfo=UTC)) or "").startswith("counts from 2000-01-01")
    assert out_of_date(pair[0], datetime(2025, 1, 1, tzinfo=UTC)) is None


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (
            'url = "http://phones.example.org"\n',
            "[http] url: who follows a link from outside goes there unencrypted; use https",
        ),
        ('url = "http://localhost:8470"\n', None),
        (
            'trusted_proxies = ["10.0.0.1", "0.0.0.0/0"]\n',
            '[http] trusted_proxies, entry 2: "0.0.0.0/0" is everybody',
        ),
        ('public = ["main/queue/*"]\n', '[http] public: is shown to nobody until visitors = "status"'),
        ("feed = true\n", "[http] feed = true: everybody who reaches the daemon reads which phones"),
        ('badges = ["mian/queue/5"]\n', '[http] badges: "mian/queue/5": no system has this name'),
        ('badges = ["ma*/queue/5"]\n', None),
    ],
)
def test_what_is_odd_is_warned_of(tmp_path: Path, settings: str, told: str | None) -> None:
    assert [one[: len(told or one)] for one in warnings(tmp_path, http(settings))] == ([told] if told else [])


@pytest.mark.parametrize(
    ("listen", "settings", "is_odd"),
    [
        ("0.0.0.0:0", "", True),
        ("[::]:0", "", True),
        ("phones.example.org:0", "", True),
        ("127.0.0.1:0", "", False),
        ("[::1]:0", "", False),
        ("localhost:0", "", False),
        ("0.0.0.0:0", TLS, False),
        ("0.0.0.0:0", 'trusted_proxies = ["10.0.0.1"]\n', False),
    ],
)
def test_tokens_that_go_unencrypted_are_warned_of(
    tmp_path: Path, pair: tuple[Path, Path], listen: str, settings: str, is_odd: bool
) -> None:
    told = warnings(tmp_path, http(settings).replace("127.0.0.1:0", listen))

    assert [one.partition(";")[0] for one in told] == (
        [f"[http] listen = '{listen}': tokens go there unencrypted"] if is_odd else []
    )
