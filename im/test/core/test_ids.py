"""Identifiers: valid ids, unambiguous conversation ids, time-ordered message ids."""

import sys
import uuid

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from im.core.errors import Code
from im.core.ids import direct_conversation, direct_peer, id_problem, inbox_conversation, users_by_id, uuid7

CHECKED = settings(derandomize=True, deadline=None, max_examples=200)
ANY_TEXT = st.text(st.characters(), max_size=70)
USERS = st.one_of(
    st.sampled_from(["alice", "bob", "d", "i", "用户", "\U0001f600", "\uffee", "a" * 64]),
    st.text(st.characters(exclude_categories=("C", "Z"), exclude_characters="~"), min_size=1, max_size=64),
).filter(lambda user: id_problem(user, "user") is None)


class IdTest(SynchronousTestCase):
    def test_an_id_has_1_to_64_characters(self) -> None:
        self.assertIsNone(id_problem("a", "user"))
        self.assertIsNone(id_problem("字" * 64, "user"))
        for wrong in ("", "a" * 65):
            refused = id_problem(wrong, "device_id")
            assert refused is not None
            self.assertEqual((refused.code, refused.field), (Code.INVALID_ARGUMENT, "device_id"))

    def test_an_id_has_no_tilde_and_nothing_that_cannot_be_printed(self) -> None:
        for wrong in ("a~b", "a b", " ", "a\n", "a\x00", "\u202e", "\ud800", "\u3000"):
            refused = id_problem(wrong, "user")
            assert refused is not None, repr(wrong)
            self.assertEqual(refused.code, Code.INVALID_ARGUMENT)

    def test_no_kind_of_space_is_allowed(self) -> None:
        spaces = [chr(code) for code in range(sys.maxunicode + 1) if chr(code).isspace()]
        self.assertGreater(len(spaces), 20)
        self.assertEqual([each for each in spaces if id_problem(f"a{each}b", "user") is None], [])

    @CHECKED
    @given(ANY_TEXT)
    def test_a_valid_id_can_be_encoded_and_stored(self, value: str) -> None:
        assume(id_problem(value, "user") is None)
        self.assertNotIn(b"\x00", value.encode())


class DirectConversationTest(SynchronousTestCase):
    def test_an_example(self) -> None:
        self.assertEqual(direct_conversation("bob", "alice"), "d~alice~bob")
        self.assertEqual(direct_peer("d~alice~bob", "bob"), "alice")
        self.assertEqual(inbox_conversation("alice"), "i~alice")

    def test_users_are_sorted_by_their_utf_8_bytes(self) -> None:
        # UTF-16 code units, by which JavaScript sorts, would give the other order.
        self.assertEqual(direct_conversation("\U0001f600", "\uffee"), "d~\uffee~\U0001f600")

    @CHECKED
    @given(USERS, USERS)
    def test_both_sides_make_the_same_id_and_find_each_other(self, one: str, other: str) -> None:
        assume(one != other)
        conversation = direct_conversation(one, other)
        self.assertEqual(conversation, direct_conversation(other, one))
        self.assertEqual(direct_peer(conversation, one), other)
        self.assertEqual(direct_peer(conversation, other), one)

    @CHECKED
    @given(USERS, USERS, USERS, USERS)
    def test_two_pairs_never_share_an_id(self, a: str, b: str, c: str, d: str) -> None:
        same = direct_conversation(a, b) == direct_conversation(c, d)
        self.assertEqual(same, sorted((a, b)) == sorted((c, d)))

    @CHECKED
    @given(USERS, USERS, USERS)
    def test_a_stranger_has_no_peer_in_it(self, one: str, other: str, stranger: str) -> None:
        assume(stranger not in (one, other))
        self.assertIsNone(direct_peer(direct_conversation(one, other), stranger))

    @CHECKED
    @given(st.one_of(ANY_TEXT, st.lists(USERS, max_size=3).map(lambda users: "~".join(("d", *users)))), USERS)
    def test_a_conversation_with_a_peer_is_the_one_that_both_make(self, conversation: str, user: str) -> None:
        peer = direct_peer(conversation, user)
        if peer is not None:
            self.assertEqual(direct_conversation(user, peer), conversation)
            self.assertIsNone(id_problem(peer, "user"))

    def test_malformed_ids_have_no_peer(self) -> None:
        wrong = ("", "d", "d~alice", "i~alice", "g~1", "d~bob~alice", "d~alice~alice", "d~alice~bob~carol")
        for conversation in (*wrong, "x~alice~bob", "d~~alice", "d~alice~", "d~alice~b b"):
            self.assertIsNone(direct_peer(conversation, "alice"), conversation)


class UsersByIdTest(SynchronousTestCase):
    def test_a_direct_conversation_and_an_inbox_name_their_users(self) -> None:
        self.assertEqual(users_by_id("d~alice~bob"), ("alice", "bob"))
        self.assertEqual(users_by_id("i~alice"), ("alice",))

    def test_nothing_else_does(self) -> None:
        for conversation in ("", "g~1", "d~bob~alice", "d~alice~alice", "d~alice", "i~a~b", "d~a~b~c"):
            self.assertEqual(users_by_id(conversation), (), conversation)


class MessageIdTest(SynchronousTestCase):
    @CHECKED
    @given(st.integers(min_value=0, max_value=2**48 - 1), st.binary(min_size=10, max_size=10))
    def test_it_is_a_version_7_uuid_of_the_time(self, time_ms: int, random: bytes) -> None:
        made = uuid.UUID(bytes=uuid7(time_ms, random))
        self.assertEqual((made.version, made.variant), (7, uuid.RFC_4122))
        self.assertEqual(made.int >> 80, time_ms)

    @CHECKED
    @given(st.integers(min_value=0, max_value=2**48 - 2), st.binary(min_size=10), st.binary(min_size=10))
    def test_a_later_one_sorts_behind(self, time_ms: int, early: bytes, late: bytes) -> None:
        self.assertLess(uuid7(time_ms, early), uuid7(time_ms + 1, late))

    def test_other_random_bytes_give_another_id(self) -> None:
        self.assertNotEqual(uuid7(1, bytes(10)), uuid7(1, bytes(9) + b"\x01"))
