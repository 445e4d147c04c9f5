"""A worker on a real store, with one handler that does what the test says."""

from collections.abc import Callable
from typing import Any, ClassVar

from twisted.internet.defer import execute
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from im.adapters.memory.bus import MemoryNodeBus
from im.adapters.memory.registry import MemoryRegistry
from im.business.custom import HandlerSettings
from im.business.worker import Worker, WorkerPorts
from im.core.commands import Request, Result
from im.core.custom import Custom, CustomReply, GetRecord, Record
from im.core.errors import Refused
from im.core.limits import Limits
from im.core.messages import Entry, Pull, PullPage
from im.handler import HandlerContext, MessageHandler, Owner
from im.isolation import HandlerCounters, Handlers
from im.ports import NodeBatch, Session
from im.proto import session_pb2
from im.test.memory_store import memory_store

NUMBER, ANSWER = 10_001, 10_002
TALK = "d~alice~bob"
DONE = CustomReply(0, b"")


class Scripted(MessageHandler):
    """Does what the test says."""

    type = NUMBER
    body = session_pb2.GetProfile
    bodies: ClassVar = {ANSWER: session_pb2.Profile}

    def __init__(self) -> None:
        self.calls = 0
        self.step: Callable[[HandlerContext, Any], Any] = lambda context, body: None

    def handle(self, context: HandlerContext, body: session_pb2.GetProfile) -> Any:
        self.calls += 1
        return self.step(context, body)


class CustomCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.handler = Scripted()
        self.counters = HandlerCounters()
        self.store = memory_store(self, self.now_ms)
        registry, bus = MemoryRegistry(), MemoryNodeBus()
        self.batches: list[NodeBatch] = []
        bus.attach("n1", self.batches.append)
        for user in ("alice", "bob"):
            registry.register(Session(f"s-{user}", user, "d", "phone", "n1", "g1", 1))
        handlers = Handlers([Owner("scripted", self.handler)], lambda owner: execute, self.counters)
        settings = HandlerSettings(handlers, Limits(), self.now_ms)
        self.worker = Worker(self.clock, WorkerPorts(self.store, registry, bus), settings)
        self.numbers = 0

    def now_ms(self) -> int:
        return 1_000_000

    def ask(
        self,
        number: int = 1,
        user: str = "alice",
        conversation: str = TALK,
        body: bytes = b"",
        type_: int = NUMBER,
    ) -> int:
        """Send the request that `number` identifies; the number of its answer."""
        self.numbers += 1
        custom = Custom(conversation, user, "d", type_, number, number.to_bytes(16, "big"), body)
        self.worker.execute([Request("n1", self.numbers, f"s-{user}", custom)])
        return self.numbers

    def results(self) -> dict[int, Result]:
        return {number: result for batch in self.batches for number, result in batch.results}

    def answer(self, **request: Any) -> Result:
        number = self.ask(**request)
        return self.results()[number]

    def code(self, **request: Any) -> str:
        result = self.answer(**request)
        assert isinstance(result, Refused), result
        return result.code.label

    def record(self, key: str) -> bytes | None:
        record = self.successResultOf(self.store.read(GetRecord("scripted", key)))
        assert isinstance(record, Record)
        return record.value

    def log(self) -> list[Entry]:
        page = self.successResultOf(self.store.read(Pull(TALK, "bob", 0, False, 200)))
        return page.entries if isinstance(page, PullPage) else []
