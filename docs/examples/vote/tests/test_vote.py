"""Every vote counts once, whatever breaks on the way."""

from hypothesis import given, settings
from hypothesis import strategies as st
from im_vote.handler import VoteHandler
from im_vote.vote_pb2 import Vote
from twisted.trial.unittest import SynchronousTestCase

from im.testing.kit import HandlerWorld


class VoteTests(SynchronousTestCase):
    @settings(max_examples=20, deadline=None, derandomize=True)
    @given(st.integers(0, 10_000))
    def test_every_vote_counts_once(self, seed: int) -> None:
        world = HandlerWorld(seed, {"vote": VoteHandler()})
        alice, bob = world.client("alice"), world.client("bob")
        for choice in ("soup", "rice", "soup"):
            alice.call(Vote(poll="lunch", choice=choice), to="bob")
            bob.call(Vote(poll="lunch", choice="rice"), to="alice")
            world.trouble(seconds=3)
        world.settle()
        assert len(world.texts("alice", "bob")) == 6
        assert world.texts("alice", "bob")[-1] in ("lunch: rice 1, soup 1", "lunch: rice 2")
