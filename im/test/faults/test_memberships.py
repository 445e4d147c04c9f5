"""What was handed to whom is judged by the log alone: the judge lets nothing through."""

from collections.abc import Sequence

from twisted.trial.unittest import SynchronousTestCase

from im.client import Message
from im.core.entries import GROUP_CREATED, MEMBERS_ADDED, MEMBERS_REMOVED, TEXT
from im.core.messages import Entry
from im.proto.group_pb2 import GroupEvent
from im.test.faults.memberships import Span, faults_of, spans_by_user, strangers_in


def entry(seq: int, kind: int, *users: str, sender: str = "ann") -> Entry:
    content = GroupEvent(users=users).SerializeToString() if users else b"hello"
    return Entry(seq, 0, kind, sender, seq.to_bytes(16, "big"), 0, content)


LOG = [
    entry(1, GROUP_CREATED, "ann", "bob"),
    entry(2, TEXT),
    entry(3, MEMBERS_REMOVED, "bob"),
    entry(4, TEXT),
    entry(5, MEMBERS_ADDED, "bob", "eve"),
    entry(6, TEXT, sender="bob"),
]


def handed(*seqs: int) -> list[Message]:
    return [
        Message("g~1", "e", seq, 1, "", LOG[seq - 1].client_msg_id, 0, LOG[seq - 1].content) for seq in seqs
    ]


class MembershipTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.spans = spans_by_user(LOG)

    def faults(self, user: str, seqs: Sequence[int], *own: int) -> list[str]:
        ids = {LOG[seq - 1].client_msg_id for seq in own}
        return faults_of(LOG, self.spans[user], handed(*seqs), ids)

    def test_the_log_tells_who_was_there_when(self) -> None:
        expected = {"ann": [Span(1, 6)], "bob": [Span(1, 3), Span(5, 6)], "eve": [Span(5, 6)]}
        self.assertEqual(self.spans, expected)

    def test_who_had_what_is_theirs_is_in_order(self) -> None:
        for user, seqs, own in (
            ("ann", (1, 2, 3, 4, 5, 6), ()),
            ("bob", (1, 2, 3, 5), (6,)),
            ("eve", (5, 6), ()),
        ):
            self.assertEqual(self.faults(user, seqs, *own), [])

    def test_who_came_again_may_lack_only_the_end_of_the_time_before(self) -> None:
        self.assertEqual(self.faults("bob", (1, 2, 5, 6)), [])
        self.assertEqual(self.faults("bob", (5, 6)), [])
        self.assertIn("never came: [2]", " ".join(self.faults("bob", (1, 3, 5, 6))))

    def test_what_is_not_theirs_is_found(self) -> None:
        self.assertIn("4 came, and lies outside", " ".join(self.faults("bob", (1, 2, 3, 4, 5, 6))))
        self.assertIn("4 came, and lies outside", " ".join(self.faults("eve", (4, 5, 6))))

    def test_what_is_missing_doubled_late_or_other_is_found(self) -> None:
        self.assertIn("never came: [4]", " ".join(self.faults("ann", (1, 2, 3, 5, 6))))
        self.assertIn("never came: [6]", " ".join(self.faults("eve", (5,))))
        self.assertIn("2 came after 2", " ".join(self.faults("ann", (1, 2, 2, 3, 4, 5, 6))))
        self.assertIn("2 came after 3", " ".join(self.faults("ann", (1, 3, 2, 4, 5, 6))))
        other = [message._replace(content=b"?") for message in handed(5, 6)]
        self.assertIn("5 is not what is stored", " ".join(faults_of(LOG, self.spans["eve"], other, ())))

    def test_who_writes_without_being_there_is_found(self) -> None:
        self.assertEqual(strangers_in(LOG, self.spans), [])
        log = [*LOG[:3], entry(4, TEXT, sender="bob"), *LOG[4:]]
        self.assertEqual(strangers_in(log, spans_by_user(log)), ["bob wrote 4 and was no member"])
