"""Faulty ports keep the contracts of sound ones, and their faults stay within the docstrings."""

from collections.abc import Sequence
from random import Random

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from im.adapters.memory.bus import MemoryNodeBus
from im.adapters.memory.registry import MemoryRegistry
from im.core.commands import Query, Request, Result, Write
from im.core.messages import MoveRead
from im.ports import IBusinessBridge, IStore, NodeBatch, UnavailableError
from im.testing.contracts import bus as bus_contract
from im.testing.contracts import registry as registry_contract
from im.testing.contracts.bus import a_batch
from im.testing.contracts.registry import a_session
from im.testing.ports import (
    Faults,
    FaultyBridge,
    FaultyNodeBus,
    FaultySessionRegistry,
    FaultyStore,
    Rates,
)

SOUND = Rates()


def faults(clock: Clock, rates: Rates = SOUND) -> Faults:
    return Faults(clock, Random(7), rates)


@implementer(IStore)
class NotingStore:
    """Commits at once, and notes in which order."""

    def __init__(self) -> None:
        self.written: list[Write] = []

    def write(self, batch: Sequence[Write]) -> Deferred[list[Result]]:
        self.written += batch
        return succeed([])

    def read(self, query: Query) -> Deferred[Result]:
        raise NotImplementedError

    def problem(self) -> str:
        return ""


@implementer(IBusinessBridge)
class NotingBridge:
    def __init__(self) -> None:
        self.submitted: list[tuple[str, int]] = []

    def submit(self, request: Request) -> None:
        assert isinstance(request.command, MoveRead)
        self.submitted.append((request.command.conversation, request.id))


class SoundRegistryTests(registry_contract.RegistryContract):
    def setUp(self) -> None:
        self.registry = FaultySessionRegistry(MemoryRegistry, faults(Clock()))


class SoundNodeBusTests(bus_contract.NodeBusContract):
    def setUp(self) -> None:
        self.bus = FaultyNodeBus(MemoryNodeBus(), faults(Clock()))


class FaultTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()

    def test_a_failed_registration_has_done_nothing(self) -> None:
        failing = faults(self.clock, Rates(fail=1))
        registry = FaultySessionRegistry(MemoryRegistry, failing)
        self.failureResultOf(registry.register(a_session()), UnavailableError)
        failing.rates = SOUND
        self.assertEqual([], self.successResultOf(registry.sessions(None)))

    def test_a_registry_forgets_everything(self) -> None:
        registry = FaultySessionRegistry(MemoryRegistry, faults(self.clock))
        registry.register(a_session())
        registry.lose_everything()
        self.assertEqual({}, self.successResultOf(registry.locate(["alice"])))

    def test_a_late_answer_comes(self) -> None:
        registry = FaultySessionRegistry(MemoryRegistry, faults(self.clock, Rates(delay=1, max_delay=1)))
        registered = registry.register(a_session())
        self.assertNoResult(registered)
        self.clock.pump([1, 1])
        self.assertEqual([a_session()], self.successResultOf(registered))

    def test_a_late_bus_keeps_the_order_and_repeats_nothing(self) -> None:
        bus = FaultyNodeBus(MemoryNodeBus(), faults(self.clock, Rates(drop=0.2, delay=0.5)))
        got: list[NodeBatch] = []
        bus.attach("n1", got.append)
        for number in range(100):
            bus.publish("n1", a_batch(number))
            self.clock.advance(0.1)
        self.clock.pump([1] * 100)
        numbers = [int(batch.evictions[0].session) for batch in got]
        self.assertEqual(sorted(set(numbers)), numbers)
        self.assertTrue(50 < len(numbers) < 95)

    def test_a_late_bridge_keeps_the_order_of_each_conversation_only(self) -> None:
        inner = NotingBridge()
        bridge = FaultyBridge(inner, faults(self.clock, Rates(delay=0.5)))
        for number in range(100):
            conversation = f"d~a~{number % 3}"
            bridge.submit(Request("n1", number, "s", MoveRead(conversation, "a", 1)))
        self.clock.pump([1] * 100)
        self.assertEqual(100, len(inner.submitted))
        numbers = [number for _, number in inner.submitted]
        self.assertNotEqual(sorted(numbers), numbers)
        for each in ("d~a~0", "d~a~1", "d~a~2"):
            mine = [number for conversation, number in inner.submitted if conversation == each]
            self.assertEqual(sorted(mine), mine)

    def test_a_store_writes_late_batches_in_order(self) -> None:
        inner = NotingStore()
        store = FaultyStore(inner, faults(self.clock, Rates(delay=0.5)))
        writes = [MoveRead("d~a~b", "a", number) for number in range(50)]
        for each in writes:
            store.write([each])
        self.clock.pump([1] * 100)
        self.assertEqual(writes, inner.written)

    def test_a_store_that_fails_has_stored_nothing(self) -> None:
        inner = NotingStore()
        store = FaultyStore(inner, faults(self.clock, Rates(fail=1)))
        self.failureResultOf(store.write([MoveRead("d~a~b", "a", 1)]), UnavailableError)
        self.assertEqual([], inner.written)

    def test_a_store_writes_a_batch_twice(self) -> None:
        inner = NotingStore()
        store = FaultyStore(inner, faults(self.clock, Rates(repeat=1)))
        self.successResultOf(store.write([MoveRead("d~a~b", "a", 1)]))
        self.assertEqual(2, len(inner.written))

    def test_in_a_dead_process_nothing_late_happens(self) -> None:
        dying = faults(self.clock, Rates(delay=1))
        inner = NotingStore()
        FaultyStore(inner, dying).write([MoveRead("d~a~b", "a", 1)])
        dying.die()
        self.clock.advance(5)
        self.assertEqual([], inner.written)
