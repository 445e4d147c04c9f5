"""What every session registry does."""

from twisted.trial.unittest import TestCase

from im.ports import ISessionRegistry, Session


def a_session(**changes: object) -> Session:
    """A session of alice's phone on node `n1`, with changes."""
    plain = Session("s1", "alice", "phone-1", "phone", "n1", "g1", 1)
    return plain._replace(**changes)  # type: ignore[arg-type]


class RegistryContract(TestCase):
    """Mix in with a `registry` made in `setUp`."""

    registry: ISessionRegistry

    async def test_a_registered_session_is_found_at_its_node(self) -> None:
        await self.registry.register(a_session())
        await self.registry.register(a_session(id="s2", user="bob", node="n2"))
        located = await self.registry.locate(["alice", "bob", "carol"])
        self.assertEqual({"n1": ["alice"], "n2": ["bob"]}, {n: list(u) for n, u in located.items()})

    async def test_a_user_with_sessions_on_two_nodes_is_found_at_both(self) -> None:
        await self.registry.register(a_session())
        await self.registry.register(a_session(id="s2", device="desk", node="n2"))
        self.assertEqual({"n1", "n2"}, set(await self.registry.locate(["alice"])))

    async def test_registering_answers_with_all_sessions_of_the_user(self) -> None:
        first, second = a_session(), a_session(id="s2", device="desk")
        await self.registry.register(first)
        self.assertEqual({first, second}, set(await self.registry.register(second)))

    async def test_registering_twice_is_registering_once(self) -> None:
        await self.registry.register(a_session())
        self.assertEqual([a_session()], await self.registry.register(a_session()))

    async def test_an_older_login_of_a_device_is_refused(self) -> None:
        newer = a_session(id="s2", fence=5)
        await self.registry.register(newer)
        self.assertEqual([newer], await self.registry.register(a_session(fence=4)))

    async def test_an_unregistered_session_is_not_found(self) -> None:
        await self.registry.register(a_session())
        await self.registry.unregister(a_session())
        await self.registry.unregister(a_session())
        self.assertEqual({}, await self.registry.locate(["alice"]))

    async def test_unregistering_compares_the_fence(self) -> None:
        await self.registry.register(a_session(fence=5))
        await self.registry.unregister(a_session(fence=4))
        self.assertEqual(["n1"], list(await self.registry.locate(["alice"])))

    async def test_sessions_lists_one_user_or_everyone(self) -> None:
        alice, bob = a_session(), a_session(id="s2", user="bob")
        await self.registry.register(alice)
        await self.registry.register(bob)
        self.assertEqual([alice], await self.registry.sessions("alice"))
        self.assertEqual({alice, bob}, set(await self.registry.sessions(None)))
        self.assertEqual([], await self.registry.sessions("carol"))

    async def test_an_audience_is_found_at_every_node_that_holds_it(self) -> None:
        await self.registry.join("n1", ["g~1", "g~2"])
        await self.registry.join("n2", ["g~2"])
        held = await self.registry.holding(["g~1", "g~2", "g~3"])
        self.assertEqual({"n1": {"g~1", "g~2"}, "n2": {"g~2"}}, {node: set(held[node]) for node in held})

    async def test_an_audience_that_was_left_is_held_no_more(self) -> None:
        await self.registry.join("n1", ["g~1", "g~2"])
        await self.registry.join("n1", ["g~1"])
        await self.registry.leave("n1", ["g~1", "g~9"])
        held = await self.registry.holding(["g~1", "g~2"])
        self.assertEqual({"n1": ["g~2"]}, {node: list(held[node]) for node in held})
