"""For authors of handlers: a whole node in memory, on a clock of its own, with your handlers in it.

    world = HandlerWorld(seed=7, handlers={"vote": VoteHandler()})
    alice = world.client("alice")
    asked = alice.call(Vote(poll="lunch", choice="soup"), to="bob")
    world.trouble(20)
    world.settle()
    assert asked.answer == Tally(...)
    assert world.texts("alice", "bob")[-1] == "lunch: soup 1"

Everything in it follows from the seed: what the network does, when processes die, who is late.
The node is real, with its database; only time, network and processes are simulated.
"""

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from google.protobuf.message import Message

from im.client.core import events
from im.client.core.events import AppBody
from im.core.entries import TEXT
from im.core.ids import direct_conversation
from im.core.messages import Entry
from im.handler import MessageHandler, Owner
from im.testing.clients import SimulatedClient
from im.testing.links import CALM, Weather
from im.testing.ports import Rates
from im.testing.world import SOUND, PortRates, World

LOSSY = Weather(0.0005, 0.05, 0.2)
"""Bytes arrive late, in pieces, and connections break."""

FAULTY = PortRates(
    registry=Rates(fail=0.1, delay=0.1),
    bus=Rates(drop=0.1, delay=0.1),
    bridge=Rates(drop=0.1, delay=0.1),
    store=Rates(fail=0.1, repeat=0.1, delay=0.1),
)
"""Every part behind the node fails now and then."""


class Asked:
    """One request of a client's. `answer` is a body of the handler's, or `Ok`; None as long as none came.

    `refusal` is the stable name of why it was refused for good, or "".
    """

    def __init__(self) -> None:
        self.answer: Message | None = None
        self.refusal = ""

    @property
    def is_done(self) -> bool:
        """Whether it was answered or refused."""
        return self.answer is not None or bool(self.refusal)


class HandlerClient(SimulatedClient):
    """A client whose app uses the handlers' types. `signals` are the bodies that came unasked."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.numbers: Mapping[type[Message], int] = {}
        self.bodies: Mapping[int, type[Message]] = {}
        self.signals: list[Message] = []
        self._open: dict[bytes, tuple[AppBody, Asked]] = {}
        self._asked: dict[int, bytes] = {}

    def call(self, body: Message, to: str = "", key: bytes = b"") -> Asked:
        """Ask what a handler owns, in the direct conversation with the user `to` if one is named.

        Like a good app it keeps the request until it is answered, also over its own crashes.
        """
        conversation = direct_conversation(self.user, to) if to else ""
        asked = Asked()
        request = AppBody(self.numbers[type(body)], body.SerializeToString(), conversation)
        once = key or self._around.random.randbytes(16)
        self._open[once] = request, asked
        if self.is_running:
            self._ask(once)
        return asked

    def start(self) -> None:
        """See `SimulatedClient`."""
        was_running = self.is_running
        super().start()
        if not was_running:
            self._asked = {}
            for key in self._open:
                self._ask(key)

    @property
    def is_idle(self) -> bool:
        """See `SimulatedClient`."""
        return super().is_idle and not self._open

    def _ask(self, key: bytes) -> None:
        request, _ = self._open[key]
        self._asked[self.core.call(request, key, self._now)] = key
        self._turn()

    def _happened(self, event: events.Event) -> None:
        match event:
            case events.Answered(request=request, body=body) if request in self._asked:
                _, asked = self._open.pop(self._asked.pop(request))
                asked.answer = self._parsed(body) if isinstance(body, AppBody) else body
            case events.RequestRefused(request=request, refusal=refusal) if request in self._asked:
                _, asked = self._open.pop(self._asked.pop(request))
                asked.refusal = refusal.label
            case events.Signalled(signal=signal):
                self.signals.append(self._parsed(signal))
            case _:
                super()._happened(event)

    def _parsed(self, body: AppBody) -> Message:
        return self.bodies[body.type].FromString(body.body)


class HandlerWorld:
    """A node with handlers, and clients. `handlers` are by the names of their entry points."""

    def __init__(
        self,
        seed: int,
        handlers: Mapping[str, MessageHandler],
        settings: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        mine = settings or {}
        owners = tuple(Owner(name, handler, mine.get(name, {})) for name, handler in handlers.items())
        for owner in owners:
            owner.handler.configure(owner.settings)
        self.world = World(seed, client_type=HandlerClient, owners=owners)
        self._bodies: dict[int, type[Message]] = {}
        for handler in handlers.values():
            self._bodies |= {handler.type: handler.body, **handler.bodies}
        self._numbers = {handler.body: handler.type for handler in handlers.values()}

    @property
    def random(self) -> Random:
        """Chance, from the seed."""
        return self.world.random

    def client(self, user: str, device: str = "phone") -> HandlerClient:
        """A client that starts at once."""
        client = self.world.client(user, device)
        assert isinstance(client, HandlerClient)
        client.bodies, client.numbers = self._bodies, self._numbers
        return client

    def run(self, seconds: float) -> None:
        """Let time pass."""
        self.world.run(seconds)

    def crash(self) -> None:
        """kill -9 the node, and start it again on what it committed."""
        self.world.restart_node()

    def trouble(self, seconds: float) -> None:
        """Let time pass in which everything goes wrong: links, ports, and crashes of node and clients."""
        self.world.network.weather = LOSSY
        self.world.node.set_rates(FAULTY)
        until = self.world.clock.rightNow + seconds
        while self.world.clock.rightNow < until:
            self.world.run(self.random.uniform(0.0, min(1.0, until - self.world.clock.rightNow)) + 0.001)
            self._one_trouble()
        self.world.network.weather = CALM
        self.world.node.set_rates(SOUND)

    def settle(self) -> None:
        """Heal everything, and run until everyone has everything. `AssertionError` if it never ends."""
        self.world.settle()
        waiting = [client.name for client in self.world.clients if not client.is_idle]
        assert not waiting, f"{', '.join(waiting)} still wait"

    def log(self, user: str, peer: str) -> list[Entry]:
        """All that is stored in the direct conversation of two users."""
        return self.world.log(user, direct_conversation(user, peer))

    def texts(self, user: str, peer: str) -> list[str]:
        """The texts among them."""
        return [entry.content.decode() for entry in self.log(user, peer) if entry.kind == TEXT]

    def _one_trouble(self) -> None:
        troubles: list[Callable[[], None]] = [self.crash, self._cut, self._kill_client, lambda: None]
        (trouble,) = self.random.choices(troubles, (1, 4, 2, 8))
        trouble()
        if trouble == self.crash:
            self.world.node.set_rates(FAULTY)

    def _cut(self) -> None:
        client = self.random.choice(self.world.clients)
        for link in self.world.network.links(client.name):
            link.cut_after(self.random.choice((link.client, link.server)), self.random.randrange(200))

    def _kill_client(self) -> None:
        client = self.random.choice(self.world.clients)
        client.kill()
        client.start()
