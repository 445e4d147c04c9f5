"""Messages on their way out: in order within each conversation, under any retry (rules S1 to S3)."""

from collections import deque
from typing import NamedTuple

from im.client.core.events import Effects, Refusal, SendFailed, SendPending, SendUnknown, Sent
from im.client.core.requests import NextId
from im.client.core.state import ClientState, Unsent
from im.client.core.timing import Jitter, Timing
from im.core.errors import Code
from im.proto.chat_pb2 import Chat
from im.wire.codec import pack

REMEMBERED_TRIES = 4
"""How many earlier request ids of one message are still understood when their answer comes late."""


class OutboxFullError(Exception):
    """So many messages wait unsent that no more are taken."""


class _Item:
    """One message. `request` is the id of its newest try, 0 before the first on this connection."""

    __slots__ = ("earlier", "is_unknown", "lane", "message", "request", "sent_at")

    def __init__(self, message: Unsent, lane: "_Lane") -> None:
        self.message = message
        self.lane = lane
        self.request = 0
        self.earlier: tuple[int, ...] = ()
        self.sent_at = 0.0
        self.is_unknown = False


class _Lane:
    """One conversation's unanswered messages. The first `sent` of them are on their way."""

    __slots__ = ("conversation", "failures", "items", "retry_at", "sent")

    def __init__(self, conversation: str) -> None:
        self.conversation = conversation
        self.items: deque[_Item] = deque()
        self.sent = 0
        self.failures = 0
        self.retry_at: float | None = None


class OutboxParts(NamedTuple):
    """What an outbox works with."""

    effects: Effects
    state: ClientState
    timing: Timing
    jitter: Jitter
    next_id: NextId


