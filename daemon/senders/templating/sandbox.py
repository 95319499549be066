"""Jinja's sandbox, tightened: a template reaches values of JSON, and nothing of Python behind them.

Each operation pays before it works (`core/templates/budget.py`); the budget of the rendering under way is its
thread's. There is one sandbox for a zone and a language, which compiles all templates of these.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import tzinfo
from functools import partial
from typing import Any

from jinja2 import StrictUndefined, Undefined
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace, pass_context

from daemon.core.templates.budget import STEP, Budget, kind_of
from daemon.core.templates.faults import TemplateFault
from daemon.core.templates.values import as_text
from daemon.senders.templating import language as said
from daemon.senders.templating.operations import (
    GROWING,
    LENIENT,
    PLAIN,
    TESTS,
    Operation,
    bounded,
    local,
    number,
)

MARK = "\udc80"
"""Stands in a rendering where a value belongs: half a pair of surrogates, which is in no text."""
LONGEST_RANGE = 10_000
_OF_LOOPS = frozenset({
    "index", "index0", "revindex", "revindex0", "first", "last", "length", "previtem", "nextitem",
})  # fmt: skip
_OF_SCOPES = ("_loop_vars", "_block_vars")
"""What Jinja hands to calls within loops and blocks, for functions that look around."""


class Absent(StrictUndefined):
    """A value that is not there: whoever uses it is told which."""

    def __init__(self, hint: str | None = None, obj: Any = None, name: str | None = None, **_: Any) -> None:
        super().__init__(hint, obj, name)
        self._undefined_exception = TemplateFault  # type: ignore[assignment]

    @property
    def _undefined_message(self) -> str:
        return f'there is no "{self._undefined_name}"'


class Method:
    """A method of a text, to be called at once."""

    def __init__(self, text: str, name: str) -> None:
        self.text, self.name = text, name


def _at_run_time(operation: Operation) -> Operation:
    """A filter that is never worked out while a template is compiled, where nobody pays."""

    def run(_context: Context, *given: Any, **named: Any) -> Any:
        return operation(*given, **named)

    return pass_context(run)


class Sandbox(ImmutableSandboxedEnvironment):
    """Where templates are compiled and rendered."""

    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%", "**"})
    intercepted_unops = frozenset({"+", "-"})

    def __init__(self, zone: tzinfo, language: str) -> None:
        super().__init__(
            undefined=Absent, trim_blocks=True, lstrip_blocks=True, autoescape=False, cache_size=0
        )
        self._running = threading.local()
        plain = {**PLAIN, "local": local(zone, language)}
        self.filters = {
            **{name: _at_run_time(self._paid(one)) for name, one in plain.items()},
            **{
                name: _at_run_time(self._paid(partial(self._with_budget, one)))
                for name, one in GROWING.items()
            },
            **{name: _at_run_time(one) for name, one in LENIENT.items()},
            said.EACH: _at_run_time(self._each),
            said.COMPARED: _at_run_time(self._weighed),
            said.MADE: _at_run_time(self._weighed),
            said.SHOWN: _at_run_time(self._shown),
            said.JOINED: _at_run_time(self._joined),
        }
        self.tests = dict(TESTS)
        self.globals = {"range": self._range, "namespace": Namespace}

    @property
    def budget(self) -> Budget:
        """Of the rendering under way in this thread."""
        found: Budget = self._running.budget
        return found

    @contextmanager
    def within(self, budget: Budget, values: list[Any]) -> Iterator[None]:
        """Render within a budget; what is to be shown joins `values`."""
        self._running.budget, self._running.values = budget, values
        try:
            yield
        finally:
            del self._running.budget, self._running.values

    def getattr(self, obj: Any, attribute: str) -> Any:
        """What stands at a name: of an object its field and nothing else."""
        if isinstance(obj, Mapping):
            return obj[attribute] if attribute in obj else self._nothing(obj, attribute)
        if isinstance(obj, str) and attribute in said.METHODS:
            return Method(obj, attribute)
        if isinstance(obj, LoopContext) and attribute in _OF_LOOPS:
            return getattr(obj, attribute)
        if isinstance(obj, Namespace):
            # Its own: it has none beside what was put into it.
            return getattr(obj, attribute, None) if hasattr(obj, attribute) else self._nothing(obj, attribute)
        return self._nothing(obj, attribute)

    def _nothing(self, obj: Any, attribute: str) -> Undefined:
        self._there(obj)
        return self.undefined(obj=obj, name=attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """What stands at an index or a key."""
        if isinstance(obj, Undefined):
            return obj[argument]  # raises, likewise
        if isinstance(argument, slice):
            if not isinstance(obj, str | list):
                raise TemplateFault(f"{kind_of(obj)} has no parts")
            self.budget.pay(STEP + len(obj))
            return obj[argument]
        is_place = isinstance(argument, int) and isinstance(obj, str | list)
        if is_place or (isinstance(argument, str) and isinstance(obj, Mapping)):
            try:
                return obj[argument]
            except LookupError:
                pass
        return self.undefined(obj=obj, name=str(argument)[:40] if isinstance(argument, str | int) else "this")

    def is_safe_callable(self, obj: Any) -> bool:
        """Whether a template may call it."""
        return isinstance(obj, Method) or obj is Namespace or obj == self._range

    def call(self, context: Context, obj: Any, *args: Any, **kwargs: Any) -> Any:
        """Call what may be called."""
        if isinstance(obj, Undefined):
            obj()  # raises, and says what is not there
        if not self.is_safe_callable(obj):
            raise TemplateFault(f"{kind_of(obj)} cannot be called")
        for name in _OF_SCOPES:
            kwargs.pop(name, None)
        for one in (*args, *kwargs.values()):
            self._there(one)
            self.budget.weigh(one)
        if isinstance(obj, Method):
            self.budget.pay(STEP + 4 * len(obj.text))
            return getattr(obj.text, obj.name)(*args)
        return obj(*args, **kwargs)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Numbers; `+` also puts texts together, and lists."""
        for one in (left, right):
            self._there(one)
            self.budget.weigh(one)
        if operator == "+":
            if isinstance(left, str) and isinstance(right, str):
                return left + right
            if isinstance(left, list) and isinstance(right, list):
                return left + right
        if operator == "**":  # said in a constant expression only
            raise TemplateFault('"**" is not taken here')
        try:
            found = super().call_binop(context, operator, number(left), number(right))
        except (ZeroDivisionError, OverflowError):
            raise TemplateFault("a number is divided by 0, or becomes too large") from None
        return bounded(found)

    def call_unop(self, context: Context, operator: str, arg: Any) -> Any:
        """Of a number."""
        self._there(arg)
        return bounded(super().call_unop(context, operator, number(arg)))

    def _paid(self, operation: Operation) -> Operation:
        """A filter that pays for what it takes and for what it gives."""

        def paid(*given: Any, **named: Any) -> Any:
            for one in (*given, *named.values()):
                self._there(one)
                self.budget.weigh(one)
            found = operation(*given, **named)
            self.budget.weigh(found)
            return found

        return paid

    def _with_budget(self, operation: Operation, *given: Any, **named: Any) -> Any:
        return operation(self.budget, *given, **named)

    def _each(self, value: Any, steps: int) -> Iterator[Any]:
        self._there(value)
        if not isinstance(value, list | Mapping):
            raise TemplateFault(f"a loop goes over a list, found {kind_of(value)}")
        for one in value:
            self.budget.turn(steps)
            yield one

    def _weighed(self, value: Any) -> Any:
        self._there(value)
        self.budget.weigh(value)
        return value

    def _shown(self, value: Any) -> str:
        self._there(value)
        self.budget.weigh(value)
        self._running.values.append(value)
        return MARK

    def _joined(self, these: list[Any]) -> str:
        for one in these:
            self._there(one)
            self.budget.weigh(one)
        return "".join(map(as_text, these))

    def _range(self, *bounds: Any) -> list[int]:
        if not all(isinstance(one, int) for one in bounds):
            raise TemplateFault("a range is of whole numbers")
        found = range(*bounds)
        if len(found) > LONGEST_RANGE:
            raise TemplateFault(f"a range has more than {LONGEST_RANGE:,} numbers")
        self.budget.pay(STEP * len(found))
        return list(found)

    @staticmethod
    def _there(value: Any) -> None:
        if isinstance(value, Undefined):
            value._fail_with_undefined_error()
