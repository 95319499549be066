"""Sentences as HTML: nothing that is put into one is ever more than text."""

import string

from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from daemon.core.visible import visible_line
from daemon.web.page.words import ALL, Words

WITH_VALUES = sorted(
    key for key, row in ALL.items() if any(name for _, name, _, _ in string.Formatter().parse(row[0]))
)


@given(st.sampled_from(WITH_VALUES), st.sampled_from(("en", "he")), st.text(max_size=40))
def test_a_value_is_put_in_as_markupsafe_would_put_it_in(key: str, language: str, hostile: str) -> None:
    words = Words(language)
    template = ALL[key][language == "he"]
    names = {name for _, name, _, _ in string.Formatter().parse(template) if name}
    apart = Markup("<bdi>{}</bdi>").format(visible_line(hostile))

    expected = Markup(template).format(**dict.fromkeys(names, apart))  # noqa: S704 - ours
    assert words(key, **dict.fromkeys(names, hostile)) == expected
    assert words(key, **dict.fromkeys(names, apart)) == words(key, **dict.fromkeys(names, hostile))


def test_what_is_html_elsewhere_is_text_here() -> None:
    assert "<bdi>&lt;b&gt; &amp;amp; {name}</bdi>" in Words("en")("front.system", name="<b> &amp; {name}")


def test_a_sentence_within_another_stands_as_it_is_and_hostile_signs_are_shown() -> None:
    words = Words("he")
    name = words.plain("subjects.queue", name="sales\u202e")
    whole = words.plain("subjects.title", name=name, system="main")

    assert name in whole
    assert "U+2068" not in whole
    assert "\u202e" not in whole
    assert "⟨U+202E⟩" in whole
