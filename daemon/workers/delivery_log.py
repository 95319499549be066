"""What the log says of deliveries and of endpoints, once it is committed."""

import logging
from collections.abc import Sequence
from datetime import timedelta

import structlog

from daemon.core.delivery.breaker import Health, Turn
from daemon.core.delivery.outcome import Outcome, Status
from daemon.store.outbox import Finished

log = structlog.get_logger()


def log_finished(finished: Sequence[Finished], lost: Sequence[Finished]) -> None:
    """A line for each attempt that is more than a delivery at once; `lost` are those whose lease was over."""
    for one in finished:
        attempted, message = one.attempted, one.attempted.message
        is_accepted = attempted.outcome is Outcome.ACCEPTED
        if is_accepted and message.attempt == 1 and not lost:
            continue  # it is in the store; a line for each would be most of the log
        told: dict[str, object] = {
            "event_id": message.event,
            "endpoint": message.endpoint,
            "attempt": message.attempt,
            "ms": attempted.took // timedelta(milliseconds=1),
        }
        if one in lost:
            log.warning("delivery.lease_lost", **told)
        elif is_accepted:
            log.info("delivery.done", status=attempted.http_status, **told)
        elif one.then.status is Status.DEAD:
            log.error("delivery.dead", outcome=attempted.outcome.value, error=attempted.why, **told)
        elif one.then.status is Status.UNKNOWN:
            log.error("delivery.unknown", outcome=attempted.outcome.value, error=attempted.why, **told)
        else:
            told["due_at"] = one.then.due_at.isoformat() if one.then.due_at else None
            log.warning("delivery.retry", outcome=attempted.outcome.value, error=attempted.why, **told)


def log_turns(turns: Sequence[Turn]) -> None:
    """A line for each endpoint whose health has turned."""
    for turn in turns:
        told = {
            "endpoint": turn.endpoint,
            "health": turn.after.health.value,
            "before": turn.before.health.value,
            "error": turn.after.error,
        }
        is_well = turn.after.health is Health.HEALTHY
        log.log(logging.INFO if is_well else logging.WARNING, "endpoint.turned", **told)
