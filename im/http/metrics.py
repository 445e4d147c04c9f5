"""What a node counts, in Prometheus' format.

The parts count in plain integers; they are read when somebody asks, and only then.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from twisted.web.resource import Resource
from twisted.web.server import Request

import im
from im.core.errors import Code

Check = Callable[[], str]
"""Why a part is not ready, in one sentence; "" when it is."""


class Measured(NamedTuple):
    """What `/metrics` shows.

    `counters`: name of a part -> an object whose int attributes only grow, and whose dict attributes
    count by kind. `gauges`: name -> the value now. `checks`: name of a part -> its check.
    """

    counters: Mapping[str, object]
    gauges: Mapping[str, Callable[[], float]]
    checks: Mapping[str, Check]


class _NodeCollector(Collector):
    def __init__(self, measured: Measured) -> None:
        self._measured = measured

    def collect(self) -> Iterable[Metric]:
        build = GaugeMetricFamily("im_build_info", "The version that runs.", labels=["version"])
        build.add_metric([im.__version__], 1)
        yield build
        ready = GaugeMetricFamily("im_part_ready", "1 where the part is ready, else 0.", labels=["part"])
        for part, check in self._measured.checks.items():
            ready.add_metric([part], 0 if check() else 1)
        yield ready
        for name, value in self._measured.gauges.items():
            yield GaugeMetricFamily(f"im_{name}", f"{_words(name)}, now.", value=value())
        for part, counters in self._measured.counters.items():
            for name, count in _counts(counters):
                yield _family(part, name, count)


class MetricsPage(Resource):
    """`/metrics`."""

    isLeaf = True

    def __init__(self, measured: Measured) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry()
        self._registry.register(_NodeCollector(measured))
        ProcessCollector(registry=self._registry)

    def render_GET(self, request: Request) -> bytes:
        """Read everything now."""
        request.setHeader(b"Content-Type", CONTENT_TYPE_LATEST.encode())
        return generate_latest(self._registry)


def _counts(counters: object) -> Iterator[tuple[str, int | Mapping[object, int]]]:
    """The public int and dict attributes of an object, whether it has slots or not."""
    names = {*getattr(type(counters), "__slots__", ()), *getattr(counters, "__dict__", ())}
    for name in sorted(names):
        value = getattr(counters, name)
        if not name.startswith("_") and isinstance(value, int | dict):
            yield name, value


def _family(part: str, name: str, count: int | Mapping[object, int]) -> CounterMetricFamily:
    full, what = f"im_{part}_{name}", f"{_words(name)} of the {_words(part).lower()} since its start"
    if isinstance(count, int):
        return CounterMetricFamily(full, f"{what}.", value=count)
    family = CounterMetricFamily(full, f"{what}, by kind.", labels=["kind"])
    for kind, number in count.items():
        family.add_metric([kind.label if isinstance(kind, Code) else str(kind)], number)
    return family


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()
