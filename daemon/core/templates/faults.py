"""What may be wrong with a template, or with one use of it. Pure."""


class TemplateFault(ValueError):
    """A template that cannot be used, or not for this event. Says where and why, and no word of what the
    event holds: a template's endpoint may be one that may not read it."""

    is_tellable = True
    """To whoever hears of the endpoint: `core/wishes.py`."""

    def __init__(self, why: str, line: int | None = None) -> None:
        super().__init__(why, line)
        self.why = why
        self.line = line
        """Of the template's file, from 1; None: it is of the whole."""

    def __str__(self) -> str:
        return self.why if self.line is None else f"line {self.line}: {self.why}"


class TooMuch(TemplateFault):
    """More work, or a longer body, than one message may be."""
