"""What it costs to find events by their text: a store of many, made as the daemon does, and questions.

    python -m bench.search [--events 1000000] [--directory build/search] [--keep]

Texts are made of words of a list, some of them frequent, as languages have them. It says how long the index
of what was there before takes, and for how long each of its transactions kept others from writing; what a
poll with five new messages costs then; and how long each kind of question takes, from the newest on and from
the oldest.
"""

import argparse
import random
import shutil
import sqlite3
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from itertools import accumulate
from pathlib import Path

import sqlalchemy as sa

from bench.figures import percentile, shown
from daemon.core.model import Fact
from daemon.core.routing.plan import Interest
from daemon.core.search import searched
from daemon.host import clock
from daemon.operations import search
from daemon.operations.search import Wanted
from daemon.pipeline.events import Recorder
from daemon.store import database as databases
from daemon.store import events, searchable, spellings
from daemon.store.database import Database
from daemon.store.search import Patience
from daemon.workers import indexer
from daemon.workers.indexer import Indexer

LETTERS = "אבגדהוזחטיכלמנסעפצקרשת"
FREQUENT = ("של", "את", "על", "לא", "שלום", "תודה", "הודעה", "תור", "בבקשה", "מחר", "היום", "תשלום")
WORDS = 20_000
AT_ONCE = 2_000
SPAN = timedelta(days=30)
ROUNDS = 20
POLLS = 300
LIMIT = 100
CLOCK = time.process_time if "--cpu" in sys.argv else time.perf_counter
"""Of a machine that others use, too, the CPU says more."""


def vocabulary(chance: random.Random) -> list[str]:
    """Words that nobody says, beside those that everybody does."""
    made = ("".join(chance.choices(LETTERS, k=chance.randint(3, 8))) for _ in range(WORDS))
    return [*FREQUENT, *made]


def messages(chance: random.Random, words: Sequence[str]) -> Iterator[Fact]:
    """Without an end: messages of some thirty words, which one sender in a thousand sends one in ten of."""
    weights = [*accumulate(1 / (place + 5) for place in range(len(words)))]
    while True:
        many = chance.choices(words, cum_weights=weights, k=chance.randint(5, 40))
        sender = f"05{chance.randint(0, 99_999):08}" if chance.random() < 0.9 else "0501234567"
        if chance.random() < 0.3:
            many.insert(
                chance.randint(0, len(many)), f"05{chance.randint(0, 9)}-{chance.randint(0, 9_999_999):07}"
            )
        sms = {
            "from": sender,
            "to": "0770000000",
            "text": " ".join(many),
            "received_at": None,
            "server_date": "",
        }
        yield Fact("sms.received", f"sms/{sender}", {"sms": sms})


def load(path: Path, many: int, now: datetime) -> None:
    """Record so many events, with no text of theirs indexed."""
    chance = random.Random(many)  # noqa: S311 - no secret
    facts = messages(chance, vocabulary(chance))
    database = databases.open_for_daemon(f"sqlite:///{path}")
    for first in range(0, many, AT_ONCE):
        at = now - SPAN + SPAN * (first / many)
        with database.write() as db:
            events.record(
                db, f"office-{first // AT_ONCE % 50}", [next(facts) for _ in range(AT_ONCE)], at, clock.new_id
            )
    database.close()


class Held:
    """For how long each transaction kept others from writing."""

    def __init__(self, database: Database) -> None:
        self.seconds: list[float] = []
        self._began = 0.0
        sa.event.listen(database.engine, "begin", self._begin)
        sa.event.listen(database.engine, "commit", self._commit)

    def _begin(self, _db: object) -> None:
        self._began = CLOCK()

    def _commit(self, _db: object) -> None:
        self.seconds.append(CLOCK() - self._began)


def poll(database: Database, many: int, facts: Iterator[Fact]) -> list[float]:
    """Milliseconds of polls that record five messages, with a delivery each."""
    recorder = Recorder([Interest("crm", ("*",), None)], clock.new_id)
    took = []
    for _ in range(many):
        five = [next(facts) for _ in range(5)]
        began = time.perf_counter()
        with database.write() as db:
            recorder.record(db, "office-0", five, clock.utcnow())
        took.append((time.perf_counter() - began) * 1000)
    return took


