"""yemotd as a service of a machine: configured, started, asked and looked at, as by an administrator."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import requests

from daemon.host.clock import monotonic
from tests.process.systemd.machine import PATIENCE, Machine, rest
from tests.support.process import CONFIGURATION, HTTP_TOKEN, SECRET, TOKEN

Seen = TypeVar("Seen")
UNIT = "yemotd.service"
TELLER = f"yemotd-failure@{UNIT}.service"
DATABASE = "/var/lib/yemotd/yemotd.db"
ASK = """\
import json, sqlite3, sys
with sqlite3.connect(sys.argv[1], timeout=20) as db:
    print(json.dumps(db.execute(sys.argv[2]).fetchall()))
"""
CREDENTIALS = {"main-token": TOKEN, "http-token": HTTP_TOKEN, "crm-secret": SECRET}
CREDENTIAL_CONFIGURATION = (
    CONFIGURATION.replace('token_file = "token"', 'token_credential = "main-token"')
    .replace('token_file = "http-token"', 'token_credential = "http-token"')
    .replace('secret_file = "secret"', 'secret_credential = "crm-secret"')
    .replace("127.0.0.1:0", "127.0.0.1:8470")
    .replace("sqlite:///yemotd.db", f"sqlite:///{DATABASE}")
)


class Service:
    """yemotd.service."""

    def __init__(self, machine: Machine, **places: str) -> None:
        self.machine = machine
        self.places = places
        self.secrets = dict(CREDENTIALS)
        self._cursor = ""

    def configure(self, configuration: str = CREDENTIAL_CONFIGURATION) -> None:
        """Write the configuration and its secrets, as root does it."""
        self.write("etc/yemotd/config.toml", configuration.format(**self.places))
        for name, secret in self.secrets.items():
            self.write(f"etc/yemotd/credentials/{name}", secret + "\n")

    def adapt(self, **settings: str) -> None:
        """Settings of the unit that are others for this test."""
        lines = "".join(f"{name}={value}\n" for name, value in settings.items())
        self.write("run/systemd/system/yemotd.service.d/test.conf", f"[Service]\n{lines}")
        self.machine.run("systemctl", "daemon-reload")

    def start(self) -> None:
        self.machine.run("systemctl", "start", UNIT)

    def stop(self) -> None:
        self.machine.run("systemctl", "stop", "yemotd.socket", UNIT, code=None)

    def forget(self) -> None:
        """Leave nothing of the test before: data, settings, failures, mails."""
        for place in ("var/lib/yemotd", "run/systemd/system/yemotd.service.d", "run/yemotd-failure"):
            shutil.rmtree(self.machine.root / place, ignore_errors=True)
        self.mails.unlink(missing_ok=True)
        self.machine.run("systemctl", "daemon-reload")
        self.machine.run("systemctl", "reset-failed")
        said = self.machine.run("journalctl", "--quiet", "--lines=0", "--show-cursor")
        self._cursor = said.partition("cursor: ")[2].strip()

    def show(self, name: str) -> str:
        """One property of the unit."""
        return self.machine.run("systemctl", "show", "--property", name, "--value", UNIT).strip()

    def wait_for(self, **properties: str) -> None:
        """Wait until properties of the unit have these values."""
        self._wait(lambda: {name: self.show(name) for name in properties}, lambda seen: seen == properties)

    def wait_until_shown(self, name: str, part: str) -> None:
        """Wait until a property of the unit has some text in it."""
        self._wait(lambda: self.show(name), lambda seen: part in seen)

    def wait_until_restarted(self, times: int) -> None:
        self._wait(lambda: int(self.show("NRestarts")), lambda seen: seen >= times)

    def wait_until_said(self, text: str, unit: str = UNIT) -> str:
        """Wait for some text in the journal of a unit; all of its journal."""
        return self._wait(lambda: self.journal(unit), lambda said: text in said)

    def mail(self) -> str:
        """What was given to the machine's sendmail, once something was, and nothing is any more."""

        def is_told(state: str) -> bool:
            return state == "inactive\n" and self.mails.exists()

        self._wait(lambda: self.machine.run("systemctl", "is-active", TELLER, code=None), is_told)
        return self.mails.read_text()

    def wait_for_baseline(self) -> None:
        """Wait until every watch was seen once."""
        self.wait_until_stored("SELECT count(*) FROM watches WHERE observed_at IS NOT NULL", 2)

    def wait_until_stored(self, query: str, many: int) -> None:
        """Wait until a query for a figure finds so much."""
        self._wait(lambda: int(str(self.stored(query)[0][0])), lambda found: found >= many)

    def stored(self, query: str, database: str = DATABASE) -> list[tuple[object, ...]]:
        """Rows of a database, read in the machine: from here, SQLite would follow its path to ours."""
        if not (self.machine.root / database.lstrip("/")).exists():
            return [(0,)]
        said = self.machine.run("/opt/yemotd/bin/python", "-c", ASK, database, query)
        return [tuple(row) for row in json.loads(said)]

    def get(self, path: str) -> tuple[int, str]:
        """Status and text of an answer; an exception where there is none."""
        with self.machine.network():
            answer = requests.get(f"http://127.0.0.1:8470{path}", timeout=30)
            return answer.status_code, answer.text

    def journal(self, unit: str = UNIT, *words: str) -> str:
        """What a unit said since it was to forget what was before."""
        # Not --after-cursor: that leaves out the first line of the unit, where the cursor is at another's.
        since = f"--cursor={self._cursor}"
        return self.machine.run("journalctl", "--quiet", "--output=cat", since, f"--unit={unit}", *words)

    @property
    def mails(self) -> Path:
        """What was given to the machine's sendmail."""
        return self.machine.root / "run/mails"

    @property
    def main_pid(self) -> int:
        """Of the daemon, as the machine counts."""
        return int(self.show("MainPID"))

    def write(self, place: str, text: str) -> None:
        """Write a file of the machine, as root."""
        path = self.machine.root / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def _wait(self, look: Callable[[], Seen], is_it: Callable[[Seen], bool]) -> Seen:
        """Look until it is so. Where it does not come to that: what was seen, and what the service said."""
        deadline = monotonic() + PATIENCE
        while not is_it(seen := look()):
            assert monotonic() < deadline, (seen, self.journal())
            rest()
        return seen
