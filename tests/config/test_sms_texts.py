"""`[[texts]]`: what is refused, so that no SMS can bring about another, and none goes without a budget."""

from pathlib import Path

import pytest

from daemon.config.load import ConfigError, load
from daemon.config.settings import Config
from tests.support.config_files import ENVIRON

SYSTEM = """
[[systems]]
name = "main"
token = "0773137770:123456"
sms_units_per_day = 20
[systems.sip]
"""
TEXTS = """
[[texts]]
name = "boss"
system = "main"
to = ["+972-50-123-4567"]
events = ["sip.*"]
"""


def loaded(path: Path, text: str) -> Config:
    (path / "config.toml").write_text(text)
    return load(path / "config.toml", ENVIRON).config


def refused(path: Path, text: str) -> str:
    with pytest.raises(ConfigError) as error:
        loaded(path, text)
    return "\n".join(error.value.faults)


def test_a_phone_is_an_endpoint_with_its_number_in_the_national_form(tmp_path: Path) -> None:
    (one,) = loaded(tmp_path, SYSTEM + TEXTS).texts

    assert (one.to, one.language, one.repeat, one.units_per_day) == (("0501234567",), "he", None, None)


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("*", 'a bare "*" is not taken'),
        ("sms.*", "sms.received, which is no alert"),
        ("s*", "sms.received, which is no alert"),
        ("command.*", "command.succeeded, which is no alert"),
        ("campaign.*", "campaign.finished, which is no alert"),
        ("digest.*", "digest.made, which is no alert"),
        ("alert.acknowledged", "alert.acknowledged, which is no alert"),
        ("report.*", "report.row.added, which is no alert"),
        ("**", "which is no alert"),
        ("?*", "which is no alert"),
        ("queue.caller.*", "is no alert"),
        ("sip.acount.*", "is no alert"),
    ],
)
def test_only_alerts_are_asked_for(tmp_path: Path, pattern: str, said: str) -> None:
    assert said in refused(tmp_path, SYSTEM + TEXTS.replace("sip.*", pattern))


@pytest.mark.parametrize("pattern", ["sip.*", "queue.*", "api.*", "units.low", "endpoint.*", "daemon.*"])
def test_globs_of_parts_with_alerts_are_taken(tmp_path: Path, pattern: str) -> None:
    assert loaded(tmp_path, SYSTEM + TEXTS.replace("sip.*", pattern)).texts


def test_events_have_no_default_and_may_be_none_for_who_is_escalated_to(tmp_path: Path) -> None:
    assert "events is missing" in refused(tmp_path, SYSTEM + TEXTS.replace('events = ["sip.*"]\n', ""))
    assert loaded(tmp_path, SYSTEM + TEXTS.replace('["sip.*"]', "[]")).texts[0].events == ()


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("sms_units_per_day = 20\n", "", 'the system "main" needs sms_units_per_day'),
        ("sms_units_per_day = 20", "sms_units_per_day = 0.2", "has to be 0.3 at least"),
        ('system = "main"', 'system = "mian"', 'no system is called "mian"; did you mean "main"?'),
        ('"+972-50-123-4567"', '"077-3137770"', 'is the number of the system "main": it would tell itself'),
        ('"+972-50-123-4567"', '"0501234567", "972501234567"', "0501234567 is given twice"),
        ('"+972-50-123-4567"', '"Dana"', "expected a phone number"),
        ('"+972-50-123-4567"', "", "must not be empty"),
        ('events = ["sip.*"]', 'events = ["sip.*"]\nunits_per_day = 21', "is more than sms_units_per_day"),
        ('events = ["sip.*"]', 'events = ["sip.*"]\nunits_per_day = 0.2', "units_per_day = 0.2"),
        ('events = ["sip.*"]', 'events = ["sip.*"]\nredact = ["sms.text"]', "an SMS tells no content"),
        ('events = ["sip.*"]', 'events = ["sip.*"]\nfrom = "הנהלה"', "Latin letters"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(tmp_path: Path, before: str, after: str, said: str) -> None:
    text = SYSTEM + TEXTS
    assert before in text
    assert said in refused(tmp_path, text.replace(before, after))


def test_a_digest_is_no_matter_of_an_sms(tmp_path: Path) -> None:
    digest = '\n[[digests]]\nname = "day"\nto = ["boss"]\nat = "18:00"\n'
    assert "an SMS tells alerts alone" in refused(tmp_path, SYSTEM + TEXTS + digest)


def test_the_token_is_in_no_fault(tmp_path: Path) -> None:
    said = refused(tmp_path, (SYSTEM + TEXTS).replace('"+972-50-123-4567"', '"0773137770"'))
    assert "123456" not in said
