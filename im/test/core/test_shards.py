"""Every command has one shard, and every shard one worker that should own it."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from im.core.commands import Login
from im.core.ledger import CloseSession, EndNode, OpenSession
from im.core.messages import Pull
from im.core.pushing import Push, StorePush
from im.core.relations import AskFriend
from im.core.shards import preferred, preferred_shards, shard_key, shard_of

OPENED = OpenSession("s", "alice", "d", "phone", "n1", 1, True, 30_000)


class ShardTests(SynchronousTestCase):
    def test_a_command_belongs_to_its_conversation_its_pair_its_user_or_its_node(self) -> None:
        cases = [
            (Pull("d~alice~bob", "alice", 0, False, 1), "d~alice~bob"),
            (AskFriend("bob", "alice", ""), "d~alice~bob"),
            (AskFriend("bob", "bob", ""), "bob"),
            (AskFriend("bob", "b b", ""), "bob"),
            (AskFriend("b b", "bob", ""), "b b"),
            (Login("alice", "d", "phone", 1), "alice"),
            (OPENED, "alice"),
            (CloseSession(OPENED, 2, "logout", 0), "alice"),
            (EndNode("n1", 5), "n1"),
            (StorePush(Push(b"", b"", 0), ("bob", "alice")), "i~bob"),
            (StorePush(Push(b"", b"", 0), ()), ""),
            (object(), ""),
        ]
        for command, key in cases:
            self.assertEqual(shard_key(command), key, command)

    def test_a_shard_follows_from_the_id_alone(self) -> None:
        self.assertEqual([shard_of(key, 4) for key in ("d~alice~bob", "alice", "")], [0, 3, 0])

    def test_nobody_owns_a_shard_where_nobody_is(self) -> None:
        self.assertEqual(preferred(0, []), "")

    @settings(derandomize=True, deadline=None, max_examples=100, database=None)
    @given(st.sets(st.text("abc123", min_size=1, max_size=4), min_size=1, max_size=6), st.integers(1, 16))
    def test_shards_are_shared_fairly_and_everyone_agrees(self, workers: set[str], shards: int) -> None:
        owned = {worker: preferred_shards(worker, sorted(workers), shards) for worker in workers}
        self.assertEqual(sorted(each for mine in owned.values() for each in mine), list(range(shards)))
        sizes = [len(mine) for mine in owned.values()]
        self.assertLessEqual(max(sizes), -(-shards // len(workers)))