class Outbox:
    """Sends pipelined, up to the server's limit; resends from the first unanswered one.

    Each send names in `after` the one before it that has no answer, so the server cannot store the
    second while it refuses the first. What is refused for the moment, or times out, holds its whole
    conversation back, and then goes again in order under the same ids.
    """

    def __init__(self, parts: OutboxParts, capacity: int) -> None:
        self._effects, self._state, self._timing, self._jitter, self._next_id = parts
        self._capacity = capacity
        self._limit = 0
        self._lanes: dict[str, _Lane] = {}
        self._ready: dict[str, _Lane] = {}
        self._held: dict[str, _Lane] = {}
        self._by_id: dict[bytes, _Item] = {}
        self._in_flight: dict[int, _Item] = {}
        self._earlier: dict[int, _Item] = {}
        self._paused_until = 0.0

    def __len__(self) -> int:
        return len(self._by_id)

    def __contains__(self, client_msg_id: bytes) -> bool:
        return client_msg_id in self._by_id

    def restore(self, message: Unsent) -> None:
        """Take over a message of an earlier run."""
        self._enqueue(message)
        self._effects.events.append(SendPending(message.conversation, message.client_msg_id))

    def add(self, message: Unsent, now: float) -> None:
        """Send a message. One that is on its way already is left alone. Raises `OutboxFullError`."""
        if message.client_msg_id in self._by_id:
            return
        if len(self._by_id) >= self._capacity:
            raise OutboxFullError(f"{self._capacity} messages are waiting to be sent")
        self._state.add_unsent(message)
        self._enqueue(message)
        self._pump(now)

    def online(self, limit: int, now: float) -> None:
        """A session stands that takes `limit` unanswered sends: send everything again, in order."""
        self._limit = limit
        self._pump(now)

    def offline(self) -> None:
        """The session is over: what was on its way is unknown now."""
        self._limit = 0
        self._paused_until = 0.0
        for item in self._by_id.values():
            if item.request:
                self._unknown(item)
        self._in_flight.clear()
        self._earlier.clear()
        self._held.clear()
        for lane in self._lanes.values():
            lane.sent, lane.failures, lane.retry_at = 0, 0, None
            for item in lane.items:
                item.request, item.earlier = 0, ()
        self._ready = dict(self._lanes)

    def acknowledged(self, request: int, seq: int, server_time_ms: int, now: float) -> bool:
        """A `SendAck` came, for whichever try. False: nobody waits for it (any more)."""
        item = self._in_flight.get(request) or self._earlier.get(request)
        if item is None:
            return False
        item.lane.failures = 0
        self._stored(item, seq, server_time_ms, now)
        return True

    def resolve(self, client_msg_id: bytes, seq: int, server_time_ms: int, now: float) -> bool:
        """The message was met in its conversation's log. False: it is none that waits."""
        item = self._by_id.get(client_msg_id)
        if item is None:
            return False
        self._stored(item, seq, server_time_ms, now)
        return True

    def refused(self, request: int, refusal: Refusal, now: float) -> bool:
        """An error came. What it says of an earlier try is no news. False: nobody waits for it."""
        item = self._in_flight.pop(request, None)
        if item is None:
            return request in self._earlier
        if refusal.retryable:
            if refusal.code == Code.RATE_LIMITED:
                self._paused_until = max(self._paused_until, now + refusal.retry_after)
            self._hold(item.lane, refusal.retry_after, now)
        else:
            lane, message = item.lane, item.message
            self._drop(item)
            self._effects.events.append(SendFailed(message.conversation, message.client_msg_id, refusal))
            self._rewind(lane)
        self._pump(now)
        return True

    def tick(self, now: float) -> None:
        """Mark what has waited too long as unknown, and send again what is due."""
        late = {}
        for item in self._in_flight.values():
            if item.sent_at + self._timing.answer > now:  # as `deadline` adds it, or a rounding spins
                break
            self._unknown(item)
            late[item.lane.conversation] = item.lane
        for lane in late.values():
            self._rewind(lane)
        for lane in list(self._held.values()):
            if lane.retry_at is not None and lane.retry_at <= now:
                self._rewind(lane)
        self._pump(now)

    def deadline(self) -> float:
        """When `tick` is needed next."""
        due = float("inf")
        for item in self._in_flight.values():
            due = item.sent_at + self._timing.answer
            break
        for lane in self._held.values():
            if lane.retry_at is not None:
                due = min(due, lane.retry_at)
        if self._ready and self._paused_until and self._limit:
            due = min(due, self._paused_until)
        return due

    def _enqueue(self, message: Unsent) -> None:
        lane = self._lanes.get(message.conversation)
        if lane is None:
            lane = self._lanes[message.conversation] = _Lane(message.conversation)
        item = _Item(message, lane)
        lane.items.append(item)
        self._by_id[message.client_msg_id] = item
        if lane.retry_at is None:
            self._ready[lane.conversation] = lane

    def _pump(self, now: float) -> None:
        if now < self._paused_until:
            return
        self._paused_until = 0.0
        while self._ready and len(self._in_flight) < self._limit:
            lane = next(iter(self._ready.values()))
            self._transmit(lane, now)
            del self._ready[lane.conversation]
            if lane.sent < len(lane.items):
                self._ready[lane.conversation] = lane

    def _transmit(self, lane: _Lane, now: float) -> None:
        item = lane.items[lane.sent]
        message = item.message
        after = lane.items[lane.sent - 1].message.client_msg_id if lane.sent else b""
        lane.sent += 1
        item.request = self._next_id()
        item.sent_at = now
        self._in_flight[item.request] = item
        chat = Chat(
            conversation=message.conversation,
            client_msg_id=message.client_msg_id,
            after=after,
            seen_seq=message.seen_seq,
            kind=message.kind,
            content=message.content,
        )
        self._effects.frames.append(pack(chat, item.request))

    def _stored(self, item: _Item, seq: int, server_time_ms: int, now: float) -> None:
        message = item.message
        self._drop(item)
        self._effects.events.append(Sent(message.conversation, message.client_msg_id, seq, server_time_ms))
        if self._ready:
            self._pump(now)

    def _drop(self, item: _Item) -> None:
        lane = item.lane
        if lane.items[0] is item:
            position = 0
            lane.items.popleft()
        else:
            position = lane.items.index(item)
            del lane.items[position]
        if position < lane.sent:
            lane.sent -= 1
        self._in_flight.pop(item.request, None)
        for request in item.earlier:
            self._earlier.pop(request, None)
        del self._by_id[item.message.client_msg_id]
        self._state.remove_unsent(item.message.client_msg_id)
        if lane.sent == len(lane.items):
            self._ready.pop(lane.conversation, None)
        if not lane.items:
            self._held.pop(lane.conversation, None)
            del self._lanes[lane.conversation]

    def _hold(self, lane: _Lane, retry_after: float, now: float) -> None:
        """Keep a conversation back for a while; later refusals of what followed change nothing."""
        if lane.retry_at is None:
            lane.failures += 1
            lane.retry_at = now + self._timing.backoff(lane.failures, self._jitter())
            self._held[lane.conversation] = lane
            self._ready.pop(lane.conversation, None)
        lane.retry_at = max(lane.retry_at, now + retry_after)

    def _rewind(self, lane: _Lane) -> None:
        """Let a conversation go again, from its first unanswered message."""
        lane.retry_at = None
        self._held.pop(lane.conversation, None)
        for index in range(lane.sent):
            item = lane.items[index]
            self._in_flight.pop(item.request, None)
            self._earlier[item.request] = item
            for forgotten in item.earlier[: 1 - REMEMBERED_TRIES]:
                self._earlier.pop(forgotten, None)
            item.earlier = (*item.earlier[1 - REMEMBERED_TRIES :], item.request)
        lane.sent = 0
        if lane.items:
            self._ready[lane.conversation] = lane

    def _unknown(self, item: _Item) -> None:
        if not item.is_unknown:
            item.is_unknown = True
            message = item.message
            self._effects.events.append(SendUnknown(message.conversation, message.client_msg_id))
