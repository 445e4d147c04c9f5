"""What the contracts of the store share."""

from twisted.trial.unittest import TestCase

from im.core.commands import Query, Result, Write
from im.core.errors import Code, Refused
from im.core.limits import Limits
from im.core.messages import Head, Pull, PullPage, Send, Sent, Sync, SyncCursor, SyncPage
from im.ports import IStore

DIRECT = "d~alice~bob"


def client_id(number: int) -> bytes:
    """The client message id that a number stands for; 0: none."""
    return number.to_bytes(16, "big") if number else b""


def a_send(
    number: int,
    sender: str = "alice",
    conversation: str = DIRECT,
    after: int = 0,
    seen_seq: int = 0,
    content: bytes = b"",
) -> Send:
    """A text under the client id of `number`; its content names it unless given."""
    text = content or f"text {number}".encode()
    return Send(conversation, sender, "phone", client_id(number), client_id(after), seen_seq, 1, text)


class StoreContract(TestCase):
    """Mix in with the two methods below. The stores are opened with these `away_consumers`."""

    away_consumers: frozenset[str] = frozenset()

    def open_store(self, limits: Limits, users_open: bool) -> IStore:
        """A fresh, empty store that takes its time from `self.now_ms` and ends with the test."""
        raise NotImplementedError

    def reopen_store(self, store: IStore, new_epoch: bool) -> IStore:
        """Another store on the same tables, as after a crash; with `new_epoch` as after a restore."""
        raise NotImplementedError

    def setUp(self) -> None:
        """Open a store with the default limits, where any valid id is a user."""
        self.time_ms = 1_000_000
        self.store = self.open_store(Limits(), True)

    def now_ms(self) -> int:
        """The store's clock."""
        return self.time_ms

    async def write(self, *batch: Write) -> list[Result]:
        """Execute a batch."""
        return await self.store.write(batch)

    async def send(self, send: Send) -> Sent:
        """Execute one send that must be stored."""
        (result,) = await self.write(send)
        assert isinstance(result, Sent), result
        return result

    async def read(self, query: Query) -> Result:
        """Answer a query."""
        return await self.store.read(query)

    async def sync(self, user: str, cursor: SyncCursor | None = None, after: str = "") -> SyncPage:
        """One page of a sync."""
        page = await self.read(Sync(user, cursor, after))
        assert isinstance(page, SyncPage), page
        return page

    async def head(self, user: str) -> Head:
        """The one conversation of a user."""
        (head,) = (await self.sync(user)).heads
        return head

    async def pull(self, user: str, from_seq: int = 0, backward: bool = False, limit: int = 0) -> PullPage:
        """One page of the direct conversation."""
        page = await self.read(Pull(DIRECT, user, from_seq, backward, limit))
        assert isinstance(page, PullPage), page
        return page

    def assert_refused(self, result: Result, code: Code, field: str) -> None:
        """Check that a result is a refusal, why, and of which field."""
        assert isinstance(result, Refused), result
        self.assertEqual((code, field), (result.code, result.field))
