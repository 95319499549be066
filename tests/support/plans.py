"""How SQLite carries out what the store asks: the plan of each statement, by `EXPLAIN QUERY PLAN`."""

import re
from collections.abc import Mapping
from types import TracebackType
from typing import Any

import sqlalchemy as sa

from tests.support import stores
from tests.support.statements import KINDS, MANY, is_of_the_store


class Plans:
    """The plans of what is read over a connection within its block."""

    def __init__(self, db: sa.Connection) -> None:
        self._db = db
        self._said: list[tuple[str, Any]] = []

    def __enter__(self) -> "Plans":
        sa.event.listen(self._db, "before_cursor_execute", self._take)
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        sa.event.remove(self._db, "before_cursor_execute", self._take)

    def _take(self, *given: Any) -> None:
        self._said.append((given[2], given[3]))

    def all(self) -> list[str]:
        """Each step of each statement."""
        return [
            row.detail
            for statement, values in self._said
            for row in self._db.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
        ]

    def scanned(self, *tables: str) -> list[str]:
        """Steps that read one of these tables from its beginning on, row by row."""
        return [
            one
            for one in self.all()
            if one.startswith("SCAN") and "INDEX" not in one and one.split()[1] in tables
        ]


GROW = frozenset(
    {
        "events", "deliveries", "attempts", "incidents", "ledger", "decisions", "transitions", "history",
        "commands", "acknowledgements", "escalations", "spellings", "observations", "queue_calls",
        "callbacks", "campaigns", "texts",
    }
)  # fmt: skip
"""Tables that hold all there ever was, until it is forgotten."""
FEW = frozenset({"endpoint", "system", "type", "step", "watch", "status", "kind"})
"""Columns of which one value has a large part of all rows."""
ALLOWED: Mapping[str, str] = {
    r"^WITH RECURSIVE (types|\"each\")": "from one value to the next by an index: a seek for each",
    r"^WITH RECURSIVE halves ": "from the first and the last by halves: a seek for each",
    r"^SELECT (min|max)\(\S+\) AS \w+ FROM \w+ WHERE \S+ = \?$": "a seek",
    r"FROM decisions WHERE decisions\.endpoint = \? AND decisions\.at >= \?": "since a quiet window began",
    r"ORDER BY -commands\.number": "what waits or is under way",
    r"d\.status = 'leased' AND d\.token = \?": "as many as were claimed, in the order of their time",
    r"deliveries\.status = '(waiting|pending|leased)' .*ORDER BY -deliveries\.id": "what is open",
    r"deliveries\.status = '(delivered|superseded)' .*ORDER BY deliveries\.id DESC": "back from the newest",
    r"incidents\.ended_at IS NOT NULL ORDER BY .* LIMIT": "back from the newest, and nearly all have ended",
    r"ORDER BY next\.id LIMIT \?\)$": "as many as are claimed at once behind others of their lanes",
    r"FROM incidents WHERE incidents\.subject (= \?|IN )": "of one subject",
    r"FROM incidents WHERE .* ORDER BY \+incidents\.fired_at": "what fires, or is of one subject",
    r"WHERE events\.id IN \(.*ORDER BY deliveries\.id$": "of the events that are named",
    r"^SELECT DISTINCT (events\.system, events\.type|deliveries\.incident) ": "of what is open or given up",
    r"deliveries\.status = 'dead' (AND .*)?ORDER BY -deliveries\.id": "what was given up, of all endpoints",
    r"WHERE (lower\(events\.type\)|events\.type = ).*ORDER BY deliveries\.id DESC LIMIT": (
        "back from the newest, until as many are of that type"
    ),
    r"incidents\.fired_at >= \? AND incidents\.fired_at < \?$": "of the time that a digest is about",
    r"events\.number <= \?.* GROUP BY events\.(system|type)$": "between two numbers of events",
    r"FROM queue_calls WHERE .*\.left_at >= \? AND queue_calls\.left_at < \? GROUP BY": "of a day",
    r"^UPDATE queue_calls SET left_after=.* AS counted\)": "at a step of the clock: of eight days at most",
    r"FROM callbacks WHERE callbacks\.closed_at IS NULL .* LIMIT \?": "of a system, 10,000 at most",
    r"FROM campaigns JOIN commands .*campaigns\.started_at >= \?": "a week at most",
    r"FROM commands WHERE .*commands\.type": "few: each was asked for by somebody, over HTTP",
}
"""Statements, by an expression, that may do what others may not; each with its reason."""
STEP = re.compile(
    r"(?P<how>SCAN|SEARCH) (?P<name>\w+)"
    r"(?: USING (?P<automatic>AUTOMATIC )?(?:PARTIAL )?(?:COVERING )?"
    r"(?:INDEX (?P<index>\w+)|INTEGER PRIMARY KEY|PRIMARY KEY))?"
    r"(?: \((?P<terms>.*)\))?"
)
NAMED = re.compile(r"\b(" + "|".join(sorted(GROW)) + r")(?: AS)? (\w+)\b")


