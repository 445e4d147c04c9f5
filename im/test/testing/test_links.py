"""Links carry bytes in order, and fail in the ways in which networks fail."""

from random import Random
from typing import cast

from twisted.internet.interfaces import IAddress, IPushProducer
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from im.testing.links import BUFFER_BYTES, CALM, Link, LinkEnd, Network, Weather
from im.testing.processes import ProcessClock


@implementer(IPushProducer)
class Recorder(Protocol):
    """Keeps what it gets."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.lost = ""
        self.paused: list[bool] = []

    @property
    def end(self) -> LinkEnd:
        return cast(LinkEnd, self.transport)

    @property
    def got(self) -> bytes:
        return b"".join(self.pieces)

    def dataReceived(self, data: bytes) -> None:
        self.pieces.append(data)

    def connectionLost(self, reason: Failure | None = None) -> None:
        assert reason is not None
        self.lost = type(reason.value).__name__

    def pauseProducing(self) -> None:
        self.paused.append(True)

    def resumeProducing(self) -> None:
        self.paused.append(False)

    def stopProducing(self) -> None:
        raise AssertionError("nobody stops this producer")


class RecorderFactory(Factory):
    def __init__(self) -> None:
        self.built: list[Recorder] = []

    def buildProtocol(self, addr: IAddress | None) -> Recorder:
        self.built.append(Recorder())
        return self.built[-1]


class LinkTests(SynchronousTestCase):
    def connect(self, weather: Weather = CALM, seed: int = 1) -> tuple[Recorder, Recorder, Link]:
        self.clock = Clock()
        self.processes = ProcessClock(self.clock), ProcessClock(self.clock)
        self.network = Network(Random(seed), weather)
        clients, servers = RecorderFactory(), RecorderFactory()
        self.network.listen(servers, self.processes[1])
        connected = self.network.endpoint("alice", self.processes[0]).connect(clients)
        self.clock.advance(weather.max_delay)
        self.assertIs(clients.built[0], self.successResultOf(connected))
        return clients.built[0], servers.built[0], self.network.links("alice")[0]

    def run_clock(self, seconds: float) -> None:
        self.clock.pump([0.001] * round(seconds * 1000))

    def test_bytes_arrive_in_order_whatever_the_weather(self) -> None:
        sent = bytes(range(256)) * 4
        client, server, _ = self.connect(Weather(0.001, 0.01, 0.9))
        for start in range(0, len(sent), 100):
            client.end.write(sent[start : start + 100])
            self.run_clock(0.01)
        self.run_clock(1)
        self.assertEqual(sent, server.got)
        self.assertGreater(len(server.pieces), 10)

    def test_one_seed_is_one_schedule(self) -> None:
        pieces = []
        for _ in range(2):
            client, server, _ = self.connect(Weather(0.001, 0.01, 0.9), seed=5)
            client.end.write(b"x" * 500)
            self.run_clock(1)
            pieces.append(server.pieces)
        self.assertEqual(*pieces)

    def test_nobody_listens(self) -> None:
        clock = Clock()
        refused = Network(Random(1)).endpoint("alice", clock).connect(RecorderFactory())
        clock.advance(1)
        self.failureResultOf(refused)

    def test_a_link_is_cut_after_any_byte(self) -> None:
        for count in range(4):
            client, server, link = self.connect()
            link.cut_after(link.client, count)
            client.end.write(b"abcdef")
            self.run_clock(0.1)
            self.assertEqual(b"abcdef"[:count], server.got)
            self.assertEqual(("ConnectionLost", "ConnectionLost"), (client.lost, server.lost))
            self.assertEqual([], self.network.links())

    def test_a_half_open_link_loses_bytes_and_tells_nobody(self) -> None:
        client, server, link = self.connect()
        link.half_open()
        client.end.write(b"lost")
        client.end.loseConnection()
        self.run_clock(1)
        self.assertEqual((b"", "", ""), (server.got, client.lost, server.lost))
        client.end.abortConnection()
        self.run_clock(0.1)
        self.assertEqual(("ConnectionAborted", ""), (client.lost, server.lost))

    def test_a_close_lets_everything_arrive_first(self) -> None:
        client, server, _ = self.connect(Weather(0.001, 0.01, 0.5))
        server.end.write(b"x" * 1000)
        server.end.loseWriteConnection()
        self.run_clock(1)
        self.assertEqual(b"x" * 1000, client.got)
        self.assertEqual(("ConnectionDone", "ConnectionDone"), (client.lost, server.lost))

    def test_an_abort_loses_what_is_under_way(self) -> None:
        client, server, _ = self.connect()
        client.end.write(b"lost")
        client.end.abortConnection()
        self.run_clock(0.1)
        self.assertEqual((b"", "ConnectionAborted", "ConnectionLost"), (server.got, client.lost, server.lost))

    def test_a_stalled_link_is_late_and_loses_nothing(self) -> None:
        client, server, link = self.connect()
        client.end.write(b"a")
        link.stall(1)
        client.end.write(b"b")
        self.run_clock(0.9)
        self.assertEqual(b"", server.got)
        self.run_clock(0.2)
        self.assertEqual(b"ab", server.got)

    def test_a_slow_link_pauses_its_producer(self) -> None:
        client, server, link = self.connect(Weather(0.001, 0.01, 0.0))
        client.end.registerProducer(client, True)
        link.slow_down(1_000_000)
        client.end.write(b"x" * (BUFFER_BYTES + 1))
        self.assertEqual([True], client.paused)
        self.run_clock(1)
        self.assertEqual(([True, False], BUFFER_BYTES + 1), (client.paused, len(server.got)))

    def test_who_reads_nothing_lets_the_bytes_wait(self) -> None:
        client, server, _ = self.connect()
        server.end.pauseProducing()
        client.end.write(b"waits")
        self.run_clock(1)
        self.assertEqual(b"", server.got)
        server.end.resumeProducing()
        self.run_clock(0.1)
        self.assertEqual(b"waits", server.got)

    def test_a_dead_process_hears_nothing_and_its_peer_sees_a_reset(self) -> None:
        client, server, link = self.connect()
        client.end.write(b"never")
        self.processes[1].kill()
        link.server.abortConnection()
        self.run_clock(0.1)
        self.assertEqual(("ConnectionLost", "", b""), (client.lost, server.lost, server.got))

    def test_a_stalled_process_hears_late_and_its_peer_goes_on(self) -> None:
        client, server, _ = self.connect()
        server.end.write(b"under way")
        self.processes[1].stall(1)
        client.end.write(b"late")
        self.run_clock(0.9)
        self.assertEqual((b"", b"under way"), (server.got, client.got))
        self.run_clock(0.2)
        self.assertEqual(b"late", server.got)

    def test_healing_finds_a_half_open_link_dead(self) -> None:
        client, _, link = self.connect()
        link.half_open()
        link.heal()
        self.run_clock(0.1)
        self.assertEqual("ConnectionLost", client.lost)
