"""Wishes that raise: something else in their stead, and they are remembered until they work again."""

from daemon.core.wishes import CALM_LOOKS, Guard, Kind, Wish, Wishes, where

QUIET = Wish(Kind.ENDPOINT, "crm", "quiet")


def raises() -> str:
    raise ValueError("the secret of somebody")


def guarded() -> tuple[Wishes, Guard, list[Wish]]:
    heard: list[Wish] = []
    wishes = Wishes(lambda wish, _error: heard.append(wish))
    guard = wishes.guard(Kind.ENDPOINT, "crm")
    guard.add("quiet", "from 22:00")
    return wishes, guard, heard


def test_what_works_is_what_it_is() -> None:
    wishes, guard, heard = guarded()

    assert guard.tried("quiet", lambda: "found", instead="else") == "found"
    assert (wishes.look()[QUIET].error, wishes.look()[QUIET].has_worked, heard) == (None, True, [])


def test_what_raises_is_something_else_and_is_heard_of_once() -> None:
    wishes, guard, heard = guarded()
    found = [guard.tried("quiet", raises, instead="else") for _ in range(3)]

    assert found == ["else"] * 3
    assert heard == [QUIET]
    assert (wishes.look()[QUIET].error or "").startswith("ValueError at test_wishes.py:")


def test_what_nobody_has_tried_yet_neither_works_nor_is_set_aside() -> None:
    wishes, _, _ = guarded()

    assert (wishes.look()[QUIET].error, wishes.look()[QUIET].has_worked) == (None, False)


def test_what_raises_now_and_then_stays_set_aside_until_it_has_been_calm() -> None:
    wishes, guard, heard = guarded()
    guard.tried("quiet", raises, instead="")
    for _ in range(3):
        for _ in range(CALM_LOOKS):
            guard.tried("quiet", lambda: "", instead="")
            assert wishes.look()[QUIET].error
        guard.tried("quiet", raises, instead="")
    for _ in range(CALM_LOOKS + 1):
        guard.worked("quiet")
        wishes.look()

    assert (wishes.look()[QUIET].error, heard) == (None, [QUIET])


def test_what_is_not_tried_any_more_stays_set_aside() -> None:
    wishes, guard, _ = guarded()
    guard.raised("quiet", ValueError())
    found = [wishes.look()[QUIET] for _ in range(2 * CALM_LOOKS)]

    assert all(one.error == "ValueError" for one in found)


def test_whoever_tries_the_same_wish_knows_of_each_other() -> None:
    wishes, guard, heard = guarded()
    another = wishes.guard(Kind.ENDPOINT, "crm")
    guard.worked("quiet")
    another.raised("quiet", ValueError())
    assert (wishes.look()[QUIET].error, wishes.look()[QUIET].has_worked) == ("ValueError", False)

    guard.worked("quiet")
    assert (wishes.look()[QUIET].error, wishes.look()[QUIET].has_worked) == ("ValueError", True)
    assert heard == [QUIET]


def test_what_nobody_has_entered_works_from_its_first_raise_on() -> None:
    guard = Wishes().guard(Kind.ENDPOINT, "crm")
    guard.worked("quiet")
    assert guard.wishes.look() == {}

    guard.raised("quiet", ValueError())
    guard.worked("quiet")
    assert guard.wishes.look()[QUIET].has_worked


def test_one_wish_says_nothing_of_another() -> None:
    wishes, guard, _ = guarded()
    guard.add("rate", 7)
    guard.tried("rate", lambda: "", instead="")
    guard.tried("quiet", raises, instead="")

    assert [one.setting for one, standing in wishes.look().items() if standing.error] == ["quiet"]


def test_what_nobody_has_entered_is_guarded_all_the_same() -> None:
    guard = Wishes().guard(Kind.WATCH, "main/sip")

    assert guard.tried("polling", raises, instead="else") == "else"
    assert guard.over("polling", lambda _: bool(raises()), instead=False)("x") is False
    assert guard.wishes.look()[Wish(Kind.WATCH, "main/sip", "polling")].error


def test_a_system_exit_is_no_error() -> None:
    """What ends the process, or a thread, is obeyed."""
    _, guard, heard = guarded()

    def ends() -> str:
        raise SystemExit

    try:
        guard.tried("quiet", ends, instead="")
    except SystemExit:
        heard.append(QUIET)

    assert heard == [QUIET]


def test_an_error_without_a_trace_is_its_name() -> None:
    assert where(KeyError("the secret of somebody")) == "KeyError"


def test_a_text_is_kept_as_what_it_is_known_by_and_as_releases_before_stored_it() -> None:
    wishes, guard, _ = guarded()
    guard.add("rate", [])
    guard.add("filters", ["x" * 10_000])

    rate, filters = (wishes.look()[Wish(Kind.ENDPOINT, "crm", one)].written for one in ("rate", "filters"))

    assert rate == "4f53cda18c2b"  # the first digits of the SHA-256 of "[]"
    assert len(filters) == len(rate)


def test_a_glance_is_a_look_at_those_that_are_set_aside() -> None:
    """Also of one that is taken up again by it, and raises later."""
    wishes, guard, heard = guarded()
    guard.add("rate", 7)
    assert wishes.glance() == {}

    guard.tried("quiet", raises, instead="")
    guard.worked("quiet")
    seen = [list(wishes.glance()) for _ in range(CALM_LOOKS + 1)]
    assert seen == [[QUIET]] * CALM_LOOKS + [[]]

    guard.tried("quiet", raises, instead="")
    assert wishes.glance() == {QUIET: wishes.look()[QUIET]}
    assert heard == [QUIET, QUIET]
