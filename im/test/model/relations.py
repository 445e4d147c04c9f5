"""Friends, blocks and what users keep of conversations, as the docs have them."""

from typing import Any

from im.core.errors import Code
from im.core.relations import (
    AnswerFriend,
    AskFriend,
    Block,
    Contact,
    ContactChanged,
    EndFriendship,
    ExpireRequests,
    FriendRequest,
    OpenDirect,
    RelationChanged,
    RelationEntry,
    RequestsExpired,
    RequestsSeen,
    SeeRequests,
    SetContact,
    WithdrawRequest,
)
from im.test.model.memory import EPOCH, REQUEST, Place, Said, Talk
from im.test.model.shop import Shop

KEPT_MS = 90 * 24 * 3600 * 1000


class RelationRules:
    """What becomes of relations. Entries get their ids from the store: here they have none."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop

    def ask(self, write: AskFriend) -> Any:
        """Ask somebody to be a friend."""
        user, peer = write.user, write.peer
        refused = self._refusal(user, peer)
        if refused is not None:
            return refused
        mine = self._mine(user, peer)
        earlier, crossing = self.shop.requests.get((user, peer)), self.shop.requests.get((peer, user))
        theirs = self._mine(peer, user)
        if theirs is not None and theirs.is_blocking:
            return Code.BLOCKED
        if (mine is not None and mine.relation == "friend") or _is_pending(earlier):
            return self._standing(user, peer, earlier)
        if _is_pending(crossing):
            return self._accept(user, peer, "")
        asked = FriendRequest(user, peer, write.text, "pending", self.shop.now_ms)
        self.shop.requests[user, peer] = asked
        self.shop.unseen_requests.add((user, peer))
        return self._told(user, peer, asked, b"requested")

    def answer(self, write: AnswerFriend) -> Any:
        """Accept or decline."""
        user, peer = write.user, write.peer
        state = "accepted" if write.accept else "declined"
        ready = self._pending(user, peer, (peer, user), state)
        if ready is not None:
            return ready
        if write.accept:
            return self._accept(user, peer, write.greeting)
        return self._told(user, peer, self._decide((peer, user), state), b"declined")

    def withdraw(self, write: WithdrawRequest) -> Any:
        """Take a request back."""
        user, peer = write.user, write.peer
        ready = self._pending(user, peer, (user, peer), "withdrawn")
        if ready is not None:
            return ready
        return self._told(user, peer, self._decide((user, peer), "withdrawn"), b"withdrawn")

    def end(self, write: EndFriendship) -> Any:
        """Be no friends any more."""
        user, peer = write.user, write.peer
        refused = self._refusal(user, peer)
        if refused is not None:
            return refused
        moved = False
        for place in (self._mine(user, peer), self._mine(peer, user)):
            if place is not None and place.relation:
                moved, place.relation = True, ""
        return self._standing(user, peer, None)._replace(moved=moved)

    def block(self, write: Block) -> Any:
        """Take nothing from somebody any more, or again."""
        refused = self._refusal(write.user, write.peer)
        if refused is not None:
            return refused
        place = self._mine(write.user, write.peer)
        if place is None and write.blocked:
            place = self.shop.direct(write.user, write.peer).places[write.user]
        moved = place is not None and place.is_blocking != write.blocked
        if place is not None and moved:
            place.is_blocking, place.is_kept = write.blocked, True
        return self._standing(write.user, write.peer, None)._replace(moved=moved, is_private=True)

    def open(self, write: OpenDirect) -> Any:
        """Let somebody write who is no friend."""
        refused = self._refusal(write.user, write.peer)
        if refused is not None:
            return refused
        place = self.shop.direct(write.user, write.peer).places[write.user]
        moved = not place.relation
        if moved:
            place.relation, place.is_kept = "open", True
        return self._standing(write.user, write.peer, None)._replace(moved=moved, is_private=True)

    def set_contact(self, write: SetContact) -> Any:
        """Keep something of a conversation."""
        if write.user in self.shop.disabled:
            return Code.DISABLED
        found = self.shop.place(write.conversation, write.user)
        if found is None:
            return Code.NOT_FOUND
        talk, place = found
        before = contact_of(talk, place)
        for name in ("remark", "pinned", "muted", "marked"):
            if getattr(write, name) is not None:
                setattr(place, name, getattr(write, name))
        if write.hidden is not None:
            place.hidden_at = talk.head(place) if write.hidden else 0
        after = contact_of(talk, place)
        return ContactChanged(write.user, write.conversation, after, after != before)

    def see(self, write: SeeRequests) -> RequestsSeen:
        """See all requests."""
        seen = {pair for pair in self.shop.unseen_requests if pair[1] == write.user}
        self.shop.unseen_requests -= seen
        return RequestsSeen(write.user, len(seen))

    def expire(self, write: ExpireRequests) -> RequestsExpired:
        """End what waited too long, and forget what was decided long ago."""
        now_ms, rows = self.shop.now_ms, 0
        for pair, request in list(self.shop.requests.items()):
            if request.state == "pending" and request.created_ms < now_ms - write.pending_ms:
                self._decide(pair, "expired")
                rows += 1
            elif request.state != "pending" and request.decided_ms < now_ms - KEPT_MS:
                del self.shop.requests[pair]
                self.shop.unseen_requests.discard(pair)
                rows += 1
        return RequestsExpired(rows)

    def _refusal(self, user: str, peer: str) -> Code | None:
        if user == peer:
            return Code.INVALID_ARGUMENT
        return Code.DISABLED if user in self.shop.disabled else None

    def _pending(self, user: str, peer: str, pair: tuple[str, str], state: str) -> Any:
        """What is answered at once, since no request waits: the same again, or that there is none."""
        refused = self._refusal(user, peer)
        if refused is not None:
            return refused
        request = self.shop.requests.get(pair)
        if _is_pending(request):
            return None
        is_same = request is not None and request.state == state
        return self._standing(user, peer, request) if is_same else Code.NOT_FOUND

    def _mine(self, user: str, peer: str) -> Place | None:
        talk = self.shop.talks.get("~".join(("d", *sorted((user, peer)))))
        return None if talk is None else talk.places[user]

    def _decide(self, pair: tuple[str, str], state: str) -> FriendRequest:
        decided = self.shop.requests[pair]._replace(state=state, decided_ms=self.shop.now_ms)
        self.shop.requests[pair] = decided
        return decided

    def _accept(self, user: str, peer: str, greeting: str) -> RelationChanged:
        request = self._decide((peer, user), "accepted")
        talk = self.shop.direct(user, peer)
        for place in talk.places.values():
            place.relation = "friend"
        changed = self._told(user, peer, request, b"accepted")
        if greeting and not talk.places[peer].is_blocking:
            greeted = self._say(talk, user, 1, greeting.encode())
            changed = changed._replace(entries=(*changed.entries, greeted))
        return changed

    def _told(self, user: str, peer: str, request: FriendRequest, what: bytes) -> RelationChanged:
        entry = self._say(self.shop.direct(user, peer), user, REQUEST, what)
        return self._standing(user, peer, request)._replace(entries=(entry,), moved=True)

    def _say(self, talk: Talk, user: str, kind: int, content: bytes) -> RelationEntry:
        said = Said(kind, user, b"", self.shop.now_ms, content, (), kind != REQUEST)
        entry = talk.say(said)
        return RelationEntry(entry.seq, entry.n, kind, user, b"", content)

    def _standing(self, user: str, peer: str, request: FriendRequest | None) -> RelationChanged:
        relation, is_blocking = standing(self.shop, user, peer)
        now_ms = self.shop.now_ms
        return RelationChanged(user, peer, relation, is_blocking, request, (), EPOCH, now_ms, False)


def standing(shop: Shop, user: str, peer: str) -> tuple[str, bool]:
    """What `peer` is to `user`, and whether `user` takes nothing from them."""
    talk = shop.talks.get("~".join(("d", *sorted((user, peer)))))
    if talk is None:
        return "", False
    return talk.places[user].relation, talk.places[user].is_blocking


def contact_of(talk: Talk, place: Place) -> Contact:
    """What somebody keeps of a conversation."""
    hidden = 0 < talk.head(place) <= place.hidden_at
    flags = (place.pinned, place.muted, hidden, place.marked)
    return Contact(place.remark, *flags, place.relation, place.is_blocking)


def _is_pending(request: FriendRequest | None) -> bool:
    return request is not None and request.state == "pending"
