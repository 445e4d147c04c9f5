"""What changes of groups, of messages and of one's own places and contacts mean for the nodes."""

from im.business.news import NO_NEWS, News, frame, look
from im.core.changing import MessageChanged, PlaceChanged
from im.core.grouping import GroupChanged
from im.core.ids import users_by_id
from im.core.relations import ContactChanged
from im.ports import Delivery, MembershipChange


def of_group(changed: GroupChanged) -> News:
    """The entry goes to all members, also to who asked; whom it names looks wherever they are."""
    signals = (look(changed.lookers, changed.conversation),) if changed.lookers else ()
    if changed.entry is None or not changed.is_new:
        return News((), signals)
    change = None
    if changed.version_before != changed.member_version:
        change = MembershipChange(changed.version_before, changed.joined, changed.left)
    delivery = Delivery(
        (*changed.joined, *changed.left),
        changed.conversation,
        changed.entry.seq,
        frame(changed.conversation, changed.epoch, changed.entry),
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
    told = frame(changed.conversation, changed.epoch, entry)
    return News((Delivery(users, changed.conversation, entry.seq, told, "", changed.member_version),))


def of_place(changed: PlaceChanged | ContactChanged) -> News:
    """All devices of the user look, that of the request, too."""
    return News((), (look((changed.user,), changed.conversation),)) if changed.moved else NO_NEWS
