"""A person taken out of the tables, a bounded part in each transaction, as far as it is not others' too."""

from collections.abc import Callable
from typing import Any

from im.adapters.sql.operations.connection import Connection
from im.adapters.sql.operations.conversations import NO_KEEPINGS, Conversation, Conversations, Member
from im.adapters.sql.operations.membership import GroupParts
from im.adapters.sql.operations.posting import find
from im.core.entries import EDIT, FIRST_SYSTEM_KIND, PLACEHOLDER, REACTION, RECALL, RECALLED
from im.core.errors import Code, Refused
from im.core.ids import DIRECT, INBOX, direct_peer, id_problem, inbox_conversation
from im.core.personal import (
    EraseMessages,
    EraseUser,
    FindTraces,
    MessagesErased,
    Trace,
    Traces,
    UserErased,
)
from im.core.validation import conversation_problem, page_problem, seq_problem, unknown_conversation

ENTRIES_AT_ONCE = 500
"""Of a log, in one transaction, for which others wait."""

TRACES_AT_ONCE = 20

_PART = " WHERE conversation_id = ? AND seq BETWEEN ? AND ? AND sender = ?"
_MESSAGES = f"{_PART} AND kind BETWEEN 1 AND {FIRST_SYSTEM_KIND - 1} AND kind <> {RECALLED}"
_NOTE = (
    "INSERT INTO message_change (conversation_id, kind, target_seq, sender, value, seq)"
    f" SELECT conversation_id, {RECALL}, seq, sender, '', 0 FROM message{_MESSAGES}"
    " ON CONFLICT (conversation_id, kind, target_seq, sender, value) DO NOTHING"
)
_LAST = f"SELECT max(seq) FROM message{_MESSAGES}"
_EMPTY = f"UPDATE message SET kind = {RECALLED}, content = ?{_MESSAGES}"
_EMPTY_CHANGES = (
    f"UPDATE message SET kind = {PLACEHOLDER}, content = ?{_PART} AND kind IN ({EDIT}, {REACTION})"
)
_FORGET_CHANGES = (
    f"DELETE FROM message_change WHERE conversation_id = ? AND kind IN ({EDIT}, {REACTION})"
    " AND target_seq BETWEEN ? AND ? AND (sender = ? OR target_seq IN"
    f" (SELECT seq FROM message{_PART} AND kind = {RECALLED}))"
)
_FORGET_MENTIONS = "DELETE FROM mention WHERE conversation_id = ? AND user_id = ? AND seq BETWEEN ? AND ?"
_FORGET_DELETED = (
    "DELETE FROM deleted_entry WHERE conversation_id = ? AND user_id = ? AND seq BETWEEN ? AND ?"
)
_REMOVE = "DELETE FROM message WHERE conversation_id = ? AND seq BETWEEN ? AND ?"
_OF_INBOX = tuple(
    f"DELETE FROM {table} WHERE conversation_id = ?"
    for table in ("member", "inbox_newest", "inbox_receipt", "deleted_entry", "mention", "message_change")
)
_REMOVE_CONVERSATION = "DELETE FROM conversation WHERE conversation_id = ?"

_THEIRS = (
    ("device", "device_id", "user_id"),
    ("push_token", "device_id", "user_id"),
    ("friend_request", "addressee", "requester"),
    ("friend_request", "requester", "addressee"),
    ("online_day", "day, device_class", "user_id"),
    ("handler_reply", "handler, request_key", "user_id"),
)
"""Tables that are the user's alone: the table, the rest of its key, and the column with the user."""

_FORGET = [
    f"DELETE FROM {table} WHERE {whose} = ? AND ({rest}) IN"
    f" (SELECT {rest} FROM {table} WHERE {whose} = ? LIMIT ?)"
    for table, rest, whose in _THEIRS
]
_CLOSED = "SELECT session_id FROM online_session WHERE user_id = ? AND closed_ms IS NOT NULL LIMIT ?"
_FORGET_SPANS = "DELETE FROM online_foreground WHERE session_id = ?"
_FORGET_SESSION = "DELETE FROM online_session WHERE session_id = ?"
_OPEN = "SELECT count(*) FROM online_session WHERE user_id = ? AND closed_ms IS NULL"

_TRACES = (
    "SELECT m.conversation_id,"
    " CASE WHEN m.leave_seq IS NULL AND g.is_dissolved = 0 THEN m.role ELSE '' END,"
    " coalesce((SELECT o.user_id FROM member AS o JOIN users AS u ON u.user_id = o.user_id"
    " WHERE o.conversation_id = g.conversation_id AND m.role = 'owner' AND o.user_id <> m.user_id"
    " AND o.leave_seq IS NULL AND u.disabled = 0"
    " ORDER BY CASE o.role WHEN 'admin' THEN 0 ELSE 1 END, o.join_seq, o.user_id LIMIT 1), '')"
    " FROM member AS m LEFT JOIN group_info AS g ON g.conversation_id = m.conversation_id"
    " WHERE m.user_id = ? AND m.conversation_id > ? ORDER BY m.conversation_id LIMIT ?"
)
_ASKING = "SELECT conversation_id FROM group_asking WHERE user_id = ? LIMIT ?"
_RECORDS = (
    "SELECT r.handler, r.key FROM handler AS h JOIN handler_record AS r ON r.handler = h.handler"
    " WHERE r.key >= ? AND r.key < ? AND (r.key = ? OR r.key >= ?) LIMIT ?"
)


