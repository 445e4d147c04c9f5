"""One client's connection, whatever carries it: its state, its limits, its deliveries, its end.

It knows bytes, envelopes and time, and nothing of what the types mean: that is dispatch's. All its
deadlines share one timer, set to the nearest; an idle session costs one timer and no window.
"""

import math

from im.core.errors import Code, Refused
from im.core.limits import Limits
from im.core.rate import TokenBucket
from im.core.sessions import AppState, State, dead_after
from im.core.wheel import Timer
from im.core.window import DeliveryWindow
from im.gateway import translate
from im.gateway.runs import Run
from im.gateway.scope import ConnectionScope
from im.gateway.ticker import TICK_SECONDS, ticks
from im.gateway.transport import Transport
from im.ports import Session
from im.proto.sync_pb2 import Resync
from im.wire.codec import UndecodableError, pack, unpack

RESYNC_TICKS = ticks(1.0)
"""After a delivery was dropped: what is dropped until then goes into the same resync."""

CLOSED_BY_PEER = "lost: closed by the peer"
"""How a session ended whose client ended the connection in order."""

_LOGGING_IN, _ONLINE, _CLOSING, _CLOSED = State.LOGGING_IN, State.ONLINE, State.CLOSING, State.CLOSED
_OVER = (_CLOSING, _CLOSED)
_TAKES_DELIVERIES = (_ONLINE, _LOGGING_IN)


