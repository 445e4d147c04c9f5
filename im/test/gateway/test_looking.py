"""Sessions that are told to look for what they may have missed."""

from twisted.trial.unittest import SynchronousTestCase

from im.gateway.looking import FEW, NEAR_SECONDS, SPREAD_SECONDS
from im.proto import sync_pb2
from im.test.gateway.world import World


class LookTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = World()

    def test_every_session_of_the_user_is_told_and_nobody_else(self) -> None:
        alice, other = self.world.log_in(), self.world.log_in(device_id="tablet-1")
        bob = self.world.log_in(token="bob")
        self.world.node.looks.tell(("alice", "nobody"))
        self.world.pass_seconds(NEAR_SECONDS + 0.3)
        self.assertEqual(len(alice.only(sync_pb2.Resync).conversations), 0)
        other.only(sync_pb2.Resync)
        self.assertEqual(bob.received(), [])

    def test_a_slow_reader_is_told_once_it_has_caught_up(self) -> None:
        alice = self.world.log_in()
        alice.connection.write_paused()
        self.world.node.looks.tell(("alice",))
        self.world.pass_seconds(3)
        self.assertEqual(alice.received(), [])
        alice.connection.write_resumed()
        self.world.pass_seconds(2)
        alice.only(sync_pb2.Resync)

    def test_who_has_gone_is_forgotten(self) -> None:
        alice = self.world.log_in()
        alice.connection.write_paused()
        self.world.node.looks.tell(("alice",))
        alice.connection.connection_lost("reset")
        self.world.pass_seconds(3)
        self.assertEqual(len(self.world.node._ticker._wheel), 0)

    def test_many_are_not_told_at_once(self) -> None:
        users = [f"user-{number}" for number in range(2 * FEW)]
        clients = [self.world.log_in(token=user) for user in users]
        self.world.node.looks.tell(users)
        self.world.pass_seconds(SPREAD_SECONDS / 4)
        told = sum(bool(client.received()) for client in clients)
        self.assertLess(told, FEW)
        self.world.pass_seconds(SPREAD_SECONDS)
        told += sum(bool(client.received()) for client in clients)
        self.assertEqual(told, 2 * FEW)
