"""A chat over a client: what the user says goes out, what the client tells is shown."""

import os
import time
from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet.defer import Deferred, succeed
from twisted.python.failure import Failure as DeferredFailure

from im.cli.failures import Failure, Status, unreachable
from im.cli.online import Session
from im.cli.peer import Peer
from im.cli.pushes import may_show, push_text
from im.cli.talk import Pair, Talk, View
from im.cli.transcript import Transcript
from im.client.client import Client
from im.client.core.events import Message, SendFailed, SendState, SendUnknown, Sent
from im.client.errors import ClientError, ClientStoppedError, NotFoundError, OutboxFullError, ServerError
from im.client.settings import ClientStatus, HistoryPage
from im.client.settings import Status as ClientState
from im.core.entries import TEXT
from im.core.ids import uuid7
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


class Chat:
    """One conversation on a face, until the user leaves."""

    def __init__(self, session: Session, pair: Pair, transcript: Transcript, face: Face) -> None:
        self._session = session
        self._client = client = session.client
        self._pair = pair
        self._transcript = transcript
        self._face = face
        reads = ReadCursor(lambda seq: client.read(pair.conversation, seq))
        self._talk = Talk(pair, transcript, face, reads.to)
        self._peer = Peer(client, pair.peer, face.peer)
        self._opened: Deferred[None] = Deferred()
        self._room: Deferred[None] | None = None
        self._stored: Deferred[None] | None = None
        self._has_left = False
        self._has_been_online = False
        self._sends: dict[type, Callable[[Any], None]] = {
            Sent: self._talk.sent,
            SendUnknown: self._talk.unknown,
            SendFailed: self._talk.failed,
        }

    async def run(self) -> None:
        """Show and send until the user leaves, and what was said last is stored. Raises `Failure`."""
        self._observe(self._client)
        self._talk.unsent(
            {
                each.client_msg_id: each.content.decode("utf-8", "replace")
                for each in self._session.device.unsent
                if each.conversation == self._pair.conversation and each.kind == TEXT
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
        if self._transcript.waiting:
            self._stored = Deferred()
            await self._session.wait(self._stored, patience, _unknown(self._pair.user))
        if patience > MOMENT:
            await self._session.wait(self._opened, patience, unreachable("nobody answers"))

    def _observe(self, client: Client) -> None:
        client.on_state(self._state)
        client.on_message(self._message)
        client.on_send(self._send)
        client.on_cursor(self._talk.cursor)
        client.on_head(self._talk.head)
        client.on_event(lambda push: self._face.note(f"pushed: {push_text(push)}"))

    def _say(self, text: str) -> "Deferred[None]":
        """Send a line; fires when there is room for the next."""
        client_msg_id = uuid7(time.time_ns() // 1_000_000, os.urandom(10))
        self._talk.sending(client_msg_id, text)
        seen = self._transcript.last_seq
        sending = self._client.send(self._pair.conversation, text, seen_seq=seen, client_msg_id=client_msg_id)
        sending.addErrback(self._not_sent, client_msg_id)
        if self._transcript.waiting < MAX_WAITING:
            return succeed(None)
        self._room = Deferred()
        return self._room

    def _not_sent(self, failure: DeferredFailure, client_msg_id: bytes) -> None:
        """What was refused, or is left for later, the events tell."""
        if failure.check(OutboxFullError):
            self._talk.not_taken(client_msg_id, failure.getErrorMessage())
        else:
            failure.trap(ServerError, ClientStoppedError)

    def _send(self, event: SendState) -> None:
        tell = self._sends.get(type(event))
        if tell is None or event.conversation != self._pair.conversation:
            return
        tell(event)
        self._peer.look()  # the first message makes the two contacts
        waiting = self._transcript.waiting
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
            self._talk.message(message)
            self._peer.look()
        return None

    def _state(self, status: ClientStatus) -> None:
        if status.status is ClientState.ONLINE:
            self._face.status("online")
            if not self._has_been_online:
                self._has_been_online = True
                self._peer.look()
                asked = self._client.history(self._pair.conversation, limit=HISTORY_ENTRIES)
                asked.addCallbacks(self._history, self._no_history).chainDeferred(self._opened)
        elif status.status in (ClientState.CONNECTING, ClientState.WAITING):
            self._face.status("reconnecting…" if self._has_been_online else "connecting…")

    def _history(self, page: HistoryPage) -> None:
        self._talk.history(page.messages, page.peer_delivered_seq, page.peer_read_seq)

    def _no_history(self, failure: DeferredFailure) -> None:
        """There is none before the first message; later ones come by themselves."""
        failure.trap(ClientError)
        if not failure.check(NotFoundError, ClientStoppedError):
            self._face.note(failure.getErrorMessage())


def _unknown(user: str) -> Failure:
    return Failure(
        Status.UNREACHABLE,
        "unknown",
        "not everything said has an answer yet; it is kept, and the next imctl command of "
        f"{user} that connects sends it under the same id, so it arrives once",
    )
