"""The API's answers as observations: every scalar coerced, every surprise named.

Pure. A failed call never reaches this file. An answer that does not hold what its method promises is
`Unknown` (MALFORMED), and so is one in which nothing can be told apart any more: believed, it would read as
"all accounts are gone" or "every message is new". Smaller trouble is None in the observation, and a line in
its `problems`. Those name fields, never values: texts and numbers are personal.
"""

import json
import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, cast

from daemon.core.files import File
from daemon.core.model import Failure, Unknown
from daemon.core.watches import directories, outcomes, queues, registrations, sip, sms
from daemon.core.watches.pirsumphone import Observation as PirsumPhone
from daemon.core.watches.units import Observation as Units
from daemon.yemot.known_rows import KnownRows, Rows
from daemon.yemot.scalars import (
    Fields,
    boolean,
    calendar_date,
    count,
    identity,
    listed,
    name,
    number,
    small_json,
    text,
    without_surrogates,
)

Data = Mapping[str, object]
"""The JSON object of a successful answer."""

Keys = tuple[str, str, str, str]
SMS_LOG: Keys = ("phone", "dest", "message", "server_date")
INCOMING_SMS: Keys = ("source", "destination", "message", "receive_date")
"""Under which names a row has the sender, the recipient, the text and the date."""

ESCAPE = re.compile(r'\\(?:u[0-9a-fA-F]{4}|["\\/bfnrt])')
# Escapes of a JSON string (RFC 8259, section 7), as GetSmsIncomingLog has them in `message`.
TELLING_ESCAPES = ("\\u", '\\"')


def sms_log(data: Data, limit: int) -> sms.Observation | Unknown:
    """GetSmsIncomingLog. `limit`: how many rows were asked for."""
    return _messages(data, limit, SMS_LOG)


def incoming_sms(data: Data, limit: int) -> sms.Observation | Unknown:
    """GetIncomingSms, the successor: other names, the same observation."""
    return _messages(data, limit, INCOMING_SMS)


def known_sms_log() -> KnownRows[sms.Entry]:
    """What remembers the rows of one watch's GetSmsIncomingLog."""
    return KnownRows("rows", partial(_entry, SMS_LOG))


def known_incoming_sms() -> KnownRows[sms.Entry]:
    """The same of GetIncomingSms."""
    return KnownRows("rows", partial(_entry, INCOMING_SMS))


def sip_accounts(data: Data) -> sip.Observation | Unknown:
    """GetSipAccountsRegisteredStatus. An account without a readable name is left out, and so unknown."""
    accounts = _required_list(data, "accounts")
    if isinstance(accounts, Unknown):
        return accounts
    fields = Fields()
    registered: dict[str, bool | None] = {}
    created: dict[str, str] = {}
    for entry in accounts:
        user_name = fields.take("accounts[].", entry, "userName", name)
        is_registered = fields.take("accounts[].", entry, "registered", boolean)
        created_date = fields.take_optional("accounts[].", entry, "createdDate", name)
        if user_name is None:
            continue
        if registered.get(user_name, is_registered) is not is_registered:
            fields.remark("accounts[].userName: given twice, once registered and once not")
            is_registered = None
        registered[user_name] = is_registered
        if created_date is not None:
            created[user_name] = created_date
    if fields.has_none("accounts[].userName"):
        return _malformed(fields)
    return sip.Observation(registered, fields.problems(), created)


def sip_contexts(data: Data) -> registrations.Observation | Unknown:
    """SipGetContexts. A list that is absent is unreadable, not empty: a phone would seem to have left."""
    fields = Fields()
    if "contexts" not in data:
        fields.remark("contexts: missing")
        return registrations.Observation(None, fields.problems())
    entries = listed(data["contexts"])
    if entries is None:
        return Unknown(Failure.MALFORMED, "contexts: no list")
    contexts = [_context(fields, entry) for entry in entries]
    if fields.missing["contexts[].uri"] or fields.unreadable["contexts[].uri"]:
        return registrations.Observation(None, fields.problems())
    return registrations.Observation(tuple(one for one in contexts if one is not None), fields.problems())


