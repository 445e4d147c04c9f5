"""Jobs upon a cluster: chat from one node to another, and clients whose node or worker is killed."""

import os
import signal
from collections.abc import Sequence
from time import perf_counter

from im.bench.loop import Loop
from im.bench.measured import Figures
from im.bench.meter import Meter
from im.bench.pairs import ChatPair, faults, message_id
from im.bench.parts import PartsMeter
from im.bench.session import LoadSession
from im.bench.sessions import Job, log_in_at_both
from im.bench.traffic import Plan, drive
from im.core.ids import direct_conversation
from im.proto.base_pb2 import BaseMessage
from im.proto.chat_pb2 import Chat
from im.wire import codec

TRY_SECONDS = 0.1
RECOVERED_WITHIN_SECONDS = 60.0


def across(job: Job, meter: Meter) -> Figures:
    """Messages of pairs, whose senders are at one node and whose recipients are at the other."""
    loop = Loop()
    near, far = log_in_at_both(loop, job)
    pairs = [ChatPair(loop, one, other) for one, other in zip(near, far, strict=True)]
    parts = PartsMeter(job["parts"], job["admins"], job["idle"])
    measured = drive(loop, pairs, Plan(job["in_flight"], job["rate"], job["seconds"]), parts)
    figures = measured._asdict()
    del figures["server_busy"]  # Of several processes, on cores that they share with the load.
    return {
        **figures,
        **faults(pair.verify() for pair in pairs),
        **parts.figures(),
    }


class _Trier:
    """A client that writes every now and then, and goes to the next address when its node is gone."""

    def __init__(self, loop: Loop, addresses: Sequence[tuple[str, int]], user: str, token: str) -> None:
        self._loop = loop
        self._addresses = addresses
        self._token = token
        self._at = 0
        self._is_in = False
        self._number = 0
        self._sent_at: list[float] = []
        self._conversation = direct_conversation(user, f"{user}-peer")
        self.user = user
        self.acked: list[bytes] = []
        self.answered_from = 0.0
        self._ids: list[bytes] = []
        self.session = self._connect()

    def _connect(self) -> LoadSession:
        session = LoadSession(self._loop, self._addresses[self._at], self.user)
        session.on_ack = self._acked
        session.start_login(self._token)
        self._is_in = False
        return session

    def turn(self) -> None:
        """Send the next, or log in again where the connection is gone."""
        if not self.session.channel.is_open:
            self._at = (self._at + 1) % len(self._addresses)
            self.session = self._connect()
        elif self._is_in or self.session.is_answered:
            self._is_in = True
            self._send()

    def _send(self) -> None:
        self._sent_at.append(perf_counter())
        number = len(self._ids)
        self._ids.append(message_id(number))
        chat = Chat(conversation=self._conversation, client_msg_id=self._ids[-1], kind=1, content=b"x" * 100)
        self.session.channel.write(codec.pack(chat, number + 1))

    def _acked(self, envelope: BaseMessage) -> None:
        number = envelope.id - 1
        self.acked.append(self._ids[number])
        self.answered_from = max(self.answered_from, self._sent_at[number])

    def lost_and_doubled(self) -> tuple[int, int]:
        """Of what was acknowledged, what history does not tell; and what it tells twice."""
        told = [entry.client_msg_id for entry in self.session.entries(self._conversation)]
        return len(set(self.acked) - set(told)), len(told) - len(set(told))


def failover(job: Job, meter: Meter) -> Figures:
    """Kill the worker, then a node; how long until every client's sends are answered again."""
    loop = Loop()
    nodes = [(host, port) for host, port in job["nodes"]]
    triers = [
        _Trier(loop, nodes if number % 2 else nodes[::-1], user, token)
        for number, (user, token) in enumerate(job["tokens"].items())
    ]
    _answered(loop, triers, perf_counter())
    worker = _killed(loop, triers, job["worker_pid"])
    node = _killed(loop, triers, job["node_pid"])
    loop.turn_for(1.0)
    verdicts = [trier.lost_and_doubled() for trier in triers]
    lost, duplicated = (sum(column) for column in zip(*verdicts, strict=True))
    return {
        "messages": sum(len(trier.acked) for trier in triers),
        "worker_seconds": worker,
        "node_seconds": node,
        "lost": lost,
        "duplicated": duplicated,
    }


def _killed(loop: Loop, triers: Sequence[_Trier], pid: int) -> float:
    began = perf_counter()
    os.kill(pid, signal.SIGKILL)
    return _answered(loop, triers, began) - began


def _answered(loop: Loop, triers: Sequence[_Trier], began: float) -> float:
    """When the last of the clients had an answer to what it sent after `began`."""
    due = began

    def tried() -> bool:
        nonlocal due
        if (now := perf_counter()) >= due:
            due = now + TRY_SECONDS
            for trier in triers:
                trier.turn()
        return all(trier.answered_from > began for trier in triers)

    loop.run_until(tried, RECOVERED_WITHIN_SECONDS)
    return perf_counter()
