"""Tests of `im.core.validation`."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from im.core.errors import Code, Refused
from im.core.ids import id_problem
from im.core.messages import Send
from im.core.validation import (
    LARGEST,
    MAX_TOKEN_CHARACTERS,
    after_problem,
    content_problem,
    conversation_problem,
    page_problem,
    send_problem,
    send_refusal,
    seq_problem,
    unknown_conversation,
)

ID, OTHER = bytes(15) + b"1", bytes(15) + b"2"
GOOD = Send("d~alice~bob", "alice", "phone", ID, b"", 0, 1, b"hello")


class ConversationTests(SynchronousTestCase):
    def code(self, conversation: str, user: str = "alice") -> Code | None:
        problem = conversation_problem(conversation, user)
        if problem is None:
            return None
        self.assertEqual("conversation", problem.field)
        return problem.code

    def test_ones_own_and_any_group_may_be_asked_about(self) -> None:
        for conversation in ("d~alice~bob", "i~alice", "g~1", "d~Al~alice"):
            self.assertIsNone(self.code(conversation))

    def test_those_of_others_are_not_to_be_found(self) -> None:
        for conversation in ("d~bob~carol", "i~bob"):
            self.assertEqual(Code.NOT_FOUND, self.code(conversation))

    def test_what_names_no_conversation_is_invalid(self) -> None:
        for conversation in (
            *("", "~", "d", "d~", "d~alice", "d~alice~", "d~alice~alice", "d~bob~alice", "d~a~b~c"),
            *("x~alice", "i~", "g~", "i~a b", "g~\ud800", "d~\ud800~\ud801", "d~\ud800~bob"),
            "d~alice~" + "b" * 65,
            "d~alice~" + "b" * 100_000,
        ):
            self.assertEqual(Code.INVALID_ARGUMENT, self.code(conversation), conversation[:80])

    @settings(derandomize=True, deadline=None)
    @given(st.text(alphabet=["d", "i", "g", "~", "a", "\ud800", " "], max_size=9), st.sampled_from("adi"))
    def test_no_text_breaks_it(self, conversation: str, user: str) -> None:
        problem = conversation_problem(conversation, user)
        if problem is None and conversation[0] != "g":
            self.assertIn(user, conversation.split("~")[1:])
            self.assertEqual([], [each for each in conversation.split("~")[1:] if id_problem(each, "id")])


class SendTests(SynchronousTestCase):
    def field(self, problem: Refused | None) -> str:
        assert problem is not None
        self.assertEqual(Code.INVALID_ARGUMENT, problem.code)
        return problem.field

    def test_good_messages_have_no_problem(self) -> None:
        for good in (
            GOOD,
            GOOD._replace(after=OTHER, seen_seq=LARGEST),
            GOOD._replace(content=b"12345678"),
            GOOD._replace(kind=99, content=b"\xff\0"),
            GOOD._replace(content="你好".encode()),
        ):
            self.assertIsNone(send_problem(good, 8))

    def test_a_wrong_field_is_named(self) -> None:
        for field, values in (
            ("client_msg_id", (b"", bytes(15), bytes(17))),
            ("after", (bytes(15), bytes(17), ID)),
            ("kind", (0, -1, 100)),
            ("seen_seq", (-1, LARGEST + 1)),
            ("content", (b"", b"123456789", b"\0", b"\xff", b"\xed\xa0\x80")),
        ):
            for value in values:
                changes: dict[str, Any] = {field: value}
                wrong = GOOD._replace(**changes)
                self.assertEqual(field, self.field(send_problem(wrong, 8)), value)

    def test_other_kinds_hold_any_bytes_but_not_none(self) -> None:
        self.assertIsNone(content_problem(2, b"\xff\0", 8))
        self.assertEqual("content", self.field(content_problem(2, b"", 8)))
        self.assertEqual("content", self.field(content_problem(2, b"123456789", 8)))

    def test_a_page_begins_at_a_text_that_a_page_named(self) -> None:
        self.assertIsNone(page_problem(""))
        self.assertIsNone(page_problem("d~alice~bob"))
        problem = page_problem("nul\0")
        assert problem is not None
        self.assertEqual((problem.code, problem.field), (Code.INVALID_ARGUMENT, "after"))

    def test_a_seq_fits_into_a_database(self) -> None:
        self.assertEqual([None] * 2, [seq_problem(seq, "seq") for seq in (0, LARGEST)])
        for seq in (-1, LARGEST + 1):
            self.assertEqual("seq", self.field(seq_problem(seq, "seq")))

    def test_a_conversation_that_is_not_there_is_not_found(self) -> None:
        self.assertEqual(Code.NOT_FOUND, unknown_conversation().code)


class RefusalTests(SynchronousTestCase):
    def test_only_the_app_writes_to_an_inbox(self) -> None:
        refused = send_refusal(GOOD._replace(conversation="i~alice"), 100)
        assert refused is not None
        self.assertEqual(Code.PERMISSION_DENIED, refused.code)

    def test_whose_a_group_is_its_id_does_not_tell(self) -> None:
        self.assertIsNone(send_refusal(GOOD._replace(conversation="g~1"), 100))
        self.assertIsNotNone(send_refusal(GOOD._replace(conversation="g~"), 100))

    def test_a_message_to_a_conversation_of_others_is_refused_and_so_is_a_bad_one(self) -> None:
        self.assertEqual(unknown_conversation(), send_refusal(GOOD._replace(conversation="d~bob~carol"), 100))
        self.assertIsNone(send_refusal(GOOD, 100))
        self.assertIsNotNone(send_refusal(GOOD, 4))


class PageTests(SynchronousTestCase):
    def test_where_a_page_begins_is_what_a_server_gave(self) -> None:
        self.assertIsNone(after_problem("g~1"))
        for after in ("\0", "a" * (MAX_TOKEN_CHARACTERS + 1)):
            self.assertIsNotNone(after_problem(after))
