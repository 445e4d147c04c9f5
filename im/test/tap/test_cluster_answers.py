"""A worker's HTTP API has a queue for its answers again, whatever happened to the last one."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from im.ports import UnavailableError
from im.tap.cluster.answers import AGAIN_SECONDS, Answers


class Inbox:
    """Fails so often before it is joined."""

    def __init__(self) -> None:
        self.address = ""
        self.failures = 0
        self.tried: list[str] = []

    async def join(self, address: str) -> None:
        self.tried.append(address)
        if len(self.tried) <= self.failures:
            raise UnavailableError("the queue can't be used")
        self.address = address


class AnswersTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.inbox = Inbox()
        self.answers = Answers("worker-1-ab", self.inbox, self.clock)

    def test_what_fails_is_tried_again_each_time_under_a_new_address(self) -> None:
        self.inbox.failures = 2
        self.answers.need()
        for _ in range(3):
            self.clock.advance(AGAIN_SECONDS)
        self.assertEqual((len(self.inbox.tried), len(set(self.inbox.tried))), (3, 3))
        self.assertEqual(self.inbox.address, self.inbox.tried[-1])
        self.assertTrue(self.inbox.address.startswith("worker-1-ab~"))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_queue_that_was_lost_alone_is_made_again_under_another_address(self) -> None:
        self.answers.need()
        self.inbox.address = ""
        self.answers.need()
        self.assertEqual(len(set(self.inbox.tried)), 2)

    def test_one_try_is_under_way_at_a_time_and_none_where_there_is_a_queue(self) -> None:
        self.inbox.failures = 1
        self.answers.need()
        self.answers.need()
        self.assertEqual(len(self.inbox.tried), 1)
        self.clock.advance(AGAIN_SECONDS)
        self.answers.need()
        self.assertEqual(len(self.inbox.tried), 2)

    def test_a_stop_ends_the_tries(self) -> None:
        self.inbox.failures = 9
        self.answers.need()
        self.answers.stop()
        self.answers.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])