class Connection:
    """The `FrameReceiver` of a transport. `session` stands from the login on, also after the end."""

    __slots__ = (
        "_blocked_at",
        "_bucket",
        "_excess",
        "_expires_at",
        "_heard_at",
        "_opened_at",
        "_patience",
        "_scope",
        "_timer",
        "_transport",
        "_window",
        "_wished_ms",
        "address",
        "app_state",
        "frames_in",
        "frames_out",
        "in_flight",
        "pages_in_flight",
        "session",
        "state",
    )

    def __init__(self, scope: ConnectionScope, transport: Transport, address: str) -> None:
        self._scope = scope
        self._transport = transport
        self.address = address
        self.state = State.CONNECTED
        self.session: Session | None = None
        self.app_state = AppState.FOREGROUND
        self.in_flight = 0
        self.pages_in_flight = 0
        self.frames_in = 0
        self.frames_out = 0
        self._wished_ms = 0
        self._patience = 0
        self._opened_at = self._heard_at = scope.ticker.now
        self._expires_at: int | None = None
        self._blocked_at: int | None = None
        self._bucket = TokenBucket(scope.rate)
        self._excess: TokenBucket | None = None
        self._window: DeliveryWindow | None = None
        self._timer: Timer | None = scope.ticker.after(scope.limits.login_seconds, self._wake)

    # What the transport calls.

    def frame_received(self, payload: bytes) -> None:
        """Take one envelope of the client."""
        scope = self._scope
        scope.counters.frames_in += 1
        self.frames_in += 1
        if self.state in _OVER:
            return
        self._heard_at = now = scope.ticker.now
        wait = self._bucket.take(now)
        if wait > 0.0:
            self._throttle(payload, wait)
            return
        try:
            envelope = unpack(payload)
        except UndecodableError as error:
            self.refuse(Refused(Code.UNDECODABLE, str(error)), 0)
            return
        if self.state is _LOGGING_IN:
            self._send_error(Refused(Code.NOT_LOGGED_IN, "wait for the answer to ONLINE"), envelope.id)
            return
        scope.owner.dispatch(self, envelope)

    def frame_refused(self, code: Code, text: str) -> None:
        """End: the client broke the framing, and nothing behind it can be read."""
        self.end(Refused(code, text))

    def write_paused(self) -> None:
        """The client reads too slowly: read nothing more from it, and drop what would be pushed."""
        if self.state in _OVER or self._blocked_at is not None:
            return
        self._blocked_at = now = self._scope.ticker.now
        self._transport.pause_reading()
        if self.state is _ONLINE:
            self._arm(now + 1 + ticks(self._scope.limits.slow_reader_seconds))

    def write_resumed(self) -> None:
        """The client caught up: one resync tells it of all that was dropped."""
        if self._blocked_at is None or self.state in _OVER:
            return
        self._blocked_at = None
        self._heard_at = now = self._scope.ticker.now
        if self.state is not _ONLINE:
            return
        if self._window is not None:
            self._window.postpone(now)
        self._resync()
        self._arm_next(now)
        self._transport.resume_reading()

    def connection_lost(self, reason: str) -> None:
        """Nothing can be sent or received any more."""
        if self.state is _CLOSED:
            return
        was_closing = self.state is _CLOSING
        self.state = _CLOSED
        if not was_closing:
            self._finish("lost", f"lost: {reason}")
        self._scope.owner.connection_closed(self)

    # What the login calls.

    def begin_login(self) -> None:
        """From here to the answer nothing is read; the login's deadline goes on."""
        self.state = _LOGGING_IN
        self._transport.pause_reading()

    def go_online(self, answer: bytes, expires_at: int | None) -> None:
        """Answer the login, then send what was delivered meanwhile. `expires_at`: tick of the token's end."""
        now = self._scope.ticker.now
        self.state = _ONLINE
        self._heard_at = now
        self._expires_at = expires_at
        self._scope.counters.logins += 1
        self._scope.owner.session_began(self)
        self.send(answer)
        if self._window is not None:
            for frame in list(self._window.frames()):
                self._push(frame)
        if self._blocked_at is None:
            self._resync()
        self._arm_next(now)
        if self._blocked_at is None:
            self._transport.resume_reading()

    def beat(self, app_state: AppState) -> int:
        """Take over an app state; the interval, in ms, at which something must be heard from now on."""
        is_changed = app_state is not self.app_state
        self.app_state = app_state
        interval_ms = self._scope.heartbeats.interval_ms(app_state, self._wished_ms)
        self._patience = 1 + ticks(dead_after(interval_ms / 1000))
        if self.state is _ONLINE:
            self._arm(self._heard_at + self._patience)
            if is_changed:
                self._scope.owner.app_state_changed(self)
        return interval_ms

    def wish_heartbeat(self, wished_ms: int) -> None:
        """Remember the interval that the client asked for; 0: none."""
        self._wished_ms = wished_ms

    # What dispatch, handlers and the node call.

    @property
    def limits(self) -> Limits:
        """The limits that it is under."""
        return self._scope.limits

    @property
    def heartbeat_ms(self) -> int:
        """The interval at which something must be heard now."""
        return self._scope.heartbeats.interval_ms(self.app_state, self._wished_ms)

    @property
    def heard_at(self) -> int:
        """The tick at which it was heard last."""
        return self._heard_at

    @property
    def blocked_seconds(self) -> float:
        """For how long nothing is read from it by now, since it reads too slowly."""
        if self._blocked_at is None:
            return 0.0
        return (self._scope.ticker.now - self._blocked_at + 1) * TICK_SECONDS

    @property
    def seconds(self) -> float:
        """How long it has been open, in node time."""
        return (self._scope.ticker.now - self._opened_at) * TICK_SECONDS

    def send(self, frame: bytes) -> None:
        """Write an envelope; dropped after the end."""
        if self.state not in _OVER:
            self._scope.counters.frames_out += 1
            self.frames_out += 1
            self._transport.send(frame)

    def refuse(self, refused: Refused, request_id: int) -> None:
        """Answer with an error frame; before the login is done, end instead."""
        if self.state is _ONLINE:
            self._send_error(refused, request_id)
        else:
            self.end(refused, request_id)

    def deliver(self, conversation: str, seq: int, frame: bytes) -> None:
        """Deliver an entry until it is acknowledged; during the login it queues behind the answer."""
        if self.state not in _TAKES_DELIVERIES:
            return
        now = self._scope.ticker.now
        window = self._window
        if window is None:
            window = self._window = DeliveryWindow(self._scope.bounds)
        if self._blocked_at is not None:
            window.mark(conversation)
            self._scope.counters.dropped += 1
        elif window.add(conversation, seq, frame, now):
            if self.state is _ONLINE:
                self._push(frame)
                self._arm(now + self._scope.bounds.resend_ticks)
        elif window.has_marks:
            self._scope.counters.dropped += 1
            if self.state is _ONLINE:
                self._arm(now + RESYNC_TICKS)

    def deliver_run(self, conversation: str, run: Run) -> None:
        """As `deliver`, for some entries at once where nothing stands in their way."""
        now, is_free = self._scope.ticker.now, self.state is _ONLINE and self._blocked_at is None
        window = self._window if is_free else None
        if window is not None and window.add_run(conversation, run.entries, run.size, now):
            self.frames_out += self._scope.counters.pushed(len(run.entries))
            self._transport.send_run(run)
            self._arm(now + self._scope.bounds.resend_ticks)
        else:
            for seq, frame in run.entries:
                self.deliver(conversation, seq, frame)

    def signal(self, frame: bytes) -> None:
        """Send what may be lost; dropped during the login and for a slow reader."""
        if self.state is _ONLINE and self._blocked_at is None:
            counters = self._scope.counters
            counters.signals += 1
            counters.frames_out += 1
            self.frames_out += 1
            self._transport.send(frame)

    def acknowledge(self, conversation: str, seq: int) -> None:
        """The client has everything of a conversation up to `seq`."""
        if self._window is not None:
            self._scope.counters.acks += self._window.acknowledge(conversation, seq, self._scope.ticker.now)

    @property
    def window(self) -> DeliveryWindow | None:
        """What it was sent and has not acknowledged; None: nothing."""
        return self._window

    def stop_reading(self) -> None:
        """Take no more requests, before an end that waits for those in flight."""
        if self.state is _ONLINE:
            self._transport.pause_reading()

    def end(self, refused: Refused, request_id: int = 0) -> None:
        """Send a close frame as the last one, and close. Idempotent."""
        if self.state in _OVER:
            return
        self.send(pack(translate.close(refused), request_id))
        self.state = _CLOSING
        self._finish(refused.code.label, refused.code.label)
        self._transport.close()

    def abort(self) -> None:
        """End at once, whatever was not sent yet."""
        if self.state is not _CLOSED:
            self._transport.abort()

    # Its own.

    def _push(self, frame: bytes) -> None:
        self._scope.counters.deliveries += 1
        self.send(frame)

    def _send_error(self, refused: Refused, request_id: int) -> None:
        self._scope.counters.refused(refused.code)
        self.send(pack(translate.error(refused), request_id))

    def _throttle(self, payload: bytes, wait: float) -> None:
        """A frame over the rate. As many again over it, and it is a flood."""
        if self._excess is None:
            self._excess = TokenBucket(self._scope.rate)
        retry_after_ms = math.ceil(wait * TICK_SECONDS * 1000)
        refused = Refused(Code.RATE_LIMITED, "too many frames", "", retry_after_ms)
        if self._excess.take(self._scope.ticker.now) > 0.0:
            self.end(refused)
            return
        try:
            request_id = unpack(payload).id
        except UndecodableError:
            request_id = 0
        if request_id:
            self._send_error(refused, request_id)

    def _resync(self) -> None:
        if self._window is not None and self._window.has_marks:
            self._scope.counters.resyncs += 1
            self.send(pack(Resync(conversations=self._window.take_marks())))

    def _finish(self, reason: str, detail: str) -> None:
        self._scope.counters.ended(reason)
        if self._timer is not None:
            self._scope.ticker.cancel(self._timer)
            self._timer = None
        if self.session is not None:
            self._scope.owner.session_ended(self, detail)
        window, self._window = self._window, None
        if window is not None:
            window.abandon()

    def _arm(self, tick: int) -> None:
        """Wake at a tick, unless that is to happen sooner anyway."""
        if self._timer is not None:
            if self._timer.deadline <= tick:
                return
            self._scope.ticker.cancel(self._timer)
        self._timer = self._scope.ticker.at(tick, self._wake)

    def _arm_next(self, now: int) -> None:
        """Set the timer to the nearest deadline there is; none if sending just now met the end."""
        if self.state is not _ONLINE:
            return
        if self._timer is not None:
            self._scope.ticker.cancel(self._timer)
            self._timer = None
        if self._blocked_at is not None:
            self._arm(self._blocked_at + 1 + ticks(self._scope.limits.slow_reader_seconds))
        else:
            self._arm(self._heard_at + self._patience)
            if self._window is not None:
                due = self._window.next_due()
                if due is not None:
                    self._arm(due)
        if self._expires_at is not None:
            self._arm(self._expires_at)

    def _wake(self) -> None:
        """See to whatever is due."""
        self._timer = None
        now = self._scope.ticker.now
        overdue = self._overdue(now)
        if overdue is not None:
            self.end(overdue)
            return
        window = self._window
        if self._blocked_at is None and window is not None:
            due = window.due(now)
            if due.given_up:
                self.end(Refused(Code.UNRESPONSIVE, "deliveries were resent and never acknowledged"))
                return
            for frame in due.frames:
                self._scope.counters.resends += 1
                self.send(frame)
            self._resync()
            if window.next_due() is None:
                self._window = None
        self._arm_next(now)

    def _overdue(self, now: int) -> Refused | None:
        """Why the client's time is over, if it is."""
        if self.state is not _ONLINE:
            return Refused(Code.LOGIN_TIMEOUT, "no login in time")
        if self._expires_at is not None and now >= self._expires_at:
            return Refused(Code.EXPIRED, "the token's time is over")
        if self._blocked_at is not None:
            if now - self._blocked_at > ticks(self._scope.limits.slow_reader_seconds):
                return Refused(Code.SLOW_READER, "the data was taken too slowly for too long")
        elif now >= self._heard_at + self._patience:
            return Refused(Code.HEARTBEAT_TIMEOUT, "nothing was heard in time")
        return None