def queue_state(data: Data) -> queues.Observation | Unknown:
    """GetQueueRealTime.

    That nobody waits is believed only where the counter says it, too (`Calls` 0). A list with fewer callers
    than are counted, or with an entry that has no identity, is unreadable as a whole: somebody would seem to
    have left. For agents there is no counter; `queues.diff` wants their absence said again.
    """
    if not any(isinstance(data.get(key), Mapping | list) for key in ("queueData", "members", "entries")):
        return Unknown(Failure.MALFORMED, "queueData, members, entries: missing")
    fields = Fields()
    totals = data.get("queueData")
    calls = fields.take("queueData.", totals, "Calls", count)
    callers = _callers(fields, data, calls)
    is_contradicted = calls is not None and callers is not None and len(callers) > calls
    if is_contradicted:
        fields.remark("queueData.Calls: fewer than entries has")
    return queues.Observation(
        calls=None if is_contradicted else calls,
        abandoned=fields.take("queueData.", totals, "Abandoned", count),
        completed=fields.take("queueData.", totals, "Completed", count),
        talk_seconds=fields.take("queueData.", totals, "TalkTime", count),
        hold_seconds=fields.take("queueData.", totals, "Holdtime", count),
        strategy=fields.take("queueData.", totals, "Strategy", name),
        callers=None if is_contradicted else callers,
        agents=_agents(fields, data),
        problems=fields.problems(),
    )


def directory(data: Data) -> directories.Observation | Unknown:
    """GetIVR2DirStats.

    The highest file tells one recording from the next, so an answer without a readable `maxFile` is none.
    An absent one, null and `exists` false say that there is no file only where a counter says so, too.
    """
    fields = Fields()
    content_files = fields.take("", data, "contentFilesCount", count)
    files = fields.take("", data, "filesCount", count)
    most = files if content_files is None else content_files
    max_file = _file(fields, data, "maxFile", most=most)
    min_file = _file(fields, data, "minFile", most=most)
    if max_file is None and most != 0:
        return Unknown(Failure.MALFORMED, "maxFile: missing or unreadable")
    if max_file is not None and most == 0:
        return Unknown(Failure.MALFORMED, "maxFile: given, and counted as none")
    return directories.Observation(
        type=fields.take("", data, "type", name),
        dirs=fields.take("", data, "dirsCount", count),
        files=files,
        content_files=content_files,
        max_file=max_file,
        min_file=min_file,
        this_path=fields.take_optional("", data, "thisPath", name),
        parent_path=fields.take_optional("", data, "parentPath", name),
        problems=fields.problems(),
    )


def pirsumphone(data: Data) -> PirsumPhone | Unknown:
    """PirsumPhoneManagement, action GetRegistrationStatus."""
    fields = Fields()
    registered = fields.take("", data, "registrationStatus", boolean)
    return PirsumPhone(registered, fields.problems())


def units(data: Data) -> Units | Unknown:
    """GetSession. It also shows passwords in clear: two fields are read, nothing else is looked at."""
    fields = Fields()
    balance = fields.take("", data, "units", number)
    expires_on = fields.take("", data, "unitsExpireDate", calendar_date)
    return Units(balance, expires_on, fields.problems())


def decoded(raw: str) -> str:
    r"""The text of a message that may have come JSON-escaped; as it is where that is in doubt.

    An escaped text holds no bare quote, no control character and no backslash outside an escape, so one of
    these says that it is plain. The reverse is not sure: `C:\new` is plain and yet valid. So there must also
    be an escape that nobody types, `\u05e9` or `\"`; a text with `\n` alone stays as it is.
    """
    if "\\" not in raw or not any(one[:2] in TELLING_ESCAPES for one in ESCAPE.findall(raw)):
        return raw
    try:
        unescaped = json.loads(f'"{raw}"')
    except ValueError:
        return raw
    return without_surrogates(unescaped)


