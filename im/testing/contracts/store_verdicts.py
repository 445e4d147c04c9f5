"""What every store does with messages that hooks decided about."""

from im.core.errors import Code, Refused
from im.core.messages import Sent, Verdict
from im.testing.contracts.store_base import StoreContract, a_send

NO = Verdict(Refused(Code.PERMISSION_DENIED, "not here", "content"))


class VerdictContract(StoreContract):
    """The first answer stands, whatever hooks decide about a repetition. Mix in."""

    async def test_what_hooks_refuse_is_not_stored(self) -> None:
        """Its neighbours are."""
        one, refused, other = await self.write(a_send(1), a_send(2)._replace(verdict=NO), a_send(3))
        self.assert_refused(refused, Code.PERMISSION_DENIED, "content")
        assert isinstance(one, Sent)
        assert isinstance(other, Sent)
        self.assertEqual((one.seq, other.seq), (1, 2))

    async def test_what_was_stored_before_they_refused_it_keeps_its_first_answer(self) -> None:
        """In another batch, in the same, and after a crash."""
        first = await self.send(a_send(1)._replace(verdict=Verdict()))
        (again,) = await self.write(a_send(1)._replace(verdict=NO))
        self.assertEqual(again, first._replace(duplicate=True))
        one, two = await self.write(a_send(2), a_send(2)._replace(verdict=NO))
        assert isinstance(one, Sent)
        self.assertEqual(two, one._replace(duplicate=True))
        self.store = self.reopen_store(self.store, False)
        (again,) = await self.write(a_send(1)._replace(verdict=NO))
        self.assertEqual(again, first._replace(duplicate=True))

    async def test_content_that_they_changed_is_no_conflict(self) -> None:
        """Without a verdict it is."""
        first = await self.send(a_send(1, content=b"one")._replace(verdict=Verdict()))
        other = a_send(1, content=b"two")
        (again,) = await self.write(other._replace(verdict=Verdict()))
        self.assertEqual(again, first._replace(duplicate=True))
        (conflict,) = await self.write(other)
        self.assert_refused(conflict, Code.CONFLICT, "client_msg_id")
