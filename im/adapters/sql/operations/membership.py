"""Who is in a group: letting in, putting out, and the entry that tells of it."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from im.adapters.sql.operations.connection import Connection
from im.adapters.sql.operations.conversations import Conversation, Conversations, Member
from im.adapters.sql.operations.group_rows import Group
from im.adapters.sql.operations.messages import Messages
from im.adapters.sql.operations.posts import Posts
from im.adapters.sql.operations.users import Users
from im.core.custom import Post
from im.core.errors import Code, Refused
from im.core.grouping import GroupChanged
from im.core.groups import ADMIN, EVERYTHING, MEMBER, MOST_ASKING, OWNER
from im.core.limits import Limits
from im.core.messages import Entry
from im.core.unread import Cursors
from im.proto.group_pb2 import GroupEvent

_MOST_LOOKERS = 100

_GROUPS_OF = (
    "SELECT {what} FROM member AS m JOIN group_info AS g ON g.conversation_id = m.conversation_id"
    " WHERE m.user_id = ? AND m.leave_seq IS NULL AND g.is_dissolved = 0"
)
_COUNT_GROUPS = _GROUPS_OF.format(what="count(*)")
_NAME_GROUPS = _GROUPS_OF.format(what="m.conversation_id")
_ADMINS = (
    f"SELECT user_id FROM member WHERE conversation_id = ? AND role IN ('{ADMIN}', '{OWNER}')"
    f" AND leave_seq IS NULL LIMIT {_MOST_LOOKERS}"
)
_ASK = (
    "INSERT INTO group_asking (conversation_id, user_id, text, time_ms) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (conversation_id, user_id) DO UPDATE SET text = excluded.text, time_ms = excluded.time_ms"
)
_ASKS = "SELECT 1 FROM group_asking WHERE conversation_id = ? AND user_id = ?"
_ASK_NO_MORE = "DELETE FROM group_asking WHERE conversation_id = ? AND user_id = ?"


class GroupParts(NamedTuple):
    """What of the writer groups need."""

    connection: Connection
    conversations: Conversations
    messages: Messages
    posts: Posts
    users: Users
    limits: Limits


class Act(NamedTuple):
    """Somebody's change of a group: `role` is theirs, `member` their row, if there is any."""

    conversation: Conversation
    group: Group
    user: str
    member: Member | None
    role: str
    key: bytes
    now_ms: int


