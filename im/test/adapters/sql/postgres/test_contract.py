"""The store's contract, held by PostgreSQL."""

from twisted.internet.task import Clock

from im.adapters.sql.policy import StorePolicy
from im.adapters.sql.postgres import PostgresDatabase, PostgresStore, ShardStore, StoreClock, renew_epoch
from im.adapters.sql.runners import inline_runners
from im.core.commands import Query, Result
from im.core.ledger import EndNode, NodeEnded, OpenSession
from im.core.limits import Limits
from im.core.messages import Sync
from im.ports import IStore
from im.test.adapters.sql.postgres.support import emptied, execute, settle
from im.testing.contracts import store

OPENED = OpenSession("s1", "alice", "phone", "phone", "n1", 1_000_000, True, 30_000)


class OnPostgres(store.StoreContract):
    """Stores of the one shard of a cluster."""

    def open_store(self, limits: Limits, users_open: bool) -> IStore:
        self.url = emptied()
        self.policy = StorePolicy(limits, users_open, away_consumers=self.away_consumers)
        return self._store()

    async def read(self, query: Query) -> Result:
        """Answer a query: a sync as it is beside no other work."""
        if isinstance(query, Sync):
            settle(self.url)
        return await super().read(query)

    def reopen_store(self, store: IStore, new_epoch: bool) -> IStore:
        if new_epoch:
            renew_epoch(self.url)
        return self._store()

    def _store(self) -> IStore:
        time = StoreClock(Clock(), self.now_ms)
        postgres = PostgresStore(PostgresDatabase(self.url), inline_runners().read, time, self.policy, 1)
        self.addCleanup(postgres.close)
        fired: list[ShardStore] = []
        postgres.claim(0, "worker").addCallback(fired.append)
        (claimed,) = fired
        self.addCleanup(claimed.close)
        return claimed


class SendingOnPostgres(OnPostgres, store.SendingContract):
    """Sends, on PostgreSQL."""


class CursorsOnPostgres(OnPostgres, store.CursorContract):
    """Cursors, on PostgreSQL."""


class SyncOnPostgres(OnPostgres, store.SyncContract):
    """Syncs, on PostgreSQL."""


class PullOnPostgres(OnPostgres, store.PullContract):
    """Pulls, on PostgreSQL."""


class UsersOnPostgres(OnPostgres, store.UserContract):
    """Users, on PostgreSQL."""


class DisablingOnPostgres(OnPostgres, store.DisablingContract):
    """Users that are disabled, on PostgreSQL."""


class PushesOnPostgres(OnPostgres, store.PushContract):
    """Pushes, on PostgreSQL."""


class AwayOnPostgres(OnPostgres, store.AwayContract):
    """Whom messages did not reach, on PostgreSQL."""


class PushTokensOnPostgres(OnPostgres, store.PushTokenContract):
    """Push tokens, on PostgreSQL."""


class BackendsOnPostgres(OnPostgres, store.BackendContract):
    """Back ends, on PostgreSQL."""


class HandlersOnPostgres(OnPostgres, store.HandlerContract):
    """Handlers of others, on PostgreSQL."""


class LedgerOnPostgres(OnPostgres, store.LedgerContract):
    """The ledger, on PostgreSQL."""

    async def test_after_a_crash_what_was_open_is_closed(self) -> None:
        """Nodes outlive the workers that write for them: only what is said of a node ends its sessions."""
        await self.write(OPENED)
        self.store = self.reopen_store(self.store, False)
        await self.write(OPENED._replace(session="s2"))
        (ended,) = await self.write(EndNode("n1", OPENED.opened_ms + 1_000))
        self.assertEqual(NodeEnded(2), ended)


class PresenceOnPostgres(OnPostgres, store.PresenceContract):
    """Who is online, on PostgreSQL."""


class TracingOnPostgres(OnPostgres, store.TracingContract):
    """Entries traced, on PostgreSQL."""


class LookingOnPostgres(OnPostgres, store.LookingContract):
    """What changed, on PostgreSQL."""


class FriendsOnPostgres(OnPostgres, store.FriendContract):
    """Friends, on PostgreSQL."""


class BlocksOnPostgres(OnPostgres, store.BlockContract):
    """Blocks, on PostgreSQL."""


class ContactsOnPostgres(OnPostgres, store.ContactContract):
    """Contacts, on PostgreSQL."""


class GroupsOnPostgres(OnPostgres, store.GroupContract):
    """Groups, on PostgreSQL."""


class GroupMessagesOnPostgres(OnPostgres, store.GroupMessageContract):
    """Messages of groups, on PostgreSQL."""


class ListsOnPostgres(OnPostgres, store.ListContract):
    """Contacts and friends in pages, on PostgreSQL."""


class AppOnPostgres(OnPostgres, store.AppContract):
    """What the app itself says, on PostgreSQL."""


class ChangesOnPostgres(OnPostgres, store.ChangeContract):
    """Changes of messages, on PostgreSQL."""


class EventNotingOnPostgres(OnPostgres, store.EventNotingContract):
    """How events are noted, on PostgreSQL."""


class EventCarryingOnPostgres(OnPostgres, store.EventCarryingContract):
    """How events are carried, on PostgreSQL."""


class ExplainingOnPostgres(OnPostgres, store.ExplainingContract):
    """Unread numbers laid open, on PostgreSQL."""

    def spoil(self, statement: str) -> None:
        """Change what is stored behind the store's back."""
        execute(self.url, statement)


class PersonalOnPostgres(OnPostgres, store.PersonalContract):
    """A person's data, on PostgreSQL."""


class PurgingOnPostgres(OnPostgres, store.PurgingContract):
    """Old content, on PostgreSQL."""


class VerdictsOnPostgres(OnPostgres, store.VerdictContract):
    """What hooks decided about messages, on PostgreSQL."""


class WebhooksOnPostgres(OnPostgres, store.WebhookContract):
    """Webhooks, on PostgreSQL."""
