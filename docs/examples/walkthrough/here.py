"""What the steps of the walkthrough share: new users on the node of ./var, or of IM_STATE_DIR."""

import os
import secrets
import socket
import tempfile
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from pathlib import Path
from time import time_ns
from typing import Any
from urllib.parse import urlsplit

from google.protobuf.message import Message as Body
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater, react

from im.client import Client, ClientSettings, environment_settings
from im.client.memory_state import MemoryState
from im.proto.base_pb2 import BaseMessage
from im.proto.session_pb2 import OnlineMessage, OnlineResult
from im.wire import codec
from im.wire.frames import frame

PATIENCE = 30.0


def somebody(name: str) -> str:
    """A user who never was here, so that every step can be run again."""
    return f"{name}-{secrets.token_hex(3)}"


def settings_of(user: str, environ: Mapping[str, str] = os.environ) -> ClientSettings:
    """Where the node is, and a token for a user. What the device has to remember is kept in memory."""
    with tempfile.TemporaryDirectory() as folder:
        state = str(Path(folder) / "device")
        found = environment_settings({**environ, "IM_CLIENT_USER": user, "IM_CLIENT_STATE": state})
        return replace(found, state=MemoryState())


def expect(is_so: bool, what: str) -> None:
    """Show what was seen; end with status 1 where it was not."""
    print(("" if is_so else "NOT SO: ") + what, flush=True)
    if not is_so:
        raise SystemExit(1)


class Line:
    """One connection by hand: a socket, frames of a length and an envelope, nothing hidden."""

    def __init__(self, user: str, environ: Mapping[str, str] = os.environ) -> None:
        settings = settings_of(user, environ)
        (address, *_) = settings.addresses
        place = urlsplit(address if "//" in address else address.replace(":", "://", 1))
        self._socket = socket.create_connection((place.hostname, place.port), PATIENCE)
        token = settings.token() if callable(settings.token) else settings.token
        self.online: Any = self.ask(
            OnlineMessage(
                min_version=1,
                max_version=1,
                token=str(token),
                device_id="by-hand",
                device_class="bot",
                attempt=time_ns() // 1_000_000,
            )
        )
        if not isinstance(self.online, OnlineResult):
            raise SystemExit(f"{user} could not log in: {self.online}")

    def write(self, payload: bytes) -> None:
        """Send the bytes of an envelope behind their length."""
        self._socket.sendall(frame(payload))

    def send(self, body: Body, request: int = 0) -> None:
        """Send a body in an envelope, and wait for nothing."""
        self.write(codec.pack(body, request))

    def receive(self) -> BaseMessage:
        """The next envelope."""
        return codec.unpack(self._exactly(int.from_bytes(self._exactly(4), "big")))

    def wait_for(self, kind: type[Body]) -> Any:
        """The next body of a kind; others that come before are passed over."""
        while True:
            body = codec.unpack_body(self.receive())
            if isinstance(body, kind):
                return body

    def ask(self, body: Body, request: int = 1) -> Body:
        """Send a request; the answer has its number, whatever else comes before."""
        self.send(body, request)
        while True:
            envelope = self.receive()
            if envelope.id == request:
                return codec.unpack_body(envelope)

    def cut(self) -> None:
        """Drop the connection without a word."""
        self._socket.close()

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self._socket.recv(size - len(data))
            if not more:
                raise SystemExit("the node closed the connection")
            data += more
        return data


class Stage:
    """Clients of the library, and what comes to them."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._clients: list[Client] = []

    def client(self, user: str, environ: Mapping[str, str] = os.environ) -> Client:
        """A client that connects at once."""
        made = Client(settings_of(user, environ), self._reactor)
        made.start()
        self._clients.append(made)
        return made

    async def until(self, is_so: Callable[[], bool], what: str) -> None:
        """Wait until something is so."""
        for _ in range(int(PATIENCE / 0.02)):
            if is_so():
                break
            await deferLater(self._reactor, 0.02, lambda: None)
        expect(is_so(), what)

    async def close(self) -> None:
        """Stop everybody."""
        for client in self._clients:
            await client.stop()


def play(step: Callable[[Stage], Coroutine[Any, Any, None]]) -> None:
    """Run a step of the walkthrough to its end."""

    async def main(reactor: Any) -> None:
        stage = Stage(reactor)
        await step(stage)
        await stage.close()

    react(lambda reactor: Deferred.fromCoroutine(main(reactor)))
