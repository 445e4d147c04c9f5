"""Friend requests, friendships, blocks, and what a user keeps of a conversation."""

import hashlib
from collections.abc import Callable
from typing import Any, NamedTuple

from im.adapters.sql.checks import disabled
from im.adapters.sql.operations.connection import Connection
from im.adapters.sql.operations.conversations import KEPT, Conversation, Conversations, Keepings, Member
from im.adapters.sql.operations.dialect import UNCLAIMED
from im.adapters.sql.operations.posting import begin, blocked, head_of, member_place
from im.adapters.sql.operations.posts import Posts
from im.adapters.sql.operations.users import Users
from im.core.custom import Post
from im.core.entries import RELATION, TEXT
from im.core.errors import Code, Refused
from im.core.ids import direct_conversation, uuid7
from im.core.relations import (
    ACCEPTED,
    DECLINED,
    FRIEND,
    KEPT_MS,
    MOST_PENDING,
    OPEN,
    PENDING,
    REMARK_CHARACTERS,
    REQUEST_TEXT_CHARACTERS,
    STRANGER,
    WITHDRAWN,
    AnswerFriend,
    AskFriend,
    Block,
    Contact,
    ContactChanged,
    EndFriendship,
    ExpireRequests,
    FriendRequest,
    GetRelation,
    ListRequests,
    OpenDirect,
    RelationChanged,
    RelationEntry,
    RelationResult,
    RequestPage,
    RequestsExpired,
    RequestsSeen,
    SeeRequests,
    SetContact,
    WithdrawRequest,
    pair_problem,
)
from im.core.texts import text_problem

_REQUEST = "requester, addressee, text, state, created_ms, decided_ms"
_GET = f"SELECT {_REQUEST} FROM friend_request WHERE requester = ? AND addressee = ?"
_COUNT_PENDING = "SELECT count(*) FROM friend_request WHERE requester = ? AND state = 'pending'"
_ASK = (
    "INSERT INTO friend_request (requester, addressee, text, state, created_ms)"
    " VALUES (?, ?, ?, 'pending', ?)"
    " ON CONFLICT (requester, addressee) DO UPDATE SET text = excluded.text, state = excluded.state,"
    " created_ms = excluded.created_ms, decided_ms = 0, seen = 0"
)
_DECIDE = (
    "UPDATE friend_request SET state = ?, decided_ms = ? WHERE requester = ? AND addressee = ?"
    " AND state = 'pending'"
)
_SEE = "UPDATE friend_request SET seen = 1 WHERE addressee = ? AND seen = 0"
_EXPIRE = (
    "UPDATE friend_request SET state = 'expired', decided_ms = ? WHERE (requester, addressee) IN"
    " (SELECT requester, addressee FROM friend_request WHERE state = 'pending' AND created_ms < ? LIMIT ?"
    f" {UNCLAIMED})"
)
_FORGET = (
    "DELETE FROM friend_request WHERE (requester, addressee) IN (SELECT requester, addressee"
    " FROM friend_request WHERE state <> 'pending' AND created_ms < ? AND decided_ms < ? LIMIT ?"
    f" {UNCLAIMED})"
)
_UNSEEN = "SELECT count(*) FROM friend_request WHERE addressee = ? AND state = 'pending' AND seen = 0"
_LIST = (
    f"SELECT {_REQUEST} FROM friend_request WHERE {{whose}} = ?"
    " AND (created_ms < ? OR (created_ms = ? AND {other} > ?)) ORDER BY created_ms DESC, {other} LIMIT ?"
)
_SENT = _LIST.format(whose="requester", other="addressee")
_RECEIVED = _LIST.format(whose="addressee", other="requester")
_STANDING = "SELECT relation, is_blocking FROM member WHERE conversation_id = ? AND user_id = ?"

_NOTHING_PENDING = Refused(Code.NOT_FOUND, "there is no request that waits for an answer", "user")
_DIGEST_BYTES = 10


class RelationParts(NamedTuple):
    """What of the writer relations need."""

    connection: Connection
    conversations: Conversations
    posts: Posts
    users: Users
    epoch: str


class _Pair(NamedTuple):
    """Two users in their direct conversation, seen from `mine`."""

    conversation: Conversation
    mine: Member
    theirs: Member


