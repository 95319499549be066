"""Whatever a template says, it is rendered within what one message may cost, or refused; and it reaches
values and nothing else."""

import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.core.contacts import NOBODY
from daemon.core.templates import budget
from daemon.core.templates.budget import MOST_OUTPUT
from daemon.core.templates.faults import TemplateFault, TooMuch
from daemon.senders.templating.finds import finds
from daemon.senders.templating.template import Rendered, compiled
from tests.support.examples import examples

EVENT: Mapping[str, Any] = {
    "type": "sms.received",
    "timestamp": "2026-11-23T01:02:03.456Z",
    "data": {
        "id": "evt_1",
        "system": "main",
        "sequence": 7,
        "subject": "sms/0541234567",
        "sms": {"from": "0541234567", "to": "0773137770", "text": 'say "hi" \\ שלום', "received_at": None},
        "list": [{"n": 2, "on": True}, {"n": 1, "on": False}, {"n": 3, "on": True}],
        "items": {"b": 1, "a": None},
    },
}


def rendered(
    body: str, *, kind: str = "text/plain", head: str = "", event: Mapping[str, Any] = EVENT
) -> Rendered:
    found = finds(event, NOBODY, {"key": "v&1"}, language="en", zone=UTC, is_thin=False)
    return compiled(f"content-type: {kind}\n{head}\n{body}", UTC, "en").render(found)


def text(body: str) -> str:
    return rendered(body).body.decode()


@pytest.mark.parametrize(
    ("body", "made"),
    [
        ("{{ data.sms.from }} {{ type }} {{ event.type }}", "0541234567 sms.received sms.received"),
        ("{{ data.sms.received_at }}|{{ true }}|{{ 1.5 }}|{{ 2 / 3 }}", "|true|1.5|0.67"),
        ("{{ data.items }}", '{"b":1,"a":null}'),
        ("{% for k, v in data.items|items %}{{ k }}={{ v|default('-') }};{% endfor %}", "b=1;a=-;"),
        (
            "{% for x in data.list %}{{ loop.index }}:{{ x.n }}{{ ',' if not loop.last }}{% endfor %}",
            "1:2,2:1,3:3",
        ),
        ("{% for x in data.list if x.on %}{{ x.n }}{% else %}none{% endfor %}", "23"),
        ("{% for x in [] %}{{ x }}{% else %}none{% endfor %}", "none"),
        (
            "{% set s = namespace() %}{% for x in data.list %}{% set s.n = 3 + 3 %}{% endfor %}{{ s.n }}",
            "6",
        ),
        ("{{ data.list|sort('n')|map('n')|join('-') }}", "1-2-3"),
        ("{{ data.list|selectattr('on')|map('n')|sum }} {{ data.list|rejectattr('n', 2)|length }}", "5 2"),
        ("{{ 'a' ~ 1 ~ data.sms.received_at ~ 'b' }}", "a1b"),
        ("{{ data.sms.from[:3] }}{{ data.sms.from[-1] }}", "0547"),
        ("{{ 'one two three'|truncate(9) }}|{{ 'abc'|upper|replace('B', 'x') }}", "one two…|AxC"),
        ("{{ data.none is defined }} {{ data.none|default('x') }} {{ 'sms' in data }}", "false x true"),
        ("{% with x = 3 %}{{ x * 2 - 1 }}{% endwith %}", "5"),
        ("{{ timestamp|local }}", "2026-11-23 01:02:03 (UTC)"),
        ("{{ values.key }} {{ values.key|urlencode }}", "v&1 v%261"),
        ("{{ 'abc'.startswith('a') }} {{ ' x '.strip() }} {{ 'a,b'.split(',')|last }}", "true x b"),
        (
            "{{ range(3)|list|reverse }} {{ [3, 1]|max }} {{ '12'|int + 1 }} {{ 'x'|int(9) }}",
            "[2,1,0] 3 13 9",
        ),
        ("{% raw %}{{ x }}{% endraw %}{# a remark #}", "{{ x }}"),
    ],
)
def test_what_a_template_may_say(body: str, made: str) -> None:
    assert text(body) == made


def test_a_sentence_and_the_name_of_the_type_are_there() -> None:
    assert "0541234567" in text("{{ text }}")
    assert text("{{ title }}")


