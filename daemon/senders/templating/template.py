"""A template that is ready to be used: compiled once, rendered for each message.

Rendering is a function of the template and of what it is given, with nothing else in it: what is sent once
more is the same, and what is signed is what is sent.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from functools import lru_cache
from types import TracebackType
from typing import Any

from jinja2 import Template as Compiled
from jinja2 import TemplateSyntaxError, nodes
from jinja2.meta import find_undeclared_variables

from daemon.core.templates import spelling
from daemon.core.templates.budget import MOST_OUTPUT, Budget
from daemon.core.templates.faults import TemplateFault, TooMuch
from daemon.core.templates.source import Source, parsed
from daemon.core.wording import nearest, quoted
from daemon.senders.templating.language import counted, judge
from daemon.senders.templating.sandbox import MARK, Sandbox

NAMES = ("event", "type", "timestamp", "data", "text", "title", "values")
"""What a template finds: the event and three of its parts, a sentence of it, what its type is called, and the
`values` of its endpoint."""
_CODE = "<template>"
"""What Jinja calls the file of a template that came from none."""

Given = Mapping[str, Callable[[], Any]]
"""What a template finds, by name: worked out where it asks for it."""


@dataclass(frozen=True)
class Rendered:
    """What is sent."""

    body: bytes
    content_type: str
    headers: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class _Part:
    """A text of a template's file, compiled."""

    compiled: Compiled
    sandbox: Sandbox
    names: frozenset[str]
    line: int
    """Of the file, on which it begins."""

    def woven(self, budget: Budget, values: Mapping[str, Any]) -> tuple[list[str], list[Any]]:
        """The template's own words, and what stands between them. Raises TemplateFault."""
        shown: list[Any] = []
        with self.sandbox.within(budget, shown):
            try:
                text = "".join(_no_longer_than(self.compiled.generate(values), MOST_OUTPUT))
            except TemplateFault as error:
                raise self._at(error, error.why, error) from None
            except RecursionError as error:
                raise self._at(error, "something in it is nested too deep") from None
            except Exception as error:  # whatever Jinja or an operation raises is a matter of this template
                why = f"cannot be worked out ({type(error).__name__})"
                raise self._at(error, why) from None
        words = text.split(MARK)
        if len(words) != len(shown) + 1:
            raise TemplateFault("what it shows cannot be told apart")
        return words, shown

    def _at(self, error: BaseException, why: str, fault: TemplateFault | None = None) -> TemplateFault:
        line = _line(error.__traceback__)
        kind = TooMuch if isinstance(fault, TooMuch) else TemplateFault
        return kind(why, None if line is None else self.line + line - 1)


@dataclass(frozen=True)
class Template:
    """One template's file, in one zone and language."""

    source: Source
    body: _Part
    headers: tuple[tuple[str, _Part], ...]

    @property
    def names(self) -> frozenset[str]:
        """What it asks for."""
        return self.body.names.union(*(part.names for _, part in self.headers))

    def render(self, given: Given) -> Rendered:
        """What is sent of an event. Raises TemplateFault."""
        values = {name: given[name]() for name in self.names if name in given}
        budget = Budget()
        headers = tuple((name, self._header(name, part, budget, values)) for name, part in self.headers)
        body = spelling.body(self.source.kind, *self.body.woven(budget, values))
        return Rendered(body, self.source.content_type, tuple(one for one in headers if one[1]))

    @staticmethod
    def _header(name: str, part: _Part, budget: Budget, values: Mapping[str, Any]) -> str:
        try:
            return spelling.header(*part.woven(budget, values))
        except TemplateFault as error:
            raise type(error)(f"{quoted(name)}: {error.why}", error.line or part.line) from None


def compiled(text: str, zone: tzinfo, language: str) -> Template:
    """The template of a file's text. Raises TemplateFault with the line and what is wrong there."""
    source, sandbox = parsed(text), _sandbox(zone, language)
    body = _part(source.body, source.line, sandbox)
    return Template(
        source,
        body,
        tuple((one.name, _head(one.name, one.value, one.line, sandbox)) for one in source.headers),
    )


@lru_cache(maxsize=8)
def _sandbox(zone: tzinfo, language: str) -> Sandbox:
    return Sandbox(zone, language)


def _head(name: str, value: str, line: int, sandbox: Sandbox) -> _Part:
    if not value.isascii() and "{{" not in value:
        raise TemplateFault(f"{quoted(name)} has a sign that is not ASCII", line)
    return _part(value, line, sandbox)


def _part(text: str, line: int, sandbox: Sandbox) -> _Part:
    try:
        tree = sandbox.parse(text)
        judge(tree, sandbox)
        names = frozenset(find_undeclared_variables(tree)) - {"range", "namespace"}
        _known(tree, names)
        code = sandbox.compile(counted(tree, sandbox))
    except TemplateFault as error:
        raise TemplateFault(error.why, line + (error.line or 1) - 1) from None
    except TemplateSyntaxError as error:
        raise TemplateFault(error.message or "cannot be read", line + error.lineno - 1) from None
    except (RecursionError, SyntaxError, MemoryError, ValueError):
        # Of the parser, of Python's compiler, or a number of thousands of digits.
        raise TemplateFault(
            "cannot be compiled: it is nested too deep, or a number in it is too long"
        ) from None
    found = Compiled.from_code(sandbox, code, dict(sandbox.globals))
    return _Part(found, sandbox, names, line)


def _known(tree: nodes.Template, names: frozenset[str]) -> None:
    """Raises TemplateFault for a name that no template finds."""
    for node in tree.find_all(nodes.Name):
        if node.name in names and node.name not in NAMES:
            known = ", ".join(NAMES)
            raise TemplateFault(
                f"there is no {quoted(node.name)}{nearest(node.name, NAMES) or f': it finds {known}'}",
                node.lineno,
            )


def _no_longer_than(parts: Iterator[str], most: int) -> Iterator[str]:
    left = most
    for one in parts:
        left -= len(one)
        if left < 0:
            raise TooMuch(f"its body is larger than {most // 1024} KiB")
        yield one


def _line(trace: TracebackType | None) -> int | None:
    """The line of the template where an error arose; None where it did not arise in one."""
    found = None
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == _CODE:
            found = trace.tb_lineno
        trace = trace.tb_next
    return found
