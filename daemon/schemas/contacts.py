"""Contacts as JSON, asked for and given: one shape for HTTP, for `--json` and for the page."""

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from daemon.core.contacts import LONGEST_NAME, LONGEST_NUMBER, Added, Listed, Source, TakenIn
from daemon.core.timestamps import iso_or_none
from daemon.schemas.documents import AT, Document, words
from daemon.schemas.fields import SAID, Described, on_one_line, said
from daemon.schemas.requests import Request

MOST_AT_ONCE = 5_000
"""Contacts of one request."""
ONE = {"One phone": {"number": "0541234567", "name": "Dana"}}
MANY = {
    "Some": {
        "contacts": [{"number": "0541234567", "name": "Dana"}, {"number": "/5", "name": "Sales"}],
    }
}
Number = Annotated[
    str,
    StringConstraints(max_length=LONGEST_NUMBER),
    AfterValidator(on_one_line),
    AfterValidator(said),
    Described(pattern=SAID),
]
Name = Annotated[
    str,
    StringConstraints(max_length=LONGEST_NAME),
    AfterValidator(on_one_line),
    AfterValidator(said),
    Described(pattern=SAID),
]


class ContactRequest(Request):
    """Call a number so."""

    number: Number = Field(
        description="A phone in any spelling, a SIP account, an extension such as /5, or an agent",
        examples=["0541234567"],
    )
    name: Name = Field(description="On one line", examples=["Dana"])


class ContactsRequest(Request):
    """Call many so: all of them, or none."""

    contacts: list[ContactRequest] = Field(min_length=1, max_length=MOST_AT_ONCE)


class ShownAs(Document):
    """The name that shows for a number."""

    name: str = Field(examples=["Dana Levi"])
    source: str = Field(json_schema_extra=words(Source))


class Contact(Document):
    """A name of a number."""

    number: str = Field(description="As it was given", examples=["054-123 45 67"])
    key: str = Field(description="What numbers are compared by", examples=["0541234567"])
    name: str = Field(examples=["Dana"])
    source: str = Field(description="What it is told by", json_schema_extra=words(Source))
    shown_as: ShownAs | None = Field(
        description="The name that shows in its place, for the configuration counts before the store, and "
        "[contacts] before its file; None: its own shows"
    )
    author: str | None = Field(description="Who gave it; None: the configuration", examples=["token"])
    changed_at: str | None = Field(examples=[AT])

    @classmethod
    def of(cls, one: Listed) -> "Contact":
        shown = one.shown_as
        return cls(
            number=one.number,
            key=one.key,
            name=one.name,
            source=one.source.value,
            shown_as=None if shown is None else ShownAs(source=shown[0].value, name=shown[1]),
            author=one.author,
            changed_at=iso_or_none(one.changed_at),
        )


class AddedContact(Contact):
    """A contact that was given."""

    before: str | None = Field(description="How the store called the number; None: not at all")

    @classmethod
    def made(cls, added: Added) -> "AddedContact":
        return cls(**Contact.of(added.contact).model_dump(), before=added.before)


class ContactPage(Document):
    """Contacts: those of `[contacts]`, of its file, and of the store, each by their numbers."""

    contacts: list[Contact]
    next: str | None = Field(description="Pass it as `after` to go on; None: there are no more")
    has_more: bool


class Import(Document):
    """What came of bringing in many."""

    added: int
    changed: int
    same: int = Field(description="They were called so already")
    hidden: int = Field(description="Of all: the configuration calls them otherwise, and that shows")

    @classmethod
    def of(cls, taken: TakenIn) -> "Import":
        return cls(added=taken.added, changed=taken.changed, same=taken.same, hidden=taken.hidden)
