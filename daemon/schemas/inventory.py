"""What a phone system has, as JSON: the document of `yemotd discover --json`. No path of HTTP gives it."""

from pydantic import Field

from daemon.core.inventory import Inventory
from daemon.schemas.documents import Document


class FoundAccount(Document):
    """A SIP account."""

    user_name: str
    registered: bool | None = Field(description="null: the answer did not say")


class FoundExtension(Document):
    """An extension of the tree."""

    path: str = Field(description='"/" is the main one')
    type: str = Field(description="As the platform spells it")
    title: str = Field(description="What its owner calls it; empty where it has no name")
    queue: bool = Field(description="Whether it can be watched as a queue")
    recordings: bool = Field(description="Whether its folder gets recordings")
    not_watched: str | None = Field(description="Why it cannot be watched though its type says so")


class Found(Document):
    """One system, as it was found. What is null was not learned; `problems` says why."""

    system: str
    calls: int = Field(description="Requests that were made for it")
    units: float | None
    units_expire_on: str | None = Field(description="A date")
    accounts: list[FoundAccount] | None
    pirsumphone: bool | None = Field(description="Whether it is registered there")
    sms_received: bool | None = Field(
        description="false: none was shown, which does not prove that none comes"
    )
    extensions: list[FoundExtension] | None
    cut: str | None = Field(description="Why not all extensions were looked at")
    problems: dict[str, str] = Field(description="Why a part was not learned, by its name")

    @classmethod
    def of(cls, system: str, found: Inventory) -> "Found":
        """What was found of the system of this name."""
        accounts, extensions = found.accounts, found.extensions
        return cls(
            system=system,
            calls=found.calls,
            units=found.units,
            units_expire_on=found.units_expire_on.isoformat() if found.units_expire_on else None,
            accounts=None
            if accounts is None
            else [FoundAccount(user_name=one.user_name, registered=one.is_registered) for one in accounts],
            pirsumphone=found.pirsumphone,
            sms_received=found.has_sms,
            extensions=None
            if extensions is None
            else [
                FoundExtension(
                    path=one.path,
                    type=one.type,
                    title=one.title,
                    queue=one.is_queue,
                    recordings=one.has_recordings,
                    not_watched=one.not_watched or None,
                )
                for one in extensions
            ],
            cut=found.cut or None,
            problems={part.value: said for part, said in found.problems.items()},
        )
