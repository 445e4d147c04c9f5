"""Messages and cursors: who may store what where, and what it moves."""

from im.adapters.sql.checks import disabled
from im.adapters.sql.operations.conversations import Conversation, Conversations, Member
from im.adapters.sql.operations.messages import Key, Messages, Stored
from im.adapters.sql.operations.users import Users
from im.contents import answered
from im.core.changing import no_target
from im.core.contents import everyone_refusal
from im.core.entries import RICH
from im.core.errors import Code, Refused
from im.core.groups import dissolved, gone, post_refusal
from im.core.ids import DIRECT, GROUP, INBOX, direct_peer, users_by_id
from im.core.limits import Limits
from im.core.messages import CursorMoved, MoveDelivered, MoveRead, Send, Sent
from im.core.relations import STRANGER, not_open
from im.core.unread import Cursors
from im.core.validation import conversation_problem, send_problem, unknown_conversation

Place = tuple[Conversation, Member]


class Posting:
    """Executes sends and cursor moves inside the writer's transaction.

    A send is first taken for new: that it was stored before is found when the batch is written,
    and the batch is then executed again with `is_careful` set, which looks first.
    With `is_for_friends` only they and those who were let in may write to each other.
    """

    def __init__(
        self,
        conversations: Conversations,
        messages: Messages,
        users: Users,
        limits: Limits,
        is_for_friends: bool = False,
    ) -> None:
        self._conversations = conversations
        self._messages = messages
        self._users = users
        self._limits = limits
        self._is_for_friends = is_for_friends
        self._epoch = messages.epoch
        self.is_careful = False

    def send(self, send: Send, now_ms: int) -> Sent | Refused:
        """Store one message, once."""
        problem = send_problem(send, self._limits.content_bytes)
        if problem is not None:
            return problem
        conversation = find(self._conversations, send.conversation, send.sender)
        if isinstance(conversation, Refused):
            return conversation
        key = (send.client_msg_id, send.sender, send.conversation)
        earlier = self._messages.added(key) or (self._messages.stored(key) if self.is_careful else None)
        if earlier is not None:
            return self._again(send, earlier)
        if send.verdict is not None and send.verdict.refused is not None:
            earlier = self._messages.stored(key)  # before, other hooks may have decided otherwise
            return send.verdict.refused if earlier is None else self._again(send, earlier)
        place = self._place_to_send(send, conversation, now_ms)
        if isinstance(place, Refused):
            earlier = self._messages.stored(key)  # whoever may no longer send still gets a first answer
            return place if earlier is None else self._again(send, earlier)
        return self._store(send, key, place, now_ms)

    def _place_to_send(self, send: Send, conversation: Conversation | None, now_ms: int) -> Place | Refused:
        if self._users.is_disabled(send.sender):
            return disabled()
        if conversation is None:
            begun = self._begin(send, now_ms)
            if isinstance(begun, Refused):
                return begun
            conversation = begun
        member = self._conversations.member(conversation, send.sender)
        if member is None:
            return unknown_conversation()
        if conversation.kind == GROUP:
            refused = self._group_refusal(send, conversation, member, now_ms)
        else:
            refused = self._member_refusal(conversation, member)
        if refused is not None:
            return refused
        if send.after and send.after != member.last_id and not self._is_stored_before(send):
            return _out_of_order()
        return answer_refusal(send.kind, send.content, conversation) or (conversation, member)

    def _is_stored_before(self, send: Send) -> bool:
        return self._messages.earlier((send.after, send.sender, send.conversation)) is not None

    def _group_refusal(
        self, send: Send, conversation: Conversation, member: Member, now_ms: int
    ) -> Refused | None:
        refused = group_refusal(self._conversations, conversation, member, now_ms)
        if refused is None and "" in send.mentions:
            return everyone_refusal(member.role)
        return refused

    def _member_refusal(self, conversation: Conversation, member: Member) -> Refused | None:
        if not member.can_send or member.leave_seq is not None or conversation.kind == INBOX:
            return blocked()
        if self._is_for_friends and conversation.kind == DIRECT:
            if self._conversations.keepings(conversation, member).relation == STRANGER:
                return not_open()
        return None

    def _begin(self, send: Send, now_ms: int) -> Conversation | Refused:
        """The direct conversation that begins with a message."""
        peer = direct_peer(send.conversation, send.sender)
        if peer is None:
            return unknown_conversation()
        if send.after:
            return _out_of_order()
        if self._is_for_friends:
            return not_open()
        unanswerable = answer_refusal(send.kind, send.content, None)
        if unanswerable is not None:
            return unanswerable
        users = (send.sender, peer)
        refused = self._users.mention(users, now_ms)
        if refused is not None:
            return refused
        conversation = begin(send.conversation, users, now_ms)
        self._conversations.create(conversation)
        return conversation

    def _store(self, send: Send, key: Key, place: Place, now_ms: int) -> Sent:
        conversation, member = place
        has_read = self._read(conversation, member, send.seen_seq)
        conversation.last_seq += 1
        conversation.n += 1
        conversation.head_sender = send.sender
        conversation.head_time_ms = now_ms
        member.cursors.add_own(conversation.last_seq, conversation.n, True)
        member.last_id = send.client_msg_id
        self._conversations.touch(conversation)
        self._conversations.touch_member(conversation, member)
        read = None
        if has_read:
            read = self._standing(place, True)
            if self._unmark(*place):
                read = read._replace(was_marked=True)
        version = conversation.member_version if conversation.kind == GROUP else 0
        seq, n = conversation.last_seq, conversation.n
        if send.mentions and version:
            self._messages.mention(conversation.id, seq, send.sender, send.mentions)
        at = Sent(send.conversation, seq, n, now_ms, self._epoch, False, read, version)
        self._messages.add(key, Stored(at, send.kind, send.content))
        return at

    def _read(self, conversation: Conversation, member: Member, seq: int) -> bool:
        def look_up(seq: int) -> tuple[int, int]:
            return self._messages.look_up(conversation.id, member.user, seq)

        head_seq, head_n = head_of(conversation, member)
        return member.cursors.move_read(seq, head_seq, head_n, look_up)

    def _unmark(self, conversation: Conversation, member: Member) -> bool:
        """Take the mark away that a member keeps until the next read; False without one."""
        if not member.is_marked:
            return False
        kept = self._conversations.keepings(conversation, member)
        self._conversations.keep_of(conversation, member, kept._replace(marked=0))
        return True

    def move_read(self, move: MoveRead, now_ms: int) -> CursorMoved | Refused:
        """Move a member's read cursor forward, at most to the head; without a move it takes a mark away."""
        place = member_place(self._conversations, move.conversation, move.user)
        if isinstance(place, Refused):
            return place
        moved = self._moved(place, self._read(*place, move.seq))
        return moved._replace(moved=True, was_marked=True) if self._unmark(*place) else moved

    def move_delivered(self, move: MoveDelivered, now_ms: int) -> CursorMoved | Refused:
        """Move a member's delivered cursor forward, at most to the head."""
        place = member_place(self._conversations, move.conversation, move.user)
        if isinstance(place, Refused):
            return place
        conversation, member = place
        seq = min(move.seq, head_of(conversation, member)[0])
        moved = seq > member.delivered_seq
        if moved:
            member.delivered_seq = seq
        if move.is_foreground and seq > member.reached_seq:
            member.reached_seq = seq
            self._conversations.touch_member(conversation, member)
        if move.device and conversation.kind == INBOX:
            self._conversations.add_receipt(conversation, move.device, seq, now_ms)
        return self._moved(place, moved)

    def _moved(self, place: Place, moved: bool) -> CursorMoved:
        conversation, member = place
        if moved:
            self._conversations.touch_member(conversation, member)
            if conversation.kind == DIRECT:
                self._conversations.touch(conversation)  # the other side sees these cursors
        return self._standing(place, moved)

    def _standing(self, place: Place, moved: bool) -> CursorMoved:
        conversation, member = place
        cursors = member.cursors
        unread = unread_of(self._messages, conversation, member)
        stand = (cursors.read_seq, member.delivered_seq, unread)
        return CursorMoved(conversation.id, member.user, *stand, moved)

    def _again(self, send: Send, earlier: Stored) -> Sent | Refused:
        if send.verdict is None:
            return stored_again(self._messages, earlier, send.kind, send.content)
        return _duplicate(earlier)