@pytest.mark.parametrize(
    "body",
    [
        "{{ ''.__class__ }}", "{{ data.__class__ }}", "{{ data['__class__'] }}", "{{ ''['__class__'] }}",
        "{{ data|map('__class__') }}", "{{ data.sms.text.format(data) }}", "{{ '%s' % data }}", "{{ self }}",
        "{{ range }}", "{{ namespace }}", "{{ namespace(x=1) }}", "{{ loop }}",
        "{% for x in data.list %}{{ loop }}{% endfor %}", "{{ data.items() }}", "{{ data.list.append(1) }}",
        "{{ data.update({}) }}", "{{ ''.join }}", "{{ ''.upper }}", "{{ data.sms.text|attr('upper') }}",
        "{{ cycler('a') }}", "{{ lipsum() }}", "{{ dict(a=1) }}", "{{ _ }}", "{{ ''|_shown }}",
        "{% include 'x' %}", "{% import 'x' as y %}", "{% extends 'x' %}", "{% block a %}{% endblock %}",
        "{% macro a() %}{% endmacro %}", "{% filter upper %}x{% endfilter %}", "{% set x %}y{% endset %}",
        "{% call a() %}{% endcall %}", "{% autoescape true %}{% endautoescape %}", "{% do 1 %}",
        "{{ range(*[1]) }}", "{{ '\\ud800' }}", "{{ {[1]: 2} }}", "{{ 'x' * 3 }}", "{{ nobody }}",
        "{{ data.nobody }}", "{{ data.sms.text.nobody }}", "{{ data.list[9] }}", "{{ data.nobody.x }}",
        "{{ 1 + '1' }}", "{{ true + 1 }}", "{{ 1 / 0 }}", "{{ 1 % 0 }}", "{{ 1 < 'a' }}", "{{ -'a' }}",
        "{{ 'x'|local }}", "{{ data.sms|upper }}", "{{ 1|items }}", "{% for x in 'abc' %}{% endfor %}",
        "{% for x in 5 %}{% endfor %}", "{{ data.list[0:2].x }}", "{{ 3|round(99) }}",
        "{{ [1]|join(none) }}{{ x",
    ],
)  # fmt: skip
def test_nothing_else_is_taken_and_a_fault_says_no_word_of_the_event(body: str) -> None:
    with pytest.raises(TemplateFault) as told:
        text(body)

    assert "0541234567" not in str(told.value)
    assert "שלום" not in str(told.value)


LOOP = "{% for i in range(9999) %}"
DOUBLED = "{% set ns = namespace(x=START) %}{% for i in range(64) %}{% set ns.x = STEP %}{% endfor %}USE"
GREEDY = (
    "{{ 10**9 }}", "{{ 'x' * 10**9 }}", "{{ range(10**9)|list }}",
    "{{ range(1000000000)|list }}", "{% for i in range(999999999) %}{% endfor %}",
    LOOP + LOOP + "{{ i }}{% endfor %}{% endfor %}",
    LOOP + "x" * 1000 + "{% endfor %}",
    LOOP + "{{ text }}" * 100 + "{% endfor %}",
    LOOP + "{% set x = event == event %}" * 9 + "{% endfor %}",
    LOOP + "{% set x = " + " + ".join("1" * 60) + " %}{% endfor %}",
    LOOP + "{% set x = 'a' in event|tojson %}" * 9 + "{% endfor %}",
    LOOP + "{% set x = data.list|sort('n')|map('n')|join|upper %}" * 9 + "{% endfor %}",
    DOUBLED.replace("START", "'ab'").replace("STEP", "ns.x ~ ns.x").replace("USE", "{{ ns.x }}"),
    DOUBLED.replace("START", "'ab'").replace("STEP", "ns.x + ns.x").replace("USE", "{{ ns.x }}"),
    DOUBLED.replace("START", "'ab'").replace("STEP", "ns.x|replace('a', ns.x)").replace("USE", "{{ ns.x }}"),
    DOUBLED.replace("START", "['ab']").replace("STEP", "ns.x + ns.x").replace("USE", "{{ ns.x }}"),
    DOUBLED.replace("START", "['ab']").replace("STEP", "[ns.x, ns.x]").replace("USE", "{{ ns.x }}"),
    DOUBLED.replace("START", "['a']").replace("STEP", "(ns.x, ns.x)").replace("USE", "{{ ns.x == ns.x }}"),
    DOUBLED.replace("START", "{}").replace("STEP", "{1: ns.x, 2: ns.x}").replace("USE", "{{ ns.x|list }}"),
    DOUBLED.replace("START", "2").replace("STEP", "ns.x * ns.x").replace("USE", "{{ ns.x }}"),
    "{{ 1" + "0" * 5000 + " }}", "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}", "{{ " + "-" * 9000 + "1 }}",
    "{% if 1 %}" * 200 + "{% endif %}" * 200, "{{ " + "[" * 200 + "]" * 200 + " }}",
)  # fmt: skip


