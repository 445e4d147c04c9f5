"""What people read of shards and traces."""

from io import StringIO
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from im.cli.arguments import make_parser
from im.cli.commands import shards, trace
from im.cli.failures import Failure
from im.cli.output import Output

TRACE: dict[str, Any] = {
    "conversation": "d~alice~bob",
    "seq": 7,
    "sender": "alice",
    "client_msg_id": "6d",
    "committed_ms": 0,
    "shard": 3,
    "worker": "w1-a",
    "epoch": 4,
    "is_announced": True,
    "nodes": [{"node": "n1", "has_answered": True, "is_complete": True}],
    "sessions": [
        {
            "user": "bob",
            "device_class": "phone",
            "device": "d1",
            "node": "n1",
            "state": "in_flight",
            "resends": 2,
        }
    ],
    "members": [
        {"user": name, "delivered_seq": 6, "read_seq": 3, "is_delivered": False, "is_read": False}
        | {"is_connected": name == "bob"}
        for name in ("alice", "bob")
    ],
    "members_total": 2,
}
SHARD: dict[str, Any] = {
    "shard": 0,
    "owner": "w1-a",
    "epoch": 3,
    "since_ms": 1_000,
    "waiting": 2,
    "answers": True,
}


class SeeingCase(SynchronousTestCase):
    def show(self, module: Any, answer: object, *argv: str) -> str:
        """What a command shows of an answer; what it asked for is `path`."""

        def question(arguments: object, path: str, **_: object) -> object:
            self.path = path
            return answer

        self.patch(module, "question", question)
        out = StringIO()
        module.run(make_parser().parse_args(argv), Output(out, StringIO(), False))
        return out.getvalue()

    def shards(self, **changes: object) -> str:
        return self.show(shards, {"shards": [SHARD | changes]}, "shards")

    def trace(self, **changes: object) -> str:
        return self.show(trace, TRACE | changes, "trace", "d~alice~bob", "7")


class ShardsTests(SeeingCase):
    def test_a_shard_is_a_line_with_its_owner(self) -> None:
        self.assertRegex(self.shards(), r"^0  w1-a  epoch 3  since [-0-9]+ [:0-9]+  2 batches wait\n$")

    def test_an_owner_that_does_not_answer_is_named_as_such(self) -> None:
        self.assertIn("w1-a  epoch 3  does not answer  ? batches", self.shards(answers=False, waiting=None))
        self.assertIn("nobody known", self.shards(answers=False, owner=""))

    def test_one_process_owns_everything(self) -> None:
        self.assertIn("all  w1-a  one process owns everything  since", self.shards(shard=None))


class TraceTests(SeeingCase):
    def test_it_says_who_committed_and_where_it_was_announced(self) -> None:
        shown = self.trace()
        self.assertEqual(self.path, "/v1/trace?conversation=d~alice~bob&seq=7")
        self.assertIn("by w1-a, epoch 4, of shard 3\n", shown)
        self.assertIn("announced  to n1\n", shown)
        self.assertIn("by an earlier owner, of shard 3\n", self.trace(worker=""))
        self.assertNotIn(" by ", self.trace(shard=None))

    def test_it_says_how_each_session_and_member_stands(self) -> None:
        shown = self.trace()
        self.assertIn("bob  phone  d1  n1  in flight, not acknowledged, resent 2 times\n", shown)
        self.assertIn("member      alice  sent it, not connected  (delivered to 6, read to 3)\n", shown)
        self.assertIn("member      bob  not delivered, not read  (", shown)

    def test_what_it_cannot_tell_it_says(self) -> None:
        silent = {"node": "n1", "has_answered": False, "is_complete": False}
        full = {"node": "n2", "has_answered": True, "is_complete": False}
        shown = self.trace(nodes=[silent, full], is_announced=False, members_total=7)
        self.assertIn("perhaps not yet; to n1 (does not answer), n2 (has more sessions", shown)
        self.assertIn("and 5 more members", shown)
        self.assertIn("no node has sessions of its members", self.trace(nodes=[]))

    def test_a_message_is_named_in_one_of_two_ways(self) -> None:
        self.show(trace, TRACE, "trace", "--as", "alice", "--client-id", "6d")
        self.assertEqual(self.path, "/v1/trace?user=alice&client_msg_id=6d")
        for argv in (
            (),
            ("d~alice~bob",),
            ("--as", "alice"),
            ("d~alice~bob", "7", "--as", "alice"),
            ("d~alice~bob", "--as", "alice", "--client-id", "6d"),
        ):
            with self.assertRaises(Failure, msg=argv):
                self.show(trace, TRACE, "trace", *argv)
