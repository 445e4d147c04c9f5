"""Hooks that are asked before a request is executed: what waits for them, what they make of it."""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, execute
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from im.adapters.memory.bus import MemoryNodeBus
from im.adapters.memory.registry import MemoryRegistry
from im.adapters.sql.sqlite import StorePolicy
from im.business import gate
from im.business.custom import NONE
from im.business.hooks import Hooks, HookSet
from im.business.message_hooks import MessageHooks
from im.business.questions import Questions
from im.business.worker import Worker, WorkerPorts
from im.core.changing import ChangeMessage, Edit, React
from im.core.commands import Command, Request, Result
from im.core.errors import Code, Refused, RefusedError
from im.core.grouping import ChangeGroup, CreateGroup, Dissolve, GroupChanged
from im.core.groups import group_conversation
from im.core.limits import Limits
from im.core.messages import Entry, MoveRead, Pull, PullPage, Send, Sent
from im.core.relations import AskFriend, Block, GetRelation, RelationChanged, SetContact
from im.hook import (
    GroupIntent,
    Hook,
    HookContext,
    HookOwner,
    Message,
    RelationIntent,
    StoredMessage,
    Stranger,
)
from im.isolation import HandlerCounters
from im.ports import NodeBatch, Session
from im.test.memory_store import memory_store

TALK, OTHER = "d~alice~bob", "d~alice~carol"
NO = Refused(Code.PERMISSION_DENIED, "not here")


class Censor(Hook):
    """Does with messages what the test says."""

    def __init__(self) -> None:
        self.asked: list[Message] = []
        self.step: Callable[[Message], Any] = lambda message: None

    def before_message(self, context: HookContext, message: Message) -> Any:
        self.asked.append(message)
        return self.step(message)


class Guard(Hook):
    """Does with changes what the test says."""

    def __init__(self) -> None:
        self.asked: list[RelationIntent | GroupIntent] = []
        self.step: Callable[[], Any] = lambda: None

    def before_relation(self, context: HookContext, intent: RelationIntent) -> Any:
        self.asked.append(intent)
        return self.step()

    def before_group_change(self, context: HookContext, intent: GroupIntent) -> Any:
        self.asked.append(intent)
        return self.step()


class Doorman(Hook):
    """Lets in whom the test says."""

    def __init__(self) -> None:
        self.asked: list[Stranger] = []
        self.step: Callable[[], Any] = lambda: True

    def may_write(self, context: HookContext, stranger: Stranger) -> Any:
        self.asked.append(stranger)
        return self.step()


class Witness(Hook):
    """Keeps what was stored."""

    def __init__(self) -> None:
        self.told: list[StoredMessage] = []

    async def after_message(self, context: HookContext, message: StoredMessage) -> None:
        self.told.append(message)


def send(number: int, conversation: str = TALK, sender: str = "alice", after: int = 0) -> Send:
    before = after.to_bytes(16, "big") if after else b""
    text = f"text {number}".encode()
    return Send(conversation, sender, "phone", number.to_bytes(16, "big"), before, 0, 1, text)


class GateCase(SynchronousTestCase):
    def start(self, *hooks: Hook, is_for_friends: bool = False) -> None:
        """A worker on an empty store, with hooks."""
        self.clock = Clock()
        policy = StorePolicy(Limits(), True, is_for_friends=is_for_friends)
        self.store = memory_store(self, policy=policy)
        registry, bus = MemoryRegistry(), MemoryNodeBus()
        self.batches: list[NodeBatch] = []
        bus.attach("n1", self.batches.append)
        for user in ("alice", "bob"):
            registry.register(Session(f"s-{user}", user, "d", "phone", "n1", "g1", 1))
        owners = [HookOwner(f"hooks.h{number}", hook) for number, hook in enumerate(hooks)]
        asked = Hooks(HookSet(owners, lambda owner: execute, HandlerCounters()), self.clock, lambda: 1_000)
        ports = WorkerPorts(self.store, registry, bus)
        self.worker = Worker(self.clock, ports, NONE, Questions(asked, is_for_friends))
        self.worker.observe(MessageHooks(asked).committed)
        self.numbers = 0

    def execute(self, *commands: Command) -> list[int]:
        """Give the worker a batch; the numbers of its requests."""
        first = self.numbers + 1
        self.numbers += len(commands)
        self.worker.execute(
            [Request("n1", number, "s1", command) for number, command in enumerate(commands, first)]
        )
        return list(range(first, self.numbers + 1))

    def results(self) -> dict[int, Result]:
        return {number: result for batch in self.batches for number, result in batch.results}

    def answer(self, command: Command) -> Result:
        (number,) = self.execute(command)
        return self.results()[number]

    def code(self, command: Command) -> str:
        result = self.answer(command)
        assert isinstance(result, Refused), result
        return result.code.label

    def log(self, conversation: str = TALK) -> list[Entry]:
        page = self.successResultOf(self.store.read(Pull(conversation, "alice", 0, False, 100)))
        return page.entries if isinstance(page, PullPage) else []

    def texts(self, conversation: str = TALK) -> list[str]:
        return [entry.content.decode() for entry in self.log(conversation)]


