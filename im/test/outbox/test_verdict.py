"""What answers mean."""

from twisted.trial.unittest import SynchronousTestCase

from im.outbox.rows import Buried, Claim, Done, PutOff
from im.outbox.verdict import (
    MOST_BACK_OFF_MS,
    MOST_RETRY_AFTER_MS,
    Answer,
    Outcome,
    Verdict,
    back_off_ms,
    end_of,
    of_answer,
    ttl_seconds,
    unanswered,
    unreachable,
)

NOW_MS = 1_000_000
CLAIM = Claim(7, "k", b"[]", b"{}", NOW_MS, 0, NOW_MS, 1, False)
REFUSAL = b'{"error": {"text": "no"}}'


def of(status: int, retry_after: str = "", body: bytes = REFUSAL) -> Outcome:
    return of_answer(Answer(status, retry_after, body))


class VerdictTests(SynchronousTestCase):
    def test_statuses_are_of_the_row_of_the_node_or_of_the_caller(self) -> None:
        kinds: dict[str, list[int]] = {}
        for status in (301, 400, 401, 403, 404, 405, 408, 409, 413, 422, 425, 429, 500, 501, 502, 503, 504):
            outcome = of(status)
            kind = outcome.verdict.value
            kind += " counted" if outcome.verdict is Verdict.RETRY and outcome.is_counted else ""
            kind += " trouble" if outcome.is_trouble else ""
            kinds.setdefault(kind, []).append(status)
        self.assertEqual(
            kinds,
            {
                "dead": [400, 409, 413, 422],
                "retry trouble": [301, 401, 403, 404, 405, 408, 425, 429],
                "retry counted": [500, 501],
                "retry counted trouble": [502, 503, 504],
            },
        )

    def test_a_wait_that_the_node_names_is_kept_within_bounds(self) -> None:
        for text, wait_ms in (("7", 7_000), ("", 0), ("soon", 0), ("-1", 0), ("9" * 20, MOST_RETRY_AFTER_MS)):
            self.assertEqual(of(429, text).retry_after_ms, wait_ms)
            self.assertEqual(of(503, text).retry_after_ms, wait_ms)

    def test_bodies_that_are_no_answer_of_a_node_are_told_so(self) -> None:
        for body in (b"", b"oops", b"[]", b'{"error": "x"}', b"[" * 100_000, b"\xff"):
            self.assertIn("no answer of a node", of(500, body=body).text)
            self.assertEqual(of(200, body=body).verdict, Verdict.RETRY)

    def test_back_off_doubles_to_a_minute_and_chance_takes_up_to_a_half(self) -> None:
        longest = [back_off_ms(attempts, 1.0) for attempts in range(1, 200)]
        self.assertEqual(longest[:3], [200, 400, 800])
        self.assertEqual(longest[-1], MOST_BACK_OFF_MS)
        self.assertEqual(longest, sorted(longest))
        self.assertEqual(back_off_ms(3, 0.0), 400)


class EndTests(SynchronousTestCase):
    def end(self, claim: Claim, outcome: Outcome) -> Done | PutOff | Buried:
        return end_of(claim, outcome, 3, NOW_MS, 0.0)

    def test_what_never_arrived_is_as_if_it_was_never_tried(self) -> None:
        end = self.end(CLAIM, unreachable("refused"))
        self.assertEqual(end, PutOff(7, NOW_MS, 0, 0, "refused"))

    def test_what_may_have_arrived_before_is_remembered(self) -> None:
        tried = CLAIM._replace(was_tried=True, first_ms=NOW_MS - 5, attempts=2)
        end = self.end(tried, unreachable("refused"))
        self.assertEqual(end, PutOff(7, NOW_MS + 100, 1, NOW_MS - 5, "refused"))

    def test_an_answer_that_is_missing_counts(self) -> None:
        self.assertEqual(self.end(CLAIM, unanswered("lost")), PutOff(7, NOW_MS + 100, 1, NOW_MS, "lost"))
        last = CLAIM._replace(attempts=3)
        self.assertEqual(self.end(last, unanswered("lost")), Buried(7, 0, "lost"))
        self.assertEqual(self.end(last, unreachable("refused")), PutOff(7, NOW_MS + 200, 2, 0, "refused"))

    def test_the_node_names_a_longer_wait(self) -> None:
        self.assertEqual(self.end(CLAIM, of(503, "7")), PutOff(7, NOW_MS + 7_000, 1, NOW_MS, "HTTP 503: no"))

    def test_a_time_to_live_is_told_in_whole_seconds(self) -> None:
        for left_ms, seconds in ((1, 1), (1_000, 1), (1_001, 2)):
            self.assertEqual(ttl_seconds(CLAIM._replace(expires_ms=NOW_MS + left_ms)), seconds)
        self.assertIsNone(ttl_seconds(CLAIM))
