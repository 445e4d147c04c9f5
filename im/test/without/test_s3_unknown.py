"""S3: after a time-out a message is unknown, and goes on being tried under the same id."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

from im.client.core.events import Refusal, SendFailed
from im.client.core.outbox import Outbox
from im.core.errors import Code
from im.test.without.support import RuleTests, settled
from im.testing.world import World


class UnknownTests(RuleTests, SynchronousTestCase):
    """S3: the message is stored and every answer lost; it must not be shown as failed."""

    def schedule(self) -> Sequence[str]:
        world = World(1)
        alice = world.client("alice")
        world.run_until(lambda: alice.is_online)
        alice.send("bob", b"hello")
        world.run(0.0015)  # the frame has arrived
        world.network.links(alice.name)[0].half_open()
        world.run(2.5)
        return settled(world)

    def without(self) -> AbstractContextManager[object]:
        tick = Outbox.tick

        def give_up(self: Outbox, now: float) -> None:
            for item in list(self._in_flight.values()):
                if item.sent_at + self._timing.answer <= now:
                    message = item.message
                    self._drop(item)
                    refusal = Refusal(Code.UNAVAILABLE, "time-out", "")
                    failed = SendFailed(message.conversation, message.client_msg_id, refusal)
                    self._effects.events.append(failed)
            tick(self, now)

        return mock.patch.object(Outbox, "tick", give_up)
