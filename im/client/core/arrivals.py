"""What comes in: every conversation's entries, handed out once and in order; holes are pulled."""

from collections.abc import Callable
from typing import NamedTuple

from im.client.core.acks import Acks
from im.client.core.conversation import Conversation
from im.client.core.events import AuditFound, CursorMoved, Effects, HeadChanged, Message
from im.client.core.state import Saved, Watermark
from im.client.core.timing import Timing
from im.core.messages import Head
from im.proto.chat_pb2 import Cursor, Deliver
from im.proto.sync_pb2 import Entry, Page

MAX_UNHANDLED = 1_024
"""Messages that the front has not finished with; pulls wait beyond it."""

MAX_PULLS = 3
"""Pulls that are on their way at once: a node takes four questions for pages, and people ask, too."""

MAX_HANDED = 2 * MAX_UNHANDLED
"""Beyond this deliveries are dropped, too: they are pulled when the front has caught up."""

_NOTHING = Head("", 0, 0, 0, 0, 0, 0, 1, False, 0, 0, 0, 0, None)[1:]
"""A head, behind its name, of a conversation without entries in which the user is not."""


class _Gap(NamedTuple):
    """What is missing up to `until` is pulled at `due`. `audited_from`: it was an audit that told of it."""

    due: float
    until: int
    audited_from: int


class ArrivalParts(NamedTuple):
    """What arrivals work with. `resolve` settles an own message that was met in a log."""

    effects: Effects
    acks: Acks
    timing: Timing
    resolve: Callable[[bytes, int, int, float], bool]
    pull: Callable[[Conversation, float], None]
    look: Callable[[float], None]


