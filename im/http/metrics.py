"""What a node counts and measures, in Prometheus' format.

The parts count in plain integers; they are read when somebody asks, and only then.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from math import inf
from typing import NamedTuple

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector
from twisted.web.resource import Resource
from twisted.web.server import Request

from im.core.histogram import Histogram

Value = float | Mapping[str, float] | Histogram


class Kind(StrEnum):
    """What a metric is to Prometheus: only grows, goes up and down, counts by size."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Metric(NamedTuple):
    """One metric. `read` gives a number; with `label` a number for each of its values; or a `Histogram`.

    With several labels, `"route,status"`, the values of each key are joined by commas in the same order.

    Names are those of Prometheus: a counter's ends in `_total`, units are seconds and bytes.
    """

    name: str
    kind: Kind
    help: str
    read: Callable[[], Value]
    label: str = ""

    def family(self) -> Family:
        """The metric as it is now."""
        value = self.read()
        if isinstance(value, Histogram):
            buckets = [
                ("+Inf" if bound == inf else f"{bound:g}", count) for bound, count in value.cumulated()
            ]
            return HistogramMetricFamily(self.name, self.help, buckets=buckets, sum_value=value.sum)
        make = CounterMetricFamily if self.kind is Kind.COUNTER else GaugeMetricFamily
        if not isinstance(value, Mapping):
            return make(self.name, self.help, value=value)
        labels = self.label.split(",")
        family = make(self.name, self.help, labels=labels)
        for of, number in value.items():
            family.add_metric(of.rsplit(",", len(labels) - 1), number)
        return family


class _Metrics(Collector):
    def __init__(self, metrics: Sequence[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Family]:
        return [metric.family() for metric in self._metrics]


class MetricsPage(Resource):
    """`/metrics`: the given ones, and those that every process has (`process_…`)."""

    isLeaf = True

    def __init__(self, metrics: Sequence[Metric]) -> None:
        """Raises ValueError if two metrics have one name; `_total` at its end makes no other name."""
        super().__init__()  # type: ignore[no-untyped-call]
        names = [metric.name.removesuffix("_total") for metric in metrics]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"two metrics are called {', '.join(sorted(twice))}")
        self._registry = CollectorRegistry()
        self._registry.register(_Metrics(metrics))
        ProcessCollector(registry=self._registry)

    def render_GET(self, request: Request) -> bytes:
        """Read everything now."""
        request.setHeader(b"Content-Type", CONTENT_TYPE_LATEST.encode())
        return generate_latest(self._registry)
