"""The tables, all in one place. A new database gets them as they are here, an older one by `migrations/`; a
test holds the two equal."""

from typing import Any

import sqlalchemy as sa

from daemon.core.alerts.life import Phase
from daemon.core.commands.command import OnHoliday
from daemon.core.commands.command import Status as CommandStatus
from daemon.core.commands.following import Outcome as CampaignOutcome
from daemon.core.commands.sent_texts import Report as TextReport
from daemon.core.commands.sent_texts import State as TextState
from daemon.core.delivery.breaker import DisabledBy, Health, Switch
from daemon.core.delivery.outcome import Outcome as Attempted
from daemon.core.delivery.outcome import Status
from daemon.core.missed import Done, Source
from daemon.core.model import Reason, Severity
from daemon.core.routing.ledger import Hold, Standing
from daemon.core.watches.outcomes import Outcome
from daemon.core.watches.subjects import SubjectKind, SubjectState
from daemon.store import dialects
from daemon.store.column_types import LocalDay, Milliseconds, UtcTime, Word
from daemon.store.dialects import partial_index

REVISION = "0030"
"""Of the newest migration."""

# Without AUTOINCREMENT SQLite may use a pruned row's number again, and order would lie.
_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _with_index(_metadata: sa.MetaData, db: sa.Connection, **_: Any) -> None:
    from daemon.store import trigrams  # noqa: PLC0415 - only who makes a database needs it

    trigrams.create(db)


metadata = sa.MetaData()
sa.event.listen(metadata, "before_create", dialects.say_to)
sa.event.listen(metadata, "after_create", _with_index)

