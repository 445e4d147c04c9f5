"""L1: a login reads the groups, holds them as audiences, awaits that, and only then reads the heads."""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from unittest import mock

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from im.gateway.connection import Connection
from im.gateway.groups import Groups
from im.test.without.groups import GroupWorld
from im.test.without.support import RuleTests


class AudienceTests(RuleTests, SynchronousTestCase):
    """L1: the registry is slow to note that the node holds bob's group; what comes meanwhile is not lost."""

    def schedule(self) -> Sequence[str]:
        talk = GroupWorld("bob")
        talk.clients["bob"].kill()
        talk.clients["alice"].kill()
        talk.run(5)
        registry = talk.world.node.registry
        join, held = registry.join, []

        def join_late(node: str, audiences: Iterable[str]) -> "Deferred[None]":
            asked, joined = list(audiences), Deferred[None]()
            held.append(lambda: join(node, asked).chainDeferred(joined))
            return joined

        with mock.patch.object(registry, "join", join_late):
            talk.start("bob")
            talk.run(1)
            talk.post_from_elsewhere(b"text 1")
            for each in held:
                each()
            talk.run(2)
        return talk.expect("bob", b"text 1")

    def without(self) -> AbstractContextManager[object]:
        enter = Groups.enter

        async def enter_by_and_by(self: Groups, connection: Connection) -> None:
            Deferred.fromCoroutine(enter(self, connection))

        return mock.patch.object(Groups, "enter", enter_by_and_by)
