"""A chat over a client: what the user says goes out, what the client tells is shown."""

import os
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

from twisted.internet.defer import Deferred, DeferredLock, succeed
from twisted.python.failure import Failure as DeferredFailure

from im.cli.chat_commands import CONTACTS, Commands, is_command, to_say
from im.cli.failures import Failure, Status, unreachable
from im.cli.online import Session
from im.cli.peer import Peer
from im.cli.pushes import may_show, push_text
from im.cli.talk import Pair, Talk, View, pair_in
from im.cli.transcript import Line, Transcript
from im.client.client import Client
from im.client.core.events import CursorMoved, Message, SendState
from im.client.errors import ClientError, ClientStoppedError, NotFoundError, OutboxFullError, ServerError
from im.client.settings import ClientStatus, HistoryPage
from im.client.settings import Status as ClientState
from im.core.entries import TEXT
from im.core.ids import uuid7
from im.core.messages import Head
from im.core.presence import Presence

DEVICE_CLASS = "desktop"
HISTORY_ENTRIES = 50
MOMENT = 0.1
"""Seconds: the patience of somebody who wants to leave."""

MAX_WAITING = 256
"""Own messages without an answer; at this number the input waits."""


class Face(View, Protocol):
    """Where a chat is seen, and spoken into. `patience`: seconds the last words may take."""

    patience: float

    def status(self, text: str) -> None:
        """How the connection stands."""

    def peer(self, presence: Presence) -> None:
        """Whether the other side is online."""

    def opened(self, pair: Pair, transcript: Transcript) -> None:
        """Another conversation is shown from now on."""

    def listed(self, lines: Sequence[str]) -> None:
        """What the user asked for, beside the conversation."""

    def listen(self, say: "Callable[[str], Deferred[None]]") -> "Deferred[None]":
        """Call `say` with each line of the user's, after the one before fired; fires at the end of all."""

    def close(self) -> "Deferred[None]":
        """Give back what was taken over, whatever happened; fires when that is done."""


class ReadCursor:
    """Moves one read cursor, one request at a time; what comes meanwhile goes into the next."""

    def __init__(self, move: "Callable[[int], Deferred[Any]]") -> None:
        self._move = move
        self._wanted = 0
        self._moved = 0
        self._is_moving = False

    def to(self, seq: int) -> None:
        """The user has seen everything up to and with `seq`."""
        self._wanted = max(self._wanted, seq)
        if self._is_moving or self._wanted <= self._moved:
            return
        self._is_moving = True
        self._moved = self._wanted
        moving = self._move(self._moved)
        moving.addErrback(_unread_for_now)
        moving.addCallback(self._done)

    def _done(self, _: object) -> None:
        self._is_moving = False
        self.to(self._wanted)


def _unread_for_now(failure: DeferredFailure) -> None:
    failure.trap(ClientError)  # The next cursor that moves covers this one.


class Opened(NamedTuple):
    """A conversation that was opened in this chat."""

    pair: Pair
    transcript: Transcript
    talk: Talk


