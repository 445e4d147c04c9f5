"""The writer's memory of conversations and members, and how their rows are written.

Only the writer changes these rows, so what it remembers is what is stored. What a transaction
touched is written at its end; after a rollback it is forgotten and read again. Of several writers
each remembers its own only, and asks before each transaction whether a conversation still has the
`changed` that it remembers: any writer may post anywhere.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from im.adapters.sql.operations.connection import Connection
from im.adapters.sql.operations.group_rows import Group, load_group, write_groups
from im.adapters.sql.operations.statements import RowsInsert, upsert
from im.core.groups import MEMBER
from im.core.unread import Cursors

_CONVERSATION = "kind, created_ms, last_seq, n, head_sender, head_time_ms, member_version, epoch_seq"
CONVERSATION_COLUMNS = f"{_CONVERSATION}, recalled_seq, changed"
_SELECT_CONVERSATION = f"SELECT {CONVERSATION_COLUMNS} FROM conversation WHERE conversation_id = ?"

MEMBER_COLUMNS = (
    "read_seq, read_n, own_last_seq, own_last_n, own_after, own_max_seq,"
    " clear_seq, clear_n, join_seq, join_n, history_seq,"
    " delivered_seq, can_send, leave_seq, leave_n, role, silenced_until_ms, deleted_seq, reached_seq, marked,"
    " left_name, left_avatar"
)
_SELECT_MEMBER = f"SELECT {MEMBER_COLUMNS} FROM member WHERE conversation_id = ? AND user_id = ?"

_UPSERT_CONVERSATIONS = upsert("conversation", ["conversation_id"], [*_CONVERSATION.split(", "), "changed"])
_MOVING = ["read_seq", "read_n", "own_last_seq", "own_last_n", "own_after", "own_max_seq", "delivered_seq"]
_MOVING += ["reached_seq"]
_CONTACT = "remark, pinned, muted, hidden_seq, marked, relation, is_blocking"
_SELECT_CONTACT = f"SELECT {_CONTACT} FROM member WHERE conversation_id = ? AND user_id = ?"
_SET_CONTACT = (
    "UPDATE member SET remark = ?, pinned = ?, muted = ?, hidden_seq = ?, marked = ?, relation = ?,"
    " is_blocking = ?, can_send = ? WHERE conversation_id = ? AND user_id = ?"
)
_ADD_RECEIPTS = RowsInsert(
    "inbox_receipt",
    ["conversation_id", "device_id", "seq", "time_ms"],
    "ON CONFLICT (conversation_id, device_id, seq) DO NOTHING",
)
_UPSERT_MEMBERS = upsert("member", ["conversation_id", "user_id"], [*_MOVING, "changed"])
_PLACE = (
    "clear_seq, clear_n, join_seq, join_n, history_seq,"
    " leave_seq, leave_n, role, silenced_until_ms, deleted_seq, left_name, left_avatar"
)
_SET_PLACE = (
    f"UPDATE member SET {' = ?, '.join(_PLACE.split(', '))} = ? WHERE conversation_id = ? AND user_id = ?"
)
_SET_RECALLED = "UPDATE conversation SET recalled_seq = ? WHERE conversation_id = ?"


MEMBERS_EACH = 4
"""So many members are remembered for each conversation."""


KEPT = -1
"""The `hidden_seq` of a member who hides nothing, but keeps something of a conversation, be it empty."""


class Keepings(NamedTuple):
    """What a member keeps of the conversation. Hidden up to `hidden_seq`: until an entry comes after it.

    With 0 and without any entry the conversation is not there for this member.
    """

    remark: str = ""
    pinned: int = 0
    muted: int = 0
    hidden_seq: int = 0
    marked: int = 0
    relation: str = ""
    is_blocking: int = 0


NO_KEEPINGS = Keepings()


@dataclass(slots=True, eq=False)
class Member:
    """A row of member, as far as writes need it.

    `last_id` is the client id of the entry that this user stored last here, where it is known;
    `keepings` are None until somebody asks for them. Who left has `leave_seq` and the count with it,
    and what the group was called then.
    """

    user: str
    cursors: Cursors
    delivered_seq: int = 0
    can_send: bool = True
    leave_seq: int | None = None
    last_id: bytes = b""
    keepings: Keepings | None = None
    leave_n: int | None = None
    role: str = MEMBER
    silenced_until_ms: int = 0
    deleted_seq: int = 0
    left_name: str = ""
    left_avatar: str = ""
    reached_seq: int = 0
    is_marked: bool = False

    @property
    def is_active(self) -> bool:
        """Whether they did not leave."""
        return self.leave_seq is None


@dataclass(slots=True, eq=False)
class Conversation:
    """A row of conversation, and those of its members that were needed; `group` too.

    `changed` is its stamp when it was read or written last.
    """

    id: str
    kind: str
    created_ms: int
    last_seq: int = 0
    n: int = 0
    head_sender: str = ""
    head_time_ms: int = 0
    member_version: int = 1
    epoch_seq: int = 0
    recalled_seq: int = 0
    changed: int = 0
    group: Group | None = None
    members: dict[str, Member] = field(default_factory=dict)


class Conversations:
    """Conversations by id: those used last of those stored, and all of this transaction.

    What is remembered between two transactions has at most `bound` conversations, and `MEMBERS_EACH`
    times as many members: of a large group only those that post are there. Those that are not the
    writer's own, as `is_own` tells, are not remembered.
    """

    def __init__(
        self, connection: Connection, bound: int, is_own: Callable[[str], bool] | None = None
    ) -> None:
        self._connection = connection
        self._bound = bound
        self._is_own = is_own
        self._others: set[str] = set()
        self._absent: set[str] = set()
        self._members = 0
        self._groups: dict[str, Group] = {}
        self._placed: dict[tuple[str, str], Member] = {}
        self._recalled: dict[str, Conversation] = {}
        self._known: OrderedDict[str, Conversation] = OrderedDict()
        self._touched: dict[str, Conversation] = {}
        self._moved: dict[tuple[str, str], Member] = {}
        self._kept: dict[tuple[str, str], Member] = {}
        self._receipts: list[tuple[str, str, int, int]] = []

    def get(self, conversation_id: str) -> Conversation | None:
        """A conversation that is known or stored, or None."""
        return self.known(conversation_id) or self.load(conversation_id)

    def known(self, conversation_id: str) -> Conversation | None:
        """The conversation if it is remembered; None says nothing."""
        conversation = self._known.get(conversation_id)
        if conversation is not None:
            self._known.move_to_end(conversation_id)
        return conversation

    def load(self, conversation_id: str) -> Conversation | None:
        """A conversation that is not remembered, or None if there is none."""
        if conversation_id in self._absent:
            return None
        row = self._connection.execute(_SELECT_CONVERSATION, (conversation_id,)).fetchone()
        if row is None:
            return None
        return self.put(conversation_id, row)

    def put(self, conversation_id: str, row: Iterable[Any]) -> Conversation:
        """Remember a row of CONVERSATION_COLUMNS."""
        conversation = self._known[conversation_id] = Conversation(conversation_id, *row)
        self._note_other(conversation_id)
        return conversation

    def put_absent(self, conversation_ids: Iterable[str]) -> None:
        """Remember for this transaction that there are no such conversations."""
        self._absent.update(conversation_ids)

    def put_member(self, conversation: Conversation, user: str, row: tuple[Any, ...]) -> Member:
        """Remember a row of MEMBER_COLUMNS."""
        delivered_seq, can_send, leave_seq, leave_n, role, silenced_until_ms, *rest = row[11:]
        member = Member(user, Cursors(*row[:11]), delivered_seq, bool(can_send), leave_seq)
        member.leave_n, member.role, member.silenced_until_ms = leave_n, role, silenced_until_ms
        member.deleted_seq, member.reached_seq, marked, member.left_name, member.left_avatar = rest
        member.is_marked = bool(marked)
        conversation.members[user] = member
        self._members += 1
        return member

    def drop(self, conversation_id: str) -> None:
        """Forget one conversation."""
        conversation = self._known.pop(conversation_id, None)
        if conversation is not None:
            self._members -= len(conversation.members)

    def _note_other(self, conversation_id: str) -> None:
        if self._is_own is not None and not self._is_own(conversation_id):
            self._others.add(conversation_id)

    def member(self, conversation: Conversation, user: str) -> Member | None:
        """The user's row there, or None if there is none."""
        member = conversation.members.get(user)
        if member is not None:
            return member
        row = self._connection.execute(_SELECT_MEMBER, (conversation.id, user)).fetchone()
        return None if row is None else self.put_member(conversation, user, row)

    def group(self, conversation: Conversation) -> Group:
        """The group that a conversation is."""
        group = conversation.group
        if group is None:
            group = conversation.group = load_group(self._connection, conversation.id)
        return group

    def create(self, conversation: Conversation) -> None:
        """Add a conversation that isn't stored, with all its members."""
        self._known[conversation.id] = conversation
        self._absent.discard(conversation.id)
        self._note_other(conversation.id)
        self._members += len(conversation.members)
        self.touch(conversation)
        for member in conversation.members.values():
            self.touch_member(conversation, member)

    def add(self, conversation: Conversation, member: Member) -> None:
        """Add a member who has no row there yet."""
        conversation.members[member.user] = member
        self._members += 1
        self.touch_place(conversation, member)

    def touch_group(self, conversation: Conversation) -> None:
        """Write the group's row and the conversation's at the end of this transaction."""
        self._groups[conversation.id] = self.group(conversation)
        self.touch(conversation)

    def touched_groups(self) -> list[Conversation]:
        """The conversations whose groups' rows this transaction has yet to write."""
        return [self._touched[conversation_id] for conversation_id in self._groups]

    def touch_place(self, conversation: Conversation, member: Member) -> None:
        """Write all of the member's row at the end of this transaction, not only what moves with messages."""
        self._placed[conversation.id, member.user] = member
        self.touch_member(conversation, member)

    def recall(self, conversation: Conversation, seq: int) -> None:
        """Note that an entry was recalled."""
        self.touch(conversation)
        if seq > conversation.recalled_seq:
            conversation.recalled_seq = seq
            self._recalled[conversation.id] = conversation

    def touch(self, conversation: Conversation) -> None:
        """Write the conversation's row at the end of this transaction."""
        self._touched[conversation.id] = conversation

    def touch_member(self, conversation: Conversation, member: Member) -> None:
        """Write the member's row at the end of this transaction."""
        self._moved[conversation.id, member.user] = member

    def keepings(self, conversation: Conversation, member: Member) -> Keepings:
        """What a member keeps of the conversation."""
        kept = member.keepings
        if kept is None:
            row = self._connection.execute(_SELECT_CONTACT, (conversation.id, member.user)).fetchone()
            kept = member.keepings = NO_KEEPINGS if row is None else Keepings._make(row)
        return kept

    def keep_of(
        self, conversation: Conversation, member: Member, keepings: Keepings, is_told: bool = True
    ) -> None:
        """Have a member keep this of the conversation, and whether they can send.

        Without `is_told` no sync of theirs tells of it; something else of it must be touched.
        """
        member.keepings = keepings
        member.is_marked = bool(keepings.marked)
        self._kept[conversation.id, member.user] = member
        if is_told:
            self.touch_member(conversation, member)

    def add_receipt(self, inbox: Conversation, device: str, seq: int, now_ms: int) -> None:
        """Keep when a device acknowledged an inbox up to `seq`."""
        self._receipts.append((inbox.id, device, seq, now_ms))

    @property
    def is_touched(self) -> bool:
        """Whether this transaction has any row to write."""
        return bool(self._touched or self._moved or self._receipts)

    @property
    def touched(self) -> set[str]:
        """The conversations that this transaction changes anything of."""
        return self._touched.keys() | {conversation_id for conversation_id, _ in self._moved}

    def write(self, changed: int) -> None:
        """Write what was touched, stamped with the commit counter's value."""
        for conversation in self._touched.values():
            conversation.changed = changed
        conversations = [
            (
                each.id,
                each.kind,
                each.created_ms,
                each.last_seq,
                each.n,
                each.head_sender,
                each.head_time_ms,
                each.member_version,
                each.epoch_seq,
                changed,
            )
            for each in self._touched.values()
        ]
        _UPSERT_CONVERSATIONS.execute(self._connection, conversations)
        members = []
        for (conversation_id, user), member in self._moved.items():
            at = member.cursors
            own = (at.own_last_seq, at.own_last_n, at.own_after, at.own_max_seq)
            members.append(
                (
                    conversation_id,
                    user,
                    at.read_seq,
                    at.read_n,
                    *own,
                    member.delivered_seq,
                    member.reached_seq,
                    changed,
                )
            )
        _UPSERT_MEMBERS.execute(self._connection, members)
        if self._kept:
            self._write_keepings()
        if self._groups or self._placed or self._recalled:
            self._write_groups()
        _ADD_RECEIPTS.execute(self._connection, self._receipts)

    def _write_keepings(self) -> None:
        self._connection.executemany(
            _SET_CONTACT,
            [
                (*(member.keepings or NO_KEEPINGS), int(member.can_send), *key)
                for key, member in self._kept.items()
            ],
        )

    def _write_groups(self) -> None:
        write_groups(self._connection, self._groups.items())
        places = []
        for key, member in self._placed.items():
            at = member.cursors
            visible = (at.clear_seq, at.clear_n, at.join_seq, at.join_n, at.history_seq)
            left = (member.leave_seq, member.leave_n)
            may = (member.role, member.silenced_until_ms, member.deleted_seq)
            places.append((*visible, *left, *may, member.left_name, member.left_avatar, *key))
        self._connection.executemany(_SET_PLACE, places)
        recalled = [(each.recalled_seq, each.id) for each in self._recalled.values()]
        self._connection.executemany(_SET_RECALLED, recalled)

    def keep(self) -> None:
        """After a commit: what was touched is stored now; the oldest beyond the bounds are let go."""
        self._clear()
        known = self._known
        while known and (len(known) > self._bound or self._members > MEMBERS_EACH * self._bound):
            _, conversation = known.popitem(last=False)
            self._members -= len(conversation.members)

    def forget(self) -> None:
        """After a rollback: what was touched is unknown."""
        for conversation_id in self.touched:
            self.drop(conversation_id)
        self._clear()

    def _clear(self) -> None:
        for conversation_id in self._others:
            self.drop(conversation_id)
        self._others.clear()
        self._absent.clear()
        self._touched.clear()
        self._moved.clear()
        self._kept.clear()
        self._receipts.clear()
        self._groups.clear()
        self._placed.clear()
        self._recalled.clear()
