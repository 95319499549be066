"""The link of a mail: it says what was put into it, to whoever has the key, for a day, and nothing else is
one."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from daemon.core import signed_links
from daemon.core.alerts.acknowledgement_link import LASTS, PREFIX, Link, path, read
from tests.support.fakes import START

KEY, OTHER = b"k" * 32, b"o" * 32
SECOND = timedelta(seconds=1)
names = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=100)


def token(incident: str = "inc_1", endpoint: str = "ops/dana@example.org") -> str:
    return path(KEY, incident, endpoint, START).removeprefix(PREFIX)


@given(incident=names, endpoint=names)
def test_what_is_put_in_comes_out_and_stands_in_an_address_as_it_is(incident: str, endpoint: str) -> None:
    made = token(incident, endpoint)

    assert read(KEY, made) == Link(incident, endpoint, START)
    assert set(made) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")


@given(st.text(max_size=200))
def test_nothing_else_is_a_link(text: str) -> None:
    assert read(KEY, text) is None


@given(place=st.integers(0, 200), sign=st.sampled_from("Aa0-_.="))
def test_a_token_in_which_a_sign_was_changed_says_nothing_else(place: int, sign: str) -> None:
    made = token()
    place %= len(made)
    changed = made[:place] + sign + made[place + 1 :]

    assert read(KEY, changed) in (None, read(KEY, made))


def test_another_key_reads_nothing_and_length_is_bounded() -> None:
    assert read(OTHER, token()) is None
    assert read(KEY, token() + "A" * signed_links.LONGEST) is None


def test_it_counts_for_a_day_either_way() -> None:
    link = Link("inc_1", "ops", START)

    assert [link.counts(START + after) for after in (-LASTS, -LASTS + SECOND, LASTS - SECOND, LASTS)] == [
        False,
        True,
        True,
        False,
    ]


def test_a_mail_that_goes_out_again_has_the_same_link() -> None:
    assert token() == token()