class _Messages(Sequence[sms.Row]):
    """Messages of an answer whose rows are known, each read when it is asked for: few of them are news."""

    def __init__(self, rows: Rows[sms.Entry], keys: Keys, indexes: Sequence[int]) -> None:
        """`indexes`: of the rows that are messages."""
        self._rows = rows
        self._keys = keys
        self._indexes = indexes

    def __len__(self) -> int:
        return len(self._indexes)

    def __getitem__(self, index: Any) -> Any:
        entry = self._rows[self._indexes[index]]
        return _message(*(text(entry.get(key)) for key in self._keys))


def _messages(data: Data, limit: int, keys: Keys) -> sms.Observation | Unknown:
    """Rows, whose sender, recipient, text and date are their identity: none may be unreadable throughout."""
    entries = _required_list(data, "rows")
    if isinstance(entries, Unknown):
        return entries
    if isinstance(entries, Rows):
        return _known_messages(entries, limit, keys)
    fields = Fields()
    columns = [fields.take_column("rows[].", entries, key, text) for key in keys]
    rows = tuple(
        _message(sender, recipient, raw, date)
        for sender, recipient, raw, date in zip(*columns, strict=True)
        if sender is not None or raw is not None
    )
    if any(fields.has_none(f"rows[].{key}") for key in keys):
        return _malformed(fields)
    # A row left out must not make a full window look like the whole log.
    return sms.Observation(rows, limit - (len(entries) - len(rows)), fields.problems())


def _known_messages(entries: Rows[sms.Entry], limit: int, keys: Keys) -> sms.Observation | Unknown:
    """The same, where only those rows are looked at that say less than they should."""
    if not entries.poor:
        every = _Messages(entries, keys, range(len(entries)))
        return sms.Observation(every, limit, known=tuple(cast("Sequence[sms.Entry]", entries.readings)))
    known = dict(enumerate(entries.readings))
    fields = Fields()
    fields.read.update({f"rows[].{key}": len(known) - len(entries.poor) for key in keys})
    for index in entries.poor:
        sender, recipient, raw, date = [fields.take("rows[].", entries[index], key, text) for key in keys]
        if sender is None and raw is None:
            del known[index]
        else:
            known[index] = sms.entry(_message(sender, recipient, raw, date))
    if any(fields.has_none(f"rows[].{key}") for key in keys):
        return _malformed(fields)
    rows = _Messages(entries, keys, tuple(known))
    worked_out = tuple([one for one in known.values() if one is not None])
    return sms.Observation(rows, limit - (len(entries) - len(rows)), fields.problems(), worked_out)


def _message(sender: str | None, recipient: str | None, raw: str | None, date: str | None) -> sms.Row:
    return sms.Row(sender or "", recipient or "", decoded(raw or ""), raw or "", date or "")


def _entry(keys: Keys, row: Mapping[str, object]) -> sms.Entry | None:
    """What a message is compared by, where its row says all that it should."""
    values = [text(row.get(key)) for key in keys]
    return None if None in values else sms.entry(_message(*values))


def _context(fields: Fields, entry: object) -> registrations.Context | None:
    where = "contexts[]."
    uri = fields.take(where, entry, "uri", name)
    user_agent = fields.take(where, entry, "user_agent", name)
    via_address = fields.take(where, entry, "via_addr", name)
    via_port = fields.take(where, entry, "via_port", count)
    expires = fields.take(where, entry, "expiration_time", name)
    endpoint = fields.take_optional(where, entry, "endpoint", name)
    if uri is None:
        return None
    return registrations.Context(uri, user_agent, via_address, via_port, expires, endpoint)


