"""The client's core: login, and who of its parts answers what."""

import enum
import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.message import Message as Body

from im.client.core.acks import Acks
from im.client.core.arrivals import ArrivalParts, Arrivals
from im.client.core.conversation import Conversation
from im.client.core.events import (
    AppBody,
    Effects,
    Ended,
    Event,
    LoggedIn,
    Message,
    Pushed,
    Refusal,
    Signalled,
)
from im.client.core.heartbeat import Heartbeat
from im.client.core.outbox import Outbox, OutboxParts
from im.client.core.requests import Outcome, Requests
from im.client.core.state import ClientState, Unsent
from im.client.core.sync import Sync, SyncParts
from im.client.core.timing import Jitter, Timing
from im.client.core.watching import Watching
from im.core.errors import Code
from im.core.messages import Head
from im.proto import base_pb2, chat_pb2, push_pb2, session_pb2, sync_pb2
from im.proto.base_pb2 import BaseMessage
from im.wire import types
from im.wire.codec import UndecodableError, pack, pack_raw, unpack, unpack_body

PROTOCOL_VERSION = 1
DEFAULT_HEARTBEAT_MS = 30_000
MS = 1_000


class Phase(enum.Enum):
    """Where a session stands."""

    OFFLINE = enum.auto()
    LOGGING_IN = enum.auto()
    ONLINE = enum.auto()
    OVER = enum.auto()


@dataclass(frozen=True, kw_only=True)
class CoreSettings:
    """What a client is. `heartbeat` is the wished interval in seconds, 0: the server's.

    `device` "" is the one that the state made once.
    """

    device: str = ""
    device_class: str = "bot"
    program: str = "im-client"
    heartbeat: float = 0.0
    is_background: bool = False
    outbox_messages: int = 10_000
    timing: Timing = field(default_factory=Timing)


