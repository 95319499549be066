"""What of a day's budget is used: by commands, and of SMS also by what alerts have sent and are yet to send.
Functions take a connection."""

from datetime import date

import sqlalchemy as sa

from daemon.core.commands.command_types import SMS_SEND_NAME
from daemon.store import inbox, texts


def used(db: sa.Connection, system: str, command_type: str, day: date, *, is_spent: bool = False) -> float:
    """What counts against the budget of a type of command on a day, in units; `is_spent`: without commands
    that wait. Of SMS the ends of alerts that were told count on each day until they are told, too."""
    commands = inbox.units_spent if is_spent else inbox.units
    units = commands(db, system, day, command_type)
    if command_type == SMS_SEND_NAME:
        units += texts.units(db, system, day) + texts.reserved(db, system)
    return units