@pytest.mark.parametrize("body", GREEDY, ids=range(len(GREEDY)))
def test_whoever_wants_too_much_is_refused_soon_and_with_little(body: str) -> None:
    began = time.thread_time()

    with pytest.raises(TemplateFault):
        text(body)

    assert time.thread_time() - began < 20  # of the CPU; it takes one, and there are slow machines


def test_as_many_turns_as_may_be_are_taken_and_no_more() -> None:
    assert text("{% for i in range(10000) %}x{% endfor %}") == "x" * 10_000
    with pytest.raises(TooMuch, match="turn"):
        text("{% for i in range(10000) %}{% endfor %}{% for i in [1] %}{% endfor %}")


def test_a_body_is_as_large_as_it_may_be_and_no_larger() -> None:
    body = "{% for i in range(256) %}" + "x" * 1024 + "{% endfor %}"

    assert len(text(body)) == MOST_OUTPUT
    with pytest.raises(TooMuch, match="256 KiB"):
        text(body + "y")


def test_nothing_is_worked_out_while_it_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "MOST_SIGNS", 0)

    compiled("content-type: text/plain\n\n{{ 'abc'|upper|replace('A', 'b') ~ [1, 2] }}", UTC, "en")


def test_one_rendering_leaves_nothing_to_the_next() -> None:
    template = compiled(
        "content-type: text/plain\n\n{% set x = 1 %}{% for i in range(6000) %}{% endfor %}{{ x }}", UTC, "en"
    )
    found = finds(EVENT, NOBODY, {}, language="en", zone=UTC, is_thin=False)

    assert [template.render(found).body for _ in range(3)] == [b"1"] * 3


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("a\n{{ data.x }}", 5),
        ("{% for x in data.list %}\n\n{{ x.y }}\n{% endfor %}", 6),
        ("\n{{ nobody }}", 5),
        ("a\n{% if %}", 5),
        ("{{ x", 4),
    ],
)
def test_a_fault_has_the_line_of_the_file(body: str, line: int) -> None:
    with pytest.raises(TemplateFault) as told:
        rendered(body, head="x-a: 1\n")

    assert told.value.line == line


def test_headers_are_templates_as_well_and_empty_ones_are_left_out() -> None:
    made = rendered(
        "x", head="X-Title: {{ title }}!\nx-text: {{ data.sms.text }}\nx-none: {{ data.sms.received_at }}\n"
    )

    assert made.headers == (
        ("X-Title", f"{text('{{ title }}')}!"),
        ("x-text", 'say "hi" \\ %D7%A9%D7%9C%D7%95%D7%9D'),
    )


def test_a_fault_of_a_header_names_it() -> None:
    with pytest.raises(TemplateFault, match='line 2: "x-a": there is no "nobody"'):
        rendered("x", head="x-a: {{ data.nobody }}\n")


WORDS = st.sampled_from([
    "{{", "}}", "{%", "%}", "for", "x", "in", "data", ".", "sms", "text", "|", "upper", "tojson", "if",
    "endif", "endfor", "else", "set", "=", "range", "(", ")", "9", "[", "]", "'", '"', "~", "+", "*", "==",
    "is", "defined", " ", "\n", "namespace", "loop", "_", "not", "a", "{#", "#}", ",", ":", "{", "}",
    "default", "__class__",
])  # fmt: skip


@settings(max_examples=examples(400), deadline=None)
@given(st.lists(WORDS, max_size=40).map(" ".join) | st.text(max_size=60))
def test_any_text_is_a_template_or_a_fault_and_never_anything_else(body: str) -> None:
    try:
        made = rendered(body, kind="application/json").body
    except TemplateFault:
        return
    json.loads(made)


@settings(max_examples=examples(100), deadline=None)
@given(st.text(), st.text())
def test_hostile_text_in_an_event_stays_text(sent: str, key: str) -> None:
    event = {
        **EVENT,
        "data": {**EVENT["data"], "sms": {**EVENT["data"]["sms"], "text": sent}, "more": {key: sent}},
    }
    body = '{"a": {{ data.sms.text }}, "b": "{{ data.sms.text }}", "c": {{ data.more|tojson }}}'
    told = sent.encode("utf-8", "replace").decode()

    made = json.loads(rendered(body, kind="application/json", event=event).body)

    assert (made["a"], made["b"], list(made["c"].values())) == (told, told, [told])


def test_what_is_not_asked_for_is_not_worked_out() -> None:
    def unasked() -> Any:
        raise AssertionError

    found: dict[str, Callable[[], Any]] = {"type": lambda: "x", "text": unasked}

    assert compiled("content-type: text/plain\n\n{{ type }}", UTC, "en").render(found).body == b"x"