watches = sa.Table(
    "watches",
    metadata,
    sa.Column("system", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("state", sa.Text),  # JSON by the watch's own `dump`; NULL before the baseline
    sa.Column("problems", sa.Text, nullable=False),  # JSON: what was unreadable in the last answer
    sa.Column("observed_at", UtcTime),  # the last answer that was understood
    sa.Column("polled_at", UtcTime),
    sa.Column("failure", sa.Text),  # NULL: the last poll was answered
    sa.Column("failure_message", sa.Text),
    sa.Column("failing_since", UtcTime),
    sa.Column("told_problems", sa.Text),  # JSON: what was unreadable of late and is told, by when it last was
)

pieces = sa.Table(
    "pieces",
    metadata,
    sa.Column("system", sa.Text, primary_key=True),
    sa.Column("watch", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column(
        "content", sa.LargeBinary, nullable=False
    ),  # of its state, what would be too much for `watches`
)

subjects = sa.Table(
    "subjects",
    metadata,
    sa.Column("system", sa.Text, primary_key=True),
    sa.Column("subject", sa.Text, primary_key=True),
    sa.Column(
        "number", sa.Integer, nullable=False
    ),  # within its system, for ever: `history` knows it by that
    sa.Column("watch", sa.Text, nullable=False),  # that sees it; "api" for the API itself
    sa.Column("kind", Word(SubjectKind), nullable=False),
    sa.Column("name", sa.Text),
    sa.Column("state", Word(SubjectState), nullable=False),
    sa.Column("since", UtcTime, nullable=False),
    sa.Column("seen_at", UtcTime),  # before it was unknown; while it is known, when its watch was observed
    sa.Column("why", sa.Text, nullable=False),  # JSON
    sa.Column("metrics", sa.Text),  # JSON
    sa.Column("details", sa.Text),  # JSON
    sa.Column("known_state", Word(SubjectState)),  # before it was unknown
    sa.Column("known_since", UtcTime),
    sa.Column("left_at", UtcTime),  # NULL: it is watched; else it is kept for its history alone
    sa.Index("subjects_number", "system", "number", unique=True),
    sa.Index("subjects_of_watch", "system", "watch"),
)

history = sa.Table(
    "history",
    metadata,
    sa.Column("step", sa.Integer, primary_key=True, autoincrement=False),  # seconds of the bucket
    sa.Column("start", UtcTime, primary_key=True, autoincrement=False),  # of the bucket
    sa.Column("system", sa.Text, primary_key=True),
    sa.Column("flush", sa.BigInteger, nullable=False),  # which one wrote it last
    sa.Column("tallies", sa.LargeBinary, nullable=False),  # `core/history/packing.py`
    sqlite_with_rowid=False,
)

observations = sa.Table(
    "observations",
    metadata,
    sa.Column("system", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),  # of the watch
    sa.Column("start", UtcTime, primary_key=True, autoincrement=False),  # of a batch of what it saw
    sa.Column("until", UtcTime, nullable=False),  # the last look in it
    sa.Column("looks", sa.LargeBinary, nullable=False),  # `core/rehearsal/looks.py`, compressed
    sa.Index("observations_start", "start"),
)

observations_kept = sa.Table(
    "observations_kept",
    metadata,
    sa.Column("system", sa.Text, primary_key=True),
    sa.Column("bytes", sa.BigInteger, nullable=False),  # of its rows in `observations`
)

alerts = sa.Table(
    "alerts",
    metadata,
    sa.Column("system", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("watch", sa.Text, nullable=False),
    sa.Column("fires", sa.Text, nullable=False),  # event types of the pair; "" where it is told in no event
    sa.Column("resolves", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("severity", Word(Severity), nullable=False),
    sa.Column("payload", sa.Text, nullable=False),  # JSON: as last seen
    sa.Column("phase", Word(Phase), nullable=False),
    sa.Column("held", Milliseconds, nullable=False),
    sa.Column("is_blind", sa.Boolean, nullable=False),
    sa.Column("last_known", UtcTime),
    sa.Column("changed_after", UtcTime),
    sa.Column("changed_before", UtcTime),
    sa.Column("started_at", UtcTime),
    sa.Column("incident", sa.Text),
    sa.Column(
        "is_steady", sa.Boolean, nullable=False, server_default=sa.true()
    ),  # payload as the time before
    sa.Index("alerts_of_watch", "system", "watch"),
)

transitions = sa.Table(
    "transitions",
    metadata,
    sa.Column("id", _NUMBER, primary_key=True),
    sa.Column("system", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("phase", Word(Phase), nullable=False),
    sa.Column("is_blind", sa.Boolean, nullable=False),
    sa.Column("held", Milliseconds, nullable=False),  # observed time in the phase before
    sa.Index("transitions_of_alert", "system", "key", "id"),
    sqlite_autoincrement=True,
)

incidents = sa.Table(
    "incidents",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("system", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("watch", sa.Text, nullable=False),
    sa.Column("fires", sa.Text, nullable=False),
    sa.Column("resolves", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("severity", Word(Severity), nullable=False),
    sa.Column("payload", sa.Text, nullable=False),  # JSON: as it fired, then as it ended
    sa.Column("started_at", UtcTime, nullable=False),
    sa.Column("changed_after", UtcTime),
    sa.Column("changed_before", UtcTime, nullable=False),
    sa.Column("fired_at", UtcTime, nullable=False),
    sa.Column("ended_at", UtcTime),
    sa.Column("end", Word(Reason)),
    sa.Column("cause", sa.Text),
    sa.Column("told_at", UtcTime),  # from then on its escalation counts
    sa.Column("paused_at", UtcTime),  # since then it does not
    partial_index("incidents_open", "fired_at", where="ended_at IS NULL"),
    sa.Index("incidents_of_subject", "subject", "fired_at"),
    sa.Index("incidents_fired", "fired_at", "id"),
    sa.Index("incidents_of_system", "system", "fired_at", "id"),
    sa.Index("incidents_of_key", "system", "key", "fired_at"),
)

ledger = sa.Table(
    "ledger",
    metadata,
    sa.Column("incident", sa.Text, sa.ForeignKey("incidents.id"), primary_key=True),
    sa.Column("endpoint", sa.Text, primary_key=True),
    sa.Column("standing", Word(Standing), nullable=False),
    sa.Column("told_at", UtcTime),
    sa.Column("event", sa.Text),  # the id of what was told last
    sa.Column("repeats", sa.Integer, nullable=False),
    sa.Column("members", sa.Text, nullable=False),  # JSON: whom it listed
    sa.Column("held_by", Word(Hold)),
    sa.Column("losses", sa.Integer, nullable=False),
    sa.Column("is_over", sa.Boolean, nullable=False),
    sa.Column("acknowledged", sa.BigInteger),  # the number of the acknowledgement that it was told last
    partial_index("ledger_open", "endpoint", "incident", where="NOT is_over"),
)

# These two have no foreign keys: the release before forgets incidents, and does not know of them.
acknowledgements = sa.Table(
    "acknowledgements",
    metadata,
    sa.Column("number", _NUMBER, primary_key=True),
    sa.Column("incident", sa.Text, nullable=False),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("until", UtcTime),  # as a person wrote it; NULL: until it is over, or as `lasts_until` says
    sa.Column("lasts_until", UtcTime),  # by the length of time that was asked for
    sa.Column("event", sa.Text, nullable=False),
    sa.Column("is_passed_on", sa.Boolean, nullable=False),  # to the endpoints that ask for such events
    sa.Index("acknowledgements_of_incident", "incident", "number"),
    partial_index("acknowledgements_new", "number", where="NOT is_passed_on"),
    sqlite_autoincrement=True,
)

escalations = sa.Table(
    "escalations",
    metadata,
    sa.Column("incident", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("step", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", UtcTime, nullable=False),  # it was taken
    sa.Column("endpoints", sa.Text, nullable=False),  # JSON: to whom
    sa.Column("break_through", sa.Boolean, nullable=False),
    sa.Column("event", sa.Text, nullable=False),  # the id of the one that told the others
)

decisions = sa.Table(
    "decisions",
    metadata,
    sa.Column("id", _NUMBER, primary_key=True),
    sa.Column("incident", sa.Text, nullable=False),
    sa.Column("endpoint", sa.Text, nullable=False),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("told", Word(Reason)),  # why it was told; NULL: it was not
    sa.Column("held_by", Word(Hold)),  # why it was not; NULL: nothing had to be told, or nothing holds it now
    sa.Column("event", sa.Text),
    sa.Index("decisions_of_incident", "incident", "id"),
    sa.Index("decisions_of_endpoint", "endpoint", "at"),
    sqlite_autoincrement=True,
)

silences = sa.Table(
    "silences",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("starts_at", UtcTime, nullable=False),
    sa.Column("ends_at", UtcTime),  # NULL: until what it matches is over
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("system", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("comment", sa.Text, nullable=False),
    sa.Column("expired_at", UtcTime),
    sa.Index("silences_created", "created_at"),
)

# Silences that come back. A table of their own: the release before would take one for what lasts until all
# that it matches is over, mute it day and night, and end it.
recurring_silences = sa.Table(
    "recurring_silences",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("starts_at", UtcTime, nullable=False),
    sa.Column("ends_at", UtcTime),  # NULL: until it is ended by hand
    sa.Column("days", sa.Text, nullable=False),  # on which it begins: 06 is Monday and Sunday
    sa.Column("from_time", sa.Text, nullable=False),  # 22:00
    sa.Column("to_time", sa.Text, nullable=False),
    sa.Column("zone", sa.Text, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("system", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("comment", sa.Text, nullable=False),
    sa.Column("expired_at", UtcTime),
    sa.Index("recurring_silences_created", "created_at"),
)

expectations = sa.Table(
    "expectations",
    metadata,
    sa.Column("system", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("quiet", Milliseconds, nullable=False),  # observed time since it came
    sa.Column("seen_at", UtcTime),  # it came last; NULL: never
)

digests = sa.Table(
    "digests",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("until", UtcTime, nullable=False),  # it is told up to then
    sa.Column("number", sa.BigInteger, nullable=False),  # and up to this event
    sa.Column("day", LocalDay, nullable=False),  # for which it was made last, or left out
    sa.Column("event", sa.Text),  # the id of the one that was made last; NULL: none was
)

quiet = sa.Table(
    "quiet",
    metadata,
    sa.Column("endpoint", sa.Text, primary_key=True),
    sa.Column("since", UtcTime, nullable=False),
)

sequences = sa.Table(
    "sequences",
    metadata,
    sa.Column("system", sa.Text, primary_key=True),
    sa.Column("last", sa.BigInteger, nullable=False),
)

events = sa.Table(
    "events",
    metadata,
    sa.Column("number", _NUMBER, primary_key=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("system", sa.Text, nullable=False),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("timestamp", UtcTime, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),  # what every receiver gets, to the byte
    sa.Column("names", sa.Text),  # JSON: of whom it tells, as they were called then; NULL: nobody asked
    sa.UniqueConstraint("system", "sequence", name="events_sequence"),
    sa.Index("events_of_type", "type", "number"),
    sa.Index("events_of_subject", "subject", "number"),
    sqlite_autoincrement=True,
)

# The three that follow are worked out of the events, in batches after their commit (`store/search.py`); the
# third is `trigrams`, an index of SQLite's own kind, which `store/trigrams.py` makes beside them.
searchable = sa.Table(
    "searchable",
    metadata,
    sa.Column("number", _NUMBER, primary_key=True, autoincrement=False),  # of the event
    sa.Column("text", sa.Text, nullable=False),  # `core/search.searched`
)

indexed = sa.Table(
    "indexed",
    metadata,
    sa.Column("first", _NUMBER, primary_key=True, autoincrement=False),  # of events that are in `searchable`
    sa.Column("last", sa.BigInteger, nullable=False),  # all up to it are; and of all rows together
    sa.Column("earliest", UtcTime, nullable=False),  # of their timestamps
    sa.Column("latest", UtcTime, nullable=False),
)

# So are these two (`store/spellings.py`).
spellings = sa.Table(
    "spellings",
    metadata,
    sa.Column("phone", sa.Text, primary_key=True),  # `core/phones.subject_key`
    sa.Column("subject", sa.Text, primary_key=True),  # of events: that phone in one of its spellings
    sa.Column("number", sa.BigInteger, nullable=False),  # of the newest of them that was looked at
    sa.Index("spellings_number", "number"),
    sqlite_with_rowid=False,
)

spelled = sa.Table(
    "spelled",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),  # of a table: "events"
    sa.Column("up_to", sa.BigInteger, nullable=False),  # the last event that was looked at
    sa.Column("behind", sa.Text),  # of those before it: all subjects up to this one; NULL: all
)

deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("id", _NUMBER, primary_key=True),
    sa.Column("event", _NUMBER, sa.ForeignKey("events.number"), nullable=False),
    sa.Column("endpoint", sa.Text, nullable=False),
    sa.Column("lane", sa.Text, nullable=False),
    sa.Column("status", Word(Status), nullable=False),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("due_at", UtcTime, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("token", sa.Text),  # of the lease
    sa.Column("leased_until", UtcTime),
    sa.Column("ended_at", UtcTime),
    sa.Column("incident", sa.Text),  # of an alert's event
    sa.Column("urgency", sa.SmallInteger),  # of an alert that may break through quiet windows: 0 is critical
    sa.Column("failures", sa.Integer, nullable=False, server_default="0"),  # that count towards the schedule
    sa.Column("superseded", sa.Integer, nullable=False, server_default="0"),  # states it stands for
    sa.Column("expires_at", UtcTime),  # NULL: never
    sa.Column("error", sa.Text),  # why it failed last, or was given up
    sa.Column("again_at", UtcTime),  # by its schedule, where it was made due before that
    # Its first attempt, where that was accepted: then it is no row of `attempts`.
    sa.Column("first_started_at", UtcTime),
    sa.Column("first_resolved", sa.Integer),
    sa.Column("first_connected", sa.Integer),
    sa.Column("first_secured", sa.Integer),
    sa.Column("first_answered", sa.Integer),
    sa.Column("first_total", sa.BigInteger),
    sa.Column("first_http_status", sa.Integer),
    sa.Column("first_address", sa.Text),
    sa.Column("first_response_head", sa.Text),
    sa.UniqueConstraint("event", "endpoint", name="deliveries_fan_out"),
    sa.Index("deliveries_of_endpoint", "endpoint", "id"),
    partial_index(
        "deliveries_urgent", "endpoint", "due_at", "id", where="status = 'pending' AND urgency IS NOT NULL"
    ),
    partial_index("deliveries_of_incident", "incident", "endpoint", where="incident IS NOT NULL"),
    partial_index("deliveries_due", "endpoint", "due_at", "id", where="status = 'pending'"),
    # By a column that only the end of a delivery touches, so that a lease costs no work on this index.
    partial_index("deliveries_lane", "endpoint", "lane", "id", where="ended_at IS NULL"),
    partial_index("deliveries_waiting", "endpoint", "lane", "id", where="status = 'waiting'"),
    partial_index(
        "deliveries_dead",
        "status",  # else SQLite may take `deliveries_of_endpoint` in its place, and walk all there ever was
        "endpoint",
        "id",
        where="status = 'dead'",
    ),
    partial_index("deliveries_leased", "token", where="status = 'leased'"),
    sqlite_autoincrement=True,
)

attempts = sa.Table(
    "attempts",
    metadata,
    sa.Column("delivery", _NUMBER, sa.ForeignKey("deliveries.id"), primary_key=True, autoincrement=False),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("started_at", UtcTime, nullable=False),
    # Microseconds from the start of the attempt until a part was done; 0: it was not reached.
    sa.Column("resolved", sa.Integer, nullable=False),
    sa.Column("connected", sa.Integer, nullable=False),
    sa.Column("secured", sa.Integer, nullable=False),
    sa.Column("answered", sa.Integer, nullable=False),
    sa.Column("total", sa.BigInteger, nullable=False),
    sa.Column("outcome", Word(Attempted), nullable=False),
    sa.Column("http_status", sa.Integer),
    sa.Column("error", sa.Text),
    sa.Column("response_head", sa.Text),
    sa.Column("address", sa.Text),
    sqlite_with_rowid=False,
)

endpoints = sa.Table(
    "endpoints",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("health", Word(Health), nullable=False),
    sa.Column("since", UtcTime),
    sa.Column("failing_since", UtcTime),
    sa.Column("first_failures", sa.Integer, nullable=False),
    sa.Column("any_failures", sa.Integer, nullable=False),
    sa.Column("rejections", sa.Integer, nullable=False),
    sa.Column("throttles", sa.Integer, nullable=False),
    sa.Column("trials", sa.Integer, nullable=False),
    sa.Column("not_before", UtcTime),
    sa.Column("suspended_for", Milliseconds, nullable=False),
    sa.Column("disabled_by", Word(DisabledBy)),
    sa.Column("is_catching_up", sa.Boolean, nullable=False),
    sa.Column("error", sa.Text),
    sa.Column("is_own", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("asked", Word(Switch)),  # what an operator asked for, until the dispatcher has done it
)

in_force = sa.Table(
    "in_force",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),  # "configuration"
    sa.Column("since", UtcTime, nullable=False),
    sa.Column(
        "described", sa.Text, nullable=False
    ),  # JSON: its parts by name, each as a digest without secrets
    sa.Column("reloaded_at", UtcTime),  # NULL: it is the one of the start
    sa.Column("reload", sa.Text),  # JSON: what the last reload changed
    sa.Column("fingerprint", sa.Text),  # of the whole file, where several daemons have to agree on it
)

# The two that follow are empty where one daemon has the database for itself, as each on SQLite has.
members = sa.Table(
    "members",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("incarnation", sa.Text, nullable=False),  # of its process: another one of the name has another
    sa.Column("lock", sa.Integer, nullable=False, unique=True),  # the advisory lock that its session holds
    sa.Column("counter", sa.BigInteger, nullable=False),  # grows while it lives
    sa.Column("joined_at", UtcTime, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("fingerprint", sa.Text, nullable=False),  # of the configuration that it would go by
    sa.Column("read_at", UtcTime, nullable=False),  # when it read that
    sa.Column("key", sa.Text, nullable=False),  # fingerprint of its key file; "": it has none
    sa.Column("differs", sa.Text),  # why it takes nothing; NULL: it does
    sa.Column("told", sa.Text),  # what was told of it last
)

holdings = sa.Table(
    "holdings",
    metadata,
    sa.Column("kind", sa.Text, primary_key=True),  # "system", "endpoint" or "duty"
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("member", sa.Text),  # NULL: nobody holds it
    sa.Column("token", sa.BigInteger, nullable=False),  # the fencing token: grows each time that it is taken
    sa.Column("since", UtcTime, nullable=False),  # it is held so
    sa.Column("paused_until", UtcTime),  # of a system that wants to be left alone
    sa.Column("pause", sa.Text),  # JSON: why, and how often that was so
    sa.Index("holdings_of_member", "member"),
)

commands = sa.Table(
    "commands",
    metadata,
    sa.Column("number", _NUMBER, primary_key=True),  # the order in which they were accepted
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("system", sa.Text, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("params", sa.Text, nullable=False),  # JSON
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("not_before", UtcTime, nullable=False),
    sa.Column("expires_at", UtcTime, nullable=False),
    sa.Column("due_at", UtcTime, nullable=False),
    sa.Column("on_holiday", Word(OnHoliday), nullable=False),
    sa.Column("idempotency_key", sa.Text),
    sa.Column("fingerprint", sa.Text, nullable=False),  # of what was asked for
    sa.Column("estimate", sa.Float),
    sa.Column("units", sa.Float, nullable=False),  # counted against the budget of the day
    sa.Column("day", LocalDay),
    sa.Column("status", Word(CommandStatus), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("is_doubtful", sa.Boolean, nullable=False),
    sa.Column("started_at", UtcTime),
    sa.Column("ended_at", UtcTime),
    sa.Column("result", sa.Text),  # JSON
    sa.Column("error", sa.Text),
    sa.Column("error_message", sa.Text),
    sa.Column("error_code", sa.Integer),
    sa.Column("clock", Milliseconds),  # by how much it was set in all when the command was accepted
    sa.Column("is_start_given", sa.Boolean),  # whether the caller wrote `not_before`; NULL: nobody knows
    sa.Column("is_end_given", sa.Boolean),  # the same of `expires_at`
    partial_index(
        "commands_key", "system", "idempotency_key", unique=True, where="idempotency_key IS NOT NULL"
    ),
    sa.Index("commands_of_system", "system", "number"),
    partial_index("commands_of_status", "status", "number", where="ended_at IS NOT NULL"),
    partial_index("commands_queued", "system", "number", where="status = 'queued'"),
    partial_index("commands_running", "system", where="status = 'running'"),
    partial_index("commands_day", "system", "day", where="day IS NOT NULL"),
    partial_index("commands_ended", "ended_at", where="ended_at IS NOT NULL"),
    sqlite_autoincrement=True,
)

# No foreign key: the release before forgets commands, and knows nothing of these.
campaigns = sa.Table(
    "campaigns",
    metadata,
    sa.Column("command", sa.Text, primary_key=True),  # the id of the one that started it
    sa.Column("system", sa.Text, nullable=False),
    sa.Column("campaign", sa.Text),  # by which the platform knows it; NULL: it named none
    sa.Column("numbers", sa.Integer),  # that are dialled
    sa.Column("estimate", sa.Float, nullable=False),  # units counted until its price is known
    sa.Column("day", LocalDay),  # of the budget
    sa.Column("started_at", UtcTime, nullable=False),
    sa.Column("idle", sa.Integer, nullable=False),  # looks in a row that showed nobody to call
    sa.Column("final", sa.Integer, nullable=False),  # looks in a row that said that it is over
    sa.Column("unlearned", Milliseconds, nullable=False),  # observed time that told nothing of it
    sa.Column("seen", sa.Text, nullable=False),  # JSON: `core/commands/following.dump`
    sa.Column("seen_at", UtcTime),
    sa.Column("busy_at", UtcTime),  # when it was last seen at work
    sa.Column("ended_at", UtcTime),  # NULL: it is followed; set once, with its event
    sa.Column("outcome", Word(CampaignOutcome)),
    sa.Column("reason", sa.Text),
    partial_index("campaigns_open", "system", "command", where="ended_at IS NULL"),
    sa.Index("campaigns_started", "system", "started_at"),
)

# No foreign key here, either.
texts = sa.Table(
    "texts",
    metadata,
    sa.Column("number", _NUMBER, primary_key=True),
    sa.Column("system", sa.Text, nullable=False),
    sa.Column("endpoint", sa.Text),  # that was told; NULL: a command had it sent
    sa.Column("event", sa.Text),  # that it was told, by its id
    sa.Column("command", sa.Text),  # by its id
    sa.Column("recipient", sa.Text, nullable=False),  # in the national form
    sa.Column("phone", sa.Text, nullable=False),  # the same, as it is compared: `core/phones.py`
    sa.Column("sender", sa.Text),  # NULL: the system's own number
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("parts", sa.Integer, nullable=False),
    sa.Column("units", sa.Float, nullable=False),  # counted against the budget of the day
    sa.Column("day", LocalDay, nullable=False),
    sa.Column("sent_at", UtcTime, nullable=False),
    sa.Column("state", Word(TextState), nullable=False),
    sa.Column("report", sa.Text),  # the carrier's last word
    sa.Column("outcome", Word(TextReport)),  # NULL: not known yet, or it was never sent
    sa.Column("reason", sa.Text),
    # More may become known of it, or it counts yet for how many its number may be sent in an hour.
    sa.Column("is_live", sa.Boolean, nullable=False),
    partial_index("texts_of_event", "endpoint", "event", unique=True, where="endpoint IS NOT NULL"),
    partial_index("texts_of_command", "command", "phone", unique=True, where="command IS NOT NULL"),
    partial_index("texts_sending", "number", where="state = 'sending'"),
    partial_index("texts_live", "system", "number", where="is_live"),
    sa.Index("texts_day", "system", "day", "state"),
    sa.Index("texts_of_phone", "phone", "sent_at"),
    sa.Index("texts_of_system", "system", "sent_at"),
    sqlite_autoincrement=True,
)

text_reserves = sa.Table(
    "text_reserves",
    metadata,
    sa.Column("endpoint", sa.Text, primary_key=True),
    sa.Column("incident", sa.Text, primary_key=True),  # that it was told of, and whose end it is to be told
    sa.Column("system", sa.Text, nullable=False),  # that sends it
    sa.Column("units", sa.Float, nullable=False),
    sa.Index("text_reserves_of_system", "system"),
)

clock = sa.Table(
    "clock",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),  # of the one row
    sa.Column("stepped", Milliseconds, nullable=False),  # by how much it was set in all, back is negative
    sa.Column("seen_at", UtcTime, nullable=False),
    sa.Column("boot", sa.Text, nullable=False),  # the start of the machine that `elapsed` counts from
    sa.Column("elapsed", Milliseconds, nullable=False),
)

forgotten = sa.Table(
    "forgotten",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),  # of a table
    sa.Column("up_to", sa.BigInteger, nullable=False),  # of some numbers up to it there are no rows any more
)

kept_scopes = sa.Table(
    "kept_scopes",
    metadata,
    sa.Column("token", sa.Text, primary_key=True),  # its name; "": those of the next daemon to start
    sa.Column("scope", sa.Text, primary_key=True),
)

ended_sessions = sa.Table(
    "ended_sessions",
    metadata,
    sa.Column("mark", sa.Text, primary_key=True),  # of the token; leads nowhere
    sa.Column("session", sa.Text, primary_key=True),  # a hash of its id; "": the row is the token's own
    sa.Column("generation", sa.Integer, nullable=False),
)

revoked_links = sa.Table(
    "revoked_links",
    metadata,
    sa.Column("event", sa.Text, primary_key=True),  # to whose recording links in mails lead no more
    sa.Column("at", UtcTime, nullable=False),
    sa.Index("revoked_links_at", "at"),
)

kept_since = sa.Table(
    "kept_since",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),  # of what is kept: `store/kept_since.py`
    sa.Column("at", UtcTime, nullable=False),  # when the first daemon that keeps it came to this store
)

copied_recordings = sa.Table(
    "copied_recordings",
    metadata,
    sa.Column("system", sa.Text, primary_key=True),
    sa.Column("folder", sa.Text, primary_key=True),
    # All that events up to this one told of is on the disk of who polled the system then, or was given up.
    sa.Column("number", sa.BigInteger, nullable=False),
)

contacts = sa.Table(
    "contacts",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),  # what a number is compared by: `core/contacts.py`
    sa.Column("number", sa.Text, nullable=False),  # as it was given
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("folded", sa.Text, nullable=False),  # what a name is compared by
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("changed_at", UtcTime, nullable=False),
    sa.Index("contacts_folded", "folded", "key"),
)

contact_book = sa.Table(
    "contact_book",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),  # "contacts"
    sa.Column("version", sa.BigInteger, nullable=False),  # grows with every change of them
    sa.Column("size", sa.Integer, nullable=False),  # how many there are
)

template_versions = sa.Table(
    "template_versions",
    metadata,
    sa.Column("endpoint", sa.Text, primary_key=True),
    sa.Column(
        "since", sa.BigInteger, primary_key=True, autoincrement=False
    ),  # the first of the deliveries that are planned with it
    sa.Column("name", sa.Text),  # of the template
    sa.Column("text", sa.Text),  # of its file, which holds no secret; NULL: it has none from then on
)

callbacks = sa.Table(
    "callbacks",
    metadata,
    sa.Column("number", _NUMBER, primary_key=True),  # the order in which they were listed
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("system", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),  # of the phone: `core/phones.py`
    sa.Column("phone", sa.Text, nullable=False),  # as the platform spelled it last
    sa.Column("subject", sa.Text, nullable=False),  # the queue that was called last
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("source", Word(Source), nullable=False),
    sa.Column("calls", sa.Integer, nullable=False),  # how often nobody answered
    sa.Column("since", UtcTime, nullable=False),  # the first of these calls
    sa.Column("last_at", UtcTime, nullable=False),  # the last of them
    sa.Column("waited_least", sa.Integer),  # seconds, of the last; NULL: not known
    sa.Column("waited_most", sa.Integer),
    sa.Column("request", sa.Text),  # in a call-back list of the platform: queue and id; NULL: in none
    sa.Column("closed_at", UtcTime),  # NULL: still to be called back
    sa.Column("done", Word(Done)),
    sa.Column("closed_by", sa.Text),
    sa.Column("note", sa.Text),
    sa.Column("is_told", sa.Boolean, nullable=False),  # whether its present state has its event
    partial_index("callbacks_open", "system", "key", unique=True, where="closed_at IS NULL"),
    partial_index("callbacks_listed", "number", where="closed_at IS NULL"),
    partial_index("callbacks_aging", "last_at", where="closed_at IS NULL"),
    partial_index("callbacks_untold", "number", where="NOT is_told"),
    partial_index("callbacks_closed", "closed_at", where="closed_at IS NOT NULL"),
    sqlite_autoincrement=True,
)

queue_calls = sa.Table(
    "queue_calls",
    metadata,
    sa.Column("number", _NUMBER, primary_key=True),
    sa.Column("system", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("call_id", sa.Text),  # NULL: nobody saw the call
    sa.Column("key", sa.Text, nullable=False),  # of the phone; "": withheld
    sa.Column("phone", sa.Text, nullable=False),
    sa.Column("left_after", UtcTime, nullable=False),  # between these two
    sa.Column("left_at", UtcTime, nullable=False),
    sa.Column("waited_least", sa.Integer),
    sa.Column("waited_most", sa.Integer),
    sa.Column("outcome", Word(Outcome), nullable=False),
    sa.Column("many", sa.Integer, nullable=False),  # more than one: so many, at least, whom nobody saw
    sa.Column("is_open", sa.Boolean, nullable=False),  # the platform's log may have it yet
    sa.Index("queue_calls_of_subject", "system", "subject", "left_at"),
    sa.Index("queue_calls_of_phone", "system", "key", "left_at"),
    sa.Index("queue_calls_of_system", "system", "left_at"),
    sa.Index("queue_calls_aging", "left_at"),
    partial_index("queue_calls_held", "left_at", where="many = 0 AND is_open"),
    partial_index("queue_calls_open", "system", "key", "number", where="is_open"),
    partial_index("queue_calls_of_call", "system", "call_id", where="is_open"),
    sqlite_autoincrement=True,
)

kept_endpoints = sa.Table(
    "kept_endpoints",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("sealed", sa.LargeBinary),  # by the key file: settings and secrets; NULL: it was taken away
    sa.Column("version", sa.BigInteger, nullable=False),  # of all of them, the highest is the newest change
    sa.Column("request", sa.Text, unique=True),  # whose `Idempotency-Key` it was made by, and which
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("made_at", UtcTime, nullable=False),
    sa.Column("changed_at", UtcTime, nullable=False),
    sa.Column(
        "overlap_until", UtcTime
    ),  # so long the secrets before the newest sign, too; NULL: there are none
)

feeds = sa.Table(
    "feeds",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("wanted", sa.Text, nullable=False),  # JSON: which events
    sa.Column("position", sa.BigInteger, nullable=False),  # the number of the last event that was taken
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("made_at", UtcTime, nullable=False),
    sa.Column("moved_at", UtcTime),  # NULL: never
)
