"""What a stored push means for the nodes."""

from im.core.entries import PUSH
from im.core.ids import inbox_conversation
from im.core.pushing import Push, PushStored
from im.ports import Delivery
from im.wire import hot


def of_push(push: Push, stored: PushStored) -> list[Delivery]:
    """Its entries go to their users' sessions; one that was stored before is not told again."""
    deliveries = []
    for entry in stored.entries:
        if entry.is_new:
            inbox = inbox_conversation(entry.user)
            frame = hot.deliver(
                inbox, stored.epoch, entry.seq, 0, PUSH, "", push.id, stored.time_ms, push.content
            )
            deliveries.append(Delivery((entry.user,), inbox, entry.seq, frame, ""))
    return deliveries
