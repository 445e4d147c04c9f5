"""Jobs about users who come back and read: what a login with a sync costs, and a read cursor that moves."""

from collections.abc import Sequence
from functools import partial
from time import perf_counter

from im.bench.loop import Loop
from im.bench.measured import Figures
from im.bench.meter import Meter
from im.bench.pairs import ChatSender
from im.bench.session import LoadError, LoadSession
from im.bench.sessions import Job, log_in_all
from im.bench.traffic import QUIET_SECONDS, Window, percentile
from im.core.ids import direct_conversation
from im.proto.base_pb2 import BaseMessage
from im.proto.chat_pb2 import Cursor, Read
from im.proto.sync_pb2 import Sync, SyncCursor, SyncResult
from im.wire import codec

SEND_SECONDS = 30.0
COME_SECONDS = 300.0


class Comer:
    """A user who was away, and logs in again and again as if from the same place."""

    def __init__(self, loop: Loop, job: Job, user: str) -> None:
        self.user = user
        self.logins = 0
        self.wrong = 0
        self.latencies: list[float] = []
        self._loop = loop
        self._address = (job["host"], job["port"])
        self._token: str = job["comers"][user]
        self._changed = len(job["tokens"])
        self._cursor = SyncCursor()
        self._session: LoadSession | None = None
        self._asked_at = 0.0

    def sync_all(self) -> int:
        """Log in for the first time, and take every page; how many conversations there are."""
        session = LoadSession(self._loop, self._address, self.user)
        told = session.log_in(self._token).sync
        self._cursor.CopyFrom(told.cursor)
        heads = len(told.heads)
        while told.next:
            told = session.ask(Sync(after=told.next), SyncResult)
            heads += len(told.heads)
        session.channel.close()
        return heads

    def come(self) -> None:
        """Log in, without waiting."""
        self._asked_at = self._loop.now
        self._session = LoadSession(self._loop, self._address, self.user)
        self._session.start_login(self._token, self._cursor)

    def look(self) -> bool:
        """Take the answer, if it is there, and go; whether it was."""
        session = self._session
        if session is None or not session.is_answered:
            return False
        told = session.log_in_answer.sync
        heads = told.heads
        if len(heads) != self._changed or told.next or not all(head.unread for head in heads):
            self.wrong += 1
        self.logins += 1
        self.latencies.append(self._loop.now - self._asked_at)
        session.channel.close()
        self._session = None
        return True


def sync(job: Job, meter: Meter) -> Figures:
    """Logins of `comers`, each with the cursor from before the users with tokens wrote to all of them.

    `lost` counts logins that were told of more or fewer conversations.
    """
    loop = Loop()
    comers = [Comer(loop, job, user) for user in job["comers"]]
    for comer in comers:
        found = comer.sync_all()
        if found != job["conversations"]:
            raise LoadError(f"{comer.user} is in {found} conversations")
    _write_to(loop, [comer.user for comer in comers], log_in_all(loop, job))
    _come_back(loop, comers, job["warm_up"])
    for comer in comers:
        comer.logins = 0
        comer.latencies.clear()
    cpu, waited, began = meter.cpu(), meter.waited(), perf_counter()
    _come_back(loop, comers, job["logins"])
    seconds, cpu, waited = perf_counter() - began, meter.cpu() - cpu, meter.waited() - waited
    latencies = sorted(each for comer in comers for each in comer.latencies)
    return {
        "messages": sum(comer.logins for comer in comers),
        "lost": sum(comer.wrong for comer in comers),
        "seconds": seconds,
        "server_cpu": cpu,
        "server_busy": min(1.0, (cpu + waited) / seconds),
        "p50_ms": percentile(latencies, 0.50),
        "p99_ms": percentile(latencies, 0.99),
    }


def _come_back(loop: Loop, comers: Sequence[Comer], logins: int) -> None:
    """Have everybody log in so many times, all at once."""
    left = {comer: logins for comer in comers}
    for comer in comers:
        comer.come()
    ends = perf_counter() + COME_SECONDS
    while left:
        if perf_counter() > ends:
            raise LoadError("the logins did not end")
        loop.turn(0.01)
        for comer in [each for each in left if each.look()]:
            left[comer] -= 1
            if left[comer]:
                comer.come()
            else:
                del left[comer]


def _write_to(loop: Loop, comers: Sequence[str], sessions: Sequence[LoadSession]) -> None:
    for comer in comers:
        senders = [ChatSender(loop, each, comer) for each in sessions]
        for sender in senders:
            sender.send(loop.now)
        if not loop.run_until(partial(_all_acked, senders), SEND_SECONDS):
            raise LoadError("what was to be read could not be sent")
    for each in sessions:
        each.channel.close()


def _all_acked(senders: Sequence[ChatSender]) -> bool:
    return all(sender.flow.acked for sender in senders)


class Reader:
    """A user who reads one message after the other on one device; `other` is told on another."""

    def __init__(self, loop: Loop, session: LoadSession, other: LoadSession, writer: str) -> None:
        self.read = 0
        self.told = 0
        self.latencies: list[float] = []
        self.is_reading = True
        self.is_orderly = True
        self._conversation = direct_conversation(session.user, writer)
        self._loop = loop
        self._session = session
        self._sent_at: list[float] = []
        session.on_cursor = self._answered
        other.on_cursor = self._heard

    def go_on(self) -> None:
        """Read the next message."""
        self._sent_at.append(self._loop.now)
        self._session.channel.write(codec.pack(Read(conversation=self._conversation, seq=self.read + 1), 7))

    def _answered(self, envelope: BaseMessage) -> None:
        self.read += 1
        if self.is_reading:
            self.go_on()

    def _heard(self, envelope: BaseMessage) -> None:
        moved = Cursor.FromString(envelope.body)
        self.is_orderly = self.is_orderly and moved.read_seq == self.told + 1
        self.latencies.append(self._loop.now - self._sent_at[self.told])
        self.told += 1


def read(job: Job, meter: Meter) -> Figures:
    """Users with two devices read, one message at a time; `messages` are the cursors that moved."""
    loop = Loop()
    sessions = {each.user: each for each in log_in_all(loop, job)}
    address = (job["host"], job["port"])
    readers = []
    for user, token in job["tokens"].items():
        other = LoadSession(loop, address, user, "other")
        other.log_in(token)
        readers.append(Reader(loop, sessions[user], other, job["writers"][user]))
    for reader in readers:
        reader.go_on()
    loop.turn_for(1.0)
    for reader in readers:
        reader.latencies.clear()
    before, window = sum(reader.read for reader in readers), Window(meter)
    loop.turn_for(job["seconds"])
    window.end()
    moved = sum(reader.read for reader in readers) - before
    for reader in readers:
        reader.is_reading = False
    loop.run_until(lambda: all(reader.read == reader.told for reader in readers), QUIET_SECONDS)
    loop.turn_for(0.2)
    if max(reader.read for reader in readers) >= job["stored"]:
        raise LoadError("there was nothing left to read")
    measured = window.measured(moved, (each for reader in readers for each in reader.latencies))
    return {
        **measured._asdict(),
        "lost": sum(max(0, reader.read - reader.told) for reader in readers),
        "duplicated": sum(max(0, reader.told - reader.read) for reader in readers),
        "reordered": sum(not reader.is_orderly for reader in readers),
    }
