"""Messages and cursors, as the docs have them."""

from typing import Any

from im.core.errors import Code
from im.core.messages import CursorMoved, MoveDelivered, MoveRead, Send, SendAsApp, Sent
from im.test.model.memory import EPOCH, Place, Said, Talk, rank
from im.test.model.shop import Shop


class MessageRules:
    """What becomes of messages and cursors."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop

    def send(self, send: Send) -> Any:
        """Store a message, once."""
        shop, sender = self.shop, send.sender
        if send.after == send.client_msg_id:
            return Code.INVALID_ARGUMENT
        if send.conversation.startswith("d~") and sender not in send.conversation.split("~")[1:]:
            return Code.NOT_FOUND
        talk = shop.talks.get(send.conversation)
        mine = {} if talk is None else ids_of(talk, sender)
        if talk is not None and send.client_msg_id in mine:
            return self._again(talk, mine[send.client_msg_id], send)
        refused = self._refusal(talk, send)
        if refused is not None:
            return refused
        if send.after and send.after not in mine:
            return Code.OUT_OF_ORDER
        if talk is None:
            _, one, other = send.conversation.split("~")
            talk = shop.direct(one, other)
        place = talk.places[sender]
        was_marked, has_read = place.marked, move_read(talk, place, send.seen_seq)
        content, mentions = send.content, send.mentions if talk.group else ()
        said = Said(send.kind, sender, send.client_msg_id, shop.now_ms, content, mentions, True)
        entry = talk.say(said)
        version = talk.version if talk.group else 0
        read = talk.cursors(place, True)._replace(was_marked=was_marked) if has_read else None
        return Sent(talk.id, entry.seq, entry.n, shop.now_ms, EPOCH, False, read, version)

    def send_as_app(self, send: SendAsApp) -> Any:
        """Store a message of the app itself, once, wherever a conversation is or may begin."""
        talk = self.shop.talks.get(send.conversation)
        mine = {} if talk is None else ids_of(talk, "")
        if talk is not None and send.client_msg_id in mine:
            return self._again(talk, mine[send.client_msg_id], send)
        kind, *users = send.conversation.split("~")
        if talk is None and kind == "g":
            return Code.NOT_FOUND
        if talk is not None and talk.group is not None and talk.group.is_dissolved:
            return Code.PERMISSION_DENIED
        talk = talk or self.shop.direct(users[0], users[1])
        said = Said(send.kind, "", send.client_msg_id, self.shop.now_ms, send.content, (), True)
        if talk.group is not None:
            said.mentions = send.mentions
        entry = talk.say(said)
        version = talk.version if talk.group else 0
        return Sent(talk.id, entry.seq, entry.n, self.shop.now_ms, EPOCH, False, None, version)

    def _again(self, talk: Talk, seq: int, send: Send | SendAsApp) -> Any:
        said = talk.log[seq - 1]
        is_same = (said.kind, said.content) == (send.kind, send.content)
        if not (is_same or said.recalled_at or (said.edited_at and said.kind == send.kind)):
            return Code.CONFLICT
        return Sent(talk.id, seq, talk.n(seq), said.time_ms, EPOCH, True, None, 0)

    def _refusal(self, talk: Talk | None, send: Send) -> Code | None:
        if send.sender in self.shop.disabled:
            return Code.DISABLED
        if talk is None:
            if send.conversation.startswith("g~"):
                return Code.NOT_FOUND
            if send.after:
                return Code.OUT_OF_ORDER
            return Code.PERMISSION_DENIED if self.shop.rules.is_for_friends else None
        place = talk.places.get(send.sender)
        if place is None:
            return Code.NOT_FOUND
        if talk.group is not None:
            refused = post_refusal(talk, place, self.shop.now_ms)
            if refused is None and "" in send.mentions and rank(place.role) < rank("admin"):
                return Code.PERMISSION_DENIED
            return refused
        peer = self.shop.peer(talk, send.sender)
        if peer is not None and peer.is_blocking:
            return Code.BLOCKED
        is_stranger = self.shop.rules.is_for_friends and not place.relation
        return Code.PERMISSION_DENIED if is_stranger else None

    def read(self, move: MoveRead) -> CursorMoved | Code:
        """See everything up to a seq; what was marked as unread is read, too."""
        found = self.shop.place(move.conversation, move.user)
        if found is None:
            return Code.NOT_FOUND
        talk, place = found
        was_marked, place.marked = place.marked, False
        has_moved = move_read(talk, place, move.seq)
        return talk.cursors(place, has_moved or was_marked)._replace(was_marked=was_marked)

    def deliver(self, move: MoveDelivered) -> CursorMoved | Code:
        """Have everything up to a seq."""
        found = self.shop.place(move.conversation, move.user)
        if found is None:
            return Code.NOT_FOUND
        talk, place = found
        before = place.delivered
        place.delivered = max(before, min(move.seq, talk.head(place)))
        return talk.cursors(place, place.delivered > before)


def ids_of(talk: Talk, sender: str) -> dict[bytes, int]:
    """The seqs of what somebody said, by the ids that they gave it."""
    return {said.key: seq for seq, said in enumerate(talk.log, start=1) if said.sender == sender}


def move_read(talk: Talk, place: Place, seq: int) -> bool:
    """Move a read cursor forward, at most to the head; a mark goes with it."""
    before = place.read
    place.read = max(before, min(seq, talk.head(place)))
    place.marked = place.marked and place.read == before
    return place.read > before


def post_refusal(talk: Talk, place: Place, now_ms: int) -> Code | None:
    """Why somebody may not post to a group now."""
    group = talk.group
    assert group is not None
    if place.role == "owner" and place.is_in and not group.is_dissolved:
        return None
    is_muted = group.settings["is_muted"] and rank(place.role) < rank("admin")
    is_silenced = place.silenced_until_ms > now_ms
    may = rank(place.role) >= rank(group.settings["may_post"])
    if not place.is_in or group.is_dissolved or is_muted or is_silenced or not may:
        return Code.PERMISSION_DENIED
    return None
