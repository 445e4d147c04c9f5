"""A node attaches, doubts, and attaches anew."""

from collections.abc import Sequence
from random import Random

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from im.core.commands import Command, Result
from im.core.errors import Code, Refused
from im.core.looking import Changed, WhatChanged
from im.gateway.attachment import CURSOR_SECONDS, DETECTION_SECONDS, USERS_AT_ONCE, Attachment, World
from im.gateway.looking import Looks
from im.gateway.ticker import TICK_SECONDS, Ticker
from im.ports import Session, UnavailableError


class _ToldLooks(Looks):
    """Keeps who is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def tell(self, users: object) -> None:
        assert isinstance(users, tuple)
        self.told += users


def _session(user: str) -> Session:
    return Session(f"session of {user}", user, "phone-1", "phone", "node-1", "old", 1)


class AttachmentTests(SynchronousTestCase):
    """The order of an establishment, and what ends it."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.ticker = Ticker(self.clock)
        self.ticker.start()
        self.steps: list[str] = []
        self.asked: list[WhatChanged] = []
        self.here = [_session("alice"), _session("bob")]
        self.position = 0
        self.broken: set[str] = set()
        self.changed: tuple[str, ...] = ()
        self.looks = _ToldLooks()
        world = World(self._join, self._register, self._ask)
        self.attachment = Attachment("node-1", world, lambda: self.here, self.looks, self.ticker, Random(1))
        self.addCleanup(self.attachment.stop)

    def _step(self, name: str) -> Deferred[None]:
        self.steps.append(name)
        return fail(UnavailableError(f"no {name}")) if name in self.broken else succeed(None)

    def _join(self, generation: str) -> Deferred[None]:
        return self._step("join")

    def _register(self, generation: str, sessions: Sequence[Session]) -> Deferred[None]:
        self.registered = (generation, [session.user for session in sessions])
        return self._step("register")

    def _ask(self, command: Command) -> Deferred[Result]:
        assert isinstance(command, WhatChanged)
        self.asked.append(command)
        if "ask" in self.broken:
            return succeed(Refused(Code.UNAVAILABLE, "no answer"))
        self.position += 1
        return succeed(Changed(self.changed if command.users else (), "epoch", self.position))

    def _pass(self, seconds: float) -> None:
        self.clock.pump([TICK_SECONDS] * round(seconds / TICK_SECONDS))

    def test_the_queue_stands_before_the_registry_leads_to_it(self) -> None:
        """And all sessions are registered under the generation of the queue."""
        self.attachment.start()
        self.assertEqual(self.steps, ["join", "register"])
        self.assertEqual(self.registered, (self.attachment.generation, ["alice", "bob"]))
        self.assertEqual(self.attachment.problem(), "")

    def test_a_doubt_makes_a_new_generation(self) -> None:
        """Whatever still comes under the old one is not of this node."""
        self.attachment.start()
        before = self.attachment.generation
        self.attachment.doubt("a hole")
        self.assertNotEqual(self.attachment.generation, before)
        self.assertTrue(self.attachment.is_attached)

    def test_only_those_are_told_to_look_that_have_something_to_find(self) -> None:
        """The business layer says who."""
        self.attachment.start()
        self.changed = ("bob",)
        self.looks.told.clear()
        self.attachment.doubt("a hole")
        self.assertEqual(self.looks.told, ["bob"])
        self.assertEqual(self.asked[-1].users, ("alice", "bob"))

    def test_the_cursor_is_older_than_what_may_be_lost(self) -> None:
        """One that was handed out just before the doubt may lie behind the loss."""
        self.attachment.start()
        self._pass(DETECTION_SECONDS + 2 * CURSOR_SECONDS + 1)
        positions = {each.position for each in self.asked}
        self.assertEqual(positions, {0})
        self.attachment.doubt("a hole")
        self.assertEqual(self.asked[-1].epoch, "epoch")
        self.assertLess(self.asked[-1].position, self.position - DETECTION_SECONDS / CURSOR_SECONDS)

    def test_without_a_good_cursor_everyone_is_asked_about_from_the_beginning(self) -> None:
        """A node that doubts soon after its start knows no good moment."""
        self.attachment.start()
        self.attachment.doubt("a hole")
        self.assertEqual((self.asked[-1].epoch, self.asked[-1].position), ("", 0))

    def test_a_part_that_is_away_is_tried_again_until_it_is_back(self) -> None:
        """Each time as a whole, and with a pause."""
        for part in ("join", "register", "ask"):
            self.broken = {part}
            self.attachment.doubt("a hole")
            self.assertFalse(self.attachment.is_attached)
            self.assertIn("establishes itself", self.attachment.problem())
            tried = len(self.steps)
            self._pass(3)
            self.assertGreater(len(self.steps), tried)
            self.broken = set()
            self._pass(10)
            self.assertTrue(self.attachment.is_attached, part)

    def test_a_doubt_during_an_establishment_begins_it_again(self) -> None:
        """What was lost meanwhile is looked for, too."""
        waiting: Deferred[None] = Deferred()
        self._join = lambda generation: waiting  # type: ignore[method-assign]
        world = World(lambda generation: self._join(generation), self._register, self._ask)
        attachment = Attachment("node-1", world, lambda: self.here, self.looks, self.ticker, Random(1))
        self.addCleanup(attachment.stop)
        attachment.start()
        attachment.doubt("a worker is silent")
        self._join = self._step_join  # type: ignore[method-assign]
        waiting.callback(None)
        self.assertFalse(attachment.is_attached)
        self._pass(1)
        self.assertTrue(attachment.is_attached)
        self.assertEqual(attachment.established, 2)

    def _step_join(self, generation: str) -> Deferred[None]:
        return self._step("join")

    def test_many_users_are_asked_about_in_pages(self) -> None:
        """No question grows with the node."""
        self.here = [_session(f"user-{number}") for number in range(USERS_AT_ONCE + 1)]
        self.attachment.start()
        self.assertEqual([len(each.users) for each in self.asked], [USERS_AT_ONCE, 1])

    def test_a_stopped_node_tries_no_more(self) -> None:
        """Nothing is left behind."""
        self.broken = {"join"}
        self.attachment.start()
        self.attachment.stop()
        tried = len(self.steps)
        self._pass(30)
        self.assertEqual(len(self.steps), tried)
