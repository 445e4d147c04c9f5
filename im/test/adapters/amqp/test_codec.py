"""Whatever crosses the broker arrives as it was; what is no such thing is told."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from im.adapters.amqp.codec import (
    COMMANDS,
    RESULTS,
    Hop,
    Submission,
    UnreadableError,
    pack_hop,
    pack_submission,
    unpack_hop,
    unpack_submission,
)
from im.core.commands import WRITES, Request
from im.ports import Delivery, Eviction, NodeBatch, Signal

NUMBERS = st.integers(0, 2**63 - 1)
st.register_type_strategy(int, NUMBERS)
QUIET = settings(
    derandomize=True,
    deadline=None,
    max_examples=10,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


class CodecTests(SynchronousTestCase):
    def test_every_write_can_be_carried(self) -> None:
        self.assertEqual({each.__name__ for each in WRITES} - COMMANDS.keys(), set())

    @QUIET
    @given(st.data())
    def test_commands_arrive_as_they_were(self, data: st.DataObject) -> None:
        for kind in COMMANDS.values():
            request = Request("n1~g1", 7, "s", data.draw(st.from_type(kind)))
            read = unpack_submission(pack_submission(Submission("n1~g1", [request])))
            self.assertEqual((read.reply_to, list(read.requests)), ("n1~g1", [request]))
            self.assertIs(type(read.requests[0].command), kind)

    @QUIET
    @given(st.data())
    def test_results_arrive_as_they_were(self, data: st.DataObject) -> None:
        for kind in RESULTS.values():
            result = data.draw(st.from_type(kind))
            read = unpack_hop(pack_hop(Hop("w", "e", 1, NodeBatch([(7, result)]))))
            assert read.batch is not None
            self.assertEqual(list(read.batch.results), [(7, result)])

    @QUIET
    @given(
        st.lists(st.from_type(Delivery)),
        st.lists(st.from_type(Signal)),
        st.lists(st.from_type(Eviction)),
        st.lists(st.text()),
    )
    def test_a_batch_arrives_whole(
        self, deliveries: list[Delivery], signals: list[Signal], evictions: list[Eviction], seen: list[str]
    ) -> None:
        hop = Hop("w", "e", 3, NodeBatch([], deliveries, signals, evictions, seen))
        self.assertEqual(unpack_hop(pack_hop(hop)), hop)

    def test_a_beat_has_no_batch(self) -> None:
        hop = Hop("w", "e", 3, None, True)
        self.assertEqual(unpack_hop(pack_hop(hop)), hop)

    def test_what_is_something_else_is_told(self) -> None:
        for body in (b"", b"poison", b"\xc1", pack_hop(Hop("w", "e", 1, None))):
            with self.assertRaises(UnreadableError):
                unpack_submission(body)
        for body in (b"", b"poison", pack_submission(Submission("n", []))):
            with self.assertRaises(UnreadableError):
                unpack_hop(body)

    def test_a_command_of_another_version_is_told_by_its_name(self) -> None:
        with self.assertRaises(UnreadableError) as caught:
            unpack_submission(b"\x92\xa1n\x91\x94\x01\xa0\xa6Future\x90")
        self.assertIn("Future", str(caught.exception))
