"""The API over everything that stands behind it but sockets: a client's requests, a node's batches."""

import json
from collections.abc import Mapping
from itertools import count
from typing import Any, NamedTuple, cast

from twisted.internet.defer import Deferred, succeed
from twisted.internet.protocol import Protocol
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from im.adapters.memory.bus import MemoryNodeBus
from im.adapters.memory.registry import MemoryRegistry
from im.adapters.sql.sqlite import StorePolicy
from im.adapters.token.authenticator import TokenAuthenticator
from im.adapters.token.keys import KeyRing
from im.adapters.token.signed import SignedTokens
from im.business.access import Access
from im.business.hooks import NO_HOOKS, Hooks, HookSet
from im.business.keys import Keys
from im.business.pushing import Pushes, PushPorts
from im.business.questions import Questions
from im.business.webhook_desk import DeskSettings
from im.business.worker import Worker, WorkerPorts
from im.core.backends import SCOPES
from im.core.commands import Command, CreateUser, Login, Request, Result
from im.core.limits import Limits
from im.core.messages import MoveDelivered
from im.http.api.about import Addresses
from im.http.api.serve import ApiPorts, ApiSettings, operators_api, public_api
from im.http.port import public_root
from im.http.site import QuietSite
from im.ports import IStore, NodeBatch, Session
from im.test.gateway.transports import FakeSocket
from im.test.memory_store import memory_store

NOW = 1_800_000_000.0
ORIGIN = "https://shop.example"


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: dict[str, str]
    body: Any

    @property
    def refusal(self) -> tuple[int, str, str]:
        """Status, code and field of an error."""
        error = self.body["error"]
        return self.status, error["code"], error["field"]


