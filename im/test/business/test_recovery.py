"""What was perhaps told to nobody makes everyone look who is in it."""

from twisted.trial.unittest import SynchronousTestCase

from im.business.announcement import by_node
from im.business.recovery import to_look
from im.ports import UNKNOWN_MEMBERS
from im.proto.sync_pb2 import Resync
from im.wire.codec import unpack, unpack_body


class RecoveryTests(SynchronousTestCase):
    def test_the_users_of_an_id_look_and_the_nodes_of_a_group_read_its_members(self) -> None:
        told = to_look(["d~alice~bob", "i~carol", "g~1"], "row")
        self.assertEqual(told.users, {"alice", "bob", "carol"})
        self.assertEqual((told.audiences, told.batch), ({"g~1"}, "row"))
        batches = by_node(told, {"n1": ["alice"], "n2": ["carol"]}, {"n2": ["g~1"]})
        self.assertEqual([len(batches[node].signals) for node in ("n1", "n2")], [1, 1])
        (signal,) = batches["n1"].signals
        body = unpack_body(unpack(signal.frame))
        assert isinstance(body, Resync)
        self.assertEqual(list(body.conversations), ["d~alice~bob"])
        (delivery,) = batches["n2"].deliveries
        self.assertEqual((delivery.conversation, delivery.member_version), ("g~1", UNKNOWN_MEMBERS))
