"""The Twisted front: the core, on a reactor and a network."""

from collections.abc import Callable, Iterable, Mapping
from secrets import SystemRandom
from typing import Any

from google.protobuf.message import Message as Body
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from im.client import answers
from im.client.addresses import EndpointFactory
from im.client.connector import Connector, Dialling
from im.client.core import events
from im.client.core.session import ClientCore, CoreSettings, Phase
from im.client.core.state import Unsent
from im.client.errors import ClientStoppedError, OutboxFullError
from im.client.grouped import Grouped
from im.client.links import Link
from im.client.observers import Observers
from im.client.related import Related
from im.client.routes import Routes, no_routes, on_network
from im.client.settings import ClientSettings, ClientStatus, HistoryPage, Profile, Randomness, Status
from im.client.waiters import Waiters
from im.core.contacts import badge
from im.core.entries import TEXT
from im.core.errors import Code
from im.core.ids import direct_conversation, uuid7
from im.core.messages import Head
from im.core.presence import Presence
from im.proto import chat_pb2, session_pb2, sync_pb2

GOODBYE_SECONDS = 2.0
"""For the server to close the connection after a logout."""


class Client(Grouped, Related):
    """One device of one user, connected to a node for as long as it runs.

    Every method that returns a Deferred may be called at any time after `start`, connected or not.
    Observers are called on a later turn; one that raises is logged.
    """

    _log = Logger()

    def __init__(
        self,
        settings: ClientSettings,
        reactor: Any,
        *,
        endpoints: EndpointFactory | None = None,
        random: Randomness | None = None,
        now_ms: Callable[[], int] | None = None,
    ) -> None:
        self._clock: IReactorTime = reactor
        self._random: Randomness = random or SystemRandom()
        self._now_ms = now_ms or (lambda: int(self._clock.seconds() * 1_000))
        self._settings = settings
        core = CoreSettings(
            device=settings.device,
            device_class=settings.device_class,
            program=settings.program,
            heartbeat=settings.heartbeat,
            is_background=settings.is_background,
            timing=settings.timing,
        )
        self._core = ClientCore(core, settings.state, self._random.random)
        routes: Routes = no_routes
        if endpoints is None:
            endpoints, routes = on_network(reactor, settings)
        dialling = Dialling(settings.addresses, settings.token, endpoints, routes)
        self._connector = Connector(dialling, self._clock, self._random.random, self)
        self._observers = Observers(self._clock, self._handled, self._flush)
        self._link: Link | None = None
        self._timer: IDelayedCall | None = None
        self._ended: events.Ended | None = None
        self._status = ClientStatus(Status.STOPPED)
        self._is_stopped = False
        self._logs_out = True
        self._is_telling = False
        self._waiters = Waiters()
        self._goodbye: Deferred[None] | None = None
        self._goodbye_by: IDelayedCall | None = None
        self._told: dict[type, Callable[[Any], None]] = {
            events.Message: self._observers.tell_message,
            events.Sent: self._on_sent,
            events.SendFailed: self._on_send_failed,
            events.Answered: self._waiters.answered,
            events.RequestRefused: self._waiters.refused,
            events.RequestTimedOut: self._waiters.timed_out,
            events.LoggedIn: self._on_logged_in,
            events.Ended: self._on_ended,
            events.AuditFound: self._on_audit_found,
        }

    @property
    def user(self) -> str:
        """Who this client is; "" until a login told it for the first time."""
        return self._core.user

    @property
    def device(self) -> str:
        """The id of this device."""
        return self._core.device

    @property
    def status(self) -> ClientStatus:
        """Where the client stands."""
        return self._status

    @property
    def unsent(self) -> int:
        """How many messages have no answer yet."""
        return self._core.unsent

    def start(self) -> None:
        """Connect and stay connected. Also ends staying away."""
        if self._is_stopped:
            raise ClientStoppedError("a stopped client is not started again; make a new one")
        if self._status.status in (Status.STOPPED, Status.AWAY):
            self._connector.start()

    def stop(self, *, log_out: bool = True) -> Deferred[None]:
        """Acknowledge, log out, disconnect and close the state. Fires when nothing is left running.

        What waits for an answer fails with `ClientStoppedError`; unsent messages stay in the state.
        A logout makes the server forget the push token; without it the device is still to be reached.
        """
        if self._is_stopped:
            return succeed(None)
        self._is_stopped = True
        self._logs_out = log_out
        self._observers.close()
        goodbye: Deferred[None] = Deferred()
        self._goodbye = goodbye
        # On a later turn: a message whose observer calls this counts as received when it returns.
        self._goodbye_by = self._clock.callLater(0, self._say_goodbye)
        return goodbye

    # Sending and asking.

    def send(
        self, conversation: str, text: str, *, seen_seq: int = 0, client_msg_id: bytes = b""
    ) -> Deferred[events.Sent]:
        """Send a text. Fires when it is stored for good; fails only if it never will be.

        It is kept in the state and tried over any number of connections. `seen_seq`: the furthest
        entry of the conversation that the user has seen; it moves the read cursor there. The same
        `client_msg_id` (16 bytes) is the same message. Fails with `ServerError`, `OutboxFullError`
        or `ClientStoppedError`. Cancelling forgets the Deferred, not the message.
        """
        return self.send_content(conversation, TEXT, text.encode(), seen_seq, client_msg_id)

    def send_content(
        self, conversation: str, kind: int, content: bytes, seen_seq: int = 0, client_msg_id: bytes = b""
    ) -> Deferred[events.Sent]:
        """Send content of any kind; see `send`."""
        if self._is_stopped:
            return fail(ClientStoppedError("the client is stopped"))
        key = client_msg_id or uuid7(self._now_ms(), self._random.randbytes(10))
        try:
            self._core.send(Unsent(conversation, key, seen_seq, kind, content), self._clock.seconds())
        except OutboxFullError as error:
            return fail(error)
        sent = self._waiters.for_send(key)
        self._flush()
        return sent

    def send_to(self, user: str, text: str, *, seen_seq: int = 0) -> Deferred[events.Sent]:
        """Send a text to a user; see `send`. Before the very first login it waits for that."""
        if self.user:
            return self.send(direct_conversation(self.user, user), text, seen_seq=seen_seq)
        if self._is_stopped:
            return fail(ClientStoppedError("the client is stopped"))
        known = self._waiters.for_user()
        return known.addCallback(lambda _: self.send_to(user, text, seen_seq=seen_seq))

    def read(self, conversation: str, seq: int) -> Deferred[events.CursorMoved]:
        """Tell that the user has seen everything up to and with `seq`. Fires with where it stands now."""
        return self._ask(chat_pb2.Read(conversation=conversation, seq=seq)).addCallback(answers.cursor_moved)

    def history(self, conversation: str, before: int = 0, limit: int = 50) -> Deferred[HistoryPage]:
        """The newest `limit` messages, or those before the seq `before`."""
        if before == 1:
            return succeed(HistoryPage([], False, 0, 0, 0, 0))
        from_seq = before - 1 if before else 0
        body = sync_pb2.Pull(conversation=conversation, from_seq=from_seq, backward=True, limit=limit)
        return self._ask(body).addCallback(answers.history_page)

    def heads(self) -> Deferred[list[Head]]:
        """Every conversation of the user as it is now, with its unread number."""
        return self._wait_for(self._core.refresh).addCallback(lambda _: self._core.heads())

    def unread(self) -> Deferred[int]:
        """What a badge says now: the unread messages of all conversations, but muted and hidden ones."""
        return self.heads().addCallback(badge)

    def profile(self, user: str = "") -> Deferred[Profile]:
        """The profile of a user; without a name one's own."""
        return self._ask(session_pb2.GetProfile(user=user)).addCallback(answers.profile)

    def set_profile(
        self, *, name: str | None = None, avatar: str | None = None, fields: Mapping[str, str] | None = None
    ) -> Deferred[Profile]:
        """Change one's own profile. None leaves; an empty value in `fields` removes its key."""
        body = session_pb2.SetProfile(name=name, avatar=avatar, fields=fields or {})
        return self._ask(body).addCallback(answers.profile)

    def register_push_token(self, platform: str, token: str) -> Deferred[None]:
        """Tell the token by which the platform's push service reaches this device; "" forgets it.

        `platform` is the app's own name of the service. Register again when the service gives another
        one; the server forgets it at a logout, see `stop`.
        """
        body = session_pb2.RegisterPushToken(platform=platform, token=token)
        return self._ask(body).addCallback(lambda _: None)

    def watch(self, users: Iterable[str]) -> Deferred[list[Presence]]:
        """Watch users from now on, over any number of connections; see `on_presence`.

        Fires with the present state of those whom one may watch. Fails as any request, such as with
        `ServerError` if they are too many; then they are not watched.
        """
        asked = tuple(dict.fromkeys(users))
        watched = self._wait_for(lambda now: self._core.watch(asked, now))
        return watched.addCallback(lambda _: [known for user in asked if (known := self.presence(user))])

    def unwatch(self, users: Iterable[str]) -> None:
        """Watch users no more."""
        self._core.watching.unwatch(users, self._clock.seconds())
        self._flush()

    def presence(self, user: str) -> Presence | None:
        """What was told last of a user who is watched; None if nothing was yet."""
        return self._core.watching.get(user)

    def set_background(self, is_background: bool) -> None:
        """Tell whether the app is in the background, where the server asks for fewer heartbeats."""
        self._core.set_background(is_background, self._clock.seconds())
        self._flush()

    def call(
        self, number: int, body: bytes, conversation: str = "", key: bytes = b""
    ) -> Deferred[events.AppBody]:
        """Ask what an app's type does; done once, however often it is repeated under one `key` (16 bytes)."""
        asked, once = events.AppBody(number, body, conversation), key or self._random.randbytes(16)
        return self._wait_for(lambda now: self._core.call(asked, once, now)).addCallback(answers.of_app)

    # The connector's owner.

    def dialling(self, address: str) -> None:
        """An address is tried."""
        self._become(ClientStatus(Status.CONNECTING, address))

    def waiting(self, seconds: float, reason: str) -> None:
        """The next address is tried after a while."""
        ended = self._ended
        why = f"{ended.label}: {ended.text}" if ended is not None else reason
        self._become(ClientStatus(Status.WAITING, why, seconds))

    def link_ready(self, link: Link, token: str) -> None:
        """A connection stands: log in."""
        self._link = link
        self._ended = None
        self._core.connected(token, self._clock.seconds(), self._now_ms())
        self._flush()

    def link_received(self, payloads: list[bytes]) -> None:
        """Bytes came."""
        now = self._clock.seconds()
        self._core.heard(now)
        for payload in payloads:
            self._core.received(payload, now)
        self._flush()

    def link_gone(self, reason: str) -> None:
        """The connection is over: dial again, or stay away."""
        self._link = None
        self._core.disconnected(self._clock.seconds())
        self._flush()
        ended = self._ended or events.Ended("connection_lost", reason, reconnect=True)
        has_expired = self._status.status is Status.ONLINE and ended.label == Code.EXPIRED.label
        may_renew_token = has_expired and callable(self._settings.token)
        if self._is_stopped:
            self._finish()
        elif ended.reconnect or may_renew_token:
            self._connector.retry(ended.retry_after, ended.alternate)
        else:
            self._log.warn("staying away: {label}, {text}", label=ended.label, text=ended.text)
            self._become(ClientStatus(Status.AWAY, f"{ended.label}: {ended.text}"))

    # Inside.

    def _say_goodbye(self) -> None:
        if self._link is None:
            self._finish()
            return
        self._goodbye_by = self._clock.callLater(GOODBYE_SECONDS, self._link.abort)
        was_online = self._core.phase is Phase.ONLINE
        self._core.leave(self._clock.seconds(), self._logs_out)
        self._flush()
        link = self._link
        if link is not None and not was_online:
            link.abort()
        elif link is not None and not self._logs_out:
            link.close()

    def _flush(self) -> None:
        """Send and tell what the core wants, and plan its next deadline."""
        frames = self._core.take_frames()
        if frames and self._link is not None:
            self._link.send(frames)
        if not self._is_telling:
            self._tell()
        self._arm()

    def _tell(self) -> None:
        self._is_telling = True
        try:
            while happened := self._core.take_events():
                for event in happened:
                    told = self._told.get(type(event), self._observers.tell)
                    told(event)
        finally:
            self._is_telling = False

    def _arm(self) -> None:
        due = self._core.deadline()
        timer = self._timer
        if due == float("inf") or self._is_stopped:
            return
        if timer is None:
            self._timer = self._clock.callLater(max(0.0, due - self._clock.seconds()), self._tick)
        elif due < timer.getTime():
            timer.reset(max(0.0, due - self._clock.seconds()))

    def _tick(self) -> None:
        self._timer = None
        self._core.tick(self._clock.seconds())
        self._flush()

    def _handled(self, message: events.Message) -> None:
        self._core.handled(message, self._clock.seconds())

    def _become(self, status: ClientStatus) -> None:
        self._status = status
        self._observers.tell(status)

    def _finish(self) -> None:
        """Leave nothing running and nobody waiting."""
        self._connector.stop()
        self._observers.stop()
        for call in (self._timer, self._goodbye_by):
            if call is not None and call.active():
                call.cancel()
        self._timer = self._goodbye_by = None
        self._status = ClientStatus(Status.STOPPED)
        self._waiters.fail_all(ClientStoppedError("the client was stopped before the answer came"))
        self._settings.state.close()
        goodbye, self._goodbye = self._goodbye, None
        if goodbye is not None:
            goodbye.callback(None)

    def _ask(self, body: Body) -> Deferred[Any]:
        return self._wait_for(lambda now: self._core.ask(body, now))

    def _wait_for(self, ask: Callable[[float], int]) -> Deferred[Any]:
        if self._is_stopped:
            return fail(ClientStoppedError("the client is stopped"))
        answer = self._waiters.for_request(ask(self._clock.seconds()))
        self._flush()
        return answer

    # What the core tells.

    def _on_sent(self, event: events.Sent) -> None:
        self._waiters.sent(event)
        self._observers.tell(event)

    def _on_send_failed(self, event: events.SendFailed) -> None:
        self._waiters.send_failed(event)
        self._observers.tell(event)

    def _on_logged_in(self, event: events.LoggedIn) -> None:
        self._connector.settled()
        self._become(ClientStatus(Status.ONLINE, event.node))
        self._waiters.user_known()

    def _on_ended(self, event: events.Ended) -> None:
        self._ended = event
        if self._link is not None:
            self._link.abort()

    def _on_audit_found(self, event: events.AuditFound) -> None:
        self._log.warn(
            "an audit found {conversation} at {head_seq}; no push had told of {first_missing}",
            **event._asdict(),
        )
        self._observers.tell(event)