class Judge:
    """Says what of a statement costs the more the more there is, by its plan on the tables of today.

    A plan depends on tables and indexes alone: nobody lets SQLite count rows (`ANALYZE`).
    """

    def __init__(self, db: sa.Connection) -> None:
        self._db = db
        indexes = db.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'index'").all()
        parts = {name: sql.rpartition(" WHERE ")[2] for name, sql in indexes if sql and " WHERE " in sql}
        self._small = {name for name, part in parts.items() if not re.fullmatch(r"\w+ IS NOT NULL", part)}
        """Indexes of what is open, fires, waits or was given up: not of what has ended."""

    def faults(self, statement: str) -> list[str]:
        """Steps that read, or sort, a table that grows; empty: it costs the same whatever is stored."""
        values = (None,) * statement.count("?")
        steps = self._db.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
        names = {**{name: name for name in GROW}, **{alias: name for name, alias in NAMED.findall(statement)}}
        return [row.detail for row in steps if self._is_fault(row.detail, statement, names)]

    def _is_fault(self, detail: str, statement: str, names: Mapping[str, str]) -> bool:
        if detail.startswith("USE TEMP B-TREE"):
            return any(re.search(rf"\b{name}\b", statement) for name in GROW)
        step = STEP.match(detail)
        if step is None or names.get(step["name"]) not in GROW or step["index"] in self._small:
            return False
        if step["automatic"]:
            return True
        is_ended = " LIMIT ?" in statement or " LIMIT 1" in statement
        if step["how"] == "SCAN":
            # From one end on, and all of it counts: it stops after as many as were asked for.
            return not (is_ended and " WHERE " not in statement)
        terms = (step["terms"] or "").split(" AND ")
        if {"rowid>?", "rowid<?"} <= {*terms} or {"number>?", "number<?"} <= {*terms}:
            return False  # so many as lie between two of them
        is_walk = all(term.partition("=")[0] in FEW or "=" not in term for term in terms)
        # Without terms it is the least or the largest: of those that are meant, by a walk from one end.
        return is_walk and not is_ended if step["terms"] else " WHERE " in statement


class Listener:
    """Hears every statement that the store says, whoever makes it say that; and judges each once.

    So a new one is judged by the test that comes with it, without being named anywhere.
    """

    def __init__(self) -> None:
        self._heard: set[str] = set()
        self._new: list[str] = []
        self._known: set[str] = set()
        self._judges: list[Judge] = []
        """A new database and one that was upgraded have the same indexes; but of two that are as good for
        SQLite, it takes the one that was made last."""

    def listen(self) -> None:
        """From now on, to every engine."""
        sa.event.listen(sa.Engine, "before_cursor_execute", self._take)

    def faults(self) -> list[str]:
        """Of what was said since this was last asked: what costs the more the more there is, and why."""
        new, self._new = self._new, []
        return [line for statement in new for line in self._judged(statement)]

    def _take(self, connection: sa.Connection, cursor: object, statement: str, *_: object) -> None:
        if statement in self._heard or connection.dialect.name != "sqlite" or not is_of_the_store():
            return
        self._heard.add(statement)
        line = " ".join(statement.split())
        key = MANY.sub(r"\1", line)
        if line.startswith(KINDS) and key not in self._known:
            self._known.add(key)
            self._new.append(line)

    def _judged(self, statement: str) -> list[str]:
        if any(re.search(pattern, statement) for pattern in ALLOWED):
            return []
        self._judges = self._judges or [
            Judge(one.connect()) for one in (stores.in_memory().engine, stores.upgraded())
        ]
        try:
            faults = sorted({fault for one in self._judges for fault in one.faults(statement)})
        except sa.exc.OperationalError as error:
            if "no such table" in str(error):
                return []  # of a transaction alone
            raise
        return [f"{fault}: {statement}" for fault in faults]
