"""The base class of what an app does when something happens in the system, and what it is told.

A subclass implements those methods of `Hook` whose events it wants. It is found by its entry point in
the group `im.hooks`; `docs/extending.md` shows one.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple, Protocol, TypeVar

from im.core.grouping import CreateGroup, GroupChange
from im.core.reaching import AwayDevice, OfflineMessage
from im.core.relations import AnswerFriend, AskFriend, Block, EndFriendship, WithdrawRequest
from im.handler import Extension

__all__ = [
    "EVENTS",
    "AwayDevice",
    "GroupIntent",
    "Hook",
    "HookContext",
    "HookOwner",
    "Message",
    "OfflineMessage",
    "RelationIntent",
    "StoredMessage",
    "Stranger",
    "UserOffline",
    "UserOnline",
]

T = TypeVar("T")


class HookContext(Protocol):
    """What a call of a hook may use."""

    @property
    def now_ms(self) -> int:
        """When it was called, Unix ms."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """The section `[hooks.NAME]` of the configuration, NAME being the entry point's."""

    def in_thread(self, call: Callable[..., T], *arguments: Any) -> Awaitable[T]:
        """Run what blocks, such as a query to a database of the app's own, on a thread of the hook's."""


class UserOnline(NamedTuple):
    """A session began at `at_ms` and is in the ledger. `is_first`: the user has no other.

    Where the registry can't be asked for others, it is false.
    """

    user: str
    session: str
    device: str
    device_class: str
    node: str
    at_ms: int
    is_foreground: bool
    is_first: bool


class UserOffline(NamedTuple):
    """A session that was open for `duration_ms` ended; its client was last heard at `at_ms`.

    `reason` is why, as in the ledger. `is_last`: the user has no other
    by now. Where the registry can't be asked for others, it is false.
    """

    user: str
    session: str
    device: str
    device_class: str
    node: str
    at_ms: int
    duration_ms: int
    reason: str
    is_last: bool


class Message(NamedTuple):
    """What a user is about to say. `edits` is the seq of the message whose content it is to be, or 0.

    The kind of an edit is that of the message, and given here as 0. A mention of "" is of everyone.
    """

    conversation: str
    sender: str
    device: str
    kind: int
    content: bytes
    mentions: tuple[str, ...] = ()
    edits: int = 0


class StoredMessage(NamedTuple):
    """A message that is stored now, with the content that it is stored with."""

    conversation: str
    seq: int
    sender: str
    client_msg_id: bytes
    kind: int
    content: bytes
    time_ms: int


class RelationIntent(NamedTuple):
    """What a user is about to change in how they stand to `peer`."""

    user: str
    peer: str
    change: AskFriend | AnswerFriend | WithdrawRequest | EndFriendship | Block


class GroupIntent(NamedTuple):
    """What a user is about to change in a group, or the group that they are about to make."""

    conversation: str
    user: str
    change: CreateGroup | GroupChange


class Stranger(NamedTuple):
    """Somebody who is about to write to one who takes messages from friends only."""

    user: str
    peer: str


class Hook(Extension):
    """What an app does at events. What a subclass doesn't implement is never called, and costs nothing.

    A method is a coroutine function, or a plain one that is done when it returns. Calls about one user,
    of messages and changes those about one conversation, are made one at a time, in order. A call of
    `user_online`, `user_offline` and `after_message` is at most once: who must not miss one takes webhooks.

    What raises `RefusedError` in `before_…` or `may_write` refuses; what fails or is late has the client
    try again. They are asked again when a client repeats a request, and should then answer the same.
    """

    async def user_online(self, context: HookContext, event: UserOnline) -> None:
        """A session of a user began."""

    async def user_offline(self, context: HookContext, event: UserOffline) -> None:
        """A session of a user ended. Those that died with their node are not told."""

    async def offline_message(self, context: HookContext, event: OfflineMessage) -> None:
        """A message did not reach a user in time; what the app sends with the device's push tokens.

        Unlike the others it is called at least once: after a crash again, and after a failure up to six
        times in half a minute. `event.key` is the same each time.
        """

    async def before_message(self, context: HookContext, message: Message) -> str | bytes | None:
        """A user sends a message, or edits one. Returns other content for it, or None: as it is."""

    async def after_message(self, context: HookContext, message: StoredMessage) -> None:
        """A message was stored."""

    async def before_relation(self, context: HookContext, intent: RelationIntent) -> None:
        """A user asks somebody to be a friend, answers or withdraws that, ends a friendship, blocks."""

    async def before_group_change(self, context: HookContext, intent: GroupIntent) -> None:
        """A user makes a group, or changes one."""

    async def may_write(self, context: HookContext, stranger: Stranger) -> bool | None:
        """Whether to let a user write to another from now on, where the setting `direct` is `hook`.

        The first hook that says True does; with False and None of all they stay strangers.
        """

    @classmethod
    def wants(cls, event: str) -> bool:
        """Whether it implements the method of this name."""
        return getattr(cls, event) is not getattr(Hook, event)


EVENTS = frozenset(name for name in vars(Hook) if not name.startswith("_") and name != "wants")
"""The names of the methods that a hook may implement."""


class HookOwner(NamedTuple):
    """A hook under its name, "hooks." and that of its entry point, with its settings."""

    name: str
    handler: Hook
    settings: Mapping[str, Any] = {}
