"""The extensions of a simulated system: queues with callers and agents, folders with recordings.

State and what is done to it; the API's field names appear in `shown` only. Every method takes the
system's lock, so it may be called from any thread.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import blake2b
from threading import RLock
from typing import Any

from daemon.simulator.spelling import SimulationError, ago, american, day_first, minutes_and_seconds

FREE = "1"
BYTES_A_SECOND = 16_000
"""Ours: of a recording at 8 kHz, 16 bits a sample."""


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
class Kick:
    """A caller whom a command took out of the queue."""

    call_id: str
    phone: str
    more_data: str | None
    """`GOTO:/1`; None where the call was ended."""


class SimulatedQueue:
    """An extension where callers wait for agents."""

    def __init__(self, path: str, ground: Ground) -> None:
        self.path = path
        self.kicks: list[Kick] = []
        self._ground = ground
        self._calls: list[WaitingCall] = []
        self._agents: dict[str, SimulatedAgent] = {}
        self._serial = 0
        self.reset()

    def reset(self) -> None:
        """Start the counters again, as the platform does when a queue's settings change."""
        with self._ground.lock:
            self._abandoned = 0
            self._waits: list[int] = []
            self._talks: list[int] = []

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
        """A caller waits no more: gave up, or was answered by an agent. None: who has waited longest.

        Raises SimulationError where there is no such caller or agent.
        """
        with self._ground.lock:
            agent = None if answered_by is None else self._agent(answered_by)
            call = self._take(call_id)
            if call is None:
                raise SimulationError(f"queue {self.path}: no such caller waits")
            if agent is None:
                self._abandoned += 1
                return call
            now = self._ground.now()
            self._waits.append(self._seconds_since(call.joined_at))
            self._talks.append(talk_seconds)
            self._agents[agent.name] = replace(agent, calls_taken=agent.calls_taken + 1, last_call_at=now)
            return call

    def kick(self, call_id: str, more_data: str | None) -> bool:
        """A command takes a caller out; whether there was one."""
        with self._ground.lock:
            call = self._take(call_id)
            if call is None:
                return False
            self.kicks.append(Kick(call_id, call.phone, more_data))
            return True

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
                "Completed": len(self._waits),
                "TalkTime": _average(self._talks),
                "Holdtime": _average(self._waits),
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
    """A folder of recordings."""

    def __init__(self, path: str, ground: Ground) -> None:
        self.path = path
        self._ground = ground
        self._recordings: dict[str, Recording] = {}
        self._next = 0

    def add_recording(self, phone: str, *, seconds: int = 20) -> str:
        """Somebody records a file. Gives its name."""
        with self._ground.lock:
            recording = Recording(self._next, phone, seconds, self._ground.now())
            self._recordings[recording.name] = recording
            self._next += 1
            return recording.name

    def remove_recording(self, name: str) -> None:
        """Raises SimulationError where there is no such file."""
        with self._ground.lock:
            if self._recordings.pop(name, None) is None:
                raise SimulationError(f"directory {self.path}: no file {name}")

    @property
    def recordings(self) -> tuple[Recording, ...]:
        with self._ground.lock:
            return tuple(self._recordings.values())

    def shown(self) -> dict[str, Any]:
        """The fields of GetIVR2DirStats that are about files."""
        with self._ground.lock:
            by_number = sorted(self._recordings.values(), key=lambda one: one.number)
            return {
                "filesCount": len(by_number) + 1,  # ext.ini is a file too
                "contentFilesCount": len(by_number),
                "minFile": self._shown_file(by_number[0]) if by_number else None,
                "maxFile": self._shown_file(by_number[-1]) if by_number else None,
            }

    def _shown_file(self, recording: Recording) -> dict[str, Any]:
        what = f"ivr2:/{self.path}/{recording.name}".replace("//", "/")
        seed = f"{self._ground.number}{what}{recording.recorded_at.isoformat()}"
        return {
            "exists": True,
            "name": recording.name,
            "uniqueId": blake2b(seed.encode(), digest_size=16).hexdigest(),
            "what": what,
            "fileType": "AUDIO",
            "size": recording.seconds * BYTES_A_SECOND,
            "mtime": day_first(recording.recorded_at),
            "duration": float(recording.seconds),
            "durationStr": minutes_and_seconds(recording.seconds),
            "customerDid": self._ground.number,
            "meta": {},
            "date": day_first(recording.recorded_at),
            "source": "Phone",
            "phone": recording.phone,
            "ip": "",
        }


def _average(values: list[int]) -> int:
    return round(sum(values) / len(values)) if values else 0
