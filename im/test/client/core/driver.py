"""Drives a core by hand: time is a number, the node is whoever calls `receive`."""

from typing import TypeVar

from google.protobuf.message import Message as Body

from im.client.core.events import Event, Message
from im.client.core.session import ClientCore, CoreSettings
from im.client.core.state import ClientState, Unsent
from im.client.memory_state import MemoryState
from im.proto import session_pb2
from im.test.client import server
from im.wire.codec import pack

E = TypeVar("E")
B = TypeVar("B", bound=Body)


def message_id(number: int) -> bytes:
    """A client message id that a failing test shows as a number."""
    return number.to_bytes(16, "big")


class Driver:
    """A core, its state, and what it wrote and told so far."""

    def __init__(self, state: ClientState | None = None, settings: CoreSettings | None = None) -> None:
        self.state = state or MemoryState("phone-1")
        self.core = ClientCore(settings or CoreSettings(), self.state, lambda: 0.5)
        self.now = 100.0
        self.frames: list[bytes] = []
        self.events: list[Event] = []
        self.collect()

    def collect(self) -> None:
        """Take what the core wants sent and told."""
        self.frames += self.core.take_frames()
        self.events += self.core.take_events()

    def connect(self) -> int:
        """Connect; the id of the login."""
        self.core.connected("token", self.now, int(self.now * 1000))
        self.collect()
        return self.take(session_pb2.OnlineMessage)[0][0]

    def login(self, result: session_pb2.OnlineResult | None = None) -> None:
        """Connect and be let in."""
        self.answer(self.connect(), result or server.online_result())

    def disconnect(self) -> None:
        """Lose the connection."""
        self.core.disconnected(self.now)
        self.collect()
        self.frames.clear()

    def receive(self, *payloads: bytes) -> None:
        """Let payloads arrive."""
        self.core.heard(self.now)
        for payload in payloads:
            self.core.received(payload, self.now)
        self.collect()

    def answer(self, request: int, body: Body) -> None:
        """Let the answer to a request arrive."""
        self.receive(pack(body, request))

    def wait(self, seconds: float) -> None:
        """Let time pass; the core ticks at its deadlines."""
        until = self.now + seconds
        while (due := self.core.deadline()) <= until:
            self.now = max(self.now, due)
            self.core.tick(self.now)
            self.collect()
        self.now = until

    def send(self, number: int, conversation: str = server.CHAT) -> None:
        """Send a message that is known by a number."""
        content = f"mine {number}".encode()
        self.core.send(Unsent(conversation, message_id(number), 0, 1, content), self.now)
        self.collect()

    def handle_all(self) -> list[int]:
        """Be done with every message that was handed out; their seqs."""
        messages = self.told(Message)
        for message in messages:
            self.core.handled(message, self.now)
        self.collect()
        return [message.seq for message in messages]

    def take(self, kind: type[B]) -> list[tuple[int, B]]:
        """The ids and bodies of one kind that were written; what is left stays for other calls."""
        taken = server.of_kind(self.frames, kind)
        self.frames = [each for each in self.frames if not isinstance(server.read_frame(each)[1], kind)]
        return taken

    def told(self, kind: type[E]) -> list[E]:
        """The events of one kind; what is left stays for other calls."""
        taken: list[E] = [event for event in self.events if isinstance(event, kind)]
        self.events = [event for event in self.events if not isinstance(event, kind)]
        return taken
