"""The daemons that share one database, as rows; and who of them polls a system. There are none on SQLite."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from daemon.schemas.status import MemberStatus, Status, SystemStatus
from daemon.web.page.sentences import Sentences, clipped


@dataclass(frozen=True)
class Row:
    """One of them."""

    key: str
    state: str
    name: Markup
    word: Markup
    said: Sequence[Markup]
    """What is wrong with it, and what it has."""
    since: Markup


def rows(status: Status, say: Sentences) -> list[Row]:
    """A row for each, by name."""
    return [_row(one, say) for one in status.members]


def poller(status: Status, system: SystemStatus, say: Sentences) -> Markup | None:
    """Who polls a system; None where there is only one who could."""
    if not status.members:
        return None
    of, words = system.member, say.words
    if of is None:
        return words("members.polls.nobody")
    if any(one.name == of.name and (one.silent_since or not one.is_connected) for one in status.members):
        return words("members.polls.silent", name=clipped(of.name))
    return words("members.polls", name=clipped(of.name), time=say.writing.time(of.since))


def _row(one: MemberStatus, say: Sentences) -> Row:
    state, word, why = _stands(one, say)
    has = _has(one, say)
    if not has and why is None:
        has = [say.words("members.nothing")]
    said = [*([why] if why else []), *([say.joined(has)] if has else [])]
    since = say.words("members.since", time=say.writing.time(one.since), version=clipped(one.version))
    return Row(f"member/{clipped(one.name)}/{state}", state, say.apart(one.name), word, said, since)


def _stands(one: MemberStatus, say: Sentences) -> tuple[str, Markup, Markup | None]:
    """How it is: its mark, a word, and what is wrong."""
    words = say.words
    if one.silent_since:
        why = words("members.why.silent", time=say.writing.time(one.silent_since))
        return "down", words("members.silent"), why
    if not one.is_connected:
        return "down", words("members.silent"), words("members.why.gone")
    if one.differs:
        return "pending", words("members.differs"), words("members.why.differs", why=clipped(one.differs))
    return "up", words("members.connected"), None


def _has(one: MemberStatus, say: Sentences) -> list[Markup]:
    words, held = say.words, one.holds
    found = [
        words.many(f"members.{what}", many)
        for what, many in (("systems", held.systems), ("endpoints", held.endpoints))
        if many
    ]
    return [*found, words("members.house")] if held.is_house else found
