"""The letter of a digest: what it says, what it does not claim, and that a mail program shows all of it."""

import json
from dataclasses import replace
from typing import Any

import pytest

from daemon.core.delivery.outcome import Message
from daemon.core.rendering.digest_writing import letter
from daemon.core.rendering.mail_grouping import compose
from daemon.core.rendering.mails import Style
from daemon.senders.letters import bodies
from tests.core.rendering.test_mails import ENGLISH, HEBREW
from tests.support.event_examples import DIGEST

LARGEST = 95_000
"""Bytes of HTML: Gmail cuts what is longer than about 102,000."""


def said(**changes: Any) -> dict[str, Any]:
    return {"digest": json.loads(json.dumps({**DIGEST, **changes}))}


def html(data: dict[str, Any], style: Style) -> str:
    body = json.dumps({"type": "digest.made", "timestamp": "2026-11-23T16:00:01.877Z", "data": data})
    (mail,) = compose([Message(1, "", style.endpoint, "", "evt_1", "digest.made", body.encode(), 1)], style)
    return bodies(mail, style)[1]


@pytest.mark.parametrize("style", [ENGLISH, HEBREW])
def test_what_was_not_seen_stands_at_its_head_and_nothing_is_claimed_of_it(style: Style) -> None:
    data = said(busy=[], alerts=0, open_alerts=0, outages=[], deliveries=[])
    (system,) = data["digest"]["systems"]
    system |= dict.fromkeys(
        ("sms", "recordings", "campaigns", "callbacks_due", "callbacks_done", "callbacks_open"), 0
    )
    system |= {"callbacks": [], "queues": [], "units": None, "unseen_seconds": 86_400.0}
    found = letter(data, style)

    assert "100%" in found.notes[0]
    assert found.notes[1] == ("לא נצפה שום אירוע." if style is HEBREW else "Nothing was seen to happen.")
    assert (found.figures, found.sections) == ((), ())


def test_what_is_not_all_is_not_said_to_be_all() -> None:
    data = said()
    data["digest"]["systems"][0]["unseen_seconds"] = 86_390.0
    assert "99%" in letter(data, ENGLISH).notes[0]


def test_what_was_not_counted_call_by_call_is_about_so_many() -> None:
    data = said()
    data["digest"]["systems"][0]["queues"][0] |= {"is_exact": False, "unknown": None, "unseen": None}
    assert ("about 64", "calls answered") in letter(data, ENGLISH).figures
    data["digest"]["systems"][0]["queues"][0]["answered"] = None
    assert "calls answered" not in [name for _, name in letter(data, ENGLISH).figures]


def lines(data: dict[str, Any], style: Style, heading: str) -> list[tuple[str, str, str]]:
    """What stands under a heading, without the marks that keep directions apart."""
    (section,) = [one for one in letter(data, style).sections if one.heading == heading]
    shown = [(one.label, one.value, one.note) for one in section.lines]
    return [tuple(text.replace("\u2068", "").replace("\u2069", "") for text in one) for one in shown]  # type: ignore[misc]


def test_of_whom_it_is_not_known_is_said_and_no_figure_is_about_so_many() -> None:
    data = said()
    found = letter(data, ENGLISH).figures
    assert ("64", "calls answered") in found
    assert ("9", "calls missed") in found
    assert ("2", "calls whose end is not known") in found
    assert ("1", "more missed, not seen (at least)") in found
    ((_, value, note),) = lines(data, ENGLISH, "Queues")
    assert value == "64 answered, 9 missed"
    assert "of two more it is not known · at least one more, not seen, gave up" in note
    assert "of the missed one withheld the number" in note
    ((_, value, note),) = lines(data, HEBREW, "תורים")
    assert value == "נענו 64, לא נענו 9"
    assert "על שני מתקשרים נוספים לא ידוע · לפחות עוד אחד שלא נראה ולא נענה" in note


@pytest.mark.parametrize(
    ("style", "heading", "value", "note"),
    [
        (ENGLISH, "Still to be called back", "called twice", "sales · last 2026-11-23 16:12"),
        (HEBREW, "ממתינים לחזרה", "שתי שיחות", "sales · לאחרונה 23.11.2026 בשעה 16:12"),
    ],
)
def test_who_is_to_be_called_back_still_is_listed(style: Style, heading: str, value: str, note: str) -> None:
    data = said()
    assert lines(data, style, heading) == [("0541234567", value, note)]
    data["digest"]["systems"][0]["callbacks_open"] = 14
    (section,) = [one for one in letter(data, style).sections if one.heading == heading]
    assert "13" in section.more
    hidden = said() | {"id": "evt_1", "system": "daemon", "sequence": 1}
    assert "0541234567" in html(hidden, style)
    assert "0541234567" not in html(hidden, replace(style, redact=("callback.phone",)))


def test_what_campaigns_cost_is_said_as_far_as_it_is_known() -> None:
    data = said()
    (system,) = data["digest"]["systems"]
    ended = "Campaigns that ended"
    assert (ended, "1", "51.2 units") in lines(data, ENGLISH, "And also")
    assert ("קמפיינים שהסתיימו", "1", "51.2 יחידות") in lines(data, HEBREW, "ועוד")
    system |= {"campaigns": 2, "campaigns_unpriced": 1}
    assert (ended, "2", "at least 51.2 units") in lines(data, ENGLISH, "And also")
    system |= {"campaigns": 0, "campaigns_unknown": 1, "campaign_units": None}
    found = lines(data, ENGLISH, "And also")
    assert ("Campaigns whose end is not known", "1", "the price is not known") in found
    assert ended not in [label for label, _, _ in found]


def test_a_digest_has_the_language_that_it_was_given() -> None:
    assert 'dir="rtl"' in html(said(language="he"), ENGLISH)
    assert 'dir="ltr"' in html(said(language="en"), HEBREW)


def test_bars_are_whole_and_what_is_more_than_nothing_is_seen() -> None:
    data = said()
    data["digest"]["systems"][0]["queues"][0] |= {"answered": 9_999, "missed": 1}
    bars = [line.bar for one in letter(data, ENGLISH).sections for line in one.lines if line.bar]
    assert all(sum(piece.percent for piece in bar) == 100 for bar in bars)
    assert [(piece.kind, piece.percent) for piece in bars[0]] == [("good", 99), ("bad", 1)]


@pytest.mark.parametrize("style", [ENGLISH, HEBREW])
def test_a_mail_program_shows_all_of_the_largest(style: Style) -> None:
    data = said()
    digest, long = data["digest"], "א" * 60
    (system,) = digest["systems"]
    digest["systems"] = [
        {**system, "system": f"{long}{n}", "queues": [{**system["queues"][0], "name": long}] * 5}
        for n in range(200)
    ]
    digest["outages"] = [{**digest["outages"][0], "subject": f"sip/{long}", "system": long}] * 20
    digest["deliveries"] = [{"endpoint": long, "failed": 1}] * 200
    shown = html(data, replace(style, redact=()))
    assert len(shown.encode()) < LARGEST, len(shown.encode())


def test_what_others_wrote_is_shown_and_not_obeyed() -> None:
    data = said(name="<b>x</b>")
    data["digest"]["systems"][0]["queues"][0]["name"] = "<script>x</script>"
    shown = html(data, ENGLISH)
    assert "<script" not in shown
    assert "<b>x" not in shown


@pytest.mark.parametrize("missing", sorted(DIGEST))
def test_one_that_lacks_something_is_a_letter_all_the_same(missing: str) -> None:
    data = said()
    del data["digest"][missing]
    assert letter(data, ENGLISH).title
