"""What a campaign costs, by the documented prices."""

import pytest

from daemon.core.commands.campaigns import Estimate, cost, estimate
from daemon.core.model import Json


@pytest.mark.parametrize(
    ("phones", "numbers", "is_exact"),
    [
        ("0501234567", 1, True),
        ("0501234567:0501234568", 2, True),
        (["0501234567", "0501234568", "0501234569"], 3, True),
        ([{"phone": "0501234567"}, {"phone": "0501234568", "caller_id": "0771234567"}], 2, True),
        ([{"phones": ["0501234567", "0501234568"]}, {"phones": ["0501234569"]}], 3, True),
        ("tpl:12", 500, False),
        ("tzl:3", 500, False),
        ("tzl:", 500, False),
    ],
)
def test_every_form_of_phones_is_counted(phones: Json, numbers: int, is_exact: bool) -> None:
    assert estimate({"phones": phones}) == Estimate(numbers, is_exact)


def test_a_tenth_to_dial_and_at_least_half_a_unit_for_each_answer() -> None:
    one = Estimate(37, is_exact=True)
    assert (one.dialling, one.units) == (3.7, 22.2)
    assert cost(37) == one.units
