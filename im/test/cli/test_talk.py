"""A chat: what the client tells becomes lines, marks and read cursors."""

from twisted.trial.unittest import SynchronousTestCase

from im.cli.marks import Mark
from im.cli.talk import Pair, Talk
from im.cli.transcript import Line, Transcript
from im.client.core.events import CursorMoved, Message, Refusal, SendFailed, SendUnknown, Sent
from im.core.entries import EDIT, RECALL, RELATION
from im.proto.content_pb2 import MessageChange

HERE = "d~alice~bob"


def message(seq: int, sender: str = "bob", conversation: str = HERE, client_msg_id: bytes = b"") -> Message:
    return Message(conversation, "e", seq, 1, sender, client_msg_id, 1_000, f"text {seq}".encode())


class FakeView:
    def __init__(self) -> None:
        self.lines: list[tuple[str, int, Mark | None]] = []
        self.notes: list[str] = []

    def changed(self, line: Line) -> None:
        self.lines.append((line.text, line.seq, line.mark))

    def note(self, text: str) -> None:
        self.notes.append(text)


class TalkTest(SynchronousTestCase):
    def setUp(self) -> None:
        self.view = FakeView()
        self.reads: list[int] = []
        self.transcript = Transcript("alice")
        self.talk = Talk(Pair("alice", "bob", HERE), self.transcript, self.view, self.reads.append)

    def test_history_is_shown_with_marks_and_counts_as_read(self) -> None:
        self.talk.history([message(1, "alice", client_msg_id=b"1"), message(2)], 1, 1)
        self.assertEqual(self.view.lines, [("text 1", 1, Mark.READ), ("text 2", 2, None)])
        self.assertEqual(self.reads, [2])

    def test_a_message_is_shown_and_moves_the_read_cursor(self) -> None:
        self.talk.message(message(1))
        self.talk.message(message(1))
        self.assertEqual(self.view.lines, [("text 1", 1, None)])
        self.assertEqual(self.reads, [1])

    def test_a_message_of_another_conversation_is_only_noted(self) -> None:
        self.talk.message(message(1, "carol", "d~alice~carol"))
        self.assertEqual((self.view.lines, self.reads), ([], []))
        self.assertEqual(self.view.notes, ["carol wrote to you"])

    def test_what_happens_elsewhere_is_noted_in_words(self) -> None:
        self.talk.message(message(1, "carol", "g~lunch"))
        request = message(1, "carol", "d~alice~carol")._replace(kind=RELATION, content=b"requested")
        self.talk.message(request)
        self.assertEqual(self.view.notes, ["carol wrote in g~lunch", "carol: (requested)"])

    def test_an_earlier_message_is_shown_as_it_is_now(self) -> None:
        self.talk.message(message(1))
        self.talk.message(message(2, "alice"))
        edit = MessageChange(target=1, content=b"better").SerializeToString()
        self.talk.message(message(3)._replace(kind=EDIT, content=edit))
        recall = MessageChange(target=2).SerializeToString()
        self.talk.message(message(4)._replace(kind=RECALL, content=recall))
        self.assertEqual([line.text for line in self.transcript][:2], ["better", "(recalled)"])
        self.assertIn(("better", 1, None), self.view.lines)
        unseen = MessageChange(target=99, content=b"x").SerializeToString()
        self.talk.message(message(5)._replace(kind=EDIT, content=unseen))
        self.assertEqual([line.seq for line in self.transcript], [1, 2, 3, 4, 5])

    def test_an_own_message_of_another_device_is_shown_with_its_mark(self) -> None:
        self.talk.message(message(1, "alice", client_msg_id=b"x"))
        self.assertEqual((self.view.lines, self.reads), ([("text 1", 1, Mark.SENT)], []))

    def test_an_own_message_goes_from_waiting_to_read(self) -> None:
        self.talk.sending(b"1", "hi")
        self.talk.unknown(SendUnknown(HERE, b"1"))
        self.talk.sent(Sent(HERE, b"1", 1, 5))
        self.talk.cursor(CursorMoved(HERE, "bob", 0, 1, None))
        self.talk.cursor(CursorMoved(HERE, "bob", 1, 1, None))
        marks = [Mark.WAITING, Mark.UNKNOWN, Mark.SENT, Mark.DELIVERED, Mark.READ]
        self.assertEqual([mark for _, _, mark in self.view.lines], marks)

    def test_a_refused_message_says_why(self) -> None:
        self.talk.sending(b"1", "hi")
        self.talk.failed(SendFailed(HERE, b"1", Refusal(16, "too_large", "it is too long")))
        (line,) = self.transcript
        self.assertEqual((line.mark, line.reason), (Mark.FAILED, "it is too long"))

    def test_cursors_of_others_or_elsewhere_mark_nothing(self) -> None:
        self.talk.message(message(1, "alice", client_msg_id=b"x"))
        self.view.lines.clear()
        self.talk.cursor(CursorMoved(HERE, "alice", 1, 1, 0))
        self.talk.cursor(CursorMoved("d~alice~carol", "bob", 1, 1, None))
        self.assertEqual(self.view.lines, [])

    def test_what_an_earlier_run_left_waits_in_the_transcript(self) -> None:
        self.talk.unsent({b"1": "old"})
        self.assertEqual(self.view.lines, [("old", 0, Mark.WAITING)])
