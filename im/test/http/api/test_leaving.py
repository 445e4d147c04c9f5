"""Clients that hang up, or are given up, in the middle of what they asked for."""

from typing import Any

from twisted.internet.defer import Deferred

from im.adapters.sql.sqlite import SqliteStore
from im.business.pushing import PAGE_USERS
from im.business.users import PAGE_USERS as IMPORT_USERS
from im.core.backends import RevokeKey
from im.core.commands import GetProfile, ProfileRecord, Result, SetProfile, Write
from im.core.errors import Code, RefusedError
from im.core.messages import Pull, PullPage
from im.core.pushing import StorePush
from im.test.http.api.world import ApiCase

EVENT = {"order": 7}


class HeldWrites:
    """Holds back the outcome of each write of one kind, after its commit, until the test lets it go."""

    def __init__(self, store: SqliteStore, kind: type[Write]) -> None:
        self._write = store.write
        self._kind = kind
        self._held: list[tuple[Deferred[Any], list[Result]]] = []

    def __call__(self, writes: list[Write]) -> "Deferred[list[Result]]":
        written = self._write(writes)
        if not any(isinstance(write, self._kind) for write in writes):
            return written
        outcome: Deferred[list[Result]] = Deferred()
        written.addCallback(lambda results: self._held.append((outcome, results)))
        return outcome

    def let_go(self) -> int:
        """How many there were."""
        held, self._held = self._held, []
        for outcome, results in held:
            outcome.callback(results)
        return len(held)


class LeavingTests(ApiCase):
    def hold(self, kind: type[Write]) -> HeldWrites:
        held = HeldWrites(self.store, kind)
        self.patch(self.store, "write", held)
        return held

    def turn(self) -> None:
        for _ in range(50):
            self.clock.advance(0)

    def run_on(self, held: HeldWrites) -> int:
        """Let all go that comes, and count it."""
        total = 0
        while count := held.let_go():
            total += count
            self.turn()
        return total

    def delivered(self) -> list[str]:
        return [user for batch in self.told for delivery in batch.deliveries for user in delivery.users]

    def test_a_push_whose_client_left_is_stored_for_all_and_delivered(self) -> None:
        users = [f"u{number:03}" for number in range(PAGE_USERS + 1)]
        self.know(*users)
        for user in (users[0], users[-1]):
            self.come(user)
        held = self.hold(StorePush)
        self.start("POST", "/v1/push", {"event": EVENT, "to": users}).end()
        self.assertEqual(2, self.run_on(held))
        self.assertEqual([users[0], users[-1]], self.delivered())
        page = self.successResultOf(self.store.read(Pull(f"i~{users[-1]}", users[-1], 0, False, 0)))
        assert isinstance(page, PullPage), page
        self.assertEqual(1, len(page.entries))

    def test_a_push_that_took_longer_than_its_time_is_delivered(self) -> None:
        self.know("alice")
        self.come("alice")
        held = self.hold(StorePush)
        socket = self.start("POST", "/v1/push", {"event": EVENT, "to": ["alice"]})
        self.clock.advance(60)
        self.assertEqual(503, self.answer(socket).status)
        held.let_go()
        self.assertEqual(["alice"], self.delivered())

    def test_the_answer_that_nobody_waited_for_is_that_of_the_repetition(self) -> None:
        self.know("alice")
        self.come("alice")
        held = self.hold(StorePush)
        body = {"event": EVENT, "to": ["alice"]}
        self.start("POST", "/v1/push", body, Idempotency_Key="a").end()
        self.assertEqual(1, self.run_on(held))
        again = self.call("POST", "/v1/push", body, Idempotency_Key="a")
        self.assertEqual((1, "true"), (again.body["stored"], again.headers["idempotent-replayed"]))
        self.assertEqual(["alice"], self.delivered())

    def test_an_import_whose_client_left_makes_all_users(self) -> None:
        users = [{"user": f"u{number:03}", "name": "N"} for number in range(IMPORT_USERS + 1)]
        held = self.hold(SetProfile)
        self.start("POST", "/v1/users/import", {"users": users}).end()
        self.assertEqual(2, self.run_on(held))
        last = self.successResultOf(self.store.read(GetProfile(users[-1]["user"])))
        self.assertIsInstance(last, ProfileRecord)

    def test_a_key_is_revoked_at_once_also_if_the_client_left(self) -> None:
        key = self.make_key("users:read")
        self.assertEqual(404, self.call("GET", "/v1/users/alice", key=key).status)
        (_, made) = self.successResultOf(Deferred.fromCoroutine(self.keys.all()))
        held = self.hold(RevokeKey)
        self.serve_operators()
        self.start("DELETE", f"/v1/keys/{made.id}", key=self.tokens.mint("root", 60, ("admin",))).end()
        self.assertEqual(1, held.let_go())
        found = Deferred.fromCoroutine(self.keys.find(key))
        self.assertEqual(Code.UNAUTHENTICATED, self.failureResultOf(found, RefusedError).value.refused.code)

    def test_a_body_counts_as_held_until_the_work_is_done(self) -> None:
        self.know("alice")
        held = self.hold(StorePush)
        self.start("POST", "/v1/push", {"event": EVENT, "to": ["alice"]}).end()
        self.assertLess(0, self.site.held_bodies.total)
        held.let_go()
        self.assertEqual(0, self.site.held_bodies.total)

    def test_a_failure_that_nobody_waited_for_is_logged(self) -> None:
        self.know("alice")
        failing: Deferred[list[Result]] = Deferred()
        self.patch(self.store, "write", lambda writes: failing)
        self.start("POST", "/v1/push", {"event": EVENT, "to": ["alice"]}).end()
        failing.errback(ZeroDivisionError())
        self.assertEqual(1, len(self.flushLoggedErrors(ZeroDivisionError)))
