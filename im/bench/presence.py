"""A job about presence: many sessions that watch some users each, and users whose apps come and go."""

from collections.abc import Sequence
from functools import partial
from time import perf_counter

from im.bench.loop import Loop
from im.bench.measured import Figures
from im.bench.meter import Meter
from im.bench.session import ANSWER_SECONDS, LoadSession
from im.bench.sessions import Job, log_in_in_order
from im.bench.traffic import percentile
from im.proto import presence_pb2
from im.proto.base_pb2 import BaseMessage
from im.proto.session_pb2 import BACKGROUND, FOREGROUND, AppState, Heartbeat
from im.wire import codec

ARRIVAL_SECONDS = 5.0
AT_ONCE = 100
STRIDE = 97
"""From one user that changes to the next, so that not the same sessions are told all the time."""

_BEATS = {state: codec.pack(Heartbeat(app_state=state)) for state in (BACKGROUND, FOREGROUND)}


class _Changes:
    """When each user's last change was, and how long each notification of it took."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self.at: dict[str, float] = {}
        self.latencies: list[float] = []

    def told(self, envelope: BaseMessage) -> None:
        """A session was told of a user."""
        user = presence_pb2.Presence.FromString(envelope.body).user
        self.latencies.append(self._loop.now - self.at[user])


def _are_answered(sessions: Sequence[LoadSession]) -> bool:
    return all(session.is_answered for session in sessions)


def presence(job: Job, meter: Meter) -> Figures:
    """Each user watches the `watched` that follow; `rate` times a second another one's app comes or goes."""
    loop = Loop()
    sessions = log_in_in_order(loop, job)
    names = [session.user for session in sessions] * 2
    changes = _Changes(loop)
    for start in range(0, len(sessions), AT_ONCE):
        page = sessions[start : start + AT_ONCE]
        for number, session in enumerate(page, start + 1):
            session.on_presence = changes.told
            session.start_asking(presence_pb2.Watch(users=names[number : number + job["watched"]]))
        loop.run_until(partial(_are_answered, page), ANSWER_SECONDS)
    loop.turn_for(1.0)
    states: list[AppState] = [FOREGROUND] * len(sessions)
    pause = 1 / job["rate"]
    done = at = 0
    cpu, began = meter.cpu(), perf_counter()
    while (now := perf_counter()) - began < job["seconds"]:
        while began + done * pause <= now:
            at = (at + STRIDE) % len(sessions)
            states[at] = FOREGROUND if states[at] == BACKGROUND else BACKGROUND
            changes.at[names[at]] = now
            sessions[at].channel.write(_BEATS[states[at]])
            done += 1
        loop.turn(min(0.01, pause))
    seconds = perf_counter() - began
    wanted = done * job["watched"]
    loop.run_until(lambda: len(changes.latencies) >= wanted, ARRIVAL_SECONDS)
    cpu = meter.cpu() - cpu
    told = changes.latencies
    told.sort()
    return {
        "messages": len(told),
        "lost": max(0, wanted - len(told)) + len(job["tokens"]) - len(sessions),
        "duplicated": max(0, len(told) - wanted),
        "sessions": len(sessions),
        "seconds": seconds,
        "server_cpu": cpu,
        "p50_ms": percentile(told, 0.50),
        "p99_ms": percentile(told, 0.99),
    }
