"""How long something lasted, as people say it. Pure."""

from daemon.core import durations
from daemon.core.rendering.mail_words import WORDS


def duration(seconds: float, language: str) -> str:
    """`2 h 5 min`: the two largest units."""
    left, parts = max(int(seconds), 0), []
    for unit, size in (("days", 86_400), ("hours", 3_600), ("minutes", 60), ("seconds", 1)):
        many, left = divmod(left, size)
        if many:
            parts.append(WORDS[language][unit].format(many))
    return " ".join(parts[:2]) or WORDS[language]["seconds"].format(0)


def written(text: object, language: str) -> str:
    """The same of a duration as the configuration has it: `2h`; as it stands where it is none."""
    try:
        return duration(durations.parse(str(text)).total_seconds(), language)
    except ValueError:
        return str(text)