class Membership:
    """Changes members inside the writer's transaction."""

    def __init__(self, parts: GroupParts) -> None:
        self._connection, self._conversations, self._messages, self._posts, self._users, self._limits = parts

    def active(self, conversation: Conversation, user: str) -> Member | None:
        """A member who is in."""
        member = self._conversations.member(conversation, user)
        return member if member is not None and member.is_active else None

    def refusal(self, group: Group, users: Sequence[str], now_ms: int) -> Refused | None:
        """Why these users, who are not in, can't all come in; else they are known from now on."""
        most = self._limits.group_members
        if group.members + len(users) > most:
            return Refused(Code.LIMIT_EXCEEDED, f"a group has at most {most} members", "users")
        for user in users:
            refused = self._users.mention((user,), now_ms)
            if refused is not None:
                return refused._replace(field="users")
            if self._groups_of(user) >= self._limits.groups_per_user:
                return Refused(Code.LIMIT_EXCEEDED, f"{user} is in too many groups", "users")
        return None

    def _groups_of(self, user: str) -> int:
        """In how many groups a user is, as this transaction leaves them."""
        changed = self._conversations.touched_groups()
        if not changed:
            (count,) = self._connection.execute(_COUNT_GROUPS, (user,)).fetchone()
            return int(count)
        names = {name for (name,) in self._connection.execute(_NAME_GROUPS, (user,))}
        for conversation in changed:
            names.discard(conversation.id)
            is_over = self._conversations.group(conversation).is_dissolved
            if not is_over and self.active(conversation, user) is not None:
                names.add(conversation.id)
        return len(names)

    def let_in(self, act: Act, users: Sequence[str], kind: int, event: GroupEvent) -> GroupChanged:
        """Let users in who are not in, and tell of it by `event`."""
        conversation, group = act.conversation, act.group
        before = conversation.member_version
        seq, n = conversation.last_seq + 1, conversation.n
        history_seq = 1 if group.settings.history == EVERYTHING else 0
        for user in users:
            self._enter(conversation, user, seq, n, history_seq)
            self._ask_no_more(act, user)
        group.members += len(users)
        conversation.member_version += 1
        event.users.extend(users)
        changed = self.tell(act, kind, event)
        return changed._replace(version_before=before, joined=tuple(users))

    def _enter(self, conversation: Conversation, user: str, seq: int, n: int, history_seq: int) -> None:
        member = self._conversations.member(conversation, user)
        if member is None:
            member = Member(user, Cursors(join_seq=seq, join_n=n, history_seq=history_seq))
            self._conversations.add(conversation, member)
            return
        self._conversations.touch_place(conversation, member)
        member.cursors.join(seq, n, history_seq)
        member.leave_seq = member.leave_n = None
        member.role = MEMBER

    def put_out(self, act: Act, users: Sequence[str], kind: int) -> GroupChanged:
        """Put members out; the entry that tells of it is the last that they see."""
        conversation, group = act.conversation, act.group
        before = conversation.member_version
        conversation.member_version += 1
        group.members -= len(users)
        changed = self.tell(act, kind, GroupEvent(users=users))
        for user in users:
            member = self.active(conversation, user)
            assert member is not None
            self._conversations.touch_place(conversation, member)
            member.leave_seq, member.leave_n = conversation.last_seq, conversation.n
            member.left_name, member.left_avatar = group.name, group.avatar
        return changed._replace(version_before=before, left=tuple(users))

    def tell(self, act: Act, kind: int, event: GroupEvent) -> GroupChanged:
        """Store the entry of a change that is made, and the group's row with it."""
        conversation = act.conversation
        self._conversations.touch_group(conversation)
        content = event.SerializeToString(deterministic=True)
        entry = self._posts.tell(Post(conversation.id, act.user, act.key, kind, content), act.now_ms)
        version = conversation.member_version
        return GroupChanged(conversation.id, entry, self._messages.epoch, True, version, version)

    def same(self, conversation: Conversation, entry: Entry | None = None) -> GroupChanged:
        """The answer where everything stood so before; `entry` told of it then."""
        version = conversation.member_version
        return GroupChanged(conversation.id, entry, self._messages.epoch, False, version, version)

    def ask(self, act: Act, text: str) -> GroupChanged | Refused:
        """Note that somebody wants to be let in."""
        place = (act.conversation.id, act.user)
        if not self.asks(act.conversation, act.user):
            if act.group.asking >= MOST_ASKING:
                return Refused(Code.LIMIT_EXCEEDED, "too many wait to be let in", "conversation")
            refused = self._users.mention((act.user,), act.now_ms)
            if refused is not None:
                return refused
            self._conversations.touch_group(act.conversation)
            act.group.asking += 1
        self._connection.execute(_ASK, (*place, text, act.now_ms))
        lookers = self.admins(act.conversation)
        return self.same(act.conversation)._replace(asked=True, lookers=lookers)

    def asks(self, conversation: Conversation, user: str) -> bool:
        """Whether somebody wants to be let in."""
        return self._connection.execute(_ASKS, (conversation.id, user)).fetchone() is not None

    def ask_no_more(self, act: Act, user: str) -> GroupChanged:
        """Forget that somebody wants to be let in."""
        if not self._ask_no_more(act, user):
            return self.same(act.conversation)
        return self.same(act.conversation)._replace(lookers=self.admins(act.conversation))

    def _ask_no_more(self, act: Act, user: str) -> bool:
        if not act.group.asking:
            return False
        removed = self._connection.execute(_ASK_NO_MORE, (act.conversation.id, user)).rowcount
        if removed:
            self._conversations.touch_group(act.conversation)
            act.group.asking -= 1
        return bool(removed)

    def admins(self, conversation: Conversation) -> tuple[str, ...]:
        """Those who decide who is let in."""
        return tuple(user for (user,) in self._connection.execute(_ADMINS, (conversation.id,)))

    def absent(self, conversation: Conversation, users: Iterable[str]) -> list[str]:
        """Those of `users` who are not in."""
        return [user for user in users if self.active(conversation, user) is None]
