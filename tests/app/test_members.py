"""By which configuration several daemons go, and why nothing falls to one of them."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from daemon.app.in_force import Current, in_force
from daemon.app.members import OTHER_FILE, OTHER_KEY, PATIENCE, Members
from daemon.config.settings import Config
from daemon.core.ownership import Member
from daemon.host.key_file import Key
from daemon.pipeline.handover import Handover
from daemon.store.database import Database
from daemon.workers.membership import View
from daemon.workers.names import Names
from daemon.workers.self_check import Heard
from tests.support.config_files import SYSTEM, config
from tests.support.fakes import START

KEY = Key(b"k" * 32, is_kept=True)
NORTH = '[daemon]\nmember = "north"\n'
SECOND = timedelta(seconds=1)


class Office:
    """One member; what it sees of the others is given."""

    def __init__(self, database: Database, first: Config, other: Config) -> None:
        self.first, self.other = first, other
        self.current = Current(in_force(first, Heard(), Handover(), Names()))
        parts: Any = SimpleNamespace(timekeeper=SimpleNamespace(is_sure=True))
        self.members = Members(database, self.current, KEY, parts=lambda: parts)
        membership = self.members.membership
        membership.me = self.member("north", at=START)
        membership._valid_until = float("inf")

    def member(self, name: str, of: Config | None = None, *, at: datetime, **more: Any) -> Member:
        print_of = self.members.fingerprint(of or self.first)
        found = Member(name, f"mem_{name}", 2, 0, at, "1", print_of, at, self.members.membership._key)
        return replace(found, **more)

    def sees(
        self, *others: Member, in_force: Config | str | None = None, dead: tuple[Member, ...] = ()
    ) -> None:
        me = self.members.membership.me
        mark = self.members.fingerprint(in_force) if isinstance(in_force, Config) else in_force
        members = [*others, *dead, *([me] if me else [])]
        self.members.membership.view = View(members, dead, mark)

    def objection(self) -> str | None:
        view = self.members.membership.view
        assert view is not None
        return self.members._objection(view)


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Iterator[Office]:
    first = config(tmp_path, NORTH + SYSTEM + "[systems.sms]\n")
    other = config(tmp_path, NORTH + SYSTEM + '[systems.sms]\nevery = "20s"\n')
    one = Office(database, first, other)
    yield one
    one.current().close()


def test_what_is_in_force_is_gone_by_at_once(office: Office) -> None:
    office.sees(office.member("south", at=START), in_force=office.first)
    assert office.members.may_go_by(office.first, 0)
    assert office.objection() is None


def test_another_is_not_before_all_have_read_it(office: Office) -> None:
    south = office.member("south", at=START)
    office.members.membership.me = office.member("north", office.other, at=START + SECOND)
    office.sees(south, in_force=office.first)
    assert not office.members.may_go_by(office.other, 1)
    office.sees(replace(south, fingerprint=office.members.fingerprint(office.other)), in_force=office.first)
    assert office.members.may_go_by(office.other, 1)


def test_the_dead_are_not_waited_for(office: Office) -> None:
    office.members.membership.me = office.member("north", office.other, at=START + SECOND)
    office.sees(in_force=office.first, dead=(office.member("south", at=START),))
    assert office.members.may_go_by(office.other, 1)


def test_in_the_end_it_goes_by_who_has_read_last(office: Office) -> None:
    office.members.membership.me = office.member("north", office.other, at=START + SECOND)
    office.sees(office.member("south", at=START), in_force=office.first)
    assert not office.members.may_go_by(office.other, PATIENCE - 1)
    assert office.members.may_go_by(office.other, PATIENCE)
    office.sees(office.member("south", at=START + 2 * SECOND), in_force=office.first)
    assert not office.members.may_go_by(office.other, PATIENCE)


def test_whose_file_is_another_one_has_nothing(office: Office) -> None:
    south = office.member("south", office.other, at=START)
    office.sees(south, in_force=office.other)
    assert office.objection() == OTHER_FILE
    assert not office.members.is_heir()


@pytest.mark.parametrize("is_newest", [True, False])
def test_where_nobody_is_left_who_goes_by_what_is_in_force_the_newest_does(
    office: Office, *, is_newest: bool
) -> None:
    south = office.member("south", office.other, at=START - SECOND if is_newest else START + SECOND)
    office.sees(south, in_force="what nobody has any more")
    assert office.members.is_heir() is is_newest


def test_nobody_is_an_heir_who_cannot_know_who_lives(office: Office) -> None:
    office.sees(in_force="what nobody has any more")
    assert office.members.is_heir()
    office.members.membership._valid_until = float("-inf")
    assert not office.members.is_heir()


@pytest.mark.parametrize(("at", "is_ours_wrong"), [(START - SECOND, True), (START + SECOND, False)])
def test_of_two_keys_the_later_one_is_wrong(office: Office, at: datetime, *, is_ours_wrong: bool) -> None:
    office.sees(office.member("south", at=at, key="another"), in_force=office.first)
    assert office.objection() == (OTHER_KEY.format(name="south") if is_ours_wrong else None)


def test_one_whose_key_is_wrong_is_no_witness(office: Office) -> None:
    south = office.member("south", at=START - SECOND, key="another", differs="its key_file …")
    office.sees(south, in_force=office.first)
    assert office.objection() is None
