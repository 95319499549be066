"""The extensions of a simulated system: queues with callers and agents, folders with recordings.

State and what is done to it; the API's field names appear in `shown` only. Every method takes the
system's lock, so it may be called from any thread.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import blake2b
from threading import RLock
from typing import Any

from daemon.simulator.call_log import Counting, Dated, Exit, Row
from daemon.simulator.files import AUDIO, SimulatedFile, SimulatedFiles, Tone
from daemon.simulator.spelling import SimulationError, ago, american, extension
from daemon.simulator.tones import BYTES_A_SECOND

FREE, BUSY, RINGING = "1", "2", "6"


@dataclass(frozen=True)
class Ground:
    """What every place of a system shares with it."""

    number: str
    now: Callable[[], datetime]
    lock: RLock


@dataclass(frozen=True)
class WaitingCall:
    """A caller who waits."""

    call_id: str
    phone: str
    joined_at: datetime


@dataclass(frozen=True)
class SimulatedAgent:
    """Somebody who takes calls."""

    name: str
    paused: bool = False
    status: str = FREE
    """Asterisk's device state: "1" free, "2" busy, "5" unavailable, …"""
    calls_taken: int = 0
    last_call_at: datetime | None = None


@dataclass(frozen=True)
class Talk:
    """A call that was answered, and goes on."""

    call: WaitingCall
    since: datetime


@dataclass(frozen=True)
class CallbackRequest:
    """Somebody who asked to be called back."""

    id: int
    phone: str
    at: datetime


@dataclass(frozen=True)
class Kick:
    """A caller whom a command took out of the queue."""

    call_id: str
    phone: str
    more_data: str | None
    """`GOTO:/1`; None where the call was ended."""


