"""How the simulated API says no to a request, and how it reads parameters, which may be no use.

The wording of these messages is ours where no document shows the platform's.
"""

from datetime import datetime, time
from typing import Any

from daemon.core.model import Json
from daemon.simulator.system import ApiRequest


class ApiRefusal(Exception):
    """The request is refused. Whoever sent it is at fault."""

    def __init__(self, message: str, *, code: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code

    @property
    def envelope(self) -> dict[str, Any]:
        """The answer, as the API spells it."""
        return {
            "yAfastVersion": "6.7.30",
            "responseStatus": "ERROR",
            "message": self.message,
            "messageCode": self.code,
        }


def required_text(request: ApiRequest, name: str) -> str:
    """A parameter that has to be there. Raises ApiRefusal, as all of these."""
    value = optional_text(request, name)
    if value is None:
        raise ApiRefusal(f"missing parameter: {name}")
    return value


def optional_text(request: ApiRequest, name: str) -> str | None:
    """None: absent, null or empty."""
    value: Json = request.params.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, bool | list | dict):
        raise ApiRefusal(f"invalid parameter: {name}")
    return str(value)


def optional_count(request: ApiRequest, name: str) -> int | None:
    """A whole number from 1."""
    value = optional_text(request, name)
    if value is None:
        return None
    if not (value.isascii() and value.isdigit() and int(value[:9]) >= 1):
        raise ApiRefusal(f"invalid parameter: {name}")
    return int(value[:9])


def optional_date(request: ApiRequest, name: str, *, at: time) -> datetime | None:
    """`YYYY-MM-DD HH:MM:SS`, naive; `at` is the time of a day without one."""
    value = optional_text(request, name)
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise ApiRefusal(f"invalid parameter: {name}") from None
    is_day = ":" not in value
    return datetime.combine(moment.date(), at) if is_day else moment.replace(tzinfo=None)
