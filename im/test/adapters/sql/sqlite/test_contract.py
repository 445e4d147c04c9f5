"""The store's contract, held by SQLite in a file behind threads, and in memory."""

from pathlib import Path

from twisted.internet import reactor
from twisted.internet.interfaces import IReactorFromThreads

from im.adapters.sql.sqlite import (
    FileDatabase,
    MemoryDatabase,
    Runners,
    SqliteStore,
    StorePolicy,
    ThreadedRunners,
    inline_runners,
    renew_epoch,
)
from im.core.limits import Limits
from im.ports import IStore
from im.testing.contracts import store


class InMemory(store.StoreContract):
    """Stores in memory, on the test's own thread."""

    def open_store(self, limits: Limits, users_open: bool) -> IStore:
        self.database = MemoryDatabase()
        self.addCleanup(self.database.close)
        self.policy = StorePolicy(limits, users_open, away_consumers=self.away_consumers)
        return self._store()

    def reopen_store(self, store: IStore, new_epoch: bool) -> IStore:
        if new_epoch:
            self.database.renew_epoch("next")
        return self._store()

    def _store(self) -> SqliteStore:
        return SqliteStore(self.database, inline_runners(), self.now_ms, self.policy, self.fail)


class InFile(store.StoreContract):
    """Stores in files, behind threads."""

    def setUp(self) -> None:
        assert IReactorFromThreads.providedBy(reactor)
        threads = ThreadedRunners(reactor)
        self.runners: Runners = threads.start()
        self.addCleanup(threads.stop)
        super().setUp()

    def open_store(self, limits: Limits, users_open: bool) -> IStore:
        self.policy = StorePolicy(limits, users_open, away_consumers=self.away_consumers)
        self.path = Path(self.mktemp())
        return self._store()

    def reopen_store(self, store: IStore, new_epoch: bool) -> IStore:
        self.database.close()
        if new_epoch:
            renew_epoch(self.path)
        return self._store()

    def _store(self) -> SqliteStore:
        self.database = FileDatabase(self.path)
        self.database.open()
        self.addCleanup(self.database.close)
        return SqliteStore(self.database, self.runners, self.now_ms, self.policy, self.fail)


class SendingInMemory(InMemory, store.SendingContract):
    """Sends, in memory."""


class CursorsInMemory(InMemory, store.CursorContract):
    """Cursors, in memory."""


class SyncInMemory(InMemory, store.SyncContract):
    """Syncs, in memory."""


class PullInMemory(InMemory, store.PullContract):
    """Pulls, in memory."""


class UsersInMemory(InMemory, store.UserContract):
    """Users, in memory."""


class DisablingInMemory(InMemory, store.DisablingContract):
    """Users that are disabled, in memory."""


class PushesInMemory(InMemory, store.PushContract):
    """Pushes, in memory."""


class AwayInMemory(InMemory, store.AwayContract):
    """Whom messages did not reach, in memory."""


class PushTokensInMemory(InMemory, store.PushTokenContract):
    """Push tokens, in memory."""


class BackendsInMemory(InMemory, store.BackendContract):
    """Back ends, in memory."""


class HandlersInMemory(InMemory, store.HandlerContract):
    """Handlers of others, in memory."""


class LedgerInMemory(InMemory, store.LedgerContract):
    """The ledger, in memory."""


class TracingInMemory(InMemory, store.TracingContract):
    """Entries traced, in memory."""


class LookingInMemory(InMemory, store.LookingContract):
    """What changed, in memory."""


class PresenceInMemory(InMemory, store.PresenceContract):
    """Who is online, from a database in memory."""


class FriendsInMemory(InMemory, store.FriendContract):
    """Friends, in memory."""


class BlocksInMemory(InMemory, store.BlockContract):
    """Blocks, in memory."""


class ContactsInMemory(InMemory, store.ContactContract):
    """Contacts, in memory."""


class GroupsInMemory(InMemory, store.GroupContract):
    """Groups, in memory."""


class GroupMessagesInMemory(InMemory, store.GroupMessageContract):
    """Messages of groups, in memory."""


