"""The store's answers as the model tells them: refusals by code, contents opened."""

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from im.core.changing import MessageChanged
from im.core.commands import Result
from im.core.contacts import ContactPage, ListContacts
from im.core.errors import Refused
from im.core.explaining import UnreadDifference, UnreadVerified, VerifyUnread
from im.core.grouping import GroupChanged, MembersFound, Memberships
from im.core.messages import Entry, Head, Pull, PullPage, Sync, SyncCursor, SyncPage
from im.core.relations import RelationChanged
from im.proto.content_pb2 import MessageChange
from im.proto.group_pb2 import GroupEvent
from im.test.model.memory import EDIT, REACTION, RECALL

Read = Callable[[Any], Any]

_BODIES: dict[int, type[Message]] = {
    **dict.fromkeys(range(101, 110), GroupEvent),
    **dict.fromkeys((RECALL, EDIT, REACTION), MessageChange),
}


def shown(entry: Entry) -> Entry:
    """An entry, with its content as the model keeps it."""
    body = _BODIES.get(entry.kind)
    return entry if body is None else entry._replace(content=_fields(body.FromString(entry.content)))  # type: ignore[arg-type]


def _fields(body: Message) -> dict[str, Any]:
    """Those that are set."""
    return {field.name: _value(value) for field, value in body.ListFields()}


def _value(value: Any) -> Any:
    if isinstance(value, Message):
        return _fields(value)
    return value if isinstance(value, str | bytes | int) else list(value)


def told(result: Result) -> Any:
    """A result as the model tells it."""
    if isinstance(result, Refused):
        return result.code
    if isinstance(result, GroupChanged):
        entry = None if result.entry is None else shown(result.entry)
        return result._replace(entry=entry, lookers=tuple(sorted(result.lookers)))
    if isinstance(result, MessageChanged) and result.entry is not None:
        return result._replace(entry=shown(result.entry))
    if isinstance(result, Memberships):
        return result._replace(groups=tuple(sorted(result.groups)))
    if isinstance(result, MembersFound):
        return result._replace(users=tuple(sorted(result.users)))
    if isinstance(result, RelationChanged):
        return result._replace(entries=tuple(each._replace(client_msg_id=b"") for each in result.entries))
    return result


def head(found: Head) -> Head:
    """A head, with its last entry opened."""
    return found if found.last is None else found._replace(last=shown(found.last))


def told_once(head: Head) -> Head:
    """What of a head is told whenever it changes: who is out of a group is told nothing of what follows."""
    if head.group is None or head.group.role:
        return head
    facts = head.group._replace(mentions=0)
    return head._replace(member_version=0, unread=0, group=facts)


def synced(read: Read, user: str, cursor: SyncCursor | None) -> tuple[SyncCursor, dict[str, Head]] | Any:
    """All pages of a sync: the cursor of the first one, and the heads; or the code of a refusal."""
    page = read(Sync(user, cursor, ""))
    if isinstance(page, Refused):
        return page.code
    assert isinstance(page, SyncPage)
    first, heads = page.cursor, list(page.heads)
    while page.next:
        page = read(Sync(user, cursor, page.next))
        assert isinstance(page, SyncPage)
        heads += page.heads
    return first, {each.conversation: head(each) for each in heads}


def contacts(read: Read, user: str) -> tuple[list[Head], int]:
    """All pages of a contact list, and what is unread in all."""
    heads: list[Head] = []
    after, unread = "", 0
    while True:
        page = read(ListContacts(user, after, 2))
        assert isinstance(page, ContactPage), page
        heads += [head(each) for each in page.heads]
        after, unread = page.next, page.unread
        if not after:
            return heads, unread


def miscounted(read: Read) -> list[UnreadDifference]:
    """Where an unread number is not what a recount from the messages finds."""
    verified = read(VerifyUnread())
    assert isinstance(verified, UnreadVerified), verified
    assert not verified.next_user, verified
    return list(verified.differences)


def pulled(read: Read, conversation: str, user: str, backward: bool) -> Any:
    """A whole history, page by page from either end, and what became of it; or the code of a refusal."""
    entries: list[Entry] = []
    folds: list[Any] = []
    from_seq, is_more = 0, True
    while is_more:
        page = read(Pull(conversation, user, from_seq, backward, 0))
        if isinstance(page, Refused):
            return page.code
        assert isinstance(page, PullPage)
        is_more = page.more
        assert page.entries or not is_more, page
        if backward:
            entries, folds = [*page.entries, *entries], [*page.folds, *folds]
        else:
            entries, folds = [*entries, *page.entries], [*folds, *page.folds]
        if is_more:
            from_seq = page.entries[0].seq - 1 if backward else page.entries[-1].seq + 1
    return [shown(each) for each in entries], folds
