"""What changes of relations mean for the nodes."""

from im.business.news import NO_NEWS, News, frame, look
from im.core.ids import direct_conversation
from im.core.messages import Entry
from im.core.relations import RelationChanged, RelationEntry
from im.ports import Delivery


def of_relation(changed: RelationChanged) -> News:
    """The entries go to both sides; what has none makes the devices look of whom it concerns."""
    if not changed.moved:
        return NO_NEWS
    both = (changed.user, changed.peer)
    conversation = direct_conversation(*both)
    if not changed.entries:
        users = (changed.user,) if changed.is_private else both
        return News((), (look(users, conversation),))
    deliveries = tuple(
        Delivery(both, conversation, each.seq, frame(conversation, changed.epoch, _entry(changed, each)), "")
        for each in changed.entries
    )
    return News(deliveries)


def _entry(changed: RelationChanged, stored: RelationEntry) -> Entry:
    seq, n, kind, sender, client_msg_id, content = stored
    return Entry(seq, n, kind, sender, client_msg_id, changed.time_ms, content)
