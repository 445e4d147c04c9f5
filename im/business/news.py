"""What something that was committed means for the nodes: deliveries and signals, not yet by node."""

from typing import NamedTuple

from im.core.messages import Entry
from im.ports import Delivery, Signal
from im.proto.sync_pb2 import Resync
from im.wire import codec, hot


class News(NamedTuple):
    """What is to be told."""

    deliveries: tuple[Delivery, ...] = ()
    signals: tuple[Signal, ...] = ()


NO_NEWS = News()


def look(users: tuple[str, ...], conversation: str) -> Signal:
    """Have all devices of users look at a conversation."""
    return Signal(users, codec.pack(Resync(conversations=[conversation])), "")


def frame(conversation: str, epoch: str, entry: Entry) -> bytes:
    """An entry, as it is delivered."""
    seq, n, kind, sender, client_msg_id, time_ms, content = entry
    return hot.deliver(conversation, epoch, seq, n, kind, sender, client_msg_id, time_ms, content)
