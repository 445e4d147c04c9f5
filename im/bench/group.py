"""One group whose members are all online: one of them posts, every other one acknowledges each copy."""

from time import perf_counter, time_ns

from im.bench.loop import Loop
from im.bench.measured import Figures
from im.bench.meter import Meter
from im.bench.pairs import ACK_SECONDS, compare, faults, numbered_chat
from im.bench.parts import PartsMeter
from im.bench.session import LoadError, LoadSession
from im.bench.sessions import Job, log_in_all, log_in_at_both
from im.bench.traffic import QUIET_SECONDS, WARM_UP_SECONDS, Window
from im.core.groups import USERS_AT_ONCE
from im.proto import group_pb2
from im.proto.base_pb2 import BaseMessage
from im.proto.chat_pb2 import Deliver
from im.wire import codec, hot


class Talk:
    """What was posted to the group and came to its members. `copies[i]` are those of post i so far."""

    def __init__(self, loop: Loop, poster: LoadSession, conversation: str, members: int) -> None:
        self.conversation = conversation
        self.ids: list[bytes] = []
        self.sent_at: list[float] = []
        self.copies: list[int] = []
        self.latencies: list[float] = []
        self.delivered = 0
        self.finished = 0
        self.answered = 0
        self.in_flight = 0
        self._loop = loop
        self._poster = poster
        self._members = members
        poster.on_ack = self._ack

    def fill(self) -> None:
        """Post until so many posts are on their way as should be."""
        while len(self.ids) - min(self.finished, self.answered) < self.in_flight:
            self._post()

    def came(self, number: int) -> None:
        """A copy of a post came to a member."""
        self.delivered += 1
        self.copies[number] += 1
        if self.copies[number] == self._members:
            self.latencies.append(self._loop.now - self.sent_at[number])
            self.finished += 1
            self.fill()

    def _post(self) -> None:
        number = len(self.ids)
        after = self.ids[-1] if self.answered < number else b""
        chat = numbered_chat(self.conversation, number, after)
        self.ids.append(chat.client_msg_id)
        self.sent_at.append(self._loop.now)
        self.copies.append(0)
        self._poster.channel.write(codec.pack(chat, number + 1_000))

    def _ack(self, envelope: BaseMessage) -> None:
        self.answered += 1
        self.fill()


class Member:
    """Takes copies, and acknowledges at once when idle, else cumulatively."""

    __slots__ = ("_acknowledged", "_acknowledged_at", "_loop", "_seq", "_session", "_talk", "received")

    def __init__(self, loop: Loop, session: LoadSession, talk: Talk) -> None:
        self.received: list[bytes] = []
        self._loop = loop
        self._session = session
        self._talk = talk
        self._seq = self._acknowledged = 0
        self._acknowledged_at = 0.0
        session.on_deliver = self._deliver

    def acknowledge(self, now: float) -> None:
        """Acknowledge all that came since the last time."""
        if self._seq > self._acknowledged:
            self._acknowledged = self._seq
            self._acknowledged_at = now
            self._session.channel.write(hot.deliver_ack(self._talk.conversation, self._seq))

    def _deliver(self, envelope: BaseMessage) -> None:
        entry, now = Deliver.FromString(envelope.body).entry, self._loop.now
        self._seq = entry.seq
        if entry.kind == 1:
            self.received.append(entry.client_msg_id)
            self._talk.came(int(entry.content[:8]))
        if now - self._acknowledged_at > ACK_SECONDS:
            self.acknowledge(now)


def group(job: Job, meter: Meter) -> Figures:
    """Posts to the group for a time; `messages` are the copies that came.

    In a cluster its members are at two nodes, and the job names the `parts` whose cost is told.
    """
    loop = Loop()
    parts = None
    if "far" in job:
        meter = parts = PartsMeter(job["parts"], job["admins"], ())
        near, far = log_in_at_both(loop, job)
        poster, *others = [*near, *far]
    else:
        poster, *others = log_in_all(loop, job)
    conversation = _make(poster, [each.user for each in others])
    talk = Talk(loop, poster, conversation, len(others))
    members = [Member(loop, session, talk) for session in others]
    loop.turn_for(1.0)
    talk.in_flight = job["in_flight"]
    talk.fill()
    _turn(loop, members, WARM_UP_SECONDS)
    talk.latencies.clear()
    copies, window = talk.delivered, Window(meter)
    _turn(loop, members, job["seconds"])
    window.end()
    measured = window.measured(talk.delivered - copies, talk.latencies)
    talk.in_flight = 0
    loop.run_until(lambda: talk.finished == len(talk.ids), QUIET_SECONDS)
    for member in members:
        member.acknowledge(loop.now)
    loop.turn(0)
    told = [entry.client_msg_id for entry in poster.entries(conversation) if entry.kind == 1]
    verdicts = [compare(talk.ids, talk.answered, told, member.received) for member in members]
    figures = {**measured._asdict(), **faults(verdicts)}
    if parts is not None:
        del figures["server_busy"]  # Of several processes, on cores that they share with the load.
        figures |= parts.figures()
    return figures


def _make(poster: LoadSession, users: list[str]) -> str:
    """Make a group of the poster and others; its id."""
    key = time_ns().to_bytes(16, "big")
    made = poster.ask(group_pb2.CreateGroup(key=key, name="load"), group_pb2.GroupChanged)
    for start in range(0, len(users), USERS_AT_ONCE):
        invited = group_pb2.GroupUsers(users=users[start : start + USERS_AT_ONCE])
        key = time_ns().to_bytes(16, "big")
        body = group_pb2.ChangeGroup(conversation=made.conversation, key=key, invite=invited)
        if not poster.ask(body, group_pb2.GroupChanged).seq:
            raise LoadError("the members are in the group already")
    return made.conversation


def _turn(loop: Loop, members: list[Member], seconds: float) -> None:
    ends = swept = perf_counter()
    ends += seconds
    while loop.now < ends:
        loop.turn(0.01)
        if loop.now - swept > ACK_SECONDS / 2:
            swept = loop.now
            for member in members:
                member.acknowledge(swept)