class MessageTests(GateCase):
    def setUp(self) -> None:
        self.censor = Censor()
        self.start(self.censor)

    def test_what_it_lets_pass_is_stored_as_it_is_in_one_transaction(self) -> None:
        one, two = self.execute(send(1), send(2, after=1))
        self.assertEqual(len(self.batches), 1)
        self.assertEqual([type(self.results()[each]) for each in (one, two)], [Sent, Sent])
        self.assertEqual(self.texts(), ["text 1", "text 2"])
        self.assertEqual(self.censor.asked[0], Message(TALK, "alice", "phone", 1, b"text 1"))

    def test_changed_content_is_what_is_stored_and_delivered(self) -> None:
        self.censor.step = lambda message: "***"
        self.execute(send(1))
        self.assertEqual(self.texts(), ["***"])
        self.assertIn(b"***", self.batches[0].deliveries[0].frame)

    def test_a_refusal_is_the_answer_and_nothing_is_stored(self) -> None:
        def refuse(message: Message) -> None:
            raise RefusedError(NO)

        self.censor.step = refuse
        self.assertEqual(self.answer(send(1)), NO)
        self.assertEqual(self.texts(), [])

    def test_a_repetition_gets_the_first_answer_even_if_it_is_refused_by_now(self) -> None:
        def refuse(message: Message) -> None:
            raise RefusedError(NO)

        first = self.answer(send(1))
        assert isinstance(first, Sent)
        self.censor.step = refuse
        self.assertEqual(self.answer(send(1)), first._replace(duplicate=True))

    def test_each_gets_what_the_one_before_made_of_it(self) -> None:
        second = Censor()
        self.start(self.censor, second)
        self.censor.step = lambda message: message.content + b"!"
        second.step = lambda message: message.content + b"?"
        self.execute(send(1))
        self.assertEqual(self.texts(), ["text 1!?"])

    def test_one_that_fails_or_is_late_or_answers_nonsense_has_the_client_try_again(self) -> None:
        def fail(message: Message) -> None:
            raise ValueError("its own")

        self.censor.step = fail
        self.assertEqual(self.code(send(1)), "unavailable")
        self.censor.step = lambda message: 7
        self.assertEqual(self.code(send(2)), "unavailable")
        self.assertEqual(len(self.flushLoggedErrors(ValueError, TypeError)), 2)
        self.censor.step = lambda message: Deferred()
        (late,) = self.execute(send(3))
        self.clock.advance(Hook.timeout_seconds)
        answer = self.results()[late]
        assert isinstance(answer, Refused)
        self.assertTrue(answer.code.is_retryable)
        self.assertEqual(self.texts(), [])

    def test_a_send_that_waits_holds_back_the_later_ones_of_its_conversation_alone(self) -> None:
        decided: Deferred[None] = Deferred()
        self.censor.step = lambda message: decided if message.content == b"text 1" else None
        self.execute(send(1))
        self.execute(send(2, after=1), send(3, OTHER), MoveRead(OTHER, "alice", 1))
        self.assertEqual((self.texts(), self.texts(OTHER)), ([], ["text 3"]))
        self.execute(send(4, after=2))
        decided.callback(None)
        self.assertEqual(self.texts(), ["text 1", "text 2", "text 4"])
        self.assertEqual(len(self.results()), 5)

    def test_one_that_is_let_go_while_a_batch_is_asked_about_does_not_overtake(self) -> None:
        self.start(self.censor)
        decided: Deferred[None] = Deferred()

        def step(message: Message) -> Any:
            if message.content == b"text 2":
                return decided
            if message.content == b"text 3":
                decided.callback(None)
            return None

        self.censor.step = step
        self.execute(send(1), send(2, after=1), send(3, OTHER))
        self.assertEqual((self.texts(), self.texts(OTHER)), (["text 1", "text 2"], ["text 3"]))

    def test_an_edit_is_asked_about_too_and_other_changes_are_not(self) -> None:
        self.execute(send(1))
        self.censor.step = lambda message: "***"
        self.execute(ChangeMessage(TALK, "alice", b"k" * 16, 1, Edit(b"darn")))
        self.execute(ChangeMessage(TALK, "bob", b"l" * 16, 1, React("+1")))
        self.assertEqual(self.censor.asked[1:], [Message(TALK, "alice", "", 0, b"darn", edits=1)])
        self.assertIn("***", "".join(self.texts()))

    def test_so_many_wait_and_no_more(self) -> None:
        self.patch(gate, "MOST_IN_A_LANE", 2)
        decided: Deferred[None] = Deferred()
        self.censor.step = lambda message: decided
        *_, refused = self.execute(send(1), send(2), send(3))
        answer = self.results()[refused]
        assert isinstance(answer, Refused)
        self.assertEqual(answer.code, Code.RATE_LIMITED)
        self.censor.step = lambda message: None
        decided.callback(None)
        self.assertEqual(self.texts(), ["text 1", "text 2"])

    def test_stopped_it_forgets_what_waits(self) -> None:
        decided: Deferred[None] = Deferred()
        self.censor.step = lambda message: decided
        self.execute(send(1), send(2))
        self.worker.stop()
        self.assertEqual((self.texts(), self.batches), ([], []))
        self.assertEqual(len(self.censor.asked), 1)


