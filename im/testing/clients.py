"""Simulated client processes: the real core over links, recording into a history."""

from collections import deque
from collections.abc import Callable, Iterable
from random import Random
from typing import Any, NamedTuple

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress, IDelayedCall, IProtocol, ITCPTransport
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from im.client.core import events
from im.client.core.session import ClientCore, CoreSettings, Phase
from im.client.core.state import Saved, Unsent
from im.client.memory_state import MemoryState
from im.core.entries import TEXT
from im.core.ids import direct_conversation, uuid7
from im.core.messages import Entry
from im.proto.chat_pb2 import Cursor, Read
from im.testing.history import History
from im.testing.links import Network
from im.testing.processes import ProcessClock
from im.wire.frames import Decoder, frame

CLOSE_SECONDS = 1.0


class Disk(MemoryState):
    """A client's state that survives its process as far as it was committed. See `ClientState`."""

    def __init__(self, device: str) -> None:
        super().__init__(device)
        self._committed = super().load()

    def load(self) -> Saved:
        """What was committed; what was not is gone."""
        saved = self._committed
        self._user, self._attempt, self._cursor = saved.user, saved.attempt, saved.cursor
        self._heads = {each.conversation: each for each in saved.heads}
        self._watermarks = {each.conversation: each for each in saved.watermarks}
        self._unsent = {each.client_msg_id: each for each in saved.unsent}
        return saved

    def commit(self) -> None:
        """See `ClientState`."""
        self._committed = super().load()

    def close(self) -> None:
        """See `ClientState`."""
        self.commit()

    @property
    def has_no_sync(self) -> bool:
        """Whether no sync was ever complete."""
        return self._cursor is None


class _Wire(Protocol):
    """One connection of a client: the framing, and nothing else."""

    def __init__(self, client: "SimulatedClient") -> None:
        self._client = client
        self._decoder = Decoder(262_144)

    def connectionMade(self) -> None:
        self._client.connected(self)

    def dataReceived(self, data: bytes) -> None:
        self._client.received(self, self._decoder.feed(data))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._client.disconnected(self)

    def send(self, frames: Iterable[bytes]) -> None:
        transport = self.transport
        assert transport is not None
        transport.write(b"".join(map(frame, frames)))

    def close(self, clock: ProcessClock) -> None:
        transport: ITCPTransport = self.transport  # type: ignore[assignment]
        transport.loseConnection()
        clock.callLater(CLOSE_SECONDS, transport.abortConnection)


class _WireFactory(Factory):
    def __init__(self, client: "SimulatedClient") -> None:
        self._client = client

    def buildProtocol(self, addr: IAddress | None) -> _Wire:
        return _Wire(self._client)


class Surroundings(NamedTuple):
    """What all clients of a world share. `epoch_ms` is the Unix time at the clock's zero."""

    clock: Clock
    network: Network
    random: Random
    history: History
    epoch_ms: int


