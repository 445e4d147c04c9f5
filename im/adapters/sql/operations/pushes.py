"""Pushes: into inboxes, out of them when their time is over, and what became of them."""

from typing import NamedTuple

from im.adapters.sql.operations.connection import Connection
from im.adapters.sql.operations.conversations import Conversation, Conversations
from im.adapters.sql.operations.dialect import UNCLAIMED
from im.adapters.sql.operations.events import EventWriter
from im.adapters.sql.operations.messages import Messages, Stored
from im.adapters.sql.operations.posting import Posting, begin
from im.adapters.sql.operations.statements import upsert
from im.core.entries import PLACEHOLDER, PUSH
from im.core.errors import Code, Refused
from im.core.ids import id_problem, inbox_conversation, users_by_id
from im.core.limits import Limits
from im.core.messages import Sent
from im.core.pushing import (
    KEPT_MS,
    MAX_TTL_MS,
    ExpirePushes,
    FindUsers,
    GetPush,
    InboxEntry,
    Push,
    PushDevice,
    PushesExpired,
    PushRecord,
    PushStored,
    PushUser,
    StorePush,
    UsersFound,
    chosen_classes,
    push_problem,
)

_ADD = (
    "INSERT INTO push (push_id, created_ms, expires_ms, device_classes) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (push_id) DO NOTHING"
)
_IS_KNOWN = "SELECT 1 FROM users WHERE user_id = ? AND erased_ms = 0"
_NEWEST = "SELECT seq FROM inbox_newest WHERE conversation_id = ? AND collapse_key = ?"
_SET_NEWEST = upsert("inbox_newest", ["conversation_id", "collapse_key"], ["seq"])
_BLANK = f"UPDATE message SET kind = {PLACEHOLDER}, content = ? WHERE conversation_id = ? AND seq = ?"
_OVER = (
    "SELECT push_id FROM push WHERE is_expired = 0 AND expires_ms <= ?"
    f" ORDER BY is_expired, expires_ms LIMIT 1 {UNCLAIMED}"
)
_SHOWN = (
    "SELECT conversation_id, seq FROM message"
    f" WHERE client_msg_id = ? AND sender = '' AND kind = {PUSH} LIMIT ?"
)
_FORGET_NEWEST = "DELETE FROM inbox_newest WHERE conversation_id = ? AND seq = ?"
_SET_EXPIRED = "UPDATE push SET is_expired = 1 WHERE push_id = ?"
_REMOVE_PUSHES = (
    "DELETE FROM push WHERE push_id IN (SELECT push_id FROM push"
    f" WHERE is_expired = 1 AND expires_ms <= ? ORDER BY is_expired, expires_ms LIMIT ? {UNCLAIMED})"
)
_REMOVE_RECEIPTS = (
    "DELETE FROM inbox_receipt WHERE (conversation_id, device_id, seq) IN"
    " (SELECT conversation_id, device_id, seq FROM inbox_receipt WHERE time_ms <= ?"
    f" ORDER BY time_ms LIMIT ? {UNCLAIMED})"
)
_PUSH = "SELECT created_ms, expires_ms, device_classes FROM push WHERE push_id = ?"
_ENTRIES = (
    "SELECT conversation_id, seq FROM message"
    " WHERE client_msg_id = ? AND sender = '' AND conversation_id > ? ORDER BY conversation_id LIMIT ?"
)
_DEVICES = (
    "SELECT d.device_id, d.device_class, coalesce((SELECT min(r.time_ms) FROM inbox_receipt AS r"
    " WHERE r.conversation_id = ? AND r.device_id = d.device_id AND r.seq >= ?), 0)"
    " FROM device AS d WHERE d.user_id = ? ORDER BY d.device_id"
)


class Inboxes(NamedTuple):
    """What of the writer pushes need."""

    connection: Connection
    conversations: Conversations
    messages: Messages
    posting: Posting
    limits: Limits
    events: EventWriter


