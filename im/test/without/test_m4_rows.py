"""M4: the rows of those who left stay, so that who was away learns of it."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

from im.adapters.sql.operations import places, reader
from im.test.without.groups import GroupWorld, users
from im.test.without.support import RuleTests


class RowTests(RuleTests, SynchronousTestCase):
    """M4: carol is removed while she is away, and finds out when she comes back."""

    def schedule(self) -> Sequence[str]:
        talk = GroupWorld("carol")
        talk.run(3)
        talk.clients["carol"].kill()
        talk.change("alice", remove=users("carol"))
        talk.start("carol")
        talk.run(5)
        head = talk.head("carol")
        assert head is not None
        return ["carol takes herself for a member"] if head.active else []

    def without(self) -> AbstractContextManager[object]:
        only_members = places.CHANGED_PLACES.replace("ORDER BY", "AND m.leave_seq IS NULL ORDER BY")
        return mock.patch.object(reader, "CHANGED_PLACES", only_members)