def questions(words: Sequence[str]) -> dict[str, Wanted]:
    """Of each kind, by what it is called."""
    ago = clock.utcnow() - SPAN / 2
    return {
        "a frequent word": Wanted(question="שלום"),
        "a word that few have": Wanted(question=words[-1]),
        "a part of a word": Wanted(question=words[-2][:3]),
        "nothing there": Wanted(question="qqqxxx"),
        "two frequent words": Wanted(question="תודה הודעה"),
        "ten words": Wanted(question=" ".join(words[:10])),
        "two that never meet": Wanted(question=f"{words[-3]} {words[-4]}"),
        "a frequent one and one that is not there": Wanted(question="שלום qqqxxx"),
        "one letter": Wanted(question="ש"),
        "two letters": Wanted(question="של"),
        "part of a phone": Wanted(question="054-12"),
        "a phone": Wanted(question="+972 50-1234567"),
        "wildcards and quotes": Wanted(question='%של_" *ה*'),
        "200 signs": Wanted(question=("".join(words[20:60]))[:200]),
        "a phrase that is nowhere": Wanted(question=f'"{" ".join(FREQUENT)}"'),
        "a sender in another spelling": Wanted(sender="+972-50-123 4567"),
        "a sender who never wrote": Wanted(sender="0599999999"),
        "a contact by number": Wanted(contact="050-1234567"),
        "a subject of a type": Wanted(subject="sms/0501234567", type="sms.*"),
        "an incident that is not": Wanted(incident="inc_1"),
        "a frequent word of who never wrote": Wanted(question="שלום", sender="0599999999"),
        "a frequent word of a type that is not there": Wanted(question="שלום", type="sip.*"),
        "frequent words of a sender of a system": Wanted(
            question="תודה הודעה תשלום בבקשה", sender="0501234567", system="office-3"
        ),
        "a frequent word of one sender": Wanted(question="שלום", sender="0501234567"),
        "a frequent word of a system": Wanted(question="שלום", system="office-7"),
        "half the time": Wanted(since=ago),
        "until half the time": Wanted(until=ago),
        "an hour of long ago": Wanted(since=ago, until=ago + timedelta(hours=1)),
        "a sender in a time": Wanted(sender="0501234567", since=ago, until=ago + timedelta(hours=1)),
        "a word in a time": Wanted(question="שלום", since=ago, until=ago + timedelta(hours=1)),
    }


def ask(database: Database, wanted: Wanted, *, is_newest_first: bool) -> tuple[list[float], int, int]:
    """Milliseconds of each time that it is asked; how many were found, and how often time was up."""
    took: list[float] = []
    cut = found = 0
    for _ in range(ROUNDS):
        began = CLOCK()
        with database.read() as db:
            answer = search.find(
                db, wanted, Patience(clock.monotonic), limit=LIMIT, is_newest_first=is_newest_first
            )
        took.append((CLOCK() - began) * 1000)
        cut += answer.is_cut
        found = len(answer.events)
    return took, found, cut


def fill(path: Path) -> None:
    """Index all of a store at once, by SQLite's own functions: the same rows as the daemon makes."""
    began = time.perf_counter()
    with closing(sqlite3.connect(path)) as db:
        text = "CAST(body AS TEXT)"
        said = f"json_extract({text}, '$.data.sms.%s')"
        words = f"{said % 'from'} || ' ' || {said % 'to'} || ' ' || replace({said % 'text'}, '-', '')"
        plain = f"' ' || replace(subject, '/', ' ') || ' ' || {words} || ' '"
        for table in ("searchable", "indexed"):
            db.execute(f"DELETE FROM {table}")  # noqa: S608 - ours
        folded = f"replace({plain}, 'ם', 'מ')"
        db.execute(f"INSERT INTO searchable SELECT number, {folded} FROM events")  # noqa: S608 - ours
        db.execute(
            "INSERT INTO indexed SELECT min(number), max(number), min(timestamp), max(timestamp) FROM events"  # noqa: S608 - ours
            f" GROUP BY (number - 1) / {searchable.STRETCH}"
        )
        # Merged as it goes, as the daemon does it.
        db.execute("INSERT INTO trigrams (trigrams, rank) VALUES ('automerge', 4)")
        db.execute("INSERT INTO trigrams (trigrams) VALUES ('rebuild')")
        db.execute("INSERT INTO trigrams (trigrams, rank) VALUES ('automerge', 0)")
        db.commit()
        rows = db.execute(
            "SELECT body, text FROM events JOIN searchable USING (number) ORDER BY random() LIMIT 200"
        )
        assert all(searched(body) == text for body, text in rows)
    print(f"filled in {time.perf_counter() - began:.0f} s, {path.stat().st_size / 2**20:.0f} MiB", flush=True)


