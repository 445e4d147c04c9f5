"""What the figures should be, as data: `imctl bench all` names those that are missed."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple


class Goal(NamedTuple):
    """At most `most` in `field` of a row."""

    scenario: str
    variant: str
    field: str
    most: float

    @property
    def name(self) -> str:
        """How a report names it."""
        return f"{self.scenario} {self.variant} {self.field} <= {self.most:g}"


COST = "normalised_cpu_us_per_message"

GOALS = (
    Goal("chat", "one", COST, 85),
    Goal("chat", "sixteen", COST, 28),
    Goal("chat", "alone", "p50_ms", 1.5),
    Goal("chat", "half", "p99_ms", 25),
    Goal("idle", "tcp", "rss_bytes_per_session", 4.5 * 1024),
    Goal("idle", "websocket", "rss_bytes_per_session", 10 * 1024),
    Goal("idle", "tcp", "normalised_cpu_us_per_heartbeat", 110),
    Goal("idle", "websocket", "normalised_cpu_us_per_heartbeat", 110),
    Goal("login", "again", "normalised_cpu_us_per_login", 300),
    Goal("push", "signal", "p50_ms", 5),
    Goal("push", "signal", "normalised_cpu_us_per_signal", 450),
    Goal("push", "durable", "normalised_cpu_us_per_user", 80),
    Goal("push", "beside_chat", "p99_ms", 50),
    Goal("push", "crowd", "p99_ms", 50),
    Goal("presence", "watched", "normalised_cpu_us_per_notification", 30),
    Goal("group", "one", "normalised_cpu_us_per_copy", 24),
    Goal("group", "eight", "normalised_cpu_us_per_copy", 6),
    Goal("group", "cluster", "normalised_cpu_us_per_copy", 10),
    Goal("sync", "10k", "normalised_cpu_us_per_sync", 3_000),
    Goal("sync", "1m", "normalised_cpu_us_per_sync", 3_000),
    Goal("read", "two_devices", "normalised_cpu_us_per_read", 150),
    Goal("cluster", "saturation", COST, 140),
    Goal("cluster", "saturation", "normalised_cpu_us_engines", 90),
    Goal("cluster", "saturation", "amqp_messages_per_message", 0.5),
    Goal("cluster", "idle_gateways", "idle_deliveries", 0),
    Goal("cluster", "idle_gateways", "amqp_messages_per_message", 0.5),
    Goal("cluster", "alone", "p50_ms", 12),
    Goal("cluster", "failover", "worker_seconds", 5),
    Goal("cluster", "failover", "node_seconds", 5),
    Goal("growth", "5m", "times_of_empty", 1.4),
)

FAULTS = ("lost", "duplicated", "reordered")


def missed(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """The goals that the rows miss. What did not run or is invalid counts as missed."""
    found = {(row["scenario"], row["variant"]): row for row in rows}
    names = []
    for goal in GOALS:
        row = found.get((goal.scenario, goal.variant), {})
        value = row.get(goal.field)
        if value is None or "invalid" in row or value > goal.most:
            names.append(goal.name)
    for (scenario, variant), row in found.items():
        names += [f"{scenario} {variant} {fault} = 0" for fault in FAULTS if row.get(fault)]
    return names
