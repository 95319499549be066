"""The demo from its first line to its last: a scenario, a daemon killed in it, and the accounts."""

import json
import shlex
import socket
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.text import Text

from daemon.core.timestamps import iso
from daemon.core.visible import visible, visible_line
from daemon.demo.acts import acts, ended_campaigns, is_seen_since, is_told_away, is_told_the_day, with_calls
from daemon.demo.reckoning import Check, checks, dialling, followed, texted
from daemon.demo.screen import Screen
from daemon.demo.stage import Stage
from daemon.host import clock
from daemon.simulator.scenario import Scenario
from daemon.simulator.server import Simulator

START_SECONDS = 180.0
"""The longest wait for the daemon's first look at everything, before anything happens: a small machine that
is busy takes a minute."""
STARTS = 5
"""So often it is started before then; one that ends each time does not run here."""
OUTAGE_SECONDS = 60.0
"""The longest that a hanging API stays away beyond its time in the scenario, until that has been told."""
SETTLE_SECONDS = 60.0
"""The longest wait, at the end, until nothing has arrived for `QUIET_SECONDS`."""
QUIET_SECONDS = 3.0
DIGEST_SECONDS = 100.0
"""The longest wait for the end of the demo's day, at a whole minute. Who plays it faster waits for none."""
REFRESH_SECONDS = 0.25
"""Between two pictures of the screen."""
CALLED = ("0501234567", "0501234568")
ANSWERED = (True, False)
"""Which of their calls are."""
CAMPAIGN_SECONDS = 30.0
"""The longest wait for a campaign to begin, and at the end for its own to be told."""
CAMPAIGN = {
    "type": "campaign.bridge",
    "system": "demo",
    "params": {"phones": list(CALLED), "ivr_path": "ivr2:/1"},
}
DEAD_SECONDS = 2.0
"""How long the daemon stays dead after it was killed."""


@dataclass(frozen=True)
class Plan:
    """How the demo is played."""

    scenario: Scenario
    speed: float
    kill_after: float | None
    """Seconds into the scenario at which the daemon is killed; None: never."""
    stays: bool = False
    """Whether all of it runs on at the end, until somebody interrupts it."""


def play(plan: Plan, console: Console) -> bool:
    """Play the demo. Returns whether all that happened was written, told and verified, and nothing else."""
    with tempfile.TemporaryDirectory(prefix="yemotd-demo-") as directory:
        return _Show(plan, Path(directory), console).run()