def main(words: Sequence[str]) -> int:
    """Load, index, record beside it, and ask."""
    parser = argparse.ArgumentParser(prog="python -m bench.search", description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--directory", type=Path, default=Path("build/search"))
    parser.add_argument("--cpu", action="store_true", help="count time of the CPU")
    parser.add_argument("--fill", action="store_true", help="index at once, not as the daemon does")
    parser.add_argument("--keep", action="store_true", help="the store; one that is there is asked alone")
    asked = parser.parse_args(words)
    asked.directory.mkdir(parents=True, exist_ok=True)
    path = asked.directory / f"{asked.events}.db"
    if not path.exists():
        began = time.perf_counter()
        load(path, asked.events, clock.utcnow())
        seconds = time.perf_counter() - began
        print(
            f"{asked.events:,} events in {seconds:.0f} s, {path.stat().st_size / 2**20:.0f} MiB", flush=True
        )
    if asked.fill:
        fill(path)
    database = databases.open_for_daemon(f"sqlite:///{path}")
    _indexed(database, path)
    chance = random.Random(asked.events)  # noqa: S311 - no secret
    known = vocabulary(chance)
    print(f"a poll with 5 new: {_told(poll(database, POLLS, messages(chance, known)))}")
    every: list[float] = []
    for name, wanted in questions(known).items():
        for direction in (True, False):
            took, found, cut = ask(database, wanted, is_newest_first=direction)
            every += took
            order = "newest" if direction else "oldest"
            and_cut = f", cut {cut} of {ROUNDS}" if cut else ""
            print(f"{name}, {order} first: {_told(took)}, {found} found{and_cut}", flush=True)
    print(f"all of them: p95 {shown(percentile(every, 0.95))} ms")
    database.close()
    if not asked.keep:
        shutil.rmtree(asked.directory)
    return 0


def _indexed(database: Database, path: Path) -> None:
    with database.read() as db:
        left = searchable.unindexed(db)
        is_behind = spellings.is_behind(db)
    if not left.older and not left.newer:
        if is_behind:
            _spelled(database)
        return
    held, began, cpu = Held(database), time.perf_counter(), time.process_time()
    indexer.FOR, indexer.BUSY = 30.0, 30.0  # as if nobody else were there
    worker = Indexer(database, monotonic=clock.monotonic)
    many = 0
    while (run := worker.run_once()).old or run.new:
        many += run.old + run.new
        took = time.perf_counter() - began
        print(f"  {many:,} indexed in {took:.0f} s, {path.stat().st_size / 2**20:.0f} MiB", flush=True)
    held_ms = [one * 1000 for one in held.seconds]
    each, rate = (time.process_time() - cpu) / many * 1e6, many / (time.perf_counter() - began)
    print(f"indexed: {rate:,.0f}/s, {each:.0f} µs CPU each")
    print(f"its transactions: {_told(held_ms)}, longest {shown(max(held_ms))} ms", flush=True)


def _spelled(database: Database) -> None:
    """How long the spellings of phones take, of what there was before."""
    indexer.FOR, began, cpu = 60.0, time.perf_counter(), time.process_time()
    Indexer(database, monotonic=clock.monotonic).run_once()
    took = time.perf_counter() - began
    print(f"spelled in {took:.1f} s, {time.process_time() - cpu:.1f} s of CPU", flush=True)


def _told(took: Sequence[float]) -> str:
    return f"p50 {shown(percentile(took, 0.5))}, p95 {shown(percentile(took, 0.95))} ms"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
