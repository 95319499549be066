"""The forms in which a command names phone numbers; all of them come out in the national form."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    WithJsonSchema,
)

from daemon.core.commands import texts
from daemon.core.commands.campaigns import LISTS, MOST_NUMBERS
from daemon.core.phones import key, normalise, phone
from daemon.schemas.command_fields import Params, unlike
from daemon.schemas.fields import Described

COUNTRY = 972
"""Israel, by ITU-T E.164. A whole number that begins with it has lost no zero."""

_NUMBER = re.compile(r"\+?[0-9]{3,15}")
_LARGEST_NUMBER = 10**15
"""ITU-T E.164, section 6: at most 15 digits."""
_WRITTEN = re.compile(r"[\s().-]")
_LIST = re.compile(r"(?:tpl|tzl):[A-Za-z0-9_-]{1,64}")


def _phone(value: object) -> str:
    """A number in the national form. A whole number has lost the zero that a national number begins with."""
    if isinstance(value, int) and not isinstance(value, bool):
        # The bound first: Python refuses to write out an int of thousands of digits.
        if not 0 < value < _LARGEST_NUMBER or not str(value).startswith(str(COUNTRY)):
            raise ValueError("expected a number as text: as a figure it loses its first zero")
        value = str(value)
    if not isinstance(value, str):
        raise ValueError("expected a phone number, as text")
    digits = _WRITTEN.sub("", value)
    one = phone(digits)
    national = one if one and not one.startswith("+") else normalise(digits)
    # What is kept is read again when the command is carried out, so it has to be a number itself.
    if not _NUMBER.fullmatch(digits) or not _NUMBER.fullmatch(national):
        raise ValueError("expected a phone number, of 3 to 15 digits")
    return national


def _phones_text(value: str) -> str:
    """A stored list by its name, or numbers between colons."""
    stripped = value.strip()
    if stripped == "tzl:" or _LIST.fullmatch(stripped):
        return stripped
    if stripped.startswith(LISTS):
        raise ValueError('expected the name of a list, such as "tpl:12" or "tzl:3"')
    try:
        return ":".join(map(_phone, stripped.split(":")))
    except ValueError as error:
        raise ValueError(f'{error}; several are written "0501234567:0501234568"') from None


def _opened(value: object) -> object:
    """The API takes its JSON forms as text, too."""
    if not isinstance(value, str | list):
        raise ValueError("expected numbers: text with colons between them, or a list")
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            raise ValueError("begins as JSON, and is none") from None
    return value


_DIGITS = r"(\+?972[2-9][0-9]{7,8}|0[0-9]{2,12})"
_DESCRIBED = {
    "anyOf": [
        {"type": "string", "pattern": f"^{_DIGITS}$"},
        {"type": "integer", "minimum": 972_200_000_000, "maximum": 972_999_999_999},
    ]
}
"""In the forms that are meant; blanks, dots, dashes and brackets between the digits are taken, too."""

Phone = Annotated[
    str,
    BeforeValidator(_phone, json_schema_input_type=str | int),
    WithJsonSchema(_DESCRIBED, mode="validation"),
]


def _one_or_more(value: object) -> object:
    return [value] if isinstance(value, str | int) and not isinstance(value, bool) else value


def _no_phone_twice(numbers: list[str]) -> list[str]:
    unlike([key(one) for one in numbers])
    return numbers


Recipients = Annotated[
    list[Phone],
    Field(min_length=1, max_length=texts.MOST_NUMBERS),
    BeforeValidator(_one_or_more, json_schema_input_type=list[Phone] | Phone),
    AfterValidator(_no_phone_twice),
]
"""Whom a message goes to; one number may stand alone."""


class OnePhone(Params):
    """A number, and the caller id that it is to see."""

    phone: Phone
    caller_id: Phone | None = None


class PhoneGroup(Params):
    """Numbers, and the caller id that they are to see."""

    phones: Annotated[list[Phone], Field(min_length=1)]
    caller_id: Phone | None = None


def _form(value: object) -> str:
    if isinstance(value, Mapping):
        return "group" if "phones" in value else "one"
    return "one" if isinstance(value, OnePhone) else "group" if isinstance(value, PhoneGroup) else "number"


Entry = Annotated[
    Annotated[Phone, Tag("number")] | Annotated[OnePhone, Tag("one")] | Annotated[PhoneGroup, Tag("group")],
    Discriminator(_form),
]


def _forms(value: list[Any]) -> list[Any]:
    if len({_form(one) for one in value}) > 1:
        raise ValueError("mixes numbers, objects with phone and objects with phones; give all in one form")
    return value


def _can_be_dialled(phones: Any) -> Any:
    numbers = list(_numbers(phones))
    if len(numbers) > MOST_NUMBERS:
        raise ValueError(f"{len(numbers)} numbers; a campaign takes at most {MOST_NUMBERS}")
    unlike([key(one) for one in numbers])
    return phones


Phones = Annotated[
    Annotated[
        str,
        StringConstraints(max_length=20_000),
        AfterValidator(_phones_text),
        Described(f"^((tpl|tzl):[A-Za-z0-9_-]{{1,64}}|tzl:|{_DIGITS}(:{_DIGITS})*)$"),
        Tag("as_text"),
    ]
    | Annotated[list[Entry], Field(min_length=1), AfterValidator(_forms), Tag("list")],
    Discriminator(lambda value: "list" if isinstance(value, list) else "as_text"),
    BeforeValidator(_opened),
    AfterValidator(_can_be_dialled),
]


def _numbers(phones: Any) -> Iterator[str]:
    """Every number that is named, in the national form."""
    if isinstance(phones, str):
        yield from [] if phones.startswith(LISTS) else phones.split(":")
        return
    for one in phones:
        yield from one.phones if isinstance(one, PhoneGroup) else [getattr(one, "phone", one)]