class Relations:
    """Executes what concerns relations inside the writer's transaction."""

    def __init__(self, parts: RelationParts) -> None:
        self._connection, self._conversations, self._posts, self._users, self._epoch = parts

    def steps(self) -> dict[type, Callable[[Any, int], RelationResult | Refused]]:
        """What executes each write."""
        return {
            AskFriend: self.ask,
            AnswerFriend: self.answer,
            WithdrawRequest: self.withdraw,
            EndFriendship: self.end,
            Block: self.block,
            OpenDirect: self.open,
            SetContact: self.set_contact,
            SeeRequests: self.see,
            ExpireRequests: self.expire,
        }

    def ask(self, write: AskFriend, now_ms: int) -> RelationChanged | Refused:
        """Begin a friend request; where the other side has asked, too, they are friends from now on."""
        problem = text_problem(write.text, "text", REQUEST_TEXT_CHARACTERS)
        pair = problem or self._pair(write.user, write.peer, now_ms)
        if isinstance(pair, Refused):
            return pair
        if not pair.mine.can_send:
            return blocked()
        earlier = self._request(write.user, write.peer)
        if self._keepings(pair, pair.mine).relation == FRIEND or _is_pending(earlier):
            return self._standing(pair, earlier, now_ms)
        if _is_pending(self._request(write.peer, write.user)):
            return self._accept(pair, "", now_ms)
        (pending,) = self._connection.execute(_COUNT_PENDING, (write.user,)).fetchone()
        if pending >= MOST_PENDING:
            return Refused(Code.LIMIT_EXCEEDED, "too many requests wait for an answer", "user")
        self._connection.execute(_ASK, (write.user, write.peer, write.text, now_ms))
        asked = FriendRequest(write.user, write.peer, write.text, PENDING, now_ms)
        return self._told(pair, asked, "requested", now_ms)

    def answer(self, write: AnswerFriend, now_ms: int) -> RelationChanged | Refused:
        """Accept or decline; the same answer again is the same."""
        pair = self._earlier_pair(write.user, write.peer)
        if not isinstance(pair, _Pair):
            return pair or _NOTHING_PENDING
        request = self._request(write.peer, write.user)
        if not _is_pending(request):
            is_same = request is not None and request.state == (ACCEPTED if write.accept else DECLINED)
            return self._standing(pair, request, now_ms) if is_same else _NOTHING_PENDING
        if write.accept:
            return self._accept(pair, write.greeting, now_ms)
        return self._told(pair, self._decided(write.peer, write.user, DECLINED, now_ms), DECLINED, now_ms)

    def withdraw(self, write: WithdrawRequest, now_ms: int) -> RelationChanged | Refused:
        """Take a request back; the same again is the same."""
        pair = self._earlier_pair(write.user, write.peer)
        if not isinstance(pair, _Pair):
            return pair or _NOTHING_PENDING
        request = self._request(write.user, write.peer)
        if not _is_pending(request):
            is_same = request is not None and request.state == WITHDRAWN
            return self._standing(pair, request, now_ms) if is_same else _NOTHING_PENDING
        return self._told(pair, self._decided(write.user, write.peer, WITHDRAWN, now_ms), WITHDRAWN, now_ms)

    def end(self, write: EndFriendship, now_ms: int) -> RelationChanged | Refused:
        """End a friendship for both; nobody is told in the log."""
        pair = self._earlier_pair(write.user, write.peer)
        if not isinstance(pair, _Pair):
            return pair or self._strangers(write, now_ms)
        moved = False
        for member in (pair.mine, pair.theirs):
            kept = self._keepings(pair, member)
            if kept.relation != STRANGER:
                moved = True
                self._conversations.keep_of(pair.conversation, member, kept._replace(relation=STRANGER))
        return self._standing(pair, None, now_ms)._replace(moved=moved)

    def block(self, write: Block, now_ms: int) -> RelationChanged | Refused:
        """Take nothing from the other side any more, or take it again. A request of theirs still stands."""
        pair = self._earlier_pair(write.user, write.peer)
        if pair is None and write.blocked:
            pair = self._pair(write.user, write.peer, now_ms)
        if not isinstance(pair, _Pair):
            return pair or self._strangers(write, now_ms)
        kept = self._keepings(pair, pair.mine)
        moved = bool(kept.is_blocking) != write.blocked
        if moved:
            hidden_seq = kept.hidden_seq or KEPT
            blocking = kept._replace(is_blocking=int(write.blocked), hidden_seq=hidden_seq)
            self._conversations.keep_of(pair.conversation, pair.mine, blocking)
            pair.theirs.can_send = not write.blocked
            theirs = self._keepings(pair, pair.theirs)
            self._conversations.keep_of(pair.conversation, pair.theirs, theirs, is_told=False)
        return self._standing(pair, None, now_ms)._replace(moved=moved, is_private=True)

    def open(self, write: OpenDirect, now_ms: int) -> RelationChanged | Refused:
        """Let a user write to somebody who is no friend."""
        pair = self._pair(write.user, write.peer, now_ms)
        if isinstance(pair, Refused):
            return pair
        kept = self._keepings(pair, pair.mine)
        moved = kept.relation == STRANGER
        if moved:
            let_in = kept._replace(relation=OPEN, hidden_seq=kept.hidden_seq or KEPT)
            self._conversations.keep_of(pair.conversation, pair.mine, let_in)
        return self._standing(pair, None, now_ms)._replace(moved=moved, is_private=True)

    def set_contact(self, write: SetContact, now_ms: int) -> ContactChanged | Refused:
        """Change what a user keeps of a conversation."""
        if write.remark is not None:
            problem = text_problem(write.remark, "remark", REMARK_CHARACTERS)
            if problem is not None:
                return problem
        if self._users.is_disabled(write.user):
            return disabled()
        place = member_place(self._conversations, write.conversation, write.user)
        if isinstance(place, Refused):
            return place
        conversation, member = place
        head_seq, _ = head_of(conversation, member)
        before = self._conversations.keepings(conversation, member)
        after = _changed(before, write, head_seq)
        contact = contact_of(after, head_seq)
        moved = contact != contact_of(before, head_seq)
        if moved:
            self._conversations.keep_of(conversation, member, after)
        return ContactChanged(write.user, conversation.id, contact, moved)

    def see(self, write: SeeRequests, now_ms: int) -> RequestsSeen:
        """Note that the user has seen all requests received so far."""
        return RequestsSeen(write.user, self._connection.execute(_SEE, (write.user,)).rowcount)

    def expire(self, write: ExpireRequests, now_ms: int) -> RequestsExpired:
        """End what was not answered in time, and forget what was decided long ago."""
        execute = self._connection.execute
        rows = execute(_EXPIRE, (now_ms, now_ms - write.pending_ms, write.most)).rowcount
        long_ago_ms = now_ms - KEPT_MS
        rows += execute(_FORGET, (long_ago_ms, long_ago_ms, write.most - rows)).rowcount
        return RequestsExpired(rows)

    def _pair(self, user: str, peer: str, now_ms: int) -> _Pair | Refused:
        """Two users in their conversation, which begins now if it isn't there."""
        earlier = self._earlier_pair(user, peer)
        if earlier is not None:
            return earlier
        refused = self._users.mention((user, peer), now_ms)
        if refused is not None:
            return refused._replace(field="user")
        conversation = begin(direct_conversation(user, peer), (user, peer), now_ms)
        self._conversations.create(conversation)
        return self._pair_in(conversation, user, peer)

    def _earlier_pair(self, user: str, peer: str) -> _Pair | Refused | None:
        """Two users in their conversation, None if there is none."""
        problem = pair_problem(user, peer)
        if problem is not None:
            return problem
        if self._users.is_disabled(user):
            return disabled()
        conversation = self._conversations.get(direct_conversation(user, peer))
        return None if conversation is None else self._pair_in(conversation, user, peer)

    def _strangers(self, write: EndFriendship | Block, now_ms: int) -> RelationChanged:
        """The answer where two have nothing in common that could end."""
        is_private = isinstance(write, Block)
        stand = (STRANGER, False, None, (), self._epoch, now_ms, False, is_private)
        return RelationChanged(write.user, write.peer, *stand)

    def _pair_in(self, conversation: Conversation, user: str, peer: str) -> _Pair:
        mine = self._conversations.member(conversation, user)
        theirs = self._conversations.member(conversation, peer)
        assert mine is not None and theirs is not None
        return _Pair(conversation, mine, theirs)

    def _keepings(self, pair: _Pair, member: Member) -> Keepings:
        return self._conversations.keepings(pair.conversation, member)

    def _request(self, requester: str, addressee: str) -> FriendRequest | None:
        row = self._connection.execute(_GET, (requester, addressee)).fetchone()
        return None if row is None else FriendRequest._make(row)

    def _decided(self, requester: str, addressee: str, state: str, now_ms: int) -> FriendRequest | None:
        self._connection.execute(_DECIDE, (state, now_ms, requester, addressee))
        return self._request(requester, addressee)

    def _accept(self, pair: _Pair, greeting: str, now_ms: int) -> RelationChanged:
        accepter, requester = pair.mine.user, pair.theirs.user
        request = self._decided(requester, accepter, ACCEPTED, now_ms)
        for member in (pair.mine, pair.theirs):
            kept = self._keepings(pair, member)
            self._conversations.keep_of(pair.conversation, member, kept._replace(relation=FRIEND))
        changed = self._told(pair, request, ACCEPTED, now_ms)
        if greeting and pair.mine.can_send:
            said = self._say(pair, TEXT, greeting.encode(), now_ms)
            changed = changed._replace(entries=(*changed.entries, said))
        return changed

    def _told(self, pair: _Pair, request: FriendRequest | None, what: str, now_ms: int) -> RelationChanged:
        entry = self._say(pair, RELATION, what.encode(), now_ms)
        return self._standing(pair, request, now_ms)._replace(entries=(entry,), moved=True)

    def _say(self, pair: _Pair, kind: int, content: bytes, now_ms: int) -> RelationEntry:
        name, seq = pair.conversation.id, pair.conversation.last_seq + 1
        digest = hashlib.blake2b(f"{name} {seq}".encode(), digest_size=_DIGEST_BYTES).digest()
        client_msg_id = uuid7(now_ms, digest)
        sender = pair.mine.user
        sent = self._posts.store(Post(name, sender, client_msg_id, kind, content), now_ms)
        return RelationEntry(sent.seq, sent.n, kind, sender, client_msg_id, content)

    def _standing(self, pair: _Pair, request: FriendRequest | None, now_ms: int) -> RelationChanged:
        kept = self._keepings(pair, pair.mine)
        users = (pair.mine.user, pair.theirs.user)
        return RelationChanged(
            *users, kept.relation, bool(kept.is_blocking), request, (), self._epoch, now_ms, False
        )