class SimulatedQueue:
    """An extension where callers wait for agents."""

    def __init__(
        self, path: str, ground: Ground, log: Callable[[str, bytes], object] = lambda _path, _line: None
    ) -> None:
        """`log`: appends a line to a file of the system."""
        self.path = path
        self.kicks: list[Kick] = []
        self.counting = Counting()
        self.callbacks: dict[int, CallbackRequest] = {}
        self.has_callback = True
        self.dated = Dated.LEFT
        """What the time of a row of the log is that of."""
        self._ground = ground
        self._log = log
        self._calls: list[WaitingCall] = []
        self._talks: dict[str, Talk] = {}
        self._agents: dict[str, SimulatedAgent] = {}
        self._serial = 0
        self.reset()

    def reset(self) -> None:
        """Start the counters again, as the platform does when a queue's settings change."""
        with self._ground.lock:
            self._abandoned = self._completed = 0
            self._waits: list[int] = []
            self._hold = 0
            self._talked: list[int] = []
            self._agents = {
                name: replace(one, calls_taken=0, last_call_at=None) for name, one in self._agents.items()
            }

    def join(self, phone: str) -> str:
        """Somebody calls, and waits. Gives the call's id."""
        with self._ground.lock:
            self._serial += 1
            joined_at = self._ground.now()
            seed = f"{self._ground.number}{self.path}#{self._serial}@{joined_at.isoformat()}"
            call_id = blake2b(seed.encode(), digest_size=16).hexdigest()
            self._calls.append(WaitingCall(call_id, phone, joined_at))
            return call_id

    def leave(
        self, call_id: str | None = None, *, answered_by: str | None = None, talk_seconds: int = 60
    ) -> WaitingCall:
        """A caller waits no more: gave up, or was answered by an agent and has talked already. None: who has
        waited longest.

        Raises SimulationError where there is no such caller or agent.
        """
        if answered_by is None:
            return self.give_up(call_id)
        with self._ground.lock:
            status = self._agent(answered_by).status
            call = self.answer(answered_by, call_id)
            self.hang_up(answered_by, talk_seconds=talk_seconds)
            self.set_agent(answered_by, status=status)
            return call

    def give_up(self, call_id: str | None = None, *, how: Exit = Exit.HUNG_UP) -> WaitingCall:
        """A caller leaves without having been answered. Raises SimulationError where none waits."""
        with self._ground.lock:
            call = self._taken(call_id)
            self._abandoned += how is Exit.HUNG_UP or self.counting.timed_out
            now = self._ground.now()
            self._write(Row(extension(self.path), call.phone, call.joined_at, now, now, how))
            return call

    def answer(self, agent: str, call_id: str | None = None) -> WaitingCall:
        """An agent answers a caller, and talks until `hang_up`. None: who has waited longest.

        Raises SimulationError where there is no such caller or agent, or the agent talks already.
        """
        with self._ground.lock:
            answering = self._agent(agent)
            if agent in self._talks:
                raise SimulationError(f"queue {self.path}: agent {agent} is on a call")
            call = self._taken(call_id)
            wait = self._seconds_since(call.joined_at)
            self._waits.append(wait)
            smooth = (3 * self._hold + wait) // 4
            self._hold = smooth if self.counting.is_smooth else _average(self._waits)
            self._agents[agent] = replace(answering, status=BUSY)
            self._talks[agent] = Talk(call, self._ground.now())
            if not self.counting.at_end:
                self._count(agent)
            return call

    def hang_up(self, agent: str, *, talk_seconds: int | None = None) -> None:
        """An agent's call ends. `talk_seconds`: how long it was; as long as it really was if None.

        Raises SimulationError where the agent is on no call of this queue.
        """
        with self._ground.lock:
            talk = self._talks.pop(agent, None)
            if talk is None:
                raise SimulationError(f"queue {self.path}: agent {agent} is on no call")
            talked = self._seconds_since(talk.since) if talk_seconds is None else talk_seconds
            self._talked.append(talked)
            self._agents[agent] = replace(self._agent(agent), status=FREE)
            if self.counting.at_end:
                self._count(agent)
            ended_at = talk.since + timedelta(seconds=talked)
            row = Row(
                extension(self.path),
                talk.call.phone,
                talk.call.joined_at,
                talk.since,
                ended_at,
                Exit.ANSWERED,
                agent,
            )
            self._write(row)

    def _count(self, agent: str) -> None:
        """One more call that an agent has taken."""
        self._completed += 1
        taking = self._agent(agent)
        self._agents[agent] = replace(
            taking, calls_taken=taking.calls_taken + 1, last_call_at=self._ground.now()
        )

    def _write(self, row: Row) -> None:
        """As the platform does, in the folder of logs and in that of the queue."""
        line, name = row.line(self.dated), row.file(self.dated)
        for folder in ("Log", extension(self.path)):
            self._log(f"{folder}/{name}".lstrip("/"), line)

    def kick(self, call_id: str, more_data: str | None) -> bool:
        """A command takes a caller out; whether there was one."""
        with self._ground.lock:
            call = self._take(call_id)
            if call is None:
                return False
            self.kicks.append(Kick(call_id, call.phone, more_data))
            self._abandoned += self.counting.kicked
            return True

    def request_callback(self, phone: str) -> int:
        """Somebody asks to be called back. Gives the request's id."""
        with self._ground.lock:
            self._serial += 1
            self.callbacks[self._serial] = CallbackRequest(self._serial, phone, self._ground.now())
            return self._serial

    def remove_callback(self, request: int) -> None:
        """It was served, or removed. Raises SimulationError where there is none."""
        with self._ground.lock:
            if self.callbacks.pop(request, None) is None:
                raise SimulationError(f"no such request: {request}")

    def add_agent(self, name: str) -> None:
        """An agent who is free. One who is there already stays as he is."""
        with self._ground.lock:
            self._agents.setdefault(name, SimulatedAgent(name))

    def set_agent(self, name: str, *, paused: bool | None = None, status: str | None = None) -> None:
        """Pause an agent, or change the state of the phone. Raises SimulationError for an unknown one."""
        with self._ground.lock:
            agent = self._agent(name)
            self._agents[name] = replace(
                agent,
                paused=agent.paused if paused is None else paused,
                status=agent.status if status is None else status,
            )

    @property
    def calls(self) -> tuple[WaitingCall, ...]:
        """Who waits, the longest wait first."""
        with self._ground.lock:
            return tuple(self._calls)

    @property
    def agents(self) -> tuple[SimulatedAgent, ...]:
        with self._ground.lock:
            return tuple(self._agents.values())

    def shown(self) -> dict[str, Any]:
        """The fields of GetQueueRealTime."""
        with self._ground.lock:
            totals = {
                "Abandoned": self._abandoned,
                "Calls": len(self._calls),
                "Completed": self._completed,
                "TalkTime": _average(self._talked),
                "Holdtime": self._hold,
                "Max": 0,
                "Strategy": "ringall",
            }
            entries = [self._shown_call(call, place) for place, call in enumerate(self._calls, 1)]
            members = [self._shown_agent(agent) for agent in self._agents.values()]
            return {"queueData": totals, "members": members, "entries": entries}

    def _shown_call(self, call: WaitingCall, position: int) -> dict[str, Any]:
        wait = self._seconds_since(call.joined_at)
        return {
            "phone": call.phone,
            "Wait": str(wait),
            "WaitAgo": ago(wait),
            "Position": str(position),
            "CallId": call.call_id,
        }

    def _shown_agent(self, agent: SimulatedAgent) -> dict[str, Any]:
        last = agent.last_call_at
        return {
            "agent": agent.name,
            "Status": agent.status,
            "CallsTaken": agent.calls_taken,
            "LastCallUnitTime": str(int(last.timestamp())) if last else "0",
            "LastCall": american(last) if last else None,
            "LastCallAgo": ago(self._seconds_since(last)) if last else None,
            "Paused": agent.paused,
            "Penalty": "0",
        }

    def _taken(self, call_id: str | None) -> WaitingCall:
        call = self._take(call_id)
        if call is None:
            raise SimulationError(f"queue {self.path}: no such caller waits")
        return call

    def _take(self, call_id: str | None) -> WaitingCall | None:
        found = next((call for call in self._calls if call_id in (None, call.call_id)), None)
        if found is not None:
            self._calls.remove(found)
        return found

    def _agent(self, name: str) -> SimulatedAgent:
        if name not in self._agents:
            raise SimulationError(f"queue {self.path}: no agent {name}")
        return self._agents[name]

    def _seconds_since(self, moment: datetime) -> int:
        return max(int((self._ground.now() - moment).total_seconds()), 0)


