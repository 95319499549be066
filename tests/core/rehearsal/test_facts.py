"""What would be told of what stands alone: nothing twice."""

from collections import Counter

from daemon.core.missed import DUE_TYPE
from daemon.core.rehearsal.facts import OF_CALLERS, together
from daemon.core.watches.callers import ABANDONED, JOINED, LEFT


def test_what_polls_and_the_log_tell_of_the_same_caller_is_told_once() -> None:
    again = Counter({("crm", JOINED): 5, ("crm", ABANDONED): 2, ("crm", DUE_TYPE): 2, ("crm", LEFT): 3})
    then = Counter({("crm", JOINED): 5, ("crm", ABANDONED): 4, ("crm", DUE_TYPE): 3, ("ops", DUE_TYPE): 1})

    assert together(again, then) == {
        ("crm", JOINED): 5,
        ("crm", ABANDONED): 4,
        ("crm", DUE_TYPE): 3,
        ("crm", LEFT): 3,
        ("ops", DUE_TYPE): 1,
    }


def test_of_everything_else_each_event_is_in_one_of_them() -> None:
    assert together(Counter({("crm", "sms.received"): 2}), Counter({("crm", "sms.received"): 3})) == {
        ("crm", "sms.received"): 5
    }
    assert "sms.received" not in OF_CALLERS
