"""Every vote counts once, whatever breaks on the way."""

from im_vote.handler import VoteHandler
from im_vote.vote_pb2 import Vote
from twisted.trial.unittest import SynchronousTestCase

from im.testing.kit import HandlerWorld


class VoteTests(SynchronousTestCase):
    def test_every_vote_counts_once(self) -> None:
        for seed in range(20):
            world = HandlerWorld(seed, {"vote": VoteHandler()})
            alice, bob = world.client("alice"), world.client("bob")
            for choice in ("soup", "rice", "soup"):
                alice.call(Vote(poll="lunch", choice=choice), to="bob")
                bob.call(Vote(poll="lunch", choice="rice"), to="alice")
                world.trouble(seconds=3)  # links break, ports fail, node and clients are killed
            world.settle()
            texts = world.texts("alice", "bob")
            self.assertEqual(len(texts), 6, f"seed {seed}")
            self.assertIn(texts[-1], ("lunch: rice 1, soup 1", "lunch: rice 2"))