@dataclass(frozen=True)
class Recording:
    """An audio file."""

    number: int
    phone: str
    seconds: int
    recorded_at: datetime

    @property
    def name(self) -> str:
        return f"{self.number:03}.wav"


class SimulatedDirectory:
    """A folder of recordings, whose files stand with all others."""

    def __init__(self, path: str, ground: Ground, files: SimulatedFiles) -> None:
        self.path = path
        self._ground = ground
        self._files = files
        self._next = 0

    def add_recording(self, phone: str, *, seconds: int = 20) -> str:
        """Somebody records a file. Gives its name."""
        with self._ground.lock:
            recording = Recording(self._next, phone, seconds, self._ground.now())
            self._files.put(
                f"{self.path}/{recording.name}", Tone(seconds), recording.recorded_at, phone=phone
            )
            self._next += 1
            return recording.name

    def remove_recording(self, name: str) -> None:
        """Raises SimulationError where there is no such file."""
        with self._ground.lock:
            if name not in {one.name for one in self._files.of(self.path)}:
                raise SimulationError(f"directory {self.path}: no file {name}")
            self._files.remove(f"{self.path}/{name}")

    @property
    def recordings(self) -> tuple[Recording, ...]:
        """What stands there under a number."""
        with self._ground.lock:
            return tuple(
                Recording(
                    int(one.name.partition(".")[0]),
                    str(one.meta.get("phone", "")),
                    len(one.content) // BYTES_A_SECOND,
                    one.at,
                )
                for one in self._numbered()
            )

    def shown(self) -> dict[str, Any]:
        """The fields of GetIVR2DirStats that are about files."""
        with self._ground.lock:
            files = self._files.of(self.path)
            audio = sorted(self._numbered(), key=lambda one: int(one.name.partition(".")[0]))
            return {
                "filesCount": len(files) + 1,  # ext.ini is a file too
                "contentFilesCount": sum(one.suffix in AUDIO for one in files),
                "minFile": audio[0].shown(self._ground.number) if audio else None,
                "maxFile": audio[-1].shown(self._ground.number) if audio else None,
            }

    def _numbered(self) -> list[SimulatedFile]:
        return [
            one
            for one in self._files.of(self.path)
            if one.suffix in AUDIO and one.name.partition(".")[0].isdecimal()
        ]


def _average(values: list[int]) -> int:
    return round(sum(values) / len(values)) if values else 0
