"""A lossy network in memory: two-ended links on a fake clock, with every fault drawn from a seed.

A `Network` stands for one listening address. Its `endpoint` is dialled by the real client, its
`listen` takes the real server factory, and each link between the two is a pair of `LinkEnd`
transports. Bytes come in order, in pieces and late; a link may be cut after any byte, stay half
open, stall, or be slow, as TCP does all of these.
"""

from collections.abc import Iterable
from random import Random
from typing import NamedTuple, cast

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost, ConnectionRefusedError
from twisted.internet.interfaces import (
    IConsumer,
    IDelayedCall,
    IProducer,
    IProtocol,
    IProtocolFactory,
    IPushProducer,
    IReactorTime,
    IStreamClientEndpoint,
    ITCPTransport,
)
from twisted.python.failure import Failure
from zope.interface import implementer

BUFFER_BYTES = 4_096
"""What a writer may have under way before its producer is paused."""

FIRST_PORT = 40_000


class Weather(NamedTuple):
    """How links behave: delay of each piece, and how likely a piece is a part of what waits."""

    min_delay: float = 0.0005
    max_delay: float = 0.02
    split: float = 0.2


CALM = Weather(0.001, 0.001, 0.0)


class Clocks(NamedTuple):
    """The clocks of the two processes that a link connects."""

    client: IReactorTime
    server: IReactorTime


@implementer(ITCPTransport, IConsumer, IPushProducer)
class LinkEnd:
    """The transport of one end. What is written travels to the `peer`'s protocol."""

    protocol: IProtocol
    peer: "LinkEnd"
    disconnecting = False
    disconnected = False

    def __init__(
        self, link: "Link", clock: IReactorTime, host: IPv4Address, peer_address: IPv4Address
    ) -> None:
        self.clock = clock
        """Of the process that holds this end: what comes here comes in its time."""
        self._link = link
        self._addresses = (host, peer_address)
        self._under_way = bytearray()
        self._arrival: IDelayedCall | None = None
        self._producer: IPushProducer | None = None
        self._is_producer_paused = False
        self._is_reading = True
        self._ends_after_flush = False
        self.budget: int | None = None
        """How many more bytes of this end arrive before the link is cut; None: no cut."""

    # What a protocol calls.

    def write(self, data: bytes) -> None:
        """Send bytes on their way; after a close they are dropped."""
        if self.disconnected or self._ends_after_flush:
            return
        self._under_way += data
        if (
            self._producer is not None
            and not self._is_producer_paused
            and len(self._under_way) > BUFFER_BYTES
        ):
            self._is_producer_paused = True
            self._producer.pauseProducing()
        self._travel()

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """Send several pieces on their way."""
        self.write(b"".join(data))

    def loseConnection(self) -> None:
        """Let what is under way arrive, then end both ends."""
        self.disconnecting = True
        self.loseWriteConnection()

    def loseWriteConnection(self) -> None:
        """Let what is under way arrive, then let the peer see the end; it ends this one in turn."""
        if not self.disconnected:
            self._ends_after_flush = True
            self._travel()

    def abortConnection(self) -> None:
        """End at once. The peer hears of it, unless the link is half open."""
        if not self.disconnected:
            self._link.aborted(self)

    def getPeer(self) -> IPv4Address:
        """The address of the other end."""
        return self._addresses[1]

    def getHost(self) -> IPv4Address:
        """The address of this end."""
        return self._addresses[0]

    def getTcpNoDelay(self) -> bool:
        """Links wait for nothing."""
        return True

    def setTcpNoDelay(self, enabled: bool) -> None:
        """Has no meaning here."""

    def getTcpKeepAlive(self) -> bool:
        """Links never find out by themselves that they are dead."""
        return False

    def setTcpKeepAlive(self, enabled: bool) -> None:
        """Has no meaning here."""

    def registerProducer(self, producer: IProducer, streaming: bool) -> None:
        """Watch the write buffer for a push producer."""
        self._producer = cast(IPushProducer, producer)

    def unregisterProducer(self) -> None:
        """Watch no more."""
        self._producer = None

    def pauseProducing(self) -> None:
        """Read nothing for now; what the peer writes piles up on its side."""
        self._is_reading = False

    def resumeProducing(self) -> None:
        """Read again."""
        self._is_reading = True
        self.peer._travel()

    def stopProducing(self) -> None:
        """End, as the owner of the transport wants it."""
        self.loseConnection()

    # What the link calls.

    def _travel(self) -> None:
        if self._arrival is None and (self._under_way or self._ends_after_flush):
            self._arrival = self.peer.clock.callLater(self._link.delay(), self._arrive)

    def _arrive(self) -> None:
        self._arrival = None
        link, peer = self._link, self.peer
        if link.is_half_open:
            self._under_way.clear()
            return
        if not peer._is_reading or peer.disconnected:
            return
        if link.is_stalled:
            self._travel()
            return
        piece = self._next_piece()
        if piece:
            peer.protocol.dataReceived(piece)
        if self.budget == 0:
            link.cut()
        elif self._ends_after_flush and not self._under_way:
            link.finished(self)
        else:
            self._resume_producer()
            self._travel()

    def _next_piece(self) -> bytes:
        size = self._link.piece(len(self._under_way))
        if self.budget is not None:
            size = min(size, self.budget)
            self.budget -= size
        piece = bytes(self._under_way[:size])
        del self._under_way[:size]
        return piece

    def _resume_producer(self) -> None:
        if self._is_producer_paused and not self._under_way and not self.disconnected:
            self._is_producer_paused = False
            if self._producer is not None:
                self._producer.resumeProducing()

    def lose(self, reason: Exception) -> None:
        """Tell this end's protocol that the connection is over, in a turn of its own."""
        if self.disconnected:
            return
        self.disconnected = True
        self._under_way.clear()
        if self._arrival is not None and self._arrival.active():  # not that of a killed process
            self._arrival.cancel()
        self._arrival = None
        self.clock.callLater(0, self._tell_lost, Failure(reason))

    def _tell_lost(self, reason: Failure) -> None:
        self._producer = None
        self.protocol.connectionLost(reason)


