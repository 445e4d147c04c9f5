"""Executes batches of requests: one transaction for the writes, then the nodes are told."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from im.business.announcement import NOWHERE, Announcement, announcement, by_node
from im.business.custom import NONE, CustomTypes, HandlerSettings
from im.business.gate import Gate
from im.business.questions import Questions
from im.business.relation_news import of_relation
from im.business.strangers import Strangers
from im.core.commands import WRITES, Query, Request, Result, Write
from im.core.custom import Custom
from im.core.errors import Code, Refused
from im.core.relations import OpenDirect, RelationChanged
from im.ports import INodeBus, ISessionRegistry, IStore, NodeBatch, Signal, UnavailableError

LOCATE_AGAIN_SECONDS = 0.2
MAX_UNLOCATED = 1_000

_UNAVAILABLE = Refused(Code.UNAVAILABLE, "the store cannot answer now; try again")
_INTERNAL = Refused(Code.INTERNAL, "the request failed; the operator's log says why")


Observer = Callable[[Sequence[Request], Sequence[Result]], None]
"""Is told of each committed batch, before the nodes are. It must not raise."""


class WorkerPorts(NamedTuple):
    """What a worker stands on. `announced` is called with the `batch` of an announcement that went out."""

    store: IStore
    registry: ISessionRegistry
    bus: INodeBus
    announced: Callable[[Any], None] | None = None


class Worker:
    """Takes batches in order. Stores, then looks the route up, then tells the nodes.

    What hooks are asked about is executed when they have answered.
    """

    _log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        ports: WorkerPorts,
        handlers: HandlerSettings = NONE,
        questions: Questions | None = None,
    ) -> None:
        self._clock = clock
        self._store, self._registry, self._bus, self._announced = ports
        self._custom = CustomTypes(clock, self._store, self._tell, handlers)
        self._unlocated: dict[int, IDelayedCall] = {}
        self._unlocated_id = 0
        self._observers: list[Observer] = []
        self._gate: Gate | None = None
        self._strangers: Strangers | None = None
        if questions is not None and questions.is_any:
            self._gate = Gate(questions, self._execute, self._refuse)
        if questions is not None and questions.asks_of_strangers:
            self._strangers = Strangers(questions, self._write_opened, self._refuse)

    def execute(self, batch: Sequence[Request]) -> Deferred[None]:
        """Execute a batch; fires when its writes are committed or failed. Never fails.

        It does not wait for handlers, nor for what hooks are asked about.
        """
        return self._execute(self._gate.admit(batch) if self._gate else batch)

    def _execute(self, batch: Sequence[Request]) -> Deferred[None]:
        writes: list[Request] = []
        commands: list[Write] = []
        for request in batch:
            if isinstance(request.command, WRITES):
                writes.append(request)
                commands.append(request.command)
            elif isinstance(request.command, Custom):
                self._custom.take(request, request.command)
            else:
                self._read(request, request.command)
        if not writes:
            return succeed(None)
        written: Deferred[list[Result]] = self._store.write(commands)
        return written.addCallbacks(
            self._committed, self._failed, callbackArgs=(writes,), errbackArgs=(writes,)
        )

    def observe(self, observer: Observer) -> None:
        """Tell `observer` of every committed batch."""
        self._observers.append(observer)

    def tell(self, told: Announcement) -> None:
        """Have the nodes told what was committed, or is not stored at all."""
        if told.users or told.audiences:
            self._locate(told)
        else:
            self._publish(NOWHERE, told, NOWHERE)

    def stop(self) -> None:
        """Cancel handlers, and give up announcements that still wait for the registry.

        A sync finds what they would have told.
        """
        self._custom.stop()
        for asking in (self._gate, self._strangers):
            if asking is not None:
                asking.stop()
        for call in self._unlocated.values():
            call.cancel()
        self._unlocated.clear()

    def _read(self, request: Request, query: Query) -> None:
        answered: Deferred[Result] = self._store.read(query)
        answered.addErrback(self._refusal).addCallback(self._answer, request)

    def _answer(self, result: Result, request: Request) -> None:
        self._bus.publish(request.node, NodeBatch(results=((request.id, result),)))

    def _committed(self, results: list[Result], writes: Sequence[Request]) -> None:
        for observer in self._observers:
            observer(writes, results)
        if self._strangers is None:
            self._tell(writes, results, ())
        else:
            self.tell(announcement(*self._strangers.without(writes, results))._replace(batch=results))

    def _write_opened(self, opening: OpenDirect, request: Request) -> None:
        command = request.command
        assert isinstance(command, WRITES)
        written: Deferred[list[Result]] = self._store.write((opening, command))
        written.addCallbacks(self._opened, self._failed, callbackArgs=(request,), errbackArgs=((request,),))

    def _opened(self, results: list[Result], request: Request) -> None:
        opened, result = results
        for observer in self._observers:
            observer((request,), (result,))
        news = of_relation(opened).signals if isinstance(opened, RelationChanged) else ()
        self.tell(announcement((request,), (result,), news)._replace(batch=results))

    def _refuse(self, request: Request, refused: Refused) -> None:
        self._answer(refused, request)

    def _tell(
        self, requests: Sequence[Request], results: Sequence[Result], signals: Sequence[Signal]
    ) -> None:
        self.tell(announcement(requests, results, signals)._replace(batch=results))

    def _failed(self, failure: Failure, writes: Sequence[Request]) -> None:
        refused = self._refusal(failure)
        self._publish(NOWHERE, announcement(writes, [refused] * len(writes)), NOWHERE)

    def _refusal(self, failure: Failure) -> Refused:
        if isinstance(failure.value, UnavailableError):
            return _UNAVAILABLE
        self._log.failure("a batch failed in the store", failure)
        return _INTERNAL

    def _locate(self, told: Announcement) -> None:
        if not told.audiences:
            self._locate_users(NOWHERE, told)
            return
        held: Deferred[Mapping[str, Sequence[str]]] = self._registry.holding(told.audiences)
        held.addCallbacks(self._locate_users, self._locate_again, callbackArgs=(told,), errbackArgs=(told,))

    def _locate_users(self, held: Mapping[str, Sequence[str]], told: Announcement) -> None:
        if not told.users:
            self._publish(NOWHERE, told, held)
            return
        located: Deferred[Mapping[str, Sequence[str]]] = self._registry.locate(told.users)
        located.addCallbacks(
            self._publish, self._locate_again, callbackArgs=(told, held), errbackArgs=(told,)
        )

    def _publish(
        self, located: Mapping[str, Sequence[str]], told: Announcement, held: Mapping[str, Sequence[str]]
    ) -> None:
        for node, batch in by_node(told, located, held).items():
            self._bus.publish(node, batch)
        if self._announced is not None and told.batch is not None:
            self._announced(told.batch)

    def _locate_again(self, failure: Failure, told: Announcement) -> None:
        if not isinstance(failure.value, UnavailableError):
            self._log.failure("the registry failed", failure)
        if told.results:
            self._publish(NOWHERE, told._replace(batch=None), NOWHERE)
            told = told._replace(results={})
        if len(self._unlocated) >= MAX_UNLOCATED:
            self._log.warn("too many announcements wait for the registry; clients find these by a sync")
            return
        self._unlocated_id += 1
        self._unlocated[self._unlocated_id] = self._clock.callLater(
            LOCATE_AGAIN_SECONDS, self._retry, self._unlocated_id, told
        )

    def _retry(self, unlocated_id: int, told: Announcement) -> None:
        del self._unlocated[unlocated_id]
        self._locate(told)
