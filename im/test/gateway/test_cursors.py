"""Delivered cursors under load: bounded in number, and in what is written at once."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from im.core.commands import Request
from im.core.messages import MoveDelivered
from im.gateway import cursors
from im.gateway.counters import Counters
from im.gateway.cursors import DeliveredCursors
from im.gateway.dispatch import ErrorBoundary
from im.gateway.pool import Pool
from im.gateway.requests import RequestBounds, Requests
from im.gateway.ticker import Ticker
from im.ports import IBusinessBridge


@implementer(IBusinessBridge)
class Recorder:
    def __init__(self) -> None:
        self.requests: list[Request] = []

    def submit(self, request: Request) -> None:
        self.requests.append(request)


class BoundTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        ticker = Ticker(self.clock)
        ticker.start()
        counters = Counters()
        self.bridge = Recorder()
        bounds = RequestBounds(1_000, 5.0)
        requests = Requests("n1", self.bridge, bounds, ticker, counters, ErrorBoundary(counters).run)
        self.cursors = DeliveredCursors(requests, Pool(), ticker, 1.0)

    def test_a_crowd_is_written_over_several_ticks(self) -> None:
        self.patch(cursors, "WRITES_AT_ONCE", 3)
        for number in range(7):
            self.cursors.note(f"u{number}", "d~a~b", 1)
        self.clock.pump([0.1] * 11)
        self.assertEqual(len(self.bridge.requests), 3)
        self.clock.pump([0.1] * 4)
        self.assertEqual((len(self.bridge.requests), len(self.cursors)), (7, 0))

    def test_of_an_inbox_each_device_is_told_and_soon(self) -> None:
        self.cursors.note("a", "d~a~b", 1, "phone")
        self.clock.pump([0.1] * 2)
        for device in ("phone", "laptop"):
            self.cursors.note("a", "i~a", 1, device)
            self.cursors.note("a", "d~a~b", 1, device)
        self.clock.pump([0.1] * 3)
        written = [request.command for request in self.bridge.requests]
        inboxes = [MoveDelivered("i~a", "a", 1, "phone"), MoveDelivered("i~a", "a", 1, "laptop")]
        self.assertEqual(inboxes, written)
        self.clock.pump([0.1] * 8)
        written = [request.command for request in self.bridge.requests]
        self.assertEqual([*inboxes, MoveDelivered("d~a~b", "a", 1)], written)

    def test_what_came_in_the_background_is_told_apart(self) -> None:
        self.cursors.note("a", "d~a~b", 3, "phone", False)
        self.cursors.note("a", "d~a~b", 2, "laptop")
        self.cursors.flush()
        written = [request.command for request in self.bridge.requests]
        expected = [MoveDelivered("d~a~b", "a", 3, "", False), MoveDelivered("d~a~b", "a", 2)]
        self.assertEqual(expected, written)

    def test_more_than_the_bound_are_not_kept(self) -> None:
        self.patch(cursors, "MAX_WAITING", 2)
        for user in ("a", "b", "c"):
            self.cursors.note(user, "d~a~b", 1)
        self.cursors.note("a", "d~a~b", 2)
        self.assertEqual(len(self.cursors), 2)
        self.cursors.flush()
        moved = {getattr(request.command, "seq", 0) for request in self.bridge.requests}
        self.assertEqual(moved, {1, 2})

    def test_a_user_fills_but_the_own_share(self) -> None:
        self.patch(cursors, "MAX_WAITING_OF_USER", 2)
        for peer in ("b", "c", "d"):
            self.cursors.note("a", f"d~a~{peer}", 1)
        self.cursors.note("a", "d~a~c", 2)
        self.cursors.note("b", "d~a~b", 1)
        self.cursors.flush()
        self.cursors.note("a", "d~a~d", 1)
        self.cursors.flush()
        written = [request.command for request in self.bridge.requests]
        expected = [
            MoveDelivered("d~a~b", "a", 1),
            MoveDelivered("d~a~c", "a", 2),
            MoveDelivered("d~a~b", "b", 1),
            MoveDelivered("d~a~d", "a", 1),
        ]
        self.assertEqual(expected, written)
