"""A chat without its surface: what the client tells in; lines, marks and read cursors out."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, Protocol

from im.cli.output import Json, shown
from im.cli.pushes import push_text
from im.cli.records import APP, Shown
from im.cli.transcript import Line, Transcript
from im.cli.words import in_words
from im.client.core.events import CursorMoved, Message, SendFailed, SendState, SendUnknown, Sent
from im.client.pushes import pushed
from im.core.entries import EDIT, RECALL, counts
from im.core.groups import is_group
from im.core.ids import direct_peer
from im.core.messages import Head


class View(Protocol):
    """Where a chat is seen."""

    def changed(self, line: Line) -> None:
        """A line is new, or its mark changed."""

    def note(self, text: str) -> None:
        """Something beside the conversation."""


class Pair(NamedTuple):
    """Who talks with whom, and their conversation. `peer` is "" in a group; both are "" of nobody yet."""

    user: str
    peer: str
    conversation: str

    @property
    def title(self) -> str:
        """Who talks where: `alice with bob`."""
        if self.peer:
            return f"{self.user} with {self.peer}"
        return f"{self.user} in {self.conversation}" if self.conversation else self.user


def pair_in(user: str, conversation: str) -> Pair:
    """A user in a conversation."""
    return Pair(user, direct_peer(conversation, user) or "", conversation)


class Talk:
    """One conversation on a view. `read` moves the user's read cursor to a seq that was shown."""

    def __init__(self, pair: Pair, transcript: Transcript, view: View, read: Callable[[int], None]) -> None:
        self._pair = pair
        self._transcript = transcript
        self._view = view
        self._read = read
        self._read_seq = 0
        self._sends: dict[type, Callable[[Any], None]] = {
            Sent: self.sent,
            SendUnknown: self.unknown,
            SendFailed: self.failed,
        }

    def history(self, messages: Iterable[Message], peer_delivered: int, peer_read: int) -> None:
        """What was said before, in order, and how far the other side has got."""
        self._cursors(peer_delivered, peer_read)
        for message in messages:
            self._show(message)
        self._has_seen(self._transcript.last_seq)

    def message(self, message: Message) -> None:
        """A message came, of this conversation or of another."""
        if message.conversation == self._pair.conversation:
            self._fold(message)
            self._show(message)
            if message.sender != self._pair.user:
                self._has_seen(message.seq)
        elif message.sender != self._pair.user:
            self._view.note(_elsewhere(message))

    def sending(self, client_msg_id: bytes, text: str) -> None:
        """The user said something; or an earlier run did, and it still waits."""
        self._view.changed(self._transcript.pending(client_msg_id, text))

    def send(self, event: SendState) -> bool:
        """What became of an own message; whether that is shown."""
        tell = self._sends.get(type(event))
        if tell is None:
            return False
        tell(event)
        return True

    def sent(self, event: Sent) -> None:
        """An own message is stored."""
        self._tell(self._transcript.sent(event.client_msg_id, event.seq, event.server_time_ms))

    def unknown(self, event: SendUnknown) -> None:
        """An own message has no answer."""
        self._tell(self._transcript.unknown(event.client_msg_id))

    def failed(self, event: SendFailed) -> None:
        """An own message was refused for good."""
        self._tell(self._transcript.failed(event.client_msg_id, event.refusal.text))

    def cursor(self, event: CursorMoved) -> None:
        """A cursor moved; the other side's moves marks."""
        if event.conversation == self._pair.conversation and event.user == self._pair.peer:
            self._cursors(event.delivered_seq, event.read_seq)

    def not_taken(self, client_msg_id: bytes, reason: str) -> None:
        """An own message was not even kept."""
        self._tell(self._transcript.failed(client_msg_id, reason))

    def head(self, head: Head) -> None:
        """A sync told where the other side's cursors stand."""
        if head.conversation == self._pair.conversation:
            self._cursors(head.peer_delivered_seq, head.peer_read_seq)

    def unsent(self, texts: Mapping[bytes, str]) -> None:
        """What an earlier run has left to send here."""
        for client_msg_id, text in texts.items():
            self.sending(client_msg_id, text)

    def _fold(self, message: Message) -> None:
        """Have an earlier message be shown as it is from now on."""
        change = message.change
        if change is not None and message.kind == RECALL:
            self._tell(self._transcript.recalled(change.target))
        elif change is not None and message.kind == EDIT:
            self._tell(self._transcript.edited(change.target, change.content))

    def _show(self, message: Message) -> None:
        self._tell(self._transcript.entry(shown_of(message), message.client_msg_id))

    def _tell(self, line: Line | None) -> None:
        if line is not None:
            self._view.changed(line)

    def _cursors(self, delivered: int, read: int) -> None:
        for line in self._transcript.cursors(delivered, read):
            self._view.changed(line)

    def _has_seen(self, seq: int) -> None:
        if seq > self._read_seq:
            self._read_seq = seq
            self._read(seq)


def _elsewhere(message: Message) -> str:
    push = pushed(message)
    if push is not None:
        return f"pushed: {push_text(push)}"
    sender = shown(message.sender or APP)
    if not counts(message.kind):
        return f"{sender}: {shown(in_words(message.kind, message.content))}"
    return f"{sender} wrote {f'in {message.conversation}' if is_group(message.conversation) else 'to you'}"


def shown_of(message: Message) -> Shown:
    """An entry of the client, to be shown."""
    push = pushed(message)
    return Shown(
        message.conversation,
        message.seq,
        message.sender,
        message.kind,
        message.text if push is None else push_text(push),
        message.server_time_ms,
        in_words(message.kind, message.content),
        facts=_facts(message),
    )


def _facts(message: Message) -> dict[str, Json]:
    """What programs are told of an entry that refers to others, or mentions users."""
    rich, change = message.rich, message.change
    facts: dict[str, Json] = {}
    if rich is not None:
        facts = {
            "reply_to": rich.reply_to,
            "mentions": rich.mentions,
            "mentions_everyone": rich.mentions_everyone,
        }
    elif change is not None:
        facts = {"target": change.target}
        if change.reaction:
            facts |= {"reaction": change.reaction, "is_set": change.is_set}
    return facts
