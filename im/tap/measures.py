"""The metrics of a node: the rows of `/metrics`. `docs/metrics.md` is held equal to this by a test."""

import platform
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import NamedTuple

from im import __version__
from im.adapters.token.several import TokenCounters
from im.core.errors import Code
from im.gateway.counters import Counters
from im.gateway.node import Node
from im.http.admin import Check
from im.http.metrics import Kind, Metric
from im.isolation import HandlerCounters
from im.tap.lag import EventLoopLag
from im.tap.timed import TimedStore


class Sources(NamedTuple):
    """What is measured. `requests_waiting`: how many wait for the next batch."""

    node: Node
    store: TimedStore
    lag: EventLoopLag
    requests_waiting: Callable[[], int]
    checks: Mapping[str, Check]
    tokens: TokenCounters
    http_answers: Mapping[str, int] = MappingProxyType({})
    more: Sequence[Metric] = ()


_COUNTED = (
    ("accepted_connections", "connections", "Connections that were taken."),
    ("logins", "logins", "Logins that succeeded."),
    ("frames_received", "frames_in", "Frames from clients."),
    ("frames_sent", "frames_out", "Frames to clients."),
    ("sends", "sends", "Messages that clients asked to send, repetitions included."),
    ("deliveries", "deliveries", "Deliveries that were written to sessions, without resends."),
    ("acks", "acks", "Deliveries that were acknowledged."),
    ("resends", "resends", "Deliveries that were written again for want of an acknowledgement."),
    ("resyncs", "resyncs", "Times that a session was told to sync."),
    ("deliveries_dropped", "dropped", "Deliveries that a slow session was not sent; it syncs instead."),
    ("signals", "signals", "Signals that were written to sessions."),
    ("request_timeouts", "timeouts", "Requests that the business layer did not answer in time."),
    ("clock_jumps", "clock_jumps", "Jumps of the machine's wall clock that were seen."),
    ("ledger_losses", "ledger_losses", "Ends of sessions that the ledger could not keep."),
    ("handler_failures", "failures", "Requests whose handler raised; the log says why."),
)
"""Name of the metric without `im_` and `_total`, attribute of `Counters`, meaning."""


_OF_HANDLERS = (
    ("calls", "calls", "Calls of handlers of others."),
    ("failures", "failures", "Calls that raised or returned what they may not; the log says why."),
    ("timeouts", "timeouts", "Calls that were given up."),
    (
        "refusals",
        "refused",
        "Requests refused without a call: too many, too late, or it is shut off.",
    ),
    ("reruns", "reruns", "Calls that were made again, since a record that they read had changed."),
    (
        "breaker_opened",
        "breaker_opened",
        "Times that one was shut off for a while, for it failed again and again.",
    ),
    ("seconds", "seconds", "Time from the begin of calls to their end."),
)
"""Name of the metric without `im_custom_` and `_total`, attribute of `HandlerCounters`, meaning."""


def metrics(sources: Sources) -> list[Metric]:
    """Every metric of a node, in the order of the page."""
    return [
        *_about(sources),
        *_now(sources),
        *_counted(sources.node.counters),
        _tokens(sources.tokens),
        _http(sources.http_answers),
        *handler_metrics(sources.node.handler_counters),
        *_store(sources),
        *sources.more,
    ]


def _about(sources: Sources) -> list[Metric]:
    version = {__version__: 1.0}
    python = {platform.python_version(): 1.0}

    def ready() -> Mapping[str, float]:
        return {part: 0.0 if problem() else 1.0 for part, problem in sources.checks.items()}

    return [
        Metric("im_build_info", Kind.GAUGE, "1, with the version that runs.", lambda: version, "version"),
        Metric("im_python_info", Kind.GAUGE, "1, with the version of Python.", lambda: python, "version"),
        Metric(
            "im_part_ready", Kind.GAUGE, "1 where a part is ready, 0 where it has a problem.", ready, "part"
        ),
        Metric(
            "im_event_loop_lag_seconds",
            Kind.HISTOGRAM,
            "How late the event loop was, looked at once a second.",
            lambda: sources.lag.seconds,
        ),
    ]


def _now(sources: Sources) -> list[Metric]:
    node = sources.node
    return [
        Metric("im_connections", Kind.GAUGE, "Open connections, logged in or not.", lambda: node.connections),
        Metric(
            "im_sessions",
            Kind.GAUGE,
            "Sessions by class of their device.",
            lambda: node.pool.by_class,
            "device_class",
        ),
        Metric("im_sessions_open", Kind.GAUGE, "Sessions open in the ledger.", lambda: node.open_sessions),
        Metric(
            "im_requests_in_flight",
            Kind.GAUGE,
            "Requests that the business layer has not answered.",
            lambda: node.requests_in_flight,
        ),
        Metric(
            "im_requests_waiting",
            Kind.GAUGE,
            "Those among them that wait for the next batch.",
            sources.requests_waiting,
        ),
    ]


def _counted(counters: Counters) -> list[Metric]:
    rows = [
        Metric(f"im_{name}_total", Kind.COUNTER, meaning, partial(getattr, counters, attribute))
        for name, attribute, meaning in _COUNTED
    ]

    def refusals() -> Mapping[str, float]:
        return {code.label: counters.refusals.get(code, 0) for code in Code}

    refused, ended = "Error frames by code.", "Ends of connections: the close frame's code, or lost."
    rows.append(Metric("im_refusals_total", Kind.COUNTER, refused, refusals, "code"))
    rows.append(Metric("im_ends_total", Kind.COUNTER, ended, lambda: dict(counters.ends), "reason"))
    closed = "Sessions that ended, by the ledger's reason."
    rows.append(
        Metric("im_sessions_closed_total", Kind.COUNTER, closed, lambda: dict(counters.closes), "reason")
    )
    return rows


def _tokens(tokens: TokenCounters) -> Metric:
    meaning = "Tokens of clients that were not taken, by reason."
    return Metric("im_token_refusals_total", Kind.COUNTER, meaning, lambda: dict(tokens.refusals), "reason")


def _http(answers: Mapping[str, int]) -> Metric:
    meaning = "Requests to the HTTP API, by route and status."
    return Metric("im_http_requests_total", Kind.COUNTER, meaning, lambda: {**answers}, "route,status")


def handler_metrics(counters: HandlerCounters) -> list[Metric]:
    """What is counted of handlers and hooks of others."""

    def reader(attribute: str) -> Callable[[], Mapping[str, float]]:
        return lambda: dict(getattr(counters, attribute))

    return [
        Metric(f"im_custom_{name}_total", Kind.COUNTER, meaning, reader(attribute), "handler")
        for name, attribute, meaning in _OF_HANDLERS
    ]


def _store(sources: Sources) -> list[Metric]:
    store = sources.store
    return [
        Metric(
            "im_store_batch_requests",
            Kind.HISTOGRAM,
            "Requests in one transaction.",
            lambda: store.requests,
        ),
        Metric(
            "im_store_commit_seconds",
            Kind.HISTOGRAM,
            "From the hand-over of a batch to its commit, the wait for the writer included.",
            lambda: store.seconds,
        ),
        Metric(
            "im_store_failures_total",
            Kind.COUNTER,
            "Batches that were rolled back whole.",
            lambda: store.failures,
        ),
        Metric("im_store_reads_total", Kind.COUNTER, "Queries.", lambda: store.reads),
    ]
