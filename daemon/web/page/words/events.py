"""What each type of event is called in a list, where the sentence about it has no room or is not kept."""

from daemon.core.rendering.type_names import TYPE_NAMES

WORDS = {f"event.{name}": words for name, words in TYPE_NAMES.items()}
