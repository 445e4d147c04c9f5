"""The admin port of a process that has no sessions: health, readiness, metrics."""

from collections.abc import Mapping, Sequence

from twisted.internet.interfaces import IReactorTime

from im.http.admin import Check, HealthPage, ReadyPage
from im.http.metrics import Metric, MetricsPage
from im.http.site import QuietSite, RootPage


def health_site(checks: Mapping[str, Check], metrics: Sequence[Metric], clock: IReactorTime) -> QuietSite:
    """The site; it needs no token, so it belongs on the loopback or a private network."""
    root = RootPage("im: admin port of a worker. /healthz, /readyz, /metrics.")
    root.putChild(b"healthz", HealthPage())  # type: ignore[no-untyped-call]
    root.putChild(b"readyz", ReadyPage(checks))
    root.putChild(b"metrics", MetricsPage(metrics))
    return QuietSite(root, clock)
