"""What becomes of messages that are there: recalled, edited, reacted to; deleted or cleared for one user."""

from collections.abc import Callable
from typing import Any, NamedTuple

from im.adapters.sql.checks import disabled
from im.adapters.sql.operations.connection import Connection
from im.adapters.sql.operations.conversations import Conversation, Conversations, Member
from im.adapters.sql.operations.membership import GroupParts
from im.adapters.sql.operations.messages import Messages
from im.adapters.sql.operations.posting import (
    Place,
    blocked,
    find,
    group_refusal,
    head_of,
    member_place,
    unread_of,
)
from im.contents import parse
from im.core import entries
from im.core.changing import (
    DELETED_AT_ONCE,
    MOST_DELETED,
    ChangeMessage,
    ClearHistory,
    DeleteEntries,
    Edit,
    MessageChanged,
    PlaceChanged,
    React,
    Recall,
    edit_refusal,
    no_target,
    recall_refusal,
)
from im.core.contents import MOST_REACTIONS, reaction_problem
from im.core.custom import Post
from im.core.errors import Code, Refused, invalid
from im.core.groups import ADMIN, APP, dissolved, gone, key_problem, rank
from im.core.ids import GROUP, INBOX
from im.core.messages import Entry
from im.core.validation import content_problem, seq_problem, unknown_conversation
from im.proto.content_pb2 import MessageChange, Rich
from im.wire.codec import UndecodableError, unpack_as

Outcome = MessageChanged | Refused

_TOLD = (entries.RECALL, entries.EDIT, entries.REACTION)

_TARGET = "SELECT kind, sender, time_ms, content FROM message WHERE conversation_id = ? AND seq = ?"
_SET_CONTENT = "UPDATE message SET content = ? WHERE conversation_id = ? AND seq = ?"
_BLANK = f"UPDATE message SET kind = {entries.RECALLED}, content = ? WHERE conversation_id = ? AND seq = ?"
_EDITS = (
    f"SELECT seq FROM message_change WHERE conversation_id = ? AND kind = {entries.EDIT} AND target_seq = ?"
)
_NOTE = (
    "INSERT INTO message_change (conversation_id, kind, target_seq, sender, value, seq)"
    " VALUES (?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (conversation_id, kind, target_seq, sender, value) DO UPDATE SET seq = excluded.seq"
)
_FORGET = "DELETE FROM message_change WHERE conversation_id = ? AND kind = ? AND target_seq = ?"
_FORGET_ONE = f"{_FORGET} AND sender = ? AND value = ?"
_REACTIONS = (
    "SELECT value, max(CASE WHEN sender = ? THEN 1 ELSE 0 END) FROM message_change"
    f" WHERE conversation_id = ? AND kind = {entries.REACTION} AND target_seq = ? GROUP BY value"
)
_KINDS = (
    "SELECT seq, kind, sender FROM message WHERE conversation_id = ?"
    f" AND seq IN ({', '.join('?' * DELETED_AT_ONCE)})"
)
_DELETE = (
    "INSERT INTO deleted_entry (conversation_id, user_id, seq, counts) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (conversation_id, user_id, seq) DO NOTHING"
)
_COUNT_DELETED = "SELECT count(*) FROM deleted_entry WHERE conversation_id = ? AND user_id = ?"
_FORGET_DELETED = "DELETE FROM deleted_entry WHERE conversation_id = ? AND user_id = ? AND seq <= ?"


class _Target(NamedTuple):
    """A message that somebody changes; `role` is theirs, `age_ms` how long ago it was stored."""

    write: ChangeMessage
    conversation: Conversation
    role: str
    kind: int
    sender: str
    age_ms: int
    content: bytes
    now_ms: int

    @property
    def at(self) -> tuple[str, int]:
        """Its place."""
        return self.conversation.id, self.write.target


