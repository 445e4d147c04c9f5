"""L2: a device's row takes only a larger attempt, and that number is the fence."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from unittest import mock

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from im.adapters.sql.operations.users import Users
from im.core.commands import LoggedIn, Login
from im.core.errors import Refused
from im.ports import Identity
from im.test.without.support import RuleTests
from im.testing.world import TrustingAuthenticator, World


class AttemptTests(RuleTests, SynchronousTestCase):
    """L2: a login that its client has abandoned comes through late; it must not displace the newer one."""

    def schedule(self) -> Sequence[str]:
        waiting: list[Deferred[Identity]] = []

        def authenticate(self: TrustingAuthenticator, token: str) -> "Deferred[Identity]":
            waiting.append(Deferred())
            return waiting[-1]

        def identify(number: int) -> None:
            waiting[number].callback(Identity("bob", 0, frozenset({"user"})))

        world = World(1)
        with mock.patch.object(TrustingAuthenticator, "authenticate", authenticate):
            bob = world.client("bob")
            world.run_until(lambda: len(waiting) == 1)
            world.network.links(bob.name)[0].half_open()
            bob.kill()
            bob.start()
            world.run_until(lambda: len(waiting) == 2, 1.4)
            identify(1)
            world.run_until(lambda: bob.is_online, 0.5)
            identify(0)
            world.run(1)
        return ["bob was displaced by his own older login"] if bob.was_sent_away else []

    def without(self) -> AbstractContextManager[object]:
        logins = iter(range(1, 100))

        def take_any(self: Users, login: Login, now_ms: int) -> LoggedIn | Refused:
            return LoggedIn(login.user, login.device, next(logins))

        return mock.patch.object(Users, "login", take_any)
