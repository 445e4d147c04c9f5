"""The schedule of a URL's keys, on a clock; and logins that wait for them."""

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from im.adapters.jwt.authenticator import JwtAuthenticator
from im.adapters.jwt.fetching import FetchError
from im.adapters.jwt.url_keys import RETRY_SECONDS, WAIT_SECONDS, Schedule, UrlKeys
from im.adapters.jwt.verifier import JwtVerifier, TokenRules
from im.adapters.token.claims import TokenRefusedError
from im.core.errors import Code
from im.ports import Identity
from im.test.adapters.jwt.signers import AUDIENCE, ISSUER, NOW, jwk, key_set, token

REFRESH, KEEP = 600.0, 86_400.0
OLD = key_set(jwk("ES256", "old"))
NEW = key_set(jwk("ES256", "old"), jwk("ES256", "new", 2))


class UrlKeysTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.fetches: list[Deferred[bytes]] = []
        self.source = UrlKeys("https://shop.example/jwks", self.fetch, self.clock, Schedule(REFRESH, KEEP))
        verifier = JwtVerifier(TokenRules(ISSUER, AUDIENCE, "sub", 60), lambda: NOW)
        self.authenticator = JwtAuthenticator(verifier, self.source)
        self.source.start()
        self.addCleanup(self.source.stop)

    def fetch(self) -> "Deferred[bytes]":
        self.fetches.append(Deferred())
        return self.fetches[-1]

    def answer(self, content: bytes) -> None:
        self.fetches[-1].callback(content)

    def be_gone(self, text: str = "Connection refused") -> None:
        self.fetches[-1].errback(FetchError(text))

    def log_in(self, kid: str, number: int = 1) -> "Deferred[Identity]":
        return self.authenticator.authenticate(token("ES256", kid, number))

    def assert_taken(self, login: "Deferred[Identity]") -> None:
        self.assertEqual("alice", self.successResultOf(login).user)

    def assert_refused(
        self, login: "Deferred[Identity]", reason: str, code: Code = Code.UNAUTHENTICATED
    ) -> None:
        error = self.failureResultOf(login, TokenRefusedError).value
        assert isinstance(error, TokenRefusedError)
        self.assertEqual((reason, code), (error.reason, error.refused.code))

    def pass_seconds(self, seconds: float) -> None:
        self.clock.pump([seconds / 100] * 100)

    def test_keys_are_read_at_the_start(self) -> None:
        self.assertIn("have not been read yet", self.source.problem())
        login = self.log_in("old")
        self.assertNoResult(login)
        self.answer(OLD)
        self.assert_taken(login)
        self.assertEqual(("", 1), (self.source.problem(), len(self.fetches)))

    def test_a_login_waits_for_the_first_keys_no_longer_than_it_may(self) -> None:
        login = self.log_in("old")
        self.clock.advance(WAIT_SECONDS)
        self.assert_refused(login, "no_keys", Code.UNAVAILABLE)
        self.answer(OLD)
        self.assert_taken(self.log_in("old"))

    def test_they_are_read_again_on_schedule(self) -> None:
        self.answer(OLD)
        self.clock.advance(REFRESH)
        self.assertEqual(2, len(self.fetches))
        self.answer(NEW)
        self.assert_taken(self.log_in("new", 2))
        self.assertEqual(2, len(self.fetches))

    def test_an_unknown_key_is_looked_for_at_once(self) -> None:
        self.answer(OLD)
        self.clock.advance(RETRY_SECONDS)
        logins = [self.log_in("new", 2) for _ in range(3)]
        self.assertEqual(2, len(self.fetches))
        self.assert_taken(self.log_in("old"))
        self.answer(NEW)
        for login in logins:
            self.assert_taken(login)

    def test_a_key_that_is_not_there_is_refused(self) -> None:
        self.answer(OLD)
        self.clock.advance(RETRY_SECONDS)
        login = self.log_in("forged")
        self.answer(NEW)
        self.assert_refused(login, "unknown_key")

    def test_unknown_keys_ask_the_url_no_more_often_than_they_may(self) -> None:
        self.answer(OLD)
        for _ in range(5):
            self.assert_refused(self.log_in("forged"), "unknown_key")
            self.clock.advance(RETRY_SECONDS / 5 - 0.1)
        self.assertEqual(1, len(self.fetches))
        self.clock.advance(1)
        login = self.log_in("forged")
        self.assertNoResult(login)
        self.assertEqual(2, len(self.fetches))
        self.answer(OLD)
        self.assert_refused(login, "unknown_key")

    def test_a_url_that_hangs_is_not_asked_twice_at_a_time(self) -> None:
        self.answer(OLD)
        self.clock.advance(REFRESH)
        self.pass_seconds(REFRESH * 10)
        login = self.log_in("new", 2)
        self.source.reload()
        self.assertEqual(2, len(self.fetches))
        self.assert_taken(self.log_in("old"))
        self.clock.advance(WAIT_SECONDS)
        self.assert_refused(login, "no_keys", Code.UNAVAILABLE)

    def test_the_last_good_keys_stay_while_the_url_is_gone(self) -> None:
        self.answer(OLD)
        self.clock.advance(REFRESH)
        for _ in range(3):
            self.be_gone()
            self.assert_taken(self.log_in("old"))
            self.assert_refused(self.log_in("new", 2), "no_keys", Code.UNAVAILABLE)
            self.assertEqual("", self.source.problem())
            self.clock.advance(RETRY_SECONDS)
        self.assertEqual(5, len(self.fetches))
        self.answer(NEW)
        self.assert_taken(self.log_in("new", 2))

    def test_after_their_time_the_last_good_keys_count_no_more(self) -> None:
        self.answer(OLD)
        self.clock.advance(REFRESH)
        self.be_gone()
        self.clock.advance(KEEP - REFRESH)
        self.assert_taken(self.log_in("old"))
        self.be_gone()
        self.clock.advance(1)
        self.assertEqual(
            "there are no keys from https://shop.example/jwks: Connection refused", self.source.problem()
        )
        self.assert_refused(self.log_in("old"), "no_keys", Code.UNAVAILABLE)
        self.clock.advance(RETRY_SECONDS)
        self.answer(OLD)
        self.assertEqual("", self.source.problem())
        self.assert_taken(self.log_in("old"))

    def test_rubbish_leaves_the_keys_as_they_were(self) -> None:
        self.answer(OLD)
        for content in (b"<html>", b'{"keys": []}', b"x" * 100_000):
            self.clock.advance(REFRESH)
            self.answer(content)
            self.assert_taken(self.log_in("old"))

    def test_an_error_of_ours_is_logged_and_the_keys_stay(self) -> None:
        self.answer(OLD)
        self.clock.advance(REFRESH)
        self.fetches[-1].errback(ZeroDivisionError("bug"))
        self.assertEqual(1, len(self.flushLoggedErrors(ZeroDivisionError)))
        self.assert_taken(self.log_in("old"))

    def test_a_reload_reads_at_once(self) -> None:
        self.answer(OLD)
        self.source.reload()
        self.answer(NEW)
        self.assert_taken(self.log_in("new", 2))
        self.assertEqual(1, len(self.clock.getDelayedCalls()))

    def test_a_stopped_source_leaves_nothing_behind(self) -> None:
        login = self.log_in("old")
        self.source.stop()
        self.assert_refused(login, "no_keys", Code.UNAVAILABLE)
        self.assertEqual([], self.clock.getDelayedCalls())
        self.assert_refused(self.log_in("old"), "no_keys", Code.UNAVAILABLE)
        self.source.reload()
        self.assertEqual(1, len(self.fetches))