class Arrivals:
    """All conversations of the user, by id. `pull` asks for a page, `look` for a sync."""

    def __init__(self, parts: ArrivalParts) -> None:
        self._effects, self._acks, self._timing, self._resolve, self._pull, self._look = parts
        self._conversations: dict[str, Conversation] = {}
        self._marks: dict[str, dict[str, tuple[int, int]]] = {}
        self._gaps: dict[str, _Gap] = {}
        self._unhandled = 0
        self._wanted: dict[str, Conversation] = {}
        self._pulls = 0
        self.user = ""
        self.has_synced = False
        """Whether a sync ever ended: if not, an unknown conversation waits for its place."""

    def restore(self, saved: Saved) -> None:
        """Take over what an earlier run kept."""
        self.user = saved.user
        self.has_synced = saved.cursor is not None
        for mark in saved.watermarks:
            self._conversations[mark.conversation] = Conversation(mark.conversation, mark.epoch, mark.seq)
        for head in saved.heads:
            conversation = self._conversations.get(head.conversation)
            if conversation is not None:
                conversation.head = head
                conversation.member_version = head.member_version
                conversation.head_seq = max(conversation.head_seq, head.head_seq)

    def heads(self) -> list[Head]:
        """Every conversation as the last sync told of it."""
        return [each.head for each in self._conversations.values() if each.head is not None]

    def get(self, conversation: str) -> Conversation | None:
        """The conversation, if it is known."""
        return self._conversations.get(conversation)

    def watermarks(self, conversations: list[str]) -> list[Watermark]:
        """How far these were received."""
        found = [self._conversations[each] for each in conversations]
        return [Watermark(each.id, each.epoch, each.done) for each in found]

    def delivered(self, body: Deliver, now: float) -> None:
        """A delivery came."""
        conversation = self._conversations.get(body.conversation)
        if conversation is None:
            conversation = self._meet(body.conversation, body.epoch)
        elif conversation.epoch != body.epoch:
            self._look(now)
            return
        seq = body.entry.seq
        if self._unhandled < MAX_HANDED:
            self._arrived(conversation, body.entry, now)
        else:
            conversation.head_seq = max(conversation.head_seq, seq)
        if seq > conversation.handed:
            self._missing(conversation, now, 0.0)

    def own(self, conversation_id: str, epoch: str, seq: int, now: float) -> None:
        """A message of this device was stored: nothing to hand out, but its seq is accounted for."""
        conversation = self._conversations.get(conversation_id)
        if conversation is None:
            conversation = self._meet(conversation_id, epoch)
        elif conversation.epoch != epoch:
            conversation.stored_ahead(epoch, seq)
            self._look(now)
            return
        self._hand(conversation, conversation.arrive(seq, None))
        if conversation.has_gap:
            self._missing(conversation, now, self._timing.gap)

    def page(self, conversation: Conversation, body: Page, now: float) -> None:
        """The answer to a pull came."""
        self._pulled(conversation)
        if body.epoch != conversation.epoch:
            self._look(now)
            return
        if body.member_version < conversation.member_version:
            self._missing(conversation, now, self._timing.audit_grace)
            return
        conversation.member_version = body.member_version
        before = conversation.handed
        self._jump(conversation, body.visible_from - 1)
        for entry in body.entries:
            if entry.seq > conversation.handed:
                self._arrived(conversation, entry, now)
        if body.active:
            conversation.head_seq = max(conversation.head_seq, body.head_seq)
        elif not body.more:
            conversation.head_seq = conversation.handed
        if conversation.has_gap:
            progressed = conversation.handed > before
            self._missing(conversation, now, 0.0 if progressed else self._timing.audit_grace)
        else:
            self._gaps.pop(conversation.id, None)
        self._serve(now)

    def unreadable(self, conversation: Conversation, now: float) -> None:
        """A pull was refused for good: nothing of what is missing is for this user."""
        self._pulled(conversation)
        conversation.head_seq = conversation.handed
        conversation.early = None
        self._serve(now)

    def cursor(self, body: Cursor) -> None:
        """A member's cursors were told of. Signals overtake each other, cursors only move forward."""
        marks = self._marks.setdefault(body.conversation, {})
        known = marks.get(body.user, (-1, -1))
        furthest = max(known[0], body.read_seq), max(known[1], body.delivered_seq)
        if furthest != known:
            marks[body.user] = furthest
            is_newest = body.user == self.user and body.read_seq == furthest[0]
            moved = CursorMoved(body.conversation, body.user, *furthest, body.unread if is_newest else None)
            self._effects.events.append(moved)

    def learn(self, head: Head, epoch: str, is_first: bool, is_audit: bool, now: float) -> None:
        """A sync told of a conversation. `is_first`: it is this device's first sync of all."""
        conversation = self._conversations.get(head.conversation)
        if conversation is None:
            conversation = Conversation(head.conversation, epoch, 0, is_placed=False)
            self._conversations[head.conversation] = conversation
        elif conversation.epoch != epoch:
            self._renew(conversation, epoch, head.epoch_seq)
        elif head.member_version < conversation.member_version:
            return
        if conversation.head != head:
            conversation.head = head
            self._effects.events.append(HeadChanged(head))
        conversation.member_version = head.member_version
        if not conversation.is_placed:
            self._jump(conversation, head.delivered_seq if is_first else 0)
        self._jump(conversation, head.visible_from - 1)
        told = conversation.head_seq
        conversation.head_seq = max(told, head.head_seq)
        if head.head_seq > told and is_audit:
            self._missing(conversation, now, self._timing.audit_grace, told + 1)
        elif conversation.has_gap:
            self._missing(conversation, now, 0.0)

    def drop_others(self, epoch: str, now: float) -> list[str]:
        """The first sync of a store epoch has ended: whatever it did not tell of is not there any more.

        Returns these conversations. They may begin anew.
        """
        gone = [each for each in self._conversations.values() if each.epoch != epoch]
        for conversation in gone:
            self._renew(conversation, epoch, 0)
            if conversation.head is not None:
                conversation.head = Head(conversation.id, *_NOTHING)
                self._effects.events.append(HeadChanged(conversation.head))
            self._jump(conversation, 0)
            self._missing(conversation, now, 0.0)
        return [each.id for each in gone]

    def synced(self, now: float) -> None:
        """A sync has ended: what it did not tell of began after it, at its first entry."""
        if not self.has_synced:
            self.has_synced = True
            for conversation in self._conversations.values():
                if not conversation.is_placed:
                    self._jump(conversation, 0)
                    self._missing(conversation, now, 0.0)

    def handled(self, message: Message, now: float) -> None:
        """The front is done with a message that it was handed."""
        self._unhandled -= 1
        conversation = self._conversations[message.conversation]
        if conversation.epoch == message.epoch and conversation.finish(message.seq):
            conversation.saved = conversation.done
            self._acks.add(Watermark(conversation.id, conversation.epoch, conversation.done), now)
        if self._wanted:
            self._serve(now)

    def resume(self, now: float) -> None:
        """Pull whatever is missing anywhere."""
        for conversation in self._conversations.values():
            if conversation.has_gap and conversation.is_placed:
                self._missing(conversation, now, 0.0)

    def offline(self) -> None:
        """The session is over, and with it every pull."""
        self._gaps.clear()
        self._wanted.clear()
        self._pulls = 0
        for conversation in self._conversations.values():
            conversation.is_pulling = False

    def tick(self, now: float) -> None:
        """Pull what is still missing after its grace."""
        for conversation_id, gap in list(self._gaps.items()):
            if gap.due > now:
                continue
            del self._gaps[conversation_id]
            conversation = self._conversations[conversation_id]
            if gap.audited_from > conversation.handed:
                found = AuditFound(conversation_id, conversation.handed + 1, conversation.head_seq)
                self._effects.events.append(found)
            filled = conversation.handed >= gap.until  # what is missing now is younger than the gap
            self._missing(conversation, now, self._timing.gap if filled else 0.0)

    def deadline(self) -> float:
        """When `tick` is needed next."""
        return min((gap.due for gap in self._gaps.values()), default=float("inf"))

    def _renew(self, conversation: Conversation, epoch: str, epoch_seq: int) -> None:
        conversation.renew(epoch, epoch_seq)
        self._acks.forget(conversation.id)
        self._marks.pop(conversation.id, None)

    def _meet(self, conversation_id: str, epoch: str) -> Conversation:
        """A conversation that no sync told of: new, or not yet told of by the first sync."""
        conversation = Conversation(conversation_id, epoch, 0, is_placed=self.has_synced)
        self._conversations[conversation_id] = conversation
        return conversation

    def _arrived(self, conversation: Conversation, entry: Entry, now: float) -> None:
        seq = entry.seq
        if seq <= conversation.handed and conversation.is_placed:
            conversation.head_seq = max(conversation.head_seq, seq)
            if seq <= conversation.done:
                self._acks.add(Watermark(conversation.id, conversation.epoch, conversation.done), now)
            return
        sender, client_msg_id, time_ms = entry.sender, entry.client_msg_id, entry.server_time_ms
        if sender == self.user and self._resolve(client_msg_id, seq, time_ms, now):
            message = None
        else:
            message = Message(
                conversation.id,
                conversation.epoch,
                seq,
                entry.kind,
                sender,
                client_msg_id,
                time_ms,
                entry.content,
            )
        self._hand(conversation, conversation.arrive(seq, message))

    def _hand(self, conversation: Conversation, messages: list[Message]) -> None:
        """Hand messages out; save what needed no handing out."""
        if messages:
            self._unhandled += len(messages)
            self._effects.events.extend(messages)
        if conversation.done > conversation.saved:
            conversation.saved = conversation.done
            self._acks.keep(Watermark(conversation.id, conversation.epoch, conversation.done))

    def _jump(self, conversation: Conversation, received: int) -> None:
        self._hand(conversation, conversation.place(received))

    def _missing(self, conversation: Conversation, now: float, grace: float, audited_from: int = 0) -> None:
        """Pull what is missing, now or when it has not come within `grace`."""
        if conversation.is_pulling or not conversation.is_placed or not conversation.has_gap:
            return
        if grace:
            self._gaps.setdefault(conversation.id, _Gap(now + grace, conversation.head_seq, audited_from))
        else:
            self._gaps.pop(conversation.id, None)
            self._wanted[conversation.id] = conversation
            self._serve(now)

    def _pulled(self, conversation: Conversation) -> None:
        conversation.is_pulling = False
        self._pulls -= 1

    def _serve(self, now: float) -> None:
        """Start as many of the wanted pulls as there is room for."""
        while self._wanted and self._pulls < MAX_PULLS and self._unhandled < MAX_UNHANDLED:
            conversation = self._wanted.pop(next(iter(self._wanted)))
            if conversation.has_gap and not conversation.is_pulling:
                self._pulls += 1
                conversation.is_pulling = True
                self._pull(conversation, now)
