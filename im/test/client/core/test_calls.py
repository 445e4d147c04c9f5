"""Types of apps, asked and signalled."""

from twisted.trial.unittest import SynchronousTestCase

from im.client.core.events import Answered, AppBody, RequestRefused, Signalled
from im.proto.base_pb2 import BaseMessage, Ok
from im.test.client import server
from im.test.client.core.driver import Driver
from im.wire.codec import pack_raw, unpack

ASKED = AppBody(10_001, b"\xff", server.CHAT)
KEY = b"k" * 16


class CallTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.driver = Driver()
        self.driver.login()
        self.driver.frames.clear()

    def call(self) -> int:
        request = self.driver.core.call(ASKED, KEY, self.driver.now)
        self.driver.collect()
        return request

    def written(self) -> list[BaseMessage]:
        envelopes = [unpack(frame) for frame in self.driver.frames]
        self.driver.frames.clear()
        return [each for each in envelopes if each.type == ASKED.type]

    def test_the_envelope_says_where_it_belongs_and_which_request_it_is(self) -> None:
        request = self.call()
        expected = BaseMessage(type=10_001, id=request, body=b"\xff", conversation=server.CHAT, key=KEY)
        self.assertEqual(self.written(), [expected])

    def test_it_is_repeated_as_the_same_over_connections(self) -> None:
        self.call()
        (first,) = self.written()
        self.driver.disconnect()
        self.driver.login()
        self.assertEqual(self.written(), [first])

    def test_the_answer_comes_unopened(self) -> None:
        request = self.call()
        self.driver.receive(pack_raw(10_002, b"\xfe", request))
        self.assertEqual(self.driver.told(Answered), [Answered(request, AppBody(10_002, b"\xfe", ""))])

    def test_so_does_ok(self) -> None:
        request = self.call()
        self.driver.answer(request, Ok())
        self.assertEqual(self.driver.told(Answered), [Answered(request, Ok())])

    def test_a_refusal_for_good_is_told(self) -> None:
        request = self.call()
        self.driver.receive(server.error(request, 11, "unknown_type", retryable=False))
        self.assertEqual([each.request for each in self.driver.told(RequestRefused)], [request])

    def test_an_answer_that_nobody_waits_for_is_dropped(self) -> None:
        request = self.call()
        self.driver.receive(pack_raw(10_002, b"", request + 7))
        self.assertEqual(self.driver.told(Answered), [])

    def test_what_comes_unasked_is_a_signal(self) -> None:
        self.driver.receive(pack_raw(10_003, b"x", 0, server.CHAT), pack_raw(4_000, b""))
        self.assertEqual(self.driver.told(Signalled), [Signalled(AppBody(10_003, b"x", server.CHAT))])