class Link:
    """One connection. `client` and `server` are its ends; the methods are what networks do."""

    def __init__(self, clocks: Clocks, random: Random, weather: Weather, port: int) -> None:
        self.is_half_open = False
        self._random = random
        self._weather = weather
        self._stalled_until = 0.0
        self._rate: float | None = None
        near, far = IPv4Address("TCP", "127.0.0.1", port), IPv4Address("TCP", "127.0.0.1", 7222)
        self.client = LinkEnd(self, clocks.client, near, far)
        self.server = LinkEnd(self, clocks.server, far, near)
        self.client.peer, self.server.peer = self.server, self.client

    @property
    def is_over(self) -> bool:
        """Whether neither end holds the connection any more."""
        return self.client.disconnected and self.server.disconnected

    @property
    def is_stalled(self) -> bool:
        """Whether nothing arrives for now."""
        return self._stalled_until > self.client.clock.seconds()

    def cut(self) -> None:
        """Reset: both ends are told, what was under way is lost."""
        self.client.lose(ConnectionLost())
        self.server.lose(ConnectionLost())

    def cut_after(self, end: LinkEnd, count: int) -> None:
        """Reset once `count` more bytes of what `end` sends have arrived."""
        end.budget = count
        if not count:
            self.cut()

    def half_open(self) -> None:
        """Lose every byte from now on, in both directions, and tell nobody."""
        self.is_half_open = True

    def stall(self, seconds: float) -> None:
        """Let nothing arrive for a while."""
        self._stalled_until = max(self._stalled_until, self.client.clock.seconds() + seconds)

    def slow_down(self, bytes_per_second: float) -> None:
        """Carry no more than so many bytes a second in each direction; 0: as fast as ever."""
        self._rate = bytes_per_second or None

    def heal(self) -> None:
        """Carry bytes as a good network does; one that was half open is found dead."""
        self._stalled_until, self._rate = 0.0, None
        self.client.budget = self.server.budget = None
        if self.is_half_open:
            self.cut()

    def aborted(self, end: LinkEnd) -> None:
        """One end aborted."""
        end.lose(ConnectionAborted())
        if not self.is_half_open:
            end.peer.lose(ConnectionLost())

    def finished(self, end: LinkEnd) -> None:
        """Everything of an end that closes has arrived: both ends are done."""
        end.peer.lose(ConnectionDone())
        end.lose(ConnectionDone())

    def delay(self) -> float:
        """How long the next piece travels."""
        weather = self._weather
        travel = self._random.uniform(weather.min_delay, weather.max_delay)
        return max(travel, self._stalled_until - self.client.clock.seconds())

    def piece(self, waiting: int) -> int:
        """How many of the waiting bytes arrive together."""
        size = waiting
        if waiting > 1 and self._random.random() < self._weather.split:
            size = self._random.randint(1, waiting - 1)
        if self._rate is not None:
            size = min(size, max(1, int(self._rate * self._weather.max_delay)))
        return size


