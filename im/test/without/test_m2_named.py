"""M2: a change of members makes those look whom it names, whatever versions are known."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

from im.gateway.groups import Groups
from im.ports import MembershipChange
from im.test.without.groups import GroupWorld, users
from im.test.without.support import RuleTests


class NamedTests(RuleTests, SynchronousTestCase):
    """M2: dave is added while the node is behind by a change that it was not told of."""

    def schedule(self) -> Sequence[str]:
        talk = GroupWorld("bob", "carol")
        talk.start("dave")
        talk.run(1)
        with talk.lost_hints():
            talk.change("alice", remove=users("carol"))
        talk.change("alice", invite=users("dave"))
        talk.post("alice", b"text 1")
        talk.run(1)
        return talk.expect("dave", b"text 1")

    def without(self) -> AbstractContextManager[object]:
        change = Groups._change

        def only_what_follows(self: Groups, name: str, moved: MembershipChange, version: int) -> None:
            group = self._groups.get(name)
            if group is not None and group.version == moved.before:
                change(self, name, moved, version)

        return mock.patch.object(Groups, "_change", only_what_follows)