class _Show:
    """One performance, in its directory."""

    def __init__(self, plan: Plan, directory: Path, console: Console) -> None:
        self._plan = plan
        self._console = console
        self._screen = Screen(console)
        simulator = Simulator(plan.scenario.systems(clock.utcnow), now=clock.utcnow)
        self._system = simulator.systems[plan.scenario.token]
        self._stage = Stage(
            directory,
            simulator,
            token=plan.scenario.token,
            on_received=self._screen.delivered,
            on_mail=self._screen.mailed,
        )
        self._tick = threading.Event()
        self._began = 0.0
        self._is_killed = False
        self._ended_at = ""
        self._texted = 0

    def run(self) -> bool:
        """Play it through, then say what came of it."""
        try:
            with self._screen:
                is_played = self._perform()
            if is_played and self._plan.stays:
                is_good = self._report()
                self._stay()
                return is_good
        finally:
            self._stage.close()
        if not is_played:
            log = visible(self._stage.log_path.read_text(encoding="utf-8", errors="replace"))
            self._console.print(Text(f"The daemon did not start:\n{log}"))
            return False
        return self._report()

    def _perform(self) -> bool:
        self._stage.open(_free_port())
        self._screen.happened(
            f"yemotd run, process {self._stage.pid}: try kill -9 {self._stage.pid}", "green"
        )
        self._wait(self._is_up_or_fails, START_SECONDS, "Waiting for the first look at everything.")
        if not self._has_baseline():
            return False
        self._screen.opened(self._stage.page, self._stage.http_token)
        self._already = len(self._system.messages)
        self._give_a_campaign()
        self._wait(lambda: bool(self._system.campaigns), CAMPAIGN_SECONDS, "Waiting for the campaign.")
        self._began = clock.monotonic()
        first, *others = acts(with_calls(self._plan.scenario, ANSWERED))
        self._play(first)
        for act in others:
            self._wait(self._is_told_away, OUTAGE_SECONDS, "The API hangs; waiting until that is told.")
            self._play(act)
        if self._plan.speed <= 1:
            waiting = "The day is nearly over; waiting for its digest."
            self._wait(self._is_told_the_day, DIGEST_SECONDS, waiting)
        self._wait(self._is_campaign_told, CAMPAIGN_SECONDS, "Waiting until the campaign is told to be over.")
        self._ended_at = iso(clock.utcnow())
        self._wait(self._is_told, SETTLE_SECONDS, "The scenario is over; waiting for the last events.")
        return True

    def _stay(self) -> None:
        """Until somebody presses Ctrl-C. Whoever wants to can let more happen meanwhile."""
        self._console.print(Text(f"\n{self._screen.page}", "bold"), soft_wrap=True)
        self._console.print(
            Text(f"A phone drops:  {self._dropping()}\nAll of it runs on until Ctrl-C."), soft_wrap=True
        )
        with suppress(KeyboardInterrupt):
            while True:
                self._mind_the_daemon()
                self._tick.wait(REFRESH_SECONDS)

    def _dropping(self) -> str:
        """What takes a phone off the network, for a shell."""
        phone = next((one.user_name for one in self._system.accounts), "")
        where = f"{self._stage.simulator.control_url}{self._plan.scenario.token}/sip"
        said = json.dumps({"user_name": phone, "registered": False})
        return f"curl -H 'content-type: application/json' -d {shlex.quote(said)} {where}"

    def _play(self, act: Scenario) -> None:
        simulator = self._stage.simulator
        with act.start(
            simulator, monotonic=clock.monotonic, speed=self._plan.speed, on_step=self._screen.happened
        ) as playing:
            while not playing.wait(0):
                self._mind_the_daemon()
                self._refresh("Playing the scenario. Ctrl-C ends it.")

    def _give_a_campaign(self) -> None:
        """Twice, as a client does that got no answer the first time."""
        for _ in range(2):
            given = self._stage.give(CAMPAIGN, "demo")
            if given:
                self._screen.happened(f"campaign.bridge given under the key demo: {given['id']}", "magenta")

    def _mind_the_daemon(self) -> None:
        """Kill it once, if that is planned; start it again whoever killed it."""
        if self._is_time_to_kill():
            self._is_killed = True
            self._screen.happened(f"kill -9 {self._stage.pid}", "bold red")
            self._stage.kill_daemon()
        if self._stage.pid is None:
            self._tick.wait(DEAD_SECONDS)
            self._stage.start_daemon()
            self._screen.happened(f"yemotd run again, process {self._stage.pid}", "green")

    def _is_time_to_kill(self) -> bool:
        if self._plan.kill_after is None or self._is_killed or not self._began:
            return False
        return clock.monotonic() - self._began >= self._plan.kill_after / self._plan.speed

    def _wait(self, until: Callable[[], bool], seconds: float, footer: str) -> bool:
        deadline = clock.monotonic() + seconds
        self._screen.waiting(footer)
        while not until():
            if clock.monotonic() > deadline:
                return False
            self._mind_the_daemon()
            self._refresh(footer)
        return True

    def _is_up_or_fails(self) -> bool:
        return self._has_baseline() or self._stage.starts > STARTS

    def _has_baseline(self) -> bool:
        seen = self._observed()
        return bool(seen) and all(seen)

    def _is_campaign_told(self) -> bool:
        return bool(ended_campaigns(self._stage.receiver.bodies.values()))

    def _is_told_away(self) -> bool:
        return is_told_away(list(self._stage.receiver.bodies.values()))

    def _is_told_the_day(self) -> bool:
        return is_told_the_day(list(self._stage.receiver.bodies.values()))

    def _is_told(self) -> bool:
        """Whether everything was seen once more after the end, and nothing has arrived for a while."""
        has_seen_the_end = is_seen_since(self._screen.status, self._ended_at)
        return has_seen_the_end and clock.monotonic() - self._screen.last_delivery > QUIET_SECONDS

    def _observed(self) -> list[str]:
        """When each watch was last observed; empty while the daemon does not answer."""
        status = self._screen.status or {"systems": []}
        return [watch["observed_at"] or "" for one in status["systems"] for watch in one["watches"]]

    def _show_texts(self) -> None:
        """The SMS that the platform has taken since the last look."""
        sent = self._system.sent
        for one in sent[self._texted :]:
            self._screen.texted(one.recipient, one.text)
        self._texted = len(sent)

    def _refresh(self, footer: str) -> None:
        self._show_texts()
        receiver, mails = self._stage.receiver, self._stage.postbox.mails
        received = f"{len(receiver.bodies)} events received, {receiver.repeats} repeats, {len(mails)} mails"
        self._screen.refresh(self._stage.ask("status"), f"{footer}  {received}.")
        self._tick.wait(REFRESH_SECONDS)

    def _report(self) -> bool:
        sent = [message.text for message in self._system.messages[self._already :]]
        receiver = self._stage.receiver
        dialled = [phone for campaign in self._system.campaigns for phone in campaign.phones]
        results = [
            *checks(self._stage.database, receiver.bodies, sent, receiver.refused),
            dialling(CALLED, dialled),
            followed(sum(ANSWERED), ended_campaigns(receiver.bodies.values())),
            texted(self._stage.database, len(self._system.sent)),
        ]
        killed = f", {self._stage.starts - 1} restarts" if self._stage.starts > 1 else ""
        self._console.print(
            f"\n[bold]What came of it[/bold] ({receiver.repeats} repeats with the same id{killed})"
        )
        for result in results:
            self._console.print(_line(result))
        return all(result.is_good for result in results)


def _line(check: Check) -> Text:
    text = visible_line(check.text)
    if check.is_good:
        return Text.assemble("  ", ("✓", "green"), f" {text}")
    return Text.assemble("  ", (f"✗ {text}", "bold red"))


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port
