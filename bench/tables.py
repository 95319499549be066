"""The tables of `docs/performance.md` and of the README, from a run's file. Pure.

They stand between two lines, `<!-- bench: NAME -->` and `<!-- end -->`; what is between is made, not written.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from bench.figures import AT, BY, MEMBERS, Figure, shown, with_unit
from bench.goals import GOALS, TITLES, family
from bench.names import HUEY, RACED
from bench.results import Results

README_FIGURES = (
    "durable",
    "huey",
    "alertmanager",
    "few-lanes",
    "latency-p50",
    "poll-changed",
    "poll-unchanged",
    "systems-cpu",
    "start",
    "rss-demo",
)
"""What somebody wants to know who has not decided yet."""
UNEVEN = 1.5
"""How many times as long the slowest loop took as the fastest, where others used the machine."""
NOT_MEASURED = "not measured"
NONE = "- not measured\n"
MARKED = re.compile(r"(?P<begin><!-- bench: (?P<name>[\w-]+) -->\n).*?(?P<end><!-- end -->\n)", re.DOTALL)


class NoSuchTableError(ValueError):
    """A page asks for a table that there is not."""


def filled(page: str, results: Results) -> str:
    """The page with its tables made anew. Raises `NoSuchTableError`."""

    def made(found: re.Match[str]) -> str:
        table = TABLES.get(found["name"])
        if table is None:
            raise NoSuchTableError(f"no table {found['name']}: there are {', '.join(TABLES)}")
        return f"{found['begin']}\n{table(results)}\n{found['end']}"

    return MARKED.sub(made, page)


def goals(results: Results) -> str:
    """Each figure that has a goal beside it, in the order in which they were measured."""
    rows = [
        (
            title,
            str(one.goal),
            measured(one),
            _spread(one),
            "–" if results.is_quick else one.verdict or "–",  # a tenth of the load reaches nothing
            how(one),
        )
        for title, one in with_goals(results)
    ]
    return warnings(results) + markdown(("figure", "goal", "measured", "spread", "reached", "how"), rows)


def peers(results: Results) -> str:
    """Everybody who delivers, the fastest first."""
    huey = results.figure(HUEY)
    raced = [one for one in results.figures if one.name in RACED]
    raced.sort(key=lambda one: one.value or 0, reverse=True)
    rows = [
        (
            one.title,
            measured(one),
            _spread(one),
            shown(one.value / huey.value) if one.value is not None and huey and huey.value else "",
            how(one),
        )
        for one in raced
    ]
    return markdown(("who", "deliveries", "spread", "× huey", "how"), rows)


def others(results: Results) -> str:
    """Figures without a goal, to be seen."""
    rows = [
        (one.title, measured(one), _spread(one), one.note)
        for one in results.figures
        if one.goal is None and one.value is not None and not _has_own_table(one.name)
    ]
    return markdown(("figure", "measured", "spread", "how"), rows)


def _has_own_table(name: str) -> bool:
    return name in RACED or AT in name or name.startswith(MEMBERS)


def members(results: Results) -> str:
    """What was measured with several daemons on one database, a column for each number of them."""
    found = {one.name: one for one in results.figures if one.name.startswith(MEMBERS)}
    columns = sorted({int(name.rpartition(BY)[2]) for name in found})
    rows = []
    for name in dict.fromkeys(name.rpartition(BY)[0] for name in found):
        at = [found.get(f"{name}{BY}{many}") for many in columns]
        first = next(one for one in at if one)
        rows.append((first.title, *(_with_spread(one) if one else "" for one in at), how(first)))
    return markdown(("figure", *map(str, columns), "how"), rows) if rows else NONE


def _with_spread(one: Figure) -> str:
    return ", ".join(filter(None, (measured(one), _spread(one))))


def sizes(results: Results) -> str:
    """What was measured at several sizes, a column for each."""
    found = {one.name: one for one in results.figures if AT in one.name and one.value is not None}
    columns = sorted({int(name.rpartition(AT)[2]) for name in found})
    rows = []
    for name in dict.fromkeys(name.rpartition(AT)[0] for name in found):
        at = [found.get(f"{name}{AT}{size}") for size in columns]
        rows.append((name, *(measured(one) if one else "" for one in at), ""))
    return markdown(("figure", *(f"{size:,}" for size in columns), "events"), rows) if rows else NONE


def machine(results: Results) -> str:
    """What it was measured on."""
    lines = [f"- {name}: {value}\n" for name, value in results.machine.items()]
    return "".join([*lines, f"- rounds of the race: {results.rounds}\n"])


def warnings(results: Results) -> str:
    """What a reader has to know before he believes the figures."""
    loops = [loop.wall for one in results.figures for loop in one.loops]
    told = "**A quick run, a tenth of the load: these figures are rough.**\n\n" if results.is_quick else ""
    if loops and max(loops) > UNEVEN * min(loops):
        told += "**Others used the machine meanwhile: only the ratios of this run say something.**\n\n"
    return told


def short(results: Results) -> str:
    """What fell short of its goal, in a list."""
    lines = [
        f"- {title}: {measured(one)}, goal {one.goal}{''.join(f'; {fault}' for fault in one.faults)}\n"
        for title, one in with_goals(results)
        if one.verdict != "yes"
    ]
    return "".join(lines) or "- nothing\n"


def readme(results: Results) -> str:
    """A few of them, for who wants to know in short."""
    rows = [
        (one.title, measured(one), str(one.goal or ""))
        for name in README_FIGURES
        if (one := results.figure(name)) is not None
    ]
    return warnings(results) + markdown(("figure", "measured", "goal"), rows)


TABLES: Mapping[str, Callable[[Results], str]] = {
    "goals": goals,
    "peers": peers,
    "others": others,
    "sizes": sizes,
    "members": members,
    "machine": machine,
    "short": short,
    "readme": readme,
}


def with_goals(results: Results) -> Iterator[tuple[str, Figure]]:
    """Each goal with the figure that has to reach it, and what to call it; of several, the worst. A goal
    whose figure was not measured stands last."""
    told: set[str] = set()
    for one in results.figures:
        name = family(one.name) or one.name
        if one.goal is None or name in told or AT in one.name:
            continue
        told.add(name)
        if name in TITLES:
            worst = _worst([each for each in results.figures if family(each.name) == name])
            yield TITLES[name], replace(worst, note=f"{worst.title}; {worst.note}")
        else:
            yield one.title, one
    for name, goal in GOALS.items():
        if name not in told:
            yield TITLES.get(name, name), Figure(name, name, "", goal=goal, not_run=NOT_MEASURED)


def _worst(figures: Sequence[Figure]) -> Figure:
    """One that was not measured, or has a fault, is worse than any."""
    return max(figures, key=lambda one: (one.value is None, bool(one.faults), one.value or 0))


def measured(one: Figure) -> str:
    """The figure with its unit."""
    return NOT_MEASURED if one.value is None else with_unit(one.value, one.unit)


def how(one: Figure) -> str:
    """How it was measured, after what was not as it must be; or why it was not."""
    return one.not_run if one.value is None else "; ".join(filter(None, (*one.faults, one.note)))


def _spread(one: Figure) -> str:
    return "" if one.spread is None else f"{one.spread:.0%}"


def markdown(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; the first column and the last stand at the left."""
    aligned = [":---", *("---:" for _ in columns[2:]), ":---"] if len(columns) > 1 else [":---"]
    lines = [columns, aligned, *([_cell(one) for one in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
