"""M1: a node expands a delivery to a group only at just the version of the members that it knows."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

from im.gateway.groups import Groups
from im.ports import Delivery
from im.test.without.groups import GroupWorld, users
from im.test.without.support import RuleTests


class VersionTests(RuleTests, SynchronousTestCase):
    """M1: the node was not told that carol was removed; she gets nothing that comes after."""

    def schedule(self) -> Sequence[str]:
        talk = GroupWorld("bob", "carol")
        talk.post("alice", b"text 1")
        with talk.lost_hints():
            talk.change("alice", remove=users("carol"))
        talk.post("alice", b"text 2")
        talk.run(3)
        return [*talk.expect("carol", b"text 1"), *talk.expect("bob", b"text 1", b"text 2")]

    def without(self) -> AbstractContextManager[object]:
        deliver = Groups.deliver

        def trust(self: Groups, deliveries: Sequence[Delivery]) -> None:
            group = self._groups.get(deliveries[0].conversation)
            if group is not None:
                group.version = deliveries[0].member_version
            deliver(self, deliveries)

        return mock.patch.object(Groups, "deliver", trust)