def stored_again(messages: Messages, earlier: Stored, kind: int, content: bytes) -> Sent | Refused:
    """The first answer to a message that is sent again; another one under its id is a conflict."""
    if messages.is_same(earlier, kind, content):
        return _duplicate(earlier)
    text = "another message is stored under this client_msg_id"
    return Refused(Code.CONFLICT, text, "client_msg_id")


def _duplicate(earlier: Stored) -> Sent:
    return earlier.sent._replace(duplicate=True, read=None, member_version=0)


def find(conversations: Conversations, conversation: str, user: str) -> Conversation | Refused | None:
    """The conversation, None if there is none, or why there can be none of that name for `user`.

    The app, "", may name that of any users.
    """
    known = conversations.known(conversation)
    if known is not None:
        return known
    asker = user or (users_by_id(conversation) or ("",))[0]
    return conversation_problem(conversation, asker) or conversations.load(conversation)


def member_place(conversations: Conversations, name: str, user: str) -> Place | Refused:
    """A user's place in a conversation, or why there is none."""
    conversation = find(conversations, name, user)
    if not isinstance(conversation, Conversation):
        return conversation or unknown_conversation()
    member = conversations.member(conversation, user)
    if member is None:
        return unknown_conversation()
    if not conversation.last_seq and not conversations.keepings(conversation, member).hidden_seq:
        return unknown_conversation()  # the other side keeps something of it, and tells nobody
    return conversation, member