class ListsInMemory(InMemory, store.ListContract):
    """Contacts and friends in pages, in memory."""


class AppInMemory(InMemory, store.AppContract):
    """What the app itself says, in memory."""


class ChangesInMemory(InMemory, store.ChangeContract):
    """Changes of messages, in memory."""


class EventNotingInMemory(InMemory, store.EventNotingContract):
    """How events are noted, in memory."""


class EventCarryingInMemory(InMemory, store.EventCarryingContract):
    """How events are carried, in memory."""


class ExplainingInMemory(InMemory, store.ExplainingContract):
    """Unread numbers laid open, in memory."""

    def spoil(self, statement: str) -> None:
        """Change what is stored behind the store's back."""
        self.database.connect_writer().execute(statement)


class PersonalInMemory(InMemory, store.PersonalContract):
    """A person's data, in memory."""


class PurgingInMemory(InMemory, store.PurgingContract):
    """Old content, in memory."""


class VerdictsInMemory(InMemory, store.VerdictContract):
    """What hooks decided about messages, in memory."""


class WebhooksInMemory(InMemory, store.WebhookContract):
    """Webhooks, in memory."""


class SendingInFile(InFile, store.SendingContract):
    """Sends, in a file."""


class CursorsInFile(InFile, store.CursorContract):
    """Cursors, in a file."""


class SyncInFile(InFile, store.SyncContract):
    """Syncs, in a file."""


class PullInFile(InFile, store.PullContract):
    """Pulls, in a file."""


class UsersInFile(InFile, store.UserContract):
    """Users, in a file."""


class DisablingInFile(InFile, store.DisablingContract):
    """Users that are disabled, in a file."""


class PushesInFile(InFile, store.PushContract):
    """Pushes, in a file."""


class AwayInFile(InFile, store.AwayContract):
    """Whom messages did not reach, in a file."""


class PushTokensInFile(InFile, store.PushTokenContract):
    """Push tokens, in a file."""


class BackendsInFile(InFile, store.BackendContract):
    """Back ends, in a file."""


class HandlersInFile(InFile, store.HandlerContract):
    """Handlers of others, in a file."""


class LedgerInFile(InFile, store.LedgerContract):
    """The ledger, in a file."""


class PresenceInFile(InFile, store.PresenceContract):
    """Who is online, from a file."""


class TracingInFile(InFile, store.TracingContract):
    """Entries traced, in a file."""


class LookingInFile(InFile, store.LookingContract):
    """What changed, in a file."""


class FriendsInFile(InFile, store.FriendContract):
    """Friends, in a file."""


class BlocksInFile(InFile, store.BlockContract):
    """Blocks, in a file."""


class ContactsInFile(InFile, store.ContactContract):
    """Contacts, in a file."""


class GroupsInFile(InFile, store.GroupContract):
    """Groups, in a file."""


class GroupMessagesInFile(InFile, store.GroupMessageContract):
    """Messages of groups, in a file."""


class ListsInFile(InFile, store.ListContract):
    """Contacts and friends in pages, from a file."""


class AppInFile(InFile, store.AppContract):
    """What the app itself says, in a file."""


class ChangesInFile(InFile, store.ChangeContract):
    """Changes of messages, in a file."""


class EventNotingInFile(InFile, store.EventNotingContract):
    """How events are noted, in a file."""


class EventCarryingInFile(InFile, store.EventCarryingContract):
    """How events are carried, in a file."""


class ExplainingInFile(InFile, store.ExplainingContract):
    """Unread numbers laid open, in a file."""

    def spoil(self, statement: str) -> None:
        """Change what is stored behind the store's back."""
        self.database.connect_writer().execute(statement)


class PersonalInFile(InFile, store.PersonalContract):
    """A person's data, in a file."""


class PurgingInFile(InFile, store.PurgingContract):
    """Old content, in a file."""


class VerdictsInFile(InFile, store.VerdictContract):
    """What hooks decided about messages, in a file."""


class WebhooksInFile(InFile, store.WebhookContract):
    """Webhooks, in a file."""
