"""How far an entry is on its way to the sessions of a node, asked over the bus."""

from twisted.internet.defer import CancelledError
from twisted.trial.unittest import SynchronousTestCase

from im.core.seeing import FindFlights, Flight, FlightsFound
from im.gateway import flights
from im.ports import NodeBatch, Question, UnavailableError
from im.proto import chat_pb2
from im.test.gateway.world import DIRECT, START_MS, World, delivery

WANTED = FindFlights(DIRECT, 1, ("bob", "alice"))


class FlightsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = World()
        self.client = self.world.log_in()

    def asked(self, wanted: FindFlights = WANTED) -> FlightsFound:
        return self.successResultOf(self.world.node.flights.ask("n1", wanted))

    def flight(self) -> Flight:
        (flight,) = self.asked().flights
        return flight

    def test_a_session_without_a_window_has_nothing_in_flight(self) -> None:
        flight = self.flight()
        self.assertEqual((flight.user, flight.resends, flight.is_dropped), ("alice", -1, False))

    def test_a_delivery_is_in_flight_until_it_is_acknowledged(self) -> None:
        self.world.deliver(delivery(1))
        self.assertEqual(self.flight().resends, 0)
        self.world.pass_seconds(6.0)
        self.assertEqual(self.flight().resends, 1)
        self.client.send(chat_pb2.DeliverAck(conversation=DIRECT, seq=1))
        self.assertEqual(self.flight().resends, -1)

    def test_a_delivery_that_was_dropped_is_told_as_such(self) -> None:
        self.client.connection.write_paused()
        self.world.deliver(delivery(1))
        self.assertEqual((self.flight().resends, self.flight().is_dropped), (-1, True))

    def test_a_session_tells_since_when_it_is_connected(self) -> None:
        begun = self.flight().since_ms
        self.world.pass_seconds(5.0)
        self.assertLessEqual(abs(self.flight().since_ms - begun), 250)
        self.assertLess(abs(begun - START_MS), 1_000)

    def test_no_more_than_a_bounded_number_of_sessions_is_told(self) -> None:
        self.patch(flights, "MOST_FLIGHTS", 1)
        self.assertFalse(self.asked().more)
        self.world.log_in(token="bob", device_id="b1")
        found = self.asked()
        self.assertEqual(([each.user for each in found.flights], found.more), (["bob"], True))

    def test_a_node_that_does_not_answer_in_time_is_unavailable_and_its_late_answer_ignored(self) -> None:
        asking = self.world.node.flights.ask("n2", WANTED)
        self.world.pass_seconds(flights.ANSWER_SECONDS + 0.1)
        self.failureResultOf(asking, UnavailableError)
        self.world.bus.publish("n1", NodeBatch(answers=((1, FlightsFound((), False)),)))

    def test_who_asks_no_more_is_not_told_that_a_node_is_silent(self) -> None:
        asking = self.world.node.flights.ask("n2", WANTED)
        asking.cancel()
        self.failureResultOf(asking, CancelledError)

    def test_questions_that_wait_are_bounded(self) -> None:
        self.patch(flights, "MOST_ASKED", 1)
        waiting = self.world.node.flights.ask("n2", WANTED)
        self.failureResultOf(self.world.node.flights.ask("n1", WANTED), UnavailableError)
        self.world.bus.publish("n1", NodeBatch(answers=((1, FlightsFound((), False)),)))
        self.successResultOf(waiting)

    def test_another_node_is_answered_under_its_number(self) -> None:
        told: list[NodeBatch] = []
        self.world.bus.attach("n2", told.append)
        self.world.bus.publish("n1", NodeBatch(questions=(Question("n2", 7, WANTED),)))
        ((number, found),) = told[0].answers
        self.assertEqual((number, [each.user for each in found.flights]), (7, ["alice"]))
