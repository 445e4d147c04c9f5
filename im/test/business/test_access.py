"""Who may be online, against a real store: logins and sends that are on their way meanwhile."""

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from im.adapters.memory.bus import MemoryNodeBus
from im.adapters.memory.registry import MemoryRegistry
from im.business.access import Access
from im.core.commands import LoggedIn, Login
from im.core.errors import Code, Refused, RefusedError
from im.core.messages import Sent, Sync, SyncPage
from im.ports import Eviction, ISessionRegistry, NodeBatch, Session, UnavailableError
from im.test.memory_store import memory_store
from im.testing.contracts.store import a_send

NOW_MS = 1_000_000


@implementer(ISessionRegistry)
class HeldRegistry(MemoryRegistry):
    """Lists sessions when the test says so, if it holds the list."""

    held: "Deferred[list[Session]] | None" = None

    def sessions(self, user: str | None) -> "Deferred[list[Session]]":
        return super().sessions(user) if self.held is None else self.held


class AccessTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.registry, self.bus = HeldRegistry(), MemoryNodeBus()
        self.store = memory_store(self, lambda: NOW_MS)
        self.access = Access(self.store, self.registry, self.bus, lambda: NOW_MS)
        self.evictions: list[tuple[str, Eviction]] = []
        for node in ("n1", "n2"):
            self.bus.attach(node, lambda batch, node=node: self.told(node, batch))  # type: ignore[misc]

    def told(self, node: str, batch: NodeBatch) -> None:
        self.evictions += [(node, each) for each in batch.evictions]

    def log_in(self, device: str, attempt: int = 1, issued_ms: int = NOW_MS - 1) -> object:
        """The first step of a login."""
        login = Login("alice", device, "phone", attempt, issued_ms)
        (result,) = self.successResultOf(self.store.write([login]))
        return result

    def register(self, device: str, node: str = "n1") -> None:
        session = Session(f"s-{device}", "alice", device, "phone", node, "g", 1)
        self.successResultOf(self.registry.register(session))

    def sync(self, device: str, issued_ms: int = NOW_MS - 1) -> object:
        """The last step of a login."""
        return self.successResultOf(self.store.read(Sync("alice", None, "", device, issued_ms)))

    def code(self, result: object) -> Code:
        assert isinstance(result, Refused), result
        return result.code

    def ended(self) -> list[tuple[str, str, Code]]:
        return [(node, eviction.session, eviction.code) for node, eviction in self.evictions]

    def test_a_disabled_user_ends_on_every_node(self) -> None:
        self.register("a")
        self.register("b", "n2")
        self.assertEqual(2, self.successResultOf(Deferred.fromCoroutine(self.access.disable("alice"))))
        self.assertEqual([("n1", "s-a", Code.DISABLED), ("n2", "s-b", Code.DISABLED)], self.ended())

    def test_a_login_between_its_write_and_its_registration_is_refused_its_sync(self) -> None:
        for device, shut_out, code in (
            ("a", self.access.log_out("alice", "a"), Code.LOGGED_OUT),
            ("b", self.access.disable("alice"), Code.DISABLED),
        ):
            self.assertIsInstance(self.log_in(device), LoggedIn)
            self.assertEqual(0, self.successResultOf(Deferred.fromCoroutine(shut_out)))
            self.register(device)
            self.assertEqual(code, self.code(self.sync(device)))
            self.successResultOf(self.registry.unregister(Session(f"s-{device}", "alice", "", "", "", "", 1)))

    def test_whoever_stops_waiting_keeps_nobody_online(self) -> None:
        self.assertIsInstance(self.log_in("a"), LoggedIn)
        for shutting_out in (self.access.disable("alice"), self.access.log_out("alice", "a")):
            self.register("a")
            self.registry.held = Deferred()
            waiting = Deferred.fromCoroutine(shutting_out)
            waiting.cancel()
            self.failureResultOf(waiting, CancelledError)
            held, self.registry.held = self.registry.held, None
            held.callback(self.successResultOf(self.registry.sessions("alice")))
        self.assertEqual([("n1", "s-a", Code.DISABLED), ("n1", "s-a", Code.LOGGED_OUT)], self.ended())

    def test_a_login_that_registered_before_the_look_is_ended(self) -> None:
        self.registry.held = Deferred()
        disabling = Deferred.fromCoroutine(self.access.disable("alice"))
        self.register("a")
        held, self.registry.held = self.registry.held, None
        held.callback(self.successResultOf(self.registry.sessions("alice")))
        self.assertEqual(1, self.successResultOf(disabling))
        self.assertEqual([("n1", "s-a", Code.DISABLED)], self.ended())

    def test_nothing_is_looked_up_before_the_commit(self) -> None:
        self.registry.held = Deferred()
        disabling = Deferred.fromCoroutine(self.access.disable("alice"))
        self.assertNoResult(disabling)
        (refused,) = self.successResultOf(self.store.write([a_send(1)]))
        self.assertEqual(Code.DISABLED, self.code(refused))
        self.registry.held.callback([])
        self.successResultOf(disabling)

    def test_an_enabled_user_logs_in_and_sends_again(self) -> None:
        self.successResultOf(Deferred.fromCoroutine(self.access.disable("alice")))
        self.assertEqual(Code.DISABLED, self.code(self.log_in("a")))
        self.successResultOf(Deferred.fromCoroutine(self.access.enable("alice")))
        self.assertIsInstance(self.log_in("a"), LoggedIn)
        self.assertIsInstance(self.sync("a"), SyncPage)
        (sent,) = self.successResultOf(self.store.write([a_send(1)]))
        self.assertIsInstance(sent, Sent)

    def test_a_logout_ends_one_device_and_asks_for_a_newer_token(self) -> None:
        self.log_in("a")
        self.log_in("b")
        self.register("a")
        self.register("b")
        self.assertEqual(1, self.successResultOf(Deferred.fromCoroutine(self.access.log_out("alice", "a"))))
        self.assertEqual([("n1", "s-a", Code.LOGGED_OUT)], self.ended())
        self.assertEqual(Code.LOGGED_OUT, self.code(self.log_in("a", 2)))
        self.assertIsInstance(self.log_in("b", 2), LoggedIn)
        self.assertIsInstance(self.log_in("a", 2, NOW_MS), LoggedIn)

    def test_what_was_kicked_may_come_back(self) -> None:
        self.log_in("a")
        self.register("a")
        kicking = self.access.kick("alice", lambda session: session.device == "a", "bye")
        self.assertEqual(1, self.successResultOf(Deferred.fromCoroutine(kicking)))
        self.assertEqual([("n1", Eviction("s-a", Code.KICKED, "bye"))], self.evictions)
        self.assertIsInstance(self.log_in("a", 2), LoggedIn)

    def test_a_refusal_is_raised_and_nobody_is_ended(self) -> None:
        self.register("a")
        for wrong in (self.access.enable("nobody"), self.access.log_out("alice", "nothing")):
            error = self.failureResultOf(Deferred.fromCoroutine(wrong), RefusedError).value
            assert isinstance(error, RefusedError)
            self.assertEqual(Code.NOT_FOUND, error.refused.code)
        self.assertEqual([], self.evictions)

    def test_a_look_that_fails_is_told_and_the_same_again_ends_the_sessions(self) -> None:
        self.register("a")
        self.registry.held = Deferred()
        disabling = Deferred.fromCoroutine(self.access.disable("alice"))
        self.registry.held.errback(UnavailableError("down"))
        self.failureResultOf(disabling, UnavailableError)
        self.registry.held = None
        self.assertEqual(1, self.successResultOf(Deferred.fromCoroutine(self.access.disable("alice"))))
