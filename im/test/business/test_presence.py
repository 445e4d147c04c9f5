"""What of the ledger is told to the nodes that watch, and to whoever asks from outside."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.trial.unittest import SynchronousTestCase

from im.adapters.memory.bus import MemoryNodeBus
from im.adapters.memory.watchers import MemoryWatchers
from im.business.presence import PresenceDesk, PresenceHints
from im.core.commands import CreateUser, ProfileRecord, Request, Result, Write
from im.core.errors import Code, Refused, RefusedError
from im.core.ledger import ChangeAppState, CloseSession, MoveClock, OpenSession, SessionNoted
from im.core.presence import FindPresence, Presence, PresenceFound, Visibility
from im.ports import NodeBatch, UnavailableError
from im.test.gateway.world import logged


def opened(user: str) -> OpenSession:
    return OpenSession(f"s-{user}", user, "d", "phone", "n1", 1_000, True, 30_000)


class HintTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.watchers = MemoryWatchers()
        bus = MemoryNodeBus()
        self.told: list[tuple[str, list[str]]] = []
        for node in ("n1", "n2"):
            bus.attach(node, partial(self.take, node))
        self.hints = PresenceHints(self.watchers, bus)
        self.watchers.join("n1", ["alice", "bob"])
        self.watchers.join("n2", ["bob"])

    def take(self, node: str, batch: NodeBatch) -> None:
        self.told.append((node, [*batch.presence]))

    def commit(self, *writes: Write, results: Sequence[Result] = ()) -> None:
        requests = [Request("n9", number, "", write) for number, write in enumerate(writes)]
        self.hints.committed(requests, results or [SessionNoted(True)] * len(writes))

    def test_each_node_is_told_once_of_those_whom_it_watches(self) -> None:
        bob = opened("bob")
        self.commit(opened("alice"), bob, CloseSession(bob, 2_000, "logout", 0))
        self.assertEqual(sorted(self.told), [("n1", ["alice", "bob"]), ("n2", ["bob"])])

    def test_a_change_of_the_app_state_is_told(self) -> None:
        self.commit(ChangeAppState("s", "alice", 2_000, False, 30_000))
        self.assertEqual(self.told, [("n1", ["alice"])])

    def test_whom_nobody_watches_is_not_told(self) -> None:
        self.commit(opened("carol"), MoveClock("n1", 5))
        self.assertEqual(self.told, [])

    def test_what_changed_nothing_and_what_was_refused_is_not_told(self) -> None:
        refused = Refused(Code.UNAVAILABLE, "down")
        self.commit(opened("alice"), opened("bob"), results=[SessionNoted(False), refused])
        record = ProfileRecord("alice", "", "", {})
        self.commit(CreateUser("alice"), results=[record])
        self.assertEqual(self.told, [])

    def test_a_look_up_that_fails_is_logged(self) -> None:
        log = logged(self)
        self.patch(self.watchers, "watching", lambda users: fail(UnavailableError("gone")))
        self.commit(opened("alice"))
        self.assertEqual([each["error"] for each in log if "error" in each], ["gone"])


class _Store:
    """Knows nobody; keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[FindPresence] = []
        self.refusal: Refused | None = None

    def read(self, query: FindPresence) -> Deferred[Result]:
        self.asked.append(query)
        return succeed(self.refusal or PresenceFound(tuple(map(Presence, query.users))))


class DeskTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.store = _Store()

    def find(self, *users: str, viewer: str = "", visibility: Visibility = Visibility.CONTACTS) -> Any:
        store: Any = self.store
        return Deferred.fromCoroutine(PresenceDesk(store, visibility).find(users, viewer))

    def test_a_back_end_may_see_everyone(self) -> None:
        found = self.successResultOf(self.find("bob", "eve", "bob", visibility=Visibility.NOBODY))
        self.assertEqual([each.user for each in found], ["bob", "eve"])
        self.assertEqual(self.store.asked, [FindPresence(("bob", "eve"))])

    def test_a_user_sees_what_the_setting_allows(self) -> None:
        self.successResultOf(self.find("bob", viewer="alice"))
        self.assertEqual(self.store.asked, [FindPresence(("bob",), "alice")])
        found = self.successResultOf(self.find("bob", viewer="alice", visibility=Visibility.NOBODY))
        self.assertEqual((found, len(self.store.asked)), ((), 1))

    def test_a_bad_id_and_a_refusal_are_told(self) -> None:
        failure = self.failureResultOf(self.find("a b"), RefusedError)
        self.assertEqual(failure.value.refused.field, "users")
        self.store.refusal = Refused(Code.UNAVAILABLE, "down")
        self.failureResultOf(self.find("bob"), RefusedError)
