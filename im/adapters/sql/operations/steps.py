"""What executes each write of a batch, inside the writer's transaction; shared by all databases."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from im.adapters.sql.operations.backends import Backends
from im.adapters.sql.operations.changes import Changes
from im.adapters.sql.operations.connection import Connection
from im.adapters.sql.operations.conversations import Conversations
from im.adapters.sql.operations.erasing import Erasing
from im.adapters.sql.operations.event_log import EventLog
from im.adapters.sql.operations.events import EventWriter
from im.adapters.sql.operations.groups import Groups
from im.adapters.sql.operations.handlers import Conclusions
from im.adapters.sql.operations.ledger import Ledger
from im.adapters.sql.operations.membership import GroupParts
from im.adapters.sql.operations.messages import Messages
from im.adapters.sql.operations.offline import UnreachedWriter
from im.adapters.sql.operations.online import Almanac
from im.adapters.sql.operations.posting import Posting
from im.adapters.sql.operations.posts import Posts
from im.adapters.sql.operations.purging import Purging
from im.adapters.sql.operations.push_tokens import TokenWriter
from im.adapters.sql.operations.pushes import Inboxes, Pushes
from im.adapters.sql.operations.relations import RelationParts, Relations
from im.adapters.sql.operations.upkeep import Upkeep
from im.adapters.sql.operations.users import Users
from im.adapters.sql.operations.webhooks import WebhookWriter
from im.adapters.sql.policy import StorePolicy
from im.core.commands import CreateUser, Login, Result, SetDisabled, SetProfile, Write
from im.core.custom import Conclude
from im.core.ledger import (
    BeatNode,
    ChangeAppState,
    EndNode,
    EndSilentNodes,
    KeepLedger,
    MoveClock,
    OpenSession,
)
from im.core.messages import MoveDelivered, MoveRead, Send, SendAsApp
from im.core.purging import PurgeMessages
from im.core.pushing import ExpirePushes, StorePush
from im.core.reaching import PassAway

REMEMBERED_CONVERSATIONS = 8_192


class StepRules(NamedTuple):
    """What writes are allowed, and what the writer may take for granted.

    `remembered`: how many conversations. `is_alone`: no other process writes to the database. `is_own` tells
    of a conversation whether this writer is the only one that writes to its members.
    """

    policy: StorePolicy
    almanac: Almanac
    remembered: int = REMEMBERED_CONVERSATIONS
    is_alone: bool = True
    is_own: Callable[[str], bool] | None = None


class Steps:
    """Executes writes on one connection, within transactions that its user begins and ends."""

    def __init__(self, connection: Connection, epoch: str, rules: StepRules) -> None:
        policy = rules.policy
        limits = policy.limits
        self.conversations = conversations = Conversations(connection, rules.remembered, rules.is_own)
        self.messages = messages = Messages(connection, epoch)
        self.unreached = UnreachedWriter(connection, policy.away_consumers)
        self.users = users = Users(connection, limits, policy.users_open, rules.is_alone)
        self._posting = Posting(conversations, messages, users, limits, policy.is_for_friends)
        self.events = EventWriter(connection, self.unreached, rules.is_alone)
        self.ledger = ledger = Ledger(connection, self.events, rules.is_alone)
        self._upkeep = Upkeep(connection, limits, rules.almanac)
        pushes = Pushes(Inboxes(connection, conversations, messages, self._posting, limits, self.events))
        posts = Posts(conversations, messages, users, limits)
        relations = Relations(RelationParts(connection, conversations, posts, users, epoch))
        parts = GroupParts(connection, conversations, messages, posts, users, limits)
        self._steps: dict[type, Callable[[Any, int], Result]] = {
            Send: self._posting.send,
            SendAsApp: posts.send,
            MoveRead: self._posting.move_read,
            MoveDelivered: self._posting.move_delivered,
            Login: users.login,
            SetDisabled: users.set_disabled,
            CreateUser: users.create,
            SetProfile: users.set_profile,
            Conclude: Conclusions(connection, posts, limits).conclude,
            OpenSession: ledger.open,
            ChangeAppState: ledger.change,
            MoveClock: ledger.move_clock,
            EndNode: ledger.end_node,
            BeatNode: ledger.beat_node,
            EndSilentNodes: ledger.end_silent,
            KeepLedger: self._upkeep.keep,
            StorePush: pushes.store,
            ExpirePushes: pushes.expire,
            **relations.steps(),
            **Groups(parts).steps(),
            **Changes(parts).steps(),
            **Erasing(parts).steps(),
            PurgeMessages: Purging(connection, messages).purge,
            PassAway: self.unreached.pass_away,
            **TokenWriter(connection).steps(users, ledger),
            **Backends(connection).steps(),
            **EventLog(connection, self.events).steps(),
            **WebhookWriter(connection, self.events).steps(),
        }

    def execute(self, batch: Sequence[Write], now_ms: int, is_careful: bool) -> list[Result]:
        """Execute writes in order; results aligned. `is_careful`: look whether messages are stored.

        Raises `StoredBeforeError` if one is and nobody looked; at the latest when they are written.
        """
        self._posting.is_careful = is_careful
        events = self.events
        if now_ms >= events.stale_ms:
            events.learn(now_ms)
        results = [self._steps[type(write)](write, now_ms) for write in batch]
        if events.wanted:
            events.record(batch, results, self.messages.entries_now(), now_ms)
        return results

    def settle(self, is_stored: bool) -> None:
        """After the transaction's end: keep or forget what it did."""
        self.messages.clear()
        if is_stored:
            self.conversations.keep()
        else:
            self.conversations.forget()
            self.events.forget()
        self.users.settle(is_stored)
        self.ledger.settle(is_stored)
        self._upkeep.settle(is_stored)
