"""Endpoints by their names."""

import pytest

from daemon.core.refusals import Refused
from daemon.core.routing.plan import Interest
from daemon.operations.endpoints import interest_of

INTERESTS = [Interest(one, ("*",), None) for one in ("crm", "boss/0541234567", "boss/0541234568")]


def test_one_is_found_by_its_name() -> None:
    assert interest_of("boss/0541234568", INTERESTS) is INTERESTS[2]


@pytest.mark.parametrize(
    ("name", "meant"),
    [("crn", '; did you mean "crm"?'), ("boss", '; did you mean "boss/0541234567"?'), ("xyz", "")],
)
def test_where_there_is_none_it_is_said_which_was_meant(name: str, meant: str) -> None:
    with pytest.raises(Refused) as refused:
        interest_of(name, INTERESTS)

    assert str(refused.value) == f"no endpoint is called {name!r}{meant}"
