"""M3: heads and pages say from where on one may see, and the client jumps there."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

from im.client.core.arrivals import Arrivals
from im.client.core.conversation import Conversation
from im.test.without.groups import GroupWorld, users
from im.test.without.support import RuleTests


class JumpTests(RuleTests, SynchronousTestCase):
    """M3: carol was out for a while and comes again; she doesn't wait for what she may not see."""

    def schedule(self) -> Sequence[str]:
        talk = GroupWorld("carol")
        talk.post("alice", b"text 1")
        talk.change("alice", remove=users("carol"))
        talk.post("alice", b"text 2")
        talk.change("alice", invite=users("carol"))
        talk.post("alice", b"text 3")
        talk.run(3)
        return talk.expect("carol", b"text 1", b"text 3")

    def without(self) -> AbstractContextManager[object]:
        jump = Arrivals._jump

        def stay(self: Arrivals, conversation: Conversation, received: int) -> None:
            if not conversation.is_placed:
                jump(self, conversation, received)

        return mock.patch.object(Arrivals, "_jump", stay)
