"""Pairs of users, one of each sends to the other: the load of `chat` and, on a bare relay, of `floor`."""

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from time import time_ns
from typing import Protocol

from im.bench.loop import Channel, Loop
from im.bench.session import LoadSession
from im.core.ids import direct_conversation
from im.proto.base_pb2 import BaseMessage
from im.proto.chat_pb2 import Chat, Deliver
from im.wire import codec, hot

ACK_SECONDS = 0.05
"""A client acknowledges at once when idle, else cumulatively within this time."""


_PADDING = b"x" * 92
"""Behind the eight digits of a message's number: 100 bytes in all, stored or relayed."""


def message_id(number: int) -> bytes:
    """The client id of a load's message: a UUIDv7 that ends with its number, at a third of the usual cost."""
    return struct.pack(">QII", time_ns() // 1_000_000 << 16 | 0x7000, 0x80000000, number)


def numbered_chat(conversation: str, number: int, after: bytes) -> Chat:
    """A message whose content begins with its number, behind another one, or behind none."""
    return Chat(
        conversation=conversation,
        client_msg_id=message_id(number),
        after=after,
        kind=1,
        content=b"%08d" % number + _PADDING,
    )


class Pair(Protocol):
    """What a driver needs of a pair."""

    flow: "Flow"

    def send(self, now: float) -> None:
        """Send the next message."""

    def acknowledge(self, now: float) -> None:
        """Acknowledge what came since the last time."""

    def verify(self) -> tuple[int, int, int]:
        """Lost, duplicated and reordered messages, when all is quiet."""


@dataclass
class Flow:
    """What was sent and came on one pair. `sent_at[i]` is when message i was sent.

    `in_flight` messages are kept on their way; 0: the driver sends by its own clock.
    """

    in_flight: int = 0
    sent_at: list[float] = field(default_factory=list)
    acked: int = 0
    delivered: int = 0
    latencies: list[float] = field(default_factory=list)

    @property
    def finished(self) -> int:
        """Messages that both sides are done with."""
        return min(self.acked, self.delivered)

    @property
    def has_room(self) -> bool:
        """Whether another message may go on its way."""
        return len(self.sent_at) - min(self.acked, self.delivered) < self.in_flight


class ChatSender:
    """Sends stored messages to one other user, whether that one is there or not."""

    def __init__(self, loop: Loop, sender: LoadSession, to: str) -> None:
        self.flow = Flow()
        self.sender = sender
        self.conversation = direct_conversation(sender.user, to)
        self.ids: list[bytes] = []
        self._loop = loop
        sender.on_ack = self._ack

    def send(self, now: float) -> None:
        """Send the next message."""
        flow, ids = self.flow, self.ids
        number = len(ids)
        chat = numbered_chat(self.conversation, number, ids[-1] if flow.acked < number else b"")
        ids.append(chat.client_msg_id)
        flow.sent_at.append(now)
        self.sender.channel.write(codec.pack(chat, number + 1))

    def _ack(self, envelope: BaseMessage) -> None:
        flow = self.flow
        flow.acked += 1
        if flow.has_room:
            self.send(self._loop.now)


class ChatPair(ChatSender):
    """Sender and recipient of stored messages; both acknowledgements are part of the load."""

    def __init__(self, loop: Loop, sender: LoadSession, recipient: LoadSession) -> None:
        super().__init__(loop, sender, recipient.user)
        self.recipient = recipient
        self.received: list[bytes] = []
        self._seq = 0
        self._acknowledged = 0
        self._acknowledged_at = 0.0
        recipient.on_deliver = self._deliver

    def _deliver(self, envelope: BaseMessage) -> None:
        entry, flow, now = Deliver.FromString(envelope.body).entry, self.flow, self._loop.now
        self.received.append(entry.client_msg_id)
        self._seq = entry.seq
        flow.latencies.append(now - flow.sent_at[int(entry.content[:8])])
        flow.delivered += 1
        if now - self._acknowledged_at > ACK_SECONDS:
            self.acknowledge(now)
        if flow.has_room:
            self.send(now)

    def acknowledge(self, now: float) -> None:
        """Acknowledge all that came since the last time."""
        if self.flow.delivered > self._acknowledged:
            self._acknowledged = self.flow.delivered
            self._acknowledged_at = now
            self.recipient.channel.write(hot.deliver_ack(self.conversation, self._seq))

    def verify(self) -> tuple[int, int, int]:
        """Compare with the stored history: lost, duplicated and reordered messages."""
        told = [entry.client_msg_id for entry in self.sender.entries(self.conversation)]
        return compare(self.ids, self.flow.acked, told, self.received)


def compare(sent: list[bytes], acked: int, told: list[bytes], received: list[bytes]) -> tuple[int, int, int]:
    """Lost, duplicated and reordered of what was sent, what history tells and what was received."""
    lost = len(set(sent[:acked]) - set(told)) + len(set(told) - set(received))
    duplicated = len(told) - len(set(told)) + len(received) - len(set(received))
    return lost, duplicated, _out_of_order(sent, told) + _out_of_order(told, received)


def faults(verdicts: Iterable[tuple[int, int, int]]) -> dict[str, int]:
    """The figures of some verdicts of `compare` together."""
    lost, duplicated, reordered = (sum(column) for column in zip(*verdicts, strict=True))
    return {"lost": lost, "duplicated": duplicated, "reordered": reordered}


class RelayPair:
    """The same on the bare relay: nothing is stored or acknowledged, a message is done when it came."""

    def __init__(self, loop: Loop, address: tuple[str, int], name: str) -> None:
        self.flow = Flow()
        self._loop = loop
        self.sender: Channel = loop.connect(address, lambda payload: None)
        self.recipient: Channel = loop.connect(address, self._deliver)
        self.recipient.write(f"{name}-b {name}-a".encode())
        self.sender.write(f"{name}-a {name}-b".encode())

    def send(self, now: float) -> None:
        """Send the next message."""
        self.flow.sent_at.append(now)
        self.flow.acked += 1
        self.sender.write(b"%08d" % (len(self.flow.sent_at) - 1) + _PADDING)

    def _deliver(self, payload: bytes) -> None:
        self.flow.latencies.append(self._loop.now - self.flow.sent_at[int(payload[:8])])
        self.flow.delivered += 1
        if self.flow.has_room:
            self.send(self._loop.now)

    def acknowledge(self, now: float) -> None:
        """A relay knows no acknowledgement."""

    def verify(self) -> tuple[int, int, int]:
        """A relay has no history: only what never came is known."""
        return len(self.flow.sent_at) - self.flow.delivered, 0, 0


def _out_of_order(expected: list[bytes], got: list[bytes]) -> int:
    place = {each: number for number, each in enumerate(expected)}
    places = [place[each] for each in got if each in place]
    return sum(later < earlier for earlier, later in pairwise(places))
