"""What each write is about: conversations, members and users that are looked up before a batch, and locks.

Rows are locked in the order of their ids before anything is decided, so that no two writers wait for
each other; what a write doesn't name here it finds by itself, one round trip each.
"""

import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from im.core.backends import CreateKey, KeepAnswer, Remember, RevokeKey
from im.core.changing import ChangeMessage, ClearHistory, DeleteEntries
from im.core.commands import CreateUser, Login, LogOut, SetDisabled, SetProfile, Write
from im.core.custom import Conclude
from im.core.events import KeepEvents, ReplayDead, SettleEvents, SubscribeEvents
from im.core.grouping import Approve, ChangeGroup, CreateGroup, Invite, Join
from im.core.ids import direct_conversation, inbox_conversation, users_by_id
from im.core.ledger import LEDGER_WRITES
from im.core.messages import MoveDelivered, MoveRead, Send, SendAsApp
from im.core.personal import EraseMessages, EraseUser
from im.core.purging import PurgeMessages
from im.core.pushing import ExpirePushes, StorePush
from im.core.reaching import PassAway, RegisterPushToken, RemovePushToken
from im.core.relations import (
    AnswerFriend,
    AskFriend,
    Block,
    EndFriendship,
    ExpireRequests,
    OpenDirect,
    SeeRequests,
    SetContact,
    WithdrawRequest,
)
from im.core.webhooks import WEBHOOK_WRITES

GROUP_LOCKS = 64
"""Locks that users share who come into groups: a batch may name very many users, and takes no more."""


@dataclass(slots=True)
class Names:
    """What a batch is about. `makes`: users that it may make; `locks`: what only one batch at a time does."""

    places: set[tuple[str, str]] = field(default_factory=set)
    users: set[str] = field(default_factory=set)
    makes: set[str] = field(default_factory=set)
    locks: set[str] = field(default_factory=set)


def names_of(batch: Sequence[Write]) -> Names:
    """What the writes of a batch are about."""
    names = Names()
    for write in batch:
        NAMING[type(write)](write, names)
    names.places = {place for place in names.places if place[0].isprintable() and place[1].isprintable()}
    for texts in (names.users, names.makes, names.locks):
        texts.intersection_update([text for text in texts if text.isprintable()])
    return names


def _send(write: Send, names: Names) -> None:
    names.places.add((write.conversation, write.sender))
    names.users.add(write.sender)


def _send_as_app(write: SendAsApp, names: Names) -> None:
    names.places.add((write.conversation, ""))


def _in_place(write: Any, names: Names) -> None:
    names.places.add((write.conversation, write.user))
    names.users.add(write.user)


def _user(write: Any, names: Names) -> None:
    names.users.add(write.user)


def _make(write: Any, names: Names) -> None:
    names.users.add(write.user)
    names.makes.add(write.user)


def _pair(write: Any, names: Names) -> None:
    if write.user != write.peer and write.user.isprintable() and write.peer.isprintable():
        conversation = direct_conversation(write.user, write.peer)
        names.places.update([(conversation, write.user), (conversation, write.peer)])
    names.users.add(write.user)


def _conclude(write: Conclude, names: Names) -> None:
    for post in write.posts:
        names.places.add((post.conversation, post.sender))
        names.users.add(post.sender)
    if write.read or write.changes:
        names.locks.add(f"handler {write.handler}")


def _push(write: StorePush, names: Names) -> None:
    names.places.update((inbox_conversation(user), user) for user in write.users)


def _create_group(write: CreateGroup, names: Names) -> None:
    names.places.add((write.conversation, write.user))
    names.users.add(write.user)
    _join(names, (write.owner, *write.members))


def _change_group(write: ChangeGroup, names: Names) -> None:
    _in_place(write, names)
    change = write.change
    coming: Iterable[str] = ()
    if isinstance(change, Invite):
        coming = change.users
    elif isinstance(change, Approve):
        coming = (change.user,)
    elif isinstance(change, Join):
        coming = (write.user,)
    _join(names, coming)
    names.places.update((write.conversation, user) for user in coming)


def _join(names: Names, users: Iterable[str]) -> None:
    """Users who come into a group: one at a time, since a user is in so many at most, on whichever shard."""
    names.makes.update(users)
    names.locks.update(f"groups {zlib.crc32(user.encode()) % GROUP_LOCKS}" for user in users)


def _erase_messages(write: EraseMessages, names: Names) -> None:
    _in_place(write, names)
    names.places.update((write.conversation, user) for user in users_by_id(write.conversation))


def _request(write: Remember | KeepAnswer, names: Names) -> None:
    names.locks.add(f"request {write.owner} {write.key}")


def _key(write: CreateKey | RevokeKey, names: Names) -> None:
    names.locks.add("keys")


def _pass_away(write: PassAway, names: Names) -> None:
    names.locks.add(f"away {write.consumer}")


def _consumer(write: SubscribeEvents | SettleEvents | ReplayDead, names: Names) -> None:
    names.locks.add(f"events {write.consumer}")


def _webhook(write: Any, names: Names) -> None:
    names.locks.add("webhooks")


def _nothing(write: Any, names: Names) -> None:
    """Rows that nobody else writes, or that each statement takes by itself."""


NAMING: dict[type, Callable[[Any, Names], None]] = {
    Send: _send,
    SendAsApp: _send_as_app,
    **dict.fromkeys((MoveRead, MoveDelivered, SetContact, DeleteEntries, ClearHistory), _in_place),
    ChangeMessage: _in_place,
    **dict.fromkeys((Login, CreateUser, SetDisabled), _make),
    **dict.fromkeys((LogOut, SetProfile, SeeRequests, EraseUser), _user),
    EraseMessages: _erase_messages,
    **dict.fromkeys((AskFriend, AnswerFriend, WithdrawRequest, EndFriendship, Block, OpenDirect), _pair),
    Conclude: _conclude,
    StorePush: _push,
    CreateGroup: _create_group,
    ChangeGroup: _change_group,
    **dict.fromkeys((Remember, KeepAnswer), _request),
    **dict.fromkeys((CreateKey, RevokeKey), _key),
    **dict.fromkeys((ExpirePushes, ExpireRequests, KeepEvents, PurgeMessages, *LEDGER_WRITES), _nothing),
    **dict.fromkeys((RegisterPushToken, RemovePushToken), _nothing),
    PassAway: _pass_away,
    **dict.fromkeys((SubscribeEvents, SettleEvents, ReplayDead), _consumer),
    **dict.fromkeys(WEBHOOK_WRITES, _webhook),
}
