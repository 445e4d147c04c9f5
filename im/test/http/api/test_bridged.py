"""The routes of conversations on a node of a cluster, where the store is behind the business bridge."""

from im.ports import IStore
from im.tap.cluster.store import BridgedStore
from im.test.http.api import test_groups, test_imports, test_messages, test_relations
from im.test.http.api.world import ApiCase


class Bridged(ApiCase):
    """Each command goes to the worker that owns its shard."""

    def way_to_store(self) -> IStore:
        return BridgedStore(self.ask, 4, lambda: "")


class RequestTests(Bridged, test_relations.RequestTests):
    """Friend requests."""


class ContactTests(Bridged, test_relations.ContactTests):
    """Contacts."""


class CallerTests(Bridged, test_relations.CallerTests):
    """Who may what."""


class GroupTests(Bridged, test_groups.ShowingTests):
    """Groups and their members."""


class SendingTests(Bridged, test_messages.SendingTests):
    """Messages that are sent."""


class HistoryTests(Bridged, test_messages.HistoryTests):
    """Messages that are read."""


class ImportTests(Bridged, test_imports.GroupTests):
    """Imports."""