class Erasing:
    """Executes erasures inside the writer's transaction."""

    def __init__(self, parts: GroupParts) -> None:
        self._connection: Connection = parts.connection
        self._conversations: Conversations = parts.conversations
        self._messages, self._users = parts.messages, parts.users

    def steps(self) -> dict[type, Callable[[Any, int], UserErased | MessagesErased | Refused]]:
        """What executes each write."""
        return {EraseUser: self.user, EraseMessages: self.messages}

    def user(self, write: EraseUser, now_ms: int) -> UserErased | Refused:
        """Shut a user out for good, and remove a part of what is theirs alone."""
        problem = id_problem(write.user, "user") or self._users.erase(write.user, now_ms)
        if problem is not None:
            return problem
        rows, execute = 0, self._connection.execute
        for sql in _FORGET:
            if rows < write.most:
                rows += execute(sql, (write.user, write.user, write.most - rows)).rowcount
        sessions = execute(_CLOSED, (write.user, max(write.most - rows, 0))).fetchall()
        self._connection.executemany(_FORGET_SPANS, sessions)
        self._connection.executemany(_FORGET_SESSION, sessions)
        (still_open,) = execute(_OPEN, (write.user,)).fetchone()
        return UserErased(write.user, rows + len(sessions), still_open)

    def messages(self, write: EraseMessages, now_ms: int) -> MessagesErased | Refused:
        """Empty a part of what a user wrote in a conversation."""
        problem = conversation_problem(write.conversation, write.user) or seq_problem(
            write.from_seq, "from_seq"
        )
        if problem is not None:
            return problem
        if not self._users.is_erased(write.user):
            return Refused(Code.CONFLICT, "erase the user first", "user")
        conversation = find(self._conversations, write.conversation, write.user)
        if not isinstance(conversation, Conversation):
            return conversation or unknown_conversation()
        self._messages.write()
        last = min(write.from_seq + ENTRIES_AT_ONCE - 1, conversation.last_seq)
        is_end = last >= conversation.last_seq
        if conversation.id == inbox_conversation(write.user):
            # Who touched it in this transaction would write its row again.
            is_end = is_end and conversation.id not in self._conversations.touched
            count = self._remove_inbox(conversation, write.from_seq, last, is_end)
        else:
            member = self._conversations.member(conversation, write.user)
            if member is None:
                return unknown_conversation()
            count = self._empty(conversation, write.user, write.from_seq, last)
            if is_end:
                self._forget_keepings(conversation, member)
        return MessagesErased(conversation.id, write.user, count, 0 if is_end else last + 1)

    def _empty(self, conversation: Conversation, user: str, first: int, last: int) -> int:
        execute = self._connection.execute
        part = (conversation.id, first, last, user)
        (furthest,) = execute(_LAST, part).fetchone()
        execute(_NOTE, part)
        count = execute(_EMPTY, (b"", *part)).rowcount
        changes = execute(_EMPTY_CHANGES, (b"", *part)).rowcount
        changes += execute(_FORGET_CHANGES, (*part, *part)).rowcount
        execute(_FORGET_MENTIONS, (conversation.id, user, first, last))
        execute(_FORGET_DELETED, (conversation.id, user, first, last))
        if furthest is not None:
            self._conversations.recall(conversation, furthest)
        if changes:
            self._conversations.touch(conversation)
        return count

    def _forget_keepings(self, conversation: Conversation, member: Member) -> None:
        """What the user keeps of it goes, and in a direct one that the other side can write to them."""
        kept = self._conversations.keepings(conversation, member)
        if kept != NO_KEEPINGS:
            self._conversations.keep_of(conversation, member, NO_KEEPINGS)
        peer = direct_peer(conversation.id, member.user) if conversation.kind == DIRECT else None
        other = None if peer is None else self._conversations.member(conversation, peer)
        if other is None:
            return
        theirs = self._conversations.keepings(conversation, other)
        after = theirs._replace(remark="", relation=NO_KEEPINGS.relation)
        if after != theirs or other.can_send:
            other.can_send = False
            self._conversations.keep_of(conversation, other, after)

    def _remove_inbox(self, inbox: Conversation, first: int, last: int, is_end: bool) -> int:
        assert inbox.kind == INBOX
        count = self._connection.execute(_REMOVE, (inbox.id, first, last)).rowcount
        if is_end:
            for sql in (*_OF_INBOX, _REMOVE_CONVERSATION):
                self._connection.execute(sql, (inbox.id,))
            self._conversations.drop(inbox.id)
        return count


def traces_of(connection: Connection, query: FindTraces) -> Traces | Refused:
    """What of a user lies with others."""
    problem = id_problem(query.user, "user") or page_problem(query.after)
    if problem is not None:
        return problem
    execute, user = connection.execute, query.user
    rows = execute(_TRACES, (user, query.after, TRACES_AT_ONCE)).fetchall()
    asking = tuple(name for (name,) in execute(_ASKING, (user, TRACES_AT_ONCE)))
    whose = (user, f"{user}\x7f", user, f"{user}~")
    records = tuple(execute(_RECORDS, (*whose, TRACES_AT_ONCE)).fetchall())
    traces = tuple(Trace._make(row) for row in rows)
    return Traces(traces, len(rows) < TRACES_AT_ONCE, asking, records)
