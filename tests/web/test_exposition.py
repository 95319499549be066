"""The text of metrics: to the byte what `prometheus_client` would write, whatever labels and figures are."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from daemon.core.counts import Durations
from daemon.web.exposition import Distribution, Family, text

VALUES = st.text(max_size=8) | st.sampled_from(['"', "\\", "\n", "\\n", 'a"b', "עברית"])
FIGURES = st.integers(0, 10**9) | st.floats(0, 1e18) | st.sampled_from([0, 1, 0.5, 1e21, float("inf")])
LABELS = ["system", "watch", "failure"]
SAMPLES = st.lists(st.tuples(st.tuples(VALUES, VALUES, VALUES), FIGURES), max_size=5)
BOUNDS = [timedelta(milliseconds=one) for one in (5, 100, 1000, 60_000)]
DURATIONS = st.builds(
    lambda within, many, total: Durations(dict(zip(BOUNDS, within, strict=True)), many, total),
    st.lists(st.integers(0, 10**9), min_size=4, max_size=4),
    st.integers(0, 10**9),
    st.timedeltas(timedelta(0), timedelta(days=1000)),
)


class Theirs(Collector):
    """The same as their objects."""

    def __init__(self, *families: Metric) -> None:
        self.families = families

    def collect(self) -> tuple[Metric, ...]:
        return self.families


@given(SAMPLES)
def test_gauges_and_counters_are_written_as_theirs(samples: list[tuple[tuple[str, str, str], float]]) -> None:
    gauge = GaugeMetricFamily("some_gauge", "What it is.", labels=LABELS)
    counter = CounterMetricFamily("some_counter_total", "What it counts.", labels=LABELS)
    for family in (gauge, counter):
        for values, figure in samples:
            family.add_metric(values, figure)

    assert text(
        [
            Family("gauge", "some_gauge", "What it is.", LABELS, samples),
            Family("counter", "some_counter_total", "What it counts.", LABELS, iter(samples)),
        ]
    ) == generate_latest(Theirs(gauge, counter))


@given(st.dictionaries(VALUES, DURATIONS, max_size=3), st.sampled_from(["endpoint", "system"]))
def test_histograms_are_written_as_theirs(took: dict[str, Durations], name: str) -> None:
    family = HistogramMetricFamily("some_seconds", "How long.", labels=[name])
    for label, one in took.items():
        buckets = [(str(bound.total_seconds()), float(many)) for bound, many in one.within.items()]
        family.add_metric([label], [*buckets, ("+Inf", one.many)], one.total.total_seconds())

    assert text([Distribution("some_seconds", "How long.", name, took)]) == generate_latest(Theirs(family))


@given(FIGURES)
def test_a_figure_without_labels_is_written_as_theirs(figure: float) -> None:
    assert text([Family("gauge", "some_gauge", "It.", [], [((), figure)])]) == generate_latest(
        Theirs(GaugeMetricFamily("some_gauge", "It.", figure))
    )
