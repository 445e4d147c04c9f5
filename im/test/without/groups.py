"""A group in a simulated world, and what its members' apps are handed of it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from im.client.core.state import Unsent
from im.core.commands import Request
from im.core.entries import TEXT
from im.core.groups import group_conversation
from im.core.messages import Head, Send
from im.proto import group_pb2
from im.testing.clients import SimulatedClient
from im.testing.ports import Rates
from im.testing.world import World

KEY = b"%016d" % 1
TALK = group_conversation("alice", KEY)


class GroupWorld:
    """Alice's group TALK. Everything is asked for over the wire, but for `post_from_elsewhere`."""

    def __init__(self, *members: str) -> None:
        self.world = World(1)
        self.clients: dict[str, SimulatedClient] = {}
        self._keys = 10
        for user in ("alice", *members):
            self.start(user)
        self.world.run_until(lambda: all(client.is_online for client in self.clients.values()))
        alice = self.clients["alice"]
        body = group_pb2.CreateGroup(key=KEY, name="Talk", members=members)
        alice.core.ask(body, alice._now)
        self.run(1)

    def start(self, user: str) -> SimulatedClient:
        """Let a user come online."""
        if user not in self.clients:
            self.clients[user] = self.world.client(user)
        self.clients[user].start()
        return self.clients[user]

    def run(self, seconds: float) -> None:
        """Let time pass."""
        for client in self.clients.values():
            if client.is_running:
                client._turn()
        self.world.run(seconds)

    def change(self, user: str, seconds: float = 1.0, **change: object) -> None:
        """Ask for a change of the group, and let time pass."""
        self._keys += 1
        client = self.clients[user]
        body = group_pb2.ChangeGroup(conversation=TALK, key=b"%016d" % self._keys, **change)  # type: ignore[arg-type]
        client.core.ask(body, client._now)
        self.run(seconds)

    def post(self, user: str, text: bytes, seconds: float = 1.0) -> None:
        """Send a text to the group, and let time pass."""
        self._keys += 1
        client = self.clients[user]
        client.core.send(Unsent(TALK, b"%016d" % self._keys, 0, TEXT, text), client._now)
        self.run(seconds)

    def post_from_elsewhere(self, text: bytes) -> None:
        """Alice sends from a node that this one doesn't know."""
        self._keys += 1
        send = Send(TALK, "alice", "desk", b"%016d" % self._keys, b"", 0, TEXT, text)
        self.world.node.worker.execute([Request("elsewhere", 1, "", send)])

    @contextmanager
    def lost_hints(self) -> Iterator[None]:
        """Everything that the node should be told meanwhile is lost."""
        bus = self.world.node.faults[1]
        bus.rates = Rates(drop=1.0)
        yield
        bus.rates = Rates()

    def handed(self, user: str) -> list[bytes]:
        """What a user's app was handed of the group, without the entries that tell of the group itself."""
        texts = self.world.history.contents(self.clients[user].name, TALK)
        return [text for text in texts if text.startswith(b"text")]

    def head(self, user: str) -> Head | None:
        """The group in a user's list, as their client knows it."""
        heads = [head for head in self.clients[user].core.heads() if head.conversation == TALK]
        return heads[0] if heads else None

    def expect(self, user: str, *texts: bytes) -> Sequence[str]:
        """What is wrong, if a user was not handed just these."""
        handed = self.handed(user)
        return [] if handed == list(texts) else [f"{user} has {handed}, and not {list(texts)}"]


def users(*names: str) -> group_pb2.GroupUsers:
    """Users that a change names."""
    return group_pb2.GroupUsers(users=names)
