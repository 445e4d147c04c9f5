"""How far an entry is on its way to this node's sessions, told to whichever node asks for an operator.

It is read off the windows when somebody asks: no message costs anything for it.
"""

from collections.abc import Callable

from twisted.internet.defer import Deferred, TimeoutError, fail
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from im.core.seeing import FindFlights, Flight, FlightsFound
from im.gateway.connection import Connection
from im.gateway.patience import within
from im.gateway.pool import Pool
from im.ports import INodeBus, NodeBatch, Question, Session, UnavailableError

ANSWER_SECONDS = 2.0
MOST_ASKED = 1_000
MOST_FLIGHTS = 1_000


class Flights:
    """Asks nodes, this one included, and answers them, over the bus."""

    def __init__(
        self, node: str, bus: INodeBus, pool: Pool, clock: IReactorTime, now_ms: Callable[[], int]
    ) -> None:
        self._node = node
        self._bus = bus
        self._pool = pool
        self._clock = clock
        self._now_ms = now_ms
        self._asked: dict[int, Deferred[FlightsFound]] = {}
        self._last = 0

    def ask(self, node: str, wanted: FindFlights) -> "Deferred[FlightsFound]":
        """Ask the node of a name, or address. Fails with `UnavailableError` if it does not answer in time."""
        if len(self._asked) >= MOST_ASKED:
            return fail(UnavailableError("too many questions to nodes wait"))
        self._last = number = self._last + 1
        found: Deferred[FlightsFound] = Deferred()
        self._asked[number] = found
        self._bus.publish(node, NodeBatch(questions=(Question(self._node, number, wanted),)))
        return within(found, ANSWER_SECONDS, self._clock).addErrback(self._late, number)

    def take(self, batch: NodeBatch) -> None:
        """Answer the questions of a batch, and hand its answers to those who asked."""
        for node, number, wanted in batch.questions:
            self._bus.publish(node, NodeBatch(answers=((number, self.found(wanted)),)))
        for number, found in batch.answers:
            asked = self._asked.pop(number, None)
            if asked is not None:
                asked.callback(found)

    def found(self, wanted: FindFlights) -> FlightsFound:
        """How far an entry is on its way to the sessions here, of users in their order."""
        flights: list[Flight] = []
        for user in wanted.users:
            for connection in self._pool.of_user(user):
                if len(flights) == MOST_FLIGHTS:
                    return FlightsFound(tuple(flights), True)
                session = connection.session
                assert session is not None  # the pool holds no other connections
                flights.append(self._flight(connection, session, wanted))
        return FlightsFound(tuple(flights), False)

    def _flight(self, connection: Connection, session: Session, wanted: FindFlights) -> Flight:
        window = connection.window
        resends = None if window is None else window.resends_of(wanted.conversation, wanted.seq)
        return Flight(
            session.id,
            session.user,
            session.device,
            session.device_class,
            self._now_ms() - int(connection.seconds * 1000),
            -1 if resends is None else resends,
            window is not None and window.is_marked(wanted.conversation),
        )

    def _late(self, failure: Failure, number: int) -> Failure:
        self._asked.pop(number, None)
        return (
            Failure(UnavailableError("the node does not answer")) if failure.check(TimeoutError) else failure
        )