class Dialler(NamedTuple):
    """Who dials: a name to find its links by, and the clock of its process."""

    name: str
    clock: IReactorTime


@implementer(IStreamClientEndpoint)
class LinkEndpoint:
    """What a client dials."""

    def __init__(self, network: "Network", dialler: Dialler) -> None:
        self._network = network
        self._dialler = dialler

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """Connect, or fail with `ConnectionRefusedError` while nobody listens."""
        return self._network.connect(protocolFactory, self._dialler)


class _Listener(NamedTuple):
    factory: IProtocolFactory
    clock: IReactorTime


class Network:
    """One address: whoever listens there, whoever dials it, and the links between them."""

    def __init__(self, random: Random, weather: Weather = CALM) -> None:
        self.weather = weather
        self._random = random
        self._listener: _Listener | None = None
        self._links: list[tuple[str, Link]] = []
        self._port = FIRST_PORT

    def listen(self, factory: IProtocolFactory, clock: IReactorTime) -> None:
        """Let `factory` of the process of `clock` serve who connects from now on."""
        self._listener = _Listener(factory, clock)

    def refuse(self) -> None:
        """Let nobody listen from now on; links that stand are not touched."""
        self._listener = None

    def endpoint(self, name: str, clock: IReactorTime) -> IStreamClientEndpoint:
        """Where the client of that name and process clock dials."""
        return LinkEndpoint(self, Dialler(name, clock))

    def links(self, name: str | None = None) -> list[Link]:
        """The links that are not over, of everyone or of one client, oldest first."""
        self._links = [each for each in self._links if not each[1].is_over]
        return [link for owner, link in self._links if name in (None, owner)]

    def connect(self, client_factory: IProtocolFactory, dialler: Dialler) -> Deferred[IProtocol]:
        """Dial; see `LinkEndpoint`."""
        connected: Deferred[IProtocol] = Deferred(lambda _: dialling.cancel())
        delay = self._random.uniform(self.weather.min_delay, self.weather.max_delay)
        dialling = dialler.clock.callLater(delay, self._establish, client_factory, dialler, connected)
        return connected

    def _establish(
        self, client_factory: IProtocolFactory, dialler: Dialler, connected: Deferred[IProtocol]
    ) -> None:
        if self._listener is None:
            connected.errback(ConnectionRefusedError())
            return
        self._port += 1
        clocks = Clocks(dialler.clock, self._listener.clock)
        link = Link(clocks, self._random, self.weather, self._port)
        near = client_factory.buildProtocol(link.client.getPeer())
        far = self._listener.factory.buildProtocol(link.server.getPeer())
        if near is None or far is None:
            connected.errback(ConnectionRefusedError())
            return
        self._links.append((dialler.name, link))
        link.client.protocol, link.server.protocol = near, far
        far.makeConnection(link.server)
        near.makeConnection(link.client)
        connected.callback(near)
