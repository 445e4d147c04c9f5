from twisted.internet.defer import Deferred, TimeoutError, fail, succeed
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from im.adapters.token.claims import TokenRefusedError
from im.adapters.token.several import SeveralAuthenticators, TokenCounters
from im.core.errors import Code, Refused, RefusedError
from im.ports import IAuthenticator, Identity, UnavailableError

ALICE = Identity("alice", 0, frozenset({"user"}))
NO = TokenRefusedError("signature", "no")
OLD = TokenRefusedError("expired", "old", Code.EXPIRED)
BUSY = RefusedError(Refused(Code.UNAVAILABLE, "busy"))


@implementer(IAuthenticator)
class Scripted:
    """Says the same of every token."""

    def __init__(self, says: Identity | Exception) -> None:
        self.says = says
        self.asked = 0

    def authenticate(self, token: str) -> "Deferred[Identity]":
        self.asked += 1
        return fail(self.says) if isinstance(self.says, Exception) else succeed(self.says)


class SeveralTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.counters = TokenCounters()

    def ask(self, *says: Identity | Exception) -> "Deferred[Identity]":
        self.authenticators = [Scripted(each) for each in says]
        return SeveralAuthenticators(self.authenticators, self.counters).authenticate("token")

    def refusal(self, *says: Identity | Exception) -> BaseException | None:
        error: BaseException | None = self.failureResultOf(self.ask(*says)).value
        return error

    def test_the_first_that_takes_a_token_tells_who_it_is(self) -> None:
        self.assertEqual(ALICE, self.successResultOf(self.ask(NO, OLD, BUSY, ALICE, NO)))
        self.assertEqual([1, 1, 1, 1, 0], [each.asked for each in self.authenticators])
        self.assertEqual({}, self.counters.refusals)

    def test_what_helps_most_is_told(self) -> None:
        other = TokenRefusedError("audience", "another")
        down = UnavailableError("down")
        self.assertIs(OLD, self.refusal(NO, BUSY, OLD))
        self.assertIs(BUSY, self.refusal(NO, BUSY, other))
        self.assertIs(down, self.refusal(NO, down))
        self.assertIs(other, self.refusal(other, NO))

    def test_refusals_are_counted_by_reason_once(self) -> None:
        for says in ((NO,), (NO, NO), (OLD,), (BUSY,), (TimeoutError(),), (UnavailableError("down"), NO)):
            self.refusal(*says)
        expected = {"signature": 2, "expired": 1, "unavailable": 1, "failed": 2}
        self.assertEqual(expected, self.counters.refusals)

    def test_an_error_of_an_authenticator_is_not_taken_for_a_refusal(self) -> None:
        bug = ZeroDivisionError("bug")
        self.assertIs(bug, self.refusal(bug, ALICE))