class ApiCase(SynchronousTestCase):
    """A whole API, on a clock, with the node `n1` that only listens."""

    limits = Limits()

    def setUp(self) -> None:
        """Put everything together; `self.key` may everything."""
        self.clock = Clock()
        self.registry, self.bus = MemoryRegistry(), MemoryNodeBus()
        policy = StorePolicy(self.limits, users_open=False)
        self.store = memory_store(self, self.now_ms, policy)
        self._hooks = Hooks(self.hooks(), self.clock, self.now_ms)
        worker_ports = WorkerPorts(self.store, self.registry, self.bus)
        self.worker = Worker(self.clock, worker_ports, questions=Questions(self._hooks, False))
        self.pushes = Pushes(self.clock, PushPorts(self.store, self.registry, self.worker.tell))
        self.worker.observe(self.pushes.committed)
        self.told: list[NodeBatch] = []
        self.posted: list[tuple[str, Mapping[str, str], bytes]] = []
        self.post_problem = ""
        self.bus.attach("n1", self.told.append)
        self._asked: dict[int, Deferred[Result]] = {}
        self.bus.attach("api", self._answered)
        numbers = count(1)
        store = self.way_to_store()
        self.keys = Keys(store, lambda size: next(numbers).to_bytes(size, "big"), self.clock.seconds)
        self.tokens = SignedTokens(KeyRing("k", {"k": b"k" * 32}), lambda: NOW, 60)
        access = Access(store, self.registry, self.bus, self.now_ms)

        settings = ApiSettings(
            self.limits,
            self.clock,
            self.now_ms,
            lambda: next(numbers).to_bytes(16, "big"),
            lambda request: "10.0.0.1",
            lambda user: [Addresses("n1", ("tcp:127.0.0.1:7222",), "ws://127.0.0.1:7280/ws")],
            lambda user, seconds: self.tokens.mint(user, seconds),
            DeskSettings(self.post, self.now_ms, lambda size: next(numbers).to_bytes(size, "big")),
            frozenset({ORIGIN}),
            greeting="hello",
        )
        ports = ApiPorts(store, self.registry, self.pushes, access, self.keys, self.ask)
        authenticator = TokenAuthenticator(self.tokens)
        self.api = public_api(ports, settings, authenticator)
        root = public_root()
        root.putChild(b"v1", self.api)
        root.putChild(b"operators", operators_api(ports, settings, authenticator))
        self.site = QuietSite(root, self.clock)
        self.key = self.make_key(*SCOPES)

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> "Deferred[str]":
        """Take a post to a webhook, and tell `self.post_problem` of it."""
        self.posted.append((url, headers, body))
        return succeed(self.post_problem)

    def hooks(self) -> HookSet:
        """The hooks that are asked."""
        return NO_HOOKS

    def way_to_store(self) -> IStore:
        """The store as the API sees it."""
        return self.store

    def ask(self, command: Command) -> "Deferred[Result]":
        """Have a command done by the worker, as a node does."""
        number = len(self._asked) + 1
        asked = self._asked[number] = Deferred()
        self.worker.execute([Request("api", number, "", command)])
        return asked

    def _answered(self, batch: NodeBatch) -> None:
        for number, result in batch.results:
            self._asked[number].callback(result)

    def now_ms(self) -> int:
        """Unix ms."""
        return int((NOW + self.clock.seconds()) * 1000)

    def make_key(self, *scopes: str) -> str:
        """A key's text."""
        return self.successResultOf(Deferred.fromCoroutine(self.keys.create("test", scopes))).text

    def know(self, *users: str) -> None:
        """Make users known."""
        self.successResultOf(self.store.write([CreateUser(user) for user in users]))

    def serve_operators(self) -> None:
        """Let `/v1` be the API of the admin port."""
        root = self.site.resource
        root.children[b"v1"] = root.children.pop(b"operators")

    def own(self, user: str) -> str:
        """A user's own token."""
        return self.tokens.mint(user, 60)

    def come(self, user: str, device: str = "phone", device_class: str = "phone") -> None:
        """Bring a user's device online, on n1."""
        self.successResultOf(self.store.write([Login(user, device, device_class, 1)]))
        session = Session(f"{user}-{device}", user, device, device_class, "n1", "g", 1)
        self.successResultOf(self.registry.register(session))

    def acknowledge(self, user: str, seq: int, device: str = "phone") -> None:
        """A device acknowledges its inbox."""
        move = MoveDelivered(f"i~{user}", user, seq, device)
        self.successResultOf(self.worker.execute([Request("n1", 1, "", move)]))

    def start(
        self, method: str, path: str, body: Any = None, key: str | None = None, **headers: str
    ) -> FakeSocket:
        """Send a request; `key` "" is none, else the key that may everything."""
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        socket = FakeSocket()
        socket.protocol = cast(Protocol, self.site.protocol_for(socket.getPeer()))
        socket.protocol.makeConnection(socket)
        lines = [f"{method} {path} HTTP/1.1", "Host: h", f"Content-Length: {len(content)}"]
        if key != "":
            lines.append(f"Authorization: Bearer {self.key if key is None else key}")
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        socket.protocol.dataReceived("\r\n".join([*lines, "", ""]).encode() + content)
        return socket

    def answer(self, socket: FakeSocket) -> Answer:
        """What came on a socket."""
        head, _, body = socket.take().partition(b"\r\n\r\n")
        socket.end()
        first, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        if headers.get("transfer-encoding") == "chunked":
            body = body.partition(b"\r\n")[2].rpartition(b"\r\n0\r\n")[0]
        return Answer(int(first.split()[1]), headers, json.loads(body) if body.strip() else None)

    def call(
        self, method: str, path: str, body: Any = None, key: str | None = None, **headers: str
    ) -> Answer:
        """Send a request and take its answer, in whatever turns of the clock it needs."""
        socket = self.start(method, path, body, key, **headers)
        for _ in range(400):
            self.clock.advance(0)
        return self.answer(socket)

    def ok(self, method: str, path: str, body: Any = None, key: str | None = None) -> Any:
        """The body of an answer that is none but 200."""
        answer = self.call(method, path, body, key)
        self.assertEqual(200, answer.status, answer.body)
        return answer.body

    def refusal(
        self, method: str, path: str, body: Any = None, key: str | None = None
    ) -> tuple[int, str, str]:
        """Status, code and field of what is refused."""
        return self.call(method, path, body, key).refusal
