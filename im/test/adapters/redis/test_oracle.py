"""The registry on Redis against that in memory, which is the reference."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from im.adapters.memory.registry import MemoryRegistry
from im.ports import ISessionRegistry, Session
from im.test.adapters.redis.cluster import ManyNodes, RedisCase, RedisNode

TWO, THREE = st.integers(0, 1), st.integers(0, 2)


class Step(NamedTuple):
    """One call; which of its numbers count depends on what it is."""

    what: str
    node: int
    user: int
    session: int
    fence: int
    audience: int


_WHATS = st.sampled_from(["register", "register", "register", "unregister", "join", "leave", "establish"])
_STEPS = st.lists(st.builds(Step, _WHATS, TWO, TWO, THREE, THREE, TWO), min_size=15, max_size=40)


def histories() -> Sequence[Sequence[Step]]:
    """The same every time."""
    found: list[list[Step]] = []

    @settings(max_examples=100, derandomize=True, deadline=None, database=None)
    @given(_STEPS)
    def collect(steps: list[Step]) -> None:
        found.append(steps)

    collect()
    return found


def plain(sessions: Iterable[Session]) -> Sequence[Session]:
    """In order, without the generations: a reference that never begins anew has no use for them."""
    return sorted(session._replace(generation="") for session in sessions)


def displaced(node: str, sessions: Iterable[Session]) -> Sequence[Session]:
    """Which of a node's sessions a newer login of their device displaces while all are entered in order."""
    present = [each for each in sessions if each.node != node]
    found = []
    for mine in sessions:
        device = (mine.user, mine.device)
        if mine.node != node:
            continue
        if any((each.user, each.device) == device and each.fence > mine.fence for each in present):
            found.append(mine)
        else:
            present.append(mine)
    return found


def ordered(located: Mapping[str, Sequence[str]]) -> Mapping[str, Sequence[str]]:
    return {node: sorted(found) for node, found in located.items()}


class Run:
    """One history, played on both."""

    def __init__(self, number: int, nodes: Mapping[str, RedisNode], real: ISessionRegistry) -> None:
        self._number = number
        self._nodes = nodes
        self._real = real
        self._model: ISessionRegistry = MemoryRegistry()
        self._generation = 0
        self.users = [f"user-{number}-{each}" for each in range(2)]
        self.audiences = [f"g~{number}-{each}" for each in range(2)]

    async def step(self, step: Step) -> None:
        """Do it. Raises AssertionError if they answer differently."""
        node, audiences = f"n{step.node}", [self.audiences[step.audience]]
        user, device = self.users[step.user], f"d{step.session % 2}"
        session = Session(f"{user}-{step.session}", user, device, "phone", node, "", step.fence)
        if step.what == "register":
            ours, theirs = await self._real.register(session), await self._model.register(session)
            assert plain(ours) == plain(theirs), (ours, theirs)
        elif step.what == "unregister":
            await self._real.unregister(session)
            await self._model.unregister(session)
        elif step.what == "join":
            await self._real.join(node, audiences)
            await self._model.join(node, audiences)
        elif step.what == "leave":
            await self._real.leave(node, audiences)
            await self._model.leave(node, audiences)
        else:
            await self._establish(node)

    async def _establish(self, node: str) -> None:
        """Let a node begin anew with what it holds by the reference; whoever is displaced has ended."""
        everyone = await self._model.sessions(None)
        mine = [each for each in everyone if each.node == node]
        held = await self._model.holding(self.audiences)
        self._generation += 1
        ended = await self._nodes[node].registration.establish(
            f"g{self._number}-{self._generation}", mine, held.get(node, [])
        )
        assert plain(ended) == plain(displaced(node, everyone)), (ended, everyone)
        for session in ended:
            await self._model.unregister(session)

    async def compare(self) -> None:
        """Raises AssertionError if they know different things."""
        for user in self.users:
            ours, theirs = await self._real.sessions(user), await self._model.sessions(user)
            assert plain(ours) == plain(theirs), (ours, theirs)
        for ask, names in (("locate", self.users), ("holding", self.audiences)):
            located = [ordered(await getattr(each, ask)(names)) for each in (self._real, self._model)]
            assert located[0] == located[1], located


class OracleTests(RedisCase):
    """Whatever is asked in whatever order, with nodes that begin anew, Redis answers as the memory does."""

    async def test_redis_is_the_memory_s_equal(self) -> None:
        nodes = {name: await self.node(name) for name in ("n0", "n1")}
        real = ManyNodes(nodes, self.directory())
        for number, steps in enumerate(histories()):
            run = Run(number, nodes, real)
            for step in steps:
                await run.step(step)
            await run.compare()
        self.assertEqual([node.doubts for node in nodes.values()], [[], []])
