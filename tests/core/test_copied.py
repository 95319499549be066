"""How far recordings are copied: in any lives, settled in whatever order, none is passed over."""

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from daemon.core.copied import Copied

FOLDER = ("main", "/2")
STEP = st.one_of(
    st.tuples(st.just("look"), st.booleans()),
    st.tuples(st.just("settle"), st.integers(0, 5)),
    st.tuples(st.just("write"), st.booleans()),
    st.tuples(st.just("die"), st.just(0)),
)


@dataclass
class Game:
    """Members that come one after the other. What is settled of one that dies stays so."""

    written: int = 0
    last: int = 0
    settled: set[int] = field(default_factory=set)
    due: list[int] = field(default_factory=list)
    copied: Copied = field(default_factory=Copied)

    def begin(self) -> None:
        self.copied, self.due = Copied(), []
        self.copied.begin(FOLDER, self.written)
        for number in range(1, self.last + 1):
            if self.copied.is_new(FOLDER, number):
                self.look(number, is_due=number not in self.settled)

    def look(self, number: int, *, is_due: bool) -> None:
        self.copied.looked(FOLDER, number, is_due=is_due)
        if is_due:
            self.due.append(number)
        else:
            self.settled.add(number)

    def step(self, what: str, how: int) -> None:
        if what == "look":
            self.last += 1
            self.look(self.last, is_due=bool(how))
        elif what == "settle" and self.due:
            number = self.due.pop(how % len(self.due))
            self.settled.add(number)
            self.copied.settled(FOLDER, number)
        elif what == "write":
            news = self.copied.news()
            self.written = news.get(FOLDER, self.written)
            if how:  # else it dies, or believes that it could not be written
                self.copied.written(news)
        elif what == "die":
            self.begin()


@given(st.lists(STEP, max_size=40))
def test_all_up_to_the_mark_is_settled_whoever_dies(steps: list[tuple[str, int]]) -> None:
    game = Game()
    game.begin()
    for what, how in steps:
        game.step(what, how)
        assert set(range(1, game.written + 1)) <= game.settled
        assert set(range(1, game.last + 1)) == game.settled | set(game.due)


@given(st.lists(STEP, max_size=40))
def test_once_all_is_settled_the_mark_is_the_last(steps: list[tuple[str, int]]) -> None:
    game = Game()
    game.begin()
    for what, how in steps:
        game.step(what, how)
    while game.due:
        game.step("settle", 0)
    game.step("write", 1)

    assert (game.written, game.copied.news()) == (game.last, {})


def test_a_folder_that_is_not_copied_here_has_no_mark() -> None:
    copied = Copied()
    copied.begin(FOLDER, 5)
    assert not copied.is_new(FOLDER, 5)
    copied.looked(FOLDER, 6, is_due=True)
    copied.keep(())
    copied.settled(FOLDER, 6)

    assert (copied.news(), FOLDER in copied, copied.is_new(FOLDER, 7)) == ({}, False, False)
