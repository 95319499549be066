"""Whom a verb asks: the store on this machine, or a daemon elsewhere; either gives the same documents.

A verb says what it wants of the store as a document of `schemas/`, and prints that. Where it has a row in
`ROUTES`, a daemon can be asked for that document instead.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from pydantic import BaseModel, ValidationError

from daemon.cli import names, opening
from daemon.cli.given import CA_FILE, GIVEN, TOKEN_FILE, URL, of_environment
from daemon.cli.output import use_zone
from daemon.cli.place import Place, opened
from daemon.cli.routes import ROUTES, Route
from daemon.host import clock

if TYPE_CHECKING:
    from daemon.cli.over_http import Elsewhere

ModelT = TypeVar("ModelT", bound=BaseModel)
Query = Mapping[str, object]
"""By the names that HTTP has for them; what is None or False is not asked for."""
MOST_AT_ONCE = 1000
"""What HTTP gives in one answer."""


class Asked(Protocol):
    """Whoever is asked."""

    is_here: bool
    """The store on this machine."""

    def one(
        self,
        model: type[ModelT],
        here: Callable[[Place], ModelT],
        *,
        words: Mapping[str, str] = ...,
        query: Query = ...,
        body: Callable[[], Any] | None = ...,
        headers: Mapping[str, str] = ...,
        patience: timedelta | None = ...,
    ) -> ModelT:
        """A document: what `here` makes of the store, or what the route of the verb answers. `words`: of its
        path; `patience`: what is waited for there, beside the answer itself. Raises `Fatal`."""

    def many(
        self,
        model: type[ModelT],
        here: Callable[[Place], list[ModelT]],
        *,
        query: Query = ...,
        limit: int = ...,
    ) -> list[ModelT]:
        """The same of a list, of at most `limit`, page by page. Raises `Fatal`."""

    def now(self) -> datetime:
        """What time it is where the documents come from."""

    def say_when_it_goes(self) -> None:
        """Say so where what was asked for waits until a daemon runs."""


NOTHING: Mapping[str, str] = {}


class Here:
    """The store on this machine."""

    is_here = True

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._now: datetime | None = None
        self._url: str | None = None

    def one(self, _model: type[ModelT], here: Callable[[Place], ModelT], **_there: Any) -> ModelT:
        with opened(self._path) as place:
            found = here(place)
            self._note(place)
        return found

    def many(
        self, _model: type[ModelT], here: Callable[[Place], list[ModelT]], **_there: Any
    ) -> list[ModelT]:
        with opened(self._path) as place:
            found = here(place)
            self._note(place)
        return found

    def now(self) -> datetime:
        return self._now or clock.utcnow()

    def say_when_it_goes(self) -> None:
        if self._url is not None:
            opening.say_when_it_goes(self._url)

    def _note(self, place: Place) -> None:
        self._now, self._url = place.now, place.url


class There:
    """A daemon elsewhere."""

    is_here = False

    def __init__(self, elsewhere: "Elsewhere", route: Route) -> None:
        self.elsewhere = elsewhere
        self._route = route

    def one(
        self,
        model: type[ModelT],
        here: Callable[[Place], ModelT],
        *,
        words: Mapping[str, str] = NOTHING,
        query: Query = NOTHING,
        body: Callable[[], Any] | None = None,
        headers: Mapping[str, str] = NOTHING,
        patience: timedelta | None = None,
    ) -> ModelT:
        from daemon.cli.over_http import Question, quoted_path  # noqa: PLC0415 - where it is asked for

        path = quoted_path(self._route.path, words)
        said = body() if body is not None else None
        waits = patience or timedelta(0)
        question = Question(self._route.method, path, _asked(query), said, headers, waits)
        return self._understood(model, self.elsewhere.ask(question))

    def many(
        self,
        model: type[ModelT],
        here: Callable[[Place], list[ModelT]],
        *,
        query: Query = NOTHING,
        limit: int | None = None,
    ) -> list[ModelT]:
        return [self._understood(model, one) for one in self.items(query, limit)]

    def items(self, query: Query = NOTHING, limit: int | None = None) -> list[Any]:
        """What stands in the list of the answer, as it is there, page by page."""
        found = [one for page in self.pages(query, limit) for one in page[self._route.items]]
        return found if limit is None else found[:limit]

    def pages(self, query: Query = NOTHING, limit: int | None = None) -> Iterator[Mapping[str, Any]]:
        """The answers as they are, each asked for when it is wanted, until they have so many or are all."""
        many = 0
        going_on: dict[str, object] = {}
        while limit is None or many < limit:
            page = {} if limit is None else {"limit": min(limit - many, MOST_AT_ONCE)}
            answer = self._page({**query, **page, **going_on})
            items = answer.get(self._route.items)
            if not isinstance(items, list):
                raise self.elsewhere.unknown(f"there is no list of {self._route.items}")
            yield answer
            many += len(items)
            following = answer.get("next")
            if not (self._route.goes_on_by and items and answer.get("has_more") and following):
                return
            going_on = {self._route.goes_on_by: following}

    def document(self, words: Mapping[str, str]) -> Any:
        """The answer as it is."""
        from daemon.cli.over_http import Question, quoted_path  # noqa: PLC0415 - as above

        return self.elsewhere.ask(Question("GET", quoted_path(self._route.path, words)))

    def now(self) -> datetime:
        return self.elsewhere.now()

    def say_when_it_goes(self) -> None:
        """It runs: it has answered."""

    def _page(self, query: Query) -> Mapping[str, Any]:
        from daemon.cli.over_http import Question  # noqa: PLC0415 - as above

        answer = self.elsewhere.ask(Question("GET", self._route.path, _asked(query)))
        if not isinstance(answer, dict):
            raise self.elsewhere.unknown("it is no object")
        return answer

    def _understood(self, model: type[ModelT], document: Any) -> ModelT:
        """Of a newer daemon, with what this program does not know yet."""
        try:
            return model.model_validate(document, extra="allow")
        except ValidationError as error:
            fault = error.errors(include_url=False, include_input=False)[0]
            raise self.elsewhere.unknown(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}") from None


@contextmanager
def asked(verb: str, path: Path | None, patience: timedelta | None = None) -> Iterator[Here | There]:
    """Whom a verb of `ROUTES` asks; `path`: the configuration that is named behind the verb; `patience`: for
    each answer of a daemon elsewhere, where that is not as by default."""
    elsewhere = daemon_elsewhere(path)
    if elsewhere is None:
        yield Here(path)
        return
    elsewhere.patience = patience or elsewhere.patience
    use_zone(None, ask=elsewhere.zone)
    names.take_from(elsewhere)
    yield There(elsewhere, ROUTES[verb])


def daemon_elsewhere(path: Path | None) -> "Elsewhere | None":
    """The daemon that is to be asked; None: the store here. A configuration that is named by an option wins
    over what the environment says of a daemon elsewhere."""
    if GIVEN.reached is not None:
        return GIVEN.reached
    url = GIVEN.url or (of_environment(URL) if GIVEN.path(path) is None else None)
    if url is None:
        return None
    from daemon.cli.over_http import reached  # noqa: PLC0415 - it brings HTTP and TLS

    token_file = GIVEN.token_file or of_environment(TOKEN_FILE)
    found = reached(url, token_file, GIVEN.ca_file or of_environment(CA_FILE))
    opening.HELD.add(found.secret)
    GIVEN.reached = found
    return found


def _asked(query: Query) -> dict[str, str]:
    """As HTTP spells it."""
    return {
        name: "true" if one is True else str(one)
        for name, one in query.items()
        if one is not None and one is not False
    }