class Changes:
    """Executes changes of messages inside the writer's transaction."""

    def __init__(self, parts: GroupParts) -> None:
        self._connection: Connection = parts.connection
        self._conversations: Conversations = parts.conversations
        self._messages: Messages = parts.messages
        self._posts, self._users, self._limits = parts.posts, parts.users, parts.limits
        self._changes: dict[type, Callable[[_Target, Any], Outcome]] = {
            Recall: self._recall,
            Edit: self._edit,
            React: self._react,
        }

    def steps(self) -> dict[type, Callable[[Any, int], Outcome | PlaceChanged]]:
        """What executes each write."""
        return {ChangeMessage: self.change, DeleteEntries: self.delete, ClearHistory: self.clear}

    def change(self, write: ChangeMessage, now_ms: int) -> Outcome:
        """Change a message, once."""
        problem = key_problem(write.key) or seq_problem(write.target, "target")
        if problem is None and self._users.is_disabled(write.user):
            problem = disabled()
        if problem is not None:
            return problem
        conversation = find(self._conversations, write.conversation, write.user)
        if not isinstance(conversation, Conversation):
            return conversation or unknown_conversation()
        earlier = self._messages.told((write.key, write.user, conversation.id), _TOLD)
        if earlier is not None:
            return earlier if isinstance(earlier, Refused) else self._same(conversation, earlier)
        target = self._target(conversation, write, now_ms)
        if isinstance(target, Refused):
            return target
        return self._changes[type(write.change)](target, write.change)

    def _target(self, conversation: Conversation, write: ChangeMessage, now_ms: int) -> _Target | Refused:
        role, first, last = APP, 1, conversation.last_seq
        if not last:
            return unknown_conversation()  # it may be there for the other side alone
        if write.user:
            member = self._conversations.member(conversation, write.user)
            refused = self._standing_refusal(conversation, member, write, now_ms)
            if member is None or refused is not None:
                return refused or unknown_conversation()
            role, first = member.role, member.cursors.visible_from
        self._messages.write()
        row = self._connection.execute(_TARGET, (conversation.id, write.target)).fetchone()
        if row is None or not first <= write.target <= last:
            return no_target()
        kind, sender, time_ms, content = row
        if not entries.is_message(kind) and not (kind == entries.RECALLED and type(write.change) is Recall):
            return no_target()
        return _Target(write, conversation, role, kind, sender, now_ms - time_ms, content, now_ms)

    def _standing_refusal(
        self, conversation: Conversation, member: Member | None, write: ChangeMessage, now_ms: int
    ) -> Refused | None:
        """Why a user may change nothing of this kind here."""
        if member is None or conversation.kind == INBOX:
            return unknown_conversation() if member is None else no_target()
        if conversation.kind != GROUP:
            return None if member.can_send or type(write.change) is Recall else blocked()
        if not member.is_active:
            return gone()
        if self._conversations.group(conversation).is_dissolved:
            return dissolved()
        if type(write.change) is Edit:
            return group_refusal(self._conversations, conversation, member, now_ms)
        return None

    def _recall(self, target: _Target, change: Recall) -> Outcome:
        conversation, write = target.conversation, target.write
        if target.kind == entries.RECALLED:
            return self._same(conversation)
        is_admin = target.role == APP or (conversation.kind == GROUP and rank(target.role) >= rank(ADMIN))
        most_ms = round(self._limits.recall_seconds * 1_000)
        refused = recall_refusal(write.user == target.sender, is_admin, target.age_ms, most_ms)
        if refused is not None:
            return refused
        self._conversations.recall(conversation, write.target)
        self._connection.execute(_BLANK, (b"", *target.at))
        self._blank_edit(target)
        for kind in (entries.EDIT, entries.REACTION):
            self._connection.execute(_FORGET, (conversation.id, kind, write.target))
        changed = self._tell(target, entries.RECALL, MessageChange(target=write.target))
        self._note(target, entries.RECALL, target.sender, "", changed)
        return changed

    def _edit(self, target: _Target, change: Edit) -> Outcome:
        conversation, write = target.conversation, target.write
        most_ms = round(self._limits.edit_seconds * 1_000)
        is_editable = entries.is_editable(target.kind)
        refused = edit_refusal(write.user == target.sender, is_editable, target.age_ms, most_ms)
        if refused is not None:
            return refused
        kind, content = _edited(target, change)
        problem = content_problem(kind, change.content, self._limits.content_bytes)
        problem = problem or content_problem(target.kind, content, self._limits.content_bytes)
        problem = problem or _edit_problem(kind, change)
        if problem is not None:
            return problem
        if content == target.content:
            return self._same(conversation)
        self._conversations.touch(conversation)
        self._connection.execute(_SET_CONTENT, (content, *target.at))
        self._blank_edit(target)
        changed = self._tell(target, entries.EDIT, MessageChange(target=write.target, content=content))
        self._note(target, entries.EDIT, write.user, "", changed)
        return changed

    def _blank_edit(self, target: _Target) -> None:
        """What an earlier edit said is not to be read in the log any more."""
        for (seq,) in self._connection.execute(_EDITS, target.at).fetchall():
            content = MessageChange(target=target.write.target).SerializeToString()
            self._connection.execute(_SET_CONTENT, (content, target.conversation.id, seq))

    def _react(self, target: _Target, change: React) -> Outcome:
        conversation, write = target.conversation, target.write
        problem = reaction_problem(change.reaction)
        if problem is not None:
            return problem
        there = dict(self._connection.execute(_REACTIONS, (write.user, *target.at)).fetchall())
        if bool(there.get(change.reaction)) is change.is_set:
            return self._same(conversation)
        if change.is_set and change.reaction not in there and len(there) >= MOST_REACTIONS:
            text = f"a message has at most {MOST_REACTIONS} different reactions"
            return Refused(Code.LIMIT_EXCEEDED, text, "reaction")
        body = MessageChange(target=write.target, reaction=change.reaction, is_set=change.is_set)
        changed = self._tell(target, entries.REACTION, body)
        if change.is_set:
            self._note(target, entries.REACTION, write.user, change.reaction, changed)
        else:
            row = (conversation.id, entries.REACTION, write.target, write.user, change.reaction)
            self._connection.execute(_FORGET_ONE, row)
        return changed

    def _tell(self, target: _Target, kind: int, body: MessageChange) -> MessageChanged:
        write, conversation = target.write, target.conversation
        content = body.SerializeToString(deterministic=True)
        entry = self._posts.tell(Post(conversation.id, write.user, write.key, kind, content), target.now_ms)
        return self._same(conversation, entry)._replace(is_new=True)

    def _note(self, target: _Target, kind: int, sender: str, value: str, changed: MessageChanged) -> None:
        assert changed.entry is not None
        conversation, seq = target.at
        self._connection.execute(_NOTE, (conversation, kind, seq, sender, value, changed.entry.seq))

    def _same(self, conversation: Conversation, entry: Entry | None = None) -> MessageChanged:
        version = conversation.member_version if conversation.kind == GROUP else 0
        return MessageChanged(conversation.id, entry, self._messages.epoch, False, version)

    def delete(self, write: DeleteEntries, now_ms: int) -> PlaceChanged | Refused:
        """Delete entries for one user."""
        if not 1 <= len(write.seqs) <= DELETED_AT_ONCE:
            return invalid("seqs", f"seqs must be 1 to {DELETED_AT_ONCE}")
        if self._users.is_disabled(write.user):
            return disabled()
        place = member_place(self._conversations, write.conversation, write.user)
        if isinstance(place, Refused):
            return place
        conversation, member = place
        first, last = member.cursors.visible_from, head_of(conversation, member)[0]
        seqs = {seq for seq in write.seqs if first <= seq <= last}
        (count,) = self._connection.execute(_COUNT_DELETED, (conversation.id, member.user)).fetchone()
        if count + len(seqs) > MOST_DELETED:
            return Refused(Code.LIMIT_EXCEEDED, "too much is deleted here; clear the history", "seqs")
        self._conversations.touch_place(conversation, member)
        self._messages.write()
        asked = (*seqs, *(0,) * (DELETED_AT_ONCE - len(seqs)))
        rows = self._connection.execute(_KINDS, (conversation.id, *asked)).fetchall()
        is_moved = False
        for seq, kind, sender in rows:
            counts = int(entries.counts(entries.original(kind)) and sender != member.user)
            row = (conversation.id, member.user, seq, counts)
            is_moved |= bool(self._connection.execute(_DELETE, row).rowcount)
        member.deleted_seq = max(member.deleted_seq, *(seq for seq, *_ in rows), 0)
        return self._placed(place, is_moved)

    def clear(self, write: ClearHistory, now_ms: int) -> PlaceChanged | Refused:
        """Let one user see nothing up to a seq any more."""
        if self._users.is_disabled(write.user):
            return disabled()
        place = member_place(self._conversations, write.conversation, write.user)
        if isinstance(place, Refused):
            return place
        conversation, member = place

        def look_up(seq: int) -> tuple[int, int]:
            return self._messages.look_up(conversation.id, member.user, seq)

        head_seq, head_n = head_of(conversation, member)
        self._conversations.touch_place(conversation, member)
        is_moved = member.cursors.move_clear(write.seq, head_seq, head_n, look_up)
        if is_moved and member.deleted_seq:
            row = (conversation.id, member.user, member.cursors.clear_seq)
            self._connection.execute(_FORGET_DELETED, row)
        return self._placed(place, is_moved)

    def _placed(self, place: Place, is_moved: bool) -> PlaceChanged:
        conversation, member = place
        unread = unread_of(self._messages, conversation, member)
        return PlaceChanged(conversation.id, member.user, member.cursors.visible_from, unread, is_moved)


def _edit_problem(kind: int, change: Edit) -> Refused | None:
    """Why a message of this kind can't get this content, or None."""
    if change.kind not in (0, kind):
        return invalid("content", "the message is of another kind")
    parsed = None if kind == entries.RICH else parse(kind, change.content)
    return parsed if isinstance(parsed, Refused) else None


def _edited(target: _Target, change: Edit) -> tuple[int, bytes]:
    """The kind of what is edited, and the whole content with it; a rich message keeps whom it answers."""
    if target.kind != entries.RICH:
        return target.kind, change.content
    try:
        whole = unpack_as(Rich, target.content)
    except UndecodableError:  # an app's own back end stored something else under this kind
        return target.kind, change.content
    whole.content = change.content
    return whole.kind, whole.SerializeToString(deterministic=True)
