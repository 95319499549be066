"""Which template a delivery was planned with: by the order in which deliveries are planned, whatever the
clock and whoever plans."""

from contextlib import closing

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.core.templates.planned import Planned
from daemon.store import pruning
from daemon.store.database import Database
from daemon.store.schema import deliveries
from daemon.store.template_versions import MOST_VERSIONS, planned_with, take_over, templated
from tests.store.test_outbox import ALL, add
from tests.support import stores
from tests.support.engines import USED
from tests.support.examples import examples
from tests.support.fakes import Ids


def newest(db: sa.Connection) -> int:
    return int(db.scalar(sa.select(sa.func.max(deliveries.c.id))) or 0)


def planned(db: sa.Connection, ids: Ids) -> int:
    """One more delivery for `crm`; its number."""
    add(db, ids, "sms/1", interests=ALL)
    return newest(db)


def test_of_an_endpoint_that_never_had_one_nothing_is_known(database: Database) -> None:
    with database.write() as db:
        take_over(db, {"crm": None})
        one = planned(db, Ids())

        assert planned_with(db, "crm", one) is None
        assert templated(db) == set()


def test_a_change_applies_to_what_is_planned_after_it(database: Database) -> None:
    ids = Ids()
    with database.write() as db:
        told = []
        for text in (None, "a", "a", "b", None, "b"):
            take_over(db, {"crm": text, "ops": None})
            told.append((planned(db, ids), text))

        assert [planned_with(db, "crm", one) for one, _ in told] == [Planned(text) for _, text in told]
        assert planned_with(db, "ops", told[0][0]) is None
        assert templated(db) == {"crm"}


def test_of_two_changes_with_nothing_between_the_last_counts(database: Database) -> None:
    ids = Ids()
    with database.write() as db:
        before = planned(db, ids)
        for text in ("a", "b", "c"):
            take_over(db, {"crm": text})
        after = planned(db, ids)

        assert planned_with(db, "crm", before) == Planned(None)
        assert planned_with(db, "crm", after) == Planned("c")


def test_what_nothing_is_left_of_is_forgotten_and_what_is_in_force_is_not(database: Database) -> None:
    ids = Ids()
    with database.write() as db:
        take_over(db, {"crm": "a"})
        first = planned(db, ids)
        take_over(db, {"crm": "b"})
        second = planned(db, ids)
        pruning.forget_deliveries(db, [first])
        take_over(db, {"crm": "b"})

        assert planned_with(db, "crm", first) == Planned(None)  # it is not there any more
        assert planned_with(db, "crm", second) == Planned("b")
        pruning.forget_deliveries(db, [second])
        take_over(db, {"crm": None})
        assert templated(db) == set()
        assert planned_with(db, "crm", planned(db, ids)) is None


def test_a_number_that_was_pruned_is_never_that_of_another_delivery(database: Database) -> None:
    ids = Ids()
    with database.write() as db:
        take_over(db, {"crm": "a"})
        one = planned(db, ids)
        pruning.forget_deliveries(db, [one])
        take_over(db, {"crm": "b"})

        assert planned_with(db, "crm", planned(db, ids)) == Planned("b")


def test_of_a_template_that_is_changed_again_and_again_there_are_so_many_at_most(database: Database) -> None:
    ids = Ids()
    with database.write() as db:
        first = planned(db, ids)
        told = []
        for number in range(MOST_VERSIONS + 5):
            take_over(db, {"crm": str(number)})
            told.append(planned(db, ids))
        kept = db.exec_driver_sql("SELECT count(*) FROM template_versions").scalar()

        assert kept == MOST_VERSIONS
        assert planned_with(db, "crm", told[-1]) == Planned(str(MOST_VERSIONS + 4))
        assert planned_with(db, "crm", told[0]) == Planned("5")
        assert planned_with(db, "crm", first) == Planned(None)


@USED
@settings(max_examples=examples(30), deadline=None)
@given(st.lists(st.sampled_from(["", "a", "b", "c", "plan", "prune"]), max_size=25))
def test_whatever_is_done_each_delivery_has_what_was_in_force_when_it_was_planned(
    steps: list[str],
) -> None:
    ids, in_force = Ids(), ""
    told: dict[int, str] = {}
    with closing(stores.new()) as database, database.write() as db:
        for step in steps:
            if step == "plan":
                told[planned(db, ids)] = in_force
            elif step == "prune":
                pruning.forget_deliveries(db, list(told)[:1])
                told = dict(list(told.items())[1:])
            else:
                in_force = step
                take_over(db, {"crm": step or None})
        for one, text in told.items():
            found = planned_with(db, "crm", one)
            assert (found.text or "" if found else "") == text


@pytest.mark.parametrize("text", ["", "א" * 1000, "x\n\ty"])
def test_a_text_is_kept_as_it_is(database: Database, text: str) -> None:
    with database.write() as db:
        take_over(db, {"crm": text})
        assert planned_with(db, "crm", planned(db, Ids())) == Planned(text)
