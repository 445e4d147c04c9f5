"""The base of the tests of bad input: a real node in this process, clients that speak the wire by hand.

A method `check_x` becomes three tests, `test_x_over_tcp`, `test_x_over_tls` and
`test_x_over_websocket`.
"""

import gc
import itertools
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, cast
from urllib.parse import urlsplit
from weakref import WeakSet

from twisted.internet import reactor as global_reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from twisted.trial.unittest import TestCase

from im.adapters.sql.sqlite import FileDatabase
from im.adapters.token.authenticator import TokenAuthenticator
from im.adapters.token.keys import KeyRing
from im.adapters.token.signed import SignedTokens
from im.core.errors import Code
from im.core.ids import uuid7
from im.core.limits import Limits
from im.gateway.node import Node
from im.gateway.stream import StreamTransport
from im.proto.base_pb2 import Close, Error
from im.proto.chat_pb2 import Chat
from im.proto.session_pb2 import Heartbeat, HeartbeatAck, OnlineMessage, OnlineResult
from im.tap.config import Config
from im.tap.embedded import EmbeddedCore, EmbeddedLayers, Needs
from im.tap.parts import NodeParts, Opening
from im.tap.process import INodeReactor
from im.test.gateway.certificates import write_certificate
from im.test.system.raw_client import PATIENCE_SECONDS, RawClient, connect

KINDS = ("tcp", "tls", "websocket")
FREE = "0:interface=127.0.0.1"
CONVERSATION = "d~alice~bob"

reactor = cast(INodeReactor, global_reactor)


class Prepared(NamedTuple):
    """Files that are slow to make and the same for all: an empty database, a certificate, its key."""

    database: bytes
    cert: bytes
    key: bytes


@cache
def _prepared() -> Prepared:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = write_certificate(folder)
        database = FileDatabase(folder / "im.sqlite")
        database.open()
        database.close()
        return Prepared(database.path.read_bytes(), files.cert.read_bytes(), files.key.read_bytes())


def _transports() -> list[StreamTransport]:
    """All that are in memory; those of tests before are held by the test runner."""
    return [each for each in gc.get_objects() if isinstance(each, StreamTransport)]


