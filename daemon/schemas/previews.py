"""What a webhook would be sent, as JSON."""

from pydantic import Field

from daemon.schemas.documents import Document


class PreviewedHeader(Document):
    """One header."""

    name: str
    value: str = Field(description="Where it holds what opens the receiver: `***`")


class Preview(Document):
    """A request that was made and not sent."""

    endpoint: str
    type: str = Field(description="Of the event that it tells: an example")
    format: str
    template: str | None = Field(description="The name of the template that made it; null: its format did")
    method: str
    host: str = Field(description="Where it would go; the rest of the URL may be a secret")
    headers: list[PreviewedHeader]
    body: str = Field(description="As text; secrets among the `values` of a template are `***`")