class SimulatedClient:
    """A client that a person could use, in one process after another.

    `name` is its name in the history. `handling` is how many seconds the app takes for a message.
    """

    def __init__(
        self, around: Surroundings, name: str, user: str, device: str, settings: CoreSettings
    ) -> None:
        self.name = name
        self.user = user
        self.device = device
        self.handling = 0.0
        self.audits_found = 0
        """How often an audit found what no push had told of."""
        self.is_running = False
        self.was_sent_away = False
        """Told to end for good: displaced by another process of its device."""
        self._around = around
        self._settings = settings
        self._disk = Disk(device)
        self._has_state = False
        self._seen: dict[str, int] = {}
        self._reactions = self._table()
        self._end_of_process()

    def _end_of_process(self) -> None:
        self.process = ProcessClock(self._around.clock)
        self._wire: _Wire | None = None
        self._timer: IDelayedCall | None = None
        self._inbox: deque[events.Message] = deque()
        self._reads: dict[int, tuple[str, int]] = {}
        self._refreshes: set[int] = set()

    # The process.

    def start(self) -> None:
        """Start a process from what the last one committed."""
        if self.is_running:
            return
        self.is_running = True
        self._is_first_sync = self._disk.load().cursor is None
        self._around.history.began(self.name, self.user, continues=self._has_state)
        self._has_state = True
        self._run()

    def _run(self) -> None:
        self.core = ClientCore(self._settings, self._disk, self._around.random.random)
        self._dial()
        self._turn()

    def kill(self) -> None:
        """kill -9."""
        if self.is_running:
            self.is_running = self.was_sent_away = False
            self.process.kill()
            for link in self._around.network.links(self.name):
                link.client.abortConnection()
            self._end_of_process()

    def lose_state(self) -> None:
        """Let the device's memory be erased, while no process runs."""
        assert not self.is_running
        self._disk = Disk(self.device)
        self._has_state = False
        self._seen = {}

    @property
    def is_online(self) -> bool:
        """Whether it is logged in, as far as it knows."""
        return self.is_running and self.core.phase is Phase.ONLINE

    @property
    def is_idle(self) -> bool:
        """Whether everything it was asked for is answered."""
        return self.is_online and not (self.core.unsent or self._reads or self._refreshes or self._inbox)

    # What a person does.

    def send(self, peer: str, content: bytes) -> None:
        """Send a message, saying what was seen so far."""
        around = self._around
        conversation = direct_conversation(self.user, peer)
        client_msg_id = uuid7(self._now_ms(), around.random.randbytes(10))
        seen_seq = self._seen.get(conversation, 0)
        around.history.sending(self.name, conversation, client_msg_id, content, seen_seq)
        self._say(Unsent(conversation, client_msg_id, seen_seq, TEXT, content))

    def _say(self, message: Unsent) -> None:
        self.core.send(message, self._now)
        self._turn()

    def read(self, conversation: str, seq: int) -> None:
        """See everything up to `seq`."""
        self._seen[conversation] = max(seq, self._seen.get(conversation, 0))
        self._around.history.reading(self.user, conversation, seq)
        request = self.core.ask(Read(conversation=conversation, seq=seq), self._now)
        self._reads[request] = (conversation, seq)
        self._turn()

    def received(self, wire: "_Wire", payloads: list[bytes]) -> None:
        """Bytes came."""
        if wire is self._wire:
            self.core.heard(self._now)
            for payload in payloads:
                self.core.received(payload, self._now)
            self._turn()

    def refresh(self) -> None:
        """Look at the heads."""
        self._refreshes.add(self.core.refresh(self._now))
        self._turn()

    def furthest(self, conversation: str) -> int:
        """How far the app was handed a conversation."""
        known = self.core._arrivals.get(conversation)
        return 0 if known is None else known.done

    # The connection.

    def connected(self, wire: _Wire) -> None:
        """A connection stands."""
        self._wire = wire
        self.core.connected(self.user, self._now, self._now_ms())
        self._turn()

    def disconnected(self, wire: _Wire) -> None:
        """A connection is over."""
        if wire is self._wire:
            self._wire = None
            self.core.disconnected(self._now)
            self._dial_later()
            self._turn()

    @property
    def _now(self) -> float:
        return self._around.clock.rightNow

    def _now_ms(self) -> int:
        return self._around.epoch_ms + int(self._now * 1000)

    def _dial(self) -> None:
        endpoint = self._around.network.endpoint(self.name, self.process)
        dialled: Deferred[IProtocol] = endpoint.connect(_WireFactory(self))
        dialled.addErrback(lambda _: self._dial_later())

    def _dial_later(self) -> None:
        self.process.callLater(self._around.random.uniform(0.05, 1.0), self._dial)

    # One turn of the core.

    def _turn(self) -> None:
        """Send what is to be sent, deal with what happened, and wake in time for the rest."""
        while True:
            frames = self.core.take_frames()
            if frames and self._wire is not None:
                self._wire.send(frames)
            happened = self.core.take_events()
            if not (frames or happened):
                break
            for event in happened:
                self._happened(event)
            self._is_first_sync = self._is_first_sync and self._disk.has_no_sync
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        deadline = self.core.deadline()
        if deadline != float("inf"):
            self._timer = self.process.callLater(max(0.0, deadline - self._now), self._tick)

    def _tick(self) -> None:
        self.core.tick(self._now)
        self._turn()

    def _happened(self, event: events.Event) -> None:
        react = self._reactions.get(type(event))
        if react is not None:
            react(event)

    def _table(self) -> dict[type, Callable[[Any], None]]:
        """What the app does when it is told something."""
        return {
            events.Message: self._message,
            events.Sent: self._sent,
            events.SendFailed: self._send_failed,
            events.CursorMoved: self._cursor_moved,
            events.Answered: self._answered,
            events.RequestRefused: self._given_up,
            events.RequestTimedOut: self._given_up,
            events.HeadChanged: self._head_changed,
            events.AuditFound: self._audit_found,
            events.Ended: self._ended,
        }

    def _message(self, event: events.Message) -> None:
        told = event.sender, event.client_msg_id, event.server_time_ms, event.content
        entry = Entry(event.seq, 0, event.kind, *told)
        self._around.history.handed(self.name, event.conversation, entry)
        self._take_in(event)

    def _sent(self, event: events.Sent) -> None:
        self._around.history.acknowledged(self.name, event.client_msg_id, event.conversation, event.seq)

    def _send_failed(self, event: events.SendFailed) -> None:
        self._around.history.refused(self.name, event.client_msg_id, event.refusal.label)

    def _cursor_moved(self, event: events.CursorMoved) -> None:
        marks = event.read_seq, event.delivered_seq
        self._around.history.marked(self.name, event.conversation, event.user, *marks)

    def _given_up(self, event: events.RequestRefused | events.RequestTimedOut) -> None:
        self._reads.pop(event.request, None)

    def _head_changed(self, event: events.HeadChanged) -> None:
        if self._is_first_sync:
            self._around.history.placed(self.name, event.head.conversation)

    def _audit_found(self, event: events.AuditFound) -> None:
        self.audits_found += 1

    def _answered(self, event: events.Answered) -> None:
        self._refreshes.discard(event.request)
        read = self._reads.pop(event.request, None)
        if read is not None and isinstance(event.body, Cursor):
            self._around.history.read(self.user, *read)

    def _take_in(self, message: events.Message) -> None:
        if not self.handling:
            self.core.handled(message, self._now)
            return
        self._inbox.append(message)
        if len(self._inbox) == 1:
            self.process.callLater(self.handling, self._handled)

    def _handled(self) -> None:
        self.core.handled(self._inbox.popleft(), self._now)
        if self._inbox:
            self.process.callLater(self.handling, self._handled)
        self._turn()

    def _ended(self, ended: events.Ended) -> None:
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.close(self.process)
            self.core.disconnected(self._now)
        if ended.reconnect:
            self.process.callLater(ended.retry_after + self._around.random.uniform(0.05, 1.0), self._dial)
        else:
            self.was_sent_away = True