def _callers(fields: Fields, data: Data, calls: int | None) -> tuple[queues.Caller, ...] | None:
    if "entries" not in data and calls == 0:
        return ()
    entries = _optional_list(fields, data, "entries")
    callers = []
    for entry in entries or ():
        call_id = fields.take("entries[].", entry, "CallId", identity)
        phone = fields.take("entries[].", entry, "phone", name)
        wait = fields.take("entries[].", entry, "Wait", _wait)
        position = fields.take("entries[].", entry, "Position", count)
        if call_id is None:
            entries = None
        else:
            callers.append(queues.Caller(call_id, phone or "", wait, position))
    if entries is None:
        return None
    if calls is None and not callers:
        fields.remark("entries: empty, and no queueData.Calls to say so")
        return None
    if len({one.call_id for one in callers}) < (calls or 0):
        fields.remark("entries: fewer than queueData.Calls counts")
        return None
    return tuple(callers)


def _wait(value: object) -> int | None:
    """Seconds that somebody can have waited."""
    seconds = count(value)
    return seconds if seconds is not None and seconds <= outcomes.LONGEST else None


def _agents(fields: Fields, data: Data) -> tuple[queues.Agent, ...] | None:
    entries = _optional_list(fields, data, "members")
    agents = []
    for entry in entries or ():
        agent = fields.take("members[].", entry, "agent", name)
        paused = fields.take("members[].", entry, "Paused", boolean)
        status = fields.take("members[].", entry, "Status", name)
        calls_taken = fields.take("members[].", entry, "CallsTaken", count)
        if agent is None:
            entries = None
        else:
            agents.append(queues.Agent(agent, paused, status, calls_taken))
    return None if entries is None else tuple(agents)


def _file(fields: Fields, data: Data, key: str, *, most: int | None) -> File | None:
    """`most`: how many files there are by the counters."""
    entry = data.get(key)
    if isinstance(entry, Mapping) and boolean(entry.get("exists")) is False:
        entry = None
    return None if not entry and most == 0 else file(fields, f"{key}.", entry)


def file(fields: Fields, where: str, entry: object) -> File | None:
    """One file as an answer shows it; None where its name cannot be read. `where`: `files[].`, `maxFile.`"""
    called = fields.take(where, entry, "name", name)
    if called is None:
        return None

    def optional(key: str) -> str | None:
        return fields.take_optional(where, entry, key, name)

    return File(
        name=called,
        unique_id=optional("uniqueId"),
        path=optional("what"),
        size_bytes=fields.take_optional(where, entry, "size", count),
        modified=optional("mtime"),
        duration=optional("durationStr"),
        phone=optional("phone"),
        source=optional("source"),
        date=optional("date"),
        exists=fields.take_optional(where, entry, "exists", boolean),
        file_type=optional("fileType"),
        duration_number=fields.take_optional(where, entry, "duration", number),
        customer_did=optional("customerDid"),
        meta=fields.take_optional(where, entry, "meta", small_json),
        ip=optional("ip"),
    )


def _required_list(data: Data, key: str) -> Sequence[object] | Unknown:
    """The list of a method that has no counter beside it. Whether it may be believed to be empty, its watch
    decides by what was known before: `sip.diff`, `sms.diff`."""
    if key not in data:
        return Unknown(Failure.MALFORMED, f"{key}: missing")
    found = data[key]
    entries = found if isinstance(found, Rows) else listed(found)
    return Unknown(Failure.MALFORMED, f"{key}: no list") if entries is None else entries


def _optional_list(fields: Fields, data: Data, key: str) -> Sequence[object] | None:
    if key not in data:
        fields.remark(f"{key}: missing")
        return None
    entries = listed(data[key])
    if entries is None:
        fields.remark(f"{key}: no list")
    return entries


def _malformed(fields: Fields) -> Unknown:
    return Unknown(Failure.MALFORMED, "; ".join(fields.problems()))
