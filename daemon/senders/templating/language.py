"""What of Jinja's language a template may say, and what is put around it so that all of it is counted.

    output, if, for, with, set, and expressions of values, filters and tests

Nothing else is there: no macros and no blocks that are called, so nothing calls itself; no includes, so one
file is all of it; no calls but `range`, `namespace` and a few methods of text.
"""

from collections.abc import Iterator

from jinja2 import Environment, nodes
from jinja2.visitor import NodeTransformer

from daemon.core.templates.faults import TemplateFault
from daemon.core.wording import nearest, quoted

DEEPEST = 40
"""Ours. Expressions within expressions: far beyond what anybody reads, and within what Python compiles."""
CALLED = ("range", "namespace")
METHODS = frozenset({
    "upper", "lower", "title", "capitalize", "strip", "lstrip", "rstrip", "removeprefix", "removesuffix",
    "startswith", "endswith", "split", "isdigit",
})  # fmt: skip
"""Of texts: those that make no more than they take."""
EACH, COMPARED, SHOWN, JOINED, MADE = "_each", "_compared", "_shown", "_joined", "_made"
"""Filters of our own, which no template can name: they begin with what Jinja leaves to the inside."""
_WORDS = {
    nodes.Macro: "macro",
    nodes.CallBlock: "call",
    nodes.FilterBlock: "filter",
    nodes.Block: "block",
    nodes.Extends: "extends",
    nodes.Include: "include",
    nodes.Import: "import",
    nodes.FromImport: "import",
    nodes.AssignBlock: "set without a value",
    nodes.Pow: "**",
    nodes.ScopedEvalContextModifier: "autoescape",
}
_TAKEN = (
    nodes.Template, nodes.Output, nodes.For, nodes.If, nodes.With, nodes.Assign,
    nodes.Name, nodes.NSRef, nodes.Const, nodes.TemplateData, nodes.List, nodes.Tuple, nodes.Dict, nodes.Pair,
    nodes.Keyword, nodes.CondExpr, nodes.Filter, nodes.Test, nodes.Call, nodes.Getitem, nodes.Getattr,
    nodes.Slice, nodes.Concat, nodes.Compare, nodes.Operand, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Add,
    nodes.Sub, nodes.Mod, nodes.And, nodes.Or, nodes.Not, nodes.Neg, nodes.Pos,
)  # fmt: skip


def judge(parsed: nodes.Template, environment: Environment) -> None:
    """Raises TemplateFault for a template that says anything else."""
    for depth, node in _within(parsed, 0):
        if depth > DEEPEST:
            raise TemplateFault("is nested too deep", node.lineno)
        _judge(node, environment)


def counted(judged: nodes.Template, environment: Environment) -> nodes.Template:
    """The same template, with what counts it put in."""
    return _Counted(environment).taken(judged)


def _within(node: nodes.Node, depth: int) -> Iterator[tuple[int, nodes.Node]]:
    waiting = [(depth, node)]
    while waiting:
        depth, one = waiting.pop()
        yield depth, one
        waiting += [(depth + 1, child) for child in one.iter_child_nodes()][::-1]


def _judge(node: nodes.Node, environment: Environment) -> None:
    if type(node) not in _TAKEN:
        word = _WORDS.get(type(node), type(node).__name__.lower())
        taken = "a template has output, if, for, with and set"
        raise TemplateFault(f"{quoted(word)} is not taken here: {taken}", node.lineno)
    if isinstance(node, nodes.Name | nodes.Getattr | nodes.NSRef):
        name = node.attr if isinstance(node, nodes.Getattr) else node.name
        if name.startswith("_"):
            raise TemplateFault(f"{quoted(name)} is no name of a value: it begins with _", node.lineno)
    if isinstance(node, nodes.Filter | nodes.Test):
        _judge_named(node, environment)
    if isinstance(node, nodes.Filter | nodes.Test | nodes.Call):
        _judge_call(node)
    if isinstance(node, nodes.For) and node.recursive:
        raise TemplateFault('a loop that is "recursive" is not taken here', node.lineno)
    if isinstance(node, nodes.Const) and isinstance(node.value, str):
        _judge_text(node)


