"""What else is true when a mail is made: what is down, and who was told. One look at the store for each
mailing, in the thread that makes it; where the store cannot be asked, the mail goes out without it.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

import structlog

from daemon.core.alerts.incidents import Incident
from daemon.core.alerts.life import Phase
from daemon.core.contacts import NOBODY, Contacts
from daemon.core.rendering.mail_writing import MOST_DOWN
from daemon.core.rendering.mails import NOTHING_KNOWN, Surroundings
from daemon.core.routing.holds import holds
from daemon.core.routing.ledger import UNWANTED, Hold
from daemon.core.routing.plan import Interest
from daemon.core.routing.quiet import RANK
from daemon.store import incidents, ledger
from daemon.store.location import FAILURES, reason
from daemon.store.ownership import Readable

log = structlog.get_logger()

NOT_SEEN = UNWANTED | {Hold.INHIBITED, Hold.FLAPPING, Hold.FOLDED, Hold.BLIND}
"""What is not listed: what the mailbox does not want to hear of, what another alert tells, and what nobody
can see at present, and so may be over."""


Acknowledge = Callable[[str, str, datetime], str | None]
"""The path by which the reader of an endpoint's mail acknowledges an incident, of which that mail tells what
happened at a time; None: there is none."""


class Around:
    """Asks the store. Safe to use from any thread."""

    def __init__(
        self,
        database: Readable,
        interests: Callable[[], Sequence[Interest]],
        now: Callable[[], datetime],
        *,
        contacts: Callable[[], Contacts] = lambda: NOBODY,
        acknowledge: Acknowledge = lambda _incident, _endpoint, _at: None,
    ) -> None:
        """`interests`: those in force."""
        self._database = database
        self._interests = interests
        self._now = now
        self._contacts = contacts
        self._acknowledge = acknowledge

    def __call__(self, endpoint: str, about: Sequence[str]) -> Surroundings:
        """For a mail to an endpoint about these incidents."""
        interest = next((one for one in self._interests() if one.endpoint == endpoint), None)
        if not about or interest is None:
            return NOTHING_KNOWN

        def acknowledge(incident: str, at: datetime) -> str | None:
            return self._acknowledge(incident, endpoint, at)

        try:
            return replace(self._look(interest, frozenset(about)), acknowledge=acknowledge)
        except FAILURES as error:
            log.warning("mail.surroundings_unknown", endpoint=endpoint, error=reason(error))
            return Surroundings(acknowledge=acknowledge)

    def _look(self, interest: Interest, about: frozenset[str]) -> Surroundings:
        with self._database.read() as db:
            at = self._now()
            firing, phases = incidents.firing(db), incidents.phases(db)
            told = ledger.heard(db, about)
        lasting = [
            one
            for one in firing
            if one.phase is not Phase.RECOVERING
            and NOT_SEEN.isdisjoint(holds(one, interest, at, phases=phases.get(one.system, {})))
        ]
        ordered = sorted(lasting, key=_badness)
        return Surroundings(
            at,
            tuple(ordered[: MOST_DOWN + len(about)]),
            len(lasting),
            about & {one.id for one in lasting},
            told,
            contacts=self._contacts(),
        )


def _badness(incident: Incident) -> tuple[int, datetime, str]:
    """The most severe first, and then what has lasted longest."""
    return RANK[incident.severity], incident.started_at, incident.id
