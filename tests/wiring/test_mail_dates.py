"""A mail says when it was made, by the clock on the wall where the phones are.

Not of the hour that comes twice: a datetime of freezegun forgets which of the two it is.
"""

from contextlib import closing
from pathlib import Path

import pytest
from freezegun import freeze_time

from daemon.config.load import load
from daemon.wiring.senders import Outgoing, styles
from tests.core.rendering.test_mails import phone

CONFIGURATION = """\
[[systems]]
name = "main"
token_file = "token"
[systems.sip]
[smtp]
host = "localhost"
from = "yemotd@pbx.test"
[[emails]]
name = "ops"
to = ["ops@pbx.test"]
"""


@pytest.mark.parametrize(
    ("moment", "date"),
    [
        ("2001-09-09T01:46:40Z", "Sun, 09 Sep 2001 04:46:40 +0300"),
        ("2026-03-26T23:59:59Z", "Fri, 27 Mar 2026 01:59:59 +0200"),
        ("2026-03-27T00:00:00Z", "Fri, 27 Mar 2026 03:00:00 +0300"),
        ("2026-10-24T22:59:59Z", "Sun, 25 Oct 2026 01:59:59 +0300"),
        ("2026-10-25T00:00:00Z", "Sun, 25 Oct 2026 02:00:00 +0200"),
        ("2031-12-31T22:00:00Z", "Thu, 01 Jan 2032 00:00:00 +0200"),
    ],
)
def test_a_mail_has_the_date_of_its_place(tmp_path: Path, moment: str, date: str) -> None:
    (tmp_path / "token").write_text("0770000000:demo")
    (tmp_path / "config.toml").write_text(CONFIGURATION)
    config = load(tmp_path / "config.toml", {}).config
    outgoing = Outgoing(config)
    (endpoint,) = styles(config)

    with closing(outgoing.senders), freeze_time(moment):
        (letter,) = outgoing._compose(endpoint, [phone(1)])

    assert letter.email["Date"] == date
