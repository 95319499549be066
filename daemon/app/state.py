"""How the daemon is: whether it lives, whether it can work, and one line for who looks at the service."""

from datetime import timedelta

from daemon.app.in_force import Current
from daemon.app.parts import Parts
from daemon.app.supervisor import Supervisor
from daemon.app.watchdog import Loop, Progress
from daemon.core.delivery.breaker import Health
from daemon.core.timestamps import iso

FAILING = (Health.DEGRADED, Health.SUSPENDED)
CHECKED_WITHIN = timedelta(seconds=30)
"""Three checks of the store; where none ended for so long, nobody knows whether it can be written."""


class State:
    """Asked from any thread, and by anybody: it looks at what others found, and waits for no lock."""

    def __init__(
        self,
        parts: Parts,
        current: Current,
        progress: Progress,
        supervisor: Supervisor,
        *,
        checking: Loop,
    ) -> None:
        """`checking`: the promise of the self-check, within `CHECKED_WITHIN`."""
        self._parts = parts
        self._current = current
        self._progress = progress
        self._supervisor = supervisor
        self._checking = checking
        self._checking.turn()

    def check(self) -> None:
        """Look whether the store can be written; it waits for its lock: for a thread that has time."""
        self._parts.self_check.check()
        self._checking.turn()

    def is_alive(self) -> tuple[bool, str]:
        """Whether every loop is there, and turns; and what is wrong where one does not."""
        ended = self._supervisor.ended()
        if ended:
            return False, f"the {' and the '.join(ended)} has ended"
        stuck = self._progress.stuck()
        if stuck:
            return False, f"the {' and the '.join(stuck)} is stuck"
        return True, "dispatcher ok"  # or not begun yet, which is no reason to worry

    def is_ready(self) -> tuple[bool, str]:
        """Whether what happens can be written down, by the last check."""
        if failure := self._parts.self_check.failure:
            return False, f"database: {failure.error}"
        if self._checking.is_stuck:
            seconds = CHECKED_WITHIN.total_seconds()
            return False, f"database: whether it can be written was not found out for {seconds:.0f} s"
        return True, "database ok"

    def failing(self) -> tuple[str, str] | None:
        """Since when the store cannot be written, and why; None: it can."""
        failure = self._parts.self_check.failure
        return (iso(failure.since), failure.error) if failure else None

    def line(self) -> str:
        """One line for `systemctl status`."""
        if failure := self._parts.self_check.failure:
            return (
                f"the database cannot be written since {failure.since:%Y-%m-%d %H:%M:%S} UTC: {failure.error}"
            )
        now = self._current()
        silent = len(self._parts.poller.unanswered())
        failing = sum(one.health in FAILING for one in self._parts.dispatcher.health(now.routes).values())
        polling = f"polling {len(now.watches)} watches of {len(now.config.systems)} systems"
        telling = f"telling {len(now.recorder.interests)} endpoints"
        return (
            f"{polling}{f' ({silent} without an answer)' if silent else ''}, "
            f"{telling}{f' ({failing} failing)' if failing else ''}"
        )
