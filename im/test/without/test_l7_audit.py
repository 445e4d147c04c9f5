"""L7: about every tenth beat a client syncs as an audit."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

from im.client.core.heartbeat import Heartbeat
from im.test.without.support import RuleTests, a_send, settled, store_untold
from im.testing.world import World


class AuditTests(RuleTests, SynchronousTestCase):
    """L7: every hint of a message is lost and nothing follows; the audit finds it, and says so."""

    def schedule(self) -> Sequence[str]:
        world = World(1)
        bob = world.client("bob")
        world.run_until(lambda: bob.is_online)
        store_untold(world, a_send(1))
        problems = settled(world)
        return [*problems, *([] if bob.audits_found else ["no audit told of it"])]

    def without(self) -> AbstractContextManager[object]:
        return mock.patch.object(Heartbeat, "is_audit_due", lambda self: False)
