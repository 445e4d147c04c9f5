"""What changes of relations and contacts mean for the nodes."""

from im.business.group_news import NO_NEWS, News
from im.core.ids import direct_conversation
from im.core.relations import ContactChanged, RelationChanged, RelationEntry
from im.ports import Delivery, Signal
from im.proto.sync_pb2 import Resync
from im.wire import codec, hot


def of_relation(changed: RelationChanged) -> News:
    """The entries go to both sides; what has none makes the devices look of whom it concerns."""
    if not changed.moved:
        return NO_NEWS
    both = (changed.user, changed.peer)
    conversation = direct_conversation(*both)
    if not changed.entries:
        users = (changed.user,) if changed.is_private else both
        return News((), (_look(users, conversation),))
    deliveries = tuple(
        Delivery(both, conversation, each.seq, _frame(conversation, changed, each), "")
        for each in changed.entries
    )
    return News(deliveries)


def of_contact(changed: ContactChanged) -> News:
    """All devices of the user look."""
    return News((), (_look((changed.user,), changed.conversation),)) if changed.moved else NO_NEWS


def _look(users: tuple[str, ...], conversation: str) -> Signal:
    return Signal(users, codec.pack(Resync(conversations=[conversation])), "")


def _frame(conversation: str, changed: RelationChanged, entry: RelationEntry) -> bytes:
    seq, n, kind, sender, client_msg_id, content = entry
    return hot.deliver(
        conversation, changed.epoch, seq, n, kind, sender, client_msg_id, changed.time_ms, content
    )
