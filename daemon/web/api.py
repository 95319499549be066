"""The HTTP side: whether the daemon lives, what it knows, what happened. Reads the store, changes nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Query, Request, Response
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel

from daemon.core.timestamps import iso
from daemon.store import events, views
from daemon.store.database import Database
from daemon.web.auth import Token, require
from daemon.web.problems import Problem, install, responses

State = tuple[bool, str]


@dataclass(frozen=True)
class Scheduled:
    """One watch of the configuration in force."""

    system: str
    watch: str
    every: timedelta
    next_run_at: datetime | None


@dataclass(frozen=True)
class Live:
    """What only the running daemon knows; handed in by the composition root."""

    started_at: datetime
    is_alive: Callable[[], State]
    is_ready: Callable[[], State]
    schedule: Callable[[], Sequence[Scheduled]]
    endpoints: Callable[[], Sequence[str]]
    now: Callable[[], datetime]


class Failure(BaseModel):
    """How the last poll failed."""

    failure_class: str
    message: str
    since: str
