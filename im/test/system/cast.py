"""Clients of several users for a scene with real processes, and what each of them is told, in order."""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import gatherResults

from im.client import Client, ClientSettings, Head, MemoryState, Message
from im.test.faults.nodes import Served, until


class Actor:
    """One device of a user. `handed` and `heads` are what it was told so far."""

    def __init__(self, user: str, client: Client) -> None:
        self.user = user
        self.client = client
        self.handed: list[Message] = []
        self.heads: list[Head] = []
        client.on_message(self.handed.append)
        client.on_head(self.heads.append)

    def seen(self, conversation: str) -> list[tuple[int, str]]:
        """Seq and text of what it was handed of a conversation."""
        return [(each.seq, each.text) for each in self.handed if each.conversation == conversation]


class Cast:
    """Whoever plays a scene; they connect to `served`."""

    def __init__(self, reactor: Any, served: Served) -> None:
        self.served = served
        self.reactor = reactor
        self._clients: list[Client] = []

    async def enter(self, *users: str) -> list[Actor]:
        """Each of these comes online with a new device; a user who is named twice has two."""
        actors = [self.come(user, MemoryState()) for user in users]
        await gatherResults([actor.client.heads() for actor in actors])
        return actors

    def come(self, user: str, state: MemoryState) -> Actor:
        """A user connects with the device of a state."""
        settings = ClientSettings(
            addresses=self.served.addresses_of(user), token=self.served.token(user), state=state
        )
        client = Client(settings, self.reactor)
        self._clients.append(client)
        actor = Actor(user, client)
        client.start()
        return actor

    async def until(self, is_so: Callable[[], bool], what: str) -> None:
        """Wait until something is so."""
        await until(self.reactor, is_so, what)

    async def leave(self) -> None:
        """Everybody goes."""
        await gatherResults([client.stop() for client in self._clients])
        self._clients.clear()
