"""Jobs about pushes: a back end's requests, and the users whom they reach."""

import http.client
import json
from collections.abc import Sequence
from functools import partial
from itertools import cycle
from threading import Event, Thread
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

from im.bench.loop import Loop
from im.bench.measured import Figures
from im.bench.meter import Meter
from im.bench.pairs import faults
from im.bench.session import LoadError, LoadSession
from im.bench.sessions import Job, chat_pairs, log_in_all
from im.bench.traffic import Plan, drive, percentile
from im.proto.base_pb2 import BaseMessage
from im.proto.chat_pb2 import Deliver
from im.wire import hot

IMPORTED_AT_ONCE = 1_000
PUSHED_AT_ONCE = 10_000
ARRIVAL_SECONDS = 30.0
WARM_UP = 200
EVENT = {"order": 7, "paid": True, "note": "x" * 60}


class BackEnd:
    """One connection to the HTTP API, with a key."""

    def __init__(self, job: Job) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(job["http"]).netloc, timeout=ARRIVAL_SECONDS)
        self._headers = {"Authorization": f"Bearer {job['key']}"}

    def post(self, path: str, body: Any) -> Any:
        """Ask; the answer. Raises `LoadError` where it was refused."""
        self._connection.request("POST", path, json.dumps(body), self._headers)
        answer = self._connection.getresponse()
        document = json.loads(answer.read())
        if answer.status != 200:
            raise LoadError(f"{path}: {document['error']['text']}")
        return document

    def import_all(self, users: Sequence[str]) -> None:
        """Make users known."""
        for start in range(0, len(users), IMPORTED_AT_ONCE):
            page = [{"user": user} for user in users[start : start + IMPORTED_AT_ONCE]]
            self.post("/v1/users/import", {"users": page})


class _Inbox:
    """A user who is online and acknowledges what is pushed."""

    def __init__(self, session: LoadSession) -> None:
        self.received = 0
        self._session = session
        session.on_deliver = self._deliver

    def _deliver(self, envelope: BaseMessage) -> None:
        body = Deliver.FromString(envelope.body)
        self.received += 1
        self._session.channel.write(hot.deliver_ack(body.conversation, body.entry.seq))


def signals(job: Job, meter: Meter) -> Figures:
    """Signals to one user who is online, one after the other; each until it has arrived."""
    loop = Loop()
    (session,) = log_in_all(loop, job)
    arrived = 0

    def event(_: BaseMessage) -> None:
        nonlocal arrived
        arrived += 1

    def has_arrived(number: int) -> bool:
        return arrived > number

    session.on_event = event
    back_end, body = BackEnd(job), {"to": [session.user], "event": EVENT, "signal": True}
    latencies: list[float] = []
    cpu = 0.0
    began = perf_counter()
    for number in range(WARM_UP + job["messages"]):
        if number == WARM_UP:
            cpu, began = meter.cpu(), perf_counter()
        sent = perf_counter()
        back_end.post("/v1/push", body)
        loop.run_until(partial(has_arrived, number), ARRIVAL_SECONDS)
        if number >= WARM_UP:
            latencies.append(perf_counter() - sent)
    seconds, cpu = perf_counter() - began, meter.cpu() - cpu
    latencies.sort()
    return {
        "messages": job["messages"],
        "lost": WARM_UP + job["messages"] - arrived,
        "seconds": seconds,
        "server_cpu": cpu,
        "p50_ms": percentile(latencies, 0.50),
        "p99_ms": percentile(latencies, 0.99),
    }


def durable(job: Job, meter: Meter) -> Figures:
    """Stored pushes to many users, of whom those with tokens are online and acknowledge."""
    loop, back_end = Loop(), BackEnd(job)
    back_end.import_all([user for user in job["everyone"] if user not in job["tokens"]])
    inboxes = [_Inbox(session) for session in log_in_all(loop, job)]
    body = {"to": job["everyone"], "event": EVENT}
    _push_beside(loop, back_end, body)
    wanted = (1 + job["pushes"]) * len(inboxes)
    loop.run_until(lambda: sum(inbox.received for inbox in inboxes) >= len(inboxes), ARRIVAL_SECONDS)
    _settle(loop)
    cpu, began = meter.cpu(), perf_counter()
    for _ in range(job["pushes"]):
        _push_beside(loop, back_end, body)
    loop.run_until(lambda: sum(inbox.received for inbox in inboxes) >= wanted, ARRIVAL_SECONDS)
    seconds = perf_counter() - began
    _settle(loop)
    received = sum(inbox.received for inbox in inboxes)
    return {
        "messages": job["pushes"] * len(job["everyone"]),
        "lost": max(0, wanted - received),
        "duplicated": max(0, received - wanted),
        "seconds": seconds,
        "server_cpu": meter.cpu() - cpu,
    }


def beside_chat(job: Job, meter: Meter) -> Figures:
    """Chat by the clock, while a back end pushes to many users without a pause; to each once at least."""
    loop, back_end = Loop(), BackEnd(job)
    back_end.import_all(job["everyone"])
    pairs = chat_pairs(loop, job)
    is_over, pushed, everyone = Event(), 0, job["everyone"]
    pages = [everyone[start : start + PUSHED_AT_ONCE] for start in range(0, len(everyone), PUSHED_AT_ONCE)]

    def push() -> None:
        nonlocal pushed
        for page in cycle(pages):
            if is_over.is_set():
                return
            back_end.post("/v1/push", {"to": page, "event": EVENT})
            pushed += len(page)

    pusher = Thread(target=push)
    pusher.start()
    try:
        measured = drive(loop, pairs, Plan(0, job["rate"], job["seconds"]), meter)
    finally:
        is_over.set()
        pusher.join()
    if pushed < len(everyone):
        raise LoadError(f"only {pushed} of {len(everyone)} users got their push meanwhile")
    return {**measured._asdict(), **faults(pair.verify() for pair in pairs), "pushed": pushed}


def _push_beside(loop: Loop, back_end: BackEnd, body: Any) -> None:
    """One push, while the users go on reading."""
    pusher = Thread(target=back_end.post, args=("/v1/push", body))
    pusher.start()
    loop.run_until(lambda: not pusher.is_alive(), ARRIVAL_SECONDS)
    pusher.join()


def _settle(loop: Loop) -> None:
    """Let acknowledgements arrive and be stored."""
    loop.turn_for(1.0)