class ClientCore:
    """One device of one user, without input and output.

    Whoever drives it calls it with payloads and the time in seconds, then sends what `take_frames`
    gives, deals with what `take_events` gives, and calls `tick` at `deadline`. `jitter` gives numbers
    from 0 up to 1.
    """

    def __init__(self, settings: CoreSettings, state: ClientState, jitter: Jitter) -> None:
        self._settings = settings
        self._state = state
        self._effects = effects = Effects()
        self._next_id = next_id = itertools.count(1).__next__
        timing = settings.timing
        self._phase = Phase.OFFLINE
        self._login_id = 0
        self._login_by = float("inf")
        self._requests = Requests(effects, timing, jitter)
        self._outbox = Outbox(OutboxParts(effects, state, timing, jitter, next_id), settings.outbox_messages)
        self._acks = Acks(effects, state, timing)
        self._arrivals = Arrivals(
            ArrivalParts(effects, self._acks, timing, self._outbox.resolve, self._pull, self._look)
        )
        self._heartbeat = Heartbeat(timing, jitter)
        self._is_background = settings.is_background
        saved = state.load()
        self.device = settings.device or saved.device
        self._attempt = saved.attempt
        self._arrivals.restore(saved)
        self._sync = Sync(SyncParts(effects, state, self._arrivals, self._requests, next_id), saved.cursor)
        self.watching = Watching(effects, self._requests, next_id)
        for message in saved.unsent:
            self._outbox.restore(message)
        self._receivers: dict[int, Callable[[int, Any, float], None]] = {
            types.DELIVER: self._on_deliver,
            types.SEND_ACK: self._on_send_ack,
            types.HEARTBEAT_ACK: self._on_heartbeat_ack,
            types.ONLINE_RESULT: self._on_online_result,
            types.CURSOR: self._on_cursor,
            types.RESYNC: self._on_resync,
            types.ERROR: self._on_error,
            types.CLOSE: self._on_close,
            types.EVENT: self._on_event,
            types.PRESENCE: lambda request, body, now: self.watching.changed(body),
        }

    @property
    def user(self) -> str:
        """Who this client is; "" until a login told it for the first time."""
        return self._arrivals.user

    @property
    def phase(self) -> Phase:
        """Where the session stands."""
        return self._phase

    @property
    def unsent(self) -> int:
        """How many messages have no answer yet."""
        return len(self._outbox)

    # The connection.

    def connected(self, token: str, now: float, now_ms: int) -> None:
        """A connection stands: log in. `now_ms` is the Unix time, for the login's attempt."""
        self._phase = Phase.LOGGING_IN
        self._attempt = max(self._attempt + 1, now_ms)
        self._state.save_attempt(self._attempt)
        self._login_id = self._next_id()
        self._login_by = now + self._settings.timing.login
        body = session_pb2.OnlineMessage(
            min_version=PROTOCOL_VERSION,
            max_version=PROTOCOL_VERSION,
            token=token,
            device_id=self.device,
            device_class=self._settings.device_class,
            attempt=self._attempt,
            app_state=self._app_state(),
            cursor=self._sync.login(),
            client=self._settings.program,
            heartbeat_ms=int(self._settings.heartbeat * MS),
        )
        self._effects.frames.append(pack(body, self._login_id))

    def disconnected(self, now: float) -> None:
        """The connection is gone. Unsent messages and the front's requests wait for the next one."""
        self._phase = Phase.OFFLINE
        self._login_by = float("inf")
        self._heartbeat.stop()
        self._effects.frames.clear()
        self._acks.offline(now)
        self._requests.offline()
        self.watching.offline()
        self._outbox.offline()
        self._arrivals.offline()
        self._sync.offline()

    def heard(self, now: float) -> None:
        """Bytes came, if only a part of a payload."""
        self._heartbeat.heard(now)

    def received(self, payload: bytes, now: float) -> None:
        """A payload came. One that cannot be understood ends the session."""
        if self._phase is not Phase.ONLINE and self._phase is not Phase.LOGGING_IN:
            return
        try:
            envelope = unpack(payload)
            if envelope.type not in types.TYPES:
                self._on_app(envelope)
                return
            body = unpack_body(envelope)
        except UndecodableError as error:
            self._end(Ended(Code.UNDECODABLE.label, str(error), reconnect=True))
            return
        receiver = self._receivers.get(envelope.type)
        if receiver is not None:
            receiver(envelope.id, body, now)
        elif envelope.id:
            self._requests.answered(envelope.id, body, now)

    def tick(self, now: float) -> None:
        """Do what is due."""
        late = now - self.deadline()
        if late > self._settings.timing.stall:
            self._heartbeat.forgive(late)
        if now >= self._login_by:
            self._end(Ended(Code.LOGIN_TIMEOUT.label, "the login was not answered", reconnect=True))
        if self._phase is Phase.ONLINE:
            if self._heartbeat.is_silent(now):
                self._end(Ended(Code.HEARTBEAT_TIMEOUT.label, "the server is silent", reconnect=True))
                return
            if self._heartbeat.is_due(now):
                self._beat()
                if self._heartbeat.is_audit_due():
                    self._sync.audit(now)
            self._outbox.tick(now)
            self._arrivals.tick(now)
        self._requests.tick(now)
        if self._acks.deadline() <= now:
            self._acks.flush(now)

    def deadline(self) -> float:
        """When `tick` is needed next; infinity: never."""
        due = min(self._requests.deadline(), self._acks.deadline(), self._login_by)
        if self._phase is Phase.ONLINE:
            due = min(due, self._heartbeat.deadline(), self._outbox.deadline(), self._arrivals.deadline())
        return due

    def take_frames(self) -> list[bytes]:
        """The payloads to send now, in order. What they rest on is committed before."""
        self._state.commit()
        frames = self._effects.frames
        if frames:
            self._effects.frames = []
        return frames

    def take_events(self) -> list[Event]:
        """What happened since the last call, in order."""
        events = self._effects.events
        if events:
            self._effects.events = []
        return events

    # What the front asks for.

    def send(self, message: Unsent, now: float) -> None:
        """Send a message; the same id again is the same message. Raises `OutboxFullError`."""
        self._outbox.add(message, now)

    def handled(self, message: Message, now: float) -> None:
        """The front has finished with a message: it counts as received. In order within a conversation."""
        self._arrivals.handled(message, now)

    def ask(self, body: Body, now: float) -> int:
        """Ask the server something that may be asked again. The events name the returned number."""
        request = self._next_id()
        self._requests.ask(request, pack(body, request), now)
        return request

    def call(self, asked: AppBody, key: bytes, now: float) -> int:
        """As `ask`, for an app's type. The same `key` (16 bytes) is the same request: it is done once."""
        request = self._next_id()
        frame = pack_raw(asked.type, asked.body, request, asked.conversation, key)
        self._requests.ask(request, frame, now)
        return request

    def watch(self, users: Iterable[str], now: float) -> int:
        """Watch users; when the returned number is answered, the state of those it may watch is known."""
        request = self._next_id()
        self.watching.watch(request, users, now)
        return request

    def refresh(self, now: float) -> int:
        """Sync; when the returned number is answered, `heads` is as new as this call."""
        request = self._next_id()
        self._requests.ask(request, b"", now)
        self._sync.refresh(request, now)
        return request

    def heads(self) -> list[Head]:
        """Every conversation as the last sync told of it."""
        return self._arrivals.heads()

    def watermark(self, conversation: str) -> int:
        """The seq up to which everything of a conversation was received; 0 of an unknown one."""
        known = self._arrivals.get(conversation)
        return 0 if known is None else known.done

    def set_background(self, is_background: bool, now: float) -> None:
        """Tell the server whether the app is in the background; out of it, what the user has now."""
        if is_background != self._is_background:
            self._is_background = is_background
            if self._phase is Phase.ONLINE:
                self._beat()
                if not is_background:
                    self._acks.give_again(now)

    def leave(self, now: float, log_out: bool) -> None:
        """Acknowledge what was received; at a logout also say goodbye: the server closes the connection."""
        self._acks.flush(now)
        if log_out and self._phase is Phase.ONLINE:
            self._effects.frames.append(pack(session_pb2.Logout(), self._next_id()))

    # What comes in.

    def _on_online_result(self, request: int, body: session_pb2.OnlineResult, now: float) -> None:
        if self._phase is not Phase.LOGGING_IN or request != self._login_id:
            return
        if self.user not in ("", body.user):
            text = f"this state is of {self.user}, and the token of {body.user}"
            self._end(Ended(Code.CONFLICT.label, text, reconnect=False))
            return
        self._arrivals.user = body.user
        self._phase = Phase.ONLINE
        self._login_by = float("inf")
        self._effects.events.append(LoggedIn(body.user, body.session, body.node, body.server_time_ms))
        self._heartbeat.start((body.heartbeat_ms or DEFAULT_HEARTBEAT_MS) / MS, now)
        self._sync.online()
        self._requests.online(now)
        self.watching.online(now)
        self._acks.online(now)
        self._sync.page(body.sync, now)
        self._arrivals.resume(now)
        self._outbox.online(max(body.limits.sends_in_flight, 1), now)

    def _on_deliver(self, request: int, body: chat_pb2.Deliver, now: float) -> None:
        self._arrivals.delivered(body, now)

    def _on_send_ack(self, request: int, body: chat_pb2.SendAck, now: float) -> None:
        if self._outbox.acknowledged(request, body.seq, body.server_time_ms, now):
            self._arrivals.own(body.conversation, body.epoch, body.seq, now)

    def _on_heartbeat_ack(self, request: int, body: session_pb2.HeartbeatAck, now: float) -> None:
        if body.heartbeat_ms:
            self._heartbeat.change(body.heartbeat_ms / MS, now)

    def _on_cursor(self, request: int, body: chat_pb2.Cursor, now: float) -> None:
        self._arrivals.cursor(body)
        if request:
            self._requests.answered(request, body, now)

    def _on_resync(self, request: int, body: sync_pb2.Resync, now: float) -> None:
        self._sync.look(now)

    def _on_error(self, request: int, body: base_pb2.Error, now: float) -> None:
        refusal = Refusal(
            body.code,
            body.name,
            body.text,
            body.field,
            body.retryable,
            body.retry_after_ms / MS,
            body.last_attempt,
        )
        if request and request == self._login_id:
            self._attempt = max(self._attempt, refusal.last_attempt)
            if self._phase is Phase.LOGGING_IN:
                self._end(Ended(refusal.label, refusal.text, refusal.retryable, refusal.retry_after))
        elif not self._outbox.refused(request, refusal, now):
            self._requests.refused(request, refusal, now)

    def _on_event(self, request: int, body: push_pb2.Event, now: float) -> None:
        self._effects.events.append(Pushed(types.EVENT, body.json))

    def _on_app(self, envelope: BaseMessage) -> None:
        if envelope.type >= types.FIRST_CUSTOM_TYPE:
            body = AppBody(envelope.type, envelope.body, envelope.conversation)
            if envelope.id:
                self._requests.answered_by_app(envelope.id, body)
            else:
                self._effects.events.append(Signalled(body))

    def _on_close(self, request: int, body: base_pb2.Close, now: float) -> None:
        self._end(Ended(body.name, body.text, body.reconnect, body.retry_after_ms / MS, body.alternate))

    def _end(self, ended: Ended) -> None:
        """Take and send nothing more on this connection."""
        self._phase = Phase.OVER
        self._login_by = float("inf")
        self._effects.events.append(ended)

    def _beat(self) -> None:
        body = session_pb2.Heartbeat(app_state=self._app_state())
        self._effects.frames.append(pack(body, self._next_id()))

    def _app_state(self) -> session_pb2.AppState:
        return session_pb2.BACKGROUND if self._is_background else session_pb2.FOREGROUND

    def _look(self, now: float) -> None:
        self._sync.look(now)

    def _pull(self, conversation: Conversation, now: float) -> None:
        request = self._next_id()
        body = sync_pb2.Pull(conversation=conversation.id, from_seq=conversation.handed + 1)

        def answered(page: Body, when: float) -> None:
            if isinstance(page, sync_pb2.Page):
                self._arrivals.page(conversation, page, when)

        def refused(refusal: Refusal, when: float) -> None:
            self._arrivals.unreadable(conversation, when)

        self._requests.ask(request, pack(body, request), now, Outcome(answered, refused))