class BadInputCase(TestCase):
    """Starts one node with the limits that a test needs. `kind` is how its clients connect."""

    timeout = 90.0
    kind = "tcp"
    node: Node

    def __init_subclass__(cls) -> None:
        for name, check in list(vars(cls).items()):
            if name.startswith("check_"):
                for kind in KINDS:
                    setattr(cls, f"test_{name.removeprefix('check_')}_over_{kind}", _over(kind, check))

    def setUp(self) -> None:
        self.state = Path(self.mktemp()).resolve()
        self.state.mkdir(parents=True)
        prepared = _prepared()
        (self.state / "im.sqlite").write_bytes(prepared.database)
        (self.state / "cert.pem").write_bytes(prepared.cert)
        (self.state / "key.pem").write_bytes(prepared.key)
        self.wall: Callable[[], float] = time.time
        self.keys = KeyRing("k1", {"k1": bytes(32)})
        self.fatal: list[str] = []
        self.logged: list[LogEvent] = []
        self.of_others = WeakSet(_transports())
        self._counter = itertools.count(1)
        observer = cast(ILogObserver, self.logged.append)
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)

    # The node.

    async def start_node(self, users: str = "open", **limits: Any) -> None:
        """Start a node that ends with the test."""
        chosen = {"refusal_delay_seconds": 0.01, "drain_seconds": 0.1} | limits
        tls = f"tls:{FREE}:cert={self.state}/cert.pem:key={self.state}/key.pem"
        config = Config(
            state_dir=self.state,
            users=users,
            listen=(f"tcp:{FREE}", tls),
            http=f"tcp:{FREE}",
            admin=f"tcp:{FREE}",
            limits=Limits(**chosen),
        )
        parts = NodeParts(config, reactor, self._open_layers, self.fatal.append)
        self.addCleanup(lambda: delattr(self, "node"))
        self.addCleanup(lambda: Deferred.fromCoroutine(parts.stop()))
        self.addCleanup(lambda: Deferred.fromCoroutine(self.until(lambda: not self.node.connections)))
        self.told = await parts.start()

    def _open_layers(self, opening: Opening) -> EmbeddedLayers:
        return EmbeddedLayers(opening, self._build_core)

    def _build_core(self, needs: Needs) -> EmbeddedCore:
        tokens = self.signer(self.wall, needs.config.limits.clock_skew_seconds)
        core = EmbeddedCore(needs._replace(authenticator=TokenAuthenticator(tokens)))
        self.node = core.node
        return core

    def signer(self, now: Callable[[], float], skew: float = 60) -> SignedTokens:
        """What signs with the node's key, at its own time."""
        return SignedTokens(self.keys, now, skew)

    def token(self, user: str) -> str:
        """A good token."""
        return self.signer(self.wall).mint(user, 3_600)

    async def readiness(self) -> tuple[int, str]:
        """Status and text of `/readyz`."""

        def get() -> tuple[int, str]:
            try:
                with urllib.request.urlopen(f"{self.told.admin}/readyz", timeout=PATIENCE_SECONDS) as answer:
                    return answer.status, answer.read().decode()
            except urllib.error.HTTPError as error:
                with error:
                    return error.code, error.read().decode()

        return await deferToThread(get)

    async def until(self, is_so: Callable[[], object]) -> None:
        """Wait until something is so in the node."""
        ends_at = reactor.seconds() + PATIENCE_SECONDS
        while not is_so():
            assert reactor.seconds() < ends_at, "waited in vain"
            await self.pause(0.005)

    async def pause(self, seconds: float) -> None:
        """Do as a client that was told to come back after a time."""
        await deferLater(reactor, seconds)

    async def until_gone(self) -> None:
        """Wait until the node has no connection, and keeps none in memory."""
        await self.until(lambda: not self.node.connections)
        gc.collect()
        self.assertEqual([], [each for each in _transports() if each not in self.of_others])

    def said(self, part: str) -> list[str]:
        """The lines of the log with `part` in them."""
        return [line for event in self.logged if part in (line := formatEvent(event))]

    # Its clients.

    async def connect(self) -> RawClient:
        """A connection that is not logged in."""
        places = {"websocket": self.told.websocket, "tcp": self.told.listen[0], "tls": self.told.listen[1]}
        port = urlsplit(places[self.kind]).port
        assert port is not None
        client = await connect(self.kind, port, reactor)
        self.addCleanup(lambda: Deferred.fromCoroutine(client.leave()))
        return client

    async def log_in(self, user: str, **changes: Any) -> RawClient:
        """A connection that is logged in."""
        client = await self.connect()
        await client.expect(OnlineResult, client.ask(self.online(user, **changes)))
        return client

    def online(self, user: str, **changes: Any) -> OnlineMessage:
        """A good login, but for the changes."""
        fields: dict[str, Any] = {
            "min_version": 1,
            "max_version": 1,
            "token": self.token(user),
            "device_id": f"{user}-1",
            "device_class": "bot",
            "attempt": next(self._counter),
        }
        return OnlineMessage(**fields | changes)

    def chat(self, content: bytes = b"hello", **changes: Any) -> Chat:
        """A good message of alice to bob, but for the changes."""
        fields: dict[str, Any] = {
            "conversation": CONVERSATION,
            "client_msg_id": self.new_id(),
            "kind": 1,
            "content": content,
        }
        return Chat(**fields | changes)

    def new_id(self) -> bytes:
        """A new client_msg_id."""
        return uuid7(next(self._counter), bytes(10))

    async def assert_refused(self, client: RawClient, request_id: int, code: Code, field: str = "") -> Error:
        """The next thing said is this refusal of a request; the connection lives."""
        error = await client.expect(Error, request_id)
        self.assertEqual((code.label, field), (error.name, error.field), error.text)
        self.assertEqual((code, code.is_retryable), (error.code, error.retryable))
        self.assertNotEqual("", error.text)
        await self.assert_alive(client)
        return error

    async def assert_alive(self, client: RawClient) -> None:
        """The connection answers."""
        await client.expect(HeartbeatAck, client.ask(Heartbeat()))

    async def assert_closed(self, client: RawClient, code: Code, request_id: int = 0) -> Close:
        """The next and last thing said is this close."""
        close = await client.expect(Close, request_id)
        self.assertEqual(code.label, close.name, close.text)
        self.assertEqual((code, code.is_retryable), (close.code, close.reconnect))
        self.assertNotEqual("", close.text)
        await client.until_end()
        return close


def _over(kind: str, check: Callable[[Any], Awaitable[None]]) -> Callable[[Any], Awaitable[None]]:
    async def test(case: BadInputCase) -> None:
        case.kind = kind
        await check(case)

    return test