def begin(conversation: str, users: tuple[str, ...], now_ms: int) -> Conversation:
    """A conversation that begins now: a direct one, or an inbox."""
    members = {user: Member(user, Cursors()) for user in users}
    return Conversation(conversation, conversation[0], now_ms, members=members)


def group_refusal(
    conversations: Conversations, conversation: Conversation, member: Member, now_ms: int
) -> Refused | None:
    """Why a member, or somebody who was one, may not post to a group now, or None."""
    group = conversations.group(conversation)
    if member.leave_seq is not None:
        return gone()
    if group.is_dissolved:
        return dissolved()
    return post_refusal(group.settings, member.role, member.silenced_until_ms, now_ms)


def answer_refusal(kind: int, content: bytes, conversation: Conversation | None) -> Refused | None:
    """Why a message can't answer what it says it answers: an entry that is not there yet."""
    if kind != RICH:
        return None
    head_seq = 0 if conversation is None else conversation.last_seq
    return no_target()._replace(field="reply_to") if answered(content) > head_seq else None


def head_of(conversation: Conversation, member: Member) -> tuple[int, int]:
    """The last seq that a member may see, and the running count there."""
    if member.leave_seq is None or member.leave_n is None:
        return conversation.last_seq, conversation.n
    return member.leave_seq, member.leave_n


def unread_of(messages: Messages, conversation: Conversation, member: Member) -> int:
    """How many entries a member has not seen."""
    gone_seq = max(conversation.recalled_seq, member.deleted_seq)
    return messages.unread(conversation.id, member, head_of(conversation, member), gone_seq)


def blocked() -> Refused:
    """The refusal of a member who may not send."""
    return Refused(Code.BLOCKED, "you can't send to this conversation", "conversation")


def _out_of_order() -> Refused:
    return Refused(Code.OUT_OF_ORDER, "the message named in `after` is not stored yet", "after")
