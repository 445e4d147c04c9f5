"""Messages that handlers of others and the app's back end store: in a user's name or the app's own."""

from im.adapters.sql.checks import disabled, post_problem
from im.adapters.sql.operations.conversations import Conversations, Member
from im.adapters.sql.operations.messages import Messages, Stored
from im.adapters.sql.operations.posting import (
    answer_refusal,
    begin,
    blocked,
    find,
    group_refusal,
    stored_again,
)
from im.adapters.sql.operations.users import Users
from im.core.custom import Post
from im.core.entries import counts
from im.core.errors import Code, Refused
from im.core.groups import dissolved
from im.core.ids import GROUP, users_by_id
from im.core.limits import Limits
from im.core.messages import Entry, Send, SendAsApp, Sent
from im.core.validation import send_problem, unknown_conversation


class Posts:
    """Executes posts inside the writer's transaction: first all are checked, then all are stored.

    In a user's name a post needs what a send needs; the app may post wherever a conversation is or may begin,
    an inbox included.
    """

    def __init__(
        self, conversations: Conversations, messages: Messages, users: Users, limits: Limits
    ) -> None:
        self._conversations = conversations
        self._messages = messages
        self._users = users
        self._limits = limits

    def refusal(self, post: Post, now_ms: int) -> Refused | None:
        """Why a post can't be stored, or None: then `store` does. Its users are made known."""
        problem = post_problem(post, self._limits)
        if problem is not None:
            return problem
        named = users_by_id(post.conversation)
        conversation = find(self._conversations, post.conversation, post.sender)
        if isinstance(conversation, Refused):
            return conversation
        key = (post.client_msg_id, post.sender, post.conversation)
        if self._messages.earlier(key) is not None:
            return Refused(Code.CONFLICT, "this request was done long ago", "key")
        if post.sender and self._users.is_disabled(post.sender):
            return disabled()
        if post.sender and len(named) == 1:
            return Refused(Code.PERMISSION_DENIED, "only the app posts to an inbox", "conversation")
        if conversation is None:
            return self._users.mention(named, now_ms) if named else unknown_conversation()
        if not post.sender:
            is_over = conversation.kind == GROUP and self._conversations.group(conversation).is_dissolved
            return dissolved() if is_over else None
        member = self._conversations.member(conversation, post.sender)
        if member is not None and conversation.kind == GROUP:
            return group_refusal(self._conversations, conversation, member, now_ms)
        return _member_refusal(member)

    def send(self, send: SendAsApp, now_ms: int) -> Sent | Refused:
        """Store a message of the app's, once."""
        conversation, client_msg_id, kind, content, mentions = send
        asked = Send(conversation, "", "", client_msg_id, b"", 0, kind, content)
        problem = send_problem(asked, self._limits.content_bytes)
        if problem is not None:
            return problem
        earlier = self._messages.earlier((client_msg_id, "", conversation))
        if earlier is not None:
            return stored_again(self._messages, earlier, kind, content)
        post = Post(conversation, "", client_msg_id, kind, content)
        refused = self.refusal(post, now_ms)
        refused = refused or answer_refusal(kind, content, self._conversations.get(conversation))
        if refused is not None:
            return refused
        sent = self.store(post, now_ms)
        if mentions and sent.member_version:
            self._messages.mention(conversation, sent.seq, "", mentions)
        return sent

    def tell(self, post: Post, now_ms: int) -> Entry:
        """As `store`; the entry that it made."""
        sent = self.store(post, now_ms)
        who = (post.kind, post.sender, post.client_msg_id)
        return Entry(sent.seq, sent.n, *who, sent.time_ms, post.content)

    def store(self, post: Post, now_ms: int) -> Sent:
        """Store a post that was checked in this transaction."""
        conversations = self._conversations
        conversation = conversations.get(post.conversation)
        if conversation is None:
            conversation = begin(post.conversation, users_by_id(post.conversation), now_ms)
            conversations.create(conversation)
        is_counted = counts(post.kind)
        conversation.last_seq += 1
        conversation.n += is_counted
        conversation.head_sender = post.sender
        conversation.head_time_ms = now_ms
        conversations.touch(conversation)
        member = conversations.member(conversation, post.sender) if post.sender else None
        if member is not None:
            member.cursors.add_own(conversation.last_seq, conversation.n, is_counted)
            member.last_id = post.client_msg_id
            conversations.touch_member(conversation, member)
        version = conversation.member_version if conversation.kind == GROUP else 0
        seq, n = conversation.last_seq, conversation.n
        at = Sent(post.conversation, seq, n, now_ms, self._messages.epoch, False, None, version)
        key = (post.client_msg_id, post.sender, post.conversation)
        self._messages.add(key, Stored(at, post.kind, post.content))
        return at


def _member_refusal(member: Member | None) -> Refused | None:
    if member is None:
        return unknown_conversation()
    return None if member.can_send and member.leave_seq is None else blocked()
