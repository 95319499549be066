"""Names on the wire: whatever the store holds, a letter and a notification are whole, and name the number."""

import json
import re

import pytest

from daemon.core.rendering.mail_grouping import compose
from daemon.core.rendering.mails import Style
from tests.core.rendering.test_mails import ENGLISH, HEBREW, NOON, phone
from tests.senders.test_letters import OURS, body, sent
from tests.senders.test_notify import notice, sending, to, told
from tests.support.fakes import Receiver
from tests.support.hostile import OBEYED, SHOWN

STORED = ("x\r\nBcc: all@example.org", "\x1b[2Jx", "\u202ex", "x" * 10_000, *SHOWN)


@pytest.mark.parametrize("style", [ENGLISH, HEBREW])
@pytest.mark.parametrize("name", STORED)
def test_whatever_name_the_store_holds_a_letter_is_whole(name: str, style: Style) -> None:
    named = json.dumps({"077": name, "sip/077": name})
    (mail,) = compose([phone(1)._replace(names=named)], style)
    letter, raw = sent(mail, style), OURS.render(mail, style, now=NOON).as_bytes()

    assert letter.get_all("Bcc") is None
    assert b"\nBcc:" not in raw
    assert "077" in str(letter["Subject"])
    assert max(map(len, raw.splitlines())) < 1000
    html, plain = body(letter, "html"), body(letter, "plain")
    assert "077" in html
    assert "077" in plain
    assert "<script" not in html
    assert "<img src=x" not in html
    assert not any(one in plain for one in OBEYED if one != "\u2066")


@pytest.mark.parametrize("name", ["Dana", *STORED])
def test_a_notification_names_whose_phone_it_is(name: str) -> None:
    named = json.dumps({"077": name})
    with Receiver() as receiver, sending(phone=notice(receiver)) as (sender, ended):
        sender.start(to("phone", phone(1)._replace(names=named)))
        ended(1)
    (got,) = told(receiver)

    assert re.search("\\(077\\)\u2069? is off the network", got["message"])
    assert not any(one in got["message"] for one in (*OBEYED, "\n", "\r"))
