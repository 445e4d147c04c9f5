"""S2: a send is stored only after the one that it names in `after`."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

from im.adapters.sql.operations.posting import Posting
from im.core.errors import Refused
from im.core.messages import Send, Sent
from im.test.without.support import RuleTests, settled
from im.testing.ports import Rates
from im.testing.world import PortRates, World


class OrderTests(RuleTests, SynchronousTestCase):
    """S2: of two pipelined messages the first fails for the moment; the second must not overtake it."""

    def schedule(self) -> Sequence[str]:
        world = World(1)
        alice = world.client("alice")
        world.run_until(lambda: alice.is_online)
        world.node.set_rates(PortRates(store=Rates(fail=1)))
        alice.send("bob", b"first")
        world.run(0.0015)  # refused, and the refusal is on its way
        world.node.heal()
        alice.send("bob", b"second")
        return settled(world)

    def without(self) -> AbstractContextManager[object]:
        send = Posting.send

        def send_in_any_order(self: Posting, write: Send, now_ms: int) -> Sent | Refused:
            return send(self, write._replace(after=b""), now_ms)

        return mock.patch.object(Posting, "send", send_in_any_order)
