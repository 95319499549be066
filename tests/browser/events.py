"""What happens in a house so that every page has something to show; some of it is made to hurt."""

from collections.abc import Sequence

from tests.browser.house import QUEUE, House
from tests.support.fakes import answer

CODE = "482913"
KIND = ("שלום, מתי אתם פתוחים היום?", f"Your code is {CODE}. Tell nobody.")
HOSTILE = (
    '<script>document.title="taken"</script><img src=x onerror="document.title=\'taken\'">',
    '"><svg/onload=document.title="taken"> {{ 7*7 }} {% raw %} &lt;b&gt; javascript:alert(1)',
    "\u202eלהפוך\u2066 \u2067 abc\u202d \x1b[2J\x00 end",
    "ארוך " * 2_000,
    "x" * 10_000,
    "a\u0300\u0301\u0302" * 200 + "🧨" * 200,
    "</textarea></title></style></script><!-- <base href='//evil.example/'>",
)
"""Texts of SMS by which nothing may come to harm."""
SENDERS = ("0541234567", "Bank <b>", "\u202e7654321", "0527654321")
COMMENT = "a new <b>phone</b>"
READ = {"type": "sms.log", "system": "main", "params": {"limit": 5}}
KICK = {
    "type": "queue.kick",
    "system": "main",
    "params": {"queue_path": QUEUE, "call_ids": ["f6657b78a2f35d6d04dd203400828362"]},
}
CAMPAIGN = {
    "type": "campaign.bridge",
    "system": "main",
    "params": {"phones": ["0501234567", "0501234568"], "ivr_path": "ivr2:/1"},
}
LATER = {**CAMPAIGN, "not_before": "2040-01-01T00:00:00Z", "expires_at": "2040-01-02T00:00:00Z"}


def play(
    house: House,
    texts: Sequence[str] = (*KIND, *HOSTILE),
    senders: Sequence[str] = SENDERS,
    comment: str = COMMENT,
) -> None:
    """Everything: SMS of all kinds, a phone that is down and one that was, a queue that is full, dead
    letters, commands, a silence."""
    system = house.system
    for number, text in enumerate(texts):
        system.receive_sms(senders[number % len(senders)], text)
    system.set_registered("0770000000=3", registered=False)
    house.wait_for_event("sip.account.unregistered")
    system.set_registered("0770000000=3", registered=True)
    house.wait_for_event("sip.account.registered")
    system.set_registered("0770000000=2", registered=False)
    for number in range(7):
        system.queue(QUEUE).join(f"050100000{number}")
    system.queue(QUEUE).set_agent("SIP-0770000000-3", paused=True)
    system.directory("/2").add_recording("0541234567", seconds=42)
    house.wait_for_event("queue.threshold.crossed")
    house.wait_for_event("sip.account.unregistered", many=2)
    for number, one in enumerate((READ, KICK, CAMPAIGN, LATER)):
        status, document = house.daemon.post("/api/v1/commands", one, idempotency_key=str(number))
        assert status in (200, 202), document
    silence = {"subject": "sip/0770000000=3", "for": "2h", "comment": comment}
    status, document = house.daemon.post("/api/v1/silences", silence)
    assert status == 201, document
    house.wait_for_dead_letters(2)


def archive_works(house: House) -> None:
    """From now on the archive takes what it gets."""
    house.archive.script.answers[:] = [answer(204)]