class AfterTests(GateCase):
    def test_what_is_stored_is_told_once_with_the_content_that_it_has(self) -> None:
        censor, witness = Censor(), Witness()
        censor.step = lambda message: "***"
        self.start(censor, witness)
        self.execute(send(1))
        self.execute(send(1))
        self.assertEqual(
            witness.told, [StoredMessage(TALK, 1, "alice", (1).to_bytes(16, "big"), 1, b"***", 1_000)]
        )


class ChangeTests(GateCase):
    def setUp(self) -> None:
        self.guard = Guard()
        self.start(self.guard)

    def refuse(self) -> None:
        raise RefusedError(NO)

    def relation(self) -> RelationChanged:
        found = self.successResultOf(self.store.read(GetRelation("alice", "bob")))
        assert isinstance(found, RelationChanged), found
        return found

    def test_relations_are_asked_about(self) -> None:
        ask = AskFriend("alice", "bob", "it's me")
        self.execute(ask)
        self.assertEqual(self.guard.asked, [RelationIntent("alice", "bob", ask)])
        self.guard.step = self.refuse
        self.assertEqual(self.answer(Block("alice", "bob", True)), NO)
        self.assertFalse(self.relation().is_blocking)

    def test_what_a_user_keeps_for_themselves_is_not(self) -> None:
        self.execute(SetContact("alice", TALK, pinned=True), send(1))
        self.assertEqual(self.guard.asked, [])

    def test_group_changes_are_asked_about_but_for_the_app_s_own(self) -> None:
        key = b"k" * 16
        group = group_conversation("alice", key)
        create = CreateGroup(group, "alice", key, "alice")
        self.assertIsInstance(self.answer(create), GroupChanged)
        self.assertEqual(self.guard.asked, [GroupIntent(group, "alice", create)])
        self.guard.step = self.refuse
        self.assertEqual(self.answer(ChangeGroup(group, "alice", b"l" * 16, Dissolve())), NO)
        self.assertIsInstance(self.answer(ChangeGroup(group, "", b"m" * 16, Dissolve())), GroupChanged)

    def test_an_answer_of_one_that_only_refuses_is_a_fault(self) -> None:
        self.guard.step = lambda: True
        self.assertEqual(self.code(AskFriend("alice", "bob", "")), "unavailable")
        self.assertEqual(len(self.flushLoggedErrors(TypeError)), 1)


class StrangerTests(GateCase):
    def setUp(self) -> None:
        self.doorman = Doorman()
        self.start(self.doorman, is_for_friends=True)

    def test_whom_it_lets_in_is_let_in_for_good_and_stored_once(self) -> None:
        self.assertIsInstance(self.answer(send(1)), Sent)
        self.assertIsInstance(self.answer(send(2, after=1)), Sent)
        self.assertEqual(self.doorman.asked, [Stranger("alice", "bob")])
        self.assertEqual(self.texts(), ["text 1", "text 2"])
        deliveries = [each for batch in self.batches for each in batch.deliveries]
        self.assertEqual(len(deliveries), 2)

    def test_whom_it_does_not_stays_out(self) -> None:
        for self.doorman.step in (lambda: False, lambda: None):
            self.assertEqual(self.code(send(1)), "permission_denied")
        self.assertEqual(len(self.doorman.asked), 2)

    def test_the_other_side_is_asked_about_by_itself(self) -> None:
        self.execute(send(1))
        self.doorman.step = lambda: False
        self.assertEqual(self.code(send(2, sender="bob")), "permission_denied")
        self.assertEqual(self.doorman.asked[1:], [Stranger("bob", "alice")])

    def test_one_that_fails_has_the_client_try_again(self) -> None:
        def fail() -> None:
            raise ValueError("its own")

        self.doorman.step = fail
        self.assertEqual(self.code(send(1)), "unavailable")
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
        self.doorman.step = lambda: True
        self.assertIsInstance(self.answer(send(1)), Sent)

    def test_sends_that_wait_are_stored_in_their_order(self) -> None:
        decided: Deferred[bool] = Deferred()
        self.doorman.step = lambda: decided
        self.execute(send(1), send(2))
        self.assertEqual(self.batches, [])
        decided.callback(True)
        self.assertEqual(self.texts(), ["text 1", "text 2"])

    def test_stopped_it_forgets_whom_it_asked_about(self) -> None:
        self.doorman.step = lambda: Deferred()
        self.execute(send(1))
        self.worker.stop()
        self.clock.advance(60)
        self.assertEqual(self.batches, [])
