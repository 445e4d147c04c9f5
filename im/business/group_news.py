"""What changes of groups, of messages and of one's own place mean for the nodes."""

from typing import NamedTuple

from im.core.changing import MessageChanged, PlaceChanged
from im.core.grouping import GroupChanged
from im.core.ids import users_by_id
from im.core.messages import Entry
from im.ports import Delivery, MembershipChange, Signal
from im.proto.sync_pb2 import Resync
from im.wire import codec, hot


class News(NamedTuple):
    """What is to be told."""

    deliveries: tuple[Delivery, ...] = ()
    signals: tuple[Signal, ...] = ()


NO_NEWS = News()


def of_group(changed: GroupChanged) -> News:
    """The entry goes to all members, also to who asked; whom it names looks wherever they are."""
    signals = (_look(changed.lookers, changed.conversation),) if changed.lookers else ()
    if changed.entry is None or not changed.is_new:
        return News((), signals)
    change = None
    if changed.version_before != changed.member_version:
        change = MembershipChange(changed.version_before, changed.joined, changed.left)
    delivery = Delivery(
        (*changed.joined, *changed.left),
        changed.conversation,
        changed.entry.seq,
        _frame(changed.conversation, changed.epoch, changed.entry),
        "",
        changed.member_version,
        change,
    )
    return News((delivery,), signals)


def of_message(changed: MessageChanged) -> News:
    """The entry goes to all who see the message, also to who asked."""
    entry = changed.entry
    if entry is None or not changed.is_new:
        return NO_NEWS
    users = users_by_id(changed.conversation)
    frame = _frame(changed.conversation, changed.epoch, entry)
    return News((Delivery(users, changed.conversation, entry.seq, frame, "", changed.member_version),))


def of_place(changed: PlaceChanged) -> News:
    """All devices of the user look, that of the request, too."""
    return News((), (_look((changed.user,), changed.conversation),)) if changed.moved else NO_NEWS


def _look(users: tuple[str, ...], conversation: str) -> Signal:
    return Signal(users, codec.pack(Resync(conversations=[conversation])), "")


def _frame(conversation: str, epoch: str, entry: Entry) -> bytes:
    seq, n, kind, sender, client_msg_id, time_ms, content = entry
    return hot.deliver(conversation, epoch, seq, n, kind, sender, client_msg_id, time_ms, content)
