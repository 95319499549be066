"""Figures of the SMS that the daemon sends: the budget of today, what of it is used, how each stands."""

from collections.abc import Callable, Iterable, Iterator

from daemon.core.commands.command_types import SMS_SEND_NAME
from daemon.core.commands.sent_texts import State
from daemon.store import budgets, texts
from daemon.web.exposition import Family
from daemon.web.scrape import Metric, Scrape


def _budgets(scrape: Scrape) -> Iterator[Metric]:
    """Of the systems that have a budget."""
    with_one = {
        system: (one.sms_units_per_day, one.day(scrape.now))
        for system, one in scrape.policies.items()
        if one.sms_units_per_day is not None
    }
    yield Family(
        "gauge",
        "yemotd_sms_budget_units",
        "What the SMS of a system may cost in a day.",
        ["system"],
        [((system,), budget) for system, (budget, _) in with_one.items()],
    )
    yield Family(
        "gauge",
        "yemotd_sms_used_units",
        "What of that is used today, with what waits and what is held for the ends of alerts.",
        ["system"],
        [
            ((system,), budgets.used(scrape.db, system, SMS_SEND_NAME, day))
            for system, (_, day) in with_one.items()
        ],
    )
    yield Family(
        "gauge",
        "yemotd_sms_today",
        "SMS that were sent today, or were to be, by how they stand.",
        ["system", "state"],
        [
            ((system, state.value), found.get(state, 0))
            for system, (_, day) in with_one.items()
            for found in (texts.states(scrape.db, system, day),)
            for state in State
        ],
    )


FAMILIES: tuple[Callable[[Scrape], Iterable[Metric]], ...] = (_budgets,)
