"""The in-process adapters keep the contracts that define them."""

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from im.adapters.memory import bridge as memory_bridge
from im.adapters.memory.bridge import CROWD, FULL_BATCH, PACE_SECONDS, MemoryBridge
from im.adapters.memory.bus import MemoryNodeBus
from im.adapters.memory.registry import MemoryRegistry
from im.adapters.memory.watchers import MemoryWatchers
from im.core.commands import GetProfile, Request
from im.ports import IWatchers
from im.testing.contracts import bridge, bus, registry, watchers


class MemoryRegistryTests(registry.RegistryContract):
    def setUp(self) -> None:
        self.registry = MemoryRegistry()


class MemoryNodeBusTests(bus.NodeBusContract):
    def setUp(self) -> None:
        self.bus = MemoryNodeBus()


class MemoryWatchersTests(watchers.WatchersContract):
    def make_watchers(self) -> IWatchers:
        return MemoryWatchers()


class MemoryBridgeTests(bridge.BridgeContract):
    def setUp(self) -> None:
        super().setUp()
        self.clock = Clock()
        self.bridge = MemoryBridge(self.clock, self.execute, 256)

    def settle(self) -> Deferred[None]:
        self.clock.advance(PACE_SECONDS)
        return succeed(None)


class PacingTests(SynchronousTestCase):
    """When a batch starts."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.sizes: list[int] = []
        self.hanging: list[list[int]] = []
        self.bridge = MemoryBridge(self.clock, self.execute, 100)

    def execute(self, batch: list[Request]) -> Deferred[None]:
        self.sizes.append(len(batch))
        return succeed(None)

    def submit(self, count: int) -> None:
        for number in range(count):
            self.bridge.submit(bridge.a_request(number))

    def test_after_a_pause_one_reactor_turn_is_one_batch_and_goes_at_once(self) -> None:
        self.submit(3)
        self.clock.advance(0)
        self.assertEqual([3], self.sizes)

    def test_soon_after_a_crowd_the_next_batch_waits_for_the_pace(self) -> None:
        self.submit(CROWD)
        self.clock.advance(0)
        self.submit(1)
        self.clock.advance(PACE_SECONDS * 0.9)
        self.assertEqual([CROWD], self.sizes)
        self.clock.advance(PACE_SECONDS * 0.1)
        self.assertEqual([CROWD, 1], self.sizes)

    def test_soon_after_a_small_batch_nothing_waits(self) -> None:
        self.submit(CROWD - 1)
        self.clock.advance(0)
        self.submit(1)
        self.clock.advance(0)
        self.assertEqual([CROWD - 1, 1], self.sizes)

    def test_a_full_batch_waits_for_nothing(self) -> None:
        self.submit(CROWD)
        self.clock.advance(0)
        self.submit(FULL_BATCH)
        self.assertEqual([CROWD, FULL_BATCH], self.sizes)

    def test_a_query_waits_for_no_batch(self) -> None:
        self.bridge = MemoryBridge(self.clock, self.hang, 100)
        self.submit(1)
        self.clock.advance(0)
        self.submit(1)
        self.bridge.submit(Request("n1", 7, "s1", GetProfile("alice")))
        self.assertEqual([[0], [7]], self.hanging)

    def hang(self, batch: list[Request]) -> Deferred[None]:
        self.hanging.append([request.id for request in batch])
        return Deferred()

    def test_a_batch_is_bounded(self) -> None:
        self.bridge = MemoryBridge(self.clock, self.execute, 10)
        self.submit(FULL_BATCH)
        self.clock.pump([PACE_SECONDS] * 10)
        self.assertEqual(([10] * 6, 4), (self.sizes[:6], self.sizes[6]))

    def test_behind_a_batch_that_hangs_the_queue_is_bounded(self) -> None:
        self.patch(memory_bridge, "MAX_WAITING", 5)
        hanging: Deferred[None] = Deferred()
        batches: list[list[int]] = []

        def hang(batch: list[Request]) -> Deferred[None]:
            batches.append([request.id for request in batch])
            return hanging if len(batches) == 1 else succeed(None)

        self.bridge = MemoryBridge(self.clock, hang, 100)
        self.submit(1)
        self.clock.advance(0)
        self.submit(8)
        hanging.callback(None)
        self.clock.advance(PACE_SECONDS)
        self.assertEqual([[0], [0, 1, 2, 3, 4]], batches)

    def test_a_stopped_bridge_executes_nothing(self) -> None:
        self.submit(1)
        self.bridge.stop()
        self.submit(1)
        self.clock.advance(1)
        self.assertEqual(([], []), (self.sizes, self.clock.getDelayedCalls()))