def contact_of(kept: Keepings, head_seq: int) -> Contact:
    """What a user keeps of a conversation whose head is at a seq."""
    hidden = 0 < head_seq <= kept.hidden_seq
    flags = (bool(kept.pinned), bool(kept.muted), hidden, bool(kept.marked))
    return Contact(kept.remark, *flags, kept.relation, bool(kept.is_blocking))


def requests_of(connection: Connection, query: ListRequests) -> RequestPage | Refused:
    """A page of a user's requests."""
    sql = _SENT if query.sent else _RECEIVED
    values = (query.user, query.before_ms, query.before_ms, query.after, query.limit + 1)
    rows = connection.execute(sql, values).fetchall()
    (unseen,) = connection.execute(_UNSEEN, (query.user,)).fetchone()
    requests = tuple(FriendRequest._make(row) for row in rows[: query.limit])
    return RequestPage(requests, unseen, len(rows) > query.limit)


def relation_of(connection: Connection, query: GetRelation, epoch: str) -> RelationChanged | Refused:
    """How a user stands to another."""
    problem = pair_problem(query.user, query.peer)
    if problem is not None:
        return problem
    name = direct_conversation(query.user, query.peer)
    row = connection.execute(_STANDING, (name, query.user)).fetchone() or (STRANGER, 0)
    found = connection.execute(_GET, (query.user, query.peer)).fetchone()
    request = None if found is None else FriendRequest._make(found)
    return RelationChanged(query.user, query.peer, row[0], bool(row[1]), request, (), epoch, 0, False)


def _is_pending(request: FriendRequest | None) -> bool:
    return request is not None and request.state == PENDING


def _changed(kept: Keepings, write: SetContact, head_seq: int) -> Keepings:
    def flag(now: int, wished: bool | None) -> int:
        return now if wished is None else int(wished)

    hidden_seq = kept.hidden_seq
    if write.hidden is not None:
        hidden_seq = (head_seq if write.hidden else 0) or KEPT
    return kept._replace(
        remark=kept.remark if write.remark is None else write.remark,
        pinned=flag(kept.pinned, write.pinned),
        muted=flag(kept.muted, write.muted),
        hidden_seq=hidden_seq,
        marked=flag(kept.marked, write.marked),
    )
