"""What every store must tell operators of an entry, and of its shards."""

from im.core.entries import TEXT
from im.core.errors import Code
from im.core.grouping import Invite, Leave
from im.core.messages import MoveDelivered, MoveRead
from im.core.seeing import FindShards, MemberCursors, ShardsFound, TracedEntry, TraceEntry
from im.testing.contracts.groups_base import GROUP, GroupCase, creation
from im.testing.contracts.store_base import DIRECT, a_send, client_id


class TracingContract(GroupCase):
    """Where an entry is, and how far its members are. Mix in."""

    async def traced(self, conversation: str, seq: int, user: str = "", number: int = 0) -> TracedEntry:
        """An entry that must be there."""
        traced = await self.read(TraceEntry(conversation, seq, user, client_id(number)))
        assert isinstance(traced, TracedEntry), traced
        return traced

    async def test_an_entry_is_traced_with_the_cursors_of_its_members(self) -> None:
        """Whatever was sent after it."""
        sent = await self.send(a_send(1))
        await self.send(a_send(2, after=1))
        await self.write(MoveDelivered(DIRECT, "bob", 2), MoveRead(DIRECT, "bob", 1))
        traced = await self.traced(DIRECT, 1)
        self.assertEqual(
            traced[:6], (DIRECT, 1, TEXT, "alice", client_id(1), sent.time_ms), "who sent what when"
        )
        self.assertEqual(traced.total, 2)
        self.assertEqual([each.user for each in traced.members], ["alice", "bob"])
        self.assertEqual(traced.members[1], MemberCursors("bob", 2, 1))

    async def test_an_entry_is_found_by_its_sender_and_client_id(self) -> None:
        """Only of that sender."""
        await self.send(a_send(1))
        await self.send(a_send(2, "bob"))
        traced = await self.traced("", 0, "bob", 2)
        self.assertEqual((traced.conversation, traced.seq, traced.sender), (DIRECT, 2, "bob"))
        refused = await self.read(TraceEntry("", 0, "alice", client_id(2)))
        self.assert_refused(refused, Code.NOT_FOUND, "")

    async def test_of_a_group_those_are_told_who_were_in_when_the_entry_came(self) -> None:
        """Who left before it and who joined after it have nothing to do with it."""
        await self.write(creation("bob", "carol"))
        await self.done("bob", Leave())
        sent = await self.send(self.post(1))
        await self.done("carol", Leave())
        await self.done("alice", Invite(("dave",)))
        traced = await self.traced(GROUP, sent.seq)
        self.assertEqual([each.user for each in traced.members], ["alice", "carol"])
        self.assertEqual(traced.total, 2)

    async def test_an_entry_that_is_not_there_is_refused(self) -> None:
        """Of a conversation that is there, and of none; whatever the number is."""
        await self.send(a_send(1))
        for conversation, seq in ((DIRECT, 2), (DIRECT, 2**70), ("d~bob~carol", 1)):
            refused = await self.read(TraceEntry(conversation, seq))
            self.assert_refused(refused, Code.NOT_FOUND, "")

    async def test_a_reader_tells_the_table_of_shards_and_is_no_owner(self) -> None:
        """What an owner adds, it adds itself."""
        found = await self.read(FindShards(DIRECT))
        assert isinstance(found, ShardsFound), found
        self.assertEqual((found.shard, found.since_ms), (-1, 0))
        self.assertEqual([row for row in found.rows if row.epoch < 1 or not row.owner], [])
