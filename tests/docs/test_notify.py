"""`[[notify]]` in `docs/mail.md`: its examples are taken by the configuration, its figures are the code's."""

import re
from datetime import datetime
from pathlib import Path

import pytest

from daemon.config.notify import Notify
from daemon.core.delivery.outcome import Attempted, Message, Outcome, Phases, Status
from daemon.core.durations import show
from daemon.wiring.endpoints import routes
from tests.docs.test_docs import blocks
from tests.support.config_files import ENVIRON, QUIET, SMS, SYSTEM, loaded
from tests.support.fakes import START
from tests.support.paths import ROOT

PAGE = (ROOT / "docs" / "mail.md").read_text(encoding="utf-8")
SECTION = PAGE.partition("\n## Other services: messengers and SMS\n")[2]
EXAMPLES = blocks(SECTION, "toml")
URLS = dict(re.findall(r"`([a-z]+-url)` has\s+`(\w+://[^`]+)`", SECTION))
KINDS = {"signal-url": "signals", "sms-url": "twilio"}


def configured(folder: Path, example: str) -> Notify:
    for name, url in URLS.items():
        (folder / name).write_text(url + "\n", encoding="ascii")
        (folder / name).chmod(0o600)
    found = loaded(folder, QUIET + SYSTEM + SMS + example, ENVIRON)
    assert found.warnings == ()
    (one,) = found.config.notify
    return one


def test_every_example_has_its_url() -> None:
    assert {name: url.partition(":")[0] for name, url in URLS.items()} == KINDS
    assert re.findall(r'url_file = "(.*)"', "".join(EXAMPLES)) == [*KINDS]


@pytest.mark.parametrize("example", EXAMPLES, ids=[*KINDS])
def test_an_example_can_be_used(example: str, tmp_path: Path) -> None:
    one = configured(tmp_path, example)

    assert one.url.value == URLS[f"{one.name}-url"]
    assert one.language == "he"


def test_a_url_that_apprise_does_not_know_is_refused(tmp_path: Path) -> None:
    """So that the examples are taken for what they are."""
    (tmp_path / "sms-url").write_text("sms://nobody", encoding="ascii")
    with pytest.raises(Exception, match="is no URL that Apprise knows"):
        loaded(tmp_path, QUIET + SYSTEM + SMS + EXAMPLES[1], ENVIRON)


def test_the_figures_are_the_code_s(tmp_path: Path) -> None:
    plain = configured(tmp_path, '[[notify]]\nname = "sms"\nurl_file = "sms-url"\n')

    assert f"`timeout` ({show(plain.timeout)})" in SECTION
    assert plain.repeat is not None
    assert f"after {show(plain.repeat)}, then twice" in SECTION
    assert (len(plain.retries) + 1, "ten attempts by default" in SECTION) == (10, True)
    assert plain.events == ("*",)


@pytest.mark.parametrize(("retries", "then"), [("", Status.PENDING), ("retries = []\n", Status.DEAD)])
def test_what_was_not_answered_is_tried_again_or_given_up(retries: str, then: Status, tmp_path: Path) -> None:
    example = f'[[notify]]\nname = "sms"\nurl_file = "sms-url"\n{retries}'
    configured(tmp_path, example)
    route = routes(loaded(tmp_path, QUIET + SYSTEM + SMS + example, ENVIRON).config)["sms"]
    attempted = unanswered(START)

    assert route.after(attempted, START, 0.0, is_our_outage=False).status is then
    assert route.after(attempted, START, 0.0, is_our_outage=True).status is Status.PENDING


def unanswered(at: datetime) -> Attempted:
    message = Message(1, "t", "sms", "sip/1", "evt_1", "sip.account.unregistered", b"{}", 1)
    return Attempted(message, Outcome.TIMEOUT, at, Phases(), error="no answer in time")
