"""The tables, all in one place. A new database gets them as they are here, an older one by `migrations/`; a
test holds the two equal."""

import sqlalchemy as sa

from daemon.core.alerts.life import Phase
from daemon.core.commands.command import OnHoliday
from daemon.core.commands.command import Status as CommandStatus
from daemon.core.delivery.breaker import DisabledBy, Health, Switch
from daemon.core.delivery.outcome import Outcome, Status
from daemon.core.model import Reason, Severity
from daemon.core.routing.ledger import Hold, Standing
from daemon.core.watches.subjects import SubjectKind, SubjectState
from daemon.store import dialects
from daemon.store.column_types import LocalDay, Milliseconds, UtcTime, Word
from daemon.store.dialects import partial_index

REVISION = "0014"
"""Of the newest migration."""

# Without AUTOINCREMENT SQLite may use a pruned row's number again, and order would lie.
_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

metadata = sa.MetaData()
sa.event.listen(metadata, "before_create", dialects.say_to)

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
    partial_index("ledger_open", "endpoint", "incident", where="NOT is_over"),
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
    sa.UniqueConstraint("system", "sequence", name="events_sequence"),
    sa.Index("events_of_type", "type", "number"),
    sa.Index("events_of_subject", "subject", "number"),
    sqlite_autoincrement=True,
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
    sa.Column("outcome", Word(Outcome), nullable=False),
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
