"""What others are told when a wish of the configuration cannot be worked out, and is set aside: an incident
that lasts until it works again, or is written otherwise."""

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa

from daemon.core import own_events
from daemon.core.alerts.life import TOLD, Seen
from daemon.core.durations import NOTHING
from daemon.core.model import Condition, Json, Rule, Severity, Verdict
from daemon.core.ownership import ALONE, Among
from daemon.core.routing.plan import DAEMON, endpoint_subject
from daemon.core.wishes import Kind, Standing, Wish, Wishes
from daemon.pipeline.alerts import Judge
from daemon.pipeline.events import Recorded, Recorder
from daemon.pipeline.notification import Teller
from daemon.store import watches
from daemon.store.ownership import Readable
from daemon.store.watches import StoredAlert

OWNER = "wishes"
"""What owns these alerts in the store."""
AT_ONCE = Rule(NOTHING, NOTHING, Severity.ERROR)
INSTEAD = {
    "quiet": "it holds nothing back",
    "events": "alerts pass, facts do not",
    "filters": "alerts pass, facts do not",
    "retries": "tried again every 5 minutes",
    "rate": "as many as it takes",
    "group_interval": "at once",
    "format": "tried again",
    "template": "tried again",
    "templates": "our own template",
    "delivery": "nothing is sent to it",
    "polling": "not seen",
    "active": "alerts count at all hours",
}
"""What is done in the stead of each."""


def look(
    database: Readable, recorder: Recorder, wishes: Wishes, now: datetime, *, among: Among = ALONE
) -> Recorded:
    """Tell what has been set aside since the last look, and what is taken up again. Writes nothing where
    there is nothing to say. Of several daemons each tells what it met itself; that it works again, only the
    one can say for which it did not, as long as that lives."""
    with database.read() as db:
        known = watches.load_alerts(db, DAEMON, OWNER)
    # What was told may work by now; else only what is set aside could be news.
    standing = wishes.look() if known else wishes.glance()
    if not _conditions(standing, known, among, news_only=True):
        return Recorded()
    with database.write() as db:
        return settle(db, recorder, standing, now, among=among)


def settle(
    db: sa.Connection,
    recorder: Recorder,
    wishes: Mapping[Wish, Standing],
    now: datetime,
    *,
    among: Among = ALONE,
) -> Recorded:
    """The same, in the caller's transaction."""
    judge = Judge(db, recorder, DAEMON, OWNER)
    judge.take(_conditions(wishes, judge.known, among), Seen(now, None, NOTHING))
    written = recorder.record(db, DAEMON, judge.judged().facts, now)
    return written + Teller(recorder).settle(db, now, written.turned)


def _conditions(
    wishes: Mapping[Wish, Standing],
    known: Mapping[str, StoredAlert],
    among: Among,
    *,
    news_only: bool = False,
) -> list[Condition]:
    """What is set aside, and what was; `news_only`: of that, what has turned."""
    found = [_condition(wish, one, among.me) for wish, one in wishes.items() if one.error is not None]
    configured = {key_of(wish): one for wish, one in wishes.items()}
    bad = {one.key for one in found}
    for key, stored in known.items():
        if key not in bad:
            verdict = _verdict(stored, configured.get(key))
            is_anothers = _of_wish(stored, "member") in among.others
            found.append(stored.condition(Verdict.UNKNOWN if is_anothers else verdict))
    if not news_only:
        return found
    is_told = {key for key, stored in known.items() if stored.alert.phase in TOLD}
    return [
        one
        for one in found
        if (one.verdict is Verdict.BAD) is not (one.key in is_told) and one.verdict is not Verdict.UNKNOWN
    ]


def _verdict(stored: StoredAlert, standing: Standing | None) -> Verdict:
    """Of what was set aside, and is not at present. Who has not tried it yet, after a start or a reload,
    cannot say that it works."""
    if standing is None:
        return Verdict.GONE
    is_rewritten = standing.written != _of_wish(stored, "written")
    return Verdict.GOOD if standing.has_worked or is_rewritten else Verdict.UNKNOWN


def _of_wish(stored: StoredAlert, what: str) -> Json:
    wish = stored.payload.get("wish")
    return wish.get(what) if isinstance(wish, Mapping) else None


def _condition(wish: Wish, standing: Standing, member: str | None) -> Condition:
    payload: dict[str, Json] = {
        "endpoint": {"name": wish.name} if wish.kind is Kind.ENDPOINT else None,
        "wish": {
            "of": wish.kind.value,
            "name": wish.name,
            "setting": wish.setting,
            "error": standing.error,
            "instead": INSTEAD[wish.setting.partition(",")[0]],
            "written": standing.written,
            **({} if member is None else {"member": member}),
        },
    }
    return Condition(key_of(wish), own_events.MISCONFIGURED, subject_of(wish), Verdict.BAD, AT_ONCE, payload)


def key_of(wish: Wish) -> str:
    """The key of its alert."""
    return f"wish/{wish.kind.value}/{wish.name}/{wish.setting}"


def subject_of(wish: Wish) -> str:
    """What its events are about."""
    return endpoint_subject(wish.name) if wish.kind is Kind.ENDPOINT else f"watch/{wish.name}"