class Pushes:
    """Executes pushes inside the writer's transaction."""

    def __init__(self, inboxes: Inboxes) -> None:
        self._connection, self._conversations, self._messages = inboxes[:3]
        self._posting, self._limits, self._events = inboxes[3:]

    def store(self, write: StorePush, now_ms: int) -> PushStored | Refused:
        """Put a push into inboxes; they begin with their first push. Users that aren't there are told."""
        push = write.push
        row = self._connection.execute(_PUSH, (push.id,)).fetchone()
        if row is None:
            problem = push_problem(push, now_ms, self._limits.content_bytes)
            if problem is not None:
                return problem
            self._connection.execute(_ADD, (push.id, now_ms, push.expires_ms, push.device_classes))
        entries: list[InboxEntry] = []
        unknown: list[str] = []
        for user in write.users:
            inbox = self._inbox(user, now_ms)
            if inbox is None:
                unknown.append(user)
            else:
                entries.append(self._put(push, user, inbox, now_ms))
        if push.collapse_key:
            self._collapse(push, [entry for entry in entries if entry.is_new])
        return PushStored(tuple(entries), tuple(unknown), self._messages.epoch, now_ms)

    def _inbox(self, user: str, now_ms: int) -> Conversation | None:
        if id_problem(user, "user") is not None:
            return None
        name, conversations = inbox_conversation(user), self._conversations
        inbox = conversations.get(name)
        if inbox is None and self._connection.execute(_IS_KNOWN, (user,)).fetchone() is not None:
            inbox = begin(name, (user,), now_ms)
            conversations.create(inbox)
        return inbox

    def _put(self, push: Push, user: str, inbox: Conversation, now_ms: int) -> InboxEntry:
        key = (push.id, "", inbox.id)
        messages = self._messages
        earlier = messages.added(key) or (messages.stored(key) if self._posting.is_careful else None)
        if earlier is not None:
            return InboxEntry(user, earlier.sent.seq, False)
        inbox.last_seq += 1
        inbox.head_sender = ""
        inbox.head_time_ms = now_ms
        self._conversations.touch(inbox)
        sent = Sent(inbox.id, inbox.last_seq, inbox.n, now_ms, messages.epoch, False)
        messages.add(key, Stored(sent, PUSH, push.content))
        return InboxEntry(user, inbox.last_seq, True)

    def _collapse(self, push: Push, entries: list[InboxEntry]) -> None:
        """Leave a placeholder where the key's newest entry stood before."""
        self._messages.write()
        older: list[tuple[str, int]] = []
        for entry in entries:
            inbox = inbox_conversation(entry.user)
            row = self._connection.execute(_NEWEST, (inbox, push.collapse_key)).fetchone()
            if row is not None:
                older.append((inbox, row[0]))
        self._connection.executemany(_BLANK, [(b"", *at) for at in older])
        newest = [(inbox_conversation(entry.user), push.collapse_key, entry.seq) for entry in entries]
        _SET_NEWEST.execute(self._connection, newest)

    def expire(self, write: ExpirePushes, now_ms: int) -> PushesExpired:
        """Blank what may not be shown any more, then remove what nobody asks for."""
        rows, execute = 0, self._connection.execute
        while rows < write.most:
            over = execute(_OVER, (now_ms,)).fetchone()
            if over is None:
                break
            shown = execute(_SHOWN, (over[0], write.most - rows)).fetchall()
            self._events.expired(bytes(over[0]), shown, now_ms)
            self._connection.executemany(_BLANK, [(b"", *at) for at in shown])
            self._connection.executemany(_FORGET_NEWEST, shown)
            rows += len(shown)
            if rows < write.most:
                execute(_SET_EXPIRED, over)
                rows += 1
        rows += execute(_REMOVE_PUSHES, (now_ms - KEPT_MS, write.most - rows)).rowcount
        old_ms = now_ms - KEPT_MS - MAX_TTL_MS
        rows += execute(_REMOVE_RECEIPTS, (old_ms, write.most - rows)).rowcount
        return PushesExpired(rows)


def users_found(connection: Connection, query: FindUsers) -> UsersFound:
    """Which of some users are there."""
    known = [user for user in query.users if connection.execute(_IS_KNOWN, (user,)).fetchone() is not None]
    return UsersFound(frozenset(known))


def push_of(connection: Connection, query: GetPush) -> PushRecord | Refused:
    """What became of a push, one page of its users."""
    row = connection.execute(_PUSH, (query.push,)).fetchone()
    if row is None:
        return Refused(Code.NOT_FOUND, "there is no such push, or its time was over long ago", "id")
    created_ms, expires_ms, device_classes = row
    chosen = chosen_classes(device_classes)
    after = inbox_conversation(query.after) if query.after else ""
    found = connection.execute(_ENTRIES, (query.push, after, query.limit + 1)).fetchall()
    users = []
    for inbox, seq in found[: query.limit]:
        (user,) = users_by_id(inbox)
        rows = connection.execute(_DEVICES, (inbox, seq, user))
        devices = (PushDevice._make(device) for device in rows)
        users.append(
            PushUser(user, seq, tuple(each for each in devices if not chosen or each.device_class in chosen))
        )
    following = users[-1].user if len(found) > query.limit else ""
    return PushRecord(query.push, created_ms, expires_ms, tuple(users), following)
