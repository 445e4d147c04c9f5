"""Whatever crosses the broker arrives as it was; what is no such thing is told."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, get_args, get_type_hints

import msgspec
from hypothesis import HealthCheck, Phase, given, settings
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
from im.core.seeing import FlightsFound
from im.ports import Delivery, Eviction, NodeBatch, Question, Signal
from im.test.adapters.amqp.cluster import a_send
from im.test.adapters.amqp.wire import LINES

A_SEND = a_send(1)
A_DELIVERY = Delivery(("bob",), "d~a~b", 4, b"frame", "")
WRITTEN = {name: fields for name, *fields in map(str.split, LINES.replace("\n ", "").splitlines())}
NUMBERS = st.integers(0, 2**63 - 1)
st.register_type_strategy(int, NUMBERS)
QUIET = settings(
    derandomize=True,
    deadline=None,
    max_examples=10,
    database=None,
    phases=(Phase.explicit, Phase.generate),
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
        st.lists(st.from_type(Question)),
        st.lists(st.tuples(NUMBERS, st.from_type(FlightsFound))),
    )
    def test_a_batch_arrives_whole(
        self,
        deliveries: list[Delivery],
        signals: list[Signal],
        evictions: list[Eviction],
        seen: list[str],
        questions: list[Question],
        answers: list[tuple[int, FlightsFound]],
    ) -> None:
        hop = Hop("w", "e", 3, NodeBatch([], deliveries, signals, evictions, seen, questions, answers))
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

    @QUIET
    @given(st.data())
    def test_of_anything_else_an_error_is_made_and_never_another_one(self, data: st.DataObject) -> None:
        whole = pack_submission(Submission("n1~g1", [Request("n1~g1", 7, "s", A_SEND)]))
        place = data.draw(st.integers(0, len(whole) - 1))
        damaged = whole[:place] + data.draw(st.binary(max_size=4)) + whole[place + 1 :]
        deep = b"\x91" * data.draw(st.integers(0, 5_000))
        for body in (damaged, deep, data.draw(st.binary()), b"\x95\xa1w\xa1e\x01" + damaged):
            for unpack in (unpack_submission, unpack_hop):
                with contextlib.suppress(UnreadableError):
                    unpack(body)

    def test_a_map_where_none_belongs_is_told(self) -> None:
        strange = {"a": 1}
        for body in (
            ["n", strange],
            ["n", [strange]],
            strange,
            ["w", "e", 1, strange],
            ["w", "e", 1, [strange]],
        ):
            for unpack in (unpack_submission, unpack_hop):
                with self.assertRaises(UnreadableError):
                    unpack(msgspec.msgpack.encode(body))


class VersionTests(SynchronousTestCase):
    """Programs of two versions, side by side."""

    def test_what_was_ever_written_stays_as_it_was(self) -> None:
        fields = {kind.__name__: kind._fields for kind in _classes()}
        for name, written in WRITTEN.items():
            self.assertEqual(list(fields.get(name, ()))[: len(written)], written, name)

    def test_what_was_added_since_has_a_default(self) -> None:
        for kind in _classes():
            added = kind._fields[len(WRITTEN.get(kind.__name__, kind._fields)) :]
            self.assertEqual([each for each in added if each not in kind._field_defaults], [], kind)

    def test_what_a_newer_program_wrote_beside_is_left_out(self) -> None:
        for kind in COMMANDS.values():
            _few(kind, self.check_command)
        for kind in RESULTS.values():
            _few(kind, self.check_result)

    def check_command(self, command: Any) -> None:
        body = pack_submission(Submission("n", [Request("n", 7, "s", command)]))
        read = unpack_submission(_newer(msgspec.msgpack.decode(body)))
        self.assertEqual(read.requests[0].command, command)

    def check_result(self, result: Any) -> None:
        batch = NodeBatch([(7, result)], [A_DELIVERY])
        hop = msgspec.msgpack.decode(pack_hop(Hop("w", "e", 1, batch)))
        hop[3][1][0].append("new")
        hop[3].append(["new"])
        hop.append("new")
        read = unpack_hop(_newer(hop)).batch
        assert read is not None
        self.assertEqual((read.results, read.deliveries), (batch.results, batch.deliveries))

    def test_what_an_older_program_did_not_write_yet_has_its_default(self) -> None:
        hop = msgspec.msgpack.encode(["w", "e", 1, [[], [[["bob"], "d~a~b", 4, b"frame", ""]]]])
        self.assertEqual(unpack_hop(hop), Hop("w", "e", 1, NodeBatch([], [A_DELIVERY])))

    def test_a_command_that_only_a_newer_program_knows_takes_no_other_along(self) -> None:
        whole = msgspec.msgpack.decode(pack_submission(Submission("n", [Request("n", 7, "s", A_SEND)])))
        whole[1].append([8, "s", "Future", ["x"]])
        read = unpack_submission(msgspec.msgpack.encode(whole))
        self.assertEqual([each.id for each in read.requests], [7])
        self.assertEqual([(each.id, each.command) for each in read.strangers], [(8, "Future")])

    def test_a_result_is_no_command(self) -> None:
        body = msgspec.msgpack.encode(["n", [[8, "s", "Refused", [1, ""]]]])
        self.assertEqual([each.id for each in unpack_submission(body).strangers], [8])


def _few(kind: Any, check: Callable[[Any], None]) -> None:
    """Check some values of a class."""
    settings(QUIET, max_examples=3)(given(st.from_type(kind))(lambda value: check(value)))()


def _newer(value: Any) -> bytes:
    """The same with one field more in each request's command, or in each answer's result."""
    for each in value[1] if isinstance(value[1], list) else value[3][0]:
        if isinstance(each[-1], list):
            each[-1].append("new")
    return msgspec.msgpack.encode(value)


def _classes() -> Iterator[Any]:
    """Every class that crosses the broker."""
    waiting: list[Any] = [*COMMANDS.values(), *RESULTS.values(), NodeBatch, Hop]
    seen = set()
    while waiting:
        kind = waiting.pop()
        waiting += get_args(kind)
        if hasattr(kind, "_fields") and kind not in seen:
            seen.add(kind)
            waiting += get_type_hints(kind).values()
            yield kind
