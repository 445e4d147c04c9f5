"""What two users may be to each other, and what they may write about it."""

from twisted.trial.unittest import SynchronousTestCase

from im.core.errors import Code, Refused
from im.core.relations import not_open, pair_problem
from im.core.texts import text_problem


def told(problem: Refused | None) -> tuple[Code, str] | None:
    return problem and (problem.code, problem.field)


class PairTests(SynchronousTestCase):
    def test_two_users_may_have_a_relation(self) -> None:
        self.assertIsNone(pair_problem("alice", "bob"))

    def test_nobody_has_one_with_themselves(self) -> None:
        self.assertEqual((Code.INVALID_ARGUMENT, "user"), told(pair_problem("alice", "alice")))

    def test_both_must_be_users(self) -> None:
        for user, peer in (("alice", "a b"), ("a b", "alice"), ("alice", "")):
            self.assertEqual((Code.INVALID_ARGUMENT, "user"), told(pair_problem(user, peer)), (user, peer))


class TextTests(SynchronousTestCase):
    def test_it_may_have_lines(self) -> None:
        self.assertIsNone(text_problem("Hello,\nit's me: 日本", "text", 20))

    def test_it_has_an_end(self) -> None:
        self.assertIsNone(text_problem("x" * 20, "remark", 20))
        self.assertEqual((Code.INVALID_ARGUMENT, "remark"), told(text_problem("x" * 21, "remark", 20)))

    def test_what_does_not_print_is_refused(self) -> None:
        for text in ("a\0", "a\tb", "\u202e"):
            self.assertEqual((Code.INVALID_ARGUMENT, "text"), told(text_problem(text, "text", 20)), text)


class FriendsOnlyTests(SynchronousTestCase):
    def test_a_message_to_who_takes_none_from_strangers_is_not_permitted(self) -> None:
        self.assertEqual((Code.PERMISSION_DENIED, "conversation"), told(not_open()))
