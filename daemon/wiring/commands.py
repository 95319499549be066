"""From a system's configuration to what it takes: one table row for each type of command."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from daemon.config.settings import Config
from daemon.config.systems import SystemSettings
from daemon.core.commands import judgement as results
from daemon.core.commands.command import Command, Done, Policy
from daemon.core.model import Unknown
from daemon.host import clock
from daemon.workers import commander
from daemon.yemot import answers
from daemon.yemot.client import Client


def systems_of(config: Config, clients: list[Client]) -> dict[str, commander.System]:
    """Each system with what it allows and how its commands are carried out; `clients` in their order."""
    allowed, zone = policies(config), ZoneInfo(config.daemon.timezone)
    return {
        system.name: commander.System(allowed[system.name], _carry_out(system, client, zone))
        for system, client in zip(config.systems, clients, strict=True)
    }


def policies(config: Config) -> dict[str, Policy]:
    """What each system allows."""
    zone = ZoneInfo(config.daemon.timezone)
    return {
        one.name: Policy(
            one.commands,
            one.campaign_units_per_day,
            one.commands_expire,
            one.commands_rate,
            zone,
            _holiday_end,
        )
        for one in config.systems
    }


def _holiday_end(now: datetime) -> datetime:
    from daemon.wiring.hebrew_calendar import holiday_end  # noqa: PLC0415 - few campaigns wait

    return holiday_end(now)


Call = Callable[[Mapping[str, Any], Command], Done | Unknown]


def _carry_out(system: SystemSettings, client: Client, zone: ZoneInfo) -> Callable[[Command], Done | Unknown]:
    table = _calls(system, client, zone)
    return lambda command: table[command.type](command.params, command)


def _calls(system: SystemSettings, client: Client, zone: ZoneInfo) -> Mapping[str, Call]:
    """How each type is carried out: the call, and what its answer means."""
    is_old = system.sms is None or system.sms.method == "GetSmsIncomingLog"
    messages = (client.sms_log, answers.sms_log) if is_old else (client.incoming_sms, answers.incoming_sms)

    def log(params: Mapping[str, Any], _command: Command) -> Done | Unknown:
        limit, start, end = params["limit"], params.get("start_date"), params.get("end_date")
        ask, parse = messages
        return _read(
            ask(limit, start, end_date=end),
            lambda data: parse(data, limit),
            lambda seen: results.sms_log(seen, zone, clock.utcnow()),
        )

    return {
        "queue.kick": lambda p, c: _told(
            c, client.queue_kick(p["queue_path"], p["call_ids"], goto=p.get("goto")), results.kicked
        ),
        "queue.pause": lambda p, c: _told(c, client.queue_pause(p["queue_path"], p["agent"]), results.paused),
        "queue.unpause": lambda p, c: _told(
            c, client.queue_unpause(p["queue_path"], p["agent"]), results.paused
        ),
        "pirsumphone.register": lambda _, c: _told(c, client.pirsumphone_register(), results.registration),
        "pirsumphone.unregister": lambda _, c: _told(
            c, client.pirsumphone_unregister(), results.registration
        ),
        "pirsumphone.status": lambda _p, _c: _read(
            client.pirsumphone_status(), answers.pirsumphone, results.pirsumphone
        ),
        "campaign.bridge": lambda p, c: _told(c, _bridge(client, p), results.bridged),
        "sip.contexts": lambda p, _: _read(
            client.sip_contexts(p.get("account_number")), answers.sip_contexts, results.sip_contexts
        ),
        "sip.accounts": lambda _p, _c: _read(
            client.sip_accounts(), answers.sip_accounts, results.sip_accounts
        ),
        "sms.log": log,
        "queue.state": lambda p, _: _read(
            client.queue_state(p["queue_path"]),
            answers.queue_state,
            partial(results.queue_state, p["queue_path"]),
        ),
        "directory.stats": lambda p, _: _read(
            client.directory_stats(p["path"]), answers.directory, partial(results.directory_stats, p["path"])
        ),
    }


def _bridge(client: Client, params: Mapping[str, Any]) -> Any:
    return client.campaign_bridge(
        params["phones"],
        params["ivr_path"],
        caller_id=params.get("caller_id"),
        calls_timeout=params.get("calls_timeout"),
        tzintuk_lists=params.get("tzintuk_lists", ()),
    )


def _told(command: Command, answer: Any, tell: Callable[[Command, Any], Done]) -> Done | Unknown:
    """The result of a command that acts."""
    return answer if isinstance(answer, Unknown) else tell(command, answer)


def _read(answer: Any, parse: Callable[[Any], Any], tell: Callable[[Any], Done]) -> Done | Unknown:
    """The result of a command that reads."""
    seen = answer if isinstance(answer, Unknown) else parse(answer.data)
    return seen if isinstance(seen, Unknown) else tell(seen)