class Chat:
    """One conversation after the other on a face, until the user leaves."""

    def __init__(self, session: Session, pair: Pair, transcript: Transcript, face: Face) -> None:
        self._session = session
        self._client = session.client
        self._user = pair.user
        self._face = face
        self._all: dict[str, Opened] = {}
        self._here = self._made(pair, transcript)
        self._peer = Peer(self._client, pair.peer, face.peer)
        self._commands = Commands(self._client, pair.user, self._list, self._open)
        self._turn = DeferredLock()
        self._opened: Deferred[None] = Deferred()
        self._room: Deferred[None] | None = None
        self._stored: Deferred[None] | None = None
        self._has_left = False
        self._has_been_online = False

    async def run(self) -> None:
        """Show and send until the user leaves, and what was said last is stored. Raises `Failure`."""
        self._observe(self._client)
        self._here.talk.unsent(
            {
                each.client_msg_id: each.content.decode("utf-8", "replace")
                for each in self._session.device.unsent
                if each.conversation == self._here.pair.conversation and each.kind == TEXT
            }
        )
        try:
            await self._session.wait(self._face.listen(self._say))
            self._has_left = self._face.patience <= MOMENT
            await self._settle()
        finally:
            self._has_left = True
            await self._face.close()

    async def _settle(self) -> None:
        """The user has left: let what was said be stored, and what was asked for be shown."""
        patience = self._face.patience
        if self._waiting:
            self._stored = Deferred()
            await self._session.wait(self._stored, patience, _unknown(self._user))
        if patience > MOMENT:
            await self._session.wait(self._opened, patience, unreachable("nobody answers"))

    def _observe(self, client: Client) -> None:
        client.on_state(self._state)
        client.on_message(self._message)
        client.on_send(self._send)
        client.on_cursor(self._cursor)
        client.on_head(self._head)
        client.on_event(lambda push: self._face.note(f"pushed: {push_text(push)}"))

    def _say(self, text: str) -> "Deferred[None]":
        """Send a line, or do what it asks for; fires when there is room for the next.

        What is said while something is being done waits for that: it may be meant for elsewhere.
        """
        if is_command(text) or self._turn.locked:
            return self._turn.run(self._do, text)
        return self._do(text)

    def _do(self, text: str) -> "Deferred[None]":
        if is_command(text):
            return self._commands.run(text)
        here = self._here
        if not here.pair.conversation:
            self._face.listed(["nobody is here; /contacts and /open NAME find somebody"])
            return succeed(None)
        text = to_say(text)
        client_msg_id = uuid7(time.time_ns() // 1_000_000, os.urandom(10))
        here.talk.sending(client_msg_id, text)
        seen = here.transcript.last_seq
        sending = self._client.send(here.pair.conversation, text, seen_seq=seen, client_msg_id=client_msg_id)
        sending.addErrback(self._not_sent, here.talk, client_msg_id)
        if self._waiting < MAX_WAITING:
            return succeed(None)
        self._room = Deferred()
        return self._room

    def _not_sent(self, failure: DeferredFailure, talk: Talk, client_msg_id: bytes) -> None:
        """What was refused, or is left for later, the events tell."""
        if failure.check(OutboxFullError):
            talk.not_taken(client_msg_id, failure.getErrorMessage())
        else:
            failure.trap(ServerError, ClientStoppedError)

    def _send(self, event: SendState) -> None:
        opened = self._all.get(event.conversation)
        if opened is None or not opened.talk.send(event):
            return
        self._peer.look()  # the first message makes the two contacts
        waiting = self._waiting
        if self._room is not None and waiting < MAX_WAITING:
            room, self._room = self._room, None
            room.callback(None)
        if self._stored is not None and not waiting:
            stored, self._stored = self._stored, None
            stored.callback(None)

    def _message(self, message: Message) -> "Deferred[None] | None":
        """Show a message; who has left does not receive it."""
        if self._has_left:
            return Deferred()
        if may_show(message, time.time_ns() // 1_000_000, DEVICE_CLASS):
            self._here.talk.message(message)
            self._peer.look()
        return None

    def _state(self, status: ClientStatus) -> None:
        if status.status is ClientState.ONLINE:
            self._face.status("online")
            if not self._has_been_online:
                self._has_been_online = True
                self._peer.look()
                self._look_back(self._here).chainDeferred(self._opened)
        elif status.status in (ClientState.CONNECTING, ClientState.WAITING):
            self._face.status("reconnecting…" if self._has_been_online else "connecting…")

    def _open(self, conversation: str) -> "Deferred[None]":
        """Go on in a conversation; fires when what was said there before is shown."""
        here = self._all.get(conversation)
        if here is None:
            here = self._made(pair_in(self._user, conversation), Transcript(self._user))
        self._here = here
        self._face.opened(here.pair, here.transcript)
        self._peer.turn_to(here.pair.peer)
        return self._look_back(here)

    def _made(self, pair: Pair, transcript: Transcript) -> Opened:
        reads = ReadCursor(lambda seq: self._client.read(pair.conversation, seq))
        view = _View(self._face, lambda: self._here.pair == pair)
        opened = Opened(pair, transcript, Talk(pair, transcript, view, reads.to))
        self._all[pair.conversation] = opened
        return opened

    def _look_back(self, here: Opened) -> "Deferred[None]":
        """Show what was said before, or where something may be said."""
        if not here.pair.conversation:
            return self._commands.run(CONTACTS)
        asked = self._client.history(here.pair.conversation, limit=HISTORY_ENTRIES)
        return asked.addCallbacks(self._history, self._no_history, callbackArgs=(here,))

    def _history(self, page: HistoryPage, asked: Opened) -> None:
        """What comes after the user went on elsewhere is not seen, so that it does not count as read."""
        if asked is self._here:
            asked.talk.history(page.messages, page.peer_delivered_seq, page.peer_read_seq)

    def _list(self, lines: Sequence[str]) -> None:
        if not self._has_left:
            self._face.listed(lines)

    def _cursor(self, event: CursorMoved) -> None:
        if event.conversation in self._all:
            self._all[event.conversation].talk.cursor(event)

    def _head(self, head: Head) -> None:
        if head.conversation in self._all:
            self._all[head.conversation].talk.head(head)

    @property
    def _waiting(self) -> int:
        return sum(each.transcript.waiting for each in self._all.values())

    def _no_history(self, failure: DeferredFailure) -> None:
        """There is none before the first message; later ones come by themselves."""
        failure.trap(ClientError)
        if not failure.check(NotFoundError, ClientStoppedError):
            self._face.note(failure.getErrorMessage())


class _View:
    """Shows the lines of a conversation while that is the one on the face."""

    def __init__(self, face: Face, is_here: Callable[[], bool]) -> None:
        self._face = face
        self._is_here = is_here

    def changed(self, line: Line) -> None:
        if self._is_here():
            self._face.changed(line)

    def note(self, text: str) -> None:
        self._face.note(text)


def _unknown(user: str) -> Failure:
    return Failure(
        Status.UNREACHABLE,
        "unknown",
        "not everything said has an answer yet; it is kept, and the next imctl command of "
        f"{user} that connects sends it under the same id, so it arrives once",
    )
