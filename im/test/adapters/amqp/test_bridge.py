"""The pace of the bridge: a lone request waits for nobody, and slow workers get larger batches."""

from collections.abc import Sequence

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from im.adapters.amqp.bridge import LATE_SECONDS, MOST_REQUESTS, MOST_WAITING, PACE_SECONDS, AmqpBridge
from im.adapters.amqp.codec import unpack_submission
from im.adapters.amqp.link import Link
from im.adapters.amqp.topology import Topology
from im.core.commands import Request
from im.core.errors import Code, Refused
from im.core.shards import shard_of
from im.ports import NodeBatch
from im.test.adapters.amqp.cluster import DIRECT, a_send

_ANSWER = Refused(Code.INTERNAL, "no")
OTHER = "d~carol~dave"


class _Link(Link):
    """Keeps what is published."""

    def __init__(self) -> None:
        super().__init__()
        self.is_there = True
        self.messages: list[tuple[str, bytes]] = []

    def publish(self, name: str, body: bytes) -> bool:
        if self.is_there:
            self.messages.append((name, body))
        return self.is_there

    def batches(self) -> list[list[int]]:
        """The numbers of the requests of each message."""
        return [[each.id for each in unpack_submission(body).requests] for _, body in self.messages]


class PaceTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.link = _Link()
        self.answers: list[NodeBatch] = []
        self.bridge = AmqpBridge(
            Topology("im", 4), self.link, lambda: "n1~g1", self.answers.append, self.clock
        )

    def submit(self, numbers: Sequence[int], conversation: str = DIRECT) -> None:
        for number in numbers:
            self.bridge.submit(Request("n1", number, "s", a_send(number, conversation)))

    def answer(self, *numbers: int) -> None:
        self.bridge.answered([(number, _ANSWER) for number in numbers])

    def test_the_first_after_a_pause_goes_at_once(self) -> None:
        self.submit([1])
        self.clock.advance(0)
        self.assertEqual(self.link.batches(), [[1]])

    def test_the_next_waits_for_the_pace_whatever_its_shard(self) -> None:
        self.assertNotEqual(shard_of(DIRECT, 4), shard_of(OTHER, 4))
        self.submit([1])
        self.clock.advance(0)
        self.submit([2], OTHER)
        self.clock.advance(PACE_SECONDS / 2)
        self.assertEqual(self.link.batches(), [[1]])
        self.clock.advance(PACE_SECONDS / 2)
        self.assertEqual(self.link.batches(), [[1], [2]])

    def test_what_comes_while_a_batch_is_on_its_way_is_the_next_one(self) -> None:
        self.submit([1])
        self.clock.advance(0)
        for number in range(2, 12):
            self.submit([number])
            self.clock.advance(PACE_SECONDS)
        self.assertEqual(self.link.batches(), [[1]])
        self.answer(1)
        self.clock.advance(PACE_SECONDS)
        self.assertEqual(self.link.batches(), [[1], [*range(2, 12)]])

    def test_any_answer_of_a_batch_lets_the_next_go_and_no_other_one_s(self) -> None:
        self.submit([1, 2])
        self.submit([3], OTHER)
        self.clock.advance(0)
        self.submit([4])
        self.answer(3)
        self.answer()
        self.clock.advance(PACE_SECONDS)
        self.assertEqual(sorted(self.link.batches()), [[1, 2], [3]])
        self.answer(2)
        self.clock.advance(PACE_SECONDS)
        self.assertEqual(self.link.batches()[2:], [[4]])

    def test_a_batch_without_an_answer_holds_the_next_up_for_so_long_only(self) -> None:
        self.submit([1])
        self.clock.advance(0)
        self.submit([2])
        self.clock.pump([PACE_SECONDS] * round(LATE_SECONDS / PACE_SECONDS - 1))
        self.assertEqual(self.link.batches(), [[1]])
        self.clock.pump([PACE_SECONDS] * 2)
        self.assertEqual(self.link.batches(), [[1], [2]])

    def test_a_message_and_what_waits_are_bounded(self) -> None:
        self.submit(range(MOST_WAITING + 5))
        self.assertEqual(len(self.bridge), MOST_WAITING)
        self.clock.advance(0)
        self.assertEqual(list(map(len, self.link.batches())), [MOST_REQUESTS])
        self.assertEqual(len(self.bridge), MOST_WAITING - MOST_REQUESTS)

    def test_without_a_connection_requests_are_refused_at_once_and_hold_nobody_up(self) -> None:
        self.link.is_there = False
        self.submit([1])
        self.clock.advance(0)
        self.assertIsInstance(self.answers[0].results[0][1], Refused)
        self.link.is_there = True
        self.submit([2])
        self.clock.advance(PACE_SECONDS)
        self.assertEqual(self.link.batches(), [[2]])

    def test_what_found_no_queue_is_refused_and_what_is_no_submission_is_let_be(self) -> None:
        self.submit([1])
        self.clock.advance(0)
        self.bridge.returned(*self.link.messages[0])
        self.bridge.returned("im.node.n2~g2", b"a hop")
        self.assertEqual([number for each in self.answers for number, _ in each.results], [1])

    def test_nothing_is_left_behind(self) -> None:
        self.submit([1])
        self.clock.advance(0)
        self.clock.advance(PACE_SECONDS)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.submit([2])
        self.bridge.stop()
        self.bridge.stop()
        self.assertEqual((self.clock.getDelayedCalls(), len(self.bridge)), ([], 0))
