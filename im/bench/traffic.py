"""Drives pairs: keeps messages on their way or sends by the clock, and measures a window of it."""

from collections.abc import Iterable, Sequence
from time import perf_counter
from typing import NamedTuple

from im.bench.loop import Loop
from im.bench.meter import Meter
from im.bench.pairs import ACK_SECONDS, Pair
from im.bench.reference import cpu_seconds

WARM_UP_SECONDS = 1.5
QUIET_SECONDS = 20.0


class Plan(NamedTuple):
    """How much: `in_flight` a pair, or with `rate` so many messages a second over all pairs."""

    in_flight: int
    rate: float
    seconds: float


class Measured(NamedTuple):
    """A window of traffic. CPU in seconds, latencies in ms.

    `server_busy`: the share of the time in which the server ran, or was ready to and had no core.
    """

    messages: int
    seconds: float
    server_cpu: float
    server_busy: float
    generator_cpu: float
    p50_ms: float
    p99_ms: float


class Window:
    """What is measured from now on, until `end`."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._seconds = -perf_counter()
        self._server, self._waited, self._own = self._used()

    def end(self) -> None:
        """Until here; what is worked out of it afterwards does not count."""
        self._seconds += perf_counter()
        server, waited, own = self._used()
        self._server, self._waited, self._own = server - self._server, waited - self._waited, own - self._own

    def measured(self, messages: int, latencies: Iterable[float]) -> Measured:
        """So many messages in it, each of which took so many seconds."""
        ordered = sorted(latencies)
        busy = min(1.0, (self._server + self._waited) / self._seconds)
        p50, p99 = percentile(ordered, 0.50), percentile(ordered, 0.99)
        return Measured(messages, self._seconds, self._server, busy, self._own, p50, p99)

    def _used(self) -> tuple[float, float, float]:
        return self._meter.cpu(), self._meter.waited(), cpu_seconds()


def drive(loop: Loop, pairs: Sequence[Pair], plan: Plan, meter: Meter) -> Measured:
    """Warm up, measure, then let everything on its way arrive."""
    sender = _Sender(loop, pairs, plan)
    sender.run(WARM_UP_SECONDS)
    for pair in pairs:
        pair.flow.latencies.clear()
    finished, window = _finished(pairs), Window(meter)
    sender.run(plan.seconds)
    window.end()
    latencies = (latency for pair in pairs for latency in pair.flow.latencies)
    measured = window.measured(_finished(pairs) - finished, latencies)
    sender.stop()
    return measured


def percentile(ordered: Sequence[float], share: float) -> float:
    """A percentile in ms of seconds in ascending order; 0 of none."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1e3 if ordered else 0.0


class _Sender:
    def __init__(self, loop: Loop, pairs: Sequence[Pair], plan: Plan) -> None:
        self._loop, self._pairs, self._rate = loop, pairs, plan.rate
        self._next = 0
        self._due = self._swept = perf_counter()
        for pair in pairs:
            pair.flow.in_flight = plan.in_flight
        for _ in range(plan.in_flight):
            for pair in pairs:
                if pair.flow.has_room:
                    pair.send(self._due)

    def run(self, seconds: float) -> None:
        ends = perf_counter() + seconds
        wait = 0.001 if self._rate else 0.01
        self._due = perf_counter()
        while self._loop.now < ends:
            if self._rate:
                self._send_due()
            self._loop.turn(wait)
            if self._loop.now - self._swept > ACK_SECONDS / 2:
                self._sweep()

    def stop(self) -> None:
        for pair in self._pairs:
            pair.flow.in_flight = 0
        self._loop.run_until(self._is_quiet, QUIET_SECONDS)
        self._sweep()
        self._loop.turn(0)

    def _send_due(self) -> None:
        now = perf_counter()
        while self._due <= now:
            self._pairs[self._next].send(self._due)
            self._next = (self._next + 1) % len(self._pairs)
            self._due += 1 / self._rate

    def _sweep(self) -> None:
        self._swept = self._loop.now
        for pair in self._pairs:
            pair.acknowledge(self._loop.now)

    def _is_quiet(self) -> bool:
        return all(pair.flow.finished == len(pair.flow.sent_at) for pair in self._pairs)


def _finished(pairs: Sequence[Pair]) -> int:
    return sum(pair.flow.finished for pair in pairs)