def _judge_named(node: nodes.Filter | nodes.Test, environment: Environment) -> None:
    is_filter = isinstance(node, nodes.Filter)
    known = environment.filters if is_filter else environment.tests
    if node.name not in known or node.name.startswith("_"):
        what = "filter" if is_filter else "test"
        near = nearest(node.name, (one for one in known if not one.startswith("_")))
        raise TemplateFault(f"there is no {what} {quoted(node.name)}{near}", node.lineno)


def _judge_call(node: nodes.Filter | nodes.Test | nodes.Call) -> None:
    if node.dyn_args or node.dyn_kwargs:
        raise TemplateFault("* and ** before an argument are not taken here", node.lineno)
    if not isinstance(node, nodes.Call):
        return
    asked = node.node
    if isinstance(asked, nodes.Name) and asked.name in CALLED:
        return
    if isinstance(asked, nodes.Getattr) and asked.attr in METHODS:
        return
    if isinstance(asked, nodes.Getattr):
        way_out = ": write |items" if asked.attr == "items" else nearest(asked.attr, METHODS)
        raise TemplateFault(f"{quoted(asked.attr)} cannot be called{way_out}", node.lineno)
    name = asked.name if isinstance(asked, nodes.Name) else "this"
    raise TemplateFault(f"{quoted(name)} cannot be called; range and namespace can", node.lineno)


def _judge_text(node: nodes.Const) -> None:
    try:
        node.value.encode()
    except UnicodeEncodeError:
        raise TemplateFault("half a pair of surrogates is no text", node.lineno) from None


class _Counted(NodeTransformer):
    """Puts filters of ours around whatever would cost something uncounted."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    def taken(self, template: nodes.Template) -> nodes.Template:
        changed = self.visit(template)
        assert isinstance(changed, nodes.Template)  # noqa: S101 - none of what follows replaces it
        return changed

    def visit_For(self, node: nodes.For) -> nodes.Node:
        steps = sum(1 for _ in _within(node, 0))
        self.generic_visit(node)
        node.iter = self._by(EACH, node.iter, steps)
        return node

    def visit_Output(self, node: nodes.Output) -> nodes.Node:
        self.generic_visit(node)
        node.nodes = [
            one if isinstance(one, nodes.TemplateData) else self._by(SHOWN, one) for one in node.nodes
        ]
        return node

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:
        self.generic_visit(node)
        node.expr = self._by(COMPARED, node.expr)
        for one in node.ops:
            one.expr = self._by(COMPARED, one.expr)
        return node

    def visit_CondExpr(self, node: nodes.CondExpr) -> nodes.Node:
        self.generic_visit(node)
        if node.expr2 is None:  # without an else it is nothing
            node.expr2 = nodes.Const(None, lineno=node.lineno)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        self.generic_visit(node)
        return self._by(JOINED, nodes.List(node.nodes, lineno=node.lineno))

    def visit_List(self, node: nodes.List) -> nodes.Node:
        self.generic_visit(node)
        return self._by(MADE, node)

    def visit_Dict(self, node: nodes.Dict) -> nodes.Node:
        self.generic_visit(node)
        return self._by(MADE, node)

    def visit_Tuple(self, node: nodes.Tuple) -> nodes.Node:
        self.generic_visit(node)
        if node.ctx != "load":  # the names of a loop, or of a set
            return node
        return self._by(MADE, nodes.List(node.items, lineno=node.lineno))

    def _by(self, name: str, node: nodes.Node, *about: int) -> nodes.Filter:
        line = node.lineno
        constants = [nodes.Const(one, lineno=line) for one in about]
        made = nodes.Filter(node, name, constants, [], None, None, lineno=line)
        made.set_environment(self._environment)
        return made
