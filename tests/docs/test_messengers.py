"""`docs/messengers.md`: its examples are taken by the configuration, its figures are the code's."""

from pathlib import Path

import pytest

from daemon.core.delivery.outcome import MAX_RETRY_AFTER
from daemon.core.durations import HOUR
from daemon.core.rendering.formats import Format
from daemon.core.rendering.wire import ntfy, slack
from daemon.wiring.senders import notices, targets
from tests.docs.test_docs import blocks
from tests.support.config_files import ENVIRON, QUIET, SMS, SYSTEM, loaded
from tests.support.messengers import TOKEN
from tests.support.paths import ROOT

PAGE = (ROOT / "docs" / "messengers.md").read_text(encoding="utf-8")
EXAMPLES = blocks(PAGE, "toml")
SLACK = "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"
PUSHOVER = f"pover://{'u' * 30}@{'a' * 30}"
SECRETS = {
    "telegram-token": TOKEN,
    "slack-url": SLACK,
    "ntfy-url": "https://ntfy.example.org/phones",
    "ntfy-token": "tk_0123456789abcdefghijklmnopqrs",
    "pushover-url": PUSHOVER,
}
WHERE = {
    Format.TELEGRAM: f"https://api.telegram.org/bot{TOKEN}/sendMessage",
    Format.SLACK: SLACK,
    Format.NTFY: "https://ntfy.example.org/",
    Format.APPRISE: PUSHOVER,
}


@pytest.mark.parametrize(
    ("example", "form"), [*zip(EXAMPLES, WHERE, strict=True)], ids=[one.value for one in WHERE]
)
def test_an_example_can_be_used(example: str, form: Format, tmp_path: Path) -> None:
    for name, secret in SECRETS.items():
        (tmp_path / name).write_text(secret + "\n", encoding="ascii")
        (tmp_path / name).chmod(0o600)
    found = loaded(tmp_path, QUIET + SYSTEM + SMS + example, ENVIRON)
    (one,) = found.config.webhooks

    assert (one.format, one.language) == (form, "he")
    to, by = targets(found.config), notices(found.config)
    assert (to[one.name].url if one.name in to else by[one.name].url.value) == WHERE[form]
    assert found.warnings == ()


def test_the_figures_are_the_code_s() -> None:
    assert f"up to {MAX_RETRY_AFTER // HOUR} hours" in PAGE
    assert f"below {ntfy.MESSAGE_BYTES + 1} bytes" in PAGE
    assert ("42908" in PAGE, 42908 in ntfy.SPENT, ntfy.SPENT_FOR) == (True, True, HOUR)
    for word in ("channel_is_archived", "channel_not_found", "no_service", "action_prohibited"):
        assert word in slack.REASONS
        assert f"`{word}`" in PAGE
